import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { openUploads } from '../support/bucket.ts'
import { aDesk } from '../support/desk.ts'
import { overriding, sweepAt, within } from '../support/faults.ts'
import {
  complete,
  type Desk,
  FIRST,
  large,
  multipartIdOf,
  PART,
  type PartUrl,
  report,
  send,
  sending,
  small,
  urlsOf,
} from '../support/parts.ts'
import { begin, HELLO, HELLO_MD5, HELLO_SHA256, objectKeyOf, ok, put } from '../support/world.ts'

const MIB = 1024 * 1024

/** A small one whose row is there although storage could not open it. */
async function unopened(desk: Desk): Promise<{ id: string }> {
  const BUCKET = overriding(env.BUCKET, {
    createMultipartUpload: async () => {
      throw new Error('createMultipartUpload: We encountered an internal error. Please try again. (10001)')
    },
  })
  const refused = await within({ BUCKET }, desk.owner).post(`${desk.study.path}/files`, {
    name: 'a.bin',
    mediaType: 'application/octet-stream',
    size: 11,
    upload: 'multipart',
  })
  expect([refused.status, refused.headers.get('Retry-After')]).toEqual([503, '2'])
  const [upload] = await openUploads(desk.study)
  if (upload === undefined) throw new Error('the row is there first')
  expect(upload.multipartId).toBeNull()
  return upload
}

let desk: Desk
beforeAll(async () => {
  desk = await aDesk()
})

describe('an upload is sent in parts', () => {
  const planned = async (settings: Parameters<typeof within>[0], file: object) =>
    (await begin(within(settings, desk.owner), desk.study, file)).upload

  test('from the threshold on, and on request', async () => {
    const threshold = { MULTIPART_THRESHOLD_BYTES: '20' }
    expect((await planned(threshold, { size: 19 })).kind).toBe('single')
    expect(await planned(threshold, { size: 20 })).toMatchObject({ kind: 'multipart', partCount: 1, parts: [] })
    expect((await planned(threshold, { size: 20, upload: 'single' })).kind).toBe('single')
    expect((await planned({}, { size: 19, upload: 'multipart' })).kind).toBe('multipart')
  })

  test('of the set size, or as large as ten thousand of them must be', async () => {
    expect(await planned({}, { size: 64 * MIB + 1 })).toMatchObject({ partBytes: 8 * MIB, partCount: 9 })
    expect(await planned({}, { size: 80_000 * MIB })).toMatchObject({ partBytes: 8 * MIB, partCount: 10_000 })
    expect(await planned({}, { size: 80_000 * MIB + 1 })).toMatchObject({ partBytes: 9 * MIB, partCount: 8_889 })
  })

  test('but not where it would have none, nor in one PUT what none can carry', async () => {
    const ask = async (file: object) =>
      desk.owner.post(`${desk.study.path}/files`, { name: 'a', mediaType: 'text/plain', ...file })
    for (const [file, message] of [
      [{ size: 0, upload: 'multipart' }, 'An empty file has no parts.'],
      [{ size: 4_995 * MIB + 1, upload: 'single' }, 'One PUT takes 5237637120 bytes at most.'],
    ] as const) {
      const { status, body } = await ask(file)
      expect([status, body.code, body.errors]).toEqual([422, 'invalid_body', [{ pointer: '/upload', message }]])
    }
    expect((await ask({ size: 2 ** 40 + 1 })).body.code).toBe('file_too_large')
  })

  test('and its parts are one file in the end', async () => {
    const { file, upload } = await large(desk)
    expect(upload).toMatchObject({ partBytes: PART, partCount: 2 })
    const urls: { number: number; bytes: number }[] = ok(
      await desk.owner.post(`${desk.at(upload)}/parts`, { parts: [{ number: 2, md5: HELLO_MD5 }, { number: 1 }] }),
    ).parts
    expect(urls).toMatchObject([
      { number: 2, bytes: 11, headers: { 'content-length': '11', 'content-md5': 'XrY7u+Ae7tCTyyK7j1rNww==' } },
      { number: 1, bytes: PART, headers: { 'content-length': String(PART) } },
    ])
    const [second, first] = await urlsOf(desk, upload, 2, 1)
    await report(desk, upload, await send(second), await send(first, FIRST))
    const { status, body } = await complete(desk, upload)
    expect(status).toBe(200)
    // Storage has no checksum of the whole, and none was declared.
    expect(body.version).toMatchObject({ size: PART + 11, md5: null, sha256: null, verified: 'no' })
    const read = await desk.owner.get(`${desk.study.path}/files/${file.id}/content?delivery=stream`, {
      Range: `bytes=${PART - 2}-`,
    })
    expect([read.status, read.body]).toEqual([206, `aa${HELLO}`])
    expect((await complete(desk, upload)).body).toEqual(body)
  })

  test('and a declared checksum is checked by reading them', async () => {
    const { upload } = await small(desk, { sha256: HELLO_SHA256 })
    const [url] = await urlsOf(desk, upload, 1)
    await report(desk, upload, await send(url))
    expect((await complete(desk, upload)).body.version).toMatchObject({ verified: 'read', md5: HELLO_MD5 })

    const { upload: wrong } = await small(desk, { sha256: HELLO_SHA256 })
    const [first] = await urlsOf(desk, wrong, 1)
    await report(desk, wrong, await send(first, 'HELLO WORLD'))
    expect((await complete(desk, wrong)).body.code).toBe('upload_checksum_mismatch')
    const [fresh] = await urlsOf(desk, wrong, 1)
    await report(desk, wrong, await send(fresh))
    expect((await complete(desk, wrong)).status).toBe(200)
  })

  test('and not as one PUT, nor the other way round', async () => {
    const { upload: multipart } = await small(desk)
    expect((await desk.owner.post(`${desk.at(multipart)}/url`)).body.code).toBe('upload_not_multipart')
    const { upload: single } = await begin(desk.owner, desk.study)
    for (const asked of [
      await desk.owner.post(`${desk.at(single)}/parts`, { parts: [{ number: 1 }] }),
      await desk.owner.put(`${desk.at(single)}/parts`, { parts: [{ number: 1, etag: 'a' }] }),
    ]) {
      expect([asked.status, asked.body.code]).toEqual([409, 'upload_not_multipart'])
    }
    await put(single.url)
    expect((await complete(desk, single)).status).toBe(200)
  })
})

