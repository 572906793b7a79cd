// What an upload URL allows, and that it allows nothing else: real requests at the bucket's own S3 endpoint, which
// checks signatures. What a signature covers is also read from `X-Amz-SignedHeaders`, since real storage and the local
// endpoint differ in what they notice of headers that nobody signed.

import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Caller } from '../support/callers.ts'
import { createPresigner } from '../../src/storage/presign.ts'
import { HELLO, HELLO_MD5, ok, type SingleUpload } from '../support/builders.ts'
import { SECRETS } from '../support/secrets.ts'
import { mustSend, send, sharedCarrel } from './support/carrel.ts'

const carrel = await sharedCarrel()

const HOUR_MS = 3_600_000

/** An open upload of `HELLO`, MD5 declared. */
async function anUpload(file: object = {}) {
  const study = await carrel.aStudy()
  const participant = await carrel.aParticipant(study)
  const begun = await carrel.begin(participant, study, { md5: HELLO_MD5, ...file })
  const upload: SingleUpload = begun.upload
  return { study, participant, file: begun.file, upload, path: `${study.path}/uploads/${upload.id}` }
}

/** Nothing has become visible, and the right bytes still go in. */
async function expectNothingArrived({ participant, study, upload, path }: Awaited<ReturnType<typeof anUpload>>) {
  expect((await participant.post(`${path}/complete`)).body.code).toBe('upload_incomplete')
  expect((await participant.get(`${study.path}/files`)).body.items).toEqual([])
  await mustSend(upload)
  expect(ok(await participant.post(`${path}/complete`)).version).toMatchObject({ size: HELLO.length, md5: HELLO_MD5 })
}

const without = (headers: Record<string, string>, name: string) =>
  Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name))

const withQuery = (url: string, name: string, value: string) => {
  const changed = new URL(url)
  changed.searchParams.set(name, value)
  return changed.href
}

type Sent = { url: string; headers: Record<string, string>; bytes?: string }
/** What storage is sent in place of the right request, and how it says no. */
const WRONG: [name: string, change: (upload: SingleUpload) => Sent, status: number, code: string][] = [
  [
    'a tampered signature',
    ({ url, headers }) => ({ url: withQuery(url, 'X-Amz-Signature', '0'.repeat(64)), headers }),
    403,
    'SignatureDoesNotMatch',
  ],
  [
    'a longer life than was signed',
    ({ url, headers }) => ({ url: withQuery(url, 'X-Amz-Expires', '604800'), headers }),
    403,
    'SignatureDoesNotMatch',
  ],
  [
    'another object',
    ({ url, headers }) => ({ url: url.replace(/ver_\w{26}/, 'ver_0123456789abcdefghjkmnpqrs'), headers }),
    403,
    'SignatureDoesNotMatch',
  ],
  [
    'another media type',
    ({ url, headers }) => ({ url, headers: { ...headers, 'content-type': 'text/html' } }),
    403,
    'SignatureDoesNotMatch',
  ],
  [
    'another name',
    ({ url, headers }) => ({ url, headers: { ...headers, 'content-disposition': 'inline; filename=x.html' } }),
    403,
    'SignatureDoesNotMatch',
  ],
  [
    'more bytes',
    ({ url, headers }) => ({ url, headers: without(headers, 'content-length'), bytes: `${HELLO}!` }),
    403,
    'SignatureDoesNotMatch',
  ],
  [
    'fewer bytes',
    ({ url, headers }) => ({ url, headers: without(headers, 'content-length'), bytes: 'hello' }),
    403,
    'SignatureDoesNotMatch',
  ],
  ['other bytes', ({ url, headers }) => ({ url, headers, bytes: 'hellO world' }), 400, 'BadDigest'],
  [
    'another MD5, that of the bytes sent',
    ({ url, headers }) => ({
      url,
      headers: { ...headers, 'content-md5': md5('hellO world', 'base64') },
      bytes: 'hellO world',
    }),
    403,
    'SignatureDoesNotMatch',
  ],
  ['no MD5', ({ url, headers }) => ({ url, headers: without(headers, 'content-md5') }), 403, 'SignatureDoesNotMatch'],
  [
    'no If-None-Match',
    ({ url, headers }) => ({ url, headers: without(headers, 'if-none-match') }),
    403,
    'SignatureDoesNotMatch',
  ],
]

