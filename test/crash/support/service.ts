import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePort } from '../../support/free-port.ts'
import { type Process, processes } from './processes.ts'

const PROJECT = join(import.meta.dirname, '../../..')
const AGAIN = fileURLToPath(import.meta.resolve('./again.ts'))

/** How it is started, and the last thing that is printed then. */
const STARTS = {
  npm: { command: 'npm', args: ['start', '--'], up: 'Ctrl-C ends Carrel.' },
  again: { command: process.execPath, args: [AGAIN], up: 'Carrel is up again.' },
}
export type Place = Readonly<{ port: number; persistTo: string; home: string }>

export type Service = Readonly<{
  /** What was started, of which all else is a child. */
  pid: number
  /** All that ran when it was up. */
  started: readonly Process[]
  /** Whether its end has begun: what fails from then on fails by it. */
  isKilled: () => boolean
  /** Ends all of its processes at once, none of which can do anything about it, and waits until none is left. */
  kill: () => Promise<void>
}>

/** A port and folders that are nobody's; `root` is to be removed in the end. */
export async function aPlace(): Promise<Place & { root: string; origin: string }> {
  const root = await mkdtemp(join(tmpdir(), 'carrel-service-'))
  const port = await freePort()
  return { root, port, origin: `http://127.0.0.1:${port}`, persistTo: join(root, 'state'), home: join(root, 'home') }
}

/** Starts the local service, as it is started by `npm start`. */
export async function startService({ port, persistTo, home }: Place, by: keyof typeof STARTS): Promise<Service> {
  const { command, args, up } = STARTS[by]
  const options = ['--port', String(port), '--persist-to', persistTo, '--home', home]
  const child = spawn(command, [...args, ...options], { cwd: PROJECT, stdio: ['pipe', 'pipe', 'pipe'] })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += chunk.toString()))
  while (!printed.includes(up)) {
    if (child.exitCode !== null) throw new Error(printed)
    await sleep(20)
  }
  if (printed.includes('could not be prepared')) throw new Error(printed)
  const started = await startedBy(child)
  let killed = false
  return {
    pid: child.pid ?? 0,
    started,
    isKilled: () => killed,
    kill: async () => {
      if (killed) return
      killed = true
      for (const each of started) end(each)
      await Promise.all([exitOf(child), goneAre(started)])
    },
  }
}

/** Wrangler leads a group, with all that runs the Worker in it, and goes first. */
async function startedBy({ pid }: ChildProcess): Promise<Process[]> {
  const all = await processes()
  const childrenOf = (parent: number | undefined): Process[] =>
    all.filter((each) => each.parent === parent).flatMap((each) => [...childrenOf(each.pid), each])
  const found = [...childrenOf(pid), ...all.filter((each) => each.pid === pid)]
  const leaders = found.filter((each) => each.group === each.pid)
  if (leaders.length !== 1) throw new Error(`${leaders.length} groups of processes were started, and not one`)
  return [...leaders, ...found.filter((each) => !leaders.includes(each))]
}

function end({ pid, group }: Process) {
  try {
    process.kill(group === pid ? -pid : pid, 'SIGKILL')
  } catch (error) {
    // It went with its group.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

async function goneAre(started: readonly Process[]) {
  const pids = new Set(started.map(({ pid }) => pid))
  while ((await processes()).some(({ pid, group, isDead }) => !isDead && (pids.has(pid) || pids.has(group)))) {
    await sleep(10)
  }
}

async function exitOf(child: ChildProcess) {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
}
