import fc from 'fast-check'
import { base64url } from 'jose'
import { describe, expect, test } from 'vitest'
import type { KeyId } from '../../src/model/ids.ts'
import { createTokenCodec, hashSecret, newApiKeySecret, parseApiKey, sameSecret } from '../../src/storage/secrets.ts'

const keyOf = (id: number, fill: number) => ({ id, secret: base64url.encode(new Uint8Array(32).fill(fill)) })
const studyNumbers = fc.integer({ min: 1, max: 65_535 })

describe('an API key', () => {
  test('names its study and is told apart by its last characters', async () => {
    const { secret, hash, hint } = await newApiKeySecret(42)
    expect(secret).toMatch(/^crl_42_[A-Za-z0-9_-]{43}$/)
    expect(hash).toBe(await hashSecret(secret))
    expect(hash).toMatch(/^[0-9a-f]{64}$/)
    expect(secret.endsWith(hint)).toBe(true)
    expect(hint).toHaveLength(4)
    expect((await newApiKeySecret(42)).secret).not.toBe(secret)
  })

  test('is parsed back, for any study', async () => {
    await fc.assert(
      fc.asyncProperty(studyNumbers, async (studyNumber) => {
        const { secret } = await newApiKeySecret(studyNumber)
        expect(parseApiKey(secret)).toEqual({ studyNumber, secret })
      }),
    )
  })

  const random = 'A'.repeat(43)
  test('may be of all studies', async () => {
    const { secret } = await newApiKeySecret(0)
    expect(parseApiKey(secret)).toEqual({ studyNumber: 0, secret })
  })

  test.each([
    '',
    random,
    `crl_00_${random}`,
    `crl_01_${random}`,
    `crl_65536_${random}`,
    `crl_99999_${random}`,
    `crl_100000_${random}`,
    `crl_-1_${random}`,
    `crl_1.5_${random}`,
    `crl_1e3_${random}`,
    `crl_٣_${random}`,
    `crl__${random}`,
    `CRL_1_${random}`,
    ` crl_1_${random}`,
    `crl_1_${random}\n`,
    `crl_1_${random}A`,
    `crl_1_${random.slice(1)}`,
    `crl_1_${random.slice(1)}+`,
    `crl_1_${random.slice(1)}=`,
  ])('is not %j', (text) => expect(parseApiKey(text)).toBeUndefined())

  test.each([-1, 65_536, 1.5, Number.NaN])('is not made for study %d', async (studyNumber) => {
    await expect(newApiKeySecret(studyNumber)).rejects.toThrow('Not a study number')
  })
})

type Codec = ReturnType<typeof createTokenCodec>

/** How it is issued and opened, how long such a token is in characters and bytes, and what is signed besides its own bytes. */
const KINDS = [
  {
    kind: 'download',
    issue: async (codec: Codec, studyNumber: number) => codec.issue(studyNumber),
    open: async (codec: Codec, token: string) => codec.open(token),
    of: { characters: 58, bytes: 43, tag: 8, spare: 15, name: '' },
  },
  {
    kind: 'file',
    issue: async (codec: Codec, studyNumber: number) => codec.issueFileToken(studyNumber),
    open: async (codec: Codec, token: string) => codec.openFileToken(token),
    of: { characters: 27, bytes: 20, tag: 5, spare: 3, name: 'token of a file ' },
  },
] as const

