import { DELAYS } from './distances.ts'
import type { Gone } from './load.ts'
import { OPERATIONS } from './operations.ts'
import { startService } from './processes.ts'

const FILES = 1_000
const TIMES = 8

const middleOf = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/** `primary primary r2` is `2 primary, r2`. */
function told(trips: string): string {
  const counts = new Map<string, number>()
  for (const trip of trips.split(' ').filter((each) => each !== '')) counts.set(trip, (counts.get(trip) ?? 0) + 1)
  return [...counts].map(([trip, times]) => (times === 1 ? trip : `${times} ${trip}`)).join(', ')
}

/** What each operation takes from a far edge, and what it goes for there. */
export async function benchFar(say: (text: string) => void): Promise<boolean> {
  const delays = Object.entries(DELAYS).map(([trip, milliseconds]) => `${trip} ${milliseconds} ms`)
  say(`From a far edge: ${delays.join(', ')}\n${'operation'.padEnd(44)}${'ms'.padStart(6)}  trips`)
  const service = await startService({ isFar: true })
  try {
    await service.order({ do: 'fill', files: FILES })
    for (const { name, steps = [name] } of OPERATIONS) {
      await service.order({ do: 'prepare', operation: name, times: TIMES })
      const walks = (await service.order({ do: 'go', times: TIMES })) as Gone[][] // what this order answers
      for (const [i, step] of steps.entries()) {
        // The first of them also loads what the others have.
        const gone = walks.slice(1).flatMap((walk) => walk[i] ?? [])
        const milliseconds = middleOf(gone.map((each) => each.milliseconds))
        say(`${step.padEnd(44)}${milliseconds.toFixed(0).padStart(6)}  ${told(gone.at(-1)?.trips ?? '')}`)
      }
    }
  } finally {
    await service.stop()
  }
  return true
}
