import { env } from 'cloudflare:workers'
import { afterAll, describe, expect, test } from 'vitest'
import { hollowVersions, isThere, openUploads, outbox, strays } from '../support/bucket.ts'
import { anonymous } from '../support/client.ts'
import { aDesk, versionOf } from '../support/desk.ts'
import { disturbed, overriding, sweepAt, within } from '../support/faults.ts'
import { report, send, sending, small, urlsOf } from '../support/parts.ts'
import { aFile, begin, HELLO_MD5, objectKeyOf, put, replace } from '../support/world.ts'

// The sweep is of every study: a test that moves the clock sweeps the others' studies too, which are done with by then.

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

const instant = (iso: string, later = 0) => new Date(Date.parse(iso) + later)
/** When the last PUT that an upload's URL began has landed or never will. */
const landed = (upload: { urlExpiresAt: string }) => instant(upload.urlExpiresAt, 15 * MINUTE)

async function anUpload(file: object = {}) {
  const desk = await aDesk()
  const { file: begun, upload } = await begin(desk.owner, desk.study, file)
  const path = `${desk.study.path}/files/${begun.id}`
  const read = async () => (await desk.owner.get(path)).body
  return { ...desk, upload, key: objectKeyOf(upload.url), path, read }
}

afterAll(async () => {
  // Long after everything: nothing is left but what belongs to something.
  for (const days of [8, 16, 24]) await sweepAt(new Date(Date.now() + days * DAY))
  expect(await strays()).toEqual([])
  expect(await hollowVersions()).toEqual([])
  for (const table of ['uploads', 'upload_parts', 'object_deletions', 'download_tokens']) {
    expect([table, (await env.DB.prepare(`SELECT * FROM ${table}`).all()).results]).toEqual([table, []])
  }
})

