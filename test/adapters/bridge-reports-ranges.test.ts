// What Bridge's reports are listed by: dates, or times in any zone, with a page after the other.

import fc from 'fast-check'
import { env } from 'cloudflare:workers'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { everyPage as gatherAll } from '../../src/adapters/bridge/reports-verbs.ts'
import { aBridgeApp, type BridgeApp, badRequest, told } from '../support/bridge-world.ts'
import { outcomeOf } from '../support/scopes.ts'
import { ok, type Participant, type Study } from '../support/world.ts'

let study: Study
let ada: Participant
let callers: BridgeApp['callers']

beforeAll(async () => {
  ;({ study, ada, callers } = await aBridgeApp())
})

afterEach(() => {
  vi.useRealTimers()
})

const seed = async (report: string, entries: readonly { at: string; data: unknown }[]) =>
  ok(await ada.post(`${study.path}/participants/me/reports/${report}/entries`, { entries }))

const byDate = async (report: string, query: string) =>
  callers.participant.get(`/v3/users/self/reports/${report}?${query}`)
const byTime = async (report: string, query: Record<string, string>) =>
  callers.participant.get(`/v4/users/self/reports/${report}?${new URLSearchParams(query).toString()}`)

describe('records by date', () => {
  const day = (number: number) => new Date(Date.UTC(2026, 0, number)).toISOString().slice(0, 10)

  test('are all of the range with both its ends, oldest first, and no moments', async () => {
    const days = Array.from({ length: 60 }, (_, index) => ({ at: day(index + 1), data: index + 1 }))
    await seed('days', [...days.toReversed(), { at: '2026-01-10T12:00:00Z', data: 'a moment' }])
    const { body } = await byDate('days', `startDate=${day(5)}&endDate=${day(50)}`)
    expect(body.items.map(({ date }: { date: string }) => date)).toEqual(days.slice(4, 50).map(({ at }) => at))
    expect([body.total, body.hasNext]).toEqual([46, undefined])
    expect((await byDate('days', `startDate=${day(7)}&endDate=${day(7)}`)).body.total).toBe(1)
  })

  test('are all there however large they are', async () => {
    const large = 'x'.repeat(390 * 1024)
    for (let number = 1; number <= 13; number += 1) {
      ok(await callers.participant.post('/v3/users/self/reports/large', { date: day(number), data: large }))
    }
    const { body } = await byDate('large', `startDate=${day(1)}&endDate=${day(40)}`)
    expect([body.total, new Set(body.items.map(({ date }: { date: string }) => date)).size]).toEqual([13, 13])
  })

  test('of a report that is not there are none', async () => {
    const range = { startDate: '2026-02-01', endDate: '2026-02-20' }
    const answer = await byDate('none', new URLSearchParams(range).toString())
    const requestParams = { ...range, type: 'RequestParams' }
    expect(told(answer)).toEqual([200, { items: [], requestParams, ...range, total: 0, type: 'DateRangeResourceList' }])
  })

  test.each<[now: string, query: string, startDate: string, endDate: string]>([
    ['2026-11-22T07:59:59Z', '', '2026-11-20', '2026-11-21'],
    ['2026-11-22T08:00:00Z', '', '2026-11-21', '2026-11-22'],
    ['2026-07-01T06:59:59Z', '', '2026-06-29', '2026-06-30'],
    ['2026-07-01T07:00:00Z', 'startDate=&endDate=%20', '2026-06-30', '2026-07-01'],
    ['2026-11-22T12:00:00Z', 'startDate=2026-11-01', '2026-11-01', '2026-11-22'],
    ['2026-11-22T12:00:00Z', 'endDate=2026-11-30', '2026-11-21', '2026-11-30'],
  ])('at %s, asked for by %j, are those from %s to %s', async (now, query, startDate, endDate) => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date(now) })
    expect((await byDate('none', query)).body).toMatchObject({ startDate, endDate, total: 0 })
  })

  test.each([
    ['startDate=2026-11-21&endDate=2026-11-20', `Start date 2026-11-21 can't be after end date 2026-11-20`],
    [
      'startDate=2026-01-01&endDate=2026-02-16',
      'Date range cannot exceed 45 days, startDate=2026-01-01, endDate=2026-02-16',
    ],
    ['startDate=yesterday', 'yesterday is not a LocalDate value'],
    ['startDate=2026-02-30', '2026-02-30 is not a LocalDate value'],
    ['endDate=2026-1-1', '2026-1-1 is not a LocalDate value'],
    ['endDate=2026-11-21T00:00:00Z', '2026-11-21T00:00:00Z is not a LocalDate value'],
  ])('are not told for %s', async (query, message) => {
    expect(told(await byDate('days', query))).toEqual(badRequest(message))
  })
})