describe('an upload URL', () => {
  test('covers every header that it came with', async () => {
    const { upload } = await anUpload({ sha256: 'b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9' })
    const signed = new URL(upload.url).searchParams.get('X-Amz-SignedHeaders')?.split(';')
    expect(signed?.toSorted()).toEqual(['host', ...Object.keys(upload.headers)].toSorted())
    expect(upload.headers).toEqual({
      'content-type': 'text/plain',
      'content-length': '11',
      'content-disposition': 'inline; filename=hello.txt',
      'content-md5': 'XrY7u+Ae7tCTyyK7j1rNww==',
      'if-none-match': '*',
      'x-amz-checksum-sha256': 'uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=',
    })
  })

  test.each(WRONG)('does not take %s', async (_, change, status, code) => {
    const begun = await anUpload()
    const { url, headers, bytes = HELLO } = change(begun.upload)
    const refused = await send({ url, headers }, bytes)
    expect([refused.status, codeIn(await refused.text())]).toEqual([status, code])
    await expectNothingArrived(begun)
  })

  test('takes one PUT, and says of a second that the first has landed', async () => {
    const { upload, participant, path, study } = await anUpload({ md5: null })
    await mustSend(upload)
    const again = await send(upload, 'hellO world')
    expect([again.status, codeIn(await again.text())]).toEqual([412, 'PreconditionFailed'])
    const { id } = ok(await participant.post(`${path}/complete`))
    // Nor does it change anything once the file is there.
    expect((await send(upload, 'hellO world')).status).toBe(412)
    expect((await participant.get(`${study.path}/files/${id}/content?delivery=stream`)).body).toBe(HELLO)
  })

  test('takes no other method', async () => {
    const begun = await anUpload()
    for (const method of ['GET', 'HEAD', 'DELETE', 'POST']) {
      expect((await fetch(begun.upload.url, { method })).status, method).toBe(403)
    }
    await expectNothingArrived(begun)
  })

  // Real S3 refuses an `x-amz-` header that nobody signed; the local endpoint takes it for what it says, and of R2 it is
  // not known. So an upload URL may turn into a copy, by Carrel's own rights, of any object whose key somebody knows.
  test('gives nobody the bytes of a file of which they know every id', async () => {
    const { study, upload, participant, path } = await anUpload({ md5: null })
    const other = await carrel.aParticipant(study)
    const { version } = await carrel.aFile(other, study, {}, 'top secret!')
    for (const key of [version.id, `${version.id}.1`, `${version.id}.2`]) {
      const copied = await send({
        url: upload.url,
        headers: { ...upload.headers, 'x-amz-copy-source': `/carrel/${study.id}/${key}` },
      })
      expect([copied.status, codeIn(await copied.text())]).toEqual([404, 'NoSuchKey'])
    }
    expect((await participant.post(`${path}/complete`)).body.code).toBe('upload_incomplete')
  })

  test('ends at its time', async () => {
    const begun = await anUpload()
    const { url, headers } = begun.upload
    const now = new Date()
    const early = await presignHello(url, new Date(now.getTime() - 2 * HOUR_MS))
    expect(early.headers).toEqual(headers)
    const refused = await send(early)
    expect([refused.status, codeIn(await refused.text())]).toEqual([403, 'ExpiredRequest'])
    // Signed the same way now, it is the very URL's equal: the time was all that was wrong.
    expect((await send(await presignHello(url, now))).status).toBe(200)
    expect(ok(await begun.participant.post(`${begun.path}/complete`)).version.md5).toBe(HELLO_MD5)
  })

  test('without a declared MD5 takes other bytes of that length, which completing with a SHA-256 refuses', async () => {
    const sha256 = createHash('sha256').update(HELLO).digest('hex')
    const { upload, participant, path, study } = await anUpload({ md5: null, sha256 })
    await mustSend(upload, 'hellO world')
    const refused = await participant.post(`${path}/complete`)
    expect([refused.status, refused.body.code]).toEqual([409, 'upload_checksum_mismatch'])
    expect((await participant.get(`${study.path}/files`)).body.items).toEqual([])
    const fresh: SingleUpload = ok(await participant.post(`${path}/url`))
    expect(new URL(fresh.url).pathname).not.toBe(new URL(upload.url).pathname)
    await mustSend(fresh)
    expect(ok(await participant.post(`${path}/complete`)).version).toMatchObject({ sha256, verified: 'read' })
  })
})

describe('a download URL', () => {
  /** For GET, or for HEAD. */
  const locationOf = async (participant: Caller, content: string, method: 'get' | 'head') =>
    (await participant[method](content)).headers.get('Location') ?? ''

  test('is good for its own method and no other', async () => {
    const study = await carrel.aStudy()
    const participant = await carrel.aParticipant(study)
    const { id } = await carrel.aFile(participant, study)
    const content = `${study.path}/files/${id}/content`
    const forGet = await locationOf(participant, content, 'get')
    const forHead = await locationOf(participant, content, 'head')

    expect((await fetch(forGet, { method: 'HEAD' })).status).toBe(403)
    expect((await fetch(forGet, { method: 'PUT', body: 'hellO world' })).status).toBe(403)
    expect((await fetch(forGet, { method: 'DELETE' })).status).toBe(403)
    expect((await fetch(forHead)).status).toBe(403)
    const head = await fetch(forHead, { method: 'HEAD' })
    expect([head.status, head.headers.get('Content-Length')]).toEqual([200, '11'])
    // As often as asked, until it expires.
    for (const _ of [1, 2]) expect(await (await fetch(forGet)).text()).toBe(HELLO)
  })

  test('leads to one object only', async () => {
    const study = await carrel.aStudy()
    const [one, other] = [await carrel.aParticipant(study), await carrel.aParticipant(study)]
    const mine = await carrel.aFile(one, study)
    const theirs = await carrel.aFile(other, study)
    const location = await locationOf(one, `${study.path}/files/${mine.id}/content`, 'get')
    const moved = location.replace(mine.version.id, theirs.version.id)
    expect(moved).not.toBe(location)
    expect((await fetch(moved)).status).toBe(403)
  })
})

/** The URL for `HELLO` that Carrel would have made at this time. */
const presignHello = async (url: string, now: Date) =>
  createPresigner(
    {
      endpoint: `${carrel.origin}/cdn-cgi/local/r2/s3`,
      bucket: 'carrel',
      accessKeyId: SECRETS.S3_ACCESS_KEY_ID,
      secretAccessKey: SECRETS.S3_SECRET_ACCESS_KEY,
    },
    undefined,
  ).upload({
    objectKey: new URL(url).pathname.split('/').slice(6).join('/'),
    now,
    expiresAt: new Date(now.getTime() + HOUR_MS),
    mediaType: 'text/plain',
    size: HELLO.length,
    md5: HELLO_MD5,
    sha256: null,
    disposition: 'inline; filename=hello.txt',
  })

const codeIn = (xml: string) => /<Code>(\w+)<\/Code>/.exec(xml)?.[1]
const md5 = (text: string, encoding: 'base64' | 'hex') => createHash('md5').update(text).digest(encoding)
