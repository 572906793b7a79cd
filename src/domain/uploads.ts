import type {
  Changes,
  DeclaredContent,
  File,
  FileDetails,
  Upload,
  UploadPart,
  UploadPlan,
  Visibility,
} from '../model/entities.ts'
import {
  type DomainError,
  fileNotFound,
  fileTooLarge,
  invalidBody,
  overloaded,
  uploadLost,
  uploadNotFound,
  uploadNotMultipart,
} from '../model/errors.ts'
import { type FileId, type Handle, newId, type StudyId, type UploadId } from '../model/ids.ts'
import type { ForeignData, Principal } from '../model/principal.ts'
import type { PresignedPut } from '../storage/presign.ts'
import type { NewOwner } from '../storage/begin.ts'
import type { FreeHandle } from '../storage/free-handles.ts'
import { whyNotBegun } from './begin-refusal.ts'
import { dispositionOf } from './disposition.ts'
import { once } from './idempotency.ts'
import { identify } from './identity.ts'
import { accessTo, denial, permits, rules, uploadDenial } from './policy.ts'
import { callerIn, type Scope, secondsFrom } from './scope.ts'

export type { NewOwner } from '../storage/begin.ts'
export type { FreeHandle } from '../storage/free-handles.ts'

const MAX_PARTS = 10_000
const MIB = 1024 * 1024
/** What one PUT can carry (docs: R2, "Limits"). */
const MAX_SINGLE_BYTES = 4_995 * MIB

export type NewFile = Readonly<{
  owner: NewOwner
  /** The owner's own name for it; undefined: always a new file. */
  handle: Handle | undefined
  /** Of a file that is always a new one: what it is to be called, with a number if that is taken. */
  freeHandle?: FreeHandle | undefined
  content: DeclaredContent
  /** Absent: left as it is in a file that is replaced, empty in a new one. */
  details: Changes<FileDetails>
  /** What only the protocol knows of a new file. */
  foreign?: ForeignData | undefined
  /** A new file is content only, which is on no list until somebody makes a file of it. */
  draft?: boolean | undefined
  visibility: Visibility | undefined
  /** What the door gives where neither the caller nor the study says. */
  doorVisibility: Visibility
  kind: UploadPlan['kind'] | undefined
  /**
   * A PUT whose client declares nothing of the bytes that could bind them: only these headers are signed, with their
   * names in lower case, and the URL lives so long. What was declared in `content` of size and checksums is then unknown.
   */
  loose?: Readonly<{ headers: Readonly<Record<string, string>>; urlSeconds: number }> | undefined
  /** Only if the file that is replaced is at this revision; `any`: only if there is one; `none`: only if there is none. */
  revision: number | 'any' | 'none' | undefined
}>

/** An open upload as its client needs it: `put` is where a single one is sent, with exactly these headers. */
export type OpenUpload = Readonly<{ upload: Upload; put: PresignedPut | undefined; parts: readonly UploadPart[] }>

/** One that is open no longer: it was completed, or given up. */
export type SettledUpload = Readonly<{ settled: UploadId }>

export type Begun = Readonly<{ file: File; upload: OpenUpload | SettledUpload }>

export type PartSizes = { partBytes: number; partCount: number }

/** Equal parts but for the last, as R2 wants them, of the set size or as large as 10,000 of them must be. */
function planParts(scope: Scope, { content, kind, loose }: NewFile): PartSizes | undefined {
  if (loose !== undefined) return undefined
  const { size } = content
  const { partBytes: usual, multipartThresholdBytes, maxFileBytes } = scope.settings
  if (size > maxFileBytes) throw fileTooLarge(maxFileBytes)
  if (kind === 'single' && size > MAX_SINGLE_BYTES) {
    throw invalidBody([{ pointer: '/upload', message: `One PUT takes ${MAX_SINGLE_BYTES} bytes at most.` }])
  }
  if (kind === 'multipart' && size === 0) {
    throw invalidBody([{ pointer: '/upload', message: 'An empty file has no parts.' }])
  }
  if (kind === 'single' || (kind === undefined && size < multipartThresholdBytes)) return undefined
  const partBytes = Math.max(usual, Math.ceil(size / MAX_PARTS / MIB) * MIB)
  return { partBytes, partCount: Math.ceil(size / partBytes) }
}

