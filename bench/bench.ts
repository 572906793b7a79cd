import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startService } from './processes.ts'
import { measure, type Measured } from './measure.ts'
import { OPERATIONS } from './operations.ts'
import { benchFar } from './far-table.ts'
import { measureStartup, tellOf } from './startup.ts'
import { tableOf, verdictOf } from './table.ts'

// Carrel beside a bare Worker that does the same work, on one database, in turn: what each asks of the processor, and how
// long it takes. `npm run bench -- --help` says how.

const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    million: { type: 'boolean' },
    far: { type: 'boolean' },
    startup: { type: 'boolean' },
    quick: { type: 'boolean' },
    files: { type: 'string', multiple: true },
    only: { type: 'string', multiple: true },
    out: { type: 'string', default: join(import.meta.dirname, '../.carrel/bench.json') },
  },
})

const HELP = `npm run bench -- [options]
  --million        also with 1,000,000 files, which takes some minutes more
  --far            instead: how long each takes from a far edge, and which trips it makes
  --startup        instead: what a new isolate has to do before its first request
  --quick          fewer rounds: for a look, not for a verdict
  --files N        with so many files instead; may be repeated
  --only TEXT      only operations whose name holds this; may be repeated
  --out FILE       where the figures go as JSON (.carrel/bench.json)
`

const say = (text: string) => process.stdout.write(`${text}\n`)

async function bench(): Promise<boolean> {
  const service = await startService()
  const measured: Measured[] = []
  try {
    const sizes = values.files?.map(Number) ?? [10_000, 100_000, ...(values.million === true ? [1_000_000] : [])]
    for (const files of sizes) {
      await service.order({ do: 'fill', files })
      for (const operation of OPERATIONS) {
        if (values.only !== undefined && !values.only.some((text) => operation.name.includes(text))) continue
        const one = await measure(service, operation, { files, isQuick: values.quick === true })
        measured.push(one)
        say(tableOf([one], { isHeaded: measured.length === 1 }))
      }
    }
  } finally {
    await service.stop()
  }
  const verdict = verdictOf(measured)
  say(`\n${verdict.text}`)
  const startup = measureStartup()
  const told = tellOf(startup)
  say(`\n${told.text}`)
  const machine = { processors: cpus().length, model: cpus()[0]?.model, node: process.version }
  mkdirSync(join(values.out, '..'), { recursive: true })
  writeFileSync(
    values.out,
    `${JSON.stringify({ at: new Date().toISOString(), machine, measured, startup }, undefined, 2)}\n`,
  )
  return verdict.isMet && told.isMet
}

function benchStartup(): boolean {
  const { isMet, text } = tellOf(measureStartup())
  say(text)
  return isMet
}

async function run(): Promise<boolean> {
  if (values.far === true) return benchFar(say)
  return values.startup === true ? benchStartup() : bench()
}

if (values.help === true) say(HELP)
else process.exitCode = (await run()) ? 0 : 1
