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
export const theParticipant = (
  participant: ParticipantId,
  status: 'active' | 'withdrawn' = 'active',
  readOnly = false,
): Principal => ({
  role: 'participant',
  study: STUDY,
  participant,
  status,
  readOnly,
  actor: actor(`participant:${participant}`),
  through: undefined,
})

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
