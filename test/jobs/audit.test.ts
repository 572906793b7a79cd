import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, expect, type MockInstance, test, vi } from 'vitest'
import { aQueue, auditIdOf, eventsOf, recorded } from '../support/audit.ts'
import type { Caller } from '../support/client.ts'
import { deliver, disturbed, overriding, sweepAt, within } from '../support/faults.ts'
import { aFile, aParticipant, aStudy, ok } from '../support/world.ts'

// What becomes of the record when something fails, and in the end.

const DAY_MS = 86_400_000

let printed: MockInstance<typeof console.log>
beforeEach(() => {
  printed = vi.spyOn(console, 'log')
})
afterEach(() => printed.mockRestore())

async function aScene() {
  const study = await aStudy()
  const ada = await aParticipant(study, { id: 'ada' })
  const file = await aFile(ada, study, { visibility: 'study' })
  return { study, ada, file, content: `${study.path}/files/${file.id}/content` }
}

test('a write whose answer was lost is on record once', async () => {
  const { study, ada, file } = await aScene()
  const path = `${study.path}/files/${file.id}`
  const theirs = `${study.path}/participants/ada`
  const { DB, seen } = disturbed({ on: /INSERT INTO audit_events/, loses: 1 })
  const losing = (caller: Caller) => within({ DB }, caller)
  for (const [action, deed] of [
    ['file.edit', async () => losing(ada).patch(path, { title: 'x' }, { 'If-Match': '"r2"' })],
    ['study.update', async () => losing(study.admin).patch(study.path, { name: 'x' })],
    ['participant.update', async () => losing(study.admin).patch(theirs, { labels: ['x'] })],
    ['link.issue', async () => losing(ada).post(`${path}/download-tokens`, {})],
    ['report.add', async () => losing(ada).put(`${theirs}/reports/steps/entries/2026-11-20`, { steps: 1 })],
    ['document.put', async () => losing(ada).put(`${theirs}/documents/preferences`, {})],
    ['enrolment_code.issue', async () => losing(study.admin).post(`${theirs}/enrolment-codes`, { label: 'phone' })],
    ['key.rotate', async () => losing(ada).post(`${study.path}/keys/self/rotate`, {})],
  ] as const) {
    seen.times = 0
    const events = await recorded(study, async () => ok(await deed()))
    expect([action, seen.times, events.map((event) => event.action)]).toEqual([action, 2, [action]])
  }
})

test('a message that comes twice is one event', async () => {
  const { study, content } = await aScene()
  const queue = aQueue()
  await within({ JOBS: queue.JOBS }, study.staff).get(content)
  const messages = [...queue.messages]
  const events = await recorded(study, async () => {
    await deliver([...messages, ...messages], {}, 'carrel-jobs')
    await deliver(messages, {}, 'carrel-jobs')
  })
  expect(events.map(({ action }) => action)).toEqual(['file.read'])
})

test('many messages are written down in one trip', async () => {
  const { study, content } = await aScene()
  const queue = aQueue()
  const staff = within({ JOBS: queue.JOBS }, study.staff)
  for (let time = 0; time < 20; time += 1) await staff.get(content)
  const { DB, seen } = disturbed({ on: /INSERT INTO audit_events/ })
  const events = await recorded(study, async () => deliver(queue.messages, { DB }, 'carrel-jobs'))
  expect([events.length, seen.times]).toEqual([20, 1])
})

test('where the queue is down, the request works and is on record at once', async () => {
  const { study, content } = await aScene()
  const JOBS = overriding(env.JOBS, { send: async () => Promise.reject(new Error('queue is down')) })
  const events = await recorded(study, async () => {
    expect((await within({ JOBS }, study.staff).get(content)).status).toBe(302)
    expect((await within({ JOBS }, study.staff).get(`${study.path}/audit`)).status).toBe(403)
  })
  expect(events.map(({ action }) => action).toSorted()).toEqual(['access.deny', 'file.read'])
})

test('where nothing can be written down, the request works and the log has which event was lost', async () => {
  const { study, content } = await aScene()
  const JOBS = overriding(env.JOBS, { send: async () => Promise.reject(new Error('queue is down')) })
  const failing = disturbed({
    on: /json_each\(\?\) seen/,
    before: async () => Promise.reject(new Error('D1 is down')),
  })
  printed.mockClear()
  const answer = await within({ JOBS, DB: failing.DB }, study.staff).get(content)
  expect(answer.status).toBe(302)
  const lines = printed.mock.calls.map((call) => JSON.parse(String(call[0])) as Record<string, unknown>)
  expect(lines).toContainEqual(expect.objectContaining({ requestId: expect.stringMatching(/^aud_/), failure: 'Error' }))
  expect(JSON.stringify(lines)).not.toContain(study.id)
})

