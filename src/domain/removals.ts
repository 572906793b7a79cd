import {
  type DomainError,
  type ErrorCode,
  forbidden,
  invalidBody,
  participantNotFound,
  participantWithdrawn,
  revisionMismatch,
} from '../model/errors.ts'
import type { FileId, ParticipantId, StudyId } from '../model/ids.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import type { FileName } from '../storage/files.ts'
import type { JudgedFile, NamedFile } from '../storage/removals.ts'
import { identify } from './identity.ts'
import { accessTo, denial, filterFor, permits, requireVisible, rules, whyRefused, whyTied } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

const rule = rules.deleteFile

/** @throws DomainError `file_not_found`, `forbidden`, `participant_withdrawn`, `revision_mismatch` */
export async function deleteFile(
  scope: Scope,
  study: StudyId,
  { name, revision }: { name: FileName; revision: number | undefined },
): Promise<void> {
  const caller = callerIn(scope, study)
  const found = await scope.stores.files.find(caller, name)
  const principal = await identify(scope, found.principal)
  const file = requireVisible(principal, found.file)
  const refused = whyRefused(rule, principal, file)
  if (refused !== undefined) throw refused
  const { left } = await scope.stores.removals.remove(caller, [file.id], { rule, revision })
  const [still] = left
  // Gone: by this call, whatever became of its first answer, or by another at the same time.
  if (still === undefined) return
  throw revision !== undefined && still.revision !== revision ? revisionMismatch() : participantWithdrawn()
}

/** Whose files: the caller's own where nothing is said, which only a participant has; null: the study's. */
export type OwnedFiles = Readonly<{
  participant: ParticipantId | 'me' | null | undefined
  name: string | undefined
  number?: number | undefined
  /** Only those with content that this rule lets the caller see, too. */
  seenBy?: Rule | undefined
}>

/** Why a file stayed, in the word that deleting it alone would be answered with. */
export type Refusal = Extract<ErrorCode, 'file_not_found' | 'forbidden' | 'participant_withdrawn'>

/** What went, what of the ids that were asked for did not and why, and whether there is more to ask for again. */
export type Removed = Readonly<{
  deleted: readonly NamedFile[]
  refused: readonly Readonly<{ id: FileId; code: Refusal }>[]
  more: boolean
}>

/**
 * Deletes those of the files that the caller may delete. Each goes whole or not at all, whatever becomes of the others.
 * @throws DomainError `forbidden`, `participant_withdrawn`
 */
export async function deleteFiles(scope: Scope, study: StudyId, ids: readonly FileId[]): Promise<Removed> {
  const caller = callerIn(scope, study)
  const found = await scope.stores.removals.judge(caller, ids)
  const principal = await identify(scope, found.principal)
  requireDeleting(principal)
  const permitted = found.files.filter((file) => permits(rule, principal, file))
  const { removed, left } = await remove(scope, study, permitted)

  const judged = new Map(found.files.map((file) => [file.id, file]))
  const [gone, still] = [new Set(removed.map(({ id }) => id)), new Set(left.map(({ id }) => id))]
  const whyRefusedOf = (id: FileId): Refusal =>
    still.has(id) ? 'participant_withdrawn' : whyNotPermitted(principal, judged.get(id))
  return {
    deleted: removed,
    refused: ids.filter((id) => !gone.has(id)).map((id) => ({ id, code: whyRefusedOf(id) })),
    more: false,
  }
}

/** Also of what was permitted and went, by another at the same moment, before this could remove it. */
const whyNotPermitted = (principal: Principal, file: JudgedFile | undefined): Refusal =>
  file === undefined || permits(rule, principal, file) || accessTo(file, principal) === 'none'
    ? 'file_not_found'
    : 'forbidden'

/**
 * Deletes an owner's files, all or those of one name: as many as go at once, and tells whether there are more.
 * @throws DomainError `participant_not_found`, `participant_withdrawn`, `forbidden`, `invalid_body`
 */
export async function deleteOwnedFiles(scope: Scope, study: StudyId, asked: OwnedFiles): Promise<Removed> {
  const caller = callerIn(scope, study)
  const { participant = 'me', ...which } = asked
  const found = await scope.stores.removals.choose(caller, { ...which, owner: participant }, rule)
  const principal = await identify(scope, found.principal)
  requireDeleting(principal)
  const refused = whyNotOwned(principal, participant, found.status)
  if (refused !== undefined) throw refused
  const { removed } = await remove(scope, study, found.files)
  return { deleted: removed, refused: [], more: found.more }
}

async function remove(scope: Scope, study: StudyId, files: readonly NamedFile[]) {
  if (files.length === 0) return { removed: [], left: [] }
  const ids = files.map(({ id }) => id)
  const { removed, left } = await scope.stores.removals.remove(callerIn(scope, study), ids, { rule })
  const gone = new Set(removed)
  return { removed: files.filter(({ id }) => gone.has(id)), left }
}

/** @throws DomainError where there is nothing that the caller might delete */
function requireDeleting(principal: Principal): void {
  if (filterFor(principal, rule).length === 0) throw denial(principal, forbidden())
  const tied = whyTied(rule, principal)
  if (tied !== undefined) throw tied
}

function whyNotOwned(
  principal: Principal,
  participant: ParticipantId | 'me' | null,
  status: string | undefined,
): DomainError | undefined {
  if (principal.role === 'participant') {
    if (participant === null) return forbidden()
    if (participant !== 'me' && participant !== principal.participant) return participantNotFound()
  }
  if (participant === null) return undefined
  if (participant === 'me' && principal.role !== 'participant') {
    return invalidBody([{ pointer: '/participant', message: "Say whose the files are, or null for the study's own." }])
  }
  if (status === undefined) return participantNotFound()
  return status === 'active' ? undefined : participantWithdrawn()
}
