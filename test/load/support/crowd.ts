import { setTimeout as sleep } from 'node:timers/promises'
import { buildersAt } from '../../crash/support/world.ts'
import { randomOf } from '../../crash/support/random.ts'
import { aLife } from './life.ts'
import { aName, type House } from './seat.ts'

/** How many things a participant does before they are erased, and somebody else takes their seat. */
const DEEDS_OF_A_LIFE = 25

export type Crowd = Readonly<{
  /** As many as there are seats go on by themselves, each with one thing after the other, until so much time has passed. */
  work: (seats: number, seconds: number) => Promise<void>
  counts: Readonly<{ acknowledged: number; deeds: number; lives: number }>
  /** What went wrong: what was told, or was not there. */
  wrongs: readonly string[]
}>

/** Everybody in a study of their own; the seed decides what is done. */
export async function aCrowd({
  origin,
  record,
  seed,
}: {
  origin: string
  record: string
  seed: number
}): Promise<Crowd> {
  const { demo, as, aStudy, aParticipant } = await buildersAt({ origin, record })
  const study = await aStudy()
  const [friend, owner] = [await aParticipant(study), as(demo.participants[0].key)]
  const house: House = { origin, as, friend, owner }
  const counts = { acknowledged: 0, deeds: 0, lives: 0 }
  const wrongs: string[] = []
  const random = randomOf(seed)

  async function live(isOver: () => boolean): Promise<void> {
    const externalId = aName()
    const participant = await aParticipant(study, { externalId })
    const note = () => (counts.acknowledged += 1)
    const life = aLife({ study, participant, note, house, random: randomOf(random.below(2 ** 30)), externalId })
    for (let deed = 0; deed < DEEDS_OF_A_LIFE && !isOver(); deed += 1) {
      await life.act()
      counts.deeds += 1
    }
    wrongs.push(...(await life.wrongs()).map(({ kind, what }) => `${kind}: ${what}`))
    await life.erase()
    counts.lives += 1
  }

  async function work(seats: number, seconds: number): Promise<void> {
    const until = Date.now() + seconds * 1_000
    const isOver = () => Date.now() >= until
    const atOne = async () => {
      while (!isOver()) {
        await live(isOver).catch(async (failure: unknown) => {
          wrongs.push(whereOf(failure))
          // Who was refused does not come back at once, as one that is down would be asked by nobody else.
          await sleep(100)
        })
      }
    }
    await Promise.all(Array.from({ length: seats }, atOne))
  }

  return { work, counts, wrongs }
}

/** What failed, and the deed that it failed in. */
function whereOf(failure: unknown): string {
  if (!(failure instanceof Error)) return String(failure)
  const places = failure.stack?.split('\n').filter((line) => line.includes('/test/load/')) ?? []
  const cause = failure.cause instanceof Error ? failure.cause.message : ''
  return [failure.message, cause, places[0]?.trim()].join(' ')
}
