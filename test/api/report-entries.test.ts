import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { disturbed, within } from '../support/faults.ts'
import { costOf } from '../support/meters.ts'
import { aParticipant, aStudy, ok } from '../support/world.ts'

async function aWorld() {
  const study = await aStudy()
  const owner = await aParticipant(study)
  const report = `${study.path}/participants/${owner.id}/reports/x`
  return { study, owner, report, entries: `${report}/entries` }
}

const json = { 'Content-Type': 'application/json' }
type Page = { body: { items: { at: string; data: unknown }[]; nextCursor: string | null } }
const keys = ({ body }: Page) => body.items.map(({ at }) => at)
const noon = (day: number) => `2026-11-${String(day).padStart(2, '0')}T12:00:00.000Z`
const date = (day: number) => noon(day).slice(0, 10)

describe('an entry', () => {
  test('comes back byte for byte as it was put, alone, in a list and out of a batch', async () => {
    const { owner, entries } = await aWorld()
    const values = [
      '{ "b":1.0,\n "a": 12345678901234567890, "é":"\\u00e9\\"]" }',
      'null',
      '"a, b: {c}"',
      '1e400',
      '-0',
      '[ ]',
      '{"a":1,"a":[2, {"x" : 3}]}',
    ]
    for (const [index, value] of values.entries()) {
      expect((await owner.put(`${entries}/${date(index + 1)}`, value, json)).status).toBe(200)
      expect((await owner.get(`${entries}/${date(index + 1)}`)).text).toBe(value)
    }
    const batch = values.map((value, index) => `{ "data" : ${value} , "at":"${date(index + 11)}"}`).join(',\n')
    expect((await owner.post(entries, `{"entries":\t[${batch}]}`, json)).status).toBe(200)
    for (const [index, value] of values.entries()) {
      expect((await owner.get(`${entries}/${date(index + 11)}`)).text).toBe(value)
    }
    const list = await owner.get(entries)
    expect(list.body.items).toHaveLength(14)
    for (const value of values) expect(list.text.split(`"data":${value},"updatedAt"`)).toHaveLength(3)
  })

  test('takes the place of the one with the same key', async () => {
    const { owner, entries } = await aWorld()
    await owner.put(`${entries}/${date(1)}`, 1)
    expect((await owner.put(`${entries}/${date(1)}`, 2)).body.entries).toBe(1)
    expect((await owner.get(`${entries}/${date(1)}`)).text).toBe('2')
  })

  test('has one key for one instant, whatever its zone, and another for the date', async () => {
    const { owner, entries } = await aWorld()
    const same = [
      '2026-11-21T00:00:00Z',
      '2026-11-21T01:00:00.000+01:00',
      '2026-11-20T19:00:00-05:00',
      '2026-11-21T05:45:00.0+05:45',
    ]
    for (const [index, at] of same.entries()) {
      expect((await owner.put(`${entries}/${at}`, index)).body.entries).toBe(1)
    }
    expect((await owner.put(`${entries}/2026-11-21`, 4)).body).toMatchObject({
      entries: 2,
      first: '2026-11-21',
      last: '2026-11-21T00:00:00.000Z',
    })
    for (const at of same) expect((await owner.get(`${entries}/${encodeURIComponent(at)}`)).text).toBe('3')
    expect((await owner.delete(`${entries}/${same[2]}`)).status).toBe(204)
    expect(keys(await owner.get(entries))).toEqual(['2026-11-21'])
  })

  test.each([
    ['2026-02-29', 'no such day'],
    ['2026-13-01', 'no such month'],
    ['2026-11-31T00:00:00Z', 'no such day'],
    ['2026-11-21T24:00:00Z', 'no such hour'],
    ['2026-11-21T12:00:00', 'no zone'],
    ['2026-11-21T12:00:00.1234Z', 'finer than milliseconds'],
    ['9999-12-31T23:59:59-01:00', 'after the last year in UTC'],
    ['0000-01-01T00:00:00+01:00', 'before the first year in UTC'],
    ['20261121', 'another form'],
    ['today', 'no date'],
    ['%00', 'no text'],
  ])('is not kept at %s: %s', async (at) => {
    const { owner, entries } = await aWorld()
    const put = await owner.put(`${entries}/${at}`, 1)
    expect(put).toMatchObject({ status: 400, body: { code: 'invalid_request', errors: [{ pointer: 'path/at' }] } })
    const batch = await owner.post(entries, { entries: [{ at: decodeURIComponent(at), data: 1 }] })
    expect(batch.body).toMatchObject({ code: 'invalid_body', errors: [{ pointer: '/entries/0/at' }] })
  })

  test('is kept on a leap day, and from the first year to the last', async () => {
    const { owner, entries } = await aWorld()
    const all = ['0001-01-01', '2024-02-29', '9999-12-31', '9999-12-31T23:59:59.999Z']
    for (const at of all) expect((await owner.put(`${entries}/${at}`, 1)).status).toBe(200)
    expect(keys(await owner.get(entries))).toEqual(all)
  })

  test('may have 256 KiB, and not a byte more, whatever its report is called', async () => {
    const { owner, report, entries } = await aWorld()
    const value = (bytes: number) => JSON.stringify('x'.repeat(bytes - 2))
    for (const base of [entries, report.replace(/x$/, 'documents/entries')]) {
      expect((await owner.put(`${base}/${date(1)}`, value(256 * 1024), json)).status).toBe(200)
      expect((await owner.put(`${base}/${date(1)}`, value(256 * 1024 + 1), json)).body.code).toBe('body_too_large')
      const batch = { entries: [{ at: date(1), data: 'x'.repeat(256 * 1024) }] }
      expect((await owner.post(base, batch)).body.code).toBe('body_too_large')
    }
  })

  test('is JSON, and said to be', async () => {
    const { owner, entries } = await aWorld()
    expect((await owner.put(`${entries}/${date(1)}`, '{', json)).body.code).toBe('malformed_json')
    expect((await owner.put(`${entries}/${date(1)}`, '1', { 'Content-Type': 'text/plain' })).status).toBe(415)
    expect((await owner.put(`${entries}/${date(1)}`)).status).toBe(400)
    expect((await owner.get(entries)).status).toBe(404)
  })

  test('nests as deep as it likes', async () => {
    const { owner, report, entries } = await aWorld()
    const deep = '['.repeat(3000) + ']'.repeat(3000)
    expect((await owner.put(`${entries}/${date(1)}`, deep, json)).status).toBe(200)
    expect((await owner.post(entries, `{"entries":[{"at":"${date(2)}","data":${deep}}]}`, json)).status).toBe(200)
    expect((await owner.get(`${entries}/${date(2)}`)).text).toBe(deep)
    const rollup = await owner.get(`${report}/rollup?period=day&from=${date(1)}&until=${date(2)}`)
    expect(rollup.body.buckets).toMatchObject([
      { entries: 1, fields: {} },
      { entries: 1, fields: {} },
    ])
  })
})

