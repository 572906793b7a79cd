import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { outbox, strays } from '../support/bucket.ts'
import { sweepAt } from '../support/faults.ts'
import { costOf } from '../support/meters.ts'
import { expectProblem } from '../support/problems.ts'
import { bulk, deletions, type Gone, idsOf, NOTHING, remove, rowsOf, sorted } from '../support/removals.ts'
import { seedBulk, seededId } from '../support/seed.ts'
import { aFile, aParticipant, aStudy, begin, ok, replace } from '../support/world.ts'

const ABSENT = 'fil_01k9z3m8qe5w7v2n4h6j8k0r2t'

describe('deleting files by id', () => {
  test('takes each with all its versions and uploads, and its bytes follow', async () => {
    const study = await aStudy()
    const owner = await aParticipant(study)
    const path = `${study.path}/participants/me/files/diary`
    const uploads = [await replace(owner, path), await replace(owner, path)]
    for (const upload of uploads) ok(await owner.post(`${study.path}/uploads/${upload.id}/complete`))
    const diary = ok(await owner.get(path))
    await replace(owner, path)
    const pending = (await begin(owner, study, { upload: 'multipart' })).file
    const kept = await aFile(owner, study)

    const gone = await remove(owner, study, { ids: [diary.id, pending.id] })
    expect(gone).toEqual({
      deleted: expect.arrayContaining([
        { id: diary.id, name: 'hello.txt' },
        { id: pending.id, name: 'hello.txt' },
      ]),
      refused: [],
      more: false,
    })
    expect(await rowsOf(study)).toMatchObject({ files: 1, versions: 1, uploads: 0, parts: 0 })
    expect(await outbox(study)).toHaveLength(4)
    expect(await strays()).toEqual([])
    await sweepAt(new Date())
    expect((await owner.get(`${study.path}/files/${kept.id}/content?delivery=stream`)).text).toBe('hello world')
    expect((await owner.get(path)).body.code).toBe('file_not_found')
  })

  test('answers what did not go, and why, in the words of deleting one', async () => {
    const [study, elsewhere] = [await aStudy(), await aStudy()]
    const [ada, bob] = [await aParticipant(study), await aParticipant(study)]
    const mine = await aFile(ada, study)
    const hidden = await aFile(bob, study)
    const foreign = await aFile(await aParticipant(elsewhere), elsewhere)
    const ids = [hidden.id, mine.id, foreign.id, ABSENT]
    const refused = [hidden.id, foreign.id, ABSENT].map((id) => ({ id, code: 'file_not_found' }))
    expect(await remove(ada, study, { ids })).toEqual({
      deleted: [{ id: mine.id, name: mine.name }],
      refused,
      more: false,
    })
    // A worker may delete what the team sees, and is not told what it does not see.
    const shared = await aFile(bob, study, { visibility: 'study' })
    expect(await remove(study.worker, study, { ids: [hidden.id, shared.id, foreign.id] })).toEqual({
      deleted: [{ id: shared.id, name: shared.name }],
      refused: [hidden.id, foreign.id].map((id) => ({ id, code: 'file_not_found' })),
      more: false,
    })
    // An admin may delete what is private, unread.
    expect(idsOf(await remove(study.admin, study, { ids: [hidden.id] }))).toEqual([hidden.id])
    expect(await rowsOf(elsewhere)).toMatchObject({ files: 1, versions: 1 })
  })

  test('says forbidden of what the caller sees and may not delete', async () => {
    const study = await aStudy({ allowPublic: true })
    const [ada, bob] = [await aParticipant(study), await aParticipant(study)]
    const published = await aFile(bob, study, { visibility: 'public' })
    const { refused } = await remove(ada, study, { ids: [published.id] })
    expect(refused).toEqual([{ id: published.id, code: 'forbidden' }])
    ok(await study.admin.patch(study.path, { settings: { allowPublic: false } }))
    const again = await remove(ada, study, { ids: [published.id] })
    expect(again.refused).toEqual([{ id: published.id, code: 'file_not_found' }])
  })

  test('puts each on record, under the name that the audit has for its owner', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study)
    const files = [await aFile(ada, study), await aFile(study.admin, study, { participant: null, visibility: 'study' })]
    await remove(study.admin, study, { ids: [...files.map(({ id }) => id), ABSENT] })
    const events = await deletions(study)
    expect(sorted(events.map(({ object }) => object))).toEqual(sorted(files.map(({ id }) => id)))
    const auditId = await env.DB.prepare('SELECT audit_id FROM participants WHERE study_id = ? AND id = ?')
      .bind(study.id, ada.id)
      .first<string>('audit_id')
    expect(new Set(events.map(({ subject }) => subject))).toEqual(new Set([auditId, null]))
    expect(new Set(events.map(({ actor }) => actor.split(':')[0]))).toEqual(new Set(['key']))
  })

  test.each([
    ['no ids', { ids: [] }, '/ids'],
    ['101 ids', { ids: Array.from({ length: 101 }, (_, i) => seededId(i)) }, '/ids'],
    ['an id twice', { ids: [ABSENT, ABSENT] }, '/ids'],
    ['what is no id', { ids: ['notes.txt'] }, '/ids/0'],
    ['no list', { ids: ABSENT }, '/ids'],
    ['a name that is none', { name: 5 }, '/name'],
    ['an empty name', { name: '' }, '/name'],
    ['ids and a name', { ids: [ABSENT], name: 'notes.txt' }, '/name'],
    ['all, unsaid', { participant: 'me' }, '/name'],
    ['all, denied', { participant: 'me', all: false }, '/all'],
    ['nothing', {}, '/ids'],
    ['null', null, ''],
    ['a list', [ABSENT], ''],
  ])('refuses %s', async (_what, body, pointer) => {
    const study = await aStudy()
    const refused = await study.admin.post(bulk(study), body)
    expectProblem(refused, 'invalid_body')
    expect(refused.body.errors[0].pointer).toBe(pointer)
  })

  test('takes a hundred', async () => {
    const study = await aStudy()
    const ids = Array.from({ length: 100 }, (_, i) => seededId(i))
    expect((await remove(study.admin, study, { ids })).refused).toHaveLength(100)
  })
})

