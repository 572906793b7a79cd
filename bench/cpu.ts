import { readdirSync, readFileSync } from 'node:fs'

// What processes have used, as Linux tells it (man 5 proc), in ticks of a hundredth of a second.

const TICK_MS = 10

/** The fields of a process's `stat` after its name, which may hold anything. */
function statOf(pid: string | number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    // It is gone, and uses nothing any more.
    return undefined
  }
}

const PARENT = 1
const TIMES = [11, 12]

/** A process and all that it has started, and they have. */
function treeOf(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? statOf(name)?.[PARENT] : undefined
    if (parent !== undefined) parents.set(Number(name), Number(parent))
  }
  const isBelow = (pid: number): boolean => pid === root || (parents.has(pid) && isBelow(parents.get(pid) ?? 0))
  return [...parents.keys()].filter((pid) => isBelow(pid))
}

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

/** Resident bytes of a process and all that is below it. */
export const residentBytesOf = (root: number): number =>
  treeOf(root).reduce((sum, pid) => sum + Number(statOf(pid)?.[21] ?? 0) * 4096, 0)
