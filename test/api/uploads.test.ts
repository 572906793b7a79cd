import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { isThere, openUploads, outbox } from '../support/bucket.ts'
import { aDesk, versionOf } from '../support/desk.ts'
import { overriding, sweepAt, within } from '../support/faults.ts'
import { aFile, begin, HELLO, HELLO_MD5, HELLO_SHA256, objectKeyOf, put, replace } from '../support/world.ts'

const EMPTY_MD5 = 'd41d8cd98f00b204e9800998ecf8427e'

describe('completing a single upload', () => {
  test('says that the bytes are not there yet, and takes them later', async () => {
    const { study, owner, at } = await aDesk()
    const { file, upload } = await begin(owner, study)
    const early = await owner.post(`${at(upload)}/complete`)
    expect([early.status, early.body.code]).toEqual([409, 'upload_incomplete'])
    expect((await owner.get(`${study.path}/files/${file.id}`)).body.version).toBeNull()

    await put(upload.url)
    expect((await owner.post(`${at(upload)}/complete`)).body.version.size).toBe(11)
  })

  test('is left alone by the sweep for as long as what was sent by its URL may still be landing', async () => {
    const { study, owner } = await aDesk()
    const { upload } = await begin(owner, study)
    const [open] = await openUploads(study)
    expect(open?.dueAt).toBe(Date.parse(upload.urlExpiresAt) + 15 * 60_000)
  })

  const wrong = [
    ['another size', { md5: HELLO_MD5 }, 'hello', 'upload_size_mismatch', /11 bytes were declared, 5 arrived/],
    ['another md5', { md5: HELLO_MD5 }, 'HELLO WORLD', 'upload_checksum_mismatch', /declared md5/],
    ['another sha256', { sha256: HELLO_SHA256 }, 'HELLO WORLD', 'upload_checksum_mismatch', /declared sha256/],
  ] as const
  test.each(wrong)('refuses %s, and asks for the bytes at a fresh place', async (_, declared, bytes, code, detail) => {
    const { study, owner, at } = await aDesk()
    const { file, upload } = await begin(owner, study, declared)
    await put(upload.url, bytes)
    const refused = await owner.post(`${at(upload)}/complete`)
    expect([refused.status, refused.body.code]).toEqual([409, code])
    expect(refused.body.detail).toMatch(detail)
    expect((await owner.get(`${study.path}/files/${file.id}`)).body.version).toBeNull()
    expect((await owner.get(`${study.path}/files`)).body.items).toEqual([])
    // The wrong bytes count for nothing from now on.
    expect((await owner.post(`${at(upload)}/complete`)).body.code).toBe('upload_incomplete')

    const again = await owner.post(`${at(upload)}/url`)
    expect(again.status).toBe(200)
    expect(objectKeyOf(again.body.url)).not.toBe(objectKeyOf(upload.url))
    expect((await outbox(study)).map((each) => each.objectKey)).toEqual([objectKeyOf(upload.url)])
    await put(again.body.url)
    const complete = await owner.post(`${at(upload)}/complete`)
    expect([complete.status, complete.body.id]).toEqual([200, file.id])

    await sweepAt(new Date())
    expect(await isThere(objectKeyOf(upload.url))).toBe(false)
    expect(await isThere(objectKeyOf(again.body.url))).toBe(true)
  })

  test("believes storage's own record of a checksum", async () => {
    const { study, owner, at } = await aDesk()
    const { upload } = await begin(owner, study, { sha256: HELLO_SHA256 })
    await env.BUCKET.put(objectKeyOf(upload.url), HELLO, { sha256: HELLO_SHA256 })
    const { body } = await owner.post(`${at(upload)}/complete`)
    expect(body.version).toMatchObject({ verified: 'storage', md5: HELLO_MD5, sha256: HELLO_SHA256 })
  })

  test('tells the checksum that storage found where none was declared', async () => {
    const { study, owner } = await aDesk()
    const { version } = await aFile(owner, study)
    expect(version).toMatchObject({ verified: 'storage', md5: HELLO_MD5, sha256: null })
  })

  test('reads the bytes where storage has no record of the declared checksum', async () => {
    const { study, owner } = await aDesk()
    const { version } = await aFile(owner, study, { sha256: HELLO_SHA256 })
    expect(version).toMatchObject({ verified: 'read', md5: HELLO_MD5, sha256: HELLO_SHA256 })
  })

  test('reads nothing above the set size, and says that the checksum is as declared only', async () => {
    const { study, owner, at } = await aDesk()
    const { upload } = await begin(owner, study, { sha256: 'a'.repeat(64) })
    await put(upload.url)
    const { body } = await within({ READ_VERIFY_BYTES: '10' }, owner).post(`${at(upload)}/complete`)
    expect(body.version).toMatchObject({ verified: 'no', sha256: 'a'.repeat(64) })
  })

  test('is asked for again where the bytes stop coming while they are read', async () => {
    const { study, owner, at } = await aDesk()
    const { upload } = await begin(owner, study, { sha256: HELLO_SHA256 })
    await put(upload.url)
    const broken = new ReadableStream({ pull: (stream) => stream.error(new Error('Network connection lost.')) })
    const BUCKET = overriding(env.BUCKET, {
      get: async (key: string) => {
        const object = await env.BUCKET.get(key)
        await object?.body.cancel()
        return object && Object.defineProperty(Object.create(object), 'body', { value: broken })
      },
    })
    const failed = await within({ BUCKET }, owner).post(`${at(upload)}/complete`)
    expect([failed.status, failed.body.code]).toEqual([503, 'overloaded'])
    expect((await owner.post(`${at(upload)}/complete`)).body.version.verified).toBe('read')
  })

  test('takes an empty file', async () => {
    const { study, owner } = await aDesk()
    const { version } = await aFile(owner, study, { size: 0, md5: EMPTY_MD5 }, '')
    expect(version).toMatchObject({ size: 0, md5: EMPTY_MD5, verified: 'storage' })
  })
})

