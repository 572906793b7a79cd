import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { aParticipant, aStudy, ok } from '../support/world.ts'

type Entry = { at: string; data: unknown }
type Statistics = { count: number; min: number; max: number; mean: number }
type Bucket = {
  date: string
  startsAt: string
  endsAt: string
  entries: number
  value: Statistics | null
  fields: Record<string, Statistics>
}

async function aReport(entries: readonly Entry[]) {
  const study = await aStudy()
  const owner = await aParticipant(study)
  const path = `${study.path}/participants/${owner.id}/reports/x`
  ok(await owner.post(`${path}/entries`, { entries }))
  const rollUp = async (query: Record<string, string>) =>
    owner.get(`${path}/rollup?${new URLSearchParams(query).toString()}`)
  const buckets = async (query: Record<string, string>): Promise<Bucket[]> => ok(await rollUp(query)).buckets
  return { study, owner, path, rollUp, buckets }
}

const hours = ({ startsAt, endsAt }: Bucket) => (Date.parse(endsAt) - Date.parse(startsAt)) / 3_600_000
const one = (number: number): Statistics => ({ count: 1, min: number, max: number, mean: number })
/** An instant on every hour from one on, with the hour's number. */
const hourly = (from: string, count: number): Entry[] =>
  Array.from({ length: count }, (_, n) => ({ at: new Date(Date.parse(from) + n * 3_600_000).toISOString(), data: 1 }))