describe('reported parts', () => {
  test('are what a client that kept only the id goes on from', async () => {
    const { id } = (await large(desk)).upload
    const [first] = await urlsOf(desk, { id }, 1)
    const sent = await send(first, FIRST)
    await report(desk, { id }, sent)

    const known = ok(await desk.owner.get(desk.at({ id })))
    expect(known).toMatchObject({ kind: 'multipart', partCount: 2, parts: [{ ...sent, bytes: PART }] })
    const [second] = await urlsOf(desk, { id }, 2)
    await report(desk, { id }, await send(second))
    expect((await complete(desk, { id })).status).toBe(200)
  })

  test('may come in any order, twice, and with the quotes that storage puts around an ETag', async () => {
    const { upload } = await large(desk)
    const [first, second] = await urlsOf(desk, upload, 1, 2)
    const last = await send(second)
    await report(desk, upload, { ...last, etag: `"${last.etag}"` })
    await report(desk, upload, await send(first, new Uint8Array(PART).fill(98)))
    // Sent again, with other bytes: the later one counts.
    const sent = await send(first, FIRST)
    await report(desk, upload, sent)
    const known = await report(desk, upload, sent, last)
    expect(known.parts).toEqual([
      { ...sent, bytes: PART },
      { ...last, bytes: 11 },
    ])
    expect((await complete(desk, upload)).status).toBe(200)
  })

  test('past the last one are refused, and none of their like are kept', async () => {
    const { upload } = await large(desk)
    const presigned = await desk.owner.post(`${desk.at(upload)}/parts`, { parts: [{ number: 2 }, { number: 3 }] })
    expect([presigned.status, presigned.body.errors]).toEqual([
      422,
      [{ pointer: '/parts/1/number', message: 'This upload has 2 parts.' }],
    ])
    const reported = await desk.owner.put(`${desk.at(upload)}/parts`, {
      parts: [3, 1].map((number) => ({ number, etag: 'a' })),
    })
    expect([reported.status, reported.body.errors[0].pointer]).toEqual([422, '/parts/0/number'])
    expect(ok(await desk.owner.get(desk.at(upload))).parts).toEqual([])
  })

  test('are asked for by number where they are missing', async () => {
    const { upload } = await large(desk)
    const [first] = await urlsOf(desk, upload, 1)
    await report(desk, upload, await send(first, FIRST))
    const { status, body } = await complete(desk, upload)
    expect([status, body.code]).toEqual([409, 'upload_parts_missing'])
    expect(body.errors).toEqual([{ pointer: 'parts/2', message: expect.any(String) }])
  })

  test('that storage does not have as reported are rejected, and sent anew to a fresh object', async () => {
    const own = await aDesk()
    const { upload } = await small(own)
    const [url] = await urlsOf(own, upload, 1)
    if (url === undefined) throw new Error('no URL')
    await send(url, 'HELLO WORLD')
    await report(own, upload, { number: 1, etag: HELLO_MD5 })
    const { status, body } = await complete(own, upload)
    expect([status, body.code]).toEqual([409, 'upload_parts_rejected'])

    expect(ok(await own.owner.get(own.at(upload))).parts).toEqual([])
    const [fresh] = await urlsOf(own, upload, 1)
    expect(objectKeyOf(fresh?.url ?? '')).not.toBe(objectKeyOf(url.url))
    await report(own, upload, await send(fresh))
    expect((await complete(own, upload)).status).toBe(200)
    await sweepAt(new Date())
    await expect(sending(url, HELLO)).rejects.toThrow('10024')
  })
})

