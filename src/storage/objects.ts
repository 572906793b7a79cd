import { z } from 'zod'
import { ERASURE_KINDS } from '../model/erasures.ts'
import { overloaded } from '../model/errors.ts'
import type { AuditId, ErasureId, StudyId, UploadId, VersionId } from '../model/ids.ts'
import { uploadOf } from '../model/ids.ts'

/**
 * A fresh key for a version's bytes, spelled here and nowhere else: `<study>/<version>.<122 random bits>`. Never used
 * twice. A version can be moved to another file, so the file is not in it.
 *
 * Ids are shown to people who may not have the bytes, so a key cannot be told from them: whoever knows an object's key
 * and has an upload URL may be able to copy that object, where storage heeds an `x-amz-copy-source` that nobody signed.
 */
export const newObjectKey = (study: StudyId, version: VersionId) =>
  `${study}/${version}.${crypto.randomUUID().replaceAll('-', '')}`

const OBJECT_KEY = /^([A-Za-z0-9][A-Za-z0-9_.-]{0,63})\/(ver_[0-9a-hjkmnp-tv-z]{26})\.[0-9a-f]{32}$/

/** What an object's key tells; undefined for an object that is not Carrel's. */
export function parseObjectKey(key: string): { study: StudyId; upload: UploadId } | undefined {
  const [, inStudy, upload] = STAGING_KEY.exec(key) ?? []
  // The patterns prove the shapes.
  if (inStudy !== undefined && upload !== undefined) return { study: inStudy as StudyId, upload: upload as UploadId }
  const [, study, version] = OBJECT_KEY.exec(key) ?? []
  return study === undefined || version === undefined
    ? undefined
    : { study: study as StudyId, upload: uploadOf(version as VersionId) }
}

/**
 * A fresh key for bytes of which nothing was declared, `in/<study>/<upload>.<122 random bits>`: a URL that binds nothing
 * can be used twice, so it never leads to what is or becomes a version's object. With two slashes it is no such key.
 */
export const newStagingKey = (study: StudyId, upload: UploadId) =>
  `in/${study}/${upload}.${crypto.randomUUID().replaceAll('-', '')}`

const STAGING_KEY = /^in\/([A-Za-z0-9][A-Za-z0-9_.-]{0,63})\/(upl_[0-9a-hjkmnp-tv-z]{26})\.[0-9a-f]{32}$/

/**
 * Where the receipt of an erasure is kept, outside of the database: by the pseudonym it can be told who is to be erased
 * again if the database is ever put back to a time before. With two slashes it is no version's key in any study.
 */
const receiptKey = (study: StudyId, auditId: AuditId) => `erased/${study}/${auditId}`

const RECEIPTS = 'erased/'
const RECEIPT_KEY = /^erased\/([A-Za-z0-9][A-Za-z0-9_.-]{0,63})\/([^/]+)$/

/** What is believed of a kept receipt. Written by Carrel, as `keepReceipt` has it. */
const Receipt = z.object({
  id: z.string().transform((id) => id as ErasureId), // what was put in
  kind: z.enum(ERASURE_KINDS),
  requestedAt: z.iso.datetime().transform((at) => new Date(at)),
})
/** The receipt of an erasure that was begun, as it is kept outside of the database. */
export type Receipt = Readonly<{ study: StudyId; auditId: AuditId } & z.infer<typeof Receipt>>

const hex = (bytes: ArrayBuffer) =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
const hexOrNull = (bytes: ArrayBuffer | undefined) => (bytes === undefined ? null : hex(bytes))

/** What storage itself knows of an object; checksums in hex, where it has them. */
export type ObjectFacts = Readonly<{
  size: number
  etag: string
  /** The type that it was stored with. */
  mediaType: string | null
  md5: string | null
  sha256: string | null
}>

const factsOf = ({ size, etag, httpMetadata, checksums }: R2Object): ObjectFacts => ({
  size,
  etag,
  mediaType: httpMetadata?.contentType ?? null,
  md5: hexOrNull(checksums.md5),
  sha256: hexOrNull(checksums.sha256),
})

