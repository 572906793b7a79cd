import { env } from 'cloudflare:workers'
import { afterAll, describe, expect, test } from 'vitest'
import { hollowVersions, isThere, openUploads, outbox, strays } from '../support/bucket.ts'
import { aDesk, versionOf } from '../support/desk.ts'
import { disturbed, overriding, sweepAt, within } from '../support/faults.ts'
import { complete, report, send, sending, small, urlsOf } from '../support/parts.ts'
import { begin, HELLO, objectKeyOf, ok, put, replace } from '../support/world.ts'

// Each test puts one caller between two trips of another: where the first would have gone wrong if it had believed
// what it read before.

const FILE = { name: 'diary.txt', mediaType: 'text/plain', size: HELLO.length }
const COMPLETES = /INSERT INTO versions/
const DELETES = /DELETE FROM files WHERE study_id = \? AND id IN/

afterAll(async () => {
  await sweepAt(new Date())
  expect(await strays()).toEqual([])
  expect(await hollowVersions()).toEqual([])
})

/** A desk with an upload whose bytes have landed. */
async function aLanded(settings: object = {}) {
  const desk = await aDesk(settings)
  const { file, upload } = await begin(desk.owner, desk.study, { visibility: 'study' })
  await put(upload.url)
  return { ...desk, file, upload, key: objectKeyOf(upload.url), path: `${desk.study.path}/files/${file.id}` }
}

/** Two replacements of one complete file, landed and not complete. */
async function twoReplacements(settings: object) {
  const desk = await aDesk(settings)
  const path = `${desk.study.path}/participants/me/files/diary`
  const finish = async (upload: { id: string }) => desk.owner.post(`${desk.at(upload)}/complete`)
  const first = await replace(desk.owner, path, 'first')
  await finish(first)
  const [older, newer] = [await replace(desk.owner, path, 'older'), await replace(desk.owner, path, 'newer')]
  return { ...desk, path, first, older, newer, finish }
}

describe('complete and delete', () => {
  test('a file that is deleted while its upload completes stays deleted', async () => {
    const { study, owner, at, upload, key, path } = await aLanded()
    const { DB, seen } = disturbed({ on: COMPLETES, before: async () => ok(await owner.delete(path)) })
    const late = await within({ DB }, owner).post(`${at(upload)}/complete`)
    expect([late.status, late.body.code, seen.times]).toEqual([404, 'upload_not_found', 1])
    expect((await owner.get(path)).status).toBe(404)
    expect((await owner.get(`${study.path}/files`)).body.items).toEqual([])
    await sweepAt(new Date())
    expect(await isThere(key)).toBe(false)
  })

  test('a version that is complete just before its file is deleted goes with it', async () => {
    const { study, owner, at, upload, key, path } = await aLanded()
    const { DB, seen } = disturbed({
      on: DELETES,
      before: async () => ok(await owner.post(`${at(upload)}/complete`)),
    })
    expect((await within({ DB }, owner).delete(path)).status).toBe(204)
    expect(seen.times).toBe(1)
    expect((await outbox(study)).map((each) => each.objectKey)).toEqual([key])
    expect((await owner.post(`${at(upload)}/complete`)).status).toBe(404)
  })

  test('an upload that is begun just before its file is deleted goes with it', async () => {
    const { study, owner, at } = await aDesk()
    const path = `${study.path}/participants/me/files/diary`
    await owner.post(`${at(await replace(owner, path))}/complete`)
    const begun: { id: string }[] = []
    const { DB, seen } = disturbed({ on: DELETES, before: async () => begun.push(await replace(owner, path)) })
    expect((await within({ DB }, owner).delete(path)).status).toBe(204)
    expect(seen.times).toBe(1)
    expect(await openUploads(study)).toEqual([])
    expect(await outbox(study)).toHaveLength(2)
    for (const each of begun) expect((await owner.post(`${at(each)}/complete`)).body.code).toBe('upload_not_found')
  })

  test('a replacement of a file that was just deleted begins a new one', async () => {
    const { study, owner, at } = await aDesk()
    const path = `${study.path}/participants/me/files/diary`
    const { id } = ok(await owner.post(`${at(await replace(owner, path))}/complete`))
    const { DB } = disturbed({ on: /INSERT INTO uploads/, before: async () => ok(await owner.delete(path)) })
    const begun = ok(await within({ DB }, owner).put(path, { ...FILE, title: 'again' }))
    expect(begun.file).toMatchObject({ title: 'again', version: null })
    expect(begun.file.id).not.toBe(id)
    await put(begun.upload.url)
    expect((await owner.post(`${at(begun.upload)}/complete`)).body.id).toBe(begun.file.id)
  })

  test('an upload that is abandoned while it completes stays abandoned', async () => {
    const { owner, at, upload, key, path } = await aLanded()
    const { DB } = disturbed({ on: COMPLETES, before: async () => ok(await owner.delete(at(upload))) })
    expect((await within({ DB }, owner).post(`${at(upload)}/complete`)).body.code).toBe('upload_not_found')
    expect((await owner.get(path)).status).toBe(404)
    await sweepAt(new Date())
    expect(await isThere(key)).toBe(false)
  })

  test('a replacement that is abandoned while it completes is not told of as complete', async () => {
    const { owner, path, newer, at, finish } = await twoReplacements({})
    const before = ok(await owner.get(path))
    const { DB, seen } = disturbed({ on: COMPLETES, before: async () => ok(await owner.delete(at(newer))) })
    const late = await within({ DB }, owner).post(`${at(newer)}/complete`)
    expect([late.status, late.body.code, seen.times]).toEqual([404, 'upload_not_found', 1])
    expect(ok(await owner.get(path))).toEqual(before)
    expect((await finish(newer)).status).toBe(404)
  })

  test('an upload that is complete while it is abandoned or swept stays complete', async () => {
    for (const giveUp of ['abandon', 'sweep'] as const) {
      const { study, owner, at, file } = await aLanded()
      const { upload } = await begin(owner, study)
      const { DB, seen } = disturbed({
        on: /DELETE FROM uploads AS u/,
        before: async () => {
          await put(upload.url)
          ok(await owner.post(`${at(upload)}/complete`))
        },
      })
      if (giveUp === 'abandon') expect((await within({ DB }, owner).delete(at(upload))).status).toBe(404)
      else await sweepAt(new Date(Date.parse(upload.expiresAt)), { DB })
      expect(seen.times).toBeGreaterThan(0)
      const again = ok(await owner.post(`${at(upload)}/complete`))
      expect(again.version.id).toBe(versionOf(upload))
      expect(file.id).not.toBe(again.id)
      expect(await outbox(study)).toEqual([])
      expect(await isThere(objectKeyOf(upload.url))).toBe(true)
    }
  })
})