describe('deleting files by name', () => {
  test.each([
    'notes.txt',
    '研究 ノート.txt',
    "'; DROP TABLE files; --",
    '𝒳 e\u0301.txt',
    '%_*',
    'n:notes.txt',
    '__proto__',
  ])('takes those called %s and no other, complete or not', async (name) => {
    const study = await aStudy()
    const [ada, bob] = [await aParticipant(study), await aParticipant(study)]
    const meant = [await aFile(ada, study, { name }), await aFile(ada, study, { name })]
    const { file: pending } = await begin(ada, study, { name })
    const others = [await aFile(ada, study, { name: `${name}x` }), await aFile(bob, study, { name })]
    const gone = await remove(ada, study, { name })
    expect(idsOf(gone)).toEqual(sorted([...meant, pending].map(({ id }) => id)))
    expect(gone.deleted.every((file) => file.name === name)).toBe(true)
    expect(await rowsOf(study)).toMatchObject({ files: others.length, versions: others.length })
    expect(await remove(ada, study, { name })).toEqual({ deleted: [], refused: [], more: false })
  })

  test("is of one owner's, whom the team names", async () => {
    const study = await aStudy()
    const ada = await aParticipant(study)
    const name = 'notes.txt'
    const mine = await aFile(ada, study, { name })
    const shared = await aFile(ada, study, { name, visibility: 'study' })
    const own = await aFile(study.worker, study, { name, participant: null, visibility: 'study' })
    const unsaid = await study.worker.post(bulk(study), { name })
    expectProblem(unsaid, 'invalid_body')
    expect(unsaid.body.errors[0].pointer).toBe('/participant')
    // What is private to the participant is not the worker's to delete.
    expect(idsOf(await remove(study.worker, study, { name, participant: ada.id }))).toEqual([shared.id])
    expect(idsOf(await remove(study.worker, study, { name, participant: null }))).toEqual([own.id])
    expect(idsOf(await remove(study.admin, study, { name, participant: ada.id }))).toEqual([mine.id])
  })
})

