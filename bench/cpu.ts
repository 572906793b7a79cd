import { readFileSync } from 'node:fs'
import { statOf, treeOf } from '../test/support/process-tree.ts'

// What processes have used, as Linux tells it (man 5 proc), in ticks of a hundredth of a second.

const TICK_MS = 10
const TIMES = [11, 12]

/** Milliseconds of CPU that a process and all that is below it have used so far, in user and kernel mode. */
export function cpuMillisecondsOf(root: number): number {
  const ticks = treeOf(root).map((pid) => {
    const stat = statOf(pid)
    return TIMES.reduce((sum, field) => sum + Number(stat?.[field] ?? 0), 0)
  })
  return ticks.reduce((sum, each) => sum + each, 0) * TICK_MS
}

/** What all processors of the machine have done so far, in milliseconds, but for being idle. */
export function busyMilliseconds(): number {
  const [, user, nice, system, , , irq, softirq, steal] = (
    readFileSync('/proc/stat', 'latin1').split('\n', 1)[0] ?? ''
  ).split(/\s+/)
  return [user, nice, system, irq, softirq, steal].reduce((sum, each) => sum + Number(each), 0) * TICK_MS
}