describe('a batch', () => {
  test('of 500 entries goes in one trip, counted exactly, and again without a difference', async () => {
    const { owner, report, entries } = await aWorld()
    const batch = Array.from({ length: 500 }, (_, index) => ({
      at: new Date(Date.UTC(2026, 0, 1, index)).toISOString(),
      data: { n: index },
    }))
    const { cost, answer } = await costOf(owner, async (caller) => caller.post(entries, { entries: batch }))
    expect(answer.body).toMatchObject({ entries: 500, first: batch[0]?.at, last: batch[499]?.at })
    expect(cost.trips).toBeLessThanOrEqual(2) // the second notes the key's first use, after the answer
    expect((await owner.post(entries, { entries: batch })).body.entries).toBe(500)
    expect((await owner.get(report)).body.entries).toBe(500)
    const tooMany = [...batch, { at: date(1), data: 1 }]
    expect((await owner.post(entries, { entries: tooMany })).body.code).toBe('invalid_body')
  })

  test('is refused whole, with the place, for any entry that is not as it should be', async () => {
    const { owner, entries } = await aWorld()
    const good = { at: date(1), data: 1 }
    const refused = [
      [{ ...good, at: 'x' }, '/entries/1/at'],
      [{ at: date(2) }, '/entries/1/data'],
      [{ data: 2 }, '/entries/1/at'],
      [{ ...good, more: 1 }, '/entries/1/more'],
      [7, '/entries/1'],
      [{ at: date(1), data: 2 }, '/entries/1/at'],
    ] as const
    for (const [bad, pointer] of refused) {
      const answer = await owner.post(entries, { entries: [good, bad] })
      expect(answer.body, pointer).toMatchObject({ code: 'invalid_body', errors: [{ pointer }] })
    }
    const twice = ['2026-11-21T00:00:00Z', '2026-11-21T01:00:00+01:00'].map((at) => ({ at, data: 1 }))
    expect((await owner.post(entries, { entries: twice })).body.errors[0].pointer).toBe('/entries/1/at')
    expect((await owner.post(entries, { entries: [] })).status).toBe(422)
    expect((await owner.get(entries)).body.code).toBe('report_not_found')
  })

  test('leaves nothing where its participant withdraws just before it lands', async () => {
    const { study, owner, entries } = await aWorld()
    const { DB } = disturbed({
      on: /INSERT INTO report_entries/,
      before: async () => study.admin.patch(`${study.path}/participants/${owner.id}`, { status: 'withdrawn' }),
    })
    const answer = await within({ DB }, owner).post(entries, { entries: [{ at: date(1), data: 1 }] })
    expect(answer.body.code).toBe('participant_withdrawn')
    const left = await env.DB.prepare('SELECT count(*) AS n FROM reports WHERE study_id = ?').bind(study.id).first('n')
    expect(left).toBe(0)
  })
})

