import type { DeclaredContent, File, FileDetails, Upload, Visibility } from '../model/entities.ts'
import { overloaded, uploadLost } from '../model/errors.ts'
import type { Handle, StudyId } from '../model/ids.ts'
import { completeUpload } from './completions.ts'
import { dispositionOf } from './disposition.ts'
import { callerIn, type Scope } from './scope.ts'
import { abandonUpload, type Begun, beginUpload, type NewFile, type NewOwner } from './uploads.ts'

/** A file whose bytes come through the Worker, in the request that begins it. */
export type ReceivedFile = Readonly<{
  owner: NewOwner
  name: string
  mediaType: string
  details: Partial<FileDetails>
  doorVisibility: Visibility
  /** Of the owner's file that gets another version; undefined: it is a new file. */
  handle?: Handle | undefined
  /** A new file is content only, which is on no list until somebody makes a file of it. */
  draft?: boolean | undefined
}>

/** The file as it is now, and the number of the version that the bytes have become: another may be later by now. */
export type Received = Readonly<{ file: File; version: number }>

/**
 * Takes a file's bytes as they come and answers with the complete file. Two parts are held at a time, however many there
 * are. Of bytes that break off, or that storage does not take, nothing is kept.
 * @throws DomainError what `beginUpload` and `completeUpload` do, and whatever reading `bytes` does
 */
export async function receiveUpload(
  scope: Scope,
  study: StudyId,
  { file, bytes }: { file: ReceivedFile; bytes: AsyncIterable<Uint8Array> },
): Promise<Received> {
  const parts = partsOf(bytes, scope.settings.partBytes)
  const whole = (await parts.next()).value ?? new Uint8Array()
  const next = await parts.next()
  if (next.value !== undefined) {
    return receiveParts(scope, study, { file, parts: following([whole, next.value], parts) })
  }
  const begun = await beginUpload(scope, study, { ...asNew(file, whole.length), kind: 'single' })
  return orAbandon(scope, begun, async ({ id, objectKey }) => {
    await scope.stores.objects.put(objectKey, whole, headersOf(file))
    return completeUpload(scope, study, id)
  })
}

/**
 * Of more than one part it is not known how many there will be, so that nothing can be declared. They go to a staging key
 * as the parts of an upload that the row knows of: whatever becomes of this process, the sweep ends both.
 */
async function receiveParts(
  scope: Scope,
  study: StudyId,
  { file, parts }: { file: ReceivedFile; parts: AsyncIterable<Uint8Array> },
): Promise<Received> {
  const { objects, uploads } = scope.stores
  // Nobody is told the URL.
  const begun = await beginUpload(scope, study, { ...asNew(file, 0), loose: { headers: {}, urlSeconds: 1 } })
  return orAbandon(scope, begun, async (upload) => {
    const stagingKey = upload.stagingKey ?? upload.objectKey
    const opened = await objects.createMultipart(stagingKey, headersOf(file))
    if ((await uploads.keepMultipart(callerIn(scope, study), upload, opened)) !== opened) {
      await objects.abortMultipart(stagingKey, opened)
      throw uploadLost()
    }
    const sent: { number: number; etag: string }[] = []
    for await (const part of parts) {
      sent.push(await objects.putPart(stagingKey, opened, { number: sent.length + 1, bytes: part }))
    }
    const joined = await objects.completeMultipart(stagingKey, opened, sent)
    if (joined !== 'completed' && (await objects.head(stagingKey)) === undefined) throw overloaded()
    return completeUpload(scope, study, upload.id)
  })
}

const headersOf = ({ name, mediaType }: ReceivedFile) => ({ mediaType, disposition: dispositionOf(name, mediaType) })

function asNew({ name, mediaType, ...file }: ReceivedFile, size: number): NewFile {
  const content: DeclaredContent = { name, mediaType, size, md5: null, sha256: null }
  const revision = file.handle === undefined ? undefined : 'any'
  return { ...file, handle: file.handle, visibility: undefined, kind: undefined, revision, content }
}

async function orAbandon(
  scope: Scope,
  { upload: begun }: Begun,
  receive: (upload: Upload) => Promise<File>,
): Promise<Received> {
  // A request that began nothing, but was answered again, would have no bytes to wait for.
  if ('settled' in begun) throw uploadLost()
  const { upload } = begun
  try {
    return { file: await receive(upload), version: upload.number }
  } catch (failure) {
    // What cannot be given up now, the sweep gives up later; what went wrong first is what the caller is told.
    await abandonUpload(scope, upload.study, upload.id).catch(() => undefined)
    throw failure
  }
}

/** What was taken before the rest; it is let go of as it goes on. */
async function* following(first: Uint8Array[], rest: AsyncIterable<Uint8Array>) {
  for (let part = first.shift(); part !== undefined; part = first.shift()) yield part
  yield* rest
}

/** The same bytes in equal parts but for the last. */
async function* partsOf(bytes: AsyncIterable<Uint8Array>, partBytes: number): AsyncGenerator<Uint8Array, undefined> {
  let part = new Uint8Array(partBytes)
  let filled = 0
  for await (const chunk of bytes) {
    let taken = 0
    while (taken < chunk.length) {
      const some = chunk.subarray(taken, taken + partBytes - filled)
      part.set(some, filled)
      filled += some.length
      taken += some.length
      if (filled === partBytes) {
        yield part
        part = new Uint8Array(partBytes)
        filled = 0
      }
    }
  }
  if (filled > 0) yield part.subarray(0, filled)
}
