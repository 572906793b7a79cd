import { afterAll, describe, expect, test } from 'vitest'
import { hollowVersions, openUploads, outbox, strays } from '../support/bucket.ts'
import { anonymous } from '../support/client.ts'
import { aDesk, versionOf } from '../support/desk.ts'
import { disturbed, sweepAt, within } from '../support/faults.ts'
import { complete, large, multipartIdOf, report, send, urlsOf } from '../support/parts.ts'
import { aFile, begin, HELLO, HELLO_MD5, objectKeyOf, ok, put, replace } from '../support/world.ts'

// D1 did what it was told and the connection was lost before it could say so: the same batch runs again, and must do
// and answer what once would have.

const FILE = { name: 'hello.txt', mediaType: 'text/plain', size: HELLO.length }

/** A caller whose batch of this kind loses its first answers. */
function losing(caller: Parameters<typeof within>[1], on: RegExp, loses = 1) {
  const { DB, seen } = disturbed({ on, loses })
  return { caller: within({ DB }, caller), seen }
}

afterAll(async () => {
  await sweepAt(new Date())
  expect(await strays()).toEqual([])
  expect(await hollowVersions()).toEqual([])
})

describe('an answer of D1 that was lost', () => {
  test('begins one file, and skips no number', async () => {
    const { study, owner, at } = await aDesk()
    const { file: earlier } = await begin(owner, study)
    const { caller, seen } = losing(owner, /INSERT INTO uploads/)
    const { file, upload } = await begin(caller, study, { tags: ['diary'] })
    expect(seen.times).toBe(2)
    expect(file).toMatchObject({ number: earlier.number + 1, tags: ['diary'] })
    expect(await openUploads(study)).toHaveLength(2)
    expect((await begin(owner, study)).file.number).toBe(earlier.number + 2)
    await put(upload.url)
    expect(ok(await owner.post(`${at(upload)}/complete`)).id).toBe(file.id)
  })

  test('begins one file under a handle, and one replacement of it, even at a revision', async () => {
    const { study, owner, at } = await aDesk()
    const path = `${study.path}/participants/me/files/diary`
    const { caller } = losing(owner, /INSERT INTO uploads/)
    const { file, upload } = ok(await caller.put(path, FILE))
    await put(upload.url)
    ok(await owner.post(`${at(upload)}/complete`))

    const etag = (await owner.get(path)).headers.get('ETag') ?? ''
    const again = losing(owner, /INSERT INTO uploads/)
    const replaced = ok(await again.caller.put(path, { ...FILE, title: 'new' }, { 'If-Match': etag }))
    expect(replaced.file).toMatchObject({ id: file.id, title: null, version: { number: file.number } })
    await put(replaced.upload.url)
    const { version } = ok(await owner.post(`${at(replaced.upload)}/complete`))
    expect(version.number).toBe(file.number + 1)
  })

  test('opens one multipart upload, presigns it and keeps what is reported', async () => {
    const desk = await aDesk()
    const { DB, seen } = disturbed({ on: /SET multipart_id = \?/, loses: 1 })
    const faulty = { ...desk, owner: { ...desk.owner, ...within({ DB }, desk.owner) } }
    const { upload } = await large(desk)
    const url = losing(desk.owner, /SET url_expires_at = max/)
    const presigned = ok(await url.caller.post(`${desk.at(upload)}/parts`, { parts: [{ number: 2 }] })).parts
    expect(url.seen.times).toBe(2)
    const [{ multipartId } = { multipartId: '' }] = await openUploads(desk.study)
    expect(presigned.map(multipartIdOf)).toEqual([multipartId])
    const sent = await send(presigned[0])
    const reporting = losing(desk.owner, /INSERT INTO upload_parts/)
    expect(ok(await reporting.caller.put(`${desk.at(upload)}/parts`, { parts: [sent] })).parts).toHaveLength(1)
    expect(reporting.seen.times).toBe(2)

    const { upload: other } = ok(await faulty.owner.post(`${desk.study.path}/files`, { ...FILE, upload: 'multipart' }))
    expect(seen.times).toBe(2)
    const [part] = await urlsOf(desk, other, 1)
    await report(desk, other, await send(part))
    expect((await complete(desk, other)).status).toBe(200)
  })

  test.each(['keep', 'latest'])('makes one version (%s)', async (retention) => {
    const { study, owner, at } = await aDesk({ retention })
    const path = `${study.path}/participants/me/files/diary`
    const first = await replace(owner, path)
    ok(await owner.post(`${at(first)}/complete`))
    const second = await replace(owner, path)
    const { caller, seen } = losing(owner, /INSERT INTO versions/)
    const answer = await caller.post(`${at(second)}/complete`)
    expect([seen.times, answer.status, answer.body.version.id]).toEqual([2, 200, versionOf(second)])
    // Begun, complete, complete: no revision more.
    expect((await owner.get(path)).headers.get('ETag')).toBe('"r3"')
    const { items } = (await owner.get(`${study.path}/files/${answer.body.id}/versions`)).body
    expect(items).toHaveLength(retention === 'keep' ? 2 : 1)
    expect(await outbox(study)).toHaveLength(retention === 'keep' ? 0 : 1)
    expect(await openUploads(study)).toEqual([])
  })

  test('settles a replacement that came too late', async () => {
    const { study, owner, at } = await aDesk({ retention: 'latest' })
    const path = `${study.path}/participants/me/files/diary`
    const [older, newer] = [await replace(owner, path), await replace(owner, path)]
    const current = ok(await owner.post(`${at(newer)}/complete`))
    const { caller, seen } = losing(owner, /INSERT INTO versions/)
    expect(ok(await caller.post(`${at(older)}/complete`))).toEqual(current)
    expect(seen.times).toBe(2)
    expect((await outbox(study)).map((each) => each.objectKey)).toEqual([objectKeyOf(older.url)])
  })

  test('starts wrong bytes again once', async () => {
    const { study, owner, at } = await aDesk()
    const { upload } = await begin(owner, study, { md5: HELLO_MD5 })
    await put(upload.url, 'HELLO WORLD')
    const { caller, seen } = losing(owner, /SET attempt = attempt \+ 1/)
    expect((await caller.post(`${at(upload)}/complete`)).body.code).toBe('upload_checksum_mismatch')
    expect(seen.times).toBe(2)
    expect(await openUploads(study)).toMatchObject([{ attempt: 2 }])
    expect(await outbox(study)).toHaveLength(1)
  })

  test('edits a file once, and is not taken for another’s edit', async () => {
    const { study, owner } = await aDesk()
    const path = `${study.path}/files/${(await aFile(owner, study)).id}`
    const etag = (await owner.get(path)).headers.get('ETag') ?? ''
    const { caller, seen } = losing(owner, /UPDATE files AS f/)
    const edited = await caller.patch(path, { title: 'Week one', tags: ['diary'] }, { 'If-Match': etag })
    expect([seen.times, edited.status, edited.body.title]).toEqual([2, 200, 'Week one'])
    const now = await owner.get(path)
    expect(now.headers.get('ETag')).toBe(edited.headers.get('ETag'))
    expect((await owner.patch(path, { title: 'b' }, { 'If-Match': etag })).status).toBe(412)
  })

  test.each([false, true])('deletes a file (at a revision: %s)', async (isAtRevision) => {
    const { study, owner } = await aDesk()
    const path = `${study.path}/files/${(await aFile(owner, study)).id}`
    const etag = (await owner.get(path)).headers.get('ETag') ?? ''
    const { caller, seen } = losing(owner, /DELETE FROM files WHERE/)
    expect((await caller.delete(path, isAtRevision ? { 'If-Match': etag } : {})).status).toBe(204)
    expect(seen.times).toBe(2)
    expect((await owner.get(path)).status).toBe(404)
    expect(await outbox(study)).toHaveLength(1)
  })

  test('abandons an upload', async () => {
    const { study, owner, at } = await aDesk()
    const { file, upload } = await begin(owner, study)
    const { caller, seen } = losing(owner, /DELETE FROM uploads AS u/)
    expect((await caller.delete(at(upload))).status).toBe(204)
    expect(seen.times).toBe(2)
    expect((await owner.get(`${study.path}/files/${file.id}`)).status).toBe(404)
    expect(await outbox(study)).toHaveLength(1)
  })

  test('issues one link, which is claimed once', async () => {
    const { study, owner } = await aDesk()
    const links = `${study.path}/files/${(await aFile(owner, study)).id}/download-tokens`
    const issuing = losing(owner, /INSERT INTO download_tokens/)
    const { url } = ok(await issuing.caller.post(links, { delivery: 'stream' }))
    expect(issuing.seen.times).toBe(2)
    expect((await owner.get(links)).body.items).toHaveLength(1)

    const claiming = losing(anonymous, /UPDATE download_tokens/)
    const claimed = await claiming.caller.get(url)
    expect([claiming.seen.times, claimed.status, claimed.text]).toEqual([2, 200, HELLO])
    expect((await anonymous.get(url)).status).toBe(410)
  })

  test('again and again is said to the caller, who may repeat', async () => {
    const { study, owner, at } = await aDesk()
    const { file, upload } = await begin(owner, study)
    await put(upload.url)
    const { caller, seen } = losing(owner, /INSERT INTO versions/, 3)
    const lost = await caller.post(`${at(upload)}/complete`)
    expect([seen.times, lost.status, lost.body.code]).toEqual([3, 503, 'overloaded'])
    const again = await caller.post(`${at(upload)}/complete`)
    expect([again.status, again.body.version.id]).toEqual([200, versionOf(upload)])
    expect((await owner.get(`${study.path}/files/${file.id}/versions`)).body.items).toHaveLength(1)
  })

  test('of a sweep leaves the outbox as it should be', async () => {
    const { study, owner, at } = await aDesk()
    const { upload } = await begin(owner, study)
    await put(upload.url)
    await owner.delete(at(upload))
    const { DB, seen } = disturbed({ on: /UPDATE object_deletions/, loses: 1 })
    await sweepAt(new Date(), { DB })
    expect(seen.times).toBe(2)
    expect(await outbox(study)).toMatchObject([{ dueAt: Date.parse(upload.urlExpiresAt) }])
  })
})
