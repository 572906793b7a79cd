// A large file over a bad link: parts come twice, out of order and damaged, and it arrives as it was sent.

import { createHash } from 'node:crypto'
import { beforeAll, describe, expect, test } from 'vitest'
import { HELLO, HELLO_MD5, ok, type Participant, type Study } from '../support/builders.ts'
import { mustSend, send, sharedCarrel } from './support/carrel.ts'
import { bytesOf, hashOf, MIB } from '../support/bytes.ts'
import { partUrls, sendPart, SLOW } from './support/parts.ts'

const carrel = await sharedCarrel()

const PART_BYTES = 8 * MIB
/** 100 MiB are no multiple of 8: the last part is a shorter one. */
const SIZE = SLOW ? 100 * MIB : 24 * MIB - 5
const COUNT = Math.ceil(SIZE / PART_BYTES)
const whole = bytesOf(1, SIZE)
const sha256 = hashOf('sha256', whole)
const bytesOfPart = (number: number) => whole.subarray((number - 1) * PART_BYTES, number * PART_BYTES)

let study: Study
let participant: Participant
beforeAll(async () => {
  study = await carrel.aStudy()
  participant = await carrel.aParticipant(study)
})

async function anUpload(declared: object = {}) {
  const { file, upload } = await carrel.begin(participant, study, {
    name: 'scan.bin',
    mediaType: 'application/octet-stream',
    size: SIZE,
    upload: 'multipart',
    ...declared,
  })
  expect(upload).toMatchObject({ kind: 'multipart', partBytes: PART_BYTES, parts: [] })
  return { id: file.id, path: `${study.path}/uploads/${upload.id}` }
}

const flipped = (bytes: Uint8Array) => {
  const copy = bytes.slice()
  copy[copy.length >> 1] = (copy[copy.length >> 1] ?? 0) ^ 1
  return copy
}

async function downloaded(id: string) {
  const { headers } = await participant.get(`${study.path}/files/${id}/content`)
  const response = await fetch(headers.get('Location') ?? '')
  const digest = createHash('sha256')
  let size = 0
  for await (const chunk of response.body ?? []) {
    digest.update(chunk)
    size += chunk.length
  }
  return { size, sha256: digest.digest('hex') }
}

test(`${SIZE} bytes in parts, some sent twice, some out of order, one damaged, arrive intact`, async () => {
  const { id, path } = await anUpload({ sha256 })
  for (let number = COUNT; number >= 1; number -= 1) {
    const bytes = bytesOfPart(number)
    if (number === 2) {
      const [url] = await partUrls(participant, path, [{ number, md5: hashOf('md5', bytes) }])
      if (url === undefined) throw new Error('no URL for the part')
      const refused = await send(url, flipped(bytes))
      expect([refused.status, /<Code>(\w+)</.exec(await refused.text())?.[1]]).toEqual([400, 'BadDigest'])
    }
    await sendPart(participant, path, { number, bytes })
    if (number % 2 === 1) await sendPart(participant, path, { number, bytes })
  }
  const known = ok(await participant.get(path)).parts
  expect(known.map((part: { number: number }) => part.number)).toEqual(Array.from({ length: COUNT }, (_, n) => n + 1))

  const { version } = ok(await participant.post(`${path}/complete`))
  // Only what is small enough is read to check the SHA-256 that was declared; the other is kept as the client said it.
  expect(version).toMatchObject({ size: SIZE, sha256, verified: SIZE > 64 * MIB ? 'no' : 'read' })
  expect(await downloaded(id)).toEqual({ size: SIZE, sha256 })
})