describe("deleting all of an owner's files", () => {
  test("leaves every other's", async () => {
    const study = await aStudy()
    const [ada, bob] = [await aParticipant(study), await aParticipant(study)]
    const meant = [await aFile(ada, study), (await begin(ada, study)).file]
    const others = [
      await aFile(bob, study),
      await aFile(study.admin, study, { participant: null, visibility: 'study' }),
    ]
    expect(idsOf(await remove(ada, study, { participant: 'me', all: true }))).toEqual(sorted(meant.map(({ id }) => id)))
    expect((await rowsOf(study)).files).toBe(others.length)
    expect(idsOf(await remove(study.admin, study, { participant: null, all: true }))).toEqual([others[1]?.id])
    expect(idsOf(await remove(study.admin, study, { participant: bob.id, all: true }))).toEqual([others[0].id])
    expect(await rowsOf(study)).toEqual(NOTHING)
  })

  test('goes on until there are no more, at a bounded cost for each call', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study)
    const recipe = {
      owner: `'${ada.id}'`,
      name: `'name-' || i`,
      category: `'category'`,
      source: `'source'`,
      tags: `'["a","b"]'`,
      visibility: `'study'`,
    }
    await seedBulk(study, { from: 1, to: 450, recipe })
    // Its first use is noted.
    ok(await ada.get(`${study.path}/files`))
    const calls: [deleted: number, more: boolean][] = []
    let more = true
    while (more) {
      const { cost, answer } = await costOf(ada, async (caller) =>
        caller.post(bulk(study), { participant: 'me', all: true }),
      )
      const gone: Gone = ok(answer)
      more = gone.more
      calls.push([gone.deleted.length, more])
      expect(cost.trips).toBe(2)
      expect(cost.rows).toBeLessThan(30_000)
    }
    expect(calls).toEqual([
      [200, true],
      [200, true],
      [50, false],
    ])
    expect(await rowsOf(study)).toEqual(NOTHING)
    expect(await outbox(study)).toHaveLength(450)
    expect(await deletions(study)).toHaveLength(450)
  })

  test('takes no more along than fits, where a file has very many versions', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study)
    const files = [await aFile(ada, study), await aFile(ada, study), await aFile(ada, study)]
    await env.DB.prepare(
      `WITH RECURSIVE series(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 2100)
       INSERT INTO versions (study_id, id, file_id, number, object_key, name, media_type, size, verified, etag, created_by,
         created_at, completed_at, url_expires_at)
       SELECT study_id, 'ver_' || printf('%026d', i), file_id, number + 1000 + i, object_key || i, name, media_type, 0,
         verified, etag, created_by, created_at, completed_at, url_expires_at
       FROM versions CROSS JOIN series WHERE study_id = ? AND file_id = ?`,
    )
      .bind(study.id, files[1]?.id)
      .run()
    const gone: string[] = []
    let calls = 0
    for (let more = true; more; calls += 1) {
      const answer = await remove(ada, study, { participant: 'me', all: true })
      expect(answer.deleted.length).toBeGreaterThan(0)
      gone.push(...answer.deleted.map(({ id }) => id))
      more = answer.more
    }
    expect(calls).toBeGreaterThan(1)
    expect(sorted(gone)).toEqual(sorted(files.map(({ id }) => id)))
    expect(await rowsOf(study)).toEqual(NOTHING)
    expect(await outbox(study)).toHaveLength(2_103)
  })
})

describe('who may delete many', () => {
  test('is asked as for one', async () => {
    const study = await aStudy()
    const [ada, bob] = [await aParticipant(study), await aParticipant(study)]
    const file = await aFile(ada, study, { visibility: 'study' })
    for (const body of [
      { ids: [file.id] },
      { participant: ada.id, all: true },
      { participant: ada.id, name: file.name },
    ]) {
      for (const caller of [study.staff, study.download]) {
        expectProblem(await caller.post(bulk(study), body), 'forbidden')
      }
    }
    expectProblem(await bob.post(bulk(study), { participant: ada.id, all: true }), 'participant_not_found')
    expectProblem(await bob.post(bulk(study), { participant: 'nobody', all: true }), 'participant_not_found')
    expectProblem(await bob.post(bulk(study), { participant: null, all: true }), 'forbidden')
    expectProblem(await study.admin.post(bulk(study), { participant: 'nobody', all: true }), 'participant_not_found')
    expectProblem(await study.admin.post(bulk(study), { participant: 'me', all: true }), 'invalid_body')
    expect((await rowsOf(study)).files).toBe(1)
  })

  test('is nobody once the participant withdrew, who is told so', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study)
    const file = await aFile(ada, study, { visibility: 'study' })
    ok(await study.admin.patch(`${study.path}/participants/${ada.id}`, { status: 'withdrawn' }))
    for (const body of [
      { ids: [file.id] },
      { participant: ada.id, all: true },
      { participant: ada.id, name: file.name },
    ]) {
      expectProblem(await ada.post(bulk(study), body), 'participant_withdrawn')
    }
    for (const caller of [study.worker, study.admin]) {
      expectProblem(await caller.post(bulk(study), { participant: ada.id, all: true }), 'participant_withdrawn')
      const { refused } = await remove(caller, study, { ids: [file.id] })
      expect(refused).toEqual([{ id: file.id, code: 'participant_withdrawn' }])
    }
    expect((await rowsOf(study)).files).toBe(1)
  })
})