async function presignPut(scope: Scope, upload: Upload, headers: LooseHeaders): Promise<PresignedPut> {
  const times = { now: scope.now, expiresAt: upload.urlExpiresAt }
  if (upload.stagingKey !== null) {
    // The protocol that began it knows what its clients send; asked for in another tongue, the URL binds nothing.
    return scope.stores.presigner.looseUpload({ objectKey: upload.stagingKey, headers: headers ?? {}, ...times })
  }
  return scope.stores.presigner.upload({
    ...upload.declared,
    objectKey: upload.objectKey,
    disposition: dispositionOf(upload.declared.name, upload.declared.mediaType),
    ...times,
  })
}

type LooseHeaders = NonNullable<NewFile['loose']>['headers'] | undefined

/** It may end after the upload's own time: the sweep then waits for it. */
export const urlExpiry = ({ now, settings }: Scope, seconds = settings.uploadUrlSeconds) => secondsFrom(now, seconds)

/**
 * Opens the multipart upload in storage if that is still to do. Its row is there first, so whatever is opened is
 * known to the sweep; of two that open it at once, the second closes its own again.
 */
export async function openMultipart(scope: Scope, upload: Upload): Promise<string> {
  const { plan, declared, objectKey } = upload
  if (plan.kind === 'single') throw uploadNotMultipart('single')
  if (plan.multipartId !== null) return plan.multipartId
  const { objects, uploads } = scope.stores
  const disposition = dispositionOf(declared.name, declared.mediaType)
  const opened = await objects.createMultipart(objectKey, { mediaType: declared.mediaType, disposition })
  const kept = await uploads.keepMultipart(callerIn(scope, upload.study), upload, opened)
  if (kept !== opened) await objects.abortMultipart(objectKey, opened)
  if (kept === null) throw uploadLost()
  return kept
}

/**
 * Reserves a version of a new file, or of the one that the owner has under the handle, and says where its bytes go.
 * @throws DomainError `invalid_body`, `file_too_large`, `participant_not_found`, `participant_withdrawn`, `forbidden`,
 * `public_not_allowed`, `visibility_differs`, `revision_mismatch`, `numbers_exhausted`
 */
export const beginUpload = async (scope: Scope, study: StudyId, file: NewFile): Promise<Begun> =>
  once(scope, study, {
    attempt: async () => begin(scope, study, file),
    again: async (made) => {
      // The file is read last, so that it is never told of as it was before its upload settled.
      const upload = await resumeUpload(scope, study, made.upload)
      return { file: await begunFile(scope, study, made.file), upload }
    },
  })

async function begin(scope: Scope, study: StudyId, file: NewFile): Promise<Begun> {
  const caller = callerIn(scope, study)
  const parts = planParts(scope, file)
  const { begun, principal: found } = await scope.stores.uploads.begin(caller, {
    id: newId('upl', scope.now),
    newFile: newId('fil', scope.now),
    handle: file.handle,
    freeHandle: file.freeHandle,
    owner: file.owner,
    declared: file.content,
    details: file.details,
    foreign: file.foreign,
    draft: file.draft ?? false,
    visibility: file.visibility,
    doorVisibility: file.doorVisibility,
    parts,
    staged: file.loose !== undefined,
    urlExpiresAt: urlExpiry(scope, file.loose?.urlSeconds),
    expiresAt: secondsFrom(scope.now, scope.settings.uploadSeconds),
    revision: file.revision,
    rules: { create: rules.createFile, replace: rules.editFile, publish: rules.publish },
  })
  const principal = await identify(scope, found)
  if (begun === undefined) throw await whyNotBegun(scope, study, { principal, file })
  const opened = { upload: begun.upload, parts: [] }
  return { file: begun.file, upload: await reachable(scope, opened, file.loose?.headers) }
}

