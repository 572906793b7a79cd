import { sql, type SQL } from './sql.ts'
import type { AuditId, ParticipantId, StudyId } from '../model/ids.ts'
import { type Database, statement } from './database.ts'
import type { Databases } from './databases.ts'
import type { Receipt } from './objects.ts'

/** Somebody, or (null) a study, who is there although a receipt says that their erasure was begun. */
export type Revived = Readonly<{ receipt: Receipt; participant: ParticipantId | null }>

type Named = { study: StudyId; auditId: AuditId }

export const revivalStore = (db: Databases) => ({
  /**
   * Whom of these receipts the database has and is not erasing: it was put back to a time before. A pseudonym is one
   * person's for ever; an id of a study may have been given to another one since, which is none of the receipt's.
   */
  among: async (receipts: readonly Receipt[]): Promise<Revived[]> =>
    db.divided(receipts, ({ study }) => study, amongIn),
})

async function amongIn(database: Database, receipts: readonly Receipt[]): Promise<Revived[]> {
  const rowsOf = (kind: Receipt['kind']): SQL =>
    sql`json_each(${JSON.stringify(
      receipts
        .filter((receipt) => receipt.kind === kind)
        .map(({ study, auditId, requestedAt }) => [study, auditId, requestedAt.getTime()]),
    )}) r`
  const named = sql`r.value ->> 0 AS study, r.value ->> 1 AS "auditId"`
  const [participants, studies] = await database.batch(
    statement<Named & { participant: ParticipantId }>(
      sql`SELECT ${named}, p.id AS participant
          FROM ${rowsOf('participant')} CROSS JOIN participants p INDEXED BY participants_audit_id
          ON p.study_id = r.value ->> 0 AND p.audit_id = r.value ->> 1 WHERE p.status <> 'erasing'`,
    ),
    statement<Named>(
      sql`SELECT ${named} FROM ${rowsOf('study')} CROSS JOIN studies s ON s.id = r.value ->> 0
          WHERE s.status = 'active' AND s.created_at < r.value ->> 2`,
    ),
  )
  const receiptOf = (of: Named) => receipts.filter(({ study, auditId }) => study === of.study && auditId === of.auditId)
  return [
    ...participants.flatMap((row) => receiptOf(row).map((receipt) => ({ receipt, participant: row.participant }))),
    ...studies.flatMap((row) => receiptOf(row).map((receipt) => ({ receipt, participant: null }))),
  ]
}
