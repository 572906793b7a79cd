import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { arrive, beginLoose, look } from '../support/arrivals.ts'
import { isThere, objectKeys, outbox } from '../support/bucket.ts'
import { operator } from '../support/client.ts'
import { aDesk, versionOf } from '../support/desk.ts'
import { aBusyParticipant, eraseQuietly, heldJobs, receiptOf, sweepUntilDone } from '../support/erasures.ts'
import { deliver, disturbed, overriding, sweepAt, within } from '../support/faults.ts'
import { type Kept, keepRows } from '../support/kept.ts'
import { FIRST, large, report, send, urlsOf } from '../support/parts.ts'
import { aFile, aParticipant, aStudy, begin, HELLO, objectKeyOf, ok, put, type Study } from '../support/world.ts'

// The drill of docs/operations.md: an older copy of the rows comes back, beside a bucket that is as it was left.

const DAY_MS = 86_400_000

/** The cron of the next weeks: long after every time that a row could say. */
async function sweepOn() {
  for (const days of [0, 0.01, 1, 2, 7, 8, 16, 24]) await sweepAt(new Date(Date.now() + days * DAY_MS))
}

/** In place of the platform, which puts back the whole database: what the study has become since was not there yet. */
async function putBack(study: Study, copy: Kept) {
  await env.DB.prepare(`DELETE FROM studies WHERE id = '~' || number AND number = ?`).bind(study.number).run()
  await copy.restore()
}

