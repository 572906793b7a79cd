// The start script as a developer meets it: the real Wrangler, the real Worker. Nothing of the project's own state is
// touched: secrets, record and database are below a folder that is given.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'

const PROJECT = join(import.meta.dirname, '../../..')
const START = join(PROJECT, 'src/local/start.ts')
/** The last thing that is printed. */
const UP = 'Ctrl-C ends Carrel.'

export type Started = Readonly<{ child: ChildProcess; port: number; printed: () => string }>

/** @param root where the home is, and beside it the state of each */
export function startsIn(root: string) {
  const running = new Set<ChildProcess>()

  function spawnCarrel(port: number, state: string, by: 'node' | 'npm' = 'node'): Started {
    const options = ['--port', String(port), '--persist-to', join(root, state), '--home', join(root, 'home')]
    const [command, args] = by === 'npm' ? ['npm', ['start', '--']] : [process.execPath, [START]]
    const child = spawn(command, [...args, ...options], { cwd: PROJECT, stdio: ['ignore', 'pipe', 'pipe'] })
    running.add(child)
    let text = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
    return { child, port, printed: () => text }
  }

  async function startCarrel(port: number, state = 'state'): Promise<Started> {
    const started = spawnCarrel(port, state)
    await isUp(started)
    return started
  }

  async function exitOf(child: ChildProcess) {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    running.delete(child)
    return child.exitCode
  }

  async function stop(child: ChildProcess) {
    child.kill('SIGTERM')
    return exitOf(child)
  }

  return { spawnCarrel, startCarrel, exitOf, stop, stopAll: async () => Promise.all([...running].map(stop)) }
}

export async function isUp({ child, printed }: Started): Promise<void> {
  while (!printed().includes(UP)) {
    if (child.exitCode !== null) throw new Error(printed())
    await sleep(50)
  }
  expect(printed()).not.toContain('could not be prepared')
}
