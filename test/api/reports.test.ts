import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { as, type Caller } from '../support/client.ts'
import { disturbed, within } from '../support/faults.ts'
import { aParticipant, aStudy, ok, type Study } from '../support/world.ts'

async function aWorld(settings: object = {}) {
  const study = await aStudy(settings)
  const participant = await aParticipant(study)
  return {
    study,
    participant,
    own: `${study.path}/participants/${participant.id}/reports`,
    shared: `${study.path}/reports`,
  }
}

const identifiers = (answer: { body: { items: { identifier: string }[] } }) =>
  answer.body.items.map(({ identifier }) => identifier)

/** An entry on a day of November 2026. */
const day = (number: number) => `2026-11-${String(number).padStart(2, '0')}`

async function publish(study: Study, identifier: string) {
  ok(await study.worker.put(`${study.path}/reports/${identifier}/entries/2026-11-21`, { n: 1 }))
  ok(await study.admin.patch(`${study.path}/reports/${identifier}`, { public: true }))
}

describe('a report', () => {
  test('is there from its first entry on, and knows how many it has, its first and its last', async () => {
    const { participant, own } = await aWorld()
    expect((await participant.get(`${own}/steps`)).body.code).toBe('report_not_found')
    const put = await participant.put(`${own}/steps/entries/${day(20)}`, { steps: 7 })
    expect(put.status).toBe(200)
    expect(put.body).toEqual({
      identifier: 'steps',
      labels: [],
      entries: 1,
      first: day(20),
      last: day(20),
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
    })
    await participant.put(`${own}/steps/entries/2026-11-19T23:59:59-05:00`, 1)
    const report = await participant.put(`${own}/steps/entries/${day(18)}`, null)
    expect(report.body).toMatchObject({ entries: 3, first: day(18), last: '2026-11-20T04:59:59.000Z' })
    expect((await participant.get(`${own}/steps`)).body).toEqual(report.body)
    expect((await participant.get(own)).body).toEqual({ items: [report.body], nextCursor: null })
  })

  test('counts an entry once, however often it is written or deleted', async () => {
    const { participant, own } = await aWorld()
    for (const value of [1, 2, 3]) await participant.put(`${own}/x/entries/${day(1)}`, value)
    expect((await participant.get(`${own}/x`)).body.entries).toBe(1)
    await participant.post(`${own}/x/entries`, { entries: [1, 2, 3].map((n) => ({ at: day(n), data: n })) })
    expect((await participant.get(`${own}/x`)).body.entries).toBe(3)
    expect((await participant.delete(`${own}/x/entries/${day(1)}`)).status).toBe(204)
    expect((await participant.delete(`${own}/x/entries/${day(1)}`)).body.code).toBe('report_entry_not_found')
    expect((await participant.get(`${own}/x`)).body).toMatchObject({ entries: 2, first: day(2), last: day(3) })
  })

  test('counts right with many writers at once', async () => {
    const { participant, own } = await aWorld()
    const writes = Array.from({ length: 30 }, async (_, index) =>
      participant.put(`${own}/x/entries/${day(1 + (index % 10))}`, index),
    )
    const deletes = Array.from({ length: 5 }, async () => participant.delete(`${own}/x/entries/${day(1)}`))
    await Promise.all([...writes, ...deletes])
    const { body } = await participant.get(`${own}/x/entries`)
    expect(body.items.length).toBeGreaterThanOrEqual(9)
    expect((await participant.get(`${own}/x`)).body.entries).toBe(body.items.length)
  })

  test('counts and answers right where D1 did what it was told and its answer was lost', async () => {
    const { participant, own } = await aWorld()
    const { DB, seen } = disturbed({ on: /INSERT INTO report_entries/, loses: true })
    const answer = await within({ DB }, participant).post(`${own}/x/entries`, {
      entries: [1, 2, 3].map((n) => ({ at: day(n), data: n })),
    })
    expect(seen.times).toBe(2)
    expect(answer.body).toMatchObject({ entries: 3, first: day(1), last: day(3) })
    expect((await participant.get(`${own}/x`)).body.entries).toBe(3)
  })

  test('stays, empty, when its last entry goes, until it is deleted itself', async () => {
    const { participant, own } = await aWorld()
    await participant.put(`${own}/x/entries/${day(1)}`, 1)
    await participant.delete(`${own}/x/entries/${day(1)}`)
    expect((await participant.get(`${own}/x`)).body).toMatchObject({ entries: 0, first: null, last: null })
    expect((await participant.get(`${own}/x/entries`)).body).toEqual({ items: [], nextCursor: null })
    expect((await participant.delete(`${own}/x`)).status).toBe(204)
    expect((await participant.get(`${own}/x`)).body.code).toBe('report_not_found')
    expect((await participant.delete(`${own}/x`)).body.code).toBe('report_not_found')
  })

  test('is deleted with all of its entries, and nothing of another with the same name', async () => {
    const { study, participant, own, shared } = await aWorld()
    const other = await aParticipant(study)
    const theirs = `${study.path}/participants/${other.id}/reports`
    for (const at of [day(1), '2026-11-01T00:00:00Z']) {
      await participant.put(`${own}/x/entries/${at}`, 1)
      await other.put(`${theirs}/x/entries/${at}`, 1)
      await study.worker.put(`${shared}/x/entries/${at}`, 1)
    }
    await participant.delete(`${own}/x`)
    expect((await participant.get(`${own}/x/entries`)).status).toBe(404)
    expect((await other.get(`${theirs}/x`)).body.entries).toBe(2)
    expect((await study.worker.get(`${shared}/x`)).body.entries).toBe(2)
    const left = await env.DB.prepare('SELECT count(*) AS n FROM report_entries WHERE study_id = ? AND owner = ?')
      .bind(study.id, participant.id)
      .first('n')
    expect(left).toBe(0)
  })

  test('is listed by identifier, in pages that inserts and deletes do not disturb', async () => {
    const { participant, own } = await aWorld()
    for (const name of ['a', 'c', 'e/f', 'g', '日本']) {
      await participant.put(`${own}/${encodeURIComponent(name)}/entries/${day(1)}`, 1)
    }
    const first = await participant.get(`${own}?limit=2`)
    expect(identifiers(first)).toEqual(['a', 'c'])
    await participant.delete(`${own}/c`)
    await participant.put(`${own}/b/entries/${day(1)}`, 1)
    await participant.put(`${own}/d/entries/${day(1)}`, 1)
    const rest = await participant.get(`${own}?cursor=${first.body.nextCursor}`)
    expect(identifiers(rest)).toEqual(['d', 'e/f', 'g', '日本'])
    expect(rest.body.nextCursor).toBeNull()
    expect((await participant.get(`${own}?cursor=x`)).body.code).toBe('cursor_invalid')
  })

  test('takes labels from admins, and `public` only where it is of the study', async () => {
    const { study, participant, own, shared } = await aWorld({ allowPublic: true })
    await participant.put(`${own}/x/entries/${day(1)}`, 1)
    await study.worker.put(`${shared}/x/entries/${day(1)}`, 1)
    expect((await study.admin.patch(`${own}/x`, { labels: ['a', 'b'] })).body.labels).toEqual(['a', 'b'])
    expect((await participant.get(`${own}/x`)).body.labels).toEqual(['a', 'b'])
    expect((await participant.get(`${own}/x`)).body).not.toHaveProperty('public')
    expect((await study.admin.patch(`${own}/x`, { public: true })).body.code).toBe('invalid_body')
    const published = await study.admin.patch(`${shared}/x`, { public: true, labels: ['c'] })
    expect(published.body).toMatchObject({ public: true, labels: ['c'], entries: 1 })
    expect((await study.admin.patch(`${shared}/x`, {})).body).toEqual(published.body)
    expect((await study.admin.patch(`${shared}/none`, { public: true })).body.code).toBe('report_not_found')
    for (const caller of [study.worker, study.staff, participant]) {
      expect((await caller.patch(`${shared}/x`, { public: false })).body.code).toBe('forbidden')
    }
    expect((await participant.patch(`${own}/x`, { labels: [] })).body.code).toBe('forbidden')
    expect((await study.admin.patch(`${shared}/x`, { public: false })).body.public).toBe(false)
  })
})

