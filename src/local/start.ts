import { join, resolve } from 'node:path'
import { connect } from './api.ts'
import { parseArguments, USAGE } from './arguments.ts'
import { triggerCronEachMinute } from './cron.ts'
import { readRecord, writeRecord } from './demo-record.ts'
import { prepareDemo } from './demo.ts'
import { ensureDevVars } from './dev-vars.ts'
import { StartFailure } from './failure.ts'
import { requireFreePort } from './readiness.ts'
import { renderConsole, renderTour } from './tour.ts'
import { logPath, migrate, type Place, serve, whenAborted } from './wrangler.ts'

const project = resolve(import.meta.dirname, '../..')
const say = (text: string) => process.stdout.write(`${text}\n`)
const complain = (text: string) => process.stderr.write(`${text}\n`)

const stopping = new AbortController()
const { signal } = stopping
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => stopping.abort())
if (process.env['npm_lifecycle_event'] !== undefined) stopWithParent()
process.exit(await start(process.argv.slice(2)))

async function start(args: readonly string[]): Promise<number> {
  try {
    const { help, ...directories } = parseArguments(args, project)
    if (!help) return await runCarrel({ ...directories, project })
    say(USAGE)
    return 0
  } catch (error) {
    if (signal.aborted) return 0
    if (!(error instanceof StartFailure)) throw error
    complain(error.message)
    return error.exitCode
  }
}

async function runCarrel(place: Place): Promise<number> {
  const url = `http://127.0.0.1:${place.port}`
  await requireFreePort(place.port)
  say(`Carrel is starting on ${url}`)
  const { operatorKey } = await ensureDevVars(place.home)
  await migrate(place, signal)
  const wrangler = await serve(place, signal)
  try {
    await welcome(place, { url, operatorKey })
    void triggerCronEachMinute(url, complain, signal)
    const ended = await Promise.race([wrangler.exited, whenAborted(signal)])
    if (ended === 'aborted') return 0
    complain(`Wrangler ended with ${ended}; ${logPath(place)} may say why.`)
    // Nobody asked it to end, and its launcher says 0 of a Wrangler that was killed.
    return ended === 0 ? 1 : ended
  } finally {
    await wrangler.stop()
  }
}

/** A Worker whose demo study cannot be made keeps running, so that whoever is changing it can see why. */
async function welcome(place: Place, { url, operatorKey }: { url: string; operatorKey: string }) {
  const record = join(place.persistTo, 'demo.json')
  const copy = join(place.home, '.carrel/demo.json')
  try {
    const demo = await prepareDemo({ url, operatorKey, as: connect(url, signal), signal }, await readRecord(record))
    await writeRecord(record, demo)
    await writeRecord(copy, demo)
    say(`\nCarrel is up.\n\n${renderConsole(demo)}\n`)
    // It comes last: at its end the participant whose key the console was given is erased.
    say(`Try this, line by line:\n\n${renderTour(demo)}\n`)
    say(`# The keys of every role are in ${copy}.`)
  } catch (error) {
    signal.throwIfAborted()
    complain(`The demo study could not be prepared: ${error instanceof Error ? error.message : String(error)}`)
  }
  say(`# What the Worker logs is in ${logPath(place)}. Ctrl-C ends Carrel.`)
}

/** npm runs this in a shell, and a signal sent to npm ends the shell without getting here. */
function stopWithParent() {
  const parent = process.ppid
  setInterval(() => process.ppid !== parent && stopping.abort(), 250).unref()
}
