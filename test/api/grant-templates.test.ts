import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Caller } from '../support/client.ts'
import { aDesk } from '../support/desk.ts'
import { disturbed, within } from '../support/faults.ts'
import { SEEDED_SINCE, seedBulk, seededId } from '../support/seed.ts'
import { aFile, aParticipant, begin, ok, type Participant, type Study } from '../support/world.ts'

const named = (participant: Participant) => `participant:${participant.id}`
const content = { level: 'content' }

/** Shares what the template means, and answers how many that were. */
const apply = async (caller: Caller, study: Study, body: object) =>
  ok(await caller.post(`${study.path}/files/grants:apply`, { ...content, ...body })).files as number
const revoke = async (caller: Caller, study: Study, body: object) =>
  ok(await caller.post(`${study.path}/files/grants:revoke`, body)).files as number
/** The names of what somebody else's is found by the caller. */
async function sharedWith(caller: Caller, study: Study): Promise<string[]> {
  const { items } = ok(await caller.get(`${study.path}/files?limit=100`))
  return items
    .flatMap((file: { name: string; shared: unknown }) => (file.shared === null ? [] : [file.name]))
    .toSorted()
}
const grantsIn = async (study: Study) =>
  (await env.DB.prepare('SELECT * FROM grants WHERE study_id = ? ORDER BY file_id, principal').bind(study.id).all())
    .results
const recorded = async (study: Study, action: string) =>
  (
    await env.DB.prepare(
      'SELECT actor, subject, object FROM audit_events WHERE study_id = ? AND action = ? ORDER BY id',
    )
      .bind(study.id, action)
      .all()
  ).results

/** A desk with some diaries and other things of its owner's, and somebody to share them with. */
async function aDeskOfDiaries() {
  const { study, owner } = await aDesk()
  const friend = await aParticipant(study)
  for (const day of [1, 2, 3]) {
    await aFile(owner, study, { name: `day-${day}.txt`, tags: ['diary'], category: day === 3 ? 'late' : 'early' })
  }
  await aFile(owner, study, { name: 'scan.png', title: 'A diary in pictures' })
  await begin(owner, study, { name: 'day-4.txt', tags: ['diary'] })
  return { study, owner, friend, principal: named(friend) }
}

