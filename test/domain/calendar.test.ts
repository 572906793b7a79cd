import { describe, expect, test } from 'vitest'
import { bucketsOf, isTimeZone } from '../../src/domain/calendar.ts'

const days = (timeZone: string, from: string, until: string) =>
  (bucketsOf({ period: 'day', timeZone, from, until }, 400) ?? []).map(({ date, startsAt, endsAt }) => ({
    date,
    startsAt: startsAt.toISOString(),
    hours: (endsAt.getTime() - startsAt.getTime()) / 3_600_000,
  }))

describe('a day', () => {
  test.each([
    ['begins at one where the clocks skip midnight', 'America/Sao_Paulo', '2018-11-04', '2018-11-04T03:00:00.000Z', 23],
    ['begins at the first of its two midnights', 'America/Havana', '2026-11-01', '2026-11-01T04:00:00.000Z', 25],
    ['that falls back to the evening before is as long', 'Asia/Beirut', '2026-10-24', '2026-10-23T21:00:00.000Z', 25],
    ['may be half an hour short', 'Australia/Lord_Howe', '2026-10-04', '2026-10-03T13:30:00.000Z', 23.5],
    ['that an island never had is empty', 'Pacific/Apia', '2011-12-30', '2011-12-30T10:00:00.000Z', 0],
    ['that an island had twice is long', 'Pacific/Kwajalein', '1969-09-30', '1969-09-29T13:00:00.000Z', 47],
    ['knows offsets with seconds', 'Africa/Monrovia', '1972-01-06', '1972-01-06T00:44:30.000Z', 24],
    ['is 24 hours in UTC', 'UTC', '2026-03-08', '2026-03-08T00:00:00.000Z', 24],
  ])('%s: %s, %s', (_, timeZone, date, startsAt, hours) => {
    expect(days(timeZone, date, date)).toEqual([{ date, startsAt, hours }])
  })

  test('of any zone begins where the one before ends, about when its clocks say midnight', () => {
    const zones = Intl.supportedValuesOf('timeZone').filter((_, index) => index % 20 === 0)
    expect(zones.length).toBeGreaterThan(15)
    for (const timeZone of zones) {
      const year = bucketsOf({ period: 'day', timeZone, from: '2026-01-01', until: '2026-12-31' }, 365) ?? []
      expect(year).toHaveLength(365)
      const clock = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' })
      for (const [index, { date, startsAt, endsAt }] of year.entries()) {
        expect(clock.format(startsAt), timeZone).toMatch(new RegExp(`^${date} 0[01]:[03]0$`))
        expect(clock.format(startsAt.getTime() - 60_000) < date, timeZone).toBe(true)
        expect(endsAt, timeZone).toEqual(year[index + 1]?.startsAt ?? endsAt)
      }
    }
  })
})

test('a zone is one that the runtime knows', () => {
  expect(['UTC', 'Europe/Berlin', 'Asia/Kathmandu'].map(isTimeZone)).toEqual([true, true, true])
  expect(['', 'Mars/Olympus', 'Europe', '../etc'].map(isTimeZone)).toEqual([false, false, false, false])
})