describe('completing again', () => {
  test('answers the same and makes no second version', async () => {
    const { study, owner, at } = await aDesk()
    const { file, upload } = await begin(owner, study)
    await put(upload.url)
    const [once, twice] = [await owner.post(`${at(upload)}/complete`), await owner.post(`${at(upload)}/complete`)]
    expect(twice).toMatchObject({ status: 200, body: once.body })
    expect((await owner.get(`${study.path}/files/${file.id}/versions`)).body.items).toHaveLength(1)
  })

  test('is the same from two hands at once', async () => {
    const { study, owner, at } = await aDesk()
    const { file, upload } = await begin(owner, study, { visibility: 'study' })
    await put(upload.url)
    const both = await Promise.all([owner, study.worker].map(async (each) => each.post(`${at(upload)}/complete`)))
    expect(both.map(({ status, body }) => [status, body.version?.id])).toEqual(both.map(() => [200, versionOf(upload)]))
    expect((await owner.get(`${study.path}/files/${file.id}/versions`)).body.items).toHaveLength(1)
  })

  test('answers with the file as it is now, after it was replaced', async () => {
    const { study, owner, at } = await aDesk()
    const path = `${study.path}/participants/me/files/diary`
    const first = await replace(owner, path)
    await owner.post(`${at(first)}/complete`)
    const second = await replace(owner, path, 'second time')
    await owner.post(`${at(second)}/complete`)
    expect((await owner.post(`${at(first)}/complete`)).body.version.id).toBe(versionOf(second))
  })

  test('is for whoever began it, even after the file was made private', async () => {
    const { study, owner, at } = await aDesk()
    const handle = `files/shared`
    const first = await replace(owner, `${study.path}/participants/me/${handle}`)
    const { id } = (await owner.post(`${at(first)}/complete`)).body
    await owner.patch(`${study.path}/files/${id}`, { visibility: 'study' })
    const second = await replace(study.worker, `${study.path}/participants/${owner.id}/${handle}`)
    await owner.patch(`${study.path}/files/${id}`, { visibility: 'private' })
    expect((await study.worker.post(`${at(second)}/complete`)).status).toBe(200)
    expect((await study.worker.post(`${at(second)}/complete`)).status).toBe(200)
  })
})

