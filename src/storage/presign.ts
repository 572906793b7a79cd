import { misconfigured } from '../model/errors.ts'
import type { Settings } from '../settings.ts'
import { createSigner, type Signing } from './signature.ts'

/** What a client sends to storage: this method to this URL, with all of these headers and a body of their length. */
export type PresignedPut = Readonly<{ method: 'PUT'; url: string; headers: Readonly<Record<string, string>> }>

/** The longest that S3 and R2 let a presigned URL live. */
const MAX_EXPIRES_SECONDS = 7 * 86_400

/**
 * Presigned URLs of the bucket, path style. `origin` is the request's own: what `local` is relative to, and unused with
 * any other endpoint. Methods throw DomainError `misconfigured` where `local` is asked for off localhost; making a
 * presigner never throws, since jobs have no origin and sign nothing.
 */
export function createPresigner(s3: Settings['s3'], origin: string | undefined) {
  const presign = createSigner({ ...s3, region: 'auto' })
  let bucket: Signing['url'] | undefined
  const sign = async ({ objectKey, ...asked }: Omit<Signing, 'url'> & { objectKey: string }) => {
    bucket ??= bucketUrl(s3, origin)
    return presign({ ...asked, url: { ...bucket, pathname: signablePath(bucket.pathname + objectKey) } })
  }

  return {
    /**
     * One PUT of a whole object, once: `if-none-match: *` makes a second one a 412. Checksums are lower-case hex and
     * null when not known. Header names in the answer are lower-case: as HTTP/2, `fetch` and `X-Amz-SignedHeaders`
     * have them, and curl sends them as they are.
     */
    async upload(object: {
      objectKey: string
      now: Date
      expiresAt: Date
      mediaType: string
      size: number
      md5: string | null
      sha256: string | null
      disposition: string
    }): Promise<PresignedPut> {
      const headers = {
        'content-type': headerValue(object.mediaType),
        'content-length': String(object.size),
        'content-disposition': headerValue(object.disposition),
        'if-none-match': '*',
        ...(object.md5 !== null && { 'content-md5': base64FromHex(object.md5) }),
        ...(object.sha256 !== null && { 'x-amz-checksum-sha256': base64FromHex(object.sha256) }),
      }
      const { objectKey, now } = object
      const expiresSeconds = secondsUntil(object.expiresAt, now)
      const url = await sign({ method: 'PUT', objectKey, query: {}, headers, now, expiresSeconds })
      return { method: 'PUT', url, headers }
    },

    /**
     * A PUT to where bytes go that nothing was declared of: only what the protocol's clients are known to send is signed
     * (header names in lower case), and whoever has the URL may use it as often as it lives.
     */
    async looseUpload(object: {
      objectKey: string
      now: Date
      expiresAt: Date
      headers: Readonly<Record<string, string>>
    }): Promise<PresignedPut> {
      const { objectKey, now, expiresAt } = object
      const headers = Object.fromEntries(
        Object.entries(object.headers).map(([name, value]) => [name, headerValue(value)]),
      )
      const expiresSeconds = secondsUntil(expiresAt, now)
      const url = await sign({ method: 'PUT', objectKey, query: {}, headers, now, expiresSeconds })
      return { method: 'PUT', url, headers }
    },

    /** One part of a multipart upload, of exactly `bytes` bytes; sending it again replaces it. */
    async part(part: {
      objectKey: string
      multipartId: string
      partNumber: number
      now: Date
      expiresAt: Date
      bytes: number
      md5: string | null
    }): Promise<PresignedPut> {
      const query = { partNumber: String(part.partNumber), uploadId: part.multipartId }
      const headers = {
        'content-length': String(part.bytes),
        ...(part.md5 !== null && { 'content-md5': base64FromHex(part.md5) }),
      }
      const { objectKey, now } = part
      const expiresSeconds = secondsUntil(part.expiresAt, now)
      const url = await sign({ method: 'PUT', objectKey, query, headers, now, expiresSeconds })
      return { method: 'PUT', url, headers }
    },

    /**
     * A URL for GET or for HEAD: storage takes neither for the other. It answers with this name and media type. `query`
     * is signed with it, and means nothing to storage.
     */
    async download(object: {
      objectKey: string
      method: 'GET' | 'HEAD'
      now: Date
      expiresSeconds: number
      disposition: string
      mediaType: string
      query?: Readonly<Record<string, string>>
    }): Promise<string> {
      const query = {
        ...object.query,
        'response-content-disposition': headerValue(object.disposition),
        'response-content-type': headerValue(object.mediaType),
      }
      const { method, objectKey, now } = object
      return sign({ method, objectKey, query, headers: {}, now, expiresSeconds: wholeSeconds(object.expiresSeconds) })
    },
  }
}

const LOCAL_HOSTNAMES = ['localhost', '127.0.0.1', '[::1]']

function endpointOf(s3: Settings['s3'], origin: string | undefined): string {
  if (s3.endpoint !== 'local') return s3.endpoint
  if (origin !== undefined && URL.canParse(origin) && LOCAL_HOSTNAMES.includes(new URL(origin).hostname)) {
    return `${origin}/cdn-cgi/local/r2/s3`
  }
  throw misconfigured('S3_ENDPOINT is `local`, which works on localhost only. Set the S3 endpoint of the bucket.')
}

function bucketUrl(s3: Settings['s3'], origin: string | undefined): Signing['url'] {
  const { origin: at, host, pathname } = new URL(`${endpointOf(s3, origin)}/${s3.bucket}/`)
  return { origin: at, host, pathname }
}

/**
 * @throws Error for anything that is encoded differently in a URL and in its signature, for dot segments, which clients
 * resolve away, and for the bucket itself.
 */
function signablePath(path: string): string {
  if (
    !/^[A-Za-z0-9._~/-]*[A-Za-z0-9._~-]$/.test(path) ||
    path.split('/').some((part) => part === '.' || part === '..')
  ) {
    throw new Error(`This path cannot be signed: ${path}`)
  }
  return path
}

/**
 * One spelling of a header's value: runs of spaces are one, as the signature has them.
 *
 * @throws Error for anything but printable ASCII, which clients, storage and the signature would spell differently.
 */
function headerValue(value: string): string {
  if (!/^[\x20-\x7e]+$/.test(value)) throw new Error('A header to be signed is not printable ASCII.')
  return value.trim().replace(/ +/g, ' ')
}

/** Rounded down, so that a URL never outlives what it was made for. */
const secondsUntil = (expiresAt: Date, now: Date) =>
  wholeSeconds(Math.floor(expiresAt.getTime() / 1000) - Math.floor(now.getTime() / 1000))

const wholeSeconds = (seconds: number) => Math.min(Math.max(Math.floor(seconds), 1), MAX_EXPIRES_SECONDS)

const base64FromHex = (hex: string) =>
  btoa(hex.replace(/../g, (byte) => String.fromCharCode(Number.parseInt(byte, 16))))
