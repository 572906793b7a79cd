import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { operator } from '../support/client.ts'
import { aDesk } from '../support/desk.ts'
import { disturbed, within } from '../support/faults.ts'
import { aFile, aParticipant, aStudy, begin, ok, put } from '../support/world.ts'

const FILE = { name: 'a.bin', mediaType: 'text/plain', size: 10 }
const usageOf = async (study: { path: string }) => ok(await operator.get(study.path)).usage
const limit = async (study: { path: string }, settings: object) => operator.patch(study.path, { settings })
const exceeded = (quota: string) => ({
  status: 409,
  body: { code: 'quota_exceeded', detail: expect.stringContaining(`\`${quota}\``) },
})
const statuses = (answers: readonly { status: number }[]) =>
  answers.map(({ status }) => status).toSorted((a, b) => a - b)

describe('a study may hold', () => {
  test('so many files and bytes, whoever begins them, and not one more', async () => {
    const { study, owner } = await aDesk({ maxFiles: 2, maxBytes: 25 })
    const files = `${study.path}/files`
    expect((await owner.post(files, FILE)).status).toBe(201)
    expect((await study.worker.post(files, { ...FILE, participant: null, size: 15 })).status).toBe(201)
    const full = { bytes: 25, files: 2, documents: 0 }
    expect(await usageOf(study)).toEqual(full)
    expect(await owner.post(files, { ...FILE, size: 0 })).toMatchObject(exceeded('maxFiles'))
    ok(await limit(study, { maxFiles: null }))
    expect(await study.admin.post(files, { ...FILE, participant: null, size: 1 })).toMatchObject(exceeded('maxBytes'))
    expect(await owner.put(`${study.path}/participants/me/files/diary`, FILE)).toMatchObject(exceeded('maxBytes'))
    expect(await owner.post(files, { ...FILE, upload: 'multipart' })).toMatchObject(exceeded('maxBytes'))
    expect((await owner.get(`${files}?status=pending`)).body.items).toHaveLength(1)
    expect(await usageOf(study)).toEqual(full)
    expect((await owner.post(files, { ...FILE, size: 0 })).status).toBe(201)
  })

  test('a replacement beside what it replaces, where there is room for both', async () => {
    const { study, owner, at } = await aDesk({ maxFiles: 1, maxBytes: 25, retention: 'latest' })
    const path = `${study.path}/participants/me/files/diary`
    const replaced = async () => {
      const begun = await owner.put(path, FILE)
      expect(begun.status, begun.text).toBe(201)
      await put(begun.body.upload.url, 'x'.repeat(FILE.size))
      return begun.body.upload
    }
    ok(await owner.post(`${at(await replaced())}/complete`))
    const second = await replaced()
    expect(await usageOf(study)).toEqual({ bytes: 20, files: 1, documents: 0 })
    expect(await owner.put(path, FILE)).toMatchObject(exceeded('maxBytes'))
    ok(await owner.post(`${at(second)}/complete`))
    expect(await usageOf(study)).toEqual({ bytes: 10, files: 1, documents: 0 })
    expect((await owner.put(path, FILE)).status).toBe(201)
  })

  test('so many documents, of which each can be replaced and patched', async () => {
    const { study, owner } = await aDesk({ maxDocuments: 2 })
    const path = `${study.path}/participants/me/documents`
    for (const name of ['a', 'b', 'a']) expect((await owner.put(`${path}/${name}`, { n: 1 })).status).toBe(200)
    for (const headers of [{}, { 'If-None-Match': '*' }]) {
      expect(await owner.put(`${path}/c`, { n: 1 }, headers)).toMatchObject(exceeded('maxDocuments'))
    }
    expect((await owner.patch(`${path}/a`, { m: 1 })).status).toBe(200)
    expect((await owner.get(`${path}/c`)).status).toBe(404)
    expect((await owner.delete(`${path}/b`)).status).toBe(204)
    expect((await owner.delete(`${path}/b`)).status).toBe(404)
    expect((await owner.put(`${path}/c`, { n: 1 })).status).toBe(200)
    expect(await usageOf(study)).toEqual({ bytes: 0, files: 0, documents: 2 })
  })

  test('nothing, where the limit is 0, and what is empty is a file all the same', async () => {
    const { study, owner } = await aDesk({ maxBytes: 0, maxFiles: 1, maxDocuments: 0 })
    expect(await owner.post(`${study.path}/files`, { ...FILE, size: 1 })).toMatchObject(exceeded('maxBytes'))
    expect((await owner.post(`${study.path}/files`, { ...FILE, size: 0 })).status).toBe(201)
    const document = await owner.put(`${study.path}/participants/me/documents/x`, {})
    expect(document).toMatchObject(exceeded('maxDocuments'))
  })

  test('just as much when many ask at once', async () => {
    const { study, owner } = await aDesk({ maxFiles: 5, maxDocuments: 3 })
    const twelve = Array.from({ length: 12 }, (_, index) => index)
    const begun = await Promise.all(twelve.map(async () => owner.post(`${study.path}/files`, FILE)))
    expect(statuses(begun)).toEqual([...Array(5).fill(201), ...Array(7).fill(409)])
    const documents = `${study.path}/participants/me/documents`
    const written = await Promise.all(twelve.map(async (index) => owner.put(`${documents}/${index}`, { index })))
    expect(statuses(written)).toEqual([...Array(3).fill(200), ...Array(9).fill(409)])
    expect(await usageOf(study)).toEqual({ bytes: 50, files: 5, documents: 3 })

    ok(await limit(study, { maxFiles: null, maxBytes: 75 }))
    const more = await Promise.all(twelve.map(async () => owner.post(`${study.path}/files`, FILE)))
    expect(statuses(more)).toEqual([201, 201, ...Array(10).fill(409)])
  })

  test('what it holds, of its own: another study is not limited', async () => {
    const [{ study, owner }, other] = [await aDesk({ maxFiles: 1 }), await aDesk()]
    await begin(owner, study)
    expect((await owner.post(`${study.path}/files`, FILE)).status).toBe(409)
    expect((await other.owner.post(`${other.study.path}/files`, FILE)).status).toBe(201)
  })
})

