import { sql, type SQL } from './sql.ts'
import type { AuditEvent, AuditQuery } from '../model/audit.ts'
import { type AuditEventId, idsSince, type ParticipantId } from '../model/ids.ts'
import type { Witnessed } from '../model/job-messages.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal, StudyRole } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { allows, targetOwnedBy, targetStudy } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { columnsOf, dateOf, first, type Row, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { auditEvents } from './schema/audit.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

/** How many events of the driving range are looked at for one page: past that it is short, and has a next one. */
const MAX_CANDIDATES = 1_000

/** An event, and what its actor's key or membership is for; null: it is neither, or it is gone. */
export type FoundEvent = Readonly<{ event: AuditEvent; role: StudyRole | null }>

type EventRow = Row<typeof auditEvents> & {
  participantId: string | null
  actingId: string | null
  role: StudyRole | null
}

const eventOfRow = (row: EventRow): FoundEvent => ({
  event: {
    id: row.id as AuditEventId, // ids are what was put in
    at: dateOf(row.at),
    door: row.door,
    action: row.action,
    outcome: row.outcome,
    actor: row.actingId === null ? row.actor : `participant:${row.actingId}`,
    through: row.through,
    participant: row.participantId as ParticipantId | null,
    object: row.object,
  },
  role: row.role,
})

/** What follows the `:` of an event's actor of this kind. */
const actorId = (kind: 'participant' | 'key' | 'member'): SQL => sql.raw(`substr(e.actor, ${kind.length + 2})`)

const participantCalled = (auditId: SQL): SQL =>
  sql`(SELECT p.id FROM participants p INDEXED BY participants_audit_id
    WHERE p.study_id = e.study_id AND p.audit_id = ${auditId})`

const columns: SQL = sql`${columnsOf(auditEvents, 'e')}, ${participantCalled(sql`e.subject`)} AS "participantId",
  CASE WHEN e.actor GLOB 'participant:*' THEN ${participantCalled(actorId('participant'))} END AS "actingId",
  CASE WHEN e.actor GLOB 'key:*' THEN (SELECT k.role FROM api_keys k INDEXED BY api_keys_id
      WHERE k.study_id = e.study_id AND k.id = ${actorId('key')})
    WHEN e.actor GLOB 'member:*' THEN (SELECT m.role FROM members m INDEXED BY members_id
      WHERE m.study_id = e.study_id AND m.id = ${actorId('member')}) END AS role`

/** The pseudonym of a participant who is there. */
const auditIdOf = (study: SQL, participant: SQL): SQL =>
  sql`(SELECT p.audit_id FROM participants p WHERE p.study_id = ${study} AND p.id = ${participant})`

const PARTICIPANT = 'participant:'

/** An actor as events store it, from how they tell it. */
const storedActor = ({ study }: Caller, actor: string): SQL =>
  actor.startsWith(PARTICIPANT)
    ? sql`'participant:' || ${auditIdOf(sql`${study}`, sql`${actor.slice(PARTICIPANT.length)}`)}`
    : sql`${actor}`

/** Each filter, and the index that can drive by it. Likely the rarest first. */
const filtersOf = (caller: Caller, { participant, actor, action }: AuditQuery): { index: SQL; holds: SQL }[] => [
  ...(participant === undefined
    ? []
    : [
        {
          index: sql`INDEXED BY audit_events_subject`,
          holds: sql`e.subject = ${auditIdOf(sql`${caller.study}`, sql`${participant}`)}`,
        },
      ]),
  ...(actor === undefined
    ? []
    : [{ index: sql`INDEXED BY audit_events_actor`, holds: sql`e.actor = ${storedActor(caller, actor)}` }]),
  ...(action === undefined ? [] : [{ index: sql`INDEXED BY audit_events_action`, holds: sql`e.action = ${action}` }]),
]

/** Events sort by time through their ids. */
const within = ({ from, until }: Pick<AuditQuery, 'from' | 'until'>, after: string | undefined): SQL =>
  sql.join(
    [
      sql`1`,
      ...(from === undefined ? [] : [sql`e.id >= ${idsSince('aud', from)}`]),
      ...(until === undefined ? [] : [sql`e.id < ${idsSince('aud', new Date(until.getTime() + 1))}`]),
      ...(after === undefined ? [] : [sql`e.id < ${after}`]),
    ],
    ' AND ',
  )

export type FoundEvents = Readonly<{ principal: Principal | undefined; page: Page<FoundEvent> }>

/** A field of one of the messages `seen`. */
const told = (key: keyof Witnessed): SQL => sql.raw(`(seen.value ->> '${key}')`)

/** The owner of what was seen, as far as it is told or the file, the upload or the version that it became tells. */
const ownerSeen: SQL = sql`coalesce(${told('owner')},
  (SELECT f.owner FROM files f WHERE f.study_id = s.id AND f.id = ${told('file')}),
  (SELECT u.owner FROM uploads u WHERE u.study_id = s.id AND u.id = ${told('object')}),
  (SELECT f.owner FROM versions v CROSS JOIN files f ON f.study_id = v.study_id AND f.id = v.file_id
    WHERE v.study_id = s.id AND v.id = 'ver_' || substr(${told('object')}, 5) AND ${told('object')} GLOB 'upl_*'))`