test('an upload that starts again while it is abandoned is not said to be gone', async () => {
  const { study, owner, at } = await aDesk()
  const { upload } = await begin(owner, study, { md5: '0'.repeat(32) })
  await put(upload.url)
  const before = async () => expect((await owner.post(`${at(upload)}/complete`)).status).toBe(409)
  const { DB } = disturbed({ on: /DELETE FROM uploads AS u/, before })
  const kept = await within({ DB }, owner).delete(at(upload))
  expect([kept.status, kept.body.code]).toEqual([503, 'overloaded'])
  expect((await owner.delete(at(upload))).status).toBe(204)
  expect([await openUploads(study), (await outbox(study)).length]).toEqual([[], 2])
})

describe('a participant who withdraws', () => {
  test('while their upload completes gets no version', async () => {
    const { study, owner, at, upload, path } = await aLanded()
    const before = async () =>
      ok(await study.admin.patch(`${study.path}/participants/${owner.id}`, { status: 'withdrawn' }))
    const { DB, seen } = disturbed({ on: COMPLETES, before })
    const refused = await within({ DB }, owner).post(`${at(upload)}/complete`)
    expect([refused.status, seen.times]).toEqual([404, 1])
    expect((await study.worker.get(path)).body.version).toBeNull()
  })

  test('while they begin gets no upload, and takes no number', async () => {
    const { study, owner } = await aDesk()
    const before = async () =>
      ok(await study.admin.patch(`${study.path}/participants/${owner.id}`, { status: 'withdrawn' }))
    const { file: earlier } = await begin(study.worker, study, { participant: null })
    const { DB } = disturbed({ on: /INSERT INTO uploads/, before })
    const refused = await within({ DB }, owner).post(`${study.path}/files`, FILE)
    expect([refused.status, refused.body.code]).toEqual([403, 'participant_withdrawn'])
    expect(await openUploads(study)).toHaveLength(1)
    expect((await begin(study.worker, study, { participant: null })).file.number).toBe(earlier.number + 1)
  })
})

describe('two versions of one file', () => {
  test.each([
    ['keep', 'the older one completes while the newer does', 'newer', ['newer', 'older', 'first']],
    ['keep', 'the newer one completes while the older does', 'older', ['newer', 'older', 'first']],
    ['latest', 'the older one completes while the newer does', 'newer', ['newer']],
    ['latest', 'the newer one completes while the older does', 'older', ['newer']],
  ] as const)('end with the later begun one current (%s): %s', async (retention, _, slower, left) => {
    const world = await twoReplacements({ retention })
    const { study, owner, path, finish } = world
    const faster = slower === 'newer' ? world.older : world.newer
    const { DB, seen } = disturbed({ on: COMPLETES, before: async () => ok(await finish(faster)) })
    ok(await within({ DB }, owner).post(`${world.at(world[slower])}/complete`))
    expect(seen.times).toBe(1)
    const file = ok(await owner.get(path))
    expect(file.version.id).toBe(versionOf(world.newer))
    const { items } = (await owner.get(`${study.path}/files/${file.id}/versions`)).body
    expect(items.map(({ id }: { id: string }) => id)).toEqual(left.map((name) => versionOf(world[name])))
    await sweepAt(new Date())
    for (const name of ['first', 'older', 'newer'] as const) {
      expect([name, await isThere(objectKeyOf(world[name].url))]).toEqual([name, left.some((each) => each === name)])
    }
  })

  test('that are begun at once under a new handle are of one file', async () => {
    const { study, owner, at } = await aDesk()
    const path = `${study.path}/participants/me/files/diary`
    const first: { id: string }[] = []
    const { DB } = disturbed({ on: /INSERT INTO uploads/, before: async () => first.push(await replace(owner, path)) })
    const second = await replace(within({ DB }, owner), path, 'second')
    for (const upload of [second, ...first]) ok(await owner.post(`${at(upload)}/complete`))
    const { items } = (await owner.get(`${study.path}/files`)).body
    expect(items).toMatchObject([{ handle: 'diary', version: { id: versionOf(second) } }])
  })
})

