import type { ParticipantId, StudyId } from '../model/ids.ts'
import { identify } from './identity.ts'
import { asSeenBy, type SeenParticipant } from './participants.ts'
import { requirePermission, rules } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

// Participants as protocols list them that know no cursors, and that name people beside what is theirs.

/**
 * By id: a page by its number, from 0 on, and how many participants there are in all.
 * @throws DomainError `forbidden`
 */
export async function pageOfParticipants(
  scope: Scope,
  study: StudyId,
  page: { number: number; size: number },
): Promise<{ participants: readonly SeenParticipant[]; total: number }> {
  const rule = rules.listParticipants
  const found = await scope.stores.participantPages.page(callerIn(scope, study), rule, page)
  const principal = await identify(scope, found.principal)
  requirePermission(principal, rule)
  return { participants: found.participants.map((each) => asSeenBy(principal, each)), total: found.total }
}

/** What the study calls these participants: of each whom the caller may know, and null of one whom it calls nothing. */
export async function externalIdsOf(
  scope: Scope,
  study: StudyId,
  ids: readonly ParticipantId[],
): Promise<ReadonlyMap<ParticipantId, string | null>> {
  const found = await scope.stores.participantPages.externalIds(callerIn(scope, study), ids, rules.readParticipant)
  await identify(scope, found.principal)
  return found.externalIds
}
