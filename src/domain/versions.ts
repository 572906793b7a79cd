import { type DomainError, fileNotFound, participantWithdrawn, versionBound, versionNotFound } from '../model/errors.ts'
import type { FileId, StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import type { Hindrance } from '../storage/version-moves.ts'
import type { Order, VersionChanges, VersionOfFile, VersionsOfFile } from '../storage/versions.ts'
import { identify } from './identity.ts'
import { accessTo, denial, requirePermission, requireVisible, rules, whyRefused } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

// What verbs take and give is domain's word too.
export { cursorAfterVersion, type VersionOfFile, type VersionsOfFile } from '../storage/versions.ts'

/** @throws DomainError `version_not_found`, also for one of a file that the caller may not see */
export function requireVisibleVersion(principal: Principal, found: VersionOfFile | undefined): VersionOfFile {
  if (found === undefined || accessTo(found.file, principal) === 'none') throw denial(principal, versionNotFound())
  return found
}

/** A version by its number, whatever file it is of, drafts too. @throws DomainError `version_not_found` */
export async function getReviewedVersion(scope: Scope, study: StudyId, number: number): Promise<VersionOfFile> {
  const { principal, found } = await scope.stores.versions.find(callerIn(scope, study), number)
  return requireVisibleVersion(await identify(scope, principal), found)
}

/**
 * The first versions of each of up to a hundred files, in one trip, and whether there are more. Of a file that the caller
 * may not see there are none.
 */
export async function listVersionsOf(
  scope: Scope,
  study: StudyId,
  asked: { files: readonly FileId[]; limit: number; order: Order },
): Promise<ReadonlyMap<FileId, VersionsOfFile>> {
  const rule = rules.fileMetadata
  const { principal, versions } = await scope.stores.versions.ofFiles(callerIn(scope, study), { ...asked, rule })
  await identify(scope, principal)
  return versions
}

/**
 * A page of the versions of what the caller finds listed, or of one file of that, by their numbers; of drafts there are
 * none. It may be short, and have a next one: at most a thousand are looked at.
 * @throws DomainError `cursor_invalid`, `forbidden`
 */
export async function listStudyVersions(
  scope: Scope,
  study: StudyId,
  { file, order, page }: { file?: FileId | undefined; order: Order; page: PageRequest },
): Promise<Page<VersionOfFile>> {
  const rule = rules.listFiles
  const found = await scope.stores.versions.list(callerIn(scope, study), { file, order, rule, page })
  const principal = await identify(scope, found.principal)
  if (principal.role !== 'participant') requirePermission(principal, rule)
  return found.page
}

/**
 * Changes what is said of a version: its description as whoever may edit its file, its review as those who may say it.
 * @throws DomainError `version_not_found`, `forbidden`, `participant_withdrawn`
 */
export async function editVersion(
  scope: Scope,
  study: StudyId,
  { version: number, changes }: { version: number; changes: VersionChanges },
): Promise<VersionOfFile> {
  const { description, review } = changes
  const wanted = [
    ...(description !== undefined || review === undefined ? [rules.editFile] : []),
    ...(review === undefined ? [] : [rules.reviewVersion]),
  ]
  const answer = await scope.stores.versions.edit(callerIn(scope, study), number, { rules: wanted, changes })
  const principal = await identify(scope, answer.principal)
  const found = requireVisibleVersion(principal, answer.found)
  if (answer.edited) return found
  const refused = wanted.map((rule) => whyRefused(rule, principal, found.file)).find((why) => why !== undefined)
  throw refused ?? participantWithdrawn()
}

/**
 * Moves a version to another file of the same owner, named by its number, where it is the current one if no later one is
 * there. A draft that has nothing left goes; any other file keeps its last version. Links to it end.
 * @throws DomainError `version_not_found`, `file_not_found`, `version_bound` where it has to stay, `forbidden`,
 * `participant_withdrawn`
 */
export async function moveVersion(
  scope: Scope,
  study: StudyId,
  { version: number, to }: { version: number; to: number },
): Promise<VersionOfFile> {
  const { file: source } = await getReviewedVersion(scope, study, number)
  const tried = await scope.stores.versionMoves.move(callerIn(scope, study), {
    version: number,
    from: source.id,
    to,
    rule: rules.editFile,
  })
  const principal = await identify(scope, tried.principal)
  const found = requireVisibleVersion(principal, tried.found)
  const target = requireVisible(principal, tried.target)
  // Content that nobody has made a file of is none to move anything to: it would be on no list any more.
  if (target.draft) throw denial(principal, fileNotFound())
  const refused = whyRefused(rules.editFile, principal, found.file) ?? whyRefused(rules.editFile, principal, target)
  if (refused !== undefined) throw refused
  if (found.file.id === target.id) return found
  // Another has moved it in the meantime: it is to be moved from there.
  if (found.file.id !== source.id) return moveVersion(scope, study, { version: number, to })
  throw found.file.owner === target.owner
    ? whyStays(tried.hindrance)
    : versionBound('A version moves between files of one owner.')
}

function whyStays(hindrance: Hindrance | undefined): DomainError {
  switch (hindrance) {
    case 'last':
      return versionBound('This is the last version of its file, which keeps it.')
    case 'late':
      return versionBound('The study keeps the latest version only, and the file has a later one.')
    case undefined:
      return participantWithdrawn()
    default:
      return hindrance satisfies never
  }
}
