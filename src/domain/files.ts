import type { File, Version } from '../model/entities.ts'
import {
  forbidden,
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
import type { FileQuery } from '../storage/shelf-ranges.ts'
import type { Caller } from '../storage/who.ts'
import { identify } from './identity.ts'
import { denial, keepsSource, requirePermission, requireVisible, rules, whyRefused } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

// What verbs take is domain's word too, so that the tongues need not know where it is kept.
export type { FileChanges, FileName } from '../storage/files.ts'
export type { FileQuery } from '../storage/shelf-ranges.ts'

/** @throws DomainError `file_not_found`, also for a file that the caller may not see */
export async function getFile(scope: Scope, study: StudyId, name: FileName): Promise<File> {
  const found = await scope.stores.files.find(callerIn(scope, study), name)
  return requireVisible(await identify(scope, found.principal), found.file)
}

/**
 * A page of what the caller may find: complete files, newest first, or those without content. Where words are asked for,
 * what has them, the latest begun first.
 */
export async function listFiles(
  scope: Scope,
  study: StudyId,
  { query, page }: { query: FileQuery; page: PageRequest },
): Promise<Page<File>> {
  const found = await find(scope, callerIn(scope, study), { query, page })
  const principal = await identify(scope, found.principal)
  if (principal.role !== 'participant') requirePermission(principal, rules.listFiles)
  return found.page
}

async function find(
  { stores: { search, shelf } }: Scope,
  caller: Caller,
  { query, page }: { query: FileQuery; page: PageRequest },
) {
  const asked = { rule: rules.listFiles, page }
  const { q, status } = query
  if (q !== undefined) return search.search(caller, { ...query, q }, asked)
  return status === 'pending' ? shelf.listPending(caller, query, asked) : shelf.list(caller, query, asked)
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
  if (!keepsSource(principal, changes)) return forbidden()
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

/** Newest first. @throws DomainError `file_not_found`, `cursor_invalid` */
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
  const found = await scope.stores.files.findContent(callerIn(scope, study), { id: file }, version)
  const principal = await identify(scope, found.principal)
  requireVisible(principal, found.file)
  if (found.version === undefined) throw denial(principal, versionNotFound())
  return found.version
}
