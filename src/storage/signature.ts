// AWS Signature Version 4 in a URL's query, as S3 and R2 take it (docs: Amazon S3 API Reference, "Authenticating
// Requests: Using Query Parameters"). All bytes come and go by such URLs, up to a hundred made at once, so what stays
// the same is made once: a URL costs one digest and one HMAC.

export type Credentials = Readonly<{ accessKeyId: string; secretAccessKey: string; region: string }>

export type Signing = Readonly<{
  method: 'GET' | 'HEAD' | 'PUT'
  /** Its path only of unreserved characters and slashes; without a query. */
  url: Readonly<{ origin: string; host: string; pathname: string }>
  query: Readonly<Record<string, string>>
  /** Names in lower case; values as they are signed: trimmed, and runs of spaces one. */
  headers: Readonly<Record<string, string>>
  now: Date
  expiresSeconds: number
}>

const ALGORITHM = 'AWS4-HMAC-SHA256'
const HMAC = { name: 'HMAC', hash: 'SHA-256' }

/**
 * The keys of days, by secret, day and region; values, since a promise may end with the request that it was made in. An
 * isolate can live for days and each one adds a key; of more than a few, none is worth keeping.
 */
const signingKeys = new Map<string, CryptoKey>()
const MAX_SIGNING_KEYS = 16

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/**
 * Signs URLs for one request or job. Every header given is signed, none else but `host`, so whoever uses a URL must send
 * exactly these. The body is not signed (`UNSIGNED-PAYLOAD`); its checksum headers bind it.
 */
export function createSigner(credentials: Credentials) {
  let latest: Moment | undefined

  return async ({ method, url, query, headers, now, expiresSeconds }: Signing): Promise<string> => {
    // What is signed at once has one time, and of it one makes the day's key, for which the others wait.
    if (latest?.at !== now.getTime()) latest = momentOf(credentials, now)
    const { time, scope, fixed, key } = latest
    const sent = Object.entries({ ...headers, host: url.host }).toSorted(byName)
    const signedHeaders = sent.map(([name]) => name).join(';')
    const search = [
      ...fixed,
      ['X-Amz-Expires', String(expiresSeconds)] as const,
      ['X-Amz-SignedHeaders', encoded(signedHeaders)] as const,
      ...Object.entries(query).map(encodedPair),
    ]
      .toSorted(byName)
      .map(([name, value]) => `${name}=${value}`)
      .join('&')
    const lines = sent.map(([name, value]) => `${name}:${value}\n`).join('')
    const asked = `${method}\n${url.pathname}\n${search}\n${lines}\n${signedHeaders}\nUNSIGNED-PAYLOAD`
    const hashed = hex(await crypto.subtle.digest('SHA-256', encoder.encode(asked)))
    const text = encoder.encode(`${ALGORITHM}\n${time}\n${scope}\n${hashed}`)
    const signature = hex(await crypto.subtle.sign('HMAC', await key, text))
    return `${url.origin}${url.pathname}?${search}&X-Amz-Signature=${signature}`
  }
}

type Pair = readonly [name: string, value: string]

/** What is the same in all that is signed at one time; `fixed` of the query, encoded. */
type Moment = Readonly<{ at: number; time: string; scope: string; fixed: readonly Pair[]; key: Promise<CryptoKey> }>

function momentOf(credentials: Credentials, now: Date): Moment {
  const time = now.toISOString().replace(/[:-]|\.\d{3}/g, '')
  const day = time.slice(0, 8)
  const scope = scopeOf(credentials, day)
  const fixed = [
    ['X-Amz-Algorithm', ALGORITHM],
    ['X-Amz-Credential', encoded(`${credentials.accessKeyId}/${scope}`)],
    ['X-Amz-Date', time],
  ] as const
  return { at: now.getTime(), time, scope, fixed, key: signingKey(credentials, day) }
}

/** What a day's key is good for. */
const scopeOf = ({ region }: Credentials, day: string) => `${day}/${region}/s3/aws4_request`

async function signingKey(credentials: Credentials, day: string): Promise<CryptoKey> {
  const name = JSON.stringify([credentials.secretAccessKey, day, credentials.region])
  const known = signingKeys.get(name)
  if (known !== undefined) return known
  let key = await hmacKey(encoder.encode(`AWS4${credentials.secretAccessKey}`))
  for (const step of scopeOf(credentials, day).split('/')) {
    key = await hmacKey(await crypto.subtle.sign('HMAC', key, encoder.encode(step)))
  }
  if (signingKeys.size >= MAX_SIGNING_KEYS) signingKeys.clear()
  signingKeys.set(name, key)
  return key
}

const hmacKey = async (bytes: BufferSource) => crypto.subtle.importKey('raw', bytes, HMAC, false, ['sign'])

/** All but unreserved characters (RFC 3986) by their bytes. */
const encoded = (text: string) =>
  encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  )

const encodedPair = ([name, value]: Pair): Pair => [encoded(name), encoded(value)]

/** Names are encoded by now, and none is there twice. */
const byName = ([a]: Pair, [b]: Pair) => (a < b ? -1 : 1)

const DIGITS = encoder.encode('0123456789abcdef')

/** In ASCII: one string of it is made faster than 32 are joined. */
function hex(bytes: ArrayBuffer): string {
  const digits = new Uint8Array(bytes.byteLength * 2)
  new Uint8Array(bytes).forEach((byte, index) => {
    digits[index * 2] = DIGITS[byte >> 4] ?? 0
    digits[index * 2 + 1] = DIGITS[byte & 15] ?? 0
  })
  return decoder.decode(digits)
}
