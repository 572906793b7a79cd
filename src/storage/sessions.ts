import { sql, type SQL } from './sql.ts'
import type { Member, Participant, Study } from '../model/entities.ts'
import type { KeyId, ParticipantId, SessionId, StudyId } from '../model/ids.ts'
import type { ForeignDoor, Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import type { Session } from '../model/sessions.ts'
import { record } from './audit.ts'
import { allows, targetOwnedBy } from './conditions.ts'
import { columnsOf, dateOf, first, type Row, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { memberColumns, memberOfRow, type MemberRow } from './members.ts'
import { participantColumns, participantOfRow, type ParticipantRow } from './participants.ts'
import { sessions } from './schema/sessions.ts'
import { studyColumns, studyOfRow, type StudyRow } from './studies.ts'
import { type Caller, keyStands, principalOf, whoStatement, withWho } from './who.ts'

/** How many secrets renew a key's sessions at one door: each device has one, and perhaps one whose answer was lost. */
const RENEWALS_KEPT = 10
/** How many sessions a key has at a door where one does not end another. */
const SESSIONS_KEPT = 50
const HOUR_MS = 3_600_000

/** Who a caller is to a protocol that has accounts: the person that a key acts for, in a study. */
export type FoundAccount = Readonly<{
  principal: Principal | undefined
  study: Study | undefined
  participant: Participant | undefined
  member: Member | undefined
}>

/** What a session is limited to, and the rule by which its owner lets an application in. */
export type SessionLimit = Readonly<{ owner: ParticipantId; source: string; rule: Rule }>

/** A secret by its hash, and until when it is good. */
export type NewSecret = Readonly<{ id: SessionId; hash: string; expiresAt: Date }>

type SessionRow = Row<typeof sessions>
export const sessionColumns = columnsOf(sessions, 's')

export const sessionOfRow = (row: SessionRow): Session => ({
  study: row.studyId as StudyId, // ids are what was put in
  id: row.id as SessionId,
  key: row.keyId as KeyId,
  role: row.role,
  participant: row.participantId as ParticipantId | null,
  readOnly: row.readOnly === 1,
  createdAt: dateOf(row.createdAt),
  expiresAt: dateOf(row.expiresAt),
})

/** What a secret renews: the key that its session came of, and the session that this has, if it is still good. */
export type FoundRenewal = Readonly<{ keyHash: string; live: Session | undefined; liveHash: string | undefined }>

/** A row for a secret of the caller's key, which the session is alike in everything but its limit. */
const insertSecret = (
  caller: Caller,
  kind: SessionRow['kind'],
  { id, hash, expiresAt, limit }: NewSecret & { limit?: SessionLimit | undefined },
) =>
  statement(
    withWho(
      caller,
      sql`INSERT INTO sessions (study_id, hash, id, kind, door, key_id, role, participant_id, member_id, created_at,
          expires_at, source)
        SELECT k.study_id, ${hash}, ${id}, ${kind}, ${caller.door}, k.id, k.role, k.participant_id, k.member_id,
          ${caller.now.getTime()}, ${expiresAt.getTime()}, ${limit?.source ?? null}
        FROM who CROSS JOIN api_keys k INDEXED BY api_keys_id ON k.study_id = ${caller.study} AND k.id = who.key_id
        WHERE ${mayHold(caller, limit)}
        ON CONFLICT DO NOTHING`,
    ),
  )

/** Nobody who is limited has others made; one with a limit is for the participant that the caller is. */
const mayHold = ({ study }: Caller, limit: SessionLimit | undefined): SQL =>
  limit === undefined
    ? sql`who.source IS NULL`
    : sql`(k.participant_id = ${limit.owner} AND ${allows(limit.rule, targetOwnedBy(sql`${study}`, sql`${limit.owner}`))})`

/** What the caller's key has at the caller's door, but for what it was given to act for others; by `sessions_key`. */
const ofKey = ({ study, door }: Caller, kind: SessionRow['kind']): SQL =>
  sql`study_id = ${study} AND key_id = (SELECT key_id FROM who) AND door = ${door} AND kind = ${kind}
    AND participant_id IS (SELECT participant_id FROM who)`

const sessionById = ({ study }: Caller, hash: string) =>
  statement<SessionRow>(sql`SELECT ${sessionColumns} FROM sessions s WHERE s.study_id = ${study} AND s.hash = ${hash}`)

type Renewing = Readonly<{ study: StudyId; hash: string; door: ForeignDoor; now: Date }>

export const sessionStore = (db: Databases) => ({
  /** Whom the caller's key or session acts for: a participant, or a member of the team; neither, for a mere key. */
  async account(caller: Caller): Promise<FoundAccount> {
    const { study } = caller
    const [who, studies, participants, members] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<StudyRow>(
        withWho(caller, sql`SELECT ${studyColumns('s')} FROM who CROSS JOIN studies s WHERE s.id = ${study}`),
      ),
      statement<ParticipantRow>(
        withWho(
          caller,
          sql`SELECT ${participantColumns('p')} FROM who CROSS JOIN participants p
            WHERE p.study_id = ${study} AND p.id = who.participant_id`,
        ),
      ),
      statement<MemberRow>(
        withWho(
          caller,
          sql`SELECT ${memberColumns('m')} FROM who CROSS JOIN api_keys k INDEXED BY api_keys_id
              ON k.study_id = ${study} AND k.id = who.key_id
            CROSS JOIN members m INDEXED BY members_id ON m.study_id = k.study_id AND m.id = k.member_id
            WHERE who.participant_id IS NULL`,
        ),
      ),
    )
    const [studyRow, participant, member] = [first(studies), first(participants), first(members)]
    return {
      principal: principalOf(first(who), study),
      study: studyRow && studyOfRow(studyRow),
      participant: participant && participantOfRow(participant),
      member: member && memberOfRow(member),
    }
  },

  /**
   * A session of the caller's key, in place of the one that it has at this door, and a secret to renew it with beside
   * those that it has. Undefined: the caller shows no key that stands.
   */
  async open(
    caller: Caller,
    { access, renewal }: { access: NewSecret; renewal: NewSecret },
  ): Promise<Session | undefined> {
    const database = db.of(caller.study)
    const [, , , , , , rows] = await database.batch(
      whoStatement(caller),
      statement(
        withWho(
          caller,
          sql`DELETE FROM sessions INDEXED BY sessions_key WHERE ${ofKey(caller, 'access')} AND hash <> ${access.hash}`,
        ),
      ),
      insertSecret(caller, 'access', access),
      record(caller, { action: 'session.begin', owner: sql`who.participant_id`, object: access.id }),
      insertSecret(caller, 'renewal', renewal),
      forgetRenewals(caller),
      sessionById(caller, access.hash),
    )
    const row = first(rows)
    return row && sessionOfRow(row)
  },

  /**
   * A session of the caller's key beside those that it has at this door; of more than a few, those stay that were used
   * last, and however many have a limit, they put none out that has none. Undefined: the caller shows no key that
   * stands, or may have none made with this limit.
   */
  async begin(caller: Caller, access: NewSecret, limit?: SessionLimit): Promise<Session | undefined> {
    const alike = sql`${ofKey(caller, 'access')} AND source IS ${limit === undefined ? sql`NULL` : sql`NOT NULL`}`
    const [, , , , rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      insertSecret(caller, 'access', { ...access, limit }),
      record(caller, { action: 'session.begin', owner: sql`who.participant_id`, object: access.id }),
      statement(
        withWho(
          caller,
          sql`DELETE FROM sessions WHERE ${alike} AND hash <> ${access.hash} AND hash NOT IN (
            SELECT hash FROM sessions INDEXED BY sessions_key WHERE ${alike}
            ORDER BY expires_at DESC, id DESC LIMIT ${SESSIONS_KEPT})`,
        ),
      ),
      sessionById(caller, access.hash),
    )
    const row = first(rows)
    return row && sessionOfRow(row)
  },

  /**
   * Has the session that is shown live on until then, and for `mostMs` in all: written at most once an hour. One that has
   * ended stays ended.
   */
  async keep(caller: Caller, { until, mostMs }: { until: Date; mostMs: number }): Promise<void> {
    if (caller.credential.kind !== 'session') return
    const end = sql`min(created_at + ${mostMs}, ${until.getTime()})`
    await db.of(caller.study).batch(
      statement(
        withWho(
          caller,
          sql`UPDATE sessions SET expires_at = ${end} WHERE study_id = ${caller.study}
            AND hash = ${caller.credential.hash} AND expires_at <= ${end} - ${HOUR_MS} AND EXISTS (SELECT 1 FROM who)`,
        ),
      ),
    )
  },

  /** What a secret renews: the key, and its session at this door that is still good. Undefined: nothing that stands. */
  async findRenewal({ study, hash, door, now }: Renewing): Promise<FoundRenewal | undefined> {
    const [keys, live] = await db.of(study).batch(
      statement<{ hash: string }>(
        sql`SELECT k.hash FROM sessions r CROSS JOIN api_keys k INDEXED BY api_keys_id
            ON k.study_id = r.study_id AND k.id = r.key_id
          WHERE r.study_id = ${study} AND r.hash = ${hash} AND r.kind = 'renewal' AND r.door = ${door}
            AND r.expires_at > ${now.getTime()} AND ${keyStands('k', now)}`,
      ),
      statement<SessionRow>(
        sql`SELECT ${sessionColumns} FROM sessions r CROSS JOIN sessions s INDEXED BY sessions_key
            ON s.study_id = r.study_id AND s.key_id = r.key_id AND s.door = r.door AND s.kind = 'access'
              AND s.participant_id IS r.participant_id
          WHERE r.study_id = ${study} AND r.hash = ${hash} AND r.kind = 'renewal' AND r.door = ${door}
            AND s.expires_at > ${now.getTime()}
          ORDER BY s.id DESC LIMIT 1`,
      ),
    )
    const key = first(keys)
    const row = first(live)
    return key && { keyHash: key.hash, live: row && sessionOfRow(row), liveHash: row?.hash }
  },

  /** Another secret to renew the sessions of the caller's key with; false: the caller shows no key that stands. */
  async addRenewal(caller: Caller, renewal: NewSecret): Promise<boolean> {
    const database = db.of(caller.study)
    const [, , , , rows] = await database.batch(
      whoStatement(caller),
      insertSecret(caller, 'renewal', renewal),
      record(caller, { action: 'session.renew', owner: sql`who.participant_id`, object: renewal.id }),
      forgetRenewals(caller),
      sessionById(caller, renewal.hash),
    )
    return rows.length > 0
  },

  /** Of what renews the sessions of the caller's key at this door, what is older than this secret goes. */
  async forgetOlder(caller: Caller, hash: string): Promise<void> {
    await db.of(caller.study).batch(
      statement(
        withWho(
          caller,
          sql`DELETE FROM sessions INDEXED BY sessions_key WHERE ${ofKey(caller, 'renewal')} AND id < (
            SELECT shown.id FROM sessions shown WHERE shown.study_id = ${caller.study} AND shown.hash = ${hash})`,
        ),
      ),
    )
  },

  /** Who asks, and by which key. */
  async shown(caller: Caller): Promise<Principal | undefined> {
    const [who] = await db.of(caller.study).batch(whoStatement(caller))
    return principalOf(first(who), caller.study)
  },

  /**
   * Ends what the caller has at this door through a key, also what would renew it: of a session that acts for somebody
   * else, what acts for them. It is put on record before it is done, for the caller's own row is among what goes.
   */
  async end(caller: Caller, { key, participant }: { key: KeyId; participant: ParticipantId | null }): Promise<void> {
    const theirs = sql`study_id = ${caller.study} AND key_id = ${key} AND door = ${caller.door}
      AND participant_id IS ${participant}`
    const database = db.of(caller.study)
    await database.batch(
      record(
        caller,
        { action: 'session.end', owner: sql`who.participant_id`, object: null },
        sql`EXISTS (SELECT 1 FROM sessions INDEXED BY sessions_key WHERE ${theirs})`,
      ),
      statement(sql`DELETE FROM sessions INDEXED BY sessions_key WHERE ${theirs}`),
    )
  },

  /** Forgets what has ended, at most `limit` rows of each kind. */
  async purge(now: Date, limit: number): Promise<number> {
    const ended = sql`expires_at <= ${now.getTime()}${db.served('study_id')} LIMIT ${limit}`
    const rows = await db.swept(now, async (database) => {
      const [gone, forgotten] = await database.batch(
        statement<{ hash: string }>(
          sql`DELETE FROM sessions WHERE (study_id, hash) IN (SELECT study_id, hash FROM sessions
            INDEXED BY sessions_expires WHERE ${ended}) RETURNING hash`,
        ),
        statement<{ hash: string }>(
          sql`DELETE FROM assertions WHERE (study_id, key_id, hash) IN (SELECT study_id, key_id, hash FROM assertions
            INDEXED BY assertions_expires WHERE ${ended}) RETURNING hash`,
        ),
      )
      return [...gone, ...forgotten]
    })
    return rows.length
  },
})

/** Of a key's renewals at the door, the newest stay. */
const forgetRenewals = (caller: Caller) =>
  statement(
    withWho(
      caller,
      sql`DELETE FROM sessions INDEXED BY sessions_key WHERE ${ofKey(caller, 'renewal')} AND id NOT IN (
        SELECT id FROM sessions INDEXED BY sessions_key WHERE ${ofKey(caller, 'renewal')}
        ORDER BY id DESC LIMIT ${RENEWALS_KEPT})`,
    ),
  )
