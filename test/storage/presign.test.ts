import { create } from 'content-disposition'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createPresigner } from '../../src/storage/presign.ts'

const s3 = {
  endpoint: 'https://account.r2.cloudflarestorage.com',
  bucket: 'carrel',
  accessKeyId: 'AKID',
  secretAccessKey: 'a secret/with+odd=characters',
} as const
const now = new Date('2026-11-03T09:08:07.654Z')
const in15Minutes = new Date('2026-11-03T09:23:07.654Z')
const presigner = createPresigner(s3, undefined)

const anUpload = {
  objectKey: 'study/ver_01',
  now,
  expiresAt: in15Minutes,
  mediaType: 'text/csv; charset=utf-8',
  size: 11,
  md5: '5eb63bbbe01eeed093cb22bb8f5acdc3',
  sha256: 'b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9',
  disposition: 'attachment; filename="steps.csv"',
}
const aPart = {
  objectKey: 'study/ver_01',
  multipartId: 'AB+/c=d',
  partNumber: 7,
  now,
  expiresAt: in15Minutes,
  bytes: 5,
}
const aDownload = {
  objectKey: 'study/ver_01',
  method: 'GET',
  now,
  expiresSeconds: 300,
  disposition: 'attachment; filename="my steps.csv"',
  mediaType: 'text/csv',
} as const

const queryOf = (url: string) => Object.fromEntries(new URL(url).searchParams)

const NAMES = [
  'steps.csv',
  'a  b.txt',
  'été "1".pdf',
  '日本語.csv',
  'שלום עולם.pdf',
  'तस्वीर.png',
  'ملف.txt',
  '🧬.csv',
  '100%+=&.txt',
]

describe('the signature', () => {
  test('is what an independent reading of the specification computes', async () => {
    const segment = fc.stringMatching(/^[A-Za-z0-9._~-]{1,20}$/).filter((text) => text !== '.' && text !== '..')
    const printable = fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)) })
    const value = printable.map((text) => `attachment; x="${text}"`)
    const hex = (bytes: number) => fc.option(fc.stringMatching(new RegExp(`^[0-9a-f]{${bytes * 2}}$`)))
    const instant = fc.date({ min: new Date('2000-01-01'), max: new Date('2099-01-01'), noInvalidDate: true })
    await fc.assert(
      fc.asyncProperty(
        fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/')),
        value,
        hex(16),
        hex(32),
        instant,
        fc.string({ minLength: 1, unit: 'binary' }),
        async (objectKey, disposition, md5, sha256, at, multipartId) => {
          const times = { now: at, expiresAt: new Date(at.getTime() + 60_000) }
          const put = await presigner.upload({ ...anUpload, ...times, objectKey, disposition, md5, sha256 })
          const part = await presigner.part({ ...aPart, ...times, objectKey, multipartId, md5 })
          const get = await presigner.download({ ...aDownload, objectKey, disposition, now: at })
          expect(queryOf(put.url)['X-Amz-Signature']).toBe(await recompute('PUT', put.url, put.headers))
          expect(queryOf(part.url)['X-Amz-Signature']).toBe(await recompute('PUT', part.url, part.headers))
          expect(queryOf(get)['X-Amz-Signature']).toBe(await recompute('GET', get, {}))
          expect(put.url + part.url + get).not.toContain('+')
        },
      ),
      { numRuns: 200 },
    )
  })

  test('is the same for the same input, and another for another time', async () => {
    expect(await presigner.upload(anUpload)).toEqual(await presigner.upload(anUpload))
    const later = await presigner.upload({ ...anUpload, now: new Date(now.getTime() + 1000) })
    expect(later.url).not.toBe((await presigner.upload(anUpload)).url)
  })

  test('stays right when more days have passed than signing keys are kept', async () => {
    const first = await presigner.download(aDownload)
    for (let day = 1; day <= 40; day++) {
      const url = await presigner.download({ ...aDownload, now: new Date(now.getTime() + day * 86_400_000) })
      expect(queryOf(url)['X-Amz-Signature']).toBe(await recompute('GET', url, {}))
    }
    expect(await presigner.download(aDownload)).toBe(first)
  })
})

