import type { File } from '../model/entities.ts'
import { uploadIncomplete } from '../model/errors.ts'
import type { StudyId } from '../model/ids.ts'
import type { FileName } from '../storage/files.ts'
import type { PresignedPut } from '../storage/presign.ts'
import { completeUpload, settle } from './completions.ts'
import { identify } from './identity.ts'
import { requireVisible, rules, whyRefused } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'
import { urlExpiry } from './uploads.ts'

// For protocols whose clients go on with an upload by the name of its file, and know of no other id.

const rule = rules.continueUpload

async function find(scope: Scope, study: StudyId, name: FileName) {
  const found = await scope.stores.fileUploads.latest(callerIn(scope, study), name, rule)
  const principal = await identify(scope, found.principal)
  return { principal, file: requireVisible(principal, found.file), upload: found.upload }
}

/**
 * Makes what was sent of a file its content: of its open uploads, the one begun last. May be repeated; a file without one
 * answers as it is.
 * @throws DomainError `file_not_found`, `forbidden`, `participant_withdrawn`; `upload_incomplete` while there are fewer
 * bytes than `minBytes`, or none
 */
export async function completeFile(
  scope: Scope,
  study: StudyId,
  { name, minBytes }: { name: FileName; minBytes: number },
): Promise<File> {
  const { principal, file, upload } = await find(scope, study, name)
  if (upload === undefined) {
    const refused = whyRefused(rule, principal, file)
    if (refused !== undefined) throw refused
    return requireBytes(file, minBytes)
  }
  const sent = await scope.stores.objects.head(upload.stagingKey ?? upload.objectKey)
  if (upload.plan.kind === 'single' && (sent === undefined || sent.size < minBytes)) throw uploadIncomplete()
  const settled = upload.stagingKey === null ? undefined : await settle(scope, upload, [])
  // Another hand may have settled it, or its own call is what it needs: that answers, also for what is settled already.
  const completed = settled ?? (await completeUpload(scope, study, upload.id))
  // With the bytes may come what takes it out of an application's reach.
  return requireBytes(requireVisible(principal, completed), minBytes)
}

function requireBytes(file: File, minBytes: number): File {
  if (file.content.status === 'pending' || file.content.version.size < minBytes) throw uploadIncomplete()
  return file
}

/**
 * A fresh URL for the bytes of a file of which nothing was declared, which signs these headers and lives so long.
 * Undefined: nothing is to be sent, or not by such a URL, or not by the caller.
 * @throws DomainError `file_not_found`
 */
export async function renewFileUrl(
  scope: Scope,
  study: StudyId,
  { name, headers, seconds }: { name: FileName; headers: Readonly<Record<string, string>>; seconds: number },
): Promise<PresignedPut | undefined> {
  const { upload } = await find(scope, study, name)
  if (upload === undefined || upload.stagingKey === null) return undefined
  const urlExpiresAt = urlExpiry(scope, seconds)
  const extended = await scope.stores.uploads.extendUrl(callerIn(scope, study), upload.id, { rule, urlExpiresAt })
  if (extended === undefined || extended.stagingKey === null) return undefined
  return scope.stores.presigner.looseUpload({
    objectKey: extended.stagingKey,
    headers,
    now: scope.now,
    expiresAt: urlExpiresAt,
  })
}
