import { readdirSync, readFileSync } from 'node:fs'

// Processes as Linux tells of them (man 5 proc).

const PAGE_BYTES = 4096
const PARENT = 1
const RESIDENT_PAGES = 21

/** The fields of a process's `stat` after its name, which may hold anything. */
export function statOf(pid: string | number): string[] | undefined {
  const text = told(pid, 'stat')
  return text?.slice(text.lastIndexOf(')') + 2).split(' ')
}

function told(pid: string | number, what: 'stat' | 'cmdline'): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${what}`, 'latin1')
  } catch {
    // It is gone, and uses nothing any more.
    return undefined
  }
}

/** A process and all that it has started, and they have. */
export function treeOf(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const parent = /^\d+$/.test(name) ? statOf(name)?.[PARENT] : undefined
    if (parent !== undefined) parents.set(Number(name), Number(parent))
  }
  const isBelow = (pid: number): boolean => pid === root || (parents.has(pid) && isBelow(parents.get(pid) ?? 0))
  return [...parents.keys()].filter((pid) => isBelow(pid))
}

const residentOf = (pid: number): number => Number(statOf(pid)?.[RESIDENT_PAGES] ?? 0) * PAGE_BYTES

/** Resident bytes of a process and all that is below it. */
export const residentBytesOf = (root: number): number => treeOf(root).reduce((sum, pid) => sum + residentOf(pid), 0)

/** The same of each, by what it was started as. */
export const residentBytesByProcess = (root: number): ReadonlyMap<number, { bytes: number; command: string }> =>
  new Map(treeOf(root).map((pid) => [pid, { bytes: residentOf(pid), command: told(pid, 'cmdline') ?? '' }]))