describe('an upload', () => {
  test('tells the client every header it must send, and signs each of them', async () => {
    const { method, url, headers } = await presigner.upload(anUpload)
    expect(method).toBe('PUT')
    expect(url).toMatch(/^https:\/\/account\.r2\.cloudflarestorage\.com\/carrel\/study\/ver_01\?/)
    expect(headers).toEqual({
      'content-type': 'text/csv; charset=utf-8',
      'content-length': '11',
      'content-disposition': 'attachment; filename="steps.csv"',
      'if-none-match': '*',
      'content-md5': 'XrY7u+Ae7tCTyyK7j1rNww==',
      'x-amz-checksum-sha256': 'uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=',
    })
    expect(signedHeaders(url)).toEqual(['host', ...Object.keys(headers)].toSorted())
  })

  test('without checksums signs the rest', async () => {
    const { url, headers } = await presigner.upload({ ...anUpload, md5: null, sha256: null })
    expect(Object.keys(headers).toSorted()).toEqual([
      'content-disposition',
      'content-length',
      'content-type',
      'if-none-match',
    ])
    expect(signedHeaders(url)).toEqual(['host', ...Object.keys(headers)].toSorted())
  })

  test.each(NAMES)('may have the name %s', async (name) => {
    const { url, headers } = await presigner.upload({ ...anUpload, disposition: create(name) })
    expect(headers['content-disposition']).toMatch(/^attachment; [\x20-\x7e]+$/)
    expect(queryOf(url)['X-Amz-Signature']).toBe(await recompute('PUT', url, headers))
    // What a client's own Headers make of it is what was signed.
    expect(new Headers(headers).get('content-disposition')).toBe(headers['content-disposition'])
  })

  test.each(['été', '日本', 'a\r\nx-amz-acl: public-read', 'a\tb', ''])(
    'is not signed with the raw header value %j',
    async (odd) => {
      await expect(presigner.upload({ ...anUpload, disposition: odd })).rejects.toThrow('printable ASCII')
      await expect(presigner.upload({ ...anUpload, mediaType: odd })).rejects.toThrow('printable ASCII')
    },
  )

  test.each(['', 'a b', 'a+b', 'a%2Fb', 'é', 'a?b', 'a#b', '../other/x', 'a/./b', 'a/..', 'a\nb'])(
    'is not signed for the object key %j',
    async (objectKey) => {
      await expect(presigner.upload({ ...anUpload, objectKey })).rejects.toThrow('cannot be signed')
    },
  )

  test.each([
    ['15 minutes', 900_000, '900'],
    ['a part of a second', 900, '1'],
    ['less than a whole number of seconds', 61_200, '61'],
    ['nothing', 0, '1'],
    ['a time that has passed', -5000, '1'],
    ['seven days', 604_800_000, '604800'],
    ['more than seven days', 700_000_000, '604800'],
  ])('that has %s left says so in whole seconds', async (_, milliseconds, expected) => {
    const { url } = await presigner.upload({ ...anUpload, expiresAt: new Date(now.getTime() + milliseconds) })
    expect(queryOf(url)).toMatchObject({ 'X-Amz-Date': '20261103T090807Z', 'X-Amz-Expires': expected })
  })
})

test('a part is bound to its number, its upload, its length and its MD5', async () => {
  const { method, url, headers } = await presigner.part({ ...aPart, md5: anUpload.md5 })
  expect(method).toBe('PUT')
  expect(headers).toEqual({ 'content-length': '5', 'content-md5': 'XrY7u+Ae7tCTyyK7j1rNww==' })
  expect(signedHeaders(url)).toEqual(['content-length', 'content-md5', 'host'])
  expect(queryOf(url)).toMatchObject({ partNumber: '7', uploadId: 'AB+/c=d', 'X-Amz-Expires': '900' })
  expect((await presigner.part({ ...aPart, md5: null })).headers).toEqual({ 'content-length': '5' })
})

