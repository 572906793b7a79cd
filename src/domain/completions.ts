import type { File, Upload, UploadPart, Verified } from '../model/entities.ts'
import {
  DomainError,
  fileTooLarge,
  overloaded,
  uploadChecksumMismatch,
  uploadIncomplete,
  uploadLost,
  uploadNotFound,
  uploadPartsMissing,
  uploadPartsRejected,
  uploadSizeMismatch,
} from '../model/errors.ts'
import type { StudyId, UploadId } from '../model/ids.ts'
import { isMediaType } from '../model/media-types.ts'
import type { Principal } from '../model/principal.ts'
import type { Completing, VerifiedObject } from '../storage/completions.ts'
import type { ObjectFacts } from '../storage/objects.ts'
import { dispositionOf } from './disposition.ts'
import { identify } from './identity.ts'
import { permits, rules, uploadDenial } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'
import { isTold } from './uploads.ts'

/**
 * Makes an upload's bytes the file's content. May be repeated: a settled upload answers with its file as it is now.
 * @throws DomainError `upload_incomplete`, `upload_parts_missing` while bytes are missing;
 * `upload_size_mismatch`, `upload_checksum_mismatch`, `upload_parts_rejected` for wrong ones, after which the upload's
 * next URL is for a fresh object; `upload_not_found`
 */
export async function completeUpload(scope: Scope, study: StudyId, id: UploadId): Promise<File> {
  const caller = callerIn(scope, study)
  const found = await scope.stores.completions.find(caller, id, rules.continueUpload)
  const principal = await identify(scope, found.principal)
  if (found.upload === undefined) {
    const settled = await settledFor(scope, principal, found)
    if (settled !== undefined) return settled
    throw uploadDenial(principal)
  }
  const file = await settle(scope, found.upload, found.parts)
  if (file !== undefined) return file
  // Another hand has settled it, or the caller's right to has ended: what is true now answers.
  const again = await scope.stores.completions.find(caller, id, rules.continueUpload)
  const settled = await settledFor(scope, await identify(scope, again.principal), again)
  if (settled !== undefined) return settled
  throw again.upload === undefined ? uploadNotFound() : overloaded()
}

/** The file, for whoever might have completed this upload: the rule is asked as it was while the upload was open. */
async function settledFor(scope: Scope, principal: Principal, { settled }: Completing): Promise<File | undefined> {
  if (settled === undefined) return undefined
  const { file, createdBy } = settled
  if (!permits(rules.continueUpload, principal, { ...file, createdBy })) return undefined
  return (await isTold(scope, file.study, { principal, file })) ? file : undefined
}

/**
 * Looks at the bytes and, if they are what was declared, makes them a version. Undefined: the upload was no longer
 * open, at the attempt that was looked at, when it was to be settled.
 */
export async function settle(scope: Scope, upload: Upload, parts: readonly UploadPart[]): Promise<File | undefined> {
  if (upload.stagingKey !== null) return settleStaged(scope, upload, upload.stagingKey)
  if (upload.plan.kind === 'multipart') await joinParts(scope, upload, { ...upload.plan, parts })
  const facts = await scope.stores.objects.head(upload.objectKey)
  if (facts === undefined) throw uploadIncomplete()
  return settleWhole(scope, upload, facts)
}

async function settleWhole(scope: Scope, upload: Upload, facts: ObjectFacts): Promise<File | undefined> {
  const { size } = upload.declared
  if (facts.size !== size) throw await startAgain(scope, upload, uploadSizeMismatch(size, facts.size))
  const object = await verify(scope, upload, facts)
  return scope.stores.completions.complete(callerIn(scope, upload.study), upload, {
    rule: rules.continueUpload,
    object,
  })
}

/**
 * The same of an upload whose object is there already, although what it was made of is not: the database was put back
 * to a time before the upload was complete, and since then its parts were joined, or what was sent was copied and
 * deleted. Undefined: it is not there, or it is still to be made.
 */
export async function settleMade(scope: Scope, upload: Upload): Promise<File | undefined> {
  const { objects } = scope.stores
  if (upload.stagingKey === null && upload.plan.kind === 'single') return undefined
  // What was sent is still there: it is what is meant, and no earlier copy.
  if (upload.stagingKey !== null && (await objects.head(upload.stagingKey)) !== undefined) return undefined
  const facts = await objects.head(upload.objectKey)
  if (facts === undefined) return undefined
  return upload.stagingKey === null ? settleWhole(scope, upload, facts) : settleCopied(scope, upload, facts)
}

/**
 * The same where nothing was declared: what is there is what was meant. It is copied to the object's own key, which no
 * URL leads to, so that a URL that is used again changes nothing of what was completed.
 */