/** By the MD5 that storage takes of every object that comes whole; by the ETag where it has none. */
const isCopy = (copy: ObjectFacts, source: ObjectFacts): boolean =>
  copy.size === source.size &&
  copy.mediaType === source.mediaType &&
  (source.md5 === null ? copy.etag === source.etag : copy.md5 === source.md5)

export type Digests = Readonly<{ md5: string; sha256: string }>

/** R2 puts its error's number at the end of the message (docs: R2, "Error codes"). */
const codeOf = (failure: unknown) =>
  failure instanceof Error ? Number(/\((\d+)\)$/.exec(failure.message.trim())?.[1] ?? 0) : 0
const NO_SUCH_UPLOAD = 10_024
/** Missing part, wrong ETag, part too small, parts of unequal size, wrong order. */
const PARTS_REFUSED: readonly number[] = [10_011, 10_025, 10_048, 10_050]

async function reachable<T>(call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (failure) {
    throw overloaded(failure)
  }
}

async function digestsOf(body: ReadableStream): Promise<Digests> {
  const digests = { md5: new crypto.DigestStream('MD5'), sha256: new crypto.DigestStream('SHA-256') }
  const writers = [digests.md5.getWriter(), digests.sha256.getWriter()]
  for await (const chunk of body) await Promise.all(writers.map((writer) => writer.write(chunk)))
  await Promise.all(writers.map((writer) => writer.close()))
  return { md5: hex(await digests.md5.digest), sha256: hex(await digests.sha256.digest) }
}

/** A copy holds two connections, one that reads and one that writes; an invocation has six (docs: Workers, "Limits"). */
const COPIES_AT_ONCE = 3

/** Lets so many run side by side, the others when it is their turn: were all to read first, none could write. */
function takingTurns(count: number) {
  let free = count
  const waiting: (() => void)[] = []
  return async <T>(run: () => Promise<T>): Promise<T> => {
    if (free > 0) free -= 1
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await run()
    } finally {
      const next = waiting.shift()
      if (next === undefined) free += 1
      else next()
    }
  }
}