test('a download answers with its name and media type, and HEAD is signed apart from GET', async () => {
  const get = await presigner.download(aDownload)
  expect(queryOf(get)).toMatchObject({
    'response-content-disposition': 'attachment; filename="my steps.csv"',
    'response-content-type': 'text/csv',
    'X-Amz-Expires': '300',
    'X-Amz-SignedHeaders': 'host',
  })
  const head = await presigner.download({ ...aDownload, method: 'HEAD' })
  expect(queryOf(head)['X-Amz-Signature']).toBe(await recompute('HEAD', head, {}))
  expect(head).not.toBe(get)
})

describe('the local endpoint', () => {
  const local = { ...s3, endpoint: 'local' } as const

  test.each(['http://localhost:8787', 'http://127.0.0.1:8787', 'http://[::1]:8787', 'https://localhost'])(
    'is there on %s',
    async (origin) => {
      const url = await createPresigner(local, origin).download(aDownload)
      expect(url.startsWith(`${origin}/cdn-cgi/local/r2/s3/carrel/study/ver_01?`)).toBe(true)
    },
  )

  test.each([undefined, 'https://carrel.example', 'https://localhost.evil.example', 'http://10.0.0.1', 'null'])(
    'is refused on %s, but only once a URL is asked for',
    async (origin) => {
      const refused = createPresigner(local, origin)
      await expect(refused.upload(anUpload)).rejects.toMatchObject({ code: 'misconfigured' })
      await expect(refused.part({ ...aPart, md5: null })).rejects.toMatchObject({ code: 'misconfigured' })
      await expect(refused.download(aDownload)).rejects.toMatchObject({ code: 'misconfigured' })
    },
  )
})

const signedHeaders = (url: string) => queryOf(url)['X-Amz-SignedHeaders']?.split(';')

/** SigV4 as AWS describes it, from the finished URL, sharing no code with what made it. */
async function recompute(method: string, url: string, headers: Readonly<Record<string, string>>) {
  const bytes = (text: string) => new TextEncoder().encode(text)
  const hex = (buffer: ArrayBuffer) => [...new Uint8Array(buffer)].map((b) => b.toString(16).padStart(2, '0')).join('')
  const hmac = async (key: BufferSource, text: string) => {
    const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
    return crypto.subtle.sign('HMAC', imported, bytes(text))
  }
  const encode = (text: string) =>
    [...bytes(text)]
      .map((b) => String.fromCharCode(b))
      .map((c) => (/[A-Za-z0-9_.~-]/.test(c) ? c : `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`))
      .join('')
  const { host, pathname, search } = new URL(url)
  const query = search
    .slice(1)
    .split('&')
    .map((pair) =>
      pair
        .split('=')
        .map((text) => encode(decodeURIComponent(text)))
        .join('='),
    )
    .filter((pair) => !pair.startsWith('X-Amz-Signature='))
    .toSorted()
  const {
    'X-Amz-Date': date = '',
    'X-Amz-SignedHeaders': signed = '',
    'X-Amz-Credential': credential = '',
  } = queryOf(url)
  const [, day = '', region = '', service = ''] = credential.split('/')
  const sent: Record<string, string> = { ...headers, host }
  const lines = signed.split(';').map((name) => `${name}:${(sent[name] ?? '').trim().replace(/ +/g, ' ')}\n`)
  const request = [method, pathname, query.join('&'), lines.join(''), signed, 'UNSIGNED-PAYLOAD'].join('\n')
  const hashed = hex(await crypto.subtle.digest('SHA-256', bytes(request)))
  let key = await hmac(bytes(`AWS4${s3.secretAccessKey}`), day)
  for (const step of [region, service, 'aws4_request']) key = await hmac(key, step)
  const scope = `${day}/${region}/${service}/aws4_request`
  return hex(await hmac(key, ['AWS4-HMAC-SHA256', date, scope, hashed].join('\n')))
}
