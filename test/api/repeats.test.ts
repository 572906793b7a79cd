import { beforeEach, describe, expect, test } from 'vitest'
import type { Caller } from '../support/client.ts'
import { aDesk } from '../support/desk.ts'
import { disturbed, within } from '../support/faults.ts'
import { aFile, aParticipant, ok, type Participant } from '../support/world.ts'

// A batch is done, its answer is lost, others write and are answered, and the batch is repeated: what they wrote stays.

let desk: Awaited<ReturnType<typeof aDesk>>
let friend: Participant
let path: string
let grant: string
beforeEach(async () => {
  desk = await aDesk()
  friend = await aParticipant(desk.study)
  path = `${desk.study.path}/files/${(await aFile(desk.owner, desk.study, { tags: ['diary'] })).id}`
  grant = `${path}/grants/participant:${friend.id}`
})

/** The owner, whose batch of this kind loses its first answer, and others act before it is repeated. */
function repeating(on: RegExp, meanwhile: () => Promise<unknown>): { owner: Caller; seen: { times: number } } {
  const { DB, seen } = disturbed({ on, loses: 1, meanwhile })
  return { owner: within({ DB }, desk.owner), seen }
}

const which = () => ({ principal: `participant:${friend.id}`, template: { tags: ['diary'] } })
const content = { level: 'content' }
const readsIt = async () => (await friend.get(`${path}/content`)).status === 302

describe.each([
  ['a file', async (owner: Caller) => owner.put(grant, content), async (owner: Caller) => owner.delete(grant)],
  [
    'files by a template',
    async (owner: Caller) => owner.post(`${desk.study.path}/files/grants:apply`, { ...content, ...which() }),
    async (owner: Caller) => owner.post(`${desk.study.path}/files/grants:revoke`, which()),
  ],
])('sharing %s', (_, share, end) => {
  test('is not begun again where it was ended meanwhile', async () => {
    const { owner, seen } = repeating(/INSERT INTO grants/, async () => {
      expect(await readsIt()).toBe(true)
      ok(await end(desk.owner))
    })
    ok(await share(owner))
    expect([seen.times, await readsIt()]).toEqual([2, false])
  })

  test('is not ended again where it was begun anew meanwhile', async () => {
    ok(await share(desk.owner))
    const { owner, seen } = repeating(/DELETE FROM grants/, async () => {
      expect(await readsIt()).toBe(false)
      ok(await share(desk.owner))
    })
    ok(await end(owner))
    expect([seen.times, await readsIt()]).toEqual([2, true])
  })
})

describe('an edit of a file', () => {
  const EDITS = /UPDATE files AS f/

  test('does not make visible again what was made private meanwhile', async () => {
    const { owner, seen } = repeating(EDITS, async () => ok(await desk.owner.patch(path, { visibility: 'private' })))
    ok(await owner.patch(path, { visibility: 'study' }))
    expect([seen.times, ok(await desk.owner.get(path)).visibility]).toEqual([2, 'private'])
    expect((await desk.study.staff.get(path)).status).toBe(404)
  })

  test('at a revision is not refused for what others wrote after it', async () => {
    const etag = (await desk.owner.get(path)).headers.get('ETag') ?? ''
    const { owner, seen } = repeating(EDITS, async () => ok(await desk.owner.patch(path, { description: 'theirs' })))
    const edited = await owner.patch(path, { title: 'mine' }, { 'If-Match': etag })
    expect([seen.times, edited.status]).toEqual([2, 200])
    const now = await desk.owner.get(path)
    expect(now.body).toMatchObject({ title: 'mine', description: 'theirs' })
    expect(edited.headers.get('ETag')).toBe(now.headers.get('ETag'))
  })
})

test('a participant who is withdrawn meanwhile is not active again', async () => {
  const { study } = desk
  const participant = `${study.path}/participants/${friend.id}`
  const { DB, seen } = disturbed({
    on: /UPDATE participants SET/,
    loses: 1,
    meanwhile: async () => ok(await study.admin.patch(participant, { status: 'withdrawn' })),
  })
  ok(await within({ DB }, study.admin).patch(participant, { status: 'active' }))
  expect([seen.times, ok(await study.admin.get(participant)).status]).toEqual([2, 'withdrawn'])
})

test('a report that is closed meanwhile is not public again', async () => {
  const { study } = desk
  ok(await study.admin.patch(study.path, { settings: { allowPublic: true } }))
  const report = `${study.path}/reports/steps`
  ok(await study.worker.post(`${report}/entries`, { entries: [{ at: '2026-11-20', data: 1 }] }))
  const { DB, seen } = disturbed({
    on: /UPDATE reports AS r/,
    loses: 1,
    meanwhile: async () => ok(await study.admin.patch(report, { public: false })),
  })
  ok(await within({ DB }, study.admin).patch(report, { public: true }))
  expect([seen.times, ok(await study.admin.get(report)).public]).toEqual([2, false])
})

test('a study that stops allowing public files meanwhile does not allow them again', async () => {
  const { study } = desk
  const allow = async (admin: Caller, allowPublic: boolean) =>
    ok(await admin.patch(study.path, { settings: { allowPublic } }))
  const { DB, seen } = disturbed({
    on: /UPDATE studies AS s/,
    loses: 1,
    meanwhile: async () => allow(study.admin, false),
  })
  await allow(within({ DB }, study.admin), true)
  expect([seen.times, ok(await study.admin.get(study.path)).settings.allowPublic]).toEqual([2, false])
})

test('an entry that others replaced meanwhile is not put back', async () => {
  const entries = `${desk.study.path}/participants/me/reports/steps/entries`
  const put = async (owner: Caller, steps: number) =>
    owner.post(entries, { entries: [{ at: '2026-11-21', data: { steps } }] })
  const { owner, seen } = repeating(/INSERT INTO report_entries/, async () => ok(await put(desk.owner, 2)))
  expect(ok(await put(owner, 1)).entries).toBe(1)
  expect([seen.times, (await desk.owner.get(`${entries}/2026-11-21`)).body]).toEqual([2, { steps: 2 }])
})
