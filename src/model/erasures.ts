import type { AuditId, ErasureId, ParticipantId, StudyId } from './ids.ts'

/** What a receipt counts: everything that people would call a thing of theirs. */
export const ERASED_THINGS = [
  'participants',
  'files',
  'versions',
  'uploads',
  'links',
  'grants',
  'documents',
  'reports',
  'entries',
  'keys',
  'members',
  'enrolmentCodes',
] as const
export type ErasedThing = (typeof ERASED_THINGS)[number]

/**
 * How far it is: rows are going; only bytes are left, which the outbox deletes for as long as an upload's URL could
 * bring them back; nothing is left.
 */
export const ERASURE_STATES = ['erasing', 'deleting', 'done'] as const
export type ErasureState = (typeof ERASURE_STATES)[number]

export const ERASURE_KINDS = ['participant', 'study'] as const
export type ErasureKind = (typeof ERASURE_KINDS)[number]

/** The receipt of what was erased, or is being. */
export type Erasure = Readonly<{
  study: StudyId
  id: ErasureId
  kind: ErasureKind
  /** Whose; null for a study's, and as soon as it is done. */
  participant: ParticipantId | null
  /** The participant's pseudonym, or of a study's erasure one of its own. */
  auditId: AuditId
  state: ErasureState
  counts: Readonly<Record<ErasedThing, number>>
  /** All that went so far, also what is no thing of anybody's: it grows with every step that had something to do. */
  removals: number
  requestedAt: Date
  doneAt: Date | null
}>