describe('sharing by a template', () => {
  test.each([
    ['a tag', { tags: ['diary'] }, ['day-1.txt', 'day-2.txt', 'day-3.txt']],
    ['several filters', { tags: ['diary'], category: 'early' }, ['day-1.txt', 'day-2.txt']],
    ['words', { q: 'diar' }, ['scan.png']],
    ['words and a filter', { q: 'day txt', category: 'late' }, ['day-3.txt']],
    ['an exact name', { name: 'scan.png' }, ['scan.png']],
    ['all of the caller', { participant: 'me' }, ['day-1.txt', 'day-2.txt', 'day-3.txt', 'scan.png']],
    ['nothing that is there', { category: 'nowhere' }, []],
    ['no word', { q: '"*"' }, []],
  ])('means %s, and no other file', async (_what, template, names) => {
    const { study, owner, friend, principal } = await aDeskOfDiaries()
    expect(await apply(owner, study, { template, principal })).toBe(names.length)
    expect(await sharedWith(friend, study)).toEqual(names)
    expect(await apply(owner, study, { template, principal })).toBe(names.length)
    expect(await revoke(owner, study, { template, principal })).toBe(names.length)
    expect(await sharedWith(friend, study)).toEqual([])
    expect(await revoke(owner, study, { template, principal })).toBe(0)
  })

  test('means the tag that is a comma, and not what stands between two others', async () => {
    const { study, owner, friend, principal } = await aDeskOfDiaries()
    await aFile(owner, study, { name: 'alone.txt', tags: [','] })
    await aFile(owner, study, { name: 'between.txt', tags: ['x,', 'y'] })
    await aFile(owner, study, { name: 'both.txt', tags: ['x,', 'y', ','] })
    expect(await apply(owner, study, { template: { tags: ['x,', ','] }, principal })).toBe(1)
    expect(await sharedWith(friend, study)).toEqual(['both.txt'])
  })

  test('changes how a file is shared already, and keeps since when', async () => {
    const { study, owner, friend, principal } = await aDeskOfDiaries()
    const template = { name: 'scan.png' }
    await apply(owner, study, { template, principal, level: 'metadata' })
    const [before] = await grantsIn(study)
    const expiresAt = '2036-01-01T00:00:00.000Z'
    expect(await apply(owner, study, { template, principal, expiresAt })).toBe(1)
    expect(await grantsIn(study)).toEqual([{ ...before, level: 'content', expires_at: Date.parse(expiresAt) }])
    const [file] = ok(await friend.get(`${study.path}/files`)).items
    expect((await friend.get(`${study.path}/files/${file.id}/content`)).status).toBe(302)
  })

  test('takes back only from whom is named', async () => {
    const { study, owner, friend, principal } = await aDeskOfDiaries()
    const other = await aParticipant(study)
    const template = { tags: ['diary'] }
    for (const whom of [principal, named(other)]) await apply(owner, study, { template, principal: whom })
    expect(await revoke(owner, study, { template: { participant: 'me' }, principal })).toBe(3)
    expect([await sharedWith(friend, study), await sharedWith(other, study)]).toEqual([
      [],
      ['day-1.txt', 'day-2.txt', 'day-3.txt'],
    ])
  })

  test('is of what the caller may share: a participant of their own, an admin of what is not private', async () => {
    const { study, owner, friend, principal } = await aDeskOfDiaries()
    const open = { name: 'open.txt', tags: ['diary'], visibility: 'study' }
    await aFile(owner, study, open)
    await aFile(friend, study, { ...open, name: 'of the friend' })
    await aFile(study.admin, study, { ...open, name: 'of the study', participant: null })
    const third = await aParticipant(study)
    const template = { tags: ['diary'] }
    expect(await apply(third, study, { template, principal })).toBe(0)
    // What is theirs already is left out.
    expect(await apply(study.admin, study, { template, principal })).toBe(2)
    expect(await sharedWith(friend, study)).toEqual(['of the study', 'open.txt'])
    expect(await revoke(owner, study, { template, principal })).toBe(1)
    expect(await sharedWith(friend, study)).toEqual(['of the study'])
    for (const caller of [study.staff, study.worker, study.download]) {
      const refused = await caller.post(`${study.path}/files/grants:apply`, { template, principal, ...content })
      expect([refused.status, refused.body.code]).toEqual([403, 'forbidden'])
    }
  })

  test('is nothing that a withdrawn participant can do, nor anyone to theirs', async () => {
    const { study, owner, principal } = await aDeskOfDiaries()
    await aFile(owner, study, { tags: ['diary'], visibility: 'study' })
    ok(await study.admin.patch(`${study.path}/participants/${owner.id}`, { status: 'withdrawn' }))
    const template = { tags: ['diary'] }
    for (const [verb, body] of [
      ['apply', { template, principal, ...content }],
      ['revoke', { template, principal }],
    ] as const) {
      const refused = await owner.post(`${study.path}/files/grants:${verb}`, body)
      expect([refused.status, refused.body.code]).toEqual([403, 'participant_withdrawn'])
    }
    expect(await apply(study.admin, study, { template, principal })).toBe(0)
    expect(await grantsIn(study)).toEqual([])
  })

  test('shares nothing where one of the files is shared with as many as can be', async () => {
    const { study, owner, friend, principal } = await aDeskOfDiaries()
    const [{ id }] = ok(await owner.get(`${study.path}/files?name=day-1.txt`)).items
    await env.DB.prepare(
      `WITH RECURSIVE series(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 500)
       INSERT INTO grants (study_id, file_id, principal, level, created_at) SELECT ?, ?, 'participant:p' || i, 'content', 0 FROM series`,
    )
      .bind(study.id, id)
      .run()
    const body = { template: { tags: ['diary'] }, principal, ...content }
    const refused = await owner.post(`${study.path}/files/grants:apply`, body)
    expect([refused.status, refused.body.code]).toEqual([409, 'grants_exhausted'])
    expect(await sharedWith(friend, study)).toEqual([])
    expect(await recorded(study, 'file.grant')).toEqual([])
  })

  test('is put on record once for each file, as what became of it', async () => {
    const { study, owner, principal } = await aDeskOfDiaries()
    const template = { tags: ['diary'] }
    for (let times = 0; times < 2; times += 1) await apply(owner, study, { template, principal })
    for (let times = 0; times < 2; times += 1) await revoke(owner, study, { template, principal })
    const { audit_id: auditId } =
      (await env.DB.prepare('SELECT audit_id FROM participants WHERE id = ?').bind(owner.id).first()) ?? {}
    const ids = ok(await owner.get(`${study.path}/files?tag=diary`)).items.map(({ id }: { id: string }) => id)
    const events = ids
      .toSorted()
      .map((object: string) => ({ actor: `participant:${String(auditId)}`, subject: auditId, object }))
    expect(await recorded(study, 'file.grant')).toEqual(events)
    expect(await recorded(study, 'file.revoke')).toEqual(events)
  })

  test('happens once when its answer is lost, and is counted right', async () => {
    const { study, owner, friend, principal } = await aDeskOfDiaries()
    const template = { tags: ['diary'] }
    for (const [verb, after] of [
      ['apply', 3],
      ['revoke', 0],
    ] as const) {
      const { DB, seen } = disturbed({ on: /(INTO|FROM) grants/, loses: true })
      const body = { template, principal, ...(verb === 'apply' ? content : {}) }
      const answer = await within({ DB }, owner).post(`${study.path}/files/grants:${verb}`, body)
      expect([verb, seen.times, answer.body]).toEqual([verb, 2, { files: 3 }])
      expect(await sharedWith(friend, study)).toHaveLength(after)
      expect(await recorded(study, verb === 'apply' ? 'file.grant' : 'file.revoke')).toHaveLength(3)
    }
  })
})

