import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { platform } from 'node:process'
import { promisify } from 'node:util'

export type Process = Readonly<{ pid: number; parent: number; group: number; isDead: boolean }>

/** All that run on this machine; small systems have no `ps`. */
export const processes = async (): Promise<Process[]> => (platform === 'linux' ? ofProc() : ofPs())

async function ofProc(): Promise<Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const stats = await Promise.all(pids.map(statOf))
  return stats
    .filter((text) => text !== '')
    .map((text) => {
      // A name may be anything, brackets and blanks included.
      const [state, parent, group, ...others] = text.slice(text.lastIndexOf(')') + 2).split(' ')
      // One that has threads left may still hold its files.
      const isDead = state === 'Z' && others[14] === '1'
      return { pid: Number.parseInt(text), parent: Number(parent), group: Number(group), isDead }
    })
}

/** Nothing of one that has gone since. */
async function statOf(pid: string): Promise<string> {
  try {
    return await readFile(`/proc/${pid}/stat`, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return ''
    throw error
  }
}

async function ofPs(): Promise<Process[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,pgid=,stat='])
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, parent, group, state = ''] = line.trim().split(/\s+/)
      return { pid: Number(pid), parent: Number(parent), group: Number(group), isDead: state.startsWith('Z') }
    })
}