describe('the sweep of uploads', () => {
  test('completes what has landed, a quarter of an hour after its URL has expired', async () => {
    const { upload, read } = await anUpload()
    await put(upload.url)
    await sweepAt(instant(upload.urlExpiresAt, 15 * MINUTE - 1))
    expect((await read()).version).toBeNull()
    await sweepAt(landed(upload))
    expect((await read()).version).toMatchObject({ id: versionOf(upload), md5: HELLO_MD5 })
  })

  test('leaves what has not landed until its time is over, and gives it up then', async () => {
    const { study, owner, at, upload, key, read } = await anUpload()
    for (const time of [landed(upload), instant(upload.expiresAt, -1)]) {
      await sweepAt(time)
      expect(await openUploads(study)).toMatchObject([{ objectKey: key, dueAt: Date.parse(upload.expiresAt) }])
    }
    await sweepAt(instant(upload.expiresAt))
    expect((await read()).code).toBe('file_not_found')
    expect((await owner.post(`${at(upload)}/complete`)).body.code).toBe('upload_not_found')
    // Whatever may still come to its place goes.
    expect((await outbox(study)).map((each) => each.objectKey)).toEqual([key])
  })

  test('completes what landed after it had looked once', async () => {
    const { upload, read } = await anUpload()
    await sweepAt(landed(upload))
    await put(upload.url)
    await sweepAt(instant(upload.expiresAt))
    expect((await read()).version.id).toBe(versionOf(upload))
  })

  test('leaves a file whose replacement never came as it is', async () => {
    const desk = await aDesk()
    const path = `${desk.study.path}/participants/me/files/diary`
    const first = await replace(desk.owner, path)
    const { body: file } = await desk.owner.post(`${desk.at(first)}/complete`)
    const begun = await desk.owner.put(path, { name: 'b', mediaType: 'text/plain', size: 1, title: 'never' })
    await sweepAt(instant(begun.body.upload.expiresAt))
    expect(await openUploads(desk.study)).toEqual([])
    expect((await desk.owner.get(path)).body).toEqual(file)
  })

  test('waits for a URL that was made anew', async () => {
    const { study, owner, at, upload, read } = await anUpload()
    const renewed = await within({ UPLOAD_URL_SECONDS: String(7 * 86_400) }, owner).post(`${at(upload)}/url`)
    await sweepAt(instant(upload.expiresAt))
    expect(await openUploads(study)).toHaveLength(1)
    await put(renewed.body.url)
    await sweepAt(instant(renewed.body.urlExpiresAt))
    expect((await read()).version).toBeNull()
    await sweepAt(landed(renewed.body))
    expect((await read()).version.id).toBe(versionOf(upload))
  })

  test('does not give up what got a URL just before it looked', async () => {
    const { study, owner, at, upload } = await anUpload()
    const longer = within({ UPLOAD_URL_SECONDS: String(7 * 86_400) }, owner)
    const { DB, seen } = disturbed({
      on: /FROM who CROSS JOIN uploads u/,
      before: async () => expect((await longer.post(`${at(upload)}/url`)).status).toBe(200),
    })
    await sweepAt(instant(upload.expiresAt), { DB })
    expect(seen.times).toBeGreaterThan(0)
    expect(await openUploads(study)).toHaveLength(1)
  })

  test('does not give up what got a URL while it was looking', async () => {
    const { study, owner, at, upload, read } = await anUpload()
    const longer = within({ UPLOAD_URL_SECONDS: '7200' }, owner)
    const { DB, seen } = disturbed({
      on: /DELETE FROM uploads/,
      before: async () => expect((await longer.post(`${at(upload)}/url`)).status).toBe(200),
    })
    await sweepAt(instant(upload.expiresAt), { DB })
    expect(seen.times).toBeGreaterThan(0)
    expect(await openUploads(study)).toHaveLength(1)
    expect(await outbox(study)).toEqual([])
    await put(upload.url)
    expect((await owner.post(`${at(upload)}/complete`)).status).toBe(200)
    expect((await read()).version.id).toBe(versionOf(upload))
  })

  test('does not put off what got a URL while it was looking', async () => {
    const { study, owner, at, upload } = await anUpload()
    const longer = within({ UPLOAD_URL_SECONDS: '7200' }, owner)
    const { DB, seen } = disturbed({
      on: /UPDATE uploads SET due_at = max/,
      before: async () => expect((await longer.post(`${at(upload)}/url`)).status).toBe(200),
    })
    await sweepAt(landed(upload), { DB })
    expect(seen.times).toBeGreaterThan(0)
    const [open] = await openUploads(study)
    expect(open?.dueAt).toBeLessThan(Date.parse(upload.expiresAt))
  })

  test('leaves wrong bytes to their client, and gives them up in the end', async () => {
    const { study, owner, at, upload, key } = await anUpload({ md5: HELLO_MD5 })
    await put(upload.url, 'HELLO WORLD')
    await sweepAt(landed(upload))
    expect(await openUploads(study)).toMatchObject([{ objectKey: key, attempt: 1 }])
    expect((await owner.post(`${at(upload)}/complete`)).body.code).toBe('upload_checksum_mismatch')
    expect(await openUploads(study)).toMatchObject([{ objectKey: expect.not.stringMatching(key), attempt: 2 }])
    await sweepAt(instant(upload.expiresAt))
    expect(await openUploads(study)).toEqual([])
    expect(await isThere(key)).toBe(false)
  })

  test('joins the parts of a client that died before it said so', async () => {
    const desk = await aDesk()
    const { upload } = await small(desk)
    const [url] = await urlsOf(desk, upload, 1)
    await report(desk, upload, await send(url))
    await sweepAt(new Date(Date.now() + 80 * MINUTE))
    expect((await desk.owner.get(`${desk.study.path}/files`)).body.items).toMatchObject([
      { version: { id: versionOf(upload) } },
    ])
  })

  test('frees the parts of a multipart upload that it gives up', async () => {
    const desk = await aDesk()
    const { upload } = await small(desk)
    const [url] = await urlsOf(desk, upload, 1)
    if (url === undefined) throw new Error('no URL')
    await send(url)
    await sweepAt(instant(upload.expiresAt))
    await sweepAt(instant(upload.expiresAt, 1))
    expect(await openUploads(desk.study)).toEqual([])
    await expect(sending(url, 'late')).rejects.toThrow('10024')
  })

  test('gives up what belongs to a withdrawn participant when its time is over', async () => {
    const { study, owner, upload, key, read } = await anUpload()
    await put(upload.url)
    await study.admin.patch(`${study.path}/participants/${owner.id}`, { status: 'withdrawn' })
    await sweepAt(landed(upload))
    expect((await read()).version).toBeNull()
    await sweepAt(instant(upload.expiresAt))
    await sweepAt(instant(upload.expiresAt, 1))
    expect([await openUploads(study), await isThere(key)]).toEqual([[], false])
  })

  test('goes on with the others where any number fail, and comes back to those a while later', async () => {
    const unlucky = await anUpload()
    // With it as many as one run looks at, and all due before the other.
    for (let more = 49; more > 0; more -= 1) await begin(unlucky.owner, unlucky.study)
    const lucky = await anUpload()
    await Promise.all([put(unlucky.upload.url), put(lucky.upload.url)])
    const BUCKET = overriding(env.BUCKET, {
      head: async (key) => {
        if (key.startsWith(`${unlucky.study.id}/`)) throw new Error('head: We encountered an internal error. (10001)')
        return env.BUCKET.head(key)
      },
    })
    for (const run of [0, 1]) await sweepAt(instant(lucky.upload.urlExpiresAt, (15 + run) * MINUTE), { BUCKET })
    expect((await lucky.read()).version).not.toBeNull()
    expect((await unlucky.read()).version).toBeNull()
    await sweepAt(instant(lucky.upload.urlExpiresAt, 25 * MINUTE))
    expect((await unlucky.read()).version).not.toBeNull()
  })
})