describe('a template', () => {
  test.each([
    ['that says nothing', { template: {} }, '/template'],
    ['that asks for no tags', { template: { tags: [] } }, '/template'],
    ['with a status', { template: { q: 'a', status: 'pending' } }, '/template/status'],
    ['of pages', { template: { q: 'a', limit: 1 } }, '/template/limit'],
    ['that names a participant twice', { template: { participant: 'me', externalId: 'x' } }, '/template/externalId'],
    ['of a text too long', { template: { q: 'a'.repeat(10_000) } }, '/template/q'],
    ['of no text', { template: { q: '\ud800' } }, '/template/q'],
    ['in place of an object', { template: 'all' }, '/template'],
    ['for nobody', { template: { q: 'a' }, principal: 'member:mem_01k9z3m8qe5w7v2n4h6j8k0r2t' }, '/principal'],
    ['for no name', { template: { q: 'a' }, principal: 'everyone' }, '/principal'],
    ['until a time that has passed', { template: { q: 'a' }, expiresAt: '2020-01-01T00:00:00Z' }, '/expiresAt'],
  ])('%s is refused', async (_what, body, pointer) => {
    const { study, owner } = await aDesk()
    const principal = named(await aParticipant(study))
    const answer = await owner.post(`${study.path}/files/grants:apply`, { principal, ...content, ...body })
    expect([answer.status, answer.body.code, answer.body.errors?.[0].pointer]).toEqual([422, 'invalid_body', pointer])
  })

  test('with everything in it is understood', async () => {
    const { study, owner, friend, principal } = await aDeskOfDiaries()
    const tags = Array.from({ length: 10 }, (_, index) => (index === 0 ? ',' : `tag-${index}`))
    const said = { category: 'c', source: 's', name: 'everything.txt' }
    const { listedAt } = await aFile(owner, study, { ...said, tags, title: 'every thing', visibility: 'study' })
    const times = { uploadedAfter: listedAt, uploadedBefore: '2100-01-01T00:00:00Z' }
    const template = { ...said, ...times, tags, q: 'every thing', participant: owner.id }
    expect(await apply(owner, study, { template, principal })).toBe(1)
    expect(await sharedWith(friend, study)).toEqual(['everything.txt'])
    expect(ok(await friend.post(`${study.path}/files/search`, template)).items).toHaveLength(1)
    expect(await revoke(study.admin, study, { template, principal })).toBe(1)
  })
})