describe("a participant's reports", () => {
  test('are read and added to by their owner and the team; deleted by the owner, workers and admins', async () => {
    const { study, participant, own } = await aWorld()
    for (const [index, caller] of [participant, study.staff, study.worker, study.admin].entries()) {
      expect((await caller.put(`${own}/x/entries/${day(1 + index)}`, 1)).status).toBe(200)
      expect((await caller.post(`${own}/x/entries`, { entries: [{ at: day(9), data: 1 }] })).status).toBe(200)
      for (const path of [
        '',
        '/x',
        '/x/entries',
        `/x/entries/${day(9)}`,
        `/x/rollup?period=day&from=${day(1)}&until=${day(9)}`,
      ])
        expect((await caller.get(own + path)).status, path).toBe(200)
    }
    expect((await study.staff.delete(`${own}/x/entries/${day(1)}`)).body.code).toBe('forbidden')
    expect((await study.staff.delete(`${own}/x`)).body.code).toBe('forbidden')
    expect((await study.worker.delete(`${own}/x/entries/${day(1)}`)).status).toBe(204)
    expect((await participant.delete(`${own}/x/entries/${day(2)}`)).status).toBe(204)
    expect((await study.admin.delete(`${own}/x/entries/${day(3)}`)).status).toBe(204)
    expect((await study.worker.delete(`${own}/x`)).status).toBe(204)
  })

  test('are to others as if they were not there, whether they are or not', async () => {
    const { study, participant, own } = await aWorld()
    await participant.put(`${own}/x/entries/${day(1)}`, 1)
    const [other, foreign] = [await aParticipant(study), await aStudy()]
    const paths = [own, `${study.path}/participants/nobody/reports`]
    const asked = async (caller: Caller, at: string, code: 'participant' | 'report') => {
      const { status, body } = await caller.get(at)
      expect({ status, code: body.code }, at).toEqual({ status: 404, code: `${code}_not_found` })
    }
    for (const path of paths) {
      for (const caller of [other, study.download]) {
        await asked(caller, path, 'participant')
        await asked(caller, `${path}/x`, 'report')
        await asked(caller, `${path}/x/entries`, 'report')
        await asked(caller, `${path}/x/entries/${day(1)}`, 'report')
        await asked(caller, `${path}/x/rollup?period=day&from=${day(1)}&until=${day(1)}`, 'report')
        expect((await caller.put(`${path}/x/entries/${day(1)}`, 2)).body.code).toBe('participant_not_found')
        expect((await caller.delete(`${path}/x/entries/${day(1)}`)).body.code).toBe('report_not_found')
        expect((await caller.delete(`${path}/x`)).body.code).toBe('report_not_found')
      }
      for (const at of [path, `${path}/x`, `${path}/x/entries/${day(1)}`]) {
        expect((await as().get(at)).status).toBe(401)
        expect((await foreign.admin.get(at)).body.code).toBe('study_not_found')
      }
    }
    expect((await study.worker.put(`${paths[1]}/x/entries/${day(1)}`, 2)).body.code).toBe('participant_not_found')
    expect((await study.worker.put(`${study.path}/participants/me/reports/x/entries/${day(1)}`, 2)).status).toBe(404)
    expect((await participant.get(`${own}/x/entries/${day(1)}`)).text).toBe('1')
  })

  test('may be called those of `me` by their owner', async () => {
    const { study, participant, own } = await aWorld()
    const mine = `${study.path}/participants/me/reports`
    expect((await participant.put(`${mine}/x/entries/${day(1)}`, 1)).status).toBe(200)
    expect((await participant.get(mine)).body).toEqual((await participant.get(own)).body)
    expect((await participant.get(`${mine}/x/entries`)).body.items).toHaveLength(1)
    expect((await participant.delete(`${mine}/x`)).status).toBe(204)
    expect((await study.admin.get(mine)).body.code).toBe('participant_not_found')
  })

  test('of one who has withdrawn are read, and written by nobody', async () => {
    const { study, participant, own, shared } = await aWorld()
    await participant.put(`${own}/x/entries/${day(1)}`, 1)
    await study.admin.patch(`${study.path}/participants/${participant.id}`, { status: 'withdrawn' })
    expect((await participant.get(`${own}/x/entries`)).body.items).toHaveLength(1)
    for (const caller of [participant, study.staff, study.worker, study.admin]) {
      expect((await caller.put(`${own}/x/entries/${day(2)}`, 2)).body.code).toBe('participant_withdrawn')
    }
    for (const caller of [participant, study.worker, study.admin]) {
      expect((await caller.delete(`${own}/x/entries/${day(1)}`)).body.code).toBe('participant_withdrawn')
      expect((await caller.delete(`${own}/x`)).body.code).toBe('participant_withdrawn')
    }
    expect((await study.admin.patch(`${own}/x`, { labels: ['a'] })).body.code).toBe('participant_withdrawn')
    expect((await participant.put(`${shared}/x/entries/${day(1)}`, 2)).status).toBe(404)
    expect((await study.staff.get(`${own}/x`)).body).toMatchObject({ entries: 1, labels: [] })
  })
})

