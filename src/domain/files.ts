import type { File, Version } from '../model/entities.ts'
import {
  invalidBody,
  participantWithdrawn,
  publicNotAllowed,
  revisionMismatch,
  versionNotFound,
} from '../model/errors.ts'
import type { FileId, StudyId, VersionId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import type { FileChanges, FileName } from '../storage/files.ts'
import type { FileQuery } from '../storage/shelf.ts'

import { identify } from './identity.ts'
import { denial, requirePermission, requireVisible, rules, whyRefused } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

// What verbs take is domain's word too, so that the tongues need not know where it is kept.
export type { FileChanges, FileName } from '../storage/files.ts'
export type { FileQuery } from '../storage/shelf.ts'

/** @throws DomainError `file_not_found`, also for a file that the caller may not see */
export async function getFile(scope: Scope, study: StudyId, name: FileName): Promise<File> {
  const found = await scope.stores.files.find(callerIn(scope, study), name)
  return requireVisible(await identify(scope, found.principal), found.file)
}

/** A page of what the caller may find, newest first; of files without content, where those are asked for. */
export async function listFiles(
  scope: Scope,
  study: StudyId,
  { query, page }: { query: FileQuery; page: PageRequest },
): Promise<Page<File>> {
  const { shelf } = scope.stores
  const asked = { rule: rules.listFiles, page }
  const caller = callerIn(scope, study)
  const found =
    query.status === 'pending' ? await shelf.listPending(caller, query, asked) : await shelf.list(caller, query, asked)
  const principal = await identify(scope, found.principal)
  if (principal.role !== 'participant') requirePermission(principal, rules.listFiles)
  return found.page
}

/**
 * @throws DomainError `file_not_found`, `forbidden`, `participant_withdrawn`, `revision_mismatch`,
 * `public_not_allowed`, `invalid_body`
 */
export async function updateFile(
  scope: Scope,
  study: StudyId,
  { name, changes, revision }: { name: FileName; changes: FileChanges; revision: number | undefined },
): Promise<File> {
  const caller = callerIn(scope, study)
  const wanted: readonly Rule[] = [rules.editFile, ...(changes.visibility === undefined ? [] : [rules.setVisibility])]
  const found = await scope.stores.files.update(caller, name, { rules: wanted, changes, revision })
  const principal = await identify(scope, found.principal)
  const file = requireVisible(principal, found.file)
  if (found.updated) return file
  throw await whyNotUpdated(scope, study, { principal, file, changes, revision, wanted })
}

async function whyNotUpdated(
  scope: Scope,
  study: StudyId,
  asked: {
    principal: Principal
    file: File
    changes: FileChanges
    revision: number | undefined
    wanted: readonly Rule[]
  },
) {
  const { principal, file, changes, revision, wanted } = asked
  const refused = wanted.map((rule) => whyRefused(rule, principal, file)).find((why) => why !== undefined)
  if (refused !== undefined) return refused
  if (revision !== undefined && revision !== file.revision) return revisionMismatch()
  if (changes.visibility === 'private' && file.owner === null) {
    return invalidBody([{ pointer: '/visibility', message: "The study's own files are never private." }])
  }
  if (changes.visibility === 'public') {
    const { study: owning } = await scope.stores.studies.find(callerIn(scope, study))
    if (owning?.settings.allowPublic !== true) return publicNotAllowed()
  }
  return participantWithdrawn()
}

/** @throws DomainError `file_not_found`, `forbidden`, `participant_withdrawn`, `revision_mismatch` */
export async function deleteFile(
  scope: Scope,
  study: StudyId,
  { name, revision }: { name: FileName; revision: number | undefined },
): Promise<void> {
  const caller = callerIn(scope, study)
  const found = await scope.stores.files.remove(caller, name, { rule: rules.deleteFile, revision })
  const principal = await identify(scope, found.principal)
  const file = requireVisible(principal, found.file)
  if (found.removed) return
  const refused = whyRefused(rules.deleteFile, principal, file)
  if (refused !== undefined) throw refused
  const now = await scope.stores.files.find(caller, { id: file.id })
  // Gone after all: by this call, whose first answer was lost, or by another at the same time.
  if (now.file === undefined) return
  throw revision !== undefined && now.file.revision !== revision ? revisionMismatch() : participantWithdrawn()
}

export async function listVersions(
  scope: Scope,
  study: StudyId,
  { file, page }: { file: FileId; page: PageRequest },
): Promise<Page<Version>> {
  const found = await scope.stores.files.listVersions(callerIn(scope, study), file, page)
  requireVisible(await identify(scope, found.principal), found.file)
  return found.versions
}

/** @throws DomainError `file_not_found`, `version_not_found` */
export async function getVersion(
  scope: Scope,
  study: StudyId,
  { file, version }: { file: FileId; version: VersionId },
): Promise<Version> {
  const found = await scope.stores.files.findContent(callerIn(scope, study), file, version)
  const principal = await identify(scope, found.principal)
  requireVisible(principal, found.file)
  if (found.version === undefined) throw denial(principal, versionNotFound())
  return found.version
}