describe.each(KINDS)('a $kind token', ({ issue, open, of }) => {
  const codecOf = (...keys: Parameters<typeof createTokenCodec>) => {
    const codec = createTokenCodec(...keys)
    return {
      issue: async (studyNumber: number) => issue(codec, studyNumber),
      open: async (token: string) => open(codec, token),
    }
  }
  const codec = codecOf([keyOf(7, 1)])
  const tagged = of.bytes - of.tag

  test('opens to what was issued, for any study and any key id', async () => {
    await fc.assert(
      fc.asyncProperty(studyNumbers, fc.integer({ min: 0, max: 255 }), async (studyNumber, id) => {
        const anyCodec = codecOf([keyOf(id, 9)])
        const { token, hash } = await anyCodec.issue(studyNumber)
        expect(token).toMatch(new RegExp(`^[A-Za-z0-9_-]{${of.characters}}$`))
        expect(hash).toBe(await hashSecret(token))
        expect(base64url.decode(token).slice(0, 3)).toEqual(Uint8Array.of(id, studyNumber >> 8, studyNumber & 255))
        expect(await anyCodec.open(token)).toEqual({ studyNumber, hash })
      }),
    )
  })

  test('is tagged with the first bytes of the HMAC over the rest', async () => {
    const bytes = base64url.decode((await codec.issue(3)).token)
    const name = { name: 'HMAC', hash: 'SHA-256' }
    const key = await crypto.subtle.importKey('raw', new Uint8Array(32).fill(1), name, false, ['sign'])
    const signed = await new Blob([of.name, bytes.slice(0, tagged)]).bytes()
    const mac = new Uint8Array(await crypto.subtle.sign('HMAC', key, signed))
    expect(bytes.slice(tagged)).toEqual(mac.slice(0, of.tag))
  })

  test('is another one each time', async () => {
    const tokens = await Promise.all(Array.from({ length: 100 }, () => codec.issue(1)))
    expect(new Set(tokens.map(({ token }) => token)).size).toBe(100)
  })

  test('is refused once any byte of it has changed', async () => {
    await fc.assert(
      fc.asyncProperty(
        studyNumbers,
        fc.integer({ min: 0, max: of.bytes - 1 }),
        fc.integer({ min: 1, max: 255 }),
        async (studyNumber, index, difference) => {
          const bytes = base64url.decode((await codec.issue(studyNumber)).token)
          const tampered = bytes.map((byte, at) => (at === index ? byte ^ difference : byte))
          expect(await codec.open(base64url.encode(tampered))).toBeUndefined()
        },
      ),
    )
  })

  test('has one spelling', async () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const { token } = await codec.issue(1)
    const last = alphabet.indexOf(token.slice(-1))
    for (let spare = 1; spare <= of.spare; spare++) {
      expect(await codec.open(token.slice(0, -1) + alphabet[last + spare])).toBeUndefined()
    }
    const dashed = await Promise.all(Array.from({ length: 20 }, () => codec.issue(1)))
    for (const { token: text } of dashed.filter(({ token: candidate }) => /[-_]/.test(candidate))) {
      expect(await codec.open(text.replaceAll('-', '+').replaceAll('_', '/'))).toBeUndefined()
    }
    for (const odd of [
      `${token}=`,
      `${token}==`,
      ` ${token}`,
      `${token}\n`,
      `${token}A`,
      token.slice(1),
      token.slice(0, -1),
    ]) {
      expect(await codec.open(odd)).toBeUndefined()
    }
  })

  test('is not any other text', async () => {
    const looksRight = fc
      .uint8Array({ minLength: of.bytes, maxLength: of.bytes })
      .map((bytes) => base64url.encode(bytes))
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), fc.string({ unit: 'binary' }), looksRight), async (text) => {
        expect(await codec.open(text)).toBeUndefined()
      }),
    )
  })

  test('still opens after a new key has taken over, until the old one is gone', async () => {
    const { token, hash } = await codec.issue(5)
    const rotated = codecOf([keyOf(8, 2), keyOf(7, 1)])
    expect(await rotated.open(token)).toEqual({ studyNumber: 5, hash })
    const newer = await rotated.issue(5)
    expect(base64url.decode(newer.token)[0]).toBe(8)
    expect(await rotated.open(newer.token)).toEqual({ studyNumber: 5, hash: newer.hash })
    expect(await codec.open(newer.token)).toBeUndefined()
    expect(await codecOf([keyOf(8, 2)]).open(token)).toBeUndefined()
  })

  test("is not opened by another key under the same id, nor by its own under another's", async () => {
    const { token } = await codec.issue(5)
    expect(await codecOf([keyOf(7, 2)]).open(token)).toBeUndefined()
    expect(await codecOf([keyOf(8, 1)]).open(token)).toBeUndefined()
  })

  test('is not opened as one of the other kind', async () => {
    const both = createTokenCodec([keyOf(7, 1)])
    const tokens = [(await both.issue(5)).token, (await both.issueFileToken(5)).token]
    const opened = await Promise.all(tokens.map(async (token) => open(both, token)))
    expect(opened.filter((found) => found !== undefined)).toHaveLength(1)
  })

  test.each([0, -1, 65_536, 1.5, Number.NaN])('is not issued for study %d', async (studyNumber) => {
    await expect(codec.issue(studyNumber)).rejects.toThrow('Not a study number')
  })
})

