import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { Order, Ran } from './lane.ts'

const LANE = join(import.meta.dirname, 'lane.ts')

async function start(path: string, bail: number): Promise<ChildProcess> {
  // A group of its own: the simulators are its children, and are ended with it.
  const stdio = process.env['CARREL_LOG'] === '1' ? 'inherit' : 'ignore'
  const child = fork(LANE, [String(bail)], { cwd: path, detached: true, stdio: [stdio, stdio, stdio, 'ipc'] })
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve())
    child.once('exit', (code) => reject(new Error(`the lane ended before it began, with ${code}`)))
  })
  return child
}

function end({ pid }: ChildProcess) {
  if (pid !== undefined) process.kill(-pid, 'SIGKILL')
}

/** Runs files of tests in the copied tree; a run that takes longer than it may is ended, and the next begins afresh. */
export function openLane(path: string, { bail }: { bail: number }) {
  let child: ChildProcess | undefined

  async function run(order: Order, mayTakeMs: number): Promise<Ran | 'timed out'> {
    child ??= await start(path, bail)
    const lane = child
    const ran = await new Promise<Ran | 'timed out'>((resolve) => {
      const timer = setTimeout(() => resolve('timed out'), mayTakeMs)
      const done = (answer: Ran | 'timed out') => {
        clearTimeout(timer)
        lane.removeAllListeners()
        resolve(answer)
      }
      lane.once('message', (answer: Ran) => done(answer))
      // What takes the whole process with it is noticed too.
      lane.once('exit', () => done('timed out'))
      lane.send(order)
    })
    if (ran === 'timed out') close()
    return ran
  }

  function close() {
    if (child !== undefined && child.exitCode === null && child.signalCode === null) end(child)
    child = undefined
  }

  return { run, close }
}
