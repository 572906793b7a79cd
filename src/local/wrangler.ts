import { spawn } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Arguments } from './arguments.ts'
import { boundDatabases } from './bindings.ts'
import { devVarsPath, SECRET_NAMES } from './dev-vars.ts'
import { StartFailure } from './failure.ts'
import { keepLastLines, writeLog } from './output.ts'
import { waitForHealth } from './readiness.ts'

/** The project has the configuration and the migrations, `persistTo` all that is stored. */
export type Place = Readonly<Pick<Arguments, 'port' | 'persistTo' | 'home'> & { project: string }>
type Running = Readonly<{ exited: Promise<number>; stop: () => Promise<void> }>

export const logPath = (place: Place) => join(place.persistTo, 'carrel.log')

export async function migrate(place: Place, signal: AbortSignal) {
  await mkdir(place.persistTo, { recursive: true, mode: 0o700 })
  for (const database of await boundDatabases(place.project)) await migrateOne(place, database, signal)
}

async function migrateOne(place: Place, database: string, signal: AbortSignal) {
  const child = run(place, ['d1', 'migrations', 'apply', database, '--local', '--persist-to', place.persistTo])
  const lastLines = keepLastLines(child)
  const exited = exitOf(child)
  const code = await Promise.race([exited, whenAborted(signal)])
  if (code === 'aborted') await stopGroup(child, exited)
  signal.throwIfAborted()
  if (code !== 0) throw new StartFailure(`The database could not be migrated:\n${lastLines()}`)
}

/** Starts the Worker and returns when it is healthy. Errors are shown as they happen, all else is in the log. */
export async function serve(place: Place, signal: AbortSignal): Promise<Running> {
  const { port, persistTo, home, project } = place
  const listen = ['--ip', '127.0.0.1', '--port', String(port), '--inspector-port', '0']
  // Without --env-file Wrangler reads the project's .dev.vars, and reads it again when it changes.
  const secrets = home === project ? [] : ['--env-file', devVarsPath(home)]
  const child = run(place, ['dev', ...listen, '--persist-to', persistTo, ...secrets])
  const exited = exitOf(child)
  const stop = () => stopGroup(child, exited)
  const lastLines = keepLastLines(child)
  const hasShownErrors = writeLog(child, logPath(place))
  const died = async () => {
    const code = await exited
    const explained = hasShownErrors() ? '' : `\n${lastLines()}`
    throw new StartFailure(`Wrangler ended with ${code} before Carrel was up.${explained}`, code === 0 ? 1 : code)
  }
  try {
    await Promise.race([waitForHealth(`http://127.0.0.1:${port}`, signal), died()])
  } catch (error) {
    await stop()
    throw error
  }
  return { exited, stop }
}

function run({ project, persistTo }: Place, args: readonly string[]) {
  const leash = fileURLToPath(import.meta.resolve('./leash.ts'))
  return spawn(process.execPath, [leash, join(project, 'node_modules/wrangler/bin/wrangler.js'), ...args], {
    cwd: project,
    stdio: ['pipe', 'pipe', 'pipe'],
    // A group of its own: Ctrl-C reaches only us, and whatever Wrangler has started can be ended with it.
    detached: process.platform !== 'win32',
    env: environment(persistTo),
  })
}

type Leashed = ReturnType<typeof run>

function environment(persistTo: string) {
  const env = Object.assign({ ...process.env }, quiet(persistTo), LEAN)
  // A secret in the environment would win over `.dev.vars`, CLOUDFLARE_ENV would choose another configuration, and
  // WRANGLER_LOG another log than the one that is promised.
  for (const name of [...SECRET_NAMES, 'CLOUDFLARE_ENV', 'WRANGLER_LOG']) Reflect.deleteProperty(env, name)
  return env
}

/** Nothing is asked for over the network, and instances do not find each other: one would take the other's queue. */
const quiet = (persistTo: string) => ({
  WRANGLER_SEND_METRICS: 'false',
  WRANGLER_SEND_ERROR_REPORTS: 'false',
  WRANGLER_NO_SKILLS_UPDATE_PROMPTS: 'true',
  WRANGLER_HIDE_BANNER: 'true',
  WRANGLER_REGISTRY_PATH: join(persistTo, 'registry'),
  WRANGLER_LOG_PATH: join(persistTo, 'wrangler-logs'),
  CLOUDFLARE_CF_FETCH_ENABLED: 'false',
})

/**
 * So that memory stays what it is after a minute. What a request holds outside of JavaScript's memory goes with the small
 * object that stands for it, of which alone V8 is told: it would leave hundreds of MiB, so whenever it looks through the
 * newest objects, it is to look through all. And Wrangler would keep every line of the log until a debugger asks for it,
 * but for one who has said to have a debugger of their own.
 */
const LEAN = {
  MINIFLARE_WORKERD_V8_FLAGS: '--gc-global',
  VSCODE_INSPECTOR_OPTIONS: process.env['VSCODE_INSPECTOR_OPTIONS'] ?? '{}',
}

const exitOf = (child: Leashed) =>
  new Promise<number>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => resolve(code ?? 1))
  })

export const whenAborted = (signal: AbortSignal) =>
  new Promise<'aborted'>((resolve) => {
    if (signal.aborted) resolve('aborted')
    signal.addEventListener('abort', () => resolve('aborted'), { once: true })
  })

async function stopGroup({ stdin, pid }: Leashed, exited: Promise<number>) {
  stdin.destroy()
  await exited
  // The runtime of a Wrangler that had crashed before it was to stop.
  if (pid !== undefined && process.platform !== 'win32') killGroup(pid)
}

function killGroup(pid: number) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Nothing of it is left.
  }
}
