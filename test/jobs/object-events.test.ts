import { env } from 'cloudflare:workers'
import { afterAll, describe, expect, test } from 'vitest'
import { hollowVersions, isThere, openUploads, outbox, strays } from '../support/bucket.ts'
import { aDesk, versionOf } from '../support/desk.ts'
import { deliver, disturbed, overriding, within } from '../support/faults.ts'
import { report, send, small, urlsOf } from '../support/parts.ts'
import { begin, HELLO_MD5, objectKeyOf, put } from '../support/world.ts'

/** As R2 tells of an object (docs: R2, "Event notifications"). */
const told = (key: string, action = 'PutObject') => ({
  account: '00000000000000000000000000000000',
  bucket: 'carrel',
  eventTime: '2026-11-22T08:30:00.000Z',
  action,
  object: { key, size: 11, eTag: HELLO_MD5 },
})

/** A desk with an upload whose bytes have landed, and whose client has died. */
async function aLanded(file: object = {}, bytes = 'hello world') {
  const desk = await aDesk()
  const { file: begun, upload } = await begin(desk.owner, desk.study, file)
  await put(upload.url, bytes)
  const read = async () => (await desk.owner.get(`${desk.study.path}/files/${begun.id}`)).body
  return { ...desk, upload, key: objectKeyOf(upload.url), read }
}

afterAll(async () => {
  expect(await strays()).toEqual([])
  expect(await hollowVersions()).toEqual([])
})

describe("R2's word that an object has arrived", () => {
  test.each(['PutObject', 'CopyObject', 'CompleteMultipartUpload'])(
    'completes an upload whose client died (%s)',
    async (action) => {
      const { owner, at, upload, key, read } = await aLanded({ md5: HELLO_MD5 })
      expect(await deliver([told(key, action)])).toEqual({ acked: ['message-0'], retried: [] })
      const file = await read()
      expect(file.version).toMatchObject({ id: versionOf(upload), md5: HELLO_MD5 })
      // The client comes back after all.
      expect((await owner.post(`${at(upload)}/complete`)).body).toEqual(file)
    },
  )

  test('may come twice, together and later', async () => {
    const { study, owner, key, read } = await aLanded()
    expect((await deliver([told(key), told(key)])).acked).toHaveLength(2)
    const file = await read()
    expect((await deliver([told(key)])).acked).toHaveLength(1)
    expect(await read()).toEqual(file)
    expect((await owner.get(`${study.path}/files/${file.id}/versions`)).body.items).toHaveLength(1)
  })

  test('is ignored for objects that are not Carrel’s, of nothing that is known, and for what is no arrival', async () => {
    const { study, key, read } = await aLanded()
    const unknown = [
      told('backup/2026.tar'),
      told(key.replace(/ver_.{26}/, 'ver_00000000000000000000000000')),
      told(key.replace(study.id, 'no-such-study')),
      told(`${key}0`),
      told(key, 'DeleteObject'),
      told(key, 'LifecycleDeletion'),
    ]
    const { acked, retried } = await deliver(unknown)
    expect([acked.length, retried]).toEqual([unknown.length, []])
    expect((await read()).version).toBeNull()
  })

  test('that is malformed is acknowledged, and keeps nothing from the others', async () => {
    const { key, read } = await aLanded()
    const bodies = ['{}', null, 7, {}, { action: 'PutObject' }, { action: 'PutObject', object: { key: 7 } }, told(key)]
    const { acked, retried } = await deliver(bodies)
    expect([acked.length, retried]).toEqual([bodies.length, []])
    expect((await read()).version).not.toBeNull()
  })

  test('comes again where storage could not be reached, and only that one', async () => {
    const [unlucky, lucky] = [await aLanded(), await aLanded()]
    const BUCKET = overriding(env.BUCKET, {
      head: async (key) => {
        if (key === unlucky.key) throw new Error('head: We encountered an internal error. Please try again. (10001)')
        return env.BUCKET.head(key)
      },
    })
    const first = await deliver([told(unlucky.key), told(lucky.key)], { BUCKET })
    expect(first).toEqual({ acked: ['message-1'], retried: ['message-0'] })
    expect((await lucky.read()).version).not.toBeNull()
    expect((await unlucky.read()).version).toBeNull()

    expect((await deliver([told(unlucky.key)])).acked).toHaveLength(1)
    expect((await unlucky.read()).version).not.toBeNull()
  })

  test('comes again where the database could not be reached', async () => {
    const { key, read } = await aLanded()
    const { DB, seen } = disturbed({
      on: /INSERT INTO versions/,
      before: async () => Promise.reject(new Error('D1_ERROR: D1 DB is overloaded. Too many requests queued.')),
    })
    expect((await deliver([told(key)], { DB })).retried).toEqual(['message-0'])
    expect(seen.times).toBe(1)
    await deliver([told(key)])
    expect((await read()).version).not.toBeNull()
  })

  test('of wrong bytes leaves them, so that the client is told what was wrong', async () => {
    const { study, owner, at, upload, key, read } = await aLanded({ md5: HELLO_MD5 }, 'HELLO WORLD')
    expect((await deliver([told(key)])).acked).toHaveLength(1)
    expect((await read()).version).toBeNull()
    expect(await outbox(study)).toEqual([])
    expect((await owner.post(`${at(upload)}/complete`)).body.code).toBe('upload_checksum_mismatch')
    const { body } = await owner.post(`${at(upload)}/url`)
    // The old object's event comes late; the fresh object's own one counts.
    await deliver([told(key)])
    expect((await read()).version).toBeNull()
    await put(body.url)
    await deliver([told(objectKeyOf(body.url))])
    expect((await read()).version.id).toBe(versionOf(upload))
  })

  test('of a participant who has withdrawn writes nothing', async () => {
    const { study, owner, key, read } = await aLanded()
    await study.admin.patch(`${study.path}/participants/${owner.id}`, { status: 'withdrawn' })
    expect((await deliver([told(key)])).acked).toHaveLength(1)
    expect((await read()).version).toBeNull()
    expect(await openUploads(study)).toHaveLength(1)
  })

  test('of a deleted file’s upload brings nothing back', async () => {
    const { study, owner, key, read } = await aLanded()
    const { id } = await read()
    await owner.delete(`${study.path}/files/${id}`)
    expect((await deliver([told(key)])).acked).toHaveLength(1)
    expect((await read()).code).toBe('file_not_found')
    expect((await outbox(study)).map((each) => each.objectKey)).toEqual([key])
    expect(await isThere(key)).toBe(true)
  })

  test('of joined parts completes where the database never heard of it', async () => {
    const desk = await aDesk()
    const { upload } = await small(desk)
    const [url] = await urlsOf(desk, upload, 1)
    await report(desk, upload, await send(url))
    const { DB } = disturbed({
      on: /INSERT INTO versions/,
      before: async () => Promise.reject(new Error('D1_ERROR: D1 DB is overloaded. Too many requests queued.')),
    })
    expect((await within({ DB }, desk.owner).post(`${desk.at(upload)}/complete`)).status).toBe(503)
    const key = objectKeyOf(url?.url ?? '')
    expect((await deliver([told(key, 'CompleteMultipartUpload')])).acked).toHaveLength(1)
    const { items } = (await desk.owner.get(`${desk.study.path}/files`)).body
    expect(items).toMatchObject([{ version: { id: versionOf(upload), size: 11 } }])
  })
})
