import { sql } from './sql.ts'
import type { Host } from '../model/hosts.ts'
import type { HostName, ParticipantId, StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { record } from './audit.ts'
import { allows, targetStudy } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { type Database, first, type Row, statement } from './database.ts'
import type { Databases } from './databases.ts'
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

/** Whose a host is, in one database. */
async function foundIn(database: Database, host: HostName): Promise<FoundHost | undefined> {
  const [rows] = await database.batch(
    statement<FoundHost>(
      sql`SELECT h.study_id AS study, s.number AS "studyNumber", h.participant_id AS participant
        FROM hosts h INDEXED BY hosts_host CROSS JOIN studies s ON s.id = h.study_id AND s.status = 'active'
        CROSS JOIN participants p ON p.study_id = h.study_id AND p.id = h.participant_id
          AND p.status IN ('active', 'withdrawn')
        WHERE h.host = ${host}`,
    ),
  )
  return first(rows)
}

const principalIn = async (db: Databases, caller: Caller) => {
  const [who] = await db.of(caller.study).batch(whoStatement(caller))
  return principalOf(first(who), caller.study)
}

/**
 * Of several databases none can say whether a host is another study's: the directory does, before its row is written.
 * What was claimed by a study that has no such row may be claimed again, once it is sure that none is on its way.
 */
async function claimIn({ places, of }: Databases, { study, now }: Caller, host: HostName) {
  if (places === undefined) return 'none'
  const had = await places.studyAt(host, { anew: true })
  const holder = await places.claimHost({ host, study, now })
  if (holder === study) return had === study ? 'ours' : 'new'
  const isKept = holder !== undefined && (await foundRow(of(holder), host, holder))
  if (holder === undefined || isKept) return 'taken'
  return (await places.claimHost({ host, study, now }, holder)) === study ? 'new' : 'taken'
}

async function foundRow(database: Database, host: HostName, study: StudyId): Promise<boolean> {
  const [rows] = await database.batch(
    statement<{ found: number }>(sql`SELECT 1 AS found FROM hosts WHERE study_id = ${study} AND host = ${host}`),
  )
  return rows.length > 0
}

export const hostStore = (db: Databases) => ({
  /** Whose a host is. It begins with no study, for the host is all that is known; of nobody whose erasure has begun. */
  async find(host: HostName): Promise<FoundHost | undefined> {
    const { places } = db
    if (places === undefined) return foundIn(db.home, host)
    const study = await places.studyAt(host, { anew: false })
    const found = study && (await foundIn(db.of(study), host))
    if (found !== undefined) return found
    // What is remembered may be behind, and its study's own row decides.
    const next = await places.studyAt(host, { anew: true })
    return next && next !== study ? foundIn(db.of(next), host) : undefined
  },

  /** Gives a host to a participant: one that is nobody's, or another's of the same study. */
  async set(
    caller: Caller,
    { host, participant, rule }: { host: HostName; participant: ParticipantId; rule: Rule },
  ): Promise<{ principal: Principal | undefined; outcome: HostOutcome }> {
    const { study } = caller
    const claim = caller.credential.kind === 'operator' ? await claimIn(db, caller, host) : 'none'
    if (claim === 'taken') return { principal: await principalIn(db, caller), outcome: 'taken' }
    const isOthers = sql`EXISTS (SELECT 1 FROM hosts h INDEXED BY hosts_host WHERE h.host = ${host} AND h.study_id <> ${study})`
    const isThere = sql`EXISTS (SELECT 1 FROM participants p WHERE p.study_id = ${study} AND p.id = ${participant}
      AND p.status <> 'erasing')`
    const [who, , , outcomes] = await db.of(caller.study).batch(
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
    const outcome = first(outcomes)?.outcome ?? 'no_study'
    if (claim === 'new' && outcome !== 'set') await db.places?.releaseHosts(study, [host])
    return { principal: principalOf(first(who), study), outcome }
  },

  async remove(
    caller: Caller,
    { host, rule }: { host: HostName; rule: Rule },
  ): Promise<{ principal: Principal | undefined }> {
    const { study } = caller
    const here = sql`study_id = ${study} AND host = ${host}`
    const [who] = await db.of(caller.study).batch(
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
    if (caller.credential.kind === 'operator') await db.places?.releaseHosts(study, [host])
    return { principal: principalOf(first(who), study) }
  },

  /** A study's, by their names. */
  async list(caller: Caller, page: PageRequest): Promise<{ principal: Principal | undefined; page: Page<Host> }> {
    const listing = 'hosts'
    const after = decodeCursor(listing, page.cursor)
    const [who, rows] = await db.of(caller.study).batch(
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
