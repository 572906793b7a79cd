import { Sha256 } from '@aws-crypto/sha256-js'
import { SignatureV4 } from '@smithy/signature-v4'
import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { afterEach, expect, test, vi } from 'vitest'
import { createPresigner } from '../../src/storage/presign.ts'
import { createSigner } from '../../src/storage/signature.ts'

const s3 = {
  endpoint: 'https://account.r2.cloudflarestorage.com',
  bucket: 'carrel',
  accessKeyId: 'AKID',
  secretAccessKey: 'a secret/with+odd=characters',
} as const

afterEach(() => {
  vi.restoreAllMocks()
})

// Amazon S3 API Reference, "Authenticating Requests: Using Query Parameters", the example of a presigned GET.
test("the signature is that of Amazon's own example", async () => {
  const sign = createSigner({
    region: 'us-east-1',
    accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
  })
  const url = await sign({
    method: 'GET',
    url: {
      origin: 'https://examplebucket.s3.amazonaws.com',
      host: 'examplebucket.s3.amazonaws.com',
      pathname: '/test.txt',
    },
    query: {},
    headers: {},
    now: new Date('2013-05-24T00:00:00Z'),
    expiresSeconds: 86_400,
  })
  expect(url).toMatch(/^https:\/\/examplebucket\.s3\.amazonaws\.com\/test\.txt\?/)
  expect(queryOf(url)).toEqual({
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': 'AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request',
    'X-Amz-Date': '20130524T000000Z',
    'X-Amz-Expires': '86400',
    'X-Amz-SignedHeaders': 'host',
    'X-Amz-Signature': 'aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
  })
})

