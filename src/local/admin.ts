import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs, parseEnv } from 'node:util'
import { z } from 'zod'
import { type Connection, connect, Refused } from './api.ts'
import { StartFailure } from './failure.ts'

export const ADMIN_USAGE = `Usage: npm run admin -- move-study STUDY DATABASE [--url URL]

Moves a study to another database while it is in use: 0 is DB, 1 is DB_1, and so on. It may be interrupted at any time, and
goes on when it is run again. To have the study stay where it is, give the number of the database that it is in.

  --url URL   where the service is (default http://127.0.0.1:8787)

The operator's key is read from OPERATOR_KEY in the environment, or from .dev.vars.
`

const USAGE_EXIT_CODE = 2
const PATIENCE_MS = 24 * 3_600_000
/** So often in a row it is asked again: of what is busy, and of what cannot be reached. */
const ATTEMPTS = 10
const PAUSE_MS = 1_000

const Move = z.object({
  database: z.number(),
  state: z.enum(['here', 'copying', 'clearing']),
  copied: z.number(),
  verified: z.number(),
  stoodStillMs: z.number().nullable(),
  differs: z.string().nullable(),
})
type Told = z.infer<typeof Move>

type Operator = ReturnType<Connection>
export type AdminArguments = Readonly<{ study: string; database: number; url: string }>

export function parseAdminArguments(args: readonly string[]): AdminArguments {
  const { values, positionals } = parse(args)
  const [command, study, database, ...more] = positionals
  if (command !== 'move-study' || study === undefined || more.length > 0)
    throw usageFailure('move-study is what it does.')
  if (database === undefined || !/^\d{1,4}$/.test(database)) throw usageFailure('DATABASE is a number.')
  return { study, database: Number(database), url: values.url ?? 'http://127.0.0.1:8787' }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: { url: { type: 'string' } } })
  } catch (error) {
    throw error instanceof TypeError ? usageFailure(error.message) : error
  }
}
const usageFailure = (message: string) => new StartFailure(`${message}\n\n${ADMIN_USAGE}`, USAGE_EXIT_CODE)

async function operatorKey(): Promise<string> {
  const set = process.env['OPERATOR_KEY']
  if (set) return set
  const file = await readFile(join(resolve(import.meta.dirname, '../..'), '.dev.vars'), 'utf8').catch(() => '')
  const key = parseEnv(file)['OPERATOR_KEY']
  if (!key) throw new StartFailure('OPERATOR_KEY is set neither in the environment nor in .dev.vars.')
  return key
}

/** Whether it may go otherwise the next time: what was said no to stays so. */
const isPassing = (error: unknown) =>
  error instanceof Refused ? error.status >= 500 || error.status === 429 : error instanceof Error

async function ask(operator: Operator, { study, database }: AdminArguments, left = ATTEMPTS): Promise<Told> {
  try {
    return Move.parse(await operator.post(`/v1/studies/${encodeURIComponent(study)}/move`, { database }))
  } catch (error) {
    if (left <= 1 || !isPassing(error)) throw error
    await sleep(PAUSE_MS)
    return ask(operator, { study, database, url: '' }, left - 1)
  }
}

const lineOf = ({ state, database, copied, verified, stoodStillMs }: Told): string => {
  if (state === 'here') return `The study is in database ${database}.`
  if (state === 'copying') return `In database ${database}: ${copied} rows copied, ${verified} verified.`
  const stood = stoodStillMs === null ? '' : ` It stood still for ${stoodStillMs} ms.`
  return `In database ${database}; what is left elsewhere is being cleared.${stood}`
}

/** Asks for one step after the other until the study is where it was asked to be. */
export async function moveStudy(operator: Operator, asked: AdminArguments, say: (line: string) => void): Promise<void> {
  for (;;) {
    const told = await ask(operator, asked)
    say(lineOf(told))
    if (told.differs !== null) {
      throw new StartFailure(
        `The copy of ${told.differs} is not what it is a copy of, so the study is not moved. ` +
          `\`move-study ${asked.study} ${told.database}\` gives the move up; then it can be begun anew.`,
      )
    }
    if (told.state === 'here') return
  }
}

export async function admin(args: readonly string[]): Promise<number> {
  try {
    const asked = parseAdminArguments(args)
    const connection = connect(asked.url, AbortSignal.timeout(PATIENCE_MS))(await operatorKey())
    await moveStudy(connection, asked, (line) => process.stdout.write(`${line}\n`))
    return 0
  } catch (error) {
    if (!(error instanceof StartFailure || error instanceof Refused)) throw error
    process.stderr.write(`${error.message}\n`)
    return error instanceof StartFailure ? error.exitCode : 1
  }
}

if (import.meta.main) process.exit(await admin(process.argv.slice(2)))