describe("a request's fingerprint", () => {
  const codec = createTokenCodec([keyOf(7, 1)])
  const body = new TextEncoder().encode('{"name":"notes.txt"}')
  const target = 'POST /v1/studies/one/files'

  test('is the same for the same request only', async () => {
    const [fingerprint] = await codec.fingerprints(target, body)
    expect(fingerprint).toMatch(/^[0-9a-f]{64}$/)
    expect(await codec.fingerprints(target, body.slice(0))).toEqual([fingerprint])
    const others = [
      await codec.fingerprints(`${target}x`, body),
      await codec.fingerprints(target, body.slice(1)),
      await codec.fingerprints(target, new Uint8Array()),
      await createTokenCodec([keyOf(7, 2)]).fingerprints(target, body),
    ]
    expect(new Set([fingerprint, ...others.flat()]).size).toBe(5)
  })

  test('is taken under every key, the signing one first', async () => {
    const [old] = await codec.fingerprints(target, body)
    const [newer] = await createTokenCodec([keyOf(8, 2)]).fingerprints(target, body)
    expect(await createTokenCodec([keyOf(8, 2), keyOf(7, 1)]).fingerprints(target, body)).toEqual([newer, old])
  })
})

test('the hash is SHA-256 in lower-case hex', async () => {
  // FIPS 180-2, appendix B.1.
  expect(await hashSecret('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
})

test('two secrets are the same only if every character is', async () => {
  expect(await sameSecret('operator', 'operator')).toBe(true)
  expect(await sameSecret('', '')).toBe(true)
  expect(await sameSecret('operator', 'operatos')).toBe(false)
  expect(await sameSecret('operator', 'operator ')).toBe(false)
  expect(await sameSecret('operator', '')).toBe(false)
})

describe('a file key', () => {
  const issuer = 'key_01k9z3m8qe5w7v2n4h6j8k0r2t' as KeyId
  const expiresAt = new Date('2026-11-21T08:30:00Z')
  const files = fc.integer({ min: 1, max: 2 ** 40 - 1 })

  test('says which file it is for, by whom and until when, under any of the keys that verify', async () => {
    const old = createTokenCodec([keyOf(1, 1)])
    const rotated = createTokenCodec([keyOf(2, 2), keyOf(1, 1)])
    await fc.assert(
      fc.asyncProperty(files, async (file) => {
        const key = await old.fileKeys({ issuer, expiresAt })(file)
        expect(key).toMatch(/^[\w-]+$/)
        expect(await rotated.openFileKey(key)).toEqual({ file, issuer, expiresAt })
      }),
    )
  })

  test('that was changed anywhere, or signed by another, is none', async () => {
    const codec = createTokenCodec([keyOf(1, 1)])
    const key = await codec.fileKeys({ issuer, expiresAt })(16_777_217)
    for (let at = 0; at < key.length; at += 1) {
      const changed = key.slice(0, at) + (key[at] === 'A' ? 'B' : 'A') + key.slice(at + 1)
      expect(await codec.openFileKey(changed), `at ${at}`).toBeUndefined()
    }
    for (const other of ['', 'x', `${key}A`, key.slice(1), (await codec.issue(1)).token]) {
      expect(await codec.openFileKey(other)).toBeUndefined()
    }
    expect(await codec.open(key)).toBeUndefined()
    expect(await createTokenCodec([keyOf(1, 9)]).openFileKey(key)).toBeUndefined()
  })

  test('has one spelling', async () => {
    const codec = createTokenCodec([keyOf(1, 1)])
    const key = await codec.fileKeys({ issuer, expiresAt })(1)
    const bytes = base64url.decode(key)
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    for (let spare = 1; spare <= 3; spare += 1) {
      const other = key.slice(0, -1) + alphabet[alphabet.indexOf(key.slice(-1)) + spare]
      expect(base64url.decode(other)).toEqual(bytes)
      expect(await codec.openFileKey(other)).toBeUndefined()
    }
  })
})