/** With what it takes to send its bytes: a URL for all of them, or parts that can be presigned. */
async function reachable(
  scope: Scope,
  { upload, parts }: Pick<OpenUpload, 'upload' | 'parts'>,
  headers?: LooseHeaders,
): Promise<OpenUpload> {
  if (upload.plan.kind === 'single') return { upload, put: await presignPut(scope, upload, headers), parts }
  await openMultipart(scope, upload)
  return { upload, put: undefined, parts }
}

/**
 * Whether somebody is told what has become of what they began: also where they may not see it any more, unless its owner
 * has left. Then the owner is asked for, and only then.
 */
export async function isTold(
  scope: Scope,
  study: StudyId,
  { principal, file }: { principal: Principal; file: File },
): Promise<boolean> {
  if (file.owner === null || accessTo(file, principal) !== 'none') return true
  const { participant } = await scope.stores.participants.find(callerIn(scope, study), file.owner)
  return participant?.status === 'active'
}

/** A file that the caller has begun, for as long as it could go on with it: the rule does not end with the upload. */
async function begunFile(scope: Scope, study: StudyId, id: FileId): Promise<File> {
  const { file, principal: found } = await scope.stores.files.find(callerIn(scope, study), { id })
  const principal = await identify(scope, found)
  if (file === undefined) throw denial(principal, fileNotFound())
  const mayGoOn = permits(rules.continueUpload, principal, file)
  if (!mayGoOn || !(await isTold(scope, study, { principal, file }))) throw uploadDenial(principal)
  return file
}

/** An upload as it is now; of an open one, with all that its client needs to go on. */
async function resumeUpload(scope: Scope, study: StudyId, id: UploadId): Promise<OpenUpload | SettledUpload> {
  const upload = await scope.stores.uploads.extendUrl(callerIn(scope, study), id, {
    rule: rules.continueUpload,
    urlExpiresAt: urlExpiry(scope),
  })
  if (upload === undefined) return { settled: id }
  const parts = upload.plan.kind === 'single' ? [] : (await getUpload(scope, study, id)).parts
  return reachable(scope, { upload, parts })
}

async function notContinued(scope: Scope, study: StudyId, id: UploadId): Promise<DomainError> {
  const found = await scope.stores.uploads.find(callerIn(scope, study), id, rules.continueUpload)
  return uploadDenial(await identify(scope, found.principal))
}

/** What is known of an open upload: what a client that kept only its id needs to go on. */
export async function getUpload(scope: Scope, study: StudyId, id: UploadId): Promise<OpenUpload> {
  const found = await scope.stores.uploads.find(callerIn(scope, study), id, rules.continueUpload)
  const principal = await identify(scope, found.principal)
  if (found.upload === undefined) throw uploadDenial(principal)
  return { upload: found.upload, put: undefined, parts: found.parts }
}

/**
 * A fresh URL for a single PUT, as often as asked. What was sent stays: a PUT that has landed answers the next with 412.
 * @throws DomainError `upload_not_found`, `upload_not_multipart` for one that is sent in parts
 */
export async function renewUploadUrl(scope: Scope, study: StudyId, id: UploadId): Promise<OpenUpload> {
  const upload = await extendUrl(scope, study, id)
  if (upload.plan.kind === 'multipart') throw uploadNotMultipart('multipart')
  return { upload, put: await presignPut(scope, upload, undefined), parts: [] }
}

/** The upload, for whom a URL is about to be made that may outlive those before. */
export async function extendUrl(scope: Scope, study: StudyId, id: UploadId): Promise<Upload> {
  const upload = await scope.stores.uploads.extendUrl(callerIn(scope, study), id, {
    rule: rules.continueUpload,
    urlExpiresAt: urlExpiry(scope),
  })
  if (upload === undefined) throw await notContinued(scope, study, id)
  return upload
}

/**
 * Gives an upload up. A new file that has no other goes with it; a file that it would have replaced stays.
 * @throws DomainError `upload_not_found`, also for one that is complete; `overloaded` if it has just changed
 */
export async function abandonUpload(scope: Scope, study: StudyId, id: UploadId): Promise<void> {
  const { upload } = await getUpload(scope, study, id)
  const left = await scope.stores.uploads.drop(callerIn(scope, study), upload, { rule: rules.continueUpload })
  if (left === 'complete') throw uploadNotFound()
  if (left === 'open') throw overloaded()
}
