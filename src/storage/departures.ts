import { sql, type SQL } from './sql.ts'
import type { Participant } from '../model/entities.ts'
import { newId, type ParticipantId, type StudyId } from '../model/ids.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { recordFirst } from './audit.ts'
import { allows, targetOwnedBy } from './conditions.ts'
import { first, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { INDEXED, MOST_AT_ONCE } from './grant-templates.ts'
import { participantColumns, participantOfRow, type ParticipantRow } from './participants.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

/** Somebody whose leaving closes their files to the study's team. */
export type Leaving = Readonly<{ study: StudyId; participant: ParticipantId }>

/** When the sweep looks at a departure again that nobody has moved on since. */
const LEASE_MS = 60_000
/**
 * How much one step changes. Of a file that becomes private the shelf writes some forty rows anew; its words are written
 * anew with it, and once more with each grant that goes, which is what takes the time.
 */
const AT_ONCE = { files: 50, grants: 40, links: 200 }

const isIt = ({ study, participant }: Leaving): SQL => sql`d.study_id = ${study} AND d.participant_id = ${participant}`

/** The study for as long as they are leaving, else none: a step that comes late changes nothing. */
const studyOf = (leaving: Leaving): SQL => sql`(SELECT d.study_id FROM departures d WHERE ${isIt(leaving)})`

/** What was shared with members of the team. */
const IS_TEAMS = sql`g.principal >= 'member:' AND g.principal < 'member;'`

/**
 * The ids of the first files of theirs that are not closed yet: what the team finds on the shelf; where that is empty, by
 * a walk through all of them, what has no content, and what is private but shared with somebody of the team.
 */
function openFiles(leaving: Leaving): SQL {
  const { participant } = leaving
  const listed = sql`SELECT s.file_id AS id FROM shelf s
    WHERE s.study_id = ${studyOf(leaving)} AND s.scope = ${`+own:${participant}`} AND s.term = ''`
  const others = sql`SELECT f.id FROM files f INDEXED BY files_handle
    WHERE f.study_id = ${studyOf(leaving)} AND f.owner = ${participant} AND NOT EXISTS (${listed})
      AND (f.visibility <> 'private'
        OR EXISTS (SELECT 1 FROM grants g WHERE g.study_id = f.study_id AND g.file_id = f.id AND ${IS_TEAMS}))`
  return sql`SELECT id FROM (${listed} LIMIT ${AT_ONCE.files}) UNION ALL SELECT id FROM (${others} LIMIT ${AT_ONCE.files})`
}

/** Of those, as many as have no more text than is written anew at once. */
const portionOf = (leaving: Leaving): SQL =>
  sql`SELECT id FROM (
    SELECT f.id, sum(${INDEXED}) OVER (ORDER BY f.id) - ${INDEXED} AS before
    FROM (${openFiles(leaving)}) open CROSS JOIN files f ON f.study_id = ${leaving.study} AND f.id = open.id)
    WHERE before < ${MOST_AT_ONCE.characters}`

/** Links to their files that are still good and were issued by somebody else than them. */
const othersLinks = (leaving: Leaving, now: Date): SQL =>
  sql`SELECT t.study_id, t.hash FROM download_tokens t INDEXED BY download_tokens_owner
    WHERE t.study_id = ${studyOf(leaving)} AND t.owner = ${leaving.participant} AND t.revoked_at IS NULL
      AND t.expires_at > ${now.getTime()} AND t.owner IS NOT coalesce(
        (SELECT k.participant_id FROM api_keys k INDEXED BY api_keys_id
          WHERE k.study_id = t.study_id AND k.id = t.key_id),
        (SELECT m.participant_id FROM members m INDEXED BY members_id
          WHERE m.study_id = t.study_id AND m.id = t.member_id))`

export const departureStore = (db: Databases) => ({
  /**
   * Takes a participant out of the study, and closes their files to its team, in one batch: from its row on they are
   * private to everyone but their owner, and what the team had to act for them with is gone. It goes on record first:
   * what is there then was done by this batch, or by its first run if that answer was lost. `left` is false where the
   * rule says no, or they are being erased.
   */
  async begin(
    caller: Caller,
    { rule, participant }: { rule: Rule; participant: ParticipantId | 'me' },
  ): Promise<{ principal: Principal | undefined; participant: Participant | undefined; left: boolean }> {
    const { study } = caller
    const now = caller.now.getTime()
    const id = newId('aud', caller.now)
    const meant = sql`p.study_id = ${study}
      AND p.id = ${participant === 'me' ? sql`(SELECT participant_id FROM who)` : participant}`
    const isDone = sql`EXISTS (SELECT 1 FROM audit_events e WHERE e.study_id = ${study} AND e.id = ${id})`
    const [who, , , , , rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      recordFirst(
        caller,
        { id, action: 'participant.update', owner: sql`p.id`, object: null },
        sql`CROSS JOIN participants p WHERE ${meant} AND p.status <> 'erasing'
          AND ${allows(rule, targetOwnedBy(sql`p.study_id`, sql`p.id`))}`,
      ),
      statement(
        withWho(
          caller,
          sql`UPDATE participants AS p SET status = 'withdrawn' WHERE ${meant} AND p.status = 'active' AND ${isDone}`,
        ),
      ),
      statement(
        withWho(
          caller,
          sql`INSERT INTO departures (study_id, participant_id, left_at, due_at)
            SELECT p.study_id, p.id, ${now}, ${now + LEASE_MS} FROM participants p
            WHERE ${meant} AND p.status = 'withdrawn' AND ${isDone} ON CONFLICT DO NOTHING`,
        ),
      ),
      // As many as were made in the hour or so that they live, by keys that are nobody's own.
      statement(
        withWho(
          caller,
          sql`DELETE FROM sessions AS s INDEXED BY sessions_participant
            WHERE s.study_id = ${study} AND s.participant_id = (SELECT p.id FROM participants p WHERE ${meant}) AND ${isDone}
              AND EXISTS (SELECT 1 FROM api_keys k INDEXED BY api_keys_id
                WHERE k.study_id = s.study_id AND k.id = s.key_id AND k.participant_id IS NULL)`,
        ),
      ),
      statement<ParticipantRow & { left: number }>(
        withWho(caller, sql`SELECT ${participantColumns('p')}, ${isDone} AS "left" FROM participants p WHERE ${meant}`),
      ),
    )
    const row = first(rows)
    return {
      principal: principalOf(first(who), study),
      participant: row && participantOfRow(row),
      left: row?.left === 1,
    }
  },

  /** Departures that nobody has moved on for a while, of every study, longest due first. */
  async due(now: Date, limit: number): Promise<Leaving[]> {
    const due = await db.swept(now, async (database) => {
      const [rows] = await database.batch(
        statement<Leaving>(
          sql`SELECT study_id AS study, participant_id AS participant FROM departures INDEXED BY departures_due
          WHERE due_at <= ${now.getTime()}${db.served('study_id')} ORDER BY due_at LIMIT ${limit}`,
        ),
      )
      return rows
    })
    return due.slice(0, limit)
  },

  /**
   * One step, in one batch: a bounded part of what is open becomes private, as all of it counts already; with the last of
   * it the departure's row goes. What it changes is found by what it is, so it may run again, or beside another. `over`:
   * nothing is open any more. `moved`: there was something to do.
   */
  async step(leaving: Leaving, now: Date): Promise<{ over: boolean; moved: boolean }> {
    const links = othersLinks(leaving, now)
    const [revoked, ended, closed, , , left] = await db.of(leaving.study).batch(
      statement<{ hash: string }>(
        sql`UPDATE download_tokens SET revoked_at = ${now.getTime()}
          WHERE (study_id, hash) IN (${links} LIMIT ${AT_ONCE.links}) RETURNING hash`,
      ),
      statement<{ fileId: string }>(
        sql`DELETE FROM grants WHERE (study_id, file_id, principal) IN (
          SELECT g.study_id, g.file_id, g.principal FROM (${portionOf(leaving)}) f
          CROSS JOIN grants g ON g.study_id = ${leaving.study} AND g.file_id = f.id AND ${IS_TEAMS}
          LIMIT ${AT_ONCE.grants}) RETURNING file_id AS "fileId"`,
      ),
      statement<{ id: string }>(
        sql`UPDATE files SET visibility = 'private', revision = revision + 1,
            updated_at = max(updated_at, (SELECT d.left_at FROM departures d WHERE ${isIt(leaving)}))
          WHERE study_id = ${leaving.study} AND visibility <> 'private' AND id IN (${portionOf(leaving)}) RETURNING id`,
      ),
      statement(sql`UPDATE departures AS d SET due_at = ${now.getTime() + LEASE_MS} WHERE ${isIt(leaving)}`),
      statement(
        sql`DELETE FROM departures AS d
          WHERE ${isIt(leaving)} AND NOT EXISTS (${openFiles(leaving)}) AND NOT EXISTS (${links})`,
      ),
      statement<{ left: number }>(sql`SELECT 1 AS "left" FROM departures d WHERE ${isIt(leaving)}`),
    )
    return { over: left.length === 0, moved: revoked.length + ended.length + closed.length > 0 }
  },
})