describe("the study's reports", () => {
  test('are the team’s, and the public ones everyone’s who knows their names', async () => {
    const { study, participant, shared } = await aWorld({ allowPublic: true })
    await publish(study, 'open')
    await study.staff.put(`${shared}/closed/entries/${day(21)}`, 2)
    for (const caller of [study.staff, study.worker, study.admin]) {
      expect(identifiers(await caller.get(shared))).toEqual(['closed', 'open'])
      expect((await caller.get(`${shared}/closed/entries`)).status).toBe(200)
    }
    expect(identifiers(await participant.get(shared))).toEqual(['open'])
    expect((await as().get(shared)).status).toBe(401)
    expect((await study.download.get(shared)).body.code).toBe('forbidden')
    const range = `period=day&from=${day(21)}&until=${day(21)}`
    for (const caller of [participant, as()]) {
      for (const path of ['', '/entries', `/entries/${day(21)}`, `/rollup?${range}`]) {
        expect((await caller.get(`${shared}/open${path}`)).status, path).toBe(200)
        expect((await caller.get(`${shared}/closed${path}`)).status, path).toBe(caller === participant ? 404 : 401)
      }
    }
    const foreign = await aStudy()
    expect((await foreign.admin.get(`${shared}/open`)).status).toBe(200)
    expect((await foreign.admin.get(`${shared}/closed`)).body.code).toBe('study_not_found')
    expect((await study.download.get(`${shared}/open`)).body.code).toBe('report_not_found')
  })

  test('are not written by participants, and not deleted by staff', async () => {
    const { study, participant, shared } = await aWorld({ allowPublic: true })
    await publish(study, 'open')
    expect((await participant.put(`${shared}/open/entries/${day(1)}`, 1)).body.code).toBe('forbidden')
    expect((await participant.delete(`${shared}/open/entries/2026-11-21`)).body.code).toBe('forbidden')
    expect((await participant.put(`${shared}/new/entries/${day(1)}`, 1)).body.code).toBe('report_not_found')
    expect((await as().put(`${shared}/open/entries/${day(1)}`, 1)).status).toBe(401)
    expect((await study.staff.delete(`${shared}/open`)).body.code).toBe('forbidden')
    expect((await study.worker.delete(`${shared}/open`)).status).toBe(204)
  })

  test('are public only as long as the study allows it', async () => {
    const { study, participant, shared } = await aWorld({ allowPublic: true })
    await publish(study, 'open')
    ok(await study.admin.patch(study.path, { settings: { allowPublic: false } }))
    expect((await as().get(`${shared}/open`)).status).toBe(401)
    expect((await participant.get(`${shared}/open/entries`)).status).toBe(404)
    expect(identifiers(await participant.get(shared))).toEqual([])
    expect((await study.staff.get(`${shared}/open`)).body.public).toBe(false)
    expect((await study.admin.patch(`${shared}/open`, { public: true })).body.code).toBe('public_not_allowed')
    ok(await study.admin.patch(study.path, { settings: { allowPublic: true } }))
    expect((await as().get(`${shared}/open`)).body.public).toBe(true)
  })
})