const segment = fc.stringMatching(/^[A-Za-z0-9._~-]{1,20}$/).filter((text) => text !== '.' && text !== '..')
const printable = fc.string({
  minLength: 1,
  unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)),
})
const hex = (bytes: number) => fc.option(fc.stringMatching(new RegExp(`^[0-9a-f]{${bytes * 2}}$`)))
const anything = fc.string({ unit: 'binary' })
const token = fc.stringMatching(/^[a-z0-9!#$&'*+.^_`|~-]{1,16}$/)
/** What the SDK has a meaning of its own for, or loses on the way since it keeps names as an object's properties. */
const SDK_HEADERS = new Set(['host', 'x-amz-content-sha256', 'x-amz-date', 'date', 'authorization', '__proto__'])
const SDK_QUERY = /^(?:x-amz-|response-content-|__proto__$)/i
/** Of every kind that is signed: one PUT, one that says nothing, a part, and one to read. */
const asked = fc.record({
  objectKey: fc.array(segment, { minLength: 1, maxLength: 4 }).map((segments) => segments.join('/')),
  mediaType: printable,
  disposition: printable,
  size: fc.nat(),
  md5: hex(16),
  sha256: hex(32),
  headers: fc.dictionary(
    token.filter((name) => !SDK_HEADERS.has(name)),
    printable,
    { maxKeys: 5 },
  ),
  query: fc.dictionary(
    fc.string({ minLength: 1, unit: 'binary' }).filter((name) => !SDK_QUERY.test(name)),
    anything,
    { maxKeys: 5 },
  ),
  multipartId: anything,
  partNumber: fc.integer({ min: 1, max: 10_000 }),
  method: fc.constantFrom('GET', 'HEAD'),
  now: fc.date({ min: new Date('2000-01-01'), max: new Date('2099-01-01'), noInvalidDate: true }),
  expiresSeconds: fc.integer({ min: 1, max: 604_800 }),
})

test("of odd requests is the AWS SDK's, with just these headers and this query", async () => {
  const presigner = createPresigner(s3, undefined)
  let compared = 0
  const compare = async (asking: { method: string; url: string; headers: Record<string, string>; now: Date }) => {
    expect(queryOf(asking.url)).toEqual(await bySdk(asking))
    // A space is never written as a plus, which some servers take for one.
    expect(asking.url).toMatch(/^[A-Za-z0-9:/?&=%._~-]+$/)
    compared += 1
  }
  await fc.assert(
    fc.asyncProperty(asked, async ({ method, headers, query, now, expiresSeconds, ...rest }) => {
      const times = { now, expiresAt: new Date(now.getTime() + expiresSeconds * 1000) }
      const upload = await presigner.upload({ ...rest, ...times })
      const loose = await presigner.looseUpload({ ...rest, ...times, headers })
      const part = await presigner.part({ ...rest, ...times, bytes: rest.size })
      const download = await presigner.download({ ...rest, method, query, now, expiresSeconds })
      for (const put of [upload, loose, part]) await compare({ ...put, headers: { ...put.headers }, now })
      await compare({ method, url: download, headers: {}, now })
    }),
    { numRuns: env.SLOW ? 2_500 : 100, ...(env.SLOW ? {} : { seed: 1 }) },
  )
  expect(compared).toBe(env.SLOW ? 10_000 : 400)
})

test('a hundred parts at once take a digest and an HMAC each, and the key of the day is made once', async () => {
  const counts = { digest: 0, sign: 0, importKey: 0 }
  for (const name of ['digest', 'sign', 'importKey'] as const) {
    const real: (...given: never[]) => Promise<unknown> = crypto.subtle[name].bind(crypto.subtle)
    vi.spyOn(crypto.subtle, name).mockImplementation((async (...given: never[]) => {
      counts[name] += 1
      return real(...given)
    }) as never) // one of them answers with a key, the others with bytes
  }
  const hundredParts = async (now: Date, secretAccessKey = 'of this test only') => {
    Object.assign(counts, { digest: 0, sign: 0, importKey: 0 })
    const presigner = createPresigner({ ...s3, secretAccessKey }, undefined)
    const part = { objectKey: 'study/ver_01', multipartId: 'a', now, expiresAt: now, bytes: 5, md5: null }
    const parts = Array.from({ length: 100 }, async (_, i) => presigner.part({ ...part, partNumber: i + 1 }))
    expect(new Set((await Promise.all(parts)).map(({ url }) => url)).size).toBe(100)
    return { ...counts }
  }
  const theDaysKey = { sign: 4, importKey: 5 }
  const now = new Date('2026-11-03T09:08:07Z')
  expect(await hundredParts(now)).toEqual({ digest: 100, sign: 100 + theDaysKey.sign, importKey: theDaysKey.importKey })
  // The next request of that day, in the same isolate.
  expect(await hundredParts(new Date(now.getTime() + 1000))).toEqual({ digest: 100, sign: 100, importKey: 0 })
  // Of more than a few none is kept: an isolate may live for days.
  for (let i = 0; i < 16; i += 1) await hundredParts(now, `another ${i}`)
  expect(await hundredParts(now)).toMatchObject({ importKey: theDaysKey.importKey })
})

const queryOf = (url: string) => Object.fromEntries(new URL(url).searchParams)

const sdk = new SignatureV4({
  service: 's3',
  region: 'auto',
  credentials: s3,
  sha256: Sha256,
  uriEscapePath: false,
  applyChecksum: false,
})

/** What the SDK makes the query of such a URL, signature and all. */
async function bySdk({
  method,
  url,
  headers,
  now,
}: {
  method: string
  url: string
  headers: Record<string, string>
  now: Date
}) {
  const { protocol, hostname, host, pathname } = new URL(url)
  const { 'X-Amz-Expires': expires, ...query } = queryOf(url)
  for (const name of ['Algorithm', 'Credential', 'Date', 'SignedHeaders', 'Signature']) delete query[`X-Amz-${name}`]
  // This header tells the SDK that the body is not signed; it is itself neither signed nor sent.
  const unsigned = { 'x-amz-content-sha256': 'UNSIGNED-PAYLOAD' }
  const signed = { host, ...headers }
  const presigned = await sdk.presign(
    { method, protocol, hostname, path: pathname, query, headers: { ...signed, ...unsigned } },
    {
      signingDate: now,
      expiresIn: Number(expires),
      signableHeaders: new Set(Object.keys(signed)),
      unsignableHeaders: new Set(Object.keys(unsigned)),
      unhoistableHeaders: new Set(Object.keys({ ...signed, ...unsigned })),
    },
  )
  return presigned.query
}
