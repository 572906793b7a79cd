import { sql, type SQL } from './sql.ts'
import { ERASED_THINGS, type Erasure } from '../model/erasures.ts'
import { overloaded } from '../model/errors.ts'
import type { AuditId, ErasureId, ParticipantId, StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { record } from './audit.ts'
import { allows, targetOwnedBy } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { columnsOf, dateOf, dateOrNull, first, type Row, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { kvKey } from './download-claims.ts'
import { type Erasing, isEmpty, hostsStatement, linksStatement, removalStatements } from './erasure-steps.ts'
import { erasures } from './schema/erasures.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

/** When the sweep looks at an erasure again that nobody has moved on since. */
const LEASE_MS = 60_000

export type FoundErasure = Readonly<{ principal: Principal | undefined; erasure: Erasure | undefined }>

type ErasureRow = Row<typeof erasures>
const columns = columnsOf(erasures, 'e')

const erasureOfRow = (row: ErasureRow): Erasure => {
  const counts = JSON.parse(row.counts) as Partial<Record<string, number>> // what the steps have counted
  return {
    study: row.studyId as StudyId, // ids are what was put in
    id: row.id as ErasureId,
    kind: row.kind,
    participant: row.participantId === null || row.participantId === '' ? null : (row.participantId as ParticipantId),
    auditId: row.auditId as AuditId,
    state: row.state,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an entry for each of its keys
    counts: Object.fromEntries(ERASED_THINGS.map((thing) => [thing, counts[thing] ?? 0])) as Erasure['counts'],
    removals: Object.values(counts).reduce<number>((sum, each) => sum + (each ?? 0), 0),
    requestedAt: dateOf(row.requestedAt),
    doneAt: dateOrNull(row.doneAt),
  }
}

const isIt = ({ study, id }: Pick<Erasure, 'study' | 'id'>): SQL => sql`e.study_id = ${study} AND e.id = ${id}`

const erasureStatement = (erasure: Pick<Erasure, 'study' | 'id'>) =>
  statement<ErasureRow>(sql`SELECT ${columns} FROM erasures e WHERE ${isIt(erasure)}`)

const erasingOf = ({ study, id, kind, participant }: Erasure): Erasing => ({
  study,
  id,
  // A participant's has one for as long as it takes rows.
  participant: kind === 'study' ? null : participant,
})

/** The outbox's rows of what is erased. */
const outboxOf = ({ study, kind, participant }: Erasure): SQL =>
  kind === 'study'
    ? sql`object_deletions d WHERE d.study_id = ${study}`
    : sql`object_deletions d INDEXED BY object_deletions_owner WHERE d.study_id = ${study} AND d.owner = ${participant}`

/** Of a study's, no participant's erasure is under way either. */
const mayEnd = (erasure: Erasure): SQL => {
  const { study, kind } = erasure
  const others =
    kind === 'study'
      ? sql` AND NOT EXISTS (SELECT 1 FROM erasures o INDEXED BY erasures_participant
          WHERE o.study_id = ${study} AND o.participant_id > '')`
      : sql``
  return sql`NOT EXISTS (SELECT 1 FROM ${outboxOf(erasure)})${others}`
}

export const erasureStore = (db: Databases, kv: KVNamespace) => ({
  /**
   * Closes a participant's things to everyone, and the participant's own way in, in one batch: their keys, memberships,
   * codes and links are good for nothing from then on, and what else is theirs is neither seen nor written. Contact
   * fields go at once. `erasure` is the one that is under way, whoever began it; `participant` is undefined where there
   * is no such one.
   */
  async beginForParticipant(
    caller: Caller,
    { rule, id, participant }: { rule: Rule; id: ErasureId; participant: ParticipantId | 'me' },
  ): Promise<FoundErasure & { participant: ParticipantId | undefined }> {
    const { study } = caller
    const now = caller.now.getTime()
    const meant = participant === 'me' ? sql`(SELECT participant_id FROM who)` : sql`${participant}`
    const [who, there, , , , rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<{ id: ParticipantId }>(
        withWho(caller, sql`SELECT p.id FROM participants p WHERE p.study_id = ${study} AND p.id = ${meant}`),
      ),
      statement(
        withWho(
          caller,
          sql`INSERT INTO erasures (study_id, id, kind, participant_id, audit_id, state, requested_at, due_at)
            SELECT p.study_id, ${id}, 'participant', p.id, p.audit_id, 'erasing', ${now}, ${now + LEASE_MS}
            FROM who CROSS JOIN participants p
            WHERE p.study_id = ${study} AND p.id = ${participant === 'me' ? sql`who.participant_id` : participant}
              AND ${allows(rule, targetOwnedBy(sql`p.study_id`, sql`p.id`))}
            ON CONFLICT DO NOTHING`,
        ),
      ),
      record(caller, {
        action: 'participant.erase',
        owner: participant === 'me' ? sql`who.participant_id` : sql`${participant}`,
        object: id,
      }),
      statement(
        sql`UPDATE participants SET status = 'erasing', external_id = NULL, email = NULL, phone = NULL,
            first_name = NULL, last_name = NULL, labels = '[]'
          WHERE study_id = ${study} AND status <> 'erasing'
            AND id = (SELECT e.participant_id FROM erasures e WHERE ${isIt({ study, id })})`,
      ),
      statement<ErasureRow>(
        withWho(
          caller,
          // The caller may be gone by now, and is in any case when this runs again: then the id finds it.
          sql`SELECT ${columns} FROM erasures e WHERE ${isIt({ study, id })}
            UNION SELECT ${columns} FROM erasures e INDEXED BY erasures_participant
              WHERE e.study_id = ${study} AND e.participant_id = ${meant}`,
        ),
      ),
    )
    const row = first(rows)
    return {
      principal: principalOf(first(who), study),
      erasure: row && erasureOfRow(row),
      participant: first(there)?.id,
    }
  },

  /** The same for a study: none of its keys and memberships is good for anything from then on, nothing of it is public. */
  async beginForStudy(
    caller: Caller,
    { rule, id, auditId }: { rule: Rule; id: ErasureId; auditId: AuditId },
  ): Promise<FoundErasure> {
    const { study } = caller
    const now = caller.now.getTime()
    const [who, , , , rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement(
        withWho(
          caller,
          sql`INSERT INTO erasures (study_id, id, kind, participant_id, audit_id, state, requested_at, due_at)
            SELECT s.id, ${id}, 'study', '', ${auditId}, 'erasing', ${now}, ${now + LEASE_MS}
            FROM who CROSS JOIN studies s WHERE s.id = ${study} AND s.status = 'active'
              AND ${allows(rule, targetOwnedBy(sql`s.id`, sql`''`))}
            ON CONFLICT DO NOTHING`,
        ),
      ),
      record(caller, { action: 'study.erase', owner: sql`''`, object: id }),
      statement(
        sql`UPDATE studies SET status = 'erasing', allow_public = 0, name = ''
          WHERE id = ${study} AND EXISTS (SELECT 1 FROM erasures e WHERE ${isIt({ study, id })})`,
      ),
      statement<ErasureRow>(
        sql`SELECT ${columns} FROM erasures e INDEXED BY erasures_participant
          WHERE e.study_id = ${study} AND e.participant_id = ''`,
      ),
    )
    const row = first(rows)
    return { principal: principalOf(first(who), study), erasure: row && erasureOfRow(row) }
  },

  async find(caller: Caller, id: ErasureId): Promise<FoundErasure> {
    const database = db.of(caller.study)
    const [who, rows] = await database.batch(whoStatement(caller), erasureStatement({ study: caller.study, id }))
    const row = first(rows)
    return { principal: principalOf(first(who), caller.study), erasure: row && erasureOfRow(row) }
  },

  /** Latest first: those of the study that has this id now, or had it last. */
  async list(caller: Caller, page: PageRequest): Promise<{ principal: Principal | undefined; page: Page<Erasure> }> {
    const { study } = caller
    const after = decodeCursor('erasures', page.cursor)
    const [who, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<ErasureRow>(
        sql`SELECT ${columns} FROM erasures e WHERE e.study_id = ${study}
          AND e.requested_at >= coalesce((SELECT s.created_at FROM studies s WHERE s.id = ${study}), 0)
          AND ${after === undefined ? sql`1` : sql`e.id < ${after[1]}`} ORDER BY e.id DESC LIMIT ${page.limit + 1}`,
      ),
    )
    return {
      principal: principalOf(first(who), study),
      page: pageOf(rows, page.limit, {
        listing: 'erasures',
        place: (row) => [row.id, row.id],
        item: erasureOfRow,
      }),
    }
  },

  /** Those that nobody has moved on for a while, of every study, longest due first. */
  async due(now: Date, limit: number): Promise<Pick<Erasure, 'study' | 'id'>[]> {
    const due = await db.swept(now, async (database) => {
      const [rows] = await database.batch(
        statement<{ study: StudyId; id: ErasureId }>(
          sql`SELECT study_id AS study, id FROM erasures INDEXED BY erasures_due
          WHERE due_at <= ${now.getTime()}${db.served('study_id')} ORDER BY due_at LIMIT ${limit}`,
        ),
      )
      return rows
    })
    return due.slice(0, limit)
  },

  /**
   * One step: a bounded part of all rows, in one batch after the records of the links among them. Where none is left,
   * only bytes are.
   * @throws DomainError `overloaded` where KV cannot be had
   */
  async step(erasure: Erasure, now: Date): Promise<Erasure | undefined> {
    const erasing = erasingOf(erasure)
    const database = db.of(erasure.study)
    const [links, hosts] = await database.batch(linksStatement(erasing, now), db.places && hostsStatement(erasing))
    // Before the rows that tell of them.
    if (hosts.length > 0)
      await db.places?.releaseHosts(
        erasure.study,
        hosts.map(({ host }) => host),
      )
    const hashes = links.map(({ hash }) => hash)
    try {
      await Promise.all(hashes.map(async (hash) => kv.delete(kvKey(hash))))
    } catch (failure) {
      throw overloaded(failure)
    }
    const time = now.getTime()
    const statements = [
      ...removalStatements(erasing, { now, links: hashes }),
      statement(
        sql`UPDATE erasures AS e SET due_at = ${time + LEASE_MS} WHERE ${isIt(erasure)} AND e.state = 'erasing'`,
      ),
      statement(
        sql`UPDATE erasures AS e SET state = 'deleting'
          WHERE ${isIt(erasure)} AND e.state = 'erasing' AND ${isEmpty(erasing)}`,
      ),
    ]
    const [row] = (await db.of(erasure.study).batch(...statements, erasureStatement(erasure))).at(-1) ?? []
    return row && erasureOfRow(row)
  },

  /**
   * Whether nothing is left of what was erased but the receipt and, of a participant, the row that keeps their id; if
   * not, it is looked at again when the outbox is done with the last of it.
   */
  async mayEnd(erasure: Erasure, now: Date): Promise<boolean> {
    const [rows] = await db.of(erasure.study).batch(
      statement<{ may: number }>(sql`SELECT ${mayEnd(erasure)} AS may`),
      statement(
        sql`UPDATE erasures AS e
          SET due_at = max(${now.getTime() + LEASE_MS}, coalesce((SELECT max(d.until) FROM ${outboxOf(erasure)}), 0))
          WHERE ${isIt(erasure)} AND e.state = 'deleting'`,
      ),
    )
    return first(rows)?.may === 1
  },

  /**
   * The end: the participant's row goes, and with it what leads from them to their pseudonym; of a study, a row without
   * a name stays, so that its number is not given out again, under an id that no study can have.
   */
  async end(erasure: Erasure, now: Date): Promise<Erasure | undefined> {
    const { study, participant, kind } = erasure
    const isNow = sql`EXISTS (SELECT 1 FROM erasures e WHERE ${isIt(erasure)} AND e.state = 'deleting')
      AND ${mayEnd(erasure)}`
    const [, , rows] = await db.of(study).batch(
      kind === 'study'
        ? statement(
            sql`UPDATE studies SET id = '~' || number, status = 'erased', name = '', default_visibility = NULL,
                retention = 'keep', download_url_seconds = NULL, download_token_seconds = NULL, bytes = 0, files = 0,
                documents = 0, max_bytes = NULL, max_files = NULL, max_documents = NULL
              WHERE id = ${study} AND status = 'erasing' AND ${isNow}`,
          )
        : statement(
            sql`DELETE FROM participants
              WHERE study_id = ${study} AND id = ${participant} AND status = 'erasing' AND ${isNow}`,
          ),
      statement(
        sql`UPDATE erasures AS e SET state = 'done', participant_id = NULL, due_at = NULL, done_at = ${now.getTime()},
            counts = CASE WHEN e.kind = 'study' THEN counts ELSE json_set(counts, '$.participants', 1) END
          WHERE ${isIt(erasure)} AND e.state = 'deleting' AND ${mayEnd(erasure)}`,
      ),
      erasureStatement(erasure),
    )
    const row = first(rows)
    return row && erasureOfRow(row)
  },
})
