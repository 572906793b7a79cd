import { base64url } from 'jose'
import { ALL_STUDIES, type KeyId, MAX_STUDY_NUMBER } from '../model/ids.ts'
import type { Settings } from '../settings.ts'

// What secrets look like. They are shown once and rest as hashes: nothing here stores, looks up or decides.

const API_KEY = /^crl_(0|[1-9]\d{0,4})_[\w-]{43}$/

/**
 * A new API key of 256 random bits, `crl_<study number>_<base64url>`: `secret` is what its holder gets, `hash` what
 * is kept, `hint` (its last four characters) what people tell keys apart by.
 */
export async function newApiKeySecret(studyNumber: number) {
  if (studyNumber !== ALL_STUDIES) assertStudyNumber(studyNumber)
  const secret = `crl_${studyNumber}_${base64url.encode(randomBytes(32))}`
  return { secret, hash: await hashSecret(secret), hint: secret.slice(-4) }
}

/** Whether a text has the shape of an API key, and of which study; undefined if not. Says nothing about its being one. */
export function parseApiKey(text: string): { studyNumber: number; secret: string } | undefined {
  const studyNumber = Number(API_KEY.exec(text)?.[1])
  return studyNumber <= MAX_STUDY_NUMBER ? { studyNumber, secret: text } : undefined
}

const SESSION_SECRET = /^cr([sn])_([1-9]\d{0,4})_[\w-]{43}$/

/** Whether a text has the shape of a session's secret, or of what renews one, and of which study; undefined if not. */
export function parseSessionSecret(text: string): { kind: 'access' | 'renewal'; studyNumber: number } | undefined {
  const [, letter, number] = SESSION_SECRET.exec(text) ?? []
  const studyNumber = Number(number)
  return studyNumber <= MAX_STUDY_NUMBER ? { kind: letter === 's' ? 'access' : 'renewal', studyNumber } : undefined
}

/** What a session is renewed with: `crn_<study number>_<base64url of 256 random bits>`. */
export async function newRenewalSecret(studyNumber: number) {
  assertStudyNumber(studyNumber)
  const secret = `crn_${studyNumber}_${base64url.encode(randomBytes(32))}`
  return { secret, hash: await hashSecret(secret) }
}

/** SHA-256 in lower-case hex: fast on purpose, for what it is given has at least 256 random bits. */
export async function hashSecret(text: string): Promise<string> {
  return hexOf(await sha256(text))
}

/** Compares in a time that says nothing about where two texts differ, nor about their lengths. */
export async function sameSecret(a: string, b: string): Promise<boolean> {
  const [left, right] = await Promise.all([sha256(a), sha256(b)])
  return crypto.subtle.timingSafeEqual(left, right)
}

/** Crockford's base32: no letter is taken for a digit, whichever case it is typed in. */
const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const STUDY_CHARACTERS = 4
const CODE_CHARACTERS = 16
const ENROLMENT_CODE = /^[0-9A-HJKMNP-TV-Z]{16}$/

/**
 * A new enrolment code: the study's number and 60 random bits in sixteen characters, in groups of four that people can
 * read out and type: `0001-7K3M-9QXT-2VHD`. Only its hash is to be kept.
 */
export async function newEnrolmentCode(studyNumber: number) {
  assertStudyNumber(studyNumber)
  const number = Array.from(
    { length: STUDY_CHARACTERS },
    (_, index) => studyNumber >> (5 * (STUDY_CHARACTERS - 1 - index)),
  )
  const random = randomBytes(CODE_CHARACTERS - STUDY_CHARACTERS)
  const code = [...number, ...random].map((value) => BASE32.charAt(value & 31)).join('')
  return { code: code.replaceAll(/(.{4})(?=.)/g, '$1-'), hash: await hashSecret(code) }
}

/** What a typed code says; undefined for what is none. Case, spaces and hyphens don't matter, nor O for 0, I or L for 1. */
export async function parseEnrolmentCode(typed: string): Promise<{ studyNumber: number; hash: string } | undefined> {
  const code = typed.replaceAll(/[\s-]/g, '').toUpperCase().replaceAll('O', '0').replaceAll(/[IL]/g, '1')
  if (!ENROLMENT_CODE.test(code)) return undefined
  const studyNumber = code
    .slice(0, STUDY_CHARACTERS)
    .split('')
    .reduce((sum, char) => sum * 32 + BASE32.indexOf(char), 0)
  return studyNumber >= 1 && studyNumber <= MAX_STUDY_NUMBER ? { studyNumber, hash: await hashSecret(code) } : undefined
}

