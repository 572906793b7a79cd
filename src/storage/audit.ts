import { sql, type SQL } from './sql.ts'
import type { AuditAction } from '../model/audit.ts'
import { type AuditEventId, newId } from '../model/ids.ts'
import { statement } from './database.ts'
import { type Caller, withWho } from './who.ts'

/** What a write did, and to whose thing. */
export type Deed = Readonly<{
  action: AuditAction
  /** The owner's id as SQL that needs no table, or a subquery; '' or NULL: the study's own. */
  owner: SQL
  /** The id of what was written; null: none, or too many to name. */
  object: SQL | string | null
}>

/** An event as a statement finds it, where that is not by the caller's own row. */
export type Finding = Readonly<{
  study: SQL
  action: AuditAction
  actor: SQL
  through: SQL
  subject: SQL
  object: SQL
  /** `FROM … WHERE …`: no row, no event. */
  found: SQL
}>

/** The pseudonym of an owner: the caller's own is in the caller's row already. */
export const subjectOf = (caller: Caller, owner: SQL): SQL =>
  sql`CASE ${owner} WHEN '' THEN NULL WHEN who.participant_id THEN who.audit_id
    ELSE (SELECT p.audit_id FROM participants p WHERE p.study_id = ${caller.study} AND p.id = ${owner}) END`

/** The event's id is made before the batch, so a batch that is repeated puts it down once. */
export const insertEvent = (
  { now, door }: Pick<Caller, 'now' | 'door'>,
  event: Finding,
  id: SQL = sql`${newId('aud', now)}`,
): SQL =>
  sql`INSERT INTO audit_events (study_id, id, at, door, action, outcome, actor, through, subject, object)
    SELECT ${event.study}, ${id}, ${now.getTime()}, ${door}, ${event.action}, 'done', ${event.actor},
      ${event.through}, ${event.subject}, ${event.object}
    ${event.found} ON CONFLICT DO NOTHING`

/** The caller's deed, wherever `who` is at hand. */
const deedOf = (caller: Caller, { action, owner, object }: Deed, found: SQL): Finding => ({
  study: sql`${caller.study}`,
  action,
  actor: sql`who.audit_actor`,
  through: sql`coalesce(who.key_id, who.member_id)`,
  subject: subjectOf(caller, owner),
  object: sql`${object}`,
  found,
})

/**
 * Puts a write on record in the write's own batch: right after the statement that decides (or one that hangs on it), and
 * only if that changed anything. A write that takes away what it is recorded by (the caller's own key, the row that says
 * whose it was) is recorded right before it: `happens` is then what it is conditional on, with `who` at hand.
 */
export const record = (caller: Caller, deed: Deed & { id?: AuditEventId }, happens: SQL = sql`changes() > 0`) =>
  statement(
    withWho(
      caller,
      insertEvent(caller, deedOf(caller, deed, sql`FROM who WHERE ${happens}`), deed.id && sql`${deed.id}`),
    ),
  )

/**
 * Whether a batch that puts this event down is running again, because its answer was lost, and has done its part before.
 * It must not do that again: others may have written since, and were answered.
 */
export const isOnRecord = ({ study }: Caller, id: AuditEventId): SQL =>
  sql`EXISTS (SELECT 1 FROM audit_events e WHERE e.study_id = ${study} AND e.id = ${id})`

/**
 * Puts a write on record before it is done, an event for each thing that it is done to: what follows hangs on what was
 * recorded, which is the statement that decides and asks but once. `from` is what comes after `FROM who`, with a
 * condition. Each event's id is made before the batch, so that repeating it records nothing new.
 */
export const recordFirst = (caller: Caller, deed: Deed & { id: AuditEventId | SQL }, from: SQL) =>
  statement(withWho(caller, insertEvent(caller, deedOf(caller, deed, sql`FROM who ${from}`), sql`${deed.id}`)))
