import { env } from 'cloudflare:workers'
import type { aDesk } from './desk.ts'
import { within } from './faults.ts'
import { begin, HELLO, objectKeyOf, ok } from './world.ts'

// Multipart uploads. In this pool the bucket's S3 endpoint is not served, so parts go through the binding, to where
// their URLs lead.

/** The smallest part that storage takes, other than the last. */
export const PART = 5 * 1024 * 1024
export const FIRST = new Uint8Array(PART).fill(97)

export type Desk = Awaited<ReturnType<typeof aDesk>>
export type PartUrl = { number: number; url: string }
type Upload = { id: string }

export const multipartIdOf = ({ url }: PartUrl) => new URL(url).searchParams.get('uploadId') ?? ''
export const sending = async (part: PartUrl, bytes: string | Uint8Array) =>
  env.BUCKET.resumeMultipartUpload(objectKeyOf(part.url), multipartIdOf(part)).uploadPart(part.number, bytes)

/** Sends a part as its URL would, and answers what a client then knows of it. */
export async function send(part: PartUrl | undefined, bytes: string | Uint8Array = HELLO) {
  if (part === undefined) throw new Error('no URL for this part')
  const { partNumber, etag } = await sending(part, bytes)
  return { number: partNumber, etag }
}

export const urlsOf = async ({ owner, at }: Desk, upload: Upload, ...numbers: number[]): Promise<PartUrl[]> =>
  ok(await owner.post(`${at(upload)}/parts`, { parts: numbers.map((number) => ({ number })) })).parts

export const report = async ({ owner, at }: Desk, upload: Upload, ...parts: object[]) =>
  ok(await owner.put(`${at(upload)}/parts`, { parts }))

export const complete = async ({ owner, at }: Desk, upload: Upload) => owner.post(`${at(upload)}/complete`)

/** Of one small part. */
export const small = async ({ study, owner }: Desk, file: object = {}) =>
  begin(owner, study, { upload: 'multipart', ...file })

/** Of two parts, the second being `HELLO`. */
export const large = async ({ study, owner }: Desk, file: object = {}) =>
  begin(within({ PART_BYTES: String(PART) }, owner), study, { size: PART + 11, upload: 'multipart', ...file })
