// How late what runs without a request is, and how late it may be.

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

/** What the service tells how late it is with. */
export const DUTIES = ['sweep', 'uploads', 'outbox', 'erasures', 'departures', 'deadLetters'] as const
export type Duty = (typeof DUTIES)[number]

/**
 * How long each may have gone undone. An erasure waits for the last URL that could bring bytes back, a week at most, and
 * a day more; everything else is done within minutes, unless something fails again and again. A dead letter is told of
 * for a day.
 */
const MOST_MS = {
  sweep: 5 * MINUTE_MS,
  uploads: HOUR_MS,
  outbox: HOUR_MS,
  erasures: 9 * DAY_MS,
  departures: HOUR_MS,
} as const satisfies Record<Exclude<Duty, 'deadLetters'>, number>
const DEAD_LETTERS_TOLD_MS = DAY_MS

/** How many of what waits are counted at most. */
export const MOST_COUNTED = 500

/** What waits to be done: how many, and since when the longest does; null: nothing. */
export type Backlog = Readonly<{ count: number; oldest: Date | null }>
/** Messages that a queue gave up on: how many so far, and when the last one came. */
export type DeadLetters = Readonly<{ count: number; lastAt: Date | null }>

export type Health = Readonly<{
  /** When all parts of the sweep last ran to their end; null: never. */
  sweptAt: Date | null
  /** Open uploads past the time at which the sweep looks at them. */
  uploads: Backlog
  /** Bytes past the time at which they are to be deleted. */
  outbox: Backlog
  /** Erasures under way, from when they were asked for. */
  erasures: Backlog
  /** Those who have left, past the time at which the sweep goes on with their files. */
  departures: Backlog
  deadLetters: Readonly<{ objectEvents: DeadLetters; jobs: DeadLetters }>
}>

/** What has been undone for longer than it may be, in the order of `DUTIES`. */
export function latenessOf({ sweptAt, deadLetters, ...backlogs }: Health, now: Date): readonly Duty[] {
  const isLater = (since: Date | null, most: number) => since !== null && now.getTime() - since.getTime() > most
  const died = [deadLetters.objectEvents.lastAt, deadLetters.jobs.lastAt]
  return DUTIES.filter((duty) => {
    if (duty === 'sweep') return sweptAt === null || isLater(sweptAt, MOST_MS.sweep)
    if (duty === 'deadLetters') return died.some((at) => at !== null && !isLater(at, DEAD_LETTERS_TOLD_MS))
    return isLater(backlogs[duty].oldest, MOST_MS[duty])
  })
}
