import { sql, type SQL } from './sql.ts'
import { type KeyId, newId, type ParticipantId, type StudyId } from '../model/ids.ts'
import type { Door, ForeignDoor, Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import type { Reach, Session } from '../model/sessions.ts'
import { insertEvent, record } from './audit.ts'
import { allows, targetStudy } from './conditions.ts'
import { type Database, first, type Row, statement } from './database.ts'
import { type Databases, eachOnce } from './databases.ts'
import type { sessions } from './schema/sessions.ts'
import { type NewSecret, sessionColumns, sessionOfRow } from './sessions.ts'
import { type Caller, keyStands, principalOf, sessionStands, whoStatement, withWho } from './who.ts'

/** How many keys of one name are looked at: a study's newest, and those of all studies together that know it. */
const MAX_KEYS_OF_STUDY = 10
const MAX_KEYS = 100

/** A service account's public key in one study. */
export type ServiceKey = Readonly<{ study: StudyId; studyNumber: number; id: KeyId; publicKey: string }>

type SessionRow = Row<typeof sessions>

/** The keys that an assertion was found to be signed with, as rows `signed` of study and key. */
const signedBy = (keys: readonly ServiceKey[]): SQL =>
  sql`json_each(${JSON.stringify(keys.map(({ study, id }) => [study, id]))}) signed CROSS JOIN api_keys k
    INDEXED BY api_keys_id ON k.study_id = signed.value ->> 0 AND k.id = signed.value ->> 1`

export const serviceAccountStore = (db: Databases) => ({
  /**
   * The public keys of a service account's name, in every study that knows it. It begins with no study, for an assertion
   * tells none: whoever signed it proves which are theirs.
   */
  async keys(name: string, now: Date): Promise<ServiceKey[]> {
    const found = await Promise.all(
      db.all.map(async (database) => {
        const [rows] = await database.batch(
          statement<ServiceKey>(
            sql`SELECT study, "studyNumber", id, "publicKey" FROM (
            SELECT k.study_id AS study, t.number AS "studyNumber", k.id, k.public_key AS "publicKey",
              row_number() OVER (PARTITION BY k.study_id ORDER BY k.id DESC) AS place
            FROM api_keys k INDEXED BY api_keys_service_accounts CROSS JOIN studies t ON t.id = k.study_id
            WHERE k.label = ${name} AND k.public_key IS NOT NULL AND k.role IN ('worker', 'admin')
              AND ${keyStands('k', now)}${db.shown('k.study_id')})
          WHERE place <= ${MAX_KEYS_OF_STUDY} ORDER BY "studyNumber", id DESC LIMIT ${MAX_KEYS}`,
          ),
        )
        return rows
      }),
    )
    return eachOnce(found.flat(), ({ study, id }) => `${study} ${id}`).slice(0, MAX_KEYS)
  },

  /**
   * A session in each of the keys' studies, for an assertion that none of them was shown before. Answers those studies;
   * none: it was used, or its keys have ended. The batch may be repeated: it knows its own session again.
   */
  async exchange(
    all: readonly ServiceKey[],
    {
      assertion,
      session,
      door,
      now,
    }: { assertion: { hash: string; expiresAt: Date }; session: NewSecret; door: ForeignDoor; now: Date },
  ): Promise<StudyId[]> {
    const exchangeIn = async (database: Database, keys: readonly ServiceKey[]) => {
      const isNew = sql`NOT EXISTS (SELECT 1 FROM ${signedBy(keys)} CROSS JOIN assertions a
      ON a.study_id = k.study_id AND a.key_id = k.id AND a.hash = ${assertion.hash} AND a.session_id <> ${session.id})`
      const made = sql`${signedBy(keys)} WHERE ${keyStands('k', now)}`
      const events = JSON.stringify(keys.map(({ study, id }) => [study, id, newId('aud', now)]))
      const theirs = sql`FROM json_each(${events}) event CROSS JOIN sessions s
      ON s.study_id = event.value ->> 0 AND s.hash = ${session.hash} AND s.key_id = event.value ->> 1`
      const [, , , , rows] = await database.batch(
        statement(
          sql`INSERT INTO assertions (study_id, key_id, hash, session_id, expires_at)
          SELECT k.study_id, k.id, ${assertion.hash}, ${session.id}, ${assertion.expiresAt.getTime()} FROM ${made}
            AND ${isNew} ON CONFLICT DO NOTHING`,
        ),
        statement(
          sql`INSERT INTO sessions (study_id, hash, id, kind, door, key_id, role, participant_id, member_id, created_at,
            expires_at)
          SELECT k.study_id, ${session.hash}, ${session.id}, 'access', ${door}, k.id, k.role, NULL, k.member_id,
            ${now.getTime()}, ${session.expiresAt.getTime()}
          FROM ${made} AND ${isNew} ON CONFLICT DO NOTHING`,
        ),
        statement(
          insertEvent(
            { now, door },
            {
              study: sql`s.study_id`,
              action: 'session.begin',
              actor: sql`'key:' || s.key_id`,
              through: sql`s.key_id`,
              subject: sql`NULL`,
              object: sql`s.id`,
              found: sql`${theirs} WHERE true`,
            },
            sql`event.value ->> 2`,
          ),
        ),
        // Every session of a public key begins here: this is all that there is of its last use.
        statement(
          sql`UPDATE api_keys SET last_used_at = ${now.getTime()}
          WHERE (study_id, id) IN (SELECT s.study_id, s.key_id ${theirs})`,
        ),
        statement<{ study: StudyId }>(sql`SELECT s.study_id AS study ${theirs}`),
      )
      return rows.map(({ study }) => study)
    }
    return db.divided(all, ({ study }) => study, exchangeIn)
  },

  /**
   * Where a participant is, of the studies that a service account's session opens: two of them, where there are several.
   * What one assertion was exchanged for ends everywhere at the same time, which is how its sessions find each other.
   */
  async studiesOfParticipant(
    { studyNumber, hash }: { studyNumber: number; hash: string },
    participant: ParticipantId,
    { now, door }: { now: Date; door: Door },
  ): Promise<{ study: StudyId; number: number }[]> {
    const own = sql`studies shown CROSS JOIN sessions own ON own.study_id = shown.id AND own.hash = ${hash}`
    const isShown = sql`shown.number = ${studyNumber}`
    // Other databases do not know the one that is shown, but when it ends.
    const ends = async () => {
      const [rows] = await db
        .ofNumber(studyNumber)
        .batch(statement<{ at: number }>(sql`SELECT own.expires_at AS at FROM ${own} WHERE ${isShown}`))
      return sql`(SELECT ${first(rows)?.at ?? null} AS expires_at, ${hash} AS hash) own`
    }
    const [from, where] = db.places === undefined ? [own, isShown] : [await ends(), sql`true`]
    const found = await Promise.all(
      db.all.map(async (database) => {
        const [rows] = await database.batch(
          statement<{ study: StudyId; number: number }>(
            sql`SELECT t.id AS study, t.number FROM ${from}
          CROSS JOIN sessions s INDEXED BY sessions_expires ON s.expires_at = own.expires_at AND s.hash = own.hash
          CROSS JOIN api_keys k INDEXED BY api_keys_id ON k.study_id = s.study_id AND k.id = s.key_id
          CROSS JOIN participants p ON p.study_id = s.study_id AND p.id = ${participant}
          CROSS JOIN studies t ON t.id = p.study_id
          WHERE ${where}${db.shown('s.study_id')} AND s.role IN ('worker', 'admin') AND ${sessionStands('s', { now, door })}
            AND ${keyStands('k', now)} AND p.status IN ('active', 'withdrawn') LIMIT 2`,
          ),
        )
        return rows
      }),
    )
    return eachOnce(found.flat(), ({ study }) => study).slice(0, 2)
  },

  /**
   * A session that acts for a participant, through the key that the caller's own came of, and ends with that. For nobody
   * who has withdrawn: from then on the team has no more of theirs than was shared with it.
   */
  async actFor(
    caller: Caller,
    { rule, participant, reach, session }: { rule: Rule; participant: ParticipantId; reach: Reach; session: NewSecret },
  ): Promise<{ principal: Principal | undefined; session: Session | undefined }> {
    const { study, door } = caller
    const [who, , , rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement(
        withWho(
          caller,
          sql`INSERT INTO sessions (study_id, hash, id, kind, door, key_id, role, participant_id, read_only, created_at,
              expires_at)
            SELECT p.study_id, ${session.hash}, ${session.id}, 'access', ${door}, who.key_id,
              ${reach === 'nothing' ? 'stranger' : 'participant'}, p.id, ${reach === 'everything' ? 0 : 1},
              ${caller.now.getTime()}, ${session.expiresAt.getTime()}
            FROM who CROSS JOIN participants p WHERE p.study_id = ${study} AND p.id = ${participant}
              AND p.status = 'active' AND who.key_id IS NOT NULL AND ${allows(rule, targetStudy(study))}
            ON CONFLICT DO NOTHING`,
        ),
      ),
      record(caller, { action: 'session.begin', owner: sql`${participant}`, object: session.id }),
      statement<SessionRow>(
        sql`SELECT ${sessionColumns} FROM sessions s WHERE s.study_id = ${study} AND s.hash = ${session.hash}`,
      ),
    )
    const row = first(rows)
    return { principal: principalOf(first(who), study), session: row && sessionOfRow(row) }
  },
})
