import type { ParticipantId, StudyId } from '../../src/model/ids.ts'
import type { Actor, Principal, StudyRole } from '../../src/model/principal.ts'

// Principals as storage would tell of them, one of each role.

const STUDY = 'study' as StudyId
export const ada = 'ada' as ParticipantId
export const bob = 'bob' as ParticipantId
export const actor = (name: string) => name as Actor
export const aTeamMember = (role: Exclude<StudyRole, 'participant'>): Principal => ({
  role,
  study: STUDY,
  actor: actor(`key:${role}`),
  through: undefined,
})
export const nobody = (role: 'anonymous' | 'stranger' | 'operator' | 'system'): Principal => ({
  role,
  actor: actor(role),
  through: undefined,
})
const aParticipantActing = (
  participant: ParticipantId,
  status: 'active' | 'withdrawn',
  readOnly = false,
): Extract<Principal, { role: 'participant' }> => ({
  role: 'participant',
  study: STUDY,
  participant,
  status,
  source: null,
  readOnly,
  actor: actor(`participant:${participant}`),
  through: undefined,
})

export const theParticipant = (
  participant: ParticipantId,
  status: 'active' | 'withdrawn' = 'active',
  readOnly = false,
): Principal => aParticipantActing(participant, status, readOnly)

/** An application of a participant's, for files of one source. */
export const anApplication = (
  participant: ParticipantId,
  source: string,
  status: 'active' | 'withdrawn' = 'active',
): Principal => ({ ...aParticipantActing(participant, status), source })

export const principals: Record<string, Principal> = {
  anonymous: nobody('anonymous'),
  participant: theParticipant(ada),
  staff: aTeamMember('staff'),
  worker: aTeamMember('worker'),
  admin: aTeamMember('admin'),
  download: aTeamMember('download'),
  operator: nobody('operator'),
  system: nobody('system'),
}