describe('of more files than one call changes', () => {
  const MOST = 1_000
  let study: Study
  let owner: Participant
  let principal: string

  beforeAll(async () => {
    ;({ study, owner } = await aDesk())
    principal = named(await aParticipant(study))
    const recipe = {
      owner: `'${owner.id}'`,
      name: `'night ' || i`,
      category: `CASE WHEN i > ${MOST} THEN 'one more' ELSE 'usual' END`,
      source: 'NULL',
      tags: `'["sleep"]'`,
      visibility: `'private'`,
    }
    await seedBulk(study, { from: 1, to: MOST + 1, recipe })
  }, 60_000)

  test.each([{ tags: ['sleep'] }, { q: 'night' }])('none is shared by %j', async (template) => {
    const answer = await owner.post(`${study.path}/files/grants:apply`, { template, principal, ...content })
    expect([answer.status, answer.body.errors?.[0].pointer]).toEqual([422, '/template'])
    expect(await grantsIn(study)).toEqual([])
    expect(await recorded(study, 'file.grant')).toEqual([])
  })

  test('fewer are shared where they have much to say', async () => {
    const few = { q: 'night 1', category: 'usual' }
    const template = { ...few, uploadedBefore: new Date(SEEDED_SINCE + 100_000).toISOString() }
    const saying = env.DB.prepare(`UPDATE files SET description = ? WHERE study_id = ? AND id BETWEEN ? AND ?`)
    const tell = async (text: string) => saying.bind(text, study.id, seededId(1), seededId(99)).run()
    // Eleven of them: 1, and 10 to 19.
    await tell('a bad night '.repeat(3_100))
    const refused = await owner.post(`${study.path}/files/grants:apply`, { template, principal, ...content })
    expect([refused.status, refused.body.errors?.[0].pointer]).toEqual([422, '/template'])
    expect(await grantsIn(study)).toEqual([])
    await tell('a good night '.repeat(2_700))
    expect(await apply(owner, study, { template, principal })).toBe(11)
    expect(await revoke(owner, study, { template, principal })).toBe(11)
    await tell('')
  })

  test('what is changed already does not count, and none is taken back at once', async () => {
    expect(await apply(owner, study, { template: { q: 'night', category: 'one more' }, principal })).toBe(1)
    expect(await apply(owner, study, { template: { tags: ['sleep'] }, principal })).toBe(MOST + 1)
    expect(await grantsIn(study)).toHaveLength(MOST + 1)
    const template = { q: 'nig' }
    const refused = await owner.post(`${study.path}/files/grants:revoke`, { template, principal })
    expect([refused.status, refused.body.errors?.[0].pointer]).toEqual([422, '/template'])
    expect(await grantsIn(study)).toHaveLength(MOST + 1)
    expect(await revoke(owner, study, { template: { ...template, category: 'usual' }, principal })).toBe(MOST)
    expect(await grantsIn(study)).toEqual([expect.objectContaining({ file_id: seededId(MOST + 1) })])
  })
})
