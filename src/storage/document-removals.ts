import { sql, type SQL } from './sql.ts'
import type { ParticipantStatus } from '../model/entities.ts'
import { type Identifier, newId, type ParticipantId } from '../model/ids.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { recordFirst } from './audit.ts'
import { allows, READ_ONCE, targetOwnedBy } from './conditions.ts'
import { first, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

/** How many documents one batch removes, and how long their values are together; one goes however long it is. */
const DOCUMENTS_AT_ONCE = 200
const BYTES_AT_ONCE = 16 * 1024 * 1024

/** The first of a list that go together. */
function togetherOf(rows: readonly { identifier: Identifier; size: number }[]): Identifier[] {
  let bytes = 0
  return rows
    .filter(({ size }, index) => {
      bytes += size
      return index === 0 || bytes <= BYTES_AT_ONCE
    })
    .map(({ identifier }) => identifier)
}

export const documentRemovalStore = (db: Databases) => ({
  /**
   * Removes those of a participant's documents that are named, with their values, as far as the rule lets the caller,
   * and names the next. What goes is what was put on record first, by this batch and no other: if it is repeated, what
   * has been put there in the meantime stays. `status` is undefined where there is no such participant.
   */
  async remove(
    caller: Caller,
    participant: ParticipantId,
    { rule, identifiers }: { rule: Rule; identifiers: readonly Identifier[] },
  ): Promise<{ principal: Principal | undefined; status: ParticipantStatus | undefined; next: Identifier[] }> {
    const { study, now } = caller
    const events = JSON.stringify(identifiers.map((identifier) => [identifier, newId('aud', now)]))
    const chosen = sql`json_each(${events}) chosen`
    const named = sql`documents d ON d.study_id = ${study} AND d.participant_id = ${participant}
      AND d.identifier = chosen.value ->> 0`
    const recorded = sql`audit_events e ON e.study_id = ${study} AND e.id = chosen.value ->> 1`
    const goes = sql`SELECT d.identifier FROM ${chosen} CROSS JOIN ${recorded} CROSS JOIN ${named} AND d.etag = e.object`
    const from = (table: SQL) =>
      statement(
        sql`DELETE FROM ${table} WHERE study_id = ${study} AND participant_id = ${participant} AND identifier IN (${goes})`,
      )
    const mayGo = allows(rule, targetOwnedBy(sql`${study}`, sql`${participant}`), READ_ONCE)
    const [who, participants, , , , rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<{ status: ParticipantStatus }>(
        sql`SELECT p.status FROM participants p
          WHERE p.study_id = ${study} AND p.id = ${participant} AND p.status <> 'erasing'`,
      ),
      recordFirst(
        caller,
        { action: 'document.delete', owner: sql`${participant}`, object: sql`d.etag`, id: sql`chosen.value ->> 1` },
        sql`CROSS JOIN ${chosen} CROSS JOIN ${named} WHERE ${mayGo}`,
      ),
      from(sql`document_bodies`),
      from(sql`documents`),
      statement<{ identifier: Identifier; size: number }>(
        withWho(
          caller,
          sql`SELECT d.identifier, d.size FROM documents d
            WHERE d.study_id = ${study} AND d.participant_id = ${participant} AND ${mayGo}
            ORDER BY d.identifier LIMIT ${DOCUMENTS_AT_ONCE}`,
        ),
      ),
    )
    return {
      principal: principalOf(first(who), study),
      status: first(participants)?.status,
      next: togetherOf(rows),
    }
  },
})