// A download token: server key id | study number, big-endian | random | the start of an HMAC-SHA256 over the rest.
const KEY_ID_BYTES = 1
const STUDY_NUMBER_BYTES = 2
const RANDOM_BYTES = 32
const TAG_BYTES = 8
const TAGGED_BYTES = KEY_ID_BYTES + STUDY_NUMBER_BYTES + RANDOM_BYTES
/** 43 bytes in base64url. */
const TOKEN = /^[\w-]{58}$/

// A file key: server key id | expiry in seconds, big-endian | file number, big-endian | id of the issuing key | the start
// of an HMAC-SHA256 over the rest.
const EXPIRY_BYTES = 4
const FILE_NUMBER_BYTES = 5
const KEY_ID_CHARACTERS = 30
const FILE_KEY_TAG_BYTES = 16
const FILE_KEY_TAGGED_BYTES = KEY_ID_BYTES + EXPIRY_BYTES + FILE_NUMBER_BYTES + KEY_ID_CHARACTERS
const FILE_KEY_BYTES = FILE_KEY_TAGGED_BYTES + FILE_KEY_TAG_BYTES
const FILE_KEY_NAME = new TextEncoder().encode('key of a file ')
const FILE_KEY = new RegExp(String.raw`^[\w-]{${Math.ceil((FILE_KEY_BYTES * 8) / 6)}}$`)

// A file token: server key id | study number, big-endian | random | the start of an HMAC-SHA256 over the rest. It is as
// long as the clients of the protocol expect that knows it; what it opens is for its row to say, as of a download token.
const FILE_TOKEN_RANDOM_BYTES = 12
const FILE_TOKEN_TAG_BYTES = 5
const FILE_TOKEN_TAGGED_BYTES = KEY_ID_BYTES + STUDY_NUMBER_BYTES + FILE_TOKEN_RANDOM_BYTES
const FILE_TOKEN_NAME = new TextEncoder().encode('token of a file ')
/** 20 bytes in base64url. */
const FILE_TOKEN = /^[\w-]{27}$/

/** What opens one file for a while, as long as the key that it was issued with would. */
export type FileKey = Readonly<{ file: number; issuer: KeyId; expiresAt: Date }>

export type TokenCodec = ReturnType<typeof createTokenCodec>

/**
 * Makes and opens download tokens, and takes fingerprints of requests. The first key signs and every key verifies, so a
 * new key goes to the front and the old one stays behind it for as long as its tokens live.
 */
