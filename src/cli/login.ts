import { join, resolve } from 'node:path'
import { Argument, Option } from '@commander-js/extra-typings'
import { z } from 'zod'
import { CarrelError, createCarrel } from '../client/index.ts'
import type { Desk, Program } from './desk.ts'
import { EXIT, Failure, usage } from './failures.ts'
import { readIfThere } from './private-files.ts'
import { checkedUrl, type Profile, profileName, removeProfile, saveProfile, setIn } from './profiles.ts'
import { ask, isAsked, piped } from './questions.ts'
import { facts } from './shown.ts'

const ROLES = ['participant', 'friend', 'worker', 'staff', 'admin', 'download'] as const
type Role = (typeof ROLES)[number]

/** What `npm start` writes down: the keys of its demo study. */
const RECORD = join(resolve(import.meta.dirname, '../..'), '.carrel/demo.json')
const Person = z.object({ key: z.string() })
const Demo = z.object({
  url: z.string(),
  study: z.string(),
  adminKey: z.string(),
  workerKey: z.string(),
  staffKey: z.string(),
  downloadKey: z.string(),
  participants: z.tuple([Person, Person]),
})

async function demoProfile(record: string, role: Role): Promise<Profile> {
  const text = await readIfThere(record)
  if (text === undefined) {
    throw new Failure(`There is no ${record}: npm start writes it.`, { code: 'no_demo', exit: EXIT.notFound })
  }
  const demo = Demo.parse(JSON.parse(text))
  const [first, second] = demo.participants
  const keys: Record<Role, string> = {
    participant: first.key,
    friend: second.key,
    worker: demo.workerKey,
    staff: demo.staffKey,
    admin: demo.adminKey,
    download: demo.downloadKey,
  }
  return { url: demo.url, study: demo.study, key: keys[role] }
}

async function keyOf({ terminal }: Desk): Promise<string> {
  const set = setIn(terminal.env, 'CARREL_KEY')
  if (set !== undefined) return set
  const key = isAsked(terminal)
    ? await ask(terminal, 'Key (not shown): ', { isSecret: true })
    : (await piped(terminal)).trim()
  if (!/^[\x21-\x7e]+$/.test(key)) throw usage('That is no key: pipe it in, type it when asked, or set CARREL_KEY.')
  return key
}

type Question = Readonly<{ said: string | undefined; question: string; missing: string }>

async function answerTo({ terminal }: Desk, { said, question, missing }: Question): Promise<string> {
  const answer = said ?? (isAsked(terminal) ? await ask(terminal, question) : '')
  if (answer === '') throw usage(missing)
  return answer
}

async function askedProfile(desk: Desk, url: string | undefined): Promise<Profile> {
  const { env } = desk.terminal
  return {
    url: checkedUrl(
      await answerTo(desk, {
        said: url ?? setIn(env, 'CARREL_URL'),
        question: 'URL of the service: ',
        missing: 'Say --url.',
      }),
    ),
    study: await answerTo(desk, {
      said: desk.options.study ?? setIn(env, 'CARREL_STUDY'),
      question: 'Study: ',
      missing: 'Say --study.',
    }),
    key: await keyOf(desk),
  }
}

type Known = Readonly<{ role: string; participant: string | null; label: string | null }>

/** Whose key it is; what is good but no key of a study, such as a JWT, is somebody all the same. */
async function whoIs({ url, study, key }: Profile, { call, terminal }: Desk): Promise<Known> {
  const { retry } = terminal
  const carrel = createCarrel({ url, study, key, ...(retry === undefined ? {} : { retry }) })
  try {
    return await carrel.keys.get('self', call)
  } catch (failure) {
    if (!(failure instanceof CarrelError && ['key_not_found', 'forbidden'].includes(failure.code))) throw failure
    return { role: 'unknown', participant: null, label: null }
  }
}

export function addLogin(program: Program, desk: Desk): void {
  const { env } = desk.terminal
  program
    .command('login')
    .description('Sign in: the key is asked for, piped in, or CARREL_KEY, and kept for this user alone')
    .option('--url <url>', 'where the service is (CARREL_URL)')
    .addOption(
      new Option('--demo [role]', 'as someone of the demo study of `npm start`').choices(ROLES).preset('participant'),
    )
    .option('--record <file>', 'what `npm start` wrote, if it has another --home', RECORD)
    .action(async ({ url, demo, record }) => {
      const profile =
        demo === undefined ? await askedProfile(desk, url) : await demoProfile(resolve(desk.terminal.cwd, record), demo)
      const { role: as, participant, label } = await whoIs(profile, desk)
      const name = profileName(env, desk.options.profile)
      await saveProfile(env, name, profile)
      const told = { profile: name, url: profile.url, study: profile.study, role: as, participant, label }
      await desk.tell(told, facts(told))
    })

  program
    .command('logout')
    .description('Forget the key of a profile; it goes on being one: `carrel keys revoke self` ends it')
    .addArgument(new Argument('[profile]', 'which'))
    .action(async (asked) => {
      const name = profileName(env, asked ?? desk.options.profile)
      await removeProfile(env, name)
      await desk.tell({ profile: name }, `Forgotten: ${name}`)
    })
}