describe('a roll-up', () => {
  test('tells of every numeric field how many, the least, the most and the mean', async () => {
    const { buckets } = await aReport([
      { at: '2026-11-20', data: { steps: 10, mood: 'calm', heart: { rest: 60.5, max: 150, name: 'x' }, on: true } },
      { at: '2026-11-20T12:00:00Z', data: { steps: 20.5, heart: { rest: 61.5, deep: { er: 1 } }, list: [1, 2] } },
      { at: '2026-11-21', data: 7 },
      { at: '2026-11-21T01:00:00Z', data: -3 },
      { at: '2026-11-21T02:00:00Z', data: [1, 2, 3] },
      { at: '2026-11-21T03:00:00Z', data: null },
      { at: '2026-11-21T04:00:00Z', data: '8' },
      { at: '2026-11-21T05:00:00Z', data: { value: 1, '': 2 } },
    ])
    expect(await buckets({ period: 'day', from: '2026-11-19', until: '2026-11-21' })).toEqual([
      {
        date: '2026-11-19',
        startsAt: '2026-11-19T00:00:00.000Z',
        endsAt: '2026-11-20T00:00:00.000Z',
        entries: 0,
        value: null,
        fields: {},
      },
      {
        date: '2026-11-20',
        startsAt: '2026-11-20T00:00:00.000Z',
        endsAt: '2026-11-21T00:00:00.000Z',
        entries: 2,
        value: null,
        fields: {
          steps: { count: 2, min: 10, max: 20.5, mean: 15.25 },
          'heart.rest': { count: 2, min: 60.5, max: 61.5, mean: 61 },
          'heart.max': one(150),
        },
      },
      {
        date: '2026-11-21',
        startsAt: '2026-11-21T00:00:00.000Z',
        endsAt: '2026-11-22T00:00:00.000Z',
        entries: 6,
        value: { count: 2, min: -3, max: 7, mean: 2 },
        fields: { value: one(1), '': one(2) },
      },
    ])
  })

  test('takes no field for another, and no number that cannot be added up', async () => {
    const { buckets } = await aReport([
      {
        at: '2026-11-21',
        data: { 'a.b': 1, a: { b: 2, 'c.d': 3 }, __proto__: null, constructor: 5, toString: { x: 6 } },
      },
    ])
    const { owner, path } = await aReport([{ at: '2026-11-20', data: 1 }])
    const odd =
      '{"huge":1e400,"big":1e301,"fine":1e299,"max":9223372036854775807,"min":-9223372036854775808,"long":12345678901234567890}'
    ok(await owner.put(`${path}/entries/2026-11-21`, odd, { 'Content-Type': 'application/json' }))
    const [bucket] = await buckets({ period: 'day', from: '2026-11-21', until: '2026-11-21' })
    expect(bucket?.fields).toEqual({ 'a.b': one(2), constructor: one(5), 'toString.x': one(6) })
    const { body } = await owner.get(`${path}/rollup?period=day&from=2026-11-21&until=2026-11-21`)
    expect(Object.keys(body.buckets[0].fields).toSorted()).toEqual(['fine', 'long', 'max', 'min'])
    expect(body.buckets[0].fields.long.max).toBeCloseTo(1.2345678901234567e19, -6)
  })

  test('puts instants where the day is in New York that is an hour short, and dates by the calendar', async () => {
    const { buckets } = await aReport([
      ...hourly('2026-03-08T00:00:00-05:00', 47),
      { at: '2026-03-08', data: 5 },
      { at: '2026-03-07T23:59:59.999-05:00', data: 9 },
    ])
    const days = await buckets({
      period: 'day',
      timeZone: 'America/New_York',
      from: '2026-03-07',
      until: '2026-03-09',
    })
    expect(days.map(hours)).toEqual([24, 23, 24])
    expect(days.map(({ startsAt }) => startsAt)).toEqual([
      '2026-03-07T05:00:00.000Z',
      '2026-03-08T05:00:00.000Z',
      '2026-03-09T04:00:00.000Z',
    ])
    expect(days.map(({ entries }) => entries)).toEqual([1, 24, 24])
    expect(days[1]?.value).toEqual({ count: 24, min: 1, max: 5, mean: 28 / 24 })
  })

  test('puts 25 hours into the day in Berlin that has them, and 169 into its week', async () => {
    const { buckets } = await aReport(hourly('2026-10-19T00:00:00+02:00', 24 * 10))
    const inBerlin = { timeZone: 'Europe/Berlin', from: '2026-10-24', until: '2026-10-26' }
    const days = await buckets({ ...inBerlin, period: 'day' })
    expect(days.map(({ entries }) => entries)).toEqual([24, 25, 24])
    expect(days.map(hours)).toEqual([24, 25, 24])
    const weeks = await buckets({ ...inBerlin, period: 'week', from: '2026-10-19' })
    expect(weeks.map(({ date, entries }) => [date, entries])).toEqual([
      ['2026-10-19', 169],
      ['2026-10-26', 24],
    ])
    const [month] = await buckets({ ...inBerlin, period: 'month', from: '2026-10-01', until: '2026-10-31' })
    expect(month).toMatchObject({
      date: '2026-10-01',
      startsAt: '2026-09-30T22:00:00.000Z',
      endsAt: '2026-10-31T23:00:00.000Z',
      entries: 240,
    })
  })

  test('knows a zone whose offset is no whole hour', async () => {
    const { buckets } = await aReport([
      { at: '2026-11-20T18:14:59.999Z', data: 1 },
      { at: '2026-11-20T18:15:00Z', data: 2 },
    ])
    const days = await buckets({
      period: 'day',
      timeZone: 'Asia/Kathmandu',
      from: '2026-11-20',
      until: '2026-11-21',
    })
    expect(days.map(({ value }) => value)).toEqual([one(1), one(2)])
  })

  test('calls weeks by their Monday and months by their first, of which the ends may be cut', async () => {
    const { buckets } = await aReport(
      Array.from({ length: 31 }, (_, index) => ({ at: `2026-12-${String(index + 1).padStart(2, '0')}`, data: 1 })),
    )
    const weeks = await buckets({ period: 'week', from: '2026-12-02', until: '2026-12-15' })
    expect(weeks.map(({ date, entries }) => [date, entries])).toEqual([
      ['2026-11-30', 5],
      ['2026-12-07', 7],
      ['2026-12-14', 2],
    ])
    expect(weeks[0]?.startsAt).toBe('2026-12-02T00:00:00.000Z')
    const months = await buckets({ period: 'month', from: '2026-11-15', until: '2027-02-01' })
    expect(months.map(({ date, entries }) => [date, entries])).toEqual([
      ['2026-11-01', 0],
      ['2026-12-01', 31],
      ['2027-01-01', 0],
      ['2027-02-01', 0],
    ])
  })

  test('is refused for a range, a zone or a period that is none, or one that is too long', async () => {
    const { rollUp } = await aReport([{ at: '2026-11-21', data: 1 }])
    const good = { period: 'day', from: '2026-11-21', until: '2026-11-21' }
    expect((await rollUp({ ...good, from: '2025-10-18' })).body.buckets).toHaveLength(400)
    const refused = [
      [{ from: '2025-10-17' }, 'query/until'],
      [{ from: '2026-11-22' }, 'query/until'],
      [{ from: '2026-02-30' }, 'query/from'],
      [{ from: '2026-11-21T00:00:00Z' }, 'query/from'],
      [{ from: '1899-12-31' }, 'query/from'],
      [{ until: '3000-01-01' }, 'query/until'],
      [{ timeZone: 'Mars/Olympus' }, 'query/timeZone'],
      [{ timeZone: '' }, 'query/timeZone'],
      [{ period: 'year' }, 'query/period'],
      [{ more: '1' }, 'query/more'],
    ] as const
    for (const [change, pointer] of refused) {
      const { status, body } = await rollUp({ ...good, ...change })
      expect({ status, pointer: body.errors?.[0].pointer }, JSON.stringify(change)).toEqual({ status: 400, pointer })
    }
    expect((await rollUp({ ...good, period: 'month', from: '1993-08-01' })).status).toBe(200)
  })

  test('says so where it leaves fields out', async () => {
    const data = Object.fromEntries(Array.from({ length: 130 }, (_, n) => [`f${String(n).padStart(3, '0')}`, n]))
    const { rollUp } = await aReport([{ at: '2026-11-21', data }])
    const { body } = await rollUp({ period: 'day', from: '2026-11-21', until: '2026-11-21' })
    expect(Object.keys(body.buckets[0].fields)).toEqual(Object.keys(data).slice(0, 100))
    expect(body.moreFields).toBe(true)
  })

  test('reads 50,000 entries, and refuses to read more', async () => {
    const { study, owner, rollUp } = await aReport([{ at: '2026-01-01T00:00:00Z', data: { n: 0 } }])
    const seed = async (from: number, to: number) =>
      env.DB.prepare(
        `INSERT INTO report_entries (study_id, owner, identifier, kind, at, data, updated_at)
         WITH RECURSIVE i(n) AS (SELECT ?3 UNION ALL SELECT n + 1 FROM i WHERE n < ?4)
         SELECT ?1, ?2, 'x', 'instant', strftime('%Y-%m-%dT%H:%M:%f', 1767225600 + n * 600, 'unixepoch') || 'Z',
           '{"n":' || CAST(n AS INTEGER) || ',"heart":{"rate":60}}', 0 FROM i`,
      )
        .bind(study.id, owner.id, from, to)
        .run()
    await seed(1, 49_999)
    const year = { period: 'day', timeZone: 'America/New_York', from: '2025-12-31', until: '2026-12-31' }
    const { body } = await rollUp(year)
    const counted = body.buckets.reduce((sum: number, { entries }: Bucket) => sum + entries, 0)
    expect(counted).toBe(50_000)
    expect(body.buckets[1].fields.n).toEqual({ count: 144, min: 30, max: 173, mean: 101.5 })
    await seed(50_000, 50_000)
    expect((await rollUp(year)).body).toMatchObject({ code: 'invalid_request', errors: [{ pointer: 'query/until' }] })
  })
})