/** All receipts, page by page; answers what was begun anew. */
async function replay(caller = operator, limit = 100): Promise<{ id: string; study: string; state: string }[]> {
  const begun: { id: string; study: string; state: string }[] = []
  let cursor: string | undefined
  do {
    const page = ok(await caller.post('/v1/erasures:replay', { limit, ...(cursor && { cursor }) }))
    begun.push(...page.items)
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return begun
}

/** Before and after a file is read. */
const contentOf = async ({ owner, study }: Awaited<ReturnType<typeof aDesk>>, file: { id: string }) => {
  const { status, text, body } = await owner.get(`${study.path}/files/${file.id}/content?delivery=stream`)
  return status === 200 ? text : `${status} ${body.code}`
}

describe('after the database was put back', () => {
  test('uploads that were open then, and were complete since, are complete again with the bytes that they had', async () => {
    const desk = await aDesk()
    const { study, owner } = desk
    const single = await begin(owner, study)
    const loose = await beginLoose(desk)
    const inParts = await large(desk)
    const [first, second] = await urlsOf(desk, inParts.upload, 1, 2)
    await report(desk, inParts.upload, await send(first, FIRST))
    const copy = await keepRows(study)

    await put(single.upload.url)
    ok(await owner.post(`${desk.at(single.upload)}/complete`))
    await arrive(loose)
    await look(desk)
    // What the copy does not know: the second part, and that they were joined.
    await report(desk, inParts.upload, await send(second))
    ok(await owner.post(`${desk.at(inParts.upload)}/complete`))
    // The outbox has deleted what the loose one was copied from.
    await sweepAt(new Date())
    expect(await isThere(loose.stagingKey)).toBe(false)

    await putBack(study, copy)
    await sweepOn()
    const items: { id: string; version: { id: string } }[] = ok(await owner.get(`${study.path}/files`)).items
    expect(new Set(items.map(({ version }) => version.id))).toEqual(
      new Set([versionOf(single.upload), loose.version, versionOf(inParts.upload)]),
    )
    expect(await contentOf(desk, single.file)).toBe(HELLO)
    expect(await contentOf(desk, { id: loose.file })).toBe(HELLO)
    expect((await contentOf(desk, inParts.file)).length).toBe(FIRST.length + HELLO.length)
  })

  test('nothing deletes what was sent since, although no row knows of it', async () => {
    const desk = await aDesk()
    const { study, owner } = desk
    const copy = await keepRows(study)
    const { upload, file } = await begin(owner, study)
    await put(upload.url)
    ok(await owner.post(`${desk.at(upload)}/complete`))
    const open = await begin(owner, study)
    await put(open.upload.url)

    await putBack(study, copy)
    expect((await owner.get(`${study.path}/files/${file.id}`)).status).toBe(404)
    await sweepOn()
    for (const { url } of [upload, open.upload]) expect(await isThere(objectKeyOf(url))).toBe(true)
  })

  test('what was deleted since is back: whole, or as a file that says that its bytes are gone', async () => {
    const desk = await aDesk()
    const { study, owner } = desk
    const [kept, swept, waiting] = [await aFile(owner, study), await aFile(owner, study), await aFile(owner, study)]
    const copy = await keepRows(study)
    const at = ({ id }: { id: string }) => `${study.path}/files/${id}`
    ok(await owner.delete(at(swept)))
    await sweepAt(new Date())
    ok(await owner.delete(at(waiting)))

    await putBack(study, copy)
    expect(await outbox(study)).toEqual([])
    await sweepOn()
    expect(await contentOf(desk, kept)).toBe(HELLO)
    expect(await contentOf(desk, waiting)).toBe(HELLO)
    expect(ok(await owner.get(at(swept))).version.id).toBe(swept.version.id)
    expect(await contentOf(desk, swept)).toBe('409 content_missing')
    const link = ok(await owner.post(`${at(swept)}/download-tokens`, { delivery: 'stream' }))
    expect((await owner.get(new URL(link.url).pathname)).body.code).toBe('download_token_revoked')
    // It is deleted again, or given bytes anew.
    expect((await owner.delete(at(swept))).status).toBe(204)
  })
})

describe('receipts that are replayed', () => {
  test('erase whoever is back again, under the ids that they were told', async () => {
    const study = await aStudy()
    const busy = await aBusyParticipant(study, { files: 3, documents: 2, entries: 4 })
    const copy = await keepRows(study)
    const erasure = await eraseQuietly(busy.ada, `${study.path}/participants/me`)
    await sweepUntilDone(erasure)

    await putBack(study, copy)
    expect((await busy.ada.get(`${study.path}/participants/me`)).status).toBe(200)
    expect(await replay(within({ JOBS: heldJobs().JOBS }, operator))).toMatchObject([
      { id: erasure.id, study: study.id, participant: busy.ada.id, state: 'erasing' },
    ])
    expect((await busy.ada.get(`${study.path}/participants/me`)).status).toBe(401)
    expect(ok(await study.admin.get(busy.path)).status).toBe('erasing')
    const done = await sweepUntilDone(erasure)
    expect(done).toMatchObject({ id: erasure.id, state: 'done', participant: null })
    expect((await study.admin.get(`${study.path}/files?participant=${busy.ada.id}`)).body.items).toEqual([])
    // Who was not erased is as they were.
    expect((await busy.grace.get(`${study.path}/participants/me`)).status).toBe(200)
    expect((await objectKeys()).filter((key) => key.startsWith(`erased/${study.id}/`))).toHaveLength(1)
  })

  test('erase a study again, and not another one that has its id since', async () => {
    const study = await aStudy()
    await aFile(await aParticipant(study), study)
    const copy = await keepRows(study)
    const erasure = await eraseQuietly(operator, study.path)
    await sweepUntilDone(erasure)

    ok(await operator.post('/v1/studies', { id: study.id, name: 'Another study' }))
    expect(await replay()).toEqual([])
    expect(ok(await operator.get(study.path)).name).toBe('Another study')

    await putBack(study, copy)
    expect(await replay(within({ JOBS: heldJobs().JOBS }, operator))).toMatchObject([{ id: erasure.id, kind: 'study' }])
    expect((await operator.get(study.path)).status).toBe(404)
    expect((await sweepUntilDone(erasure)).state).toBe('done')
  })

  test('change nothing where nothing was put back, or when they are replayed twice', async () => {
    const study = await aStudy()
    const [ada, grace] = [await aParticipant(study), await aParticipant(study)]
    const under = await eraseQuietly(ada, `${study.path}/participants/me`)
    const { JOBS } = heldJobs()
    await deliver([{ kind: 'erasure', study: study.id, erasure: under.id }], { JOBS }, 'carrel-jobs')
    expect(await replay()).toEqual([])

    const copy = await keepRows(study)
    const later = await eraseQuietly(grace, `${study.path}/participants/me`)
    await sweepUntilDone(later)
    await putBack(study, copy)
    const caller = within({ JOBS }, operator)
    expect((await replay(caller, 1)).map(({ id }) => id)).toEqual([later.id])
    const before = await keepRows(study)
    expect(await replay(caller)).toEqual([])
    expect(await before.changed()).toEqual([])
    await sweepUntilDone(under)
    expect((await sweepUntilDone(later)).state).toBe('done')
  })

  test('are all replayed, whatever fails on the way, when it is asked again', async () => {
    const study = await aStudy()
    const people = [await aParticipant(study), await aParticipant(study), await aParticipant(study)]
    const copy = await keepRows(study)
    const erasures = []
    for (const each of people) erasures.push(await eraseQuietly(each, `${study.path}/participants/me`))
    for (const each of erasures) await sweepUntilDone(each)
    await putBack(study, copy)

    const unreadable = overriding<R2Bucket>(env.BUCKET, {
      get: async () => Promise.reject(new Error('get: We encountered an internal error. Please try again. (10001)')),
    })
    const unlisted = overriding(env.BUCKET, { list: async () => Promise.reject(new Error('list: (10001)')) })
    for (const BUCKET of [unreadable, unlisted]) {
      expect((await within({ BUCKET }, operator).post('/v1/erasures:replay', {})).status).toBe(503)
    }
    const { DB, seen } = disturbed({
      on: /INSERT INTO erasures/,
      before: async () => Promise.reject(new Error('D1_ERROR: D1 DB is overloaded. Too many requests queued.')),
    })
    const { JOBS } = heldJobs()
    expect((await within({ DB, JOBS }, operator).post('/v1/erasures:replay', {})).status).toBe(503)
    expect(seen.times).toBe(1)
    const losing = disturbed({ on: /INSERT INTO erasures/, loses: 1 })
    const begun = await replay(within({ DB: losing.DB, JOBS }, operator))
    expect(losing.seen.times).toBeGreaterThan(1)
    expect(new Set(begun.map(({ id }) => id))).toEqual(new Set(erasures.map(({ id }) => id)))
    for (const each of erasures) expect((await receiptOf(each)).state).toBe('erasing')
  })

  test('begin on record', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study)
    const copy = await keepRows(study)
    const erasure = await eraseQuietly(ada, `${study.path}/participants/me`)
    await sweepUntilDone(erasure)
    await putBack(study, copy)
    await replay(within({ JOBS: heldJobs().JOBS }, operator))
    expect(ok(await study.admin.get(`${study.path}/audit?action=participant.erase`)).items).toMatchObject([
      { actor: 'operator', object: erasure.id, outcome: 'done' },
    ])
  })
})
