import { base64url, exportJWK, exportSPKI, generateKeyPair, SignJWT, UnsecuredJWT } from 'jose'
import type { GenerateKeyPairResult, JWK, JWTHeaderParameters, JWTPayload } from 'jose'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { createJwtVerifier } from '../../src/wire/jwt.ts'
import type { JwtIssuer } from '../../src/settings.ts'

const now = new Date('2026-11-03T09:00:00Z')
const nowSeconds = now.getTime() / 1000

const JWKS_URL = 'https://id.example/jwks'
const provider = (algorithms: ('RS256' | 'ES256' | 'EdDSA')[] = ['RS256', 'ES256', 'EdDSA']): JwtIssuer => ({
  issuer: 'https://id.example/',
  audience: 'carrel',
  studies: ['sleep'],
  keys: { kind: 'jwks', url: JWKS_URL, algorithms },
})
const secret = new Uint8Array(32).fill(7)
const shared: JwtIssuer = {
  issuer: 'https://shared.example/',
  audience: 'carrel',
  keys: { kind: 'secret', algorithm: 'HS256', secret: base64url.encode(secret) },
}
const claims = { iss: 'https://id.example/', aud: 'carrel', sub: 'user|1', exp: nowSeconds + 300 }

let rsa: GenerateKeyPairResult
let ec: GenerateKeyPairResult
let ed: GenerateKeyPairResult
let other: GenerateKeyPairResult

beforeAll(async () => {
  const extractable = true
  rsa = await generateKeyPair('RS256', { extractable })
  ec = await generateKeyPair('ES256', { extractable })
  ed = await generateKeyPair('EdDSA', { extractable })
  other = await generateKeyPair('RS256', { extractable })
})

const publicJwk = async (pair: GenerateKeyPairResult, members: Partial<JWK>): Promise<JWK> => ({
  ...(await exportJWK(pair.publicKey)),
  ...members,
})
const allKeys = async () => [
  await publicJwk(rsa, { kid: 'rsa', alg: 'RS256', use: 'sig' }),
  await publicJwk(ec, { kid: 'ec', alg: 'ES256' }),
  await publicJwk(ed, { kid: 'ed' }),
]
const sign = (
  pair: GenerateKeyPairResult,
  header: JWTHeaderParameters = { alg: 'RS256', kid: 'rsa' },
  payload: JWTPayload = claims,
) => new SignJWT(payload).setProtectedHeader(header).sign(pair.privateKey)
/** By hand, so that the claims may be of any kind, or undefined to leave one out. */
async function signShared(payload: object, bytes = secret) {
  const parts = [{ alg: 'HS256' }, { ...claims, iss: shared.issuer, ...payload }]
  const input = parts.map((part) => base64url.encode(JSON.stringify(part))).join('.')
  const key = await crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const signature = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(input))
  return `${input}.${base64url.encode(new Uint8Array(signature))}`
}

/** A provider that answers as `answer` says, and counts how often it is asked. */
const aJwks = (answer: () => Promise<Response>) => vi.fn<(url: string, init: RequestInit) => Promise<Response>>(answer)
const serving = (keys: () => readonly JWK[]) => aJwks(async () => Response.json({ keys: keys() }))
const down = async () => {
  throw new TypeError('Network connection lost.')
}