test('what was begun and reported of an upload goes with it, and nothing of another', async () => {
  const own = await aDesk()
  const [{ upload: gone }, { upload: done }, { file, upload: kept }] = [
    await small(own),
    await small(own),
    await small(own),
  ]
  for (const upload of [gone, kept]) await report(own, upload, { number: 1, etag: HELLO_MD5 })
  const [url] = await urlsOf(own, done, 1)
  await report(own, done, await send(url))
  ok(await own.owner.delete(own.at(gone)))
  expect((await complete(own, done)).status).toBe(200)
  const { results } = await env.DB.prepare('SELECT upload_id AS id FROM upload_parts WHERE study_id = ?')
    .bind(own.study.id)
    .all()
  expect(results).toEqual([{ id: kept.id }])
  expect(ok(await own.owner.get(`${own.study.path}/files?status=pending`)).items).toMatchObject([{ id: file.id }])
})

describe('opening a multipart upload in storage', () => {
  const ask = { parts: [{ number: 1 }] }

  test('is made up for by the next that needs it', async () => {
    const own = await aDesk()
    const upload = await unopened(own)
    const [url] = await urlsOf(own, upload, 1)
    await report(own, upload, await send(url))
    expect((await complete(own, upload)).status).toBe(200)
  })

  test('is no other upload’s, of the same study', async () => {
    const own = await aDesk()
    const upload = await unopened(own)
    const { upload: other } = await small(own)
    await env.DB.prepare('UPDATE uploads SET multipart_id = NULL WHERE study_id = ? AND id = ?')
      .bind(own.study.id, other.id)
      .run()
    await urlsOf(own, upload, 1)
    const opened = (await openUploads(own.study)).map(({ id, multipartId }) => [id, multipartId !== null])
    expect(Object.fromEntries(opened)).toEqual({ [upload.id]: true, [other.id]: false })
  })

  test('is waited for where parts were reported that nobody can have sent', async () => {
    const own = await aDesk()
    const upload = await unopened(own)
    await report(own, upload, { number: 1, etag: HELLO_MD5 })
    const { status, body } = await complete(own, upload)
    expect([status, body.code]).toEqual([409, 'upload_incomplete'])
  })

  test('twice at once leaves one: whoever was second closes their own', async () => {
    const own = await aDesk()
    const upload = await unopened(own)
    const opened: { mine: string; theirs: PartUrl[] } = { mine: '', theirs: [] }
    const BUCKET = overriding(env.BUCKET, {
      createMultipartUpload: async (...of) => {
        const made = await env.BUCKET.createMultipartUpload(...of)
        opened.mine = made.uploadId
        opened.theirs = await urlsOf(own, upload, 1)
        return made
      },
    })
    const { parts } = ok(await within({ BUCKET }, own.owner).post(`${own.at(upload)}/parts`, ask))
    expect(parts.map(multipartIdOf)).toEqual(opened.theirs.map(multipartIdOf))
    expect(parts.map(multipartIdOf)).not.toEqual([opened.mine])
    const [url] = opened.theirs
    const orphan = env.BUCKET.resumeMultipartUpload(objectKeyOf(url?.url ?? ''), opened.mine)
    await expect(orphan.uploadPart(1, HELLO)).rejects.toThrow('10024')
    await report(own, upload, await send(url))
    expect((await complete(own, upload)).status).toBe(200)
  })

  test('leaves nothing open where the upload was abandoned meanwhile', async () => {
    const own = await aDesk()
    const upload = await unopened(own)
    const opened: R2MultipartUpload[] = []
    const BUCKET = overriding(env.BUCKET, {
      createMultipartUpload: async (...of) => {
        opened.push(await env.BUCKET.createMultipartUpload(...of))
        ok(await own.owner.delete(own.at(upload)))
        return opened[0] ?? env.BUCKET.createMultipartUpload(...of)
      },
    })
    const late = await within({ BUCKET }, own.owner).post(`${own.at(upload)}/parts`, ask)
    expect([late.status, late.body.code]).toEqual([409, 'upload_lost'])
    await expect(opened[0]?.uploadPart(1, HELLO)).rejects.toThrow('10024')
  })
})