describe('a part that was damaged on the way and not bound to its MD5', () => {
  test('is refused when the whole is completed, and sent anew it is right', async () => {
    const size = PART_BYTES + 7
    const bytes = whole.subarray(0, size)
    const { file, upload } = await carrel.begin(participant, study, {
      size,
      sha256: hashOf('sha256', bytes),
      upload: 'multipart',
    })
    const path = `${study.path}/uploads/${upload.id}`
    const [first, last] = await partUrls(participant, path, [{ number: 1 }, { number: 2 }])
    if (first === undefined || last === undefined) throw new Error('no URLs for the parts')
    const etags = [
      await mustSend(first, flipped(bytes.subarray(0, PART_BYTES))),
      await mustSend(last, bytes.subarray(PART_BYTES)),
    ]
    const parts = etags.map((etag, index) => ({ number: index + 1, etag }))
    ok(await participant.put(`${path}/parts`, { parts }))
    expect((await participant.post(`${path}/complete`)).body.code).toBe('upload_checksum_mismatch')
    expect((await participant.get(`${study.path}/files/${file.id}`)).body.version).toBeNull()

    // Nothing of the first attempt is left.
    expect(ok(await participant.get(path)).parts).toEqual([])
    for (const number of [1, 2]) {
      await sendPart(participant, path, {
        number,
        bytes: bytes.subarray((number - 1) * PART_BYTES, number * PART_BYTES),
      })
    }
    expect(ok(await participant.post(`${path}/complete`)).version.verified).toBe('read')
    expect(await downloaded(file.id)).toEqual({ size, sha256: hashOf('sha256', bytes) })
  })
})

describe('a part URL', () => {
  test('covers the length and the MD5, the part and the upload', async () => {
    const [mine, other] = await Promise.all([1, 2].map(async () => anUpload({ size: PART_BYTES + 11 })))
    if (mine === undefined || other === undefined) throw new Error('an upload is missing')
    const last = async (md5?: string) => {
      const [url] = await partUrls(participant, mine.path, [{ number: 2, ...(md5 === undefined ? {} : { md5 }) }])
      if (url === undefined) throw new Error('no URL for the part')
      return url
    }
    const [bound, unbound] = [await last(HELLO_MD5), await last()]
    expect([bound, unbound].map(({ url }) => new URL(url).searchParams.get('X-Amz-SignedHeaders'))).toEqual([
      'content-length;content-md5;host',
      'content-length;host',
    ])

    const [elsewhere] = await partUrls(participant, other.path, [{ number: 2 }])
    const changed = (name: string, value: string) => {
      const url = new URL(bound.url)
      url.searchParams.set(name, value)
      return url.href
    }
    const { headers } = bound
    const otherUpload = new URL(elsewhere?.url ?? '').searchParams.get('uploadId') ?? ''
    const refusals = [
      await send({ url: changed('partNumber', '1'), headers }, HELLO),
      await send({ url: changed('uploadId', otherUpload), headers }, HELLO),
      await send({ url: bound.url, headers: {} }, HELLO),
      await send({ url: bound.url, headers: unbound.headers }, HELLO),
      await send({ url: unbound.url, headers: {} }, `${HELLO}!`),
      await send({ url: unbound.url, headers: {} }, 'hello'),
    ]
    expect(refusals.map(({ status }) => status)).toEqual(refusals.map(() => 403))
    const damaged = await send(bound, 'hellO world')
    expect([damaged.status, await damaged.text()]).toEqual([400, expect.stringContaining('<Code>BadDigest</Code>')])
    expect((await participant.post(`${mine.path}/complete`)).body.code).toBe('upload_parts_missing')
    // The length alone is what an unbound one asks for.
    await mustSend({ url: unbound.url, headers: {} })
    await mustSend(bound)
  })

  test('is good for nothing once the upload was given up', async () => {
    const { id, path } = await anUpload({ size: 11 })
    const [url] = await partUrls(participant, path, [{ number: 1 }])
    if (url === undefined) throw new Error('no URL for the part')
    ok(await participant.delete(path))
    await carrel.sweep()
    expect((await send(url)).status).toBe(404)
    expect((await participant.get(`${study.path}/files/${id}`)).status).toBe(404)
  })
})