describe('an upload URL', () => {
  test('is made anew for the same place, and lives longer', async () => {
    const { study, owner, at } = await aDesk()
    const { upload } = await begin(owner, study, { md5: HELLO_MD5 })
    const again = await within({ UPLOAD_URL_SECONDS: '7200' }, owner).post(`${at(upload)}/url`)
    expect(objectKeyOf(again.body.url)).toBe(objectKeyOf(upload.url))
    expect(again.body.headers).toEqual(upload.headers)
    expect(Date.parse(again.body.urlExpiresAt)).toBeGreaterThan(Date.parse(upload.urlExpiresAt) + 3_500_000)
    // A shorter one does not make the earlier one be forgotten.
    const shorter = await within({ UPLOAD_URL_SECONDS: '60' }, owner).post(`${at(upload)}/url`)
    expect(shorter.body.urlExpiresAt).toBe(again.body.urlExpiresAt)
  })

  test('is not needed to know how an upload stands', async () => {
    const { study, owner, at } = await aDesk()
    const { upload } = await begin(owner, study)
    const { id, kind, urlExpiresAt, expiresAt } = upload
    expect((await owner.get(at(upload))).body).toEqual({ id, kind, urlExpiresAt, expiresAt })
  })

  test('is not made for an upload whose time is over, though its bytes still count', async () => {
    const { study, owner, at } = await aDesk()
    const { upload } = await begin(within({ UPLOAD_SECONDS: '1' }, owner), study)
    await put(upload.url)
    await env.DB.prepare('UPDATE uploads SET expires_at = 1 WHERE id = ?').bind(upload.id).run()
    expect((await owner.post(`${at(upload)}/url`)).body.code).toBe('upload_not_found')
    expect((await owner.post(`${at(upload)}/complete`)).status).toBe(200)
  })
})

describe('abandoning an upload', () => {
  test('takes a new file with it, and its bytes', async () => {
    const { study, owner, at } = await aDesk()
    const { file, upload } = await begin(owner, study)
    await put(upload.url)
    expect((await owner.delete(at(upload))).status).toBe(204)
    expect((await owner.get(`${study.path}/files/${file.id}`)).body.code).toBe('file_not_found')
    expect((await owner.post(`${at(upload)}/complete`)).body.code).toBe('upload_not_found')
    expect((await owner.delete(at(upload))).body.code).toBe('upload_not_found')
    await sweepAt(new Date())
    expect(await isThere(objectKeyOf(upload.url))).toBe(false)
  })

  test('leaves a file that it would have replaced as it is', async () => {
    const { study, owner, at } = await aDesk()
    const path = `${study.path}/participants/me/files/diary`
    const first = await replace(owner, path)
    const { body: before } = await owner.post(`${at(first)}/complete`)
    const second = await replace(owner, path, 'never mind!')
    expect((await owner.delete(at(second))).status).toBe(204)
    expect((await owner.get(path)).body).toEqual(before)
    expect(await isThere(objectKeyOf(first.url))).toBe(true)
  })

  test('leaves a new file that another upload still brings', async () => {
    const { study, owner, at } = await aDesk()
    const path = `${study.path}/participants/me/files/diary`
    const [first, second] = [await replace(owner, path), await replace(owner, path)]
    expect((await owner.delete(at(first))).status).toBe(204)
    expect((await owner.post(`${at(second)}/complete`)).status).toBe(200)
    expect((await owner.get(path)).body.version.id).toBe(versionOf(second))
  })

  test('of one that is complete is too late', async () => {
    const { study, owner, at } = await aDesk()
    const { file, upload } = await begin(owner, study)
    await put(upload.url)
    await owner.post(`${at(upload)}/complete`)
    expect((await owner.delete(at(upload))).body.code).toBe('upload_not_found')
    expect((await owner.get(`${study.path}/files/${file.id}`)).body.version.size).toBe(11)
  })
})
