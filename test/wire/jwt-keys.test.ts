import { base64url, exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { CryptoKey, JWK } from 'jose'
import { afterEach, beforeAll, expect, test, vi } from 'vitest'
import { createJwtVerifier } from '../../src/wire/jwt.ts'
import type { JwtIssuer } from '../../src/settings.ts'

const now = new Date('2026-11-03T09:00:00Z')
const after = (seconds: number) => new Date(now.getTime() + seconds * 1000)

const provider: JwtIssuer = {
  issuer: 'https://id.example/',
  audience: 'carrel',
  keys: { kind: 'jwks', url: 'https://id.example/jwks', algorithms: ['RS256'] },
}
const secret = new Uint8Array(32).fill(7)
const shared: JwtIssuer = {
  issuer: 'https://shared.example/',
  audience: 'carrel',
  keys: { kind: 'secret', algorithm: 'HS256', secret: base64url.encode(secret) },
}

/** Public keys as the provider serves them, and a day's tokens signed with the private ones. */
let oldJwk: JWK
let newJwk: JWK
let oldToken: string
let newToken: string
let unknownToken: string
let sharedToken: string

const sign = (key: CryptoKey | Uint8Array, kid: string | undefined, { issuer, audience, keys }: JwtIssuer) =>
  new SignJWT({ iss: issuer, aud: audience, sub: 'user|1', exp: after(86_400).getTime() / 1000 })
    .setProtectedHeader({ alg: keys.kind === 'secret' ? 'HS256' : 'RS256', ...(kid && { kid }) })
    .sign(key)

beforeAll(async () => {
  const [older, newer] = await Promise.all([generateKeyPair('RS256'), generateKeyPair('RS256')])
  oldJwk = { ...(await exportJWK(older.publicKey)), kid: 'old' }
  newJwk = { ...(await exportJWK(newer.publicKey)), kid: 'new' }
  oldToken = await sign(older.privateKey, 'old', provider)
  newToken = await sign(newer.privateKey, 'new', provider)
  unknownToken = await sign(older.privateKey, 'nobody', provider)
  sharedToken = await sign(secret, undefined, shared)
})
afterEach(() => vi.useRealTimers())

/** A provider that answers as `answer` says, and counts how often it is asked. */
const aProvider = (answer: () => Promise<Response>) =>
  vi.fn<(url: string, init: RequestInit) => Promise<Response>>(answer)
const serving =
  (...keys: JWK[]) =>
  async () =>
    Response.json({ keys })

test('keys are fetched again for an unknown key id, but not within 30 seconds', async () => {
  const fetchJwks = aProvider(serving(oldJwk))
  const verify = createJwtVerifier([provider], fetchJwks)
  expect(await verify(oldToken, now)).toBeDefined()
  fetchJwks.mockImplementation(serving(oldJwk, newJwk))
  expect(await verify(newToken, after(29))).toBeUndefined()
  expect(fetchJwks).toHaveBeenCalledTimes(1)
  expect(await verify(newToken, after(30))).toBeDefined()
  expect(fetchJwks).toHaveBeenCalledTimes(2)
  expect(await verify(unknownToken, after(31))).toBeUndefined()
  expect(await verify(unknownToken, after(59))).toBeUndefined()
  expect(fetchJwks).toHaveBeenCalledTimes(2)
  expect(await verify(unknownToken, after(61))).toBeUndefined()
  expect(await verify(unknownToken, after(62))).toBeUndefined()
  expect(fetchJwks).toHaveBeenCalledTimes(3)
})

test('keys are fetched again after an hour, and one that is gone from them no longer counts', async () => {
  const fetchJwks = aProvider(serving(oldJwk))
  const verify = createJwtVerifier([provider], fetchJwks)
  expect(await verify(oldToken, now)).toBeDefined()
  fetchJwks.mockImplementation(serving(newJwk))
  expect(await verify(oldToken, after(3599))).toBeDefined()
  expect(fetchJwks).toHaveBeenCalledTimes(1)
  expect(await verify(oldToken, after(3600))).toBeUndefined()
  expect(fetchJwks).toHaveBeenCalledTimes(2)
  expect(await verify(newToken, after(3601))).toBeDefined()
  expect(fetchJwks).toHaveBeenCalledTimes(2)
})

const tooLarge = () => ({ keys: [{ ...oldJwk, pad: 'x'.repeat(256 * 1024) }] })
const failures: [string, () => Promise<Response>][] = [
  [
    'is down',
    async () => {
      throw new TypeError('Network connection lost.')
    },
  ],
  ['fails', async () => Response.json({ keys: [oldJwk] }, { status: 500 })],
  ['redirects', async () => new Response(null, { status: 302, headers: { location: 'https://evil.example/' } })],
  ['serves a page', async () => new Response('<html>')],
  ['serves nothing', async () => new Response(null)],
  ['serves null', async () => Response.json(null)],
  ['serves no keys', async () => Response.json({ keys: [] })],
  ['serves keys that are none', async () => Response.json({ keys: ['a', 1, null] })],
  ['serves another object', async () => Response.json({ error: 'none' })],
  ['serves too much', async () => Response.json(tooLarge())],
  ['breaks off', async () => new Response(new ReadableStream({ pull: (it) => it.error(new Error('reset')) }))],
]

test.each(failures)(
  'while the provider %s and no keys are held, its tokens are overload, and only until it is back',
  async (_, failure) => {
    const fetchJwks = aProvider(failure)
    const verify = createJwtVerifier([provider, shared], fetchJwks)
    await expect(verify(oldToken, now)).rejects.toMatchObject({ code: 'overloaded' })
    expect(await verify(sharedToken, now)).toBeDefined()
    fetchJwks.mockImplementation(serving(oldJwk))
    expect(await verify(oldToken, after(1))).toBeDefined()
  },
)

test.each(failures)('while the provider %s, the keys that are held stay', async (_, failure) => {
  const fetchJwks = aProvider(serving(oldJwk))
  const verify = createJwtVerifier([provider], fetchJwks)
  expect(await verify(oldToken, now)).toBeDefined()
  fetchJwks.mockImplementation(failure)
  expect(await verify(oldToken, after(7200))).toBeDefined()
  // It is left in peace for 30 seconds then, for the old keys and for the unknown one.
  expect(await verify(oldToken, after(7229))).toBeDefined()
  expect(await verify(newToken, after(7229))).toBeUndefined()
  expect(fetchJwks).toHaveBeenCalledTimes(2)
  expect(await verify(newToken, after(7230))).toBeUndefined()
  expect(fetchJwks).toHaveBeenCalledTimes(3)
  fetchJwks.mockImplementation(serving(newJwk))
  expect(await verify(newToken, after(7260))).toBeDefined()
  expect(await verify(oldToken, after(7261))).toBeUndefined()
})

test('keys are fetched once for many requests at a time', async () => {
  const fetchJwks = aProvider(serving(oldJwk))
  const verify = createJwtVerifier([provider], fetchJwks)
  const verifyTwenty = (token: string, at: Date) => Promise.all(Array.from({ length: 20 }, () => verify(token, at)))
  expect((await verifyTwenty(oldToken, now)).every((credential) => credential?.subject === 'user|1')).toBe(true)
  expect(fetchJwks).toHaveBeenCalledTimes(1)
  fetchJwks.mockImplementation(serving(oldJwk, newJwk))
  expect((await verifyTwenty(newToken, after(31))).every((credential) => credential?.subject === 'user|1')).toBe(true)
  expect(fetchJwks).toHaveBeenCalledTimes(2)
})

test('requests go on with old keys while another request refreshes them', async () => {
  const fetchJwks = aProvider(serving(oldJwk))
  const verify = createJwtVerifier([provider], fetchJwks)
  expect(await verify(oldToken, now)).toBeDefined()
  const slow = Promise.withResolvers<Response>()
  fetchJwks.mockImplementation(() => slow.promise)
  const refreshing = verify(oldToken, after(3600))
  expect(await verify(oldToken, after(3601))).toBeDefined()
  slow.resolve(Response.json({ keys: [newJwk] }))
  expect(await refreshing).toBeUndefined()
  expect(fetchJwks).toHaveBeenCalledTimes(2)
})

test('keys are waited for five seconds, by each request for itself', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  // What becomes of a fetch whose request was cancelled: it never settles.
  const fetchJwks = aProvider(() => new Promise(() => {}))
  const verify = createJwtVerifier([provider], fetchJwks)
  const outcomes = [verify(oldToken, now), verify(oldToken, after(4))].map((outcome) =>
    outcome.catch((error) => error.code),
  )
  await vi.advanceTimersByTimeAsync(4_999)
  expect(vi.getTimerCount()).toBe(2)
  await vi.advanceTimersByTimeAsync(1)
  expect(await Promise.all(outcomes)).toEqual(['overloaded', 'overloaded'])
  expect(fetchJwks).toHaveBeenCalledTimes(1)

  fetchJwks.mockImplementation(serving(oldJwk))
  expect(await verify(oldToken, after(5))).toBeDefined()
  expect(fetchJwks).toHaveBeenCalledTimes(2)
  expect(vi.getTimerCount()).toBe(0)
})

test('keys of a fetch that was given up do not replace newer ones', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const slow = Promise.withResolvers<Response>()
  const fetchJwks = aProvider(() => slow.promise)
  const verify = createJwtVerifier([provider], fetchJwks)
  const given = verify(oldToken, now).catch((error) => error.code)
  await vi.advanceTimersByTimeAsync(5_000)
  expect(await given).toBe('overloaded')
  fetchJwks.mockImplementation(serving(newJwk))
  expect(await verify(newToken, after(6))).toBeDefined()
  slow.resolve(Response.json({ keys: [oldJwk] }))
  await vi.advanceTimersByTimeAsync(0)
  expect(await verify(newToken, after(7))).toBeDefined()
  expect(await verify(oldToken, after(7))).toBeUndefined()
})