test('messages that could not be written down come again, and what nobody understands does not', async () => {
  const { study, content } = await aScene()
  const queue = aQueue()
  await within({ JOBS: queue.JOBS }, study.staff).get(content)
  const failing = disturbed({ on: /INSERT INTO audit_events/, before: async () => Promise.reject(new Error('down')) })
  const bodies = [{ kind: 'unheard of' }, ...queue.messages, 'garbage', null, { kind: 'witnessed' }]
  const failed = await deliver(bodies, { DB: failing.DB }, 'carrel-jobs')
  expect(failed).toEqual({ acked: ['message-0', 'message-2', 'message-3', 'message-4'], retried: ['message-1'] })
  const events = await recorded(study, async () => deliver(queue.messages, {}, 'carrel-jobs'))
  expect(events).toHaveLength(1)
})

test('who is gone when it is written down is not named in any way', async () => {
  const { study, ada, file, content } = await aScene()
  const queue = aQueue()
  await within({ JOBS: queue.JOBS }, ada).get(content)
  await env.DB.prepare('DELETE FROM participants WHERE study_id = ?').bind(study.id).run()
  const events = await recorded(study, queue.bring)
  expect(events).toMatchObject([{ action: 'file.read', actor: 'participant', subject: null, object: file.version.id }])
  // Ids are random, and may have these letters in them.
  expect(JSON.stringify(events)).not.toMatch(/\bada\b/)
})

test('what was seen of somebody is not told of who was enrolled by the same id since', async () => {
  const { study, ada, content } = await aScene()
  const queue = aQueue()
  await within({ JOBS: queue.JOBS }, study.staff).get(content)
  await within({ JOBS: queue.JOBS }, ada).get(content)
  const later = (table: string, id: 'id' | 'study_id') =>
    env.DB.prepare(`UPDATE ${table} SET created_at = created_at + ? WHERE ${id} = ?`).bind(DAY_MS, study.id).run()
  const messages = [...queue.messages]
  await later('participants', 'study_id')
  const events = await recorded(study, queue.bring)
  expect(events.map(({ actor, subject }) => [actor.split(':')[0], subject])).toEqual([
    ['key', null],
    ['participant', null],
  ])
  await later('studies', 'id')
  await env.DB.prepare('DELETE FROM audit_events WHERE study_id = ?').bind(study.id).run()
  expect(await recorded(study, async () => deliver(messages, {}, 'carrel-jobs'))).toEqual([])
})

test('into a study that is being erased, or is not there, nothing is written', async () => {
  const { study, content } = await aScene()
  const queue = aQueue()
  await within({ JOBS: queue.JOBS }, study.staff).get(content)
  const [message] = queue.messages
  await env.DB.prepare(`UPDATE studies SET status = 'erasing' WHERE id = ?`).bind(study.id).run()
  const events = await recorded(study, async () => {
    const { acked } = await deliver([message, { ...Object(message), study: 'absent' }], {}, 'carrel-jobs')
    expect(acked).toHaveLength(2)
  })
  expect(events).toEqual([])
  expect(await eventsOf({ id: 'absent' })).toEqual([])
})

test('events are forgotten when their time is over, study by study, some at a time', async () => {
  const studies = [await aScene(), await aScene()]
  const [one, other] = studies.map(({ study }) => study)
  if (one === undefined || other === undefined) throw new Error('a study is missing')
  const before = [await eventsOf(one), await eventsOf(other)].map((events) => events.length)
  const pseudonym = await auditIdOf(one, { id: 'ada' })
  // As old as the very first ids, and more than one run forgets.
  await env.DB.prepare(
    `INSERT INTO audit_events (study_id, id, at, door, action, outcome, actor, subject)
     WITH RECURSIVE series(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 1500)
     SELECT ?, 'aud_' || printf('%026d', i), i, 'native', 'file.read', 'done', 'operator', ? FROM series`,
  )
    .bind(one.id, pseudonym)
    .run()
  // The operator's own keys are of no study, and what became of them is on record in none.
  const operators = { id: '' }
  await env.DB.prepare(
    `INSERT INTO audit_events (study_id, id, at, door, action, outcome, actor)
     VALUES ('', 'aud_00000000000000000000000000', 1, 'kidsfirst', 'key.issue', 'done', 'operator')`,
  ).run()
  const now = Date.now()
  await sweepAt(new Date(now))
  expect(await eventsOf(one)).toHaveLength((before[0] ?? 0) + 500)
  await sweepAt(new Date(now))
  expect([await eventsOf(one), await eventsOf(other)].map((events) => events.length)).toEqual(before)

  // The settings say two days; what happened now is kept until then.
  await sweepAt(new Date(now + 1.9 * DAY_MS), { AUDIT_DAYS: '2' })
  expect((await eventsOf(other)).length).toBeGreaterThanOrEqual(before[1] ?? 0)
  await sweepAt(new Date(now + 3 * DAY_MS), { AUDIT_DAYS: '2' })
  expect([await eventsOf(one), await eventsOf(other), await eventsOf(operators)]).toEqual([[], [], []])
})