describe('a token is accepted', () => {
  test('from each algorithm that its issuer has', async () => {
    const keys = await allKeys()
    const fetchJwks = serving(() => keys)
    const verify = createJwtVerifier([provider(), shared], fetchJwks)
    const credential = { kind: 'jwt', issuer: 'https://id.example/', subject: 'user|1', studies: ['sleep'] }
    expect(await verify(await sign(rsa), now)).toEqual(credential)
    expect(await verify(await sign(ec, { alg: 'ES256', kid: 'ec' }), now)).toEqual(credential)
    expect(await verify(await sign(ed, { alg: 'EdDSA', kid: 'ed' }), now)).toEqual(credential)
    // RFC 9864's name for the same.
    expect(await verify(await sign(ed, { alg: 'Ed25519', kid: 'ed' }), now)).toEqual(credential)
    expect(fetchJwks).toHaveBeenCalledTimes(1)
    expect(fetchJwks.mock.calls[0]?.[0]).toBe(JWKS_URL)
    expect(await verify(await signShared({}), now)).toEqual({
      kind: 'jwt',
      issuer: 'https://shared.example/',
      subject: 'user|1',
      studies: undefined,
    })
    expect(fetchJwks).toHaveBeenCalledTimes(1)
  })

  test('if the audience is one of several', async () => {
    const keys = await allKeys()
    const verify = createJwtVerifier(
      [provider()],
      serving(() => keys),
    )
    const token = await sign(rsa, { alg: 'RS256', kid: 'rsa' }, { ...claims, aud: ['elsewhere', 'carrel'] })
    expect(await verify(token, now)).toBeDefined()
  })

  test('under the studies of its audience, where an issuer has two', async () => {
    const keys = await allKeys()
    const fetchJwks = serving(() => keys)
    const verify = createJwtVerifier([provider(), { ...provider(), audience: 'heart', studies: ['heart'] }], fetchJwks)
    expect(await verify(await sign(rsa), now)).toMatchObject({ studies: ['sleep'] })
    const token = await sign(rsa, undefined, { ...claims, aud: 'heart' })
    expect(await verify(token, now)).toMatchObject({ studies: ['heart'] })
    expect(fetchJwks).toHaveBeenCalledTimes(1)
  })

  test('without a key id, whichever of the keys it was signed with', async () => {
    const keys = [await publicJwk(other, {}), await publicJwk(rsa, {})]
    const verify = createJwtVerifier(
      [provider()],
      serving(() => keys),
    )
    expect(await verify(await sign(rsa, { alg: 'RS256' }), now)).toBeDefined()
    expect(await verify(await sign(other, { alg: 'RS256' }), now)).toBeDefined()
    const stranger = await generateKeyPair('RS256')
    expect(await verify(await sign(stranger, { alg: 'RS256' }), now)).toBeUndefined()
  })

  test.each([
    ['expired 59 seconds ago', { exp: nowSeconds - 59 }, true],
    ['expired 60 seconds ago', { exp: nowSeconds - 60 }, false],
    ['valid 60 seconds from now', { nbf: nowSeconds + 60 }, true],
    ['valid 61 seconds from now', { nbf: nowSeconds + 61 }, false],
    ['with a subject of 255 characters', { sub: 'x'.repeat(255) }, true],
    ['with a subject of 256 characters', { sub: 'x'.repeat(256) }, false],
  ])('or not, at the edge: %s', async (_, payload, accepted) => {
    const verify = createJwtVerifier([shared], aJwks(down))
    expect((await verify(await signShared(payload), now)) !== undefined).toBe(accepted)
  })
})