describe('a list of entries', () => {
  async function aSeries() {
    const world = await aWorld()
    const days = [1, 2, 3, 4, 5]
    const batch = days.flatMap((day) => [
      { at: date(day), data: day },
      { at: noon(day), data: day },
    ])
    ok(await world.owner.post(world.entries, { entries: batch }))
    return {
      ...world,
      dates: days.map(date),
      instants: days.map(noon),
      all: days.flatMap((day) => [date(day), noon(day)]),
    }
  }

  test('is of both kinds in one order, or of one', async () => {
    const { owner, entries, dates, instants, all } = await aSeries()
    expect(keys(await owner.get(entries))).toEqual(all)
    expect(keys(await owner.get(`${entries}?order=desc`))).toEqual(all.toReversed())
    expect(keys(await owner.get(`${entries}?kind=date`))).toEqual(dates)
    expect(keys(await owner.get(`${entries}?kind=instant&order=desc`))).toEqual(instants.toReversed())
  })

  test('is of a range with both its ends, whose kind says which entries are meant', async () => {
    const { owner, entries, dates, instants } = await aSeries()
    expect(keys(await owner.get(`${entries}?from=${date(2)}&until=${date(4)}`))).toEqual(dates.slice(1, 4))
    expect(keys(await owner.get(`${entries}?until=${date(2)}`))).toEqual(dates.slice(0, 2))
    const zoned = encodeURIComponent('2026-11-04T17:45:00+05:45')
    expect(keys(await owner.get(`${entries}?from=${noon(2)}&until=${zoned}`))).toEqual(instants.slice(1, 4))
    expect(keys(await owner.get(`${entries}?from=2026-11-04T12:00:00.001Z&kind=instant`))).toEqual([noon(5)])
    for (const bad of [
      `kind=date&from=${noon(1)}`,
      `from=${noon(1)}&until=${date(2)}`,
      `kind=instant&until=${date(1)}`,
    ]) {
      expect((await owner.get(`${entries}?${bad}`)).body.code, bad).toBe('invalid_request')
    }
    const reversed = await owner.get(`${entries}?from=${date(2)}&until=${date(1)}`)
    expect(reversed.body.errors).toEqual([{ pointer: 'query/until', message: 'Must not be before `from`.' }])
    for (const bad of ['order=up', 'kind=x', 'from=x', 'limit=0', 'limit=101', 'more=1']) {
      expect((await owner.get(`${entries}?${bad}`)).status, bad).toBe(400)
    }
  })

  test.each(['asc', 'desc'])('is paged %s through inserts and deletes without a gap or a repeat', async (order) => {
    const { owner, entries, all } = await aSeries()
    const expected = order === 'asc' ? all : all.toReversed()
    const first = await owner.get(`${entries}?order=${order}&limit=3`)
    expect(keys(first)).toEqual(expected.slice(0, 3))
    // The last of this page and the next go; one comes on each side of where the page ended.
    await owner.delete(`${entries}/${expected[2]}`)
    await owner.delete(`${entries}/${expected[3]}`)
    const [before, after] =
      order === 'asc' ? ['2026-11-01T13:00:00.000Z', '2026-11-02T13:00:00.000Z'] : [noon(6), '2026-11-03T13:00:00.000Z']
    for (const at of [before, after]) ok(await owner.put(`${entries}/${at}`, 1))
    const rest: string[] = []
    for (let cursor: string | null = first.body.nextCursor; cursor !== null;) {
      const page: Page = await owner.get(`${entries}?order=${order}&limit=3&cursor=${cursor}`)
      rest.push(...keys(page))
      cursor = page.body.nextCursor
    }
    const sorted = [...expected.slice(4), after].toSorted()
    expect(rest).toEqual(order === 'asc' ? sorted : sorted.toReversed())
  })

  test('takes no cursor of the other direction', async () => {
    const { owner, entries } = await aSeries()
    const { nextCursor } = (await owner.get(`${entries}?limit=1`)).body
    expect((await owner.get(`${entries}?order=desc&cursor=${nextCursor}`)).body.code).toBe('cursor_invalid')
  })

  test('ends a page early where the values are large, and loses none', async () => {
    const { owner, entries } = await aWorld()
    const large = JSON.stringify('x'.repeat(250 * 1024))
    await Promise.all(
      Array.from({ length: 20 }, async (_, index) => owner.put(`${entries}/${date(index + 1)}`, large, json)),
    )
    const first = await owner.get(`${entries}?limit=100`)
    expect(first.body.items).toHaveLength(17)
    const rest = await owner.get(`${entries}?cursor=${first.body.nextCursor}`)
    expect(keys(rest)).toEqual([18, 19, 20].map(date))
    expect(rest.body.nextCursor).toBeNull()
  })
})