async function settleStaged(scope: Scope, upload: Upload, stagingKey: string): Promise<File | undefined> {
  const { objects, completions } = scope.stores
  const sent = await objects.head(stagingKey)
  if (sent === undefined) throw uploadIncomplete()
  const { maxFileBytes } = scope.settings
  if (sent.size > maxFileBytes) throw await startAgain(scope, upload, fileTooLarge(maxFileBytes))
  const mediaType = sent.mediaType !== null && isMediaType(sent.mediaType) ? sent.mediaType : upload.declared.mediaType
  const copied = await objects.copy(
    { objectKey: stagingKey, etag: sent.etag },
    { objectKey: upload.objectKey, mediaType, disposition: dispositionOf(upload.declared.name, mediaType) },
  )
  // Bytes were sent anew while these were looked at: whoever asks next finds those.
  if (copied === 'changed') throw uploadIncomplete()
  if (copied === 'taken') {
    // An earlier look died after it had copied what was sent before: what was sent last is what is meant.
    const moved = await completions.moveObject(callerIn(scope, upload.study), upload)
    return moved && settleStaged(scope, moved, stagingKey)
  }
  return settleCopied(scope, upload, copied)
}

const settleCopied = async (scope: Scope, upload: Upload, copy: ObjectFacts): Promise<File | undefined> =>
  scope.stores.completions.complete(callerIn(scope, upload.study), upload, {
    rule: rules.continueUpload,
    object: { ...copy, mediaType: copy.mediaType ?? upload.declared.mediaType, verified: verifiedBy(copy, false) },
  })

/**
 * Bytes are missing, were wrong and are awaited anew, or are more than there is room for: nothing is the matter with the
 * service. The upload stays open until its time is over, and says so when it is asked.
 */
export const isAwaiting = (failure: unknown): boolean =>
  failure instanceof DomainError &&
  (failure.code.startsWith('upload_') || failure.code === 'file_too_large' || failure.code === 'quota_exceeded')

/**
 * Wrong bytes never become right: the next URL is for a fresh key. A job that comes first leaves them as they are, so
 * that the client, when it asks, is told what was wrong rather than that nothing is there.
 */
async function startAgain(scope: Scope, upload: Upload, why: DomainError): Promise<DomainError> {
  if (scope.credential.kind === 'system') return why
  await scope.stores.completions.restart(callerIn(scope, upload.study), upload)
  return why
}

async function joinParts(
  scope: Scope,
  upload: Upload,
  { multipartId, partCount, parts }: { multipartId: string | null; partCount: number; parts: readonly UploadPart[] },
): Promise<void> {
  const reported = new Set(parts.map((part) => part.number))
  const missing = Array.from({ length: partCount }, (_, index) => index + 1).filter((part) => !reported.has(part))
  if (missing.length > 0) throw uploadPartsMissing(missing)
  if (multipartId === null) throw uploadIncomplete()
  const { objects } = scope.stores
  const joined = await objects.completeMultipart(upload.objectKey, multipartId, parts)
  if (joined === 'completed') return
  // The parts may have been joined by a call whose answer was lost: then the object is there.
  if ((await objects.head(upload.objectKey)) !== undefined) return
  if (joined === 'unknown') throw overloaded()
  throw await startAgain(scope, upload, joined === 'refused' ? uploadPartsRejected() : uploadLost())
}

/** Storage's own record of a checksum is believed; what it has none of is read, up to the set size. */
async function verify(scope: Scope, upload: Upload, facts: ObjectFacts): Promise<VerifiedObject> {
  const { declared } = upload
  const unchecked = CHECKSUMS.some((checksum) => declared[checksum] !== null && facts[checksum] === null)
  const isRead = unchecked && declared.size <= scope.settings.readVerifyBytes
  const known = isRead ? await scope.stores.objects.digest(upload.objectKey) : facts
  if (known === undefined) throw uploadIncomplete()
  const wrong = CHECKSUMS.find((checksum) => differ(declared[checksum], known[checksum]))
  if (wrong !== undefined) throw await startAgain(scope, upload, uploadChecksumMismatch(wrong))
  return {
    size: facts.size,
    etag: facts.etag,
    mediaType: declared.mediaType,
    md5: known.md5 ?? declared.md5,
    sha256: known.sha256 ?? declared.sha256,
    verified: isRead ? 'read' : verifiedBy(facts, unchecked),
  }
}

const CHECKSUMS = ['md5', 'sha256'] as const

const differ = (declared: string | null, known: string | null): boolean =>
  declared !== null && known !== null && declared !== known

const verifiedBy = (facts: ObjectFacts, unchecked: boolean): Verified =>
  unchecked || (facts.md5 === null && facts.sha256 === null) ? 'no' : 'storage'