export function createTokenCodec(tokenKeys: Settings['tokenKeys']) {
  const [signingKey] = tokenKeys
  const imported = new Map<number, CryptoKey>()

  const sign = async (bytes: Uint8Array, key: Settings['tokenKeys'][number]): Promise<ArrayBuffer> => {
    const hmacKey = imported.get(key.id) ?? (await importHmacKey(key.secret))
    imported.set(key.id, hmacKey)
    return crypto.subtle.sign('HMAC', hmacKey, bytes)
  }
  const tagOf = async (tagged: Uint8Array, key: Settings['tokenKeys'][number]): Promise<ArrayBuffer> =>
    (await sign(tagged, key)).slice(0, TAG_BYTES)
  const fileTagOf = async (bytes: Uint8Array, key: Settings['tokenKeys'][number]): Promise<Uint8Array> => {
    // Longer than anything else that is tagged in bytes, and named, so that neither passes for the other.
    const named = joined(FILE_KEY_NAME, bytes.subarray(0, FILE_KEY_TAGGED_BYTES))
    return new Uint8Array(await sign(named, key)).subarray(0, FILE_KEY_TAG_BYTES)
  }
  const fileTokenTagOf = async (bytes: Uint8Array, key: Settings['tokenKeys'][number]): Promise<Uint8Array> => {
    // Named, so that nothing else that is tagged passes for it.
    const named = joined(FILE_TOKEN_NAME, bytes.subarray(0, FILE_TOKEN_TAGGED_BYTES))
    return new Uint8Array(await sign(named, key)).subarray(0, FILE_TOKEN_TAG_BYTES)
  }

  return {
    /** A new token for something in this study; only its hash is to be kept. */
    async issue(studyNumber: number): Promise<{ token: string; hash: string }> {
      assertStudyNumber(studyNumber)
      if (!signingKey) throw new Error('There is no token key to sign with.')
      const bytes = new Uint8Array(TAGGED_BYTES + TAG_BYTES)
      const tagged = bytes.subarray(0, TAGGED_BYTES)
      tagged.set([signingKey.id, studyNumber >> 8, studyNumber & 0xff])
      tagged.set(randomBytes(RANDOM_BYTES), KEY_ID_BYTES + STUDY_NUMBER_BYTES)
      bytes.set(new Uint8Array(await tagOf(tagged, signingKey)), TAGGED_BYTES)
      const token = base64url.encode(bytes)
      return { token, hash: await hashSecret(token) }
    },

    /**
     * What opens a session, `crs_<study number>_<base64url>`, under each key, the signing one first. It comes of the
     * session's id, so that one that still lives can be told again to who renews it, though only its hash is kept.
     */
    async sessionSecrets(studyNumber: number, id: string): Promise<readonly { secret: string; hash: string }[]> {
      assertStudyNumber(studyNumber)
      // Longer than anything that is tagged, so that neither passes for the other.
      const named = new TextEncoder().encode(`secret of the session ${studyNumber} ${id}`)
      return Promise.all(
        tokenKeys.map(async (key) => {
          const secret = `crs_${studyNumber}_${base64url.encode(new Uint8Array(await sign(named, key)))}`
          return { secret, hash: await hashSecret(secret) }
        }),
      )
    },

    /** What is inside a token that one of the keys signed; undefined for anything else, at no cost but a hash. */
    async open(token: string): Promise<{ studyNumber: number; hash: string } | undefined> {
      if (!TOKEN.test(token)) return undefined
      const bytes = base64url.decode(token)
      // The last character has four bits to spare: only the spelling that was issued is the token.
      if (base64url.encode(bytes) !== token) return undefined
      const [keyId, high = 0, low = 0] = bytes
      const key = tokenKeys.find(({ id }) => id === keyId)
      if (!key) return undefined
      const tag = await tagOf(bytes.subarray(0, TAGGED_BYTES), key)
      if (!crypto.subtle.timingSafeEqual(tag, bytes.subarray(TAGGED_BYTES))) return undefined
      return { studyNumber: (high << 8) | low, hash: await hashSecret(token) }
    },

    /** A new token for a version of a file of this study; only its hash is to be kept. */
    async issueFileToken(studyNumber: number): Promise<{ token: string; hash: string }> {
      assertStudyNumber(studyNumber)
      if (!signingKey) throw new Error('There is no token key to sign with.')
      const bytes = new Uint8Array(FILE_TOKEN_TAGGED_BYTES + FILE_TOKEN_TAG_BYTES)
      bytes.set([signingKey.id, studyNumber >> 8, studyNumber & 0xff])
      bytes.set(randomBytes(FILE_TOKEN_RANDOM_BYTES), KEY_ID_BYTES + STUDY_NUMBER_BYTES)
      bytes.set(await fileTokenTagOf(bytes, signingKey), FILE_TOKEN_TAGGED_BYTES)
      const token = base64url.encode(bytes)
      return { token, hash: await hashSecret(token) }
    },

    /** What is inside a file token that one of the keys signed; undefined for anything else. */
    async openFileToken(token: string): Promise<{ studyNumber: number; hash: string } | undefined> {
      if (!FILE_TOKEN.test(token)) return undefined
      const bytes = base64url.decode(token)
      // The last character has two bits to spare: only the spelling that was issued is the token.
      if (base64url.encode(bytes) !== token) return undefined
      const [keyId, high = 0, low = 0] = bytes
      const key = tokenKeys.find(({ id }) => id === keyId)
      if (!key) return undefined
      const tag = bytes.subarray(FILE_TOKEN_TAGGED_BYTES)
      if (!crypto.subtle.timingSafeEqual(await fileTokenTagOf(bytes, key), tag)) return undefined
      return { studyNumber: (high << 8) | low, hash: await hashSecret(token) }
    },

    /** Makes the keys of files, which no row remembers: they are what was signed. */
    fileKeys({ issuer, expiresAt }: Omit<FileKey, 'file'>): (file: number) => Promise<string> {
      if (!signingKey) throw new Error('There is no token key to sign with.')
      const common = new Uint8Array(FILE_KEY_BYTES)
      const fields = new DataView(common.buffer)
      fields.setUint8(0, signingKey.id)
      fields.setUint32(KEY_ID_BYTES, Math.floor(expiresAt.getTime() / 1000))
      common.set(new TextEncoder().encode(issuer), KEY_ID_BYTES + EXPIRY_BYTES + FILE_NUMBER_BYTES)
      return async (file) => {
        const bytes = common.slice()
        const number = new DataView(bytes.buffer, KEY_ID_BYTES + EXPIRY_BYTES)
        number.setUint8(0, Math.floor(file / 2 ** 32))
        number.setUint32(1, file % 2 ** 32)
        bytes.set(await fileTagOf(bytes, signingKey), FILE_KEY_TAGGED_BYTES)
        return base64url.encode(bytes)
      }
    },

    /** What a file key says that one of the keys signed; undefined for anything else. That it has expired is not asked. */
    async openFileKey(text: string): Promise<FileKey | undefined> {
      if (!FILE_KEY.test(text)) return undefined
      const bytes = base64url.decode(text)
      if (base64url.encode(bytes) !== text) return undefined
      const key = tokenKeys.find(({ id }) => id === bytes[0])
      if (!key || !crypto.subtle.timingSafeEqual(await fileTagOf(bytes, key), bytes.subarray(FILE_KEY_TAGGED_BYTES))) {
        return undefined
      }
      const fields = new DataView(bytes.buffer, bytes.byteOffset)
      const issuer = bytes.subarray(FILE_KEY_TAGGED_BYTES - KEY_ID_CHARACTERS, FILE_KEY_TAGGED_BYTES)
      return {
        file:
          fields.getUint8(KEY_ID_BYTES + EXPIRY_BYTES) * 2 ** 32 + fields.getUint32(KEY_ID_BYTES + EXPIRY_BYTES + 1),
        issuer: new TextDecoder().decode(issuer) as KeyId, // what was signed was one
        expiresAt: new Date(fields.getUint32(KEY_ID_BYTES) * 1000),
      }
    },

    /**
     * What a request is known again by, under each key, the signing one first. Says nothing about the request to who
     * does not have the keys, though bodies may be short enough to be guessed.
     */
    async fingerprints(target: string, body: ArrayBuffer | Uint8Array): Promise<readonly [string, ...string[]]> {
      if (!signingKey) throw new Error('There is no token key to sign with.')
      // Longer than anything that is tagged, so that neither passes for the other.
      const request = await new Blob([`Idempotency-Key fingerprint of ${target}\n`, body]).bytes()
      const fingerprint = async (key: Settings['tokenKeys'][number]) => hexOf(await sign(request, key))
      return [await fingerprint(signingKey), ...(await Promise.all(tokenKeys.slice(1).map(fingerprint)))]
    },
  }
}

const randomBytes = (count: number) => crypto.getRandomValues(new Uint8Array(count))

/** A name, and the bytes that it is the name of. */
function joined(name: Uint8Array, bytes: Uint8Array): Uint8Array {
  const both = new Uint8Array(name.length + bytes.length)
  both.set(name)
  both.set(bytes, name.length)
  return both
}

const hexOf = (bytes: ArrayBuffer) => new Uint8Array(bytes).toHex()

const utf8 = new TextEncoder()
const sha256 = (text: string) => crypto.subtle.digest('SHA-256', utf8.encode(text))

const importHmacKey = (secret: string) =>
  crypto.subtle.importKey('raw', base64url.decode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])

/** A number that does not fit would be cut short and name another study. */
function assertStudyNumber(studyNumber: number) {
  if (!Number.isInteger(studyNumber) || studyNumber < 1 || studyNumber > MAX_STUDY_NUMBER) {
    throw new Error(`Not a study number: ${studyNumber}`)
  }
}
