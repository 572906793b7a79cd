import { sql } from './sql.ts'
import type { Participant } from '../model/entities.ts'
import type { ParticipantId } from '../model/ids.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { allows, READ_ONCE, targetOwnedBy, targetStudy } from './conditions.ts'
import { first, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { participantColumns, participantOfRow, type ParticipantRow } from './participants.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

export const participantPageStore = (db: Databases) => ({
  /** By id, a page by its number, from 0 on, and how many there are: of those whose erasure has not begun. */
  async page(
    caller: Caller,
    rule: Rule,
    { number, size }: { number: number; size: number },
  ): Promise<{ principal: Principal | undefined; participants: Participant[]; total: number }> {
    const { study } = caller
    const [who, rows, counted] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<ParticipantRow>(
        // What comes before a page is walked past, though for nobody who may not list.
        withWho(
          caller,
          sql`SELECT ${participantColumns('p')} FROM who CROSS JOIN participants p
            WHERE p.study_id = ${study} AND p.id > '' AND p.status <> 'erasing' AND ${allows(rule, targetStudy(study))}
            ORDER BY p.id LIMIT ${size} OFFSET ${number * size}`,
        ),
      ),
      // The study's counter has everyone; those who are being erased are few.
      statement<{ total: number }>(
        sql`SELECT s.participants - (SELECT count(*) FROM erasures e INDEXED BY erasures_participant
            CROSS JOIN participants p ON p.study_id = e.study_id AND p.id = e.participant_id
            WHERE e.study_id = s.id AND e.participant_id IS NOT NULL) AS total
          FROM studies s WHERE s.id = ${study}`,
      ),
    )
    return {
      principal: principalOf(first(who), study),
      participants: rows.map(participantOfRow),
      total: first(counted)?.total ?? 0,
    }
  },

  /** What the study calls those of the participants whom the rule shows to the caller. */
  async externalIds(
    caller: Caller,
    ids: readonly ParticipantId[],
    rule: Rule,
  ): Promise<{ principal: Principal | undefined; externalIds: ReadonlyMap<ParticipantId, string | null> }> {
    const { study } = caller
    const [who, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<{ id: ParticipantId; externalId: string | null }>(
        withWho(
          caller,
          sql`SELECT p.id, p.external_id AS "externalId" FROM json_each(${JSON.stringify(ids)}) asked
            CROSS JOIN participants p ON p.study_id = ${study} AND p.id = asked.value
            WHERE ${allows(rule, targetOwnedBy(sql`p.study_id`, sql`p.id`), READ_ONCE)}`,
        ),
      ),
    )
    return {
      principal: principalOf(first(who), study),
      externalIds: new Map(rows.map(({ id, externalId }) => [id, externalId])),
    }
  },
})
