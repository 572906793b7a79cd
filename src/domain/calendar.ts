import type { Bucket, RollupPeriod } from '../model/report-entries.ts'

// Calendar dates are text, `2026-11-21`. The runtime has no Temporal; what is needed of a zone, its offset at a moment,
// is one call of Intl, so a library for it would be more to keep than this.

const DAY_MS = 86_400_000

/** A calendar date as if it were one in UTC: for counting days, not for telling moments. */
const asUtc = (date: string) => Date.parse(`${date}T00:00:00.000Z`)
const dateOf = (utc: number) => new Date(utc).toISOString().slice(0, 10)
export const addDays = (date: string, days: number) => dateOf(asUtc(date) + days * DAY_MS)

type Zone = { offsetAt: (time: number) => number }

/** `GMT`, `GMT+05:45`, or for the local mean times of long ago `GMT-04:56:02`. */
const OFFSET = /^GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/

/** @throws RangeError for what is no time zone */
function openZone(timeZone: string): Zone {
  const format = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' })
  return {
    offsetAt(time) {
      const name = format.formatToParts(time).find(({ type }) => type === 'timeZoneName')?.value ?? ''
      const [, sign, hours = '0', minutes = '0', seconds = '0'] = OFFSET.exec(name) ?? []
      return (sign === '-' ? -1000 : 1000) * (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds))
    },
  }
}

export function isTimeZone(timeZone: string): boolean {
  try {
    openZone(timeZone)
    return true
  } catch {
    return false
  }
}

/** What day it is in a zone. */
export const dateIn = (timeZone: string, now: Date): string =>
  dateOf(now.getTime() + openZone(timeZone).offsetAt(now.getTime()))

/**
 * When a calendar day begins: at its midnight, the first if it has two; where the clocks skip midnight, at the moment
 * they do; a day that they skip whole begins with the next one.
 */
function startOfDay(date: string, zone: Zone): Date {
  const midnight = asUtc(date)
  const offsets = [zone.offsetAt(midnight - DAY_MS), zone.offsetAt(midnight + DAY_MS)]
  const starts = offsets
    .map((offset) => midnight - offset)
    .filter((time) => time + zone.offsetAt(time) === midnight)
    .toSorted((one, other) => one - other)
  return new Date(starts[0] ?? skipAfter(midnight - DAY_MS, { until: midnight + DAY_MS, zone }))
}

/** The moment at which the zone's offset changes. */
function skipAfter(time: number, { until, zone }: { until: number; zone: Zone }): number {
  const before = zone.offsetAt(time)
  let [low, high] = [time, until]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (zone.offsetAt(middle) === before) low = middle
    else high = middle
  }
  return high
}

/** The first day of the period that a date is in. Weeks begin on Monday. */
function periodOf(date: string, period: RollupPeriod): string {
  switch (period) {
    case 'day':
      return date
    case 'week':
      return addDays(date, -((new Date(asUtc(date)).getUTCDay() + 6) % 7))
    case 'month':
      return `${date.slice(0, 7)}-01`
    default:
      return period satisfies never
  }
}

const LONGEST: Record<RollupPeriod, number> = { day: 1, week: 7, month: 31 }
const nextPeriod = (start: string, period: RollupPeriod) => periodOf(addDays(start, LONGEST[period]), period)

/** The buckets that `from` to `until`, both with them, come to; undefined: more than `max`. */
export function bucketsOf(
  { from, until, period, timeZone }: { from: string; until: string; period: RollupPeriod; timeZone: string },
  max: number,
): Bucket[] | undefined {
  const zone = openZone(timeZone)
  const end = addDays(until, 1)
  const buckets: Bucket[] = []
  let startsAt = startOfDay(from, zone)
  for (let date = periodOf(from, period); date < end; date = nextPeriod(date, period)) {
    if (buckets.length === max) return undefined
    const next = nextPeriod(date, period)
    const after = next < end ? next : end
    const endsAt = startOfDay(after, zone)
    buckets.push({ date, first: date < from ? from : date, last: addDays(after, -1), startsAt, endsAt })
    startsAt = endsAt
  }
  return buckets
}