describe('joining parts', () => {
  /** A desk with a multipart upload of which everything was sent and reported. */
  async function aSent() {
    const desk = await aDesk()
    const { upload } = await small(desk)
    const [url] = await urlsOf(desk, upload, 1)
    if (url === undefined) throw new Error('no URL')
    await report(desk, upload, await send(url))
    return { desk, upload, url }
  }

  /** Storage that fails when it is told to join parts: before it does, or with the answer only. */
  const failing = (when: 'before' | 'after') =>
    overriding(env.BUCKET, {
      resumeMultipartUpload: (key, id) => {
        const real = env.BUCKET.resumeMultipartUpload(key, id)
        return overriding(real, {
          complete: async (parts) => {
            if (when === 'after') await real.complete(parts)
            throw new Error('completeMultipartUpload: We encountered an internal error. Please try again. (10001)')
          },
        })
      },
    })

  test('goes on where the answer was lost and the object is there', async () => {
    const { desk, upload } = await aSent()
    const { body } = await within({ BUCKET: failing('after') }, desk.owner).post(`${desk.at(upload)}/complete`)
    expect(body.version).toMatchObject({ id: versionOf(upload), size: 11 })
  })

  test('is asked for again where nothing happened', async () => {
    const { desk, upload } = await aSent()
    const failed = await within({ BUCKET: failing('before') }, desk.owner).post(`${desk.at(upload)}/complete`)
    expect([failed.status, failed.body.code, failed.headers.get('Retry-After')]).toEqual([503, 'overloaded', '2'])
    expect((await complete(desk, upload)).status).toBe(200)
  })

  test('that the database never heard of is found when it is asked for again', async () => {
    const { desk, upload } = await aSent()
    const { DB } = disturbed({
      on: COMPLETES,
      before: async () => Promise.reject(new Error('D1_ERROR: D1 DB is overloaded. Too many requests queued.')),
    })
    expect((await within({ DB }, desk.owner).post(`${desk.at(upload)}/complete`)).status).toBe(503)
    const { body } = await complete(desk, upload)
    expect(body.version.id).toBe(versionOf(upload))
    expect((await complete(desk, upload)).body).toEqual(body)
  })

  test('by two hands at once makes one version', async () => {
    const { desk, upload } = await aSent()
    const both = await Promise.all([complete(desk, upload), complete(desk, upload)])
    expect(both.map(({ status, body }) => [status, body.version.id])).toEqual(both.map(() => [200, versionOf(upload)]))
  })

  test('that storage has given up begins again with a fresh object', async () => {
    const { desk, upload, url } = await aSent()
    const [{ multipartId } = { multipartId: null }] = await openUploads(desk.study)
    await env.BUCKET.resumeMultipartUpload(objectKeyOf(url.url), multipartId ?? '').abort()
    const lost = await complete(desk, upload)
    expect([lost.status, lost.body.code]).toEqual([409, 'upload_lost'])
    const [fresh] = await urlsOf(desk, upload, 1)
    await report(desk, upload, await send(fresh))
    expect((await complete(desk, upload)).status).toBe(200)
  })

  test('of an abandoned upload is over, and its parts are freed', async () => {
    const { desk, upload, url } = await aSent()
    expect((await desk.owner.delete(desk.at(upload))).status).toBe(204)
    expect((await complete(desk, upload)).body.code).toBe('upload_not_found')
    await sweepAt(new Date())
    await expect(sending(url, 'late')).rejects.toThrow('10024')
    expect(await isThere(objectKeyOf(url.url))).toBe(false)
  })

  test('while the file is deleted leaves no object behind', async () => {
    const { desk, upload, url } = await aSent()
    const { items } = (await desk.owner.get(`${desk.study.path}/files?status=pending`)).body
    const path = `${desk.study.path}/files/${items[0].id}`
    const BUCKET = overriding(env.BUCKET, {
      resumeMultipartUpload: (key, id) => {
        const real = env.BUCKET.resumeMultipartUpload(key, id)
        return overriding(real, {
          complete: async (parts) => {
            ok(await desk.owner.delete(path))
            return real.complete(parts)
          },
        })
      },
    })
    expect((await within({ BUCKET }, desk.owner).post(`${desk.at(upload)}/complete`)).status).toBe(404)
    expect(await isThere(objectKeyOf(url.url))).toBe(true)
    await sweepAt(new Date())
    expect(await isThere(objectKeyOf(url.url))).toBe(false)
  })
})