/** The bucket, through its binding. Every method throws DomainError `overloaded` when R2 cannot be had. */
export function openObjects(bucket: R2Bucket) {
  const inTurn = takingTurns(COPIES_AT_ONCE)
  return {
    async head(objectKey: string): Promise<ObjectFacts | undefined> {
      const object = await reachable(bucket.head(objectKey))
      return object === null ? undefined : factsOf(object)
    },

    /**
     * Copies an object, as it was seen at `etag`, to a key that has none yet: of copies made at once the first stays, and
     * all of the same bytes answer with its facts. The bytes pass through, and nothing of them is held. `changed`: the
     * object is no longer as it was seen; `taken`: the key has something else.
     */
    async copy(
      from: Readonly<{ objectKey: string; etag: string }>,
      to: Readonly<{ objectKey: string; mediaType: string; disposition: string }>,
    ): Promise<ObjectFacts | 'changed' | 'taken'> {
      return inTurn(async () => {
        const source = await reachable(bucket.get(from.objectKey, { onlyIf: { etagMatches: from.etag } }))
        if (source === null || !('body' in source)) return 'changed'
        const copied = await reachable(
          bucket.put(to.objectKey, source.body, {
            onlyIf: new Headers({ 'If-None-Match': '*' }),
            httpMetadata: { contentType: to.mediaType, contentDisposition: to.disposition },
          }),
        )
        if (copied !== null) return factsOf(copied)
        const there = await reachable(bucket.head(to.objectKey))
        return there !== null && isCopy(factsOf(there), { ...factsOf(source), mediaType: to.mediaType })
          ? factsOf(there)
          : 'taken'
      })
    },

    /** The bytes of an object, or of a range of it, as a stream. */
    async read(objectKey: string, range?: { offset: number; length: number }): Promise<ReadableStream | undefined> {
      const object = await reachable(bucket.get(objectKey, range === undefined ? {} : { range }))
      return object?.body
    },

    /** Reads an object once, through both digests, one chunk at a time. */
    async digest(objectKey: string): Promise<Digests | undefined> {
      const object = await reachable(bucket.get(objectKey))
      return object === null ? undefined : reachable(digestsOf(object.body))
    },

    /** Writes an object whose bytes came through the Worker. */
    async put(
      objectKey: string,
      bytes: Uint8Array,
      headers: { mediaType: string; disposition: string },
    ): Promise<void> {
      const httpMetadata = { contentType: headers.mediaType, contentDisposition: headers.disposition }
      await reachable(bucket.put(objectKey, bytes, { httpMetadata }))
    },

    /** One part of a multipart upload, in the same way. */
    async putPart(
      objectKey: string,
      multipartId: string,
      part: { number: number; bytes: Uint8Array },
    ): Promise<{ number: number; etag: string }> {
      const upload = bucket.resumeMultipartUpload(objectKey, multipartId)
      const { etag } = await reachable(upload.uploadPart(part.number, part.bytes))
      return { number: part.number, etag }
    },

    /** Up to 1,000 at once; an absent one is no error. */
    async delete(objectKeys: readonly string[]): Promise<void> {
      if (objectKeys.length > 0) await reachable(bucket.delete([...objectKeys]))
    },

    /** Keeps a receipt, in place of what was kept before. */
    async keepReceipt({ study, auditId }: { study: StudyId; auditId: AuditId }, receipt: object): Promise<void> {
      const httpMetadata = { contentType: 'application/json' }
      await reachable(bucket.put(receiptKey(study, auditId), JSON.stringify(receipt), { httpMetadata }))
    },

    /**
     * The receipts that are kept, at most `limit` objects of them by their keys; `end`: where to go on, if there is more.
     */
    async receipts(
      after: string | undefined,
      limit: number,
    ): Promise<{ receipts: Receipt[]; end: string | undefined }> {
      const startAfter = after === undefined ? {} : { startAfter: after }
      const page = await reachable(bucket.list({ prefix: RECEIPTS, limit, ...startAfter }))
      const read = async ({ key }: R2Object): Promise<Receipt[]> => {
        const [, study, auditId] = RECEIPT_KEY.exec(key) ?? []
        if (study === undefined || auditId === undefined) return []
        const object = await reachable(bucket.get(key))
        if (object === null) return []
        // The pattern proves the shapes.
        const of = { study: study as StudyId, auditId: auditId as AuditId }
        return [{ ...of, ...Receipt.parse(await reachable(object.json())) }]
      }
      const receipts = await Promise.all(page.objects.map(read))
      return { receipts: receipts.flat(), end: page.truncated ? page.objects.at(-1)?.key : undefined }
    },

    async createMultipart(objectKey: string, headers: { mediaType: string; disposition: string }): Promise<string> {
      const upload = await reachable(
        bucket.createMultipartUpload(objectKey, {
          httpMetadata: { contentType: headers.mediaType, contentDisposition: headers.disposition },
        }),
      )
      return upload.uploadId
    },

    /**
     * `lost`: storage knows no such multipart upload; it is complete already, or was given up: HEAD tells.
     * `refused`: the parts are not what was reported. `unknown`: the call failed, perhaps after it took effect.
     */
    async completeMultipart(
      objectKey: string,
      multipartId: string,
      parts: readonly { number: number; etag: string }[],
    ): Promise<'completed' | 'lost' | 'refused' | 'unknown'> {
      try {
        const uploaded = parts.map((part) => ({ partNumber: part.number, etag: part.etag }))
        await bucket.resumeMultipartUpload(objectKey, multipartId).complete(uploaded)
        return 'completed'
      } catch (failure) {
        const code = codeOf(failure)
        if (code === NO_SUCH_UPLOAD) return 'lost'
        return PARTS_REFUSED.includes(code) ? 'refused' : 'unknown'
      }
    },

    /** Frees the parts of a multipart upload; one that is gone is no error. */
    async abortMultipart(objectKey: string, multipartId: string): Promise<void> {
      try {
        await bucket.resumeMultipartUpload(objectKey, multipartId).abort()
      } catch (failure) {
        if (codeOf(failure) !== NO_SUCH_UPLOAD) throw overloaded(failure)
      }
    },
  }
}
