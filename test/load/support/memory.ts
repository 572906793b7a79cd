import { setTimeout as sleep } from 'node:timers/promises'
import { MIB } from '../../support/bytes.ts'
import { residentBytesByProcess } from '../../support/process-tree.ts'

type Sample = Readonly<{ second: number; held: ReturnType<typeof residentBytesByProcess> }>

const sumOf = ({ held }: Sample) => [...held.values()].reduce((sum, { bytes }) => sum + bytes, 0)
const middleOf = (values: readonly number[]) => values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0

/** Looks at what a process and all below it hold in memory, each second. */
export function watchMemory(root: number) {
  const samples: Sample[] = []
  const begun = Date.now()
  const stopping = new AbortController()
  const watching = watch()

  async function watch() {
    while (!stopping.signal.aborted) {
      samples.push({ second: (Date.now() - begun) / 1_000, held: residentBytesByProcess(root) })
      await sleep(1_000, undefined, { signal: stopping.signal }).catch((failure: unknown) => {
        if (!stopping.signal.aborted) throw failure
      })
    }
  }

  return {
    /** From one second up to another, counted from the first sample on. */
    between: (from: number, until: number) => samples.filter(({ second }) => second >= from && second < until),
    stop: async () => {
      stopping.abort()
      await watching
    },
  }
}

export const middleBytes = (samples: readonly Sample[]) => middleOf(samples.map(sumOf))

/** Which process held how much, in the middle of some samples. */
export function heldIn(samples: readonly Sample[]): string {
  const pids = new Map(samples.flatMap(({ held }) => [...held].map(([pid, { command }]) => [pid, command] as const)))
  return [...pids]
    .map(([pid, command]) => {
      const bytes = middleOf(samples.map(({ held }) => held.get(pid)?.bytes ?? 0))
      return `${(bytes / MIB).toFixed(0)} MiB ${nameOf(command)}`
    })
    .join(', ')
}

/** The file that a process runs, of which Node's is the script. */
function nameOf(command: string): string {
  const [program = '', script] = command.split('\0').filter((each) => !each.startsWith('--'))
  const said = program.endsWith('node') && script !== undefined ? script : program
  return said.split('/').at(-1) ?? said
}
