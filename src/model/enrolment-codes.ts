import type { EnrolmentCodeId, ParticipantId } from './ids.ts'

/** What a phone exchanges for its participant's key, once. */
export type EnrolmentCode = Readonly<{
  id: EnrolmentCodeId
  participant: ParticipantId
  label: string
  createdAt: Date
  expiresAt: Date
  claimedAt: Date | null
  revokedAt: Date | null
}>
