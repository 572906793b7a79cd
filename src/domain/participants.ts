import type { Contact, Participant } from '../model/entities.ts'
import { participantNotFound, participantWithdrawn, studyNotFound } from '../model/errors.ts'
import { newParticipantId, type ParticipantId, type StudyId } from '../model/ids.ts'
import { mapPage, type Page, type PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import type { ParticipantChanges, ParticipantName } from '../storage/participants.ts'
import { once } from './idempotency.ts'
import { identify } from './identity.ts'
import { denial, factsOf, filterFor, permits, requirePermission, rules } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

/** `contact` is undefined for those who may not see it: the study's staff. */
export type SeenParticipant = Omit<Participant, 'contact'> & { contact: Contact | undefined }

export const asSeenBy = (principal: Principal, participant: Participant): SeenParticipant => ({
  ...participant,
  contact: principal.role === 'staff' ? undefined : participant.contact,
})

/** @throws DomainError `participant_exists`, naming what another one has */
export async function enrol(
  scope: Scope,
  study: StudyId,
  participant: {
    id: ParticipantId | undefined
    number: number | undefined
    externalId: string | null
    contact: Contact
    labels: readonly string[]
  },
): Promise<SeenParticipant> {
  return once(scope, study, {
    attempt: async () => {
      const found = await scope.stores.participants.enrol(callerIn(scope, study), {
        rule: rules.manageParticipants,
        participant: { ...participant, id: participant.id ?? newParticipantId() },
      })
      const principal = await identify(scope, found.principal)
      requirePermission(principal, rules.manageParticipants)
      if (found.participant === undefined) throw denial(principal, studyNotFound())
      return asSeenBy(principal, found.participant)
    },
    again: async (made) => getParticipant(scope, study, made.participant),
  })
}

/** @throws DomainError `participant_not_found`, also for one whom the caller may not know of */
export async function getParticipant(scope: Scope, study: StudyId, id: ParticipantId | 'me'): Promise<SeenParticipant> {
  const found = await scope.stores.participants.find(callerIn(scope, study), id)
  const principal = await identify(scope, found.principal)
  return asSeenBy(principal, requireSeen(principal, found.participant))
}

/**
 * By what people go by besides their id; undefined: nobody whom the caller may know by it. By an address only those find
 * somebody who may see addresses.
 */
export async function findParticipant(
  scope: Scope,
  study: StudyId,
  name: ParticipantName,
): Promise<SeenParticipant | undefined> {
  const found = await scope.stores.participants.findNamed(callerIn(scope, study), name)
  const principal = await identify(scope, found.principal)
  const { participant } = found
  if (filterFor(principal, rules.readParticipant).length === 0) throw denial(principal, participantNotFound())
  if (participant === undefined || !isSeen(principal, participant)) return undefined
  const seen = asSeenBy(principal, participant)
  return name.kind === 'email' && seen.contact === undefined ? undefined : seen
}

const isSeen = (principal: Principal, { id }: Participant) => permits(rules.readParticipant, principal, factsOf(id))

/** Whether an id exists is not told to those who may not list. */
function requireSeen(principal: Principal, participant: Participant | undefined): Participant {
  if (participant === undefined || !isSeen(principal, participant)) {
    throw denial(principal, participantNotFound())
  }
  return participant
}

/** By id. @throws DomainError `forbidden`, `cursor_invalid` */
export async function listParticipants(
  scope: Scope,
  study: StudyId,
  query: { externalId: string | undefined; page: PageRequest },
): Promise<Page<SeenParticipant>> {
  const found = await scope.stores.participants.list(callerIn(scope, study), query)
  const principal = await identify(scope, found.principal)
  requirePermission(principal, rules.listParticipants)
  return mapPage(found.page, (participant) => asSeenBy(principal, participant))
}

/**
 * Also withdraws and takes back: a withdrawn participant reads what is theirs and writes nothing, and nobody writes
 * what is theirs. One who is being erased is not taken back.
 * @throws DomainError `participant_withdrawn`; `participant_exists`, naming what another one has
 */
export async function updateParticipant(
  scope: Scope,
  study: StudyId,
  { id, changes }: { id: ParticipantId | 'me'; changes: ParticipantChanges },
): Promise<SeenParticipant> {
  const found = await scope.stores.participants.update(callerIn(scope, study), id, {
    rule: rules.manageParticipants,
    changes,
  })
  const principal = await identify(scope, found.principal)
  const participant = requireSeen(principal, found.participant)
  requirePermission(principal, rules.manageParticipants)
  if (!found.updated) throw participantWithdrawn()
  return asSeenBy(principal, participant)
}