test('a limit is not told to those who may not write at all', async () => {
  const { study, owner } = await aDesk({ maxFiles: 0, maxDocuments: 0 })
  const stranger = await aParticipant(await aStudy())
  expect((await stranger.post(`${study.path}/files`, FILE)).body.code).toBe('study_not_found')
  expect((await study.download.post(`${study.path}/files`, { ...FILE, participant: null })).status).toBe(403)
  expect((await study.staff.put(`${study.path}/participants/${owner.id}/documents/x`, 1)).status).toBe(404)
})

describe('an answer of D1 that was lost counts nothing twice', () => {
  test('of begin, at the very limit', async () => {
    const { study, owner } = await aDesk({ maxFiles: 1, maxBytes: 10 })
    const { DB, seen } = disturbed({ on: /INSERT INTO uploads/, loses: 1 })
    expect((await within({ DB }, owner).post(`${study.path}/files`, FILE)).status).toBe(201)
    expect(seen.times).toBe(2)
    expect(await usageOf(study)).toEqual({ bytes: 10, files: 1, documents: 0 })
  })

  test('of a document that was put, and of one that was deleted', async () => {
    const { study, owner } = await aDesk({ maxDocuments: 1 })
    const path = `${study.path}/participants/me/documents/x`
    const putting = disturbed({ on: /INSERT INTO documents/, loses: 1 })
    expect((await within({ DB: putting.DB }, owner).put(path, { n: 1 }, { 'If-None-Match': '*' })).status).toBe(200)
    expect(await usageOf(study)).toMatchObject({ documents: 1 })
    const deleting = disturbed({ on: /DELETE FROM documents/, loses: 1 })
    expect((await within({ DB: deleting.DB }, owner).delete(path)).status).toBe(204)
    expect([putting.seen.times, deleting.seen.times]).toEqual([2, 2])
    expect(await usageOf(study)).toMatchObject({ documents: 0 })
  })
})

describe('limits are set', () => {
  test('by the operator only; an admin goes on with the other settings', async () => {
    const study = await aStudy({ maxBytes: 1_000 })
    for (const settings of [{ maxBytes: null }, { maxFiles: 5 }, { maxDocuments: 5, retention: 'latest' }]) {
      expect(await study.admin.patch(study.path, { settings })).toMatchObject({
        status: 403,
        body: { code: 'forbidden', detail: 'Only the operator sets how much a study may hold.' },
      })
    }
    const changed = ok(await study.admin.patch(study.path, { name: 'Mine', settings: { retention: 'latest' } }))
    expect(changed).toMatchObject({ name: 'Mine', settings: { maxBytes: 1_000, maxFiles: null, retention: 'latest' } })
    for (const caller of [study.worker, study.staff, study.download, await aParticipant(study)]) {
      expect((await caller.patch(study.path, { settings: { maxFiles: 1 } })).status).toBe(403)
    }
  })

  test('not below what the study holds, and it is said how much that is', async () => {
    const { study, owner } = await aDesk()
    await aFile(owner, study)
    await owner.put(`${study.path}/participants/me/documents/x`, {})
    const refused = await limit(study, { maxBytes: 10, maxFiles: 0, maxDocuments: 1, retention: 'latest' })
    expect(refused).toMatchObject({ status: 422, body: { code: 'invalid_body' } })
    expect(refused.body.errors).toEqual([
      { pointer: '/settings/maxBytes', message: 'Must be 11 at least: so much the study holds.' },
      { pointer: '/settings/maxFiles', message: 'Must be 1 at least: so much the study holds.' },
    ])
    expect(ok(await operator.get(study.path)).settings).toMatchObject({ maxDocuments: null, retention: 'keep' })
    const exact = ok(await limit(study, { maxBytes: 11, maxFiles: 1, maxDocuments: 1 }))
    expect(exact.settings).toMatchObject({ maxBytes: 11, maxFiles: 1, maxDocuments: 1 })
    expect(exact.usage).toEqual({ bytes: 11, files: 1, documents: 1 })
    expect(ok(await limit(study, { maxBytes: null })).settings).toMatchObject({ maxBytes: null, maxFiles: 1 })
  })
})

test('a study gives out each of its numbers, and says when there is none left', async () => {
  const { study, owner } = await aDesk()
  const files = `${study.path}/files`
  await env.DB.prepare('UPDATE studies SET next_number = ? WHERE id = ?')
    .bind(2 ** 24 - 1, study.id)
    .run()
  expect((await owner.post(files, FILE)).status).toBe(201)
  const { status, body } = await owner.post(files, FILE)
  expect([status, body.code]).toEqual([409, 'numbers_exhausted'])
  expect(ok(await owner.get(`${files}?status=pending`)).items).toHaveLength(1)
})
