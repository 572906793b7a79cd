import { participantNotFound } from '../model/errors.ts'
import type { ParticipantId, StudyId } from '../model/ids.ts'
import { witness } from './audit.ts'
import { identify } from './identity.ts'
import { filesOf, listingOf, type Manifest, manifestOf } from './manifest-walk.ts'
import type { SeenParticipant } from './participants.ts'
import { denial, factsOf, permits, rules } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

export type Export = Readonly<{ participant: SeenParticipant; manifest: Manifest }>

/**
 * Everything of a participant's, for themselves or an admin, who gets links to what is not private.
 * @throws DomainError `participant_not_found`, `cursor_invalid`
 */
export async function exportParticipant(
  scope: Scope,
  study: StudyId,
  { id, cursor }: { id: ParticipantId | 'me'; cursor: string | undefined },
): Promise<Export> {
  const caller = callerIn(scope, study)
  const { belongings, documents, reports } = scope.stores
  const { principal, participant } = await requireExporting(scope, study, id)
  const asked = { participant: participant.id }
  const listings = [
    filesOf({ scope, study, principal }, async (page) =>
      belongings.files(caller, { ...asked, rule: rules.exportParticipant, page }),
    ),
    listingOf(
      'grants',
      async (page) => belongings.given(caller, { ...asked, rule: rules.readGrants, page }),
      (grant) => ({ kind: 'grant', grant }),
    ),
    listingOf(
      'shared',
      async (page) => belongings.received(caller, { ...asked, rule: rules.readGrants, page }),
      (grant) => ({ kind: 'shared', grant }),
    ),
    listingOf(
      'documents',
      async (page) =>
        (await documents.list(caller, participant.id, { prefix: '', rule: rules.readDocument, page })).page,
      (document) => ({ kind: 'document', document }),
    ),
    listingOf(
      'reports',
      async (page) => (await reports.list(caller, participant.id, { reading: rules.readReport, page })).page,
      (report) => ({ kind: 'report', report }),
    ),
  ]
  const manifest = await manifestOf({
    listings,
    cursor,
    stillMay: async () => requireExporting(scope, study, participant.id),
  })
  witness(scope, principal, { study, action: 'participant.export', owner: participant.id, object: null })
  return { participant, manifest }
}

async function requireExporting(scope: Scope, study: StudyId, id: ParticipantId | 'me') {
  const found = await scope.stores.participants.find(callerIn(scope, study), id)
  const principal = await identify(scope, found.principal)
  const { participant } = found
  // From the beginning of an erasure on nothing of theirs is shown, so there is nothing to export either.
  if (participant === undefined || participant.status === 'erasing') throw denial(principal, participantNotFound())
  if (!permits(rules.exportParticipant, principal, factsOf(participant.id))) {
    throw denial(principal, participantNotFound())
  }
  return { principal, participant }
}
