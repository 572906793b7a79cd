import type { AuditEventId, ParticipantId } from './ids.ts'
import type { Door } from './principal.ts'

/** Everything that the audit knows to tell of: `<thing>.<what was done to it>`. */
export const AUDIT_ACTIONS = [
  'study.create',
  'study.update',
  'study.export',
  'study.erase',
  /** To another database; whoever uses it sees nothing of it. */
  'study.move',
  'participant.enrol',
  'participant.update',
  'participant.export',
  'participant.erase',
  'member.add',
  'member.remove',
  'key.issue',
  'key.rotate',
  'key.revoke',
  'enrolment_code.issue',
  'enrolment_code.revoke',
  'enrolment_code.claim',
  'session.begin',
  /** A session that still lives was told again, with another secret to renew it. */
  'session.renew',
  'session.end',
  'host.set',
  'host.remove',
  'file.begin',
  'file.complete',
  'file.abandon',
  'file.edit',
  'file.delete',
  'file.read',
  'file.grant',
  'file.revoke',
  'version.edit',
  'version.move',
  'link.issue',
  'link.revoke',
  'link.claim',
  'document.put',
  'document.read',
  'document.delete',
  'document_schema.put',
  'document_schema.delete',
  'report.add',
  'report.change',
  'report.read',
  'report.delete',
  'report_entry.delete',
  /** Any request that a known caller made and was refused. */
  'access.deny',
] as const
export type AuditAction = (typeof AUDIT_ACTIONS)[number]

/**
 * Who did what, when, through which door, and with what outcome; append-only. What is stored are ids and pseudonyms:
 * never a name, a handle, an identifier, content or a secret. A participant's pseudonym is told as their id for as long
 * as they are there.
 */
export type AuditEvent = Readonly<{
  id: AuditEventId
  at: Date
  door: Door
  action: AuditAction
  outcome: 'done' | 'denied'
  /**
   * `participant:<id>`, `key:<id>`, `member:<id>`, `operator`, `system` or, for whoever had a link, `anonymous`. Of a
   * participant who is gone it has the pseudonym; `participant` alone: gone before it was written down.
   */
  actor: string
  /** The key, member or link that the actor acted through. */
  through: string | null
  /** Whose thing it is; null: the study's own, or that of a participant who is gone. */
  participant: ParticipantId | null
  /** The id of the file, version, key, … ; of a document, the ETag of the value. Null: none, or too many to name. */
  object: string | null
}>

/** Who did it, as far as the participant whose thing it is need know. */
export const DOERS = ['you', 'administrator', 'team', 'participant', 'link', 'operator', 'carrel'] as const
export type Doer = (typeof DOERS)[number]

/** What an admin looks for in the audit; absent: whatever it is. Both times belong to the range. */
export type AuditQuery = Readonly<{
  participant: ParticipantId | undefined
  /** As an event tells it, by the participant's id. */
  actor: string | undefined
  action: AuditAction | undefined
  from: Date | undefined
  until: Date | undefined
}>