describe('a token is refused', () => {
  test.each([
    ['no audience', { aud: undefined }],
    ['another audience', { aud: 'elsewhere' }],
    ['an object for its audience', { aud: { carrel: true } }],
    ['no expiry', { exp: undefined }],
    ['a word for its expiry', { exp: 'soon' }],
    ['null for its expiry', { exp: null }],
    ['a word for its start', { nbf: 'now' }],
    ['no subject', { sub: undefined }],
    ['an empty subject', { sub: '' }],
    ['a number for its subject', { sub: 7 }],
    ['a list for its subject', { sub: ['user|1'] }],
    ['half a character in its subject', { sub: 'a\ud800' }],
    ['no issuer', { iss: undefined }],
    ['an unknown issuer', { iss: 'https://id.example' }],
    ['an issuer that has other keys', { iss: 'https://id.example/' }],
  ])('with %s', async (_, payload) => {
    const keys = await allKeys()
    const verify = createJwtVerifier(
      [provider(), shared],
      serving(() => keys),
    )
    expect(await verify(await signShared({}), now)).toBeDefined()
    expect(await verify(await signShared(payload), now)).toBeUndefined()
  })

  test('with the wrong key, a changed payload or no signature', async () => {
    const keys = await allKeys()
    const verify = createJwtVerifier(
      [provider(), shared],
      serving(() => keys),
    )
    const token = await sign(rsa)
    const [header, , signature] = token.split('.')
    const payload = base64url.encode(JSON.stringify({ ...claims, sub: 'user|2' }))
    expect(await verify(token, now)).toBeDefined()
    expect(await verify(`${header}.${payload}.${signature}`, now)).toBeUndefined()
    expect(await verify(`${header}.${payload}.`, now)).toBeUndefined()
    expect(await verify(await sign(other), now)).toBeUndefined()
    expect(await verify(await signShared({}, new Uint8Array(32).fill(8)), now)).toBeUndefined()
    expect(await verify(new UnsecuredJWT(claims).encode(), now)).toBeUndefined()
    expect(await verify(new UnsecuredJWT({ ...claims, iss: shared.issuer }).encode(), now)).toBeUndefined()
  })

  test('if HS256 was signed with the public key', async () => {
    const keys = await allKeys()
    const fetchJwks = serving(() => keys)
    const verify = createJwtVerifier([provider(), shared], fetchJwks)
    const forms = [await exportSPKI(rsa.publicKey), JSON.stringify(keys[0]), String(keys[0]?.n)]
    for (const form of forms) {
      const header = { alg: 'HS256', kid: 'rsa' }
      const token = await new SignJWT(claims).setProtectedHeader(header).sign(new TextEncoder().encode(form))
      expect(await verify(token, now)).toBeUndefined()
    }
    expect(fetchJwks).not.toHaveBeenCalled()
  })

  test('if its algorithm is not one of the issuer', async () => {
    const keys = await allKeys()
    const verify = createJwtVerifier(
      [provider(['RS256']), shared],
      serving(() => keys),
    )
    expect(await verify(await sign(ec, { alg: 'ES256', kid: 'ec' }), now)).toBeUndefined()
    expect(await verify(await sign(ed, { alg: 'EdDSA', kid: 'ed' }), now)).toBeUndefined()
    expect(await verify(await sign(rsa, undefined, { ...claims, iss: shared.issuer }), now)).toBeUndefined()
    const pss = await generateKeyPair('PS256')
    expect(await verify(await sign(pss, { alg: 'PS256', kid: 'rsa' }), now)).toBeUndefined()
  })

  test('if the set has its key for another algorithm, or as a secret', async () => {
    const oct = { kty: 'oct', kid: 'oct', k: base64url.encode(secret), alg: 'HS256' }
    const keys = [
      await publicJwk(rsa, { kid: 'rsa', alg: 'PS256' }),
      oct,
      { kty: 'RSA', kid: 'odd', n: '!', e: 'AQAB' },
    ]
    const verify = createJwtVerifier(
      [provider()],
      serving(() => keys),
    )
    expect(await verify(await sign(rsa), now)).toBeUndefined()
    expect(await verify(await sign(rsa, { alg: 'RS256', kid: 'odd' }), now)).toBeUndefined()
    const token = await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'oct' }).sign(secret)
    expect(await verify(token, now)).toBeUndefined()
  })

  test.each([
    '',
    '.',
    '..',
    'a.b.c',
    'crl_1_abc',
    'e30.e30.',
    'e30.e30.e30',
    'bnVsbA.bnVsbA.bnVsbA',
    '💥.💥.💥',
    'a.b.c.d.e',
  ])('if it is %j', async (token) => {
    const fetchJwks = aJwks(down)
    expect(await createJwtVerifier([provider(), shared], fetchJwks)(token, now)).toBeUndefined()
    expect(fetchJwks).not.toHaveBeenCalled()
  })

  test('without an issuer in the settings', async () => {
    expect(await createJwtVerifier([])(await sign(rsa), now)).toBeUndefined()
  })
})

test('a secret that is not base64url is a mistake of the settings', async () => {
  const keys = { kind: 'secret', algorithm: 'HS256', secret: '!'.repeat(43) } as const
  const verify = createJwtVerifier([{ ...shared, keys }], aJwks(down))
  await expect(verify(await signShared({}), now)).rejects.toMatchObject({ code: 'misconfigured' })
})
