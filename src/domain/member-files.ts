import type { File, Participant } from '../model/entities.ts'
import { fileNotFound, overloaded, unauthenticated } from '../model/errors.ts'
import { type ParticipantId, type StudyId, uploadOf } from '../model/ids.ts'
import type { Principal } from '../model/principal.ts'
import type { ListedFile, ListedMember, Stretch } from '../storage/member-files.ts'
import type { NamedFile } from '../storage/removals.ts'
import { completeUpload } from './completions.ts'
import { identify } from './identity.ts'
import { denial, requirePermission, rules } from './policy.ts'
import { deleteOwnedFiles } from './removals.ts'
import { callerIn, type Scope } from './scope.ts'

// For a protocol whose clients are a project's software: it knows people and files by their numbers, and nobody who has
// left. What verbs take and tell is domain's word too, so that the tongues need not know where it is kept.
export type { ListedFile, ListedMember, Stretch } from '../storage/member-files.ts'

const rule = rules.listMemberFiles

/**
 * The member whom the caller is, else the one of a number; undefined: nobody who takes part, and `former` is who did.
 * Whoever may act for members at all may ask.
 */
export async function findMember(
  scope: Scope,
  study: StudyId,
  number: number | undefined,
): Promise<{ principal: Principal; member: Participant | undefined; former: Participant | undefined }> {
  const found = await scope.stores.memberFiles.member(callerIn(scope, study), number)
  const principal = await identify(scope, found.principal)
  if (principal.role !== 'participant') requirePermission(principal, rules.listParticipants)
  const { participant } = found
  return {
    principal,
    member: participant?.status === 'active' ? participant : undefined,
    former: participant?.status === 'withdrawn' ? participant : undefined,
  }
}

/** How many take part in a study. @throws DomainError `unauthenticated` to those who have no place in it */
export async function countMembers(scope: Scope, study: StudyId): Promise<number> {
  const { count, ...found } = await scope.stores.memberFiles.count(callerIn(scope, study))
  const { role } = await identify(scope, found.principal)
  if (role === 'anonymous' || role === 'stranger') throw unauthenticated()
  return count
}

type Stretched<Item> = Readonly<{ principal: Principal; items: readonly Item[]; count: number }>

/** A member's complete files, in the order in which they were completed. */
export async function listMemberFiles(
  scope: Scope,
  study: StudyId,
  { owner, stretch }: { owner: ParticipantId; stretch: Stretch },
): Promise<Stretched<ListedFile>> {
  const { files, count, ...found } = await scope.stores.memberFiles.list(callerIn(scope, study), owner, {
    rule,
    stretch,
  })
  return { principal: await identify(scope, found.principal), items: files, count }
}

/** Members by number, each with the first of their files. @throws DomainError `forbidden` */
export async function listMembers(scope: Scope, study: StudyId, stretch: Stretch): Promise<Stretched<ListedMember>> {
  const asked = { rules: { members: rules.listParticipants, files: rule }, stretch }
  const { members, count, ...found } = await scope.stores.memberFiles.listMembers(callerIn(scope, study), asked)
  const principal = await identify(scope, found.principal)
  requirePermission(principal, rules.listParticipants)
  return { principal, items: members, count }
}

/**
 * Completes a member's file that was begun; one that is complete is answered as it is.
 * @throws DomainError `file_not_found`, `upload_not_found`, also for another's; `upload_incomplete` while its bytes are
 * not there
 */
export async function completeMemberFile(
  scope: Scope,
  study: StudyId,
  { owner, number }: { owner: ParticipantId; number: number },
): Promise<File> {
  const found = await scope.stores.memberFiles.find(callerIn(scope, study), number)
  const principal = await identify(scope, found.principal)
  const { file } = found
  if (file === undefined || file.owner !== owner) throw denial(principal, fileNotFound())
  // Whoever began it goes on with it, also where they may not read what it becomes.
  const upload = file.content.status === 'complete' ? uploadOf(file.content.version.id) : found.upload
  if (upload === undefined) throw fileNotFound()
  return completeUpload(scope, study, upload)
}

/** Which of a member's files: the one of a number, those of a name, all of them. */
export type WhichFiles = Readonly<{ number: number } | { name: string } | 'all'>

/**
 * Deletes what of a member's files is listed to the caller, however many there are, and tells which went.
 * @throws DomainError `participant_not_found`, `participant_withdrawn`
 */
export async function deleteMemberFiles(
  scope: Scope,
  study: StudyId,
  { owner, which }: { owner: ParticipantId; which: WhichFiles },
): Promise<NamedFile[]> {
  const { name, number } = { name: undefined, number: undefined, ...(which === 'all' ? {} : which) }
  const deleted: NamedFile[] = []
  let more = true
  while (more) {
    const removed = await deleteOwnedFiles(scope, study, { participant: owner, name, number, seenBy: rule })
    deleted.push(...removed.deleted)
    // What is left although it was to go would be chosen again and again.
    if (removed.more && removed.deleted.length === 0) throw overloaded()
    ;({ more } = removed)
  }
  return deleted
}