describe('the outbox', () => {
  /** A complete file that was just deleted. */
  async function aDeleted() {
    const it = await anUpload()
    await put(it.upload.url)
    await it.owner.post(`${it.at(it.upload)}/complete`)
    await it.owner.delete(it.path)
    return it
  }

  test('deletes at once, when the last URL has expired, and a day later', async () => {
    const { study, upload, key } = await aDeleted()
    const expired = Date.parse(upload.urlExpiresAt)
    expect(await outbox(study)).toMatchObject([{ objectKey: key, urlExpiresAt: expired, until: expired + DAY }])
    await sweepAt(new Date())
    expect(await isThere(key)).toBe(false)

    // Its URL still works, and somebody uses it.
    await put(upload.url)
    await sweepAt(new Date(expired - 1))
    expect(await isThere(key)).toBe(true)
    await sweepAt(new Date(expired))
    expect(await isThere(key)).toBe(false)
    // A PUT that was begun before has taken its time.
    await put(upload.url)
    await sweepAt(new Date(expired + DAY - 1))
    expect(await isThere(key)).toBe(true)
    await sweepAt(new Date(expired + DAY))
    expect(await isThere(key)).toBe(false)
    expect(await outbox(study)).toEqual([])
  })

  test('waits a day and a quarter of an hour where the URL has long expired', async () => {
    const { study, owner, path, key } = await anUpload()
    await put(`http://localhost/cdn-cgi/local/r2/s3/carrel/${key}`)
    await env.DB.prepare('UPDATE uploads SET url_expires_at = 1 WHERE study_id = ?').bind(study.id).run()
    const before = Date.now()
    await owner.delete(path)
    const [row] = await outbox(study)
    expect(row?.until).toBeGreaterThanOrEqual(before + DAY + 15 * MINUTE)
    await sweepAt(new Date())
    expect((await outbox(study))[0]?.dueAt).toBe(row?.until)
  })

  test('deletes the others where one multipart upload cannot be aborted', async () => {
    const desk = await aDesk()
    const { upload } = await small(desk)
    const [url] = await urlsOf(desk, upload, 1)
    await desk.owner.delete(desk.at(upload))
    const other = await aDeleted()
    const stuck = objectKeyOf(url?.url ?? '')
    const BUCKET = overriding(env.BUCKET, {
      resumeMultipartUpload: (key, id) => {
        if (key === stuck) throw new Error('abortMultipartUpload: We encountered an internal error. (10001)')
        return env.BUCKET.resumeMultipartUpload(key, id)
      },
    })
    await sweepAt(new Date(), { BUCKET })
    expect(await isThere(other.key)).toBe(false)
    const before = Date.now()
    // It waits for a while, so that any number of such ones are not in the way of the others.
    const later = (await outbox(desk.study))[0]?.dueAt ?? 0
    expect([later > before, later <= before + 10 * MINUTE]).toEqual([true, true])
    await sweepAt(new Date(later))
    expect((await outbox(desk.study))[0]?.dueAt).toBeGreaterThan(later)
  })

  test('is not what keeps the rest of the sweep from its work', async () => {
    const [gone, there] = [await aDeleted(), await anUpload()]
    await put(there.upload.url)
    const BUCKET = overriding(env.BUCKET, {
      delete: async () => Promise.reject(new Error('delete: We encountered an internal error. (10001)')),
    })
    await expect(sweepAt(landed(there.upload), { BUCKET })).rejects.toThrow('parts of the sweep failed')
    expect((await there.read()).version).not.toBeNull()
    expect(await isThere(gone.key)).toBe(true)
    await sweepAt(landed(there.upload))
    expect(await isThere(gone.key)).toBe(false)
  })
})

describe('a download link', () => {
  test('is told of for a day after it has expired, and forgotten then', async () => {
    const desk = await aDesk()
    const { id } = await aFile(desk.owner, desk.study)
    const links = `${desk.study.path}/files/${id}/download-tokens`
    const { body: link } = await desk.owner.post(links, {})
    await anonymous.get(link.url)
    await sweepAt(instant(link.expiresAt, DAY - 1))
    expect((await desk.owner.get(links)).body.items).toHaveLength(1)
    expect((await anonymous.get(link.url)).status).toBe(410)
    await sweepAt(instant(link.expiresAt, DAY))
    expect((await desk.owner.get(links)).body.items).toEqual([])
    expect((await anonymous.get(link.url)).status).toBe(404)
  })
})
