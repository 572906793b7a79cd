import { sql } from 'drizzle-orm'
import type { Host } from '../model/hosts.ts'
import type { HostName, ParticipantId, StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { record } from './audit.ts'
import { allows, targetStudy } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { type Database, first, type Row, statement } from './database.ts'
import type { hosts } from './schema/hosts.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

/** What a request finds at the host that it came to. */
export type FoundHost = Readonly<{ study: StudyId; studyNumber: number; participant: ParticipantId }>

/** What became of it; `taken`: another study has the host. */
export type HostOutcome = 'set' | 'no_study' | 'no_participant' | 'taken'

type HostRow = Row<typeof hosts>

// What a column holds is what was put in: ids get their brands back.
const hostOfRow = (row: HostRow): Host => ({
  study: row.studyId as StudyId,
  host: row.host as HostName,
  participant: row.participantId as ParticipantId,
})

export const hostStore = (db: Database) => ({
  /** Whose a host is. It begins with no study, for the host is all that is known; of nobody whose erasure has begun. */
  async find(host: HostName): Promise<FoundHost | undefined> {
    const [rows] = await db.batch(
      statement<FoundHost>(
        sql`SELECT h.study_id AS study, s.number AS "studyNumber", h.participant_id AS participant
          FROM hosts h INDEXED BY hosts_host CROSS JOIN studies s ON s.id = h.study_id AND s.status = 'active'
          CROSS JOIN participants p ON p.study_id = h.study_id AND p.id = h.participant_id
            AND p.status IN ('active', 'withdrawn')
          WHERE h.host = ${host}`,
      ),
    )
    return first(rows)
  },

  /** Gives a host to a participant: one that is nobody's, or another's of the same study. */
  async set(
    caller: Caller,
    { host, participant, rule }: { host: HostName; participant: ParticipantId; rule: Rule },
  ): Promise<{ principal: Principal | undefined; outcome: HostOutcome }> {
    const { study } = caller
    const isOthers = sql`EXISTS (SELECT 1 FROM hosts h INDEXED BY hosts_host WHERE h.host = ${host} AND h.study_id <> ${study})`
    const isThere = sql`EXISTS (SELECT 1 FROM participants p WHERE p.study_id = ${study} AND p.id = ${participant}
      AND p.status <> 'erasing')`
    const [who, , , outcomes] = await db.batch(
      whoStatement(caller),
      statement(
        withWho(
          caller,
          sql`INSERT INTO hosts (study_id, host, participant_id)
            SELECT s.id, ${host}, ${participant} FROM who CROSS JOIN studies s
            WHERE s.id = ${study} AND s.status = 'active' AND ${allows(rule, targetStudy(study))}
              AND ${isThere} AND NOT ${isOthers}
            ON CONFLICT (study_id, host) DO UPDATE SET participant_id = excluded.participant_id
            WHERE participant_id <> excluded.participant_id`,
        ),
      ),
      record(caller, { action: 'host.set', owner: sql`${participant}`, object: null }),
      statement<{ outcome: HostOutcome }>(
        sql`SELECT CASE WHEN NOT EXISTS (SELECT 1 FROM studies s WHERE s.id = ${study} AND s.status = 'active')
            THEN 'no_study' WHEN NOT ${isThere} THEN 'no_participant' WHEN ${isOthers} THEN 'taken' ELSE 'set' END AS outcome`,
      ),
    )
    return { principal: principalOf(first(who), study), outcome: first(outcomes)?.outcome ?? 'no_study' }
  },

  async remove(
    caller: Caller,
    { host, rule }: { host: HostName; rule: Rule },
  ): Promise<{ principal: Principal | undefined }> {
    const { study } = caller
    const here = sql`study_id = ${study} AND host = ${host}`
    const [who] = await db.batch(
      whoStatement(caller),
      // Recorded first: whose it was is told by the row that goes.
      record(
        caller,
        { action: 'host.remove', owner: sql`(SELECT participant_id FROM hosts WHERE ${here})`, object: null },
        sql`EXISTS (SELECT 1 FROM hosts WHERE ${here}) AND ${allows(rule, targetStudy(study))}`,
      ),
      statement(
        withWho(
          caller,
          sql`DELETE FROM hosts WHERE ${here} AND EXISTS (SELECT 1 FROM who WHERE ${allows(rule, targetStudy(study))})`,
        ),
      ),
    )
    return { principal: principalOf(first(who), study) }
  },

  /** A study's, by their names. */
  async list(caller: Caller, page: PageRequest): Promise<{ principal: Principal | undefined; page: Page<Host> }> {
    const listing = 'hosts'
    const after = decodeCursor(listing, page.cursor)
    const [who, rows] = await db.batch(
      whoStatement(caller),
      statement<HostRow>(
        sql`SELECT h.study_id AS "studyId", h.host, h.participant_id AS "participantId" FROM hosts h
          WHERE h.study_id = ${caller.study} AND h.host > ${after?.[1] ?? ''} ORDER BY h.host LIMIT ${page.limit + 1}`,
      ),
    )
    return {
      principal: principalOf(first(who), caller.study),
      page: pageOf(rows, page.limit, { listing, place: (row) => [row.host, row.host], item: hostOfRow }),
    }
  },
})