export const auditStore = (db: Databases) => ({
  /**
   * A page of a study's events, newest first, in one trip. One filter drives; the others are asked of each event that
   * it finds.
   */
  async list(
    caller: Caller,
    query: AuditQuery,
    { rule, page }: { rule: Rule; page: PageRequest },
  ): Promise<FoundEvents> {
    const listing = 'audit'
    const [driving, ...others] = filtersOf(caller, query)
    const range = sql`FROM audit_events e ${driving?.index ?? sql``}
      WHERE e.study_id = ${caller.study} AND ${driving?.holds ?? sql`1`}
        AND ${within(query, decodeCursor(listing, page.cursor)?.[1])}
        AND EXISTS (SELECT 1 FROM who WHERE ${allows(rule, targetStudy(caller.study))})
      ORDER BY e.id DESC`
    const isExact = others.length === 0
    const residual = sql.join([sql`1`, ...others.map(({ holds }) => holds)], ' AND ')
    const [who, rows, ends] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<EventRow>(
        withWho(
          caller,
          sql`SELECT ${columns} FROM (SELECT * ${range} LIMIT ${isExact ? page.limit + 1 : MAX_CANDIDATES}) e
            WHERE ${residual} ORDER BY e.id DESC LIMIT ${page.limit + 1}`,
        ),
      ),
      // Where the candidates ended, if there were as many as are looked at.
      statement<{ id: string }>(
        isExact
          ? sql`SELECT 1 WHERE 0`
          : withWho(caller, sql`SELECT e.id ${range} LIMIT 1 OFFSET ${MAX_CANDIDATES - 1}`),
      ),
    )
    const end = first(ends)
    return {
      principal: principalOf(first(who), caller.study),
      page: pageOf(rows, page.limit, {
        listing,
        place: (row) => [row.id, row.id],
        item: eventOfRow,
        end: end && [end.id, end.id],
      }),
    }
  },

  /** What is on record of a participant's things, newest first. */
  async listOfParticipant(
    caller: Caller,
    participant: ParticipantId | 'me',
    { rule, page }: { rule: Rule; page: PageRequest },
  ): Promise<FoundEvents & { participant: ParticipantId | undefined }> {
    const listing = 'participant-audit'
    const { study } = caller
    const owner = participant === 'me' ? sql`who.participant_id` : sql`${participant}`
    const meant = sql`FROM who CROSS JOIN participants p
      WHERE p.study_id = ${study} AND p.id = ${owner} AND ${allows(rule, targetOwnedBy(sql`p.study_id`, sql`p.id`))}`
    const [who, found, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<{ id: ParticipantId }>(withWho(caller, sql`SELECT p.id ${meant}`)),
      statement<EventRow>(
        withWho(
          caller,
          sql`SELECT ${columns} FROM audit_events e INDEXED BY audit_events_subject
            WHERE e.study_id = ${study} AND e.subject = (SELECT p.audit_id ${meant})
              AND ${within({ from: undefined, until: undefined }, decodeCursor(listing, page.cursor)?.[1])}
            ORDER BY e.id DESC LIMIT ${page.limit + 1}`,
        ),
      ),
    )
    return {
      principal: principalOf(first(who), study),
      participant: first(found)?.id,
      page: pageOf(rows, page.limit, { listing, place: (row) => [row.id, row.id], item: eventOfRow }),
    }
  },

  /**
   * Writes down what was seen, of studies that are there. A participant is their pseudonym in it, and who is gone by
   * then is nobody. What is written down already stays as it is.
   */
  async write(seen: readonly Witnessed[]): Promise<void> {
    // A message may be late: whoever was enrolled by the same id since then is somebody else, and so with a study.
    const auditIdThen = (participant: SQL) => sql`(SELECT p.audit_id FROM participants p
      WHERE p.study_id = s.id AND p.id = ${participant} AND p.created_at <= ${told('at')})`
    const actor = sql`substr(${told('actor')}, ${PARTICIPANT.length + 1})`
    const isParticipant = sql`${told('actor')} GLOB 'participant:*'`
    await db.divided(
      seen,
      ({ study }) => study,
      async (database, those) =>
        database.batch(
          statement(
            sql`INSERT INTO audit_events (study_id, id, at, door, action, outcome, actor, through, subject, object)
          SELECT s.id, ${told('id')}, ${told('at')}, ${told('door')}, ${told('action')}, ${told('outcome')},
            CASE WHEN ${isParticipant} THEN coalesce('participant:' || ${auditIdThen(actor)}, 'participant')
              ELSE ${told('actor')} END,
            ${told('through')}, ${auditIdThen(ownerSeen)}, ${told('object')}
          FROM json_each(${JSON.stringify(those)}) seen
          CROSS JOIN studies s ON s.id = ${told('study')} AND s.status = 'active' AND s.created_at <= ${told('at')}
          WHERE NOT (${told('unlessOwn')} AND ${isParticipant} AND coalesce(${ownerSeen} = ${actor}, 0))
          ON CONFLICT DO NOTHING`,
          ),
        ),
    )
  },

  /**
   * Forgets at most `limit` events from before a time, study by study, the operator's own with them; answers how many
   * went.
   */
  async purge(before: Date, limit: number): Promise<number> {
    const gone = await db.swept(before, async (database) => {
      const [rows] = await database.batch(
        statement<{ id: string }>(
          sql`DELETE FROM audit_events WHERE (study_id, id) IN (
          SELECT e.study_id, e.id FROM (SELECT id FROM studies UNION ALL SELECT '') s CROSS JOIN audit_events e
            ON e.study_id = s.id AND e.id < ${idsSince('aud', before)}${db.served('s.id')} LIMIT ${limit}) RETURNING id`,
        ),
      )
      return rows
    })
    return gone.length
  },
})