describe('records by time', () => {
  test('are told in the zone that they are asked for in', async () => {
    await seed('zones', [
      { at: '2026-11-20', data: 'a date' },
      { at: '2026-11-20T23:30:00.5+01:00', data: 1 },
      { at: '2026-11-20T22:30:00.501Z', data: 2 },
    ])
    for (const [zone, first, second] of [
      ['Z', '2026-11-20T22:30:00.500Z', '2026-11-20T22:30:00.501Z'],
      ['+00:00', '2026-11-20T22:30:00.500Z', '2026-11-20T22:30:00.501Z'],
      ['+05:45', '2026-11-21T04:15:00.500+05:45', '2026-11-21T04:15:00.501+05:45'],
      ['-08:00', '2026-11-20T14:30:00.500-08:00', '2026-11-20T14:30:00.501-08:00'],
      ['-03:30', '2026-11-20T19:00:00.500-03:30', '2026-11-20T19:00:00.501-03:30'],
      ['+14:00', '2026-11-21T12:30:00.500+14:00', '2026-11-21T12:30:00.501+14:00'],
    ] as const) {
      const asked = { startTime: `2026-11-20T00:00:00.000${zone}`, endTime: `2026-11-22T00:00:00.000${zone}` }
      const { body } = await byTime('zones', asked)
      const items = [first, second].map((at, index) => ({
        date: at,
        dateTime: at,
        data: index + 1,
        type: 'ReportData',
      }))
      expect(body.items, zone).toEqual(items)
      const inUtc = Object.entries(asked).map(([name, at]) => [name, at.replace('+00:00', 'Z')])
      expect(body.requestParams).toEqual({ pageSize: 50, ...Object.fromEntries(inUtc), type: 'RequestParams' })
    }
  })

  test('are those of the range with both its ends', async () => {
    const times = ['08:00:00.000', '08:00:00.001', '08:00:00.002', '08:00:00.003']
    await seed(
      'ends',
      times.map((time, index) => ({ at: `2026-11-20T${time}Z`, data: index })),
    )
    const at = (ms: number) => `2026-11-20T08:00:00.00${ms}Z`
    const read = async (from: number, until: number) =>
      (await byTime('ends', { startTime: at(from), endTime: at(until) })).body.items.map(
        ({ data }: { data: number }) => data,
      )
    expect(await read(1, 2)).toEqual([1, 2])
    expect(await read(3, 3)).toEqual([3])
    expect(await read(0, 9)).toEqual([0, 1, 2, 3])
  })

  test('page by page, in pages of any size and in any zone, are all of them in order, none twice', async () => {
    const count = 60
    const moments = Array.from({ length: count }, (_, index) => Date.UTC(2026, 10, 1) + index * 7_919_000)
    await seed(
      'paged',
      moments.map((time, index) => ({ at: new Date(time).toISOString(), data: index })),
    )
    const zones = fc.constantFrom('Z', '+05:45', '-08:00', '+14:00', '-12:00', '+00:30')
    const ends = fc.tuple(fc.nat(count - 1), fc.nat(count - 1)).map((two) => two.toSorted((one, other) => one - other))
    await fc.assert(
      fc.asyncProperty(zones, ends, fc.integer({ min: 5, max: 40 }), async (zone, [from = 0, until = 0], pageSize) => {
        const found = await everyPage({ zone, from: moments[from] ?? 0, until: moments[until] ?? 0, pageSize })
        expect(found).toEqual(Array.from({ length: until - from + 1 }, (_, index) => from + index))
      }),
      { numRuns: env.SLOW ? 200 : 12 },
    )
  })

  /** A moment in a zone, as clients write it. */
  function written(time: number, zone: string): string {
    const [, sign, hours = '0', minutes = '0'] = /^([+-])(\d\d):(\d\d)$/.exec(zone) ?? []
    const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
    return `${new Date(time + offset * 60_000).toISOString().slice(0, -1)}${zone}`
  }

  type Asked = { zone: string; from: number; until: number; pageSize: number }
  async function everyPage({ zone, from, until, pageSize }: Asked): Promise<number[]> {
    const asked = { startTime: written(from, zone), endTime: written(until, zone), pageSize: String(pageSize) }
    const all: number[] = []
    let offsetKey: string | undefined
    do {
      const { body } = await byTime('paged', offsetKey === undefined ? asked : { ...asked, offsetKey })
      const { startTime, endTime } = asked
      const params = { pageSize, startTime, endTime, type: 'RequestParams' }
      expect(body.requestParams).toEqual(offsetKey === undefined ? params : { ...params, offsetKey })
      for (const { dateTime } of body.items) expect(dateTime.slice(23)).toBe(zone)
      all.push(...body.items.map(({ data }: { data: number }) => data))
      expect(body.hasNext).toBe('nextPageOffsetKey' in body)
      offsetKey = body.nextPageOffsetKey
    } while (offsetKey !== undefined)
    return all
  }

  test('are those of the last fourteen days, if nothing else is asked for', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: new Date('2026-11-21T08:30:00.123Z') })
    await seed('recent', [
      { at: '2026-11-07T08:30:00.122Z', data: 'old' },
      { at: '2026-11-07T08:30:00.123Z', data: 'first' },
      { at: '2026-11-21T08:30:00.123Z', data: 'now' },
      { at: '2026-11-21T08:30:00.124Z', data: 'to come' },
    ])
    const { body } = await byTime('recent', {})
    expect(body.items.map(({ data }: { data: string }) => data)).toEqual(['first', 'now'])
    const range = { startTime: '2026-11-07T08:30:00.123Z', endTime: '2026-11-21T08:30:00.123Z' }
    expect(body.requestParams).toEqual({ pageSize: 50, ...range, type: 'RequestParams' })
    expect((await byTime('none', {})).body).toMatchObject({ items: [], hasNext: false, requestParams: range })
  })

  const noon = '2026-11-21T12:00:00.000Z'
  const ONE = 'Only one date of a date range provided (both startTime and endTime required)'
  test.each([
    [`startTime=${noon}`, ONE],
    [`endTime=${noon}`, ONE],
    [`startTime=${noon}&endTime=`, ONE],
    [`startTime=${noon}&endTime=2026-11-21T11:59:59.999Z`, 'startTime later in time than endTime'],
    [
      `startTime=${noon}&endTime=2026-11-21T14:00:00.000%2B01:00`,
      'startTime and endTime must be in the same time zone',
    ],
    // A plus that is not escaped is a space.
    [
      'startTime=2026-11-21T12:00:00.000+01:00&endTime=2026-11-21T12:00:00.000+01:00',
      '2026-11-21T12:00:00.000 01:00 is not a DateTime value',
    ],
    [`startTime=2026-11-21&endTime=${noon}`, '2026-11-21 is not a DateTime value'],
    [`startTime=2026-02-30T12:00:00Z&endTime=${noon}`, '2026-02-30T12:00:00Z is not a DateTime value'],
    [`startTime=${noon}&endTime=2026-11-21T24:00:00Z`, '2026-11-21T24:00:00Z is not a DateTime value'],
    [`startTime=now&endTime=${noon}`, 'now is not a DateTime value'],
    [`startTime=0000-01-01T00:00:00%2B01:00&endTime=${noon}`, '0000-01-01T00:00:00+01:00 is not a DateTime value'],
    ['pageSize=4', 'pageSize must be from 5-100 records'],
    ['offsetKey=2026-11-21T12:00:00.000Z', 'offsetKey was not made by this list. Start again without one.'],
  ])('are not told for %s', async (query, message) => {
    const answer = await callers.participant.get(`/v4/users/self/reports/zones?${query}`)
    expect(told(answer)).toEqual(badRequest(message))
  })

  test.each([
    ['2026-11-20T22:30Z', '2026-11-20T22:30:00.000Z'],
    ['2026-11-20T22:30:00', '2026-11-20T22:30:00.000Z'],
    ['2026-11-20T22:30:00.1239999Z', '2026-11-20T22:30:00.123Z'],
    ['2026-11-20T22:30:00,5+0530', '2026-11-20T22:30:00.500+05:30'],
    ['2026-11-20T22:30:00-08', '2026-11-20T22:30:00.000-08:00'],
    ['9999-12-31T23:59:59.999-00:00', '9999-12-31T23:59:59.999Z'],
  ])('from %s are those from %s', async (startTime, as) => {
    const { body } = await byTime('zones', { startTime, endTime: startTime })
    expect(body.requestParams).toMatchObject({ startTime: as, endTime: as })
  })
})

test('a list that has no pages in Bridge’s words is not gathered without end', async () => {
  let asked = 0
  const endless = gatherAll(1, async () => ({ items: [(asked += 1)], nextCursor: 'more' }))
  expect(await outcomeOf(endless)).toBe('overloaded')
  expect(asked).toBe(100)
})
