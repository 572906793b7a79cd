import {
  type DomainError,
  forbidden,
  invalidBody,
  numbersExhausted,
  overloaded,
  participantNotFound,
  participantWithdrawn,
  publicNotAllowed,
  revisionMismatch,
  studyNotFound,
  visibilityDiffers,
} from '../model/errors.ts'
import type { File, Owner } from '../model/entities.ts'
import type { ParticipantId, StudyId } from '../model/ids.ts'
import type { Principal } from '../model/principal.ts'
import { accessTo, denial, keepsSource, permits, rules, whyRefused } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'
import type { NewFile } from './uploads.ts'

type Asked = { principal: Principal; file: NewFile }

/**
 * Why nothing was begun. The statement that begins has decided already, in one trip; this looks again, only to tell
 * the caller what to change. What it finds may have changed since: then the caller is asked to repeat.
 */
export async function whyNotBegun(scope: Scope, study: StudyId, asked: Asked): Promise<DomainError> {
  const { principal, file } = asked
  if (principal.role === 'anonymous' || principal.role === 'stranger') return denial(principal, studyNotFound())
  const owner = ownerAsked(principal, file)
  if (owner === undefined) {
    return invalidBody([{ pointer: '/participant', message: "Say whose the file is, or null for the study's own." }])
  }
  const existing = await existingFile(scope, study, { owner, file })
  if (existing !== undefined && accessTo(existing, principal) !== 'none') return whyNotReplaced(asked, existing)
  // One that is not to be seen is taken for none, so that who may begin nothing here learns nothing of what there is.
  const refused = await whyNotCreated(scope, study, { ...asked, owner })
  return refused ?? (existing === undefined ? overloaded() : participantNotFound())
}

/** Undefined: nobody's in particular, since the caller is no participant. */
function ownerAsked(principal: Principal, { owner }: NewFile): Owner | undefined {
  if (owner.kind === 'participant') return owner.id
  if (owner.kind === 'study') return null
  return principal.role === 'participant' ? principal.participant : undefined
}

async function existingFile(
  scope: Scope,
  study: StudyId,
  { owner, file }: { owner: Owner; file: NewFile },
): Promise<File | undefined> {
  if (file.handle === undefined || owner === null) return undefined
  return (await scope.stores.files.find(callerIn(scope, study), { owner, handle: file.handle })).file
}

function whyNotReplaced({ principal, file }: Asked, existing: File): DomainError {
  const refused = whyRefused(rules.editFile, principal, existing)
  if (refused !== undefined) return refused
  if (!keepsSource(principal, file.details)) return forbidden()
  if (file.visibility !== undefined && file.visibility !== existing.visibility) return visibilityDiffers()
  if (file.revision === 'none') return revisionMismatch()
  if (typeof file.revision === 'number' && file.revision !== existing.revision) return revisionMismatch()
  return participantWithdrawn()
}

type Creating = Asked & { owner: Owner }

async function whyNotCreated(scope: Scope, study: StudyId, asked: Creating): Promise<DomainError | undefined> {
  const { principal, file, owner } = asked
  if (principal.role === 'participant' && owner !== principal.participant) {
    return owner === null ? forbidden() : participantNotFound()
  }
  const refused = whyRefused(rules.createFile, principal, factsOfNew(asked))
  if (refused !== undefined) return refused
  if (file.revision !== undefined && file.revision !== 'none') return revisionMismatch()
  return (owner === null ? undefined : await whyNotOwned(scope, study, owner)) ?? whyNotInStudy(scope, study, asked)
}

const factsOfNew = ({ principal, file, owner }: Creating) => ({
  owner,
  visibility: file.visibility ?? file.doorVisibility,
  createdBy: principal.actor,
  granted: null,
  source: file.details.source ?? null,
})

async function whyNotOwned(scope: Scope, study: StudyId, owner: ParticipantId): Promise<DomainError | undefined> {
  const { participant } = await scope.stores.participants.find(callerIn(scope, study), owner)
  if (participant === undefined) return participantNotFound()
  return participant.status === 'active' ? undefined : participantWithdrawn()
}

async function whyNotInStudy(scope: Scope, id: StudyId, asked: Creating): Promise<DomainError | undefined> {
  const { study } = await scope.stores.studies.find(callerIn(scope, id))
  if (study === undefined) return studyNotFound()
  const { allowPublic, defaultVisibility } = study.settings
  if ((asked.file.visibility ?? defaultVisibility ?? asked.file.doorVisibility) === 'public') {
    if (!allowPublic) return publicNotAllowed()
    if (!permits(rules.publish, asked.principal, factsOfNew(asked)))
      return forbidden('Your role does not allow to publish.')
  }
  return study.numbersLeft > 0 ? undefined : numbersExhausted()
}
