import { sql } from './sql.ts'
import type { EnrolmentCode } from '../model/enrolment-codes.ts'
import type { ApiKey } from '../model/entities.ts'
import type { EnrolmentCodeId, KeyId, ParticipantId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Door, Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { keyColumns, keyOfRow, type KeyRow } from './api-keys.ts'
import { insertEvent, record } from './audit.ts'
import { allows, targetStudy } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { columnsOf, dateOf, dateOrNull, first, type Row, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { remember } from './idempotency.ts'
import { enrolmentCodes } from './schema/enrolment-codes.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

/** An exchange whose answer was lost can be repeated by the same nonce for this long. */
const REPEAT_MS = 10 * 60_000
/** Used and expired codes are told from unknown ones for this long after their expiry. */
const KEPT_MS = 24 * 3_600_000

export type NewEnrolmentCode = Readonly<{
  id: EnrolmentCodeId
  hash: string
  participant: ParticipantId
  label: string
  expiresAt: Date
}>

export type Exchange = Readonly<{
  /** The study of the code, by the number that is in it. */
  studyNumber: number
  codeHash: string
  nonce: string
  key: { id: KeyId; hash: string; hint: string }
  now: Date
  door: Door
}>

type CodeRow = Row<typeof enrolmentCodes>
const columns = columnsOf(enrolmentCodes, 'e')

const codeOfRow = (row: CodeRow): EnrolmentCode => ({
  id: row.id as EnrolmentCodeId, // ids are what was put in
  participant: row.participantId as ParticipantId,
  label: row.label,
  createdAt: dateOf(row.createdAt),
  expiresAt: dateOf(row.expiresAt),
  claimedAt: dateOrNull(row.claimedAt),
  revokedAt: dateOrNull(row.revokedAt),
})

export const enrolmentCodeStore = (db: Databases) => ({
  /** Undefined `code`: the rule says no, or the participant is not there or has withdrawn. */
  async issue(
    caller: Caller,
    { rule, code }: { rule: Rule; code: NewEnrolmentCode },
  ): Promise<{ principal: Principal | undefined; code: EnrolmentCode | undefined }> {
    const { study } = caller
    const [who, , , , rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement(
        withWho(
          caller,
          sql`INSERT INTO enrolment_codes (study_id, hash, id, participant_id, label, created_by, created_at, expires_at)
            SELECT p.study_id, ${code.hash}, ${code.id}, p.id, ${code.label}, who.actor, ${caller.now.getTime()},
              ${code.expiresAt.getTime()}
            FROM who CROSS JOIN participants p
            WHERE p.study_id = ${study} AND p.id = ${code.participant} AND p.status = 'active'
              AND ${allows(rule, targetStudy(study))}
            ON CONFLICT DO NOTHING`,
        ),
      ),
      record(caller, { action: 'enrolment_code.issue', owner: sql`${code.participant}`, object: code.id }),
      remember(caller, { ids: { code: code.id }, owner: sql`${code.participant}` }),
      statement<CodeRow>(
        sql`SELECT ${columns} FROM enrolment_codes e WHERE e.study_id = ${study} AND e.hash = ${code.hash}`,
      ),
    )
    const row = first(rows)
    return { principal: principalOf(first(who), study), code: row && codeOfRow(row) }
  },

  async find(
    caller: Caller,
    participant: ParticipantId,
    id: EnrolmentCodeId,
  ): Promise<{ principal: Principal | undefined; code: EnrolmentCode | undefined }> {
    const [who, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<CodeRow>(
        sql`SELECT ${columns} FROM enrolment_codes e INDEXED BY enrolment_codes_participant
          WHERE e.study_id = ${caller.study} AND e.participant_id = ${participant} AND e.id = ${id}`,
      ),
    )
    const row = first(rows)
    return { principal: principalOf(first(who), caller.study), code: row && codeOfRow(row) }
  },

  /** A participant's codes, oldest first. */
  async list(
    caller: Caller,
    participant: ParticipantId,
    page: PageRequest,
  ): Promise<{ principal: Principal | undefined; page: Page<EnrolmentCode> }> {
    const after = decodeCursor('enrolment-codes', page.cursor)
    const [who, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<CodeRow>(
        sql`SELECT ${columns} FROM enrolment_codes e INDEXED BY enrolment_codes_participant
          WHERE e.study_id = ${caller.study} AND e.participant_id = ${participant} AND e.id > ${after?.[1] ?? ''}
          ORDER BY e.id LIMIT ${page.limit + 1}`,
      ),
    )
    return {
      principal: principalOf(first(who), caller.study),
      page: pageOf(rows, page.limit, {
        listing: 'enrolment-codes',
        place: (row) => [row.id, row.id],
        item: codeOfRow,
      }),
    }
  },

  async revoke(
    caller: Caller,
    { rule, participant, id }: { rule: Rule; participant: ParticipantId; id: EnrolmentCodeId },
  ): Promise<{ principal: Principal | undefined; revoked: boolean }> {
    const [who, revoked] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<{ id: string }>(
        withWho(
          caller,
          sql`UPDATE enrolment_codes INDEXED BY enrolment_codes_participant
            SET revoked_at = coalesce(revoked_at, ${caller.now.getTime()})
            WHERE study_id = ${caller.study} AND participant_id = ${participant} AND id = ${id}
              AND EXISTS (SELECT 1 FROM who WHERE ${allows(rule, targetStudy(caller.study))}) RETURNING id`,
        ),
      ),
      record(caller, { action: 'enrolment_code.revoke', owner: sql`${participant}`, object: id }),
    )
    return { principal: principalOf(first(who), caller.study), revoked: revoked.length > 0 }
  },

  /**
   * Uses a code up and makes its participant's key, in one batch: of all who try, one gets it. The same nonce gets the
   * same key again, with a new secret, since the first may never have arrived.
   */
  async exchange({ studyNumber, codeHash, nonce, key, now, door }: Exchange): Promise<{
    outcome: 'exchanged' | 'spent' | 'unknown'
    key: ApiKey | undefined
  }> {
    const time = now.getTime()
    const study = sql`(SELECT id FROM studies WHERE number = ${studyNumber} AND status = 'active')`
    const ours = sql`e.study_id = ${study} AND e.hash = ${codeHash} AND e.claimed_by = ${nonce}`
    const [, , , rows, known] = await db.ofNumber(studyNumber).batch(
      statement(
        sql`UPDATE enrolment_codes AS e
          SET claimed_at = coalesce(claimed_at, ${time}), claimed_by = ${nonce}, key_id = coalesce(key_id, ${key.id})
          WHERE e.study_id = ${study} AND e.hash = ${codeHash} AND e.revoked_at IS NULL
            AND ((e.claimed_by IS NULL AND e.expires_at > ${time})
              OR (e.claimed_by = ${nonce} AND e.claimed_at > ${time - REPEAT_MS}))
            AND EXISTS (SELECT 1 FROM participants p
              WHERE p.study_id = e.study_id AND p.id = e.participant_id AND p.status = 'active')`,
      ),
      statement(
        sql`INSERT INTO api_keys (study_id, hash, id, role, participant_id, label, hint, created_at, issued_by)
          SELECT e.study_id, ${key.hash}, e.key_id, 'participant', e.participant_id, e.label, ${key.hint}, ${time},
            e.created_by
          FROM enrolment_codes e WHERE ${ours} AND changes() > 0
          ON CONFLICT (study_id, id) DO UPDATE SET hash = excluded.hash, hint = excluded.hint
            WHERE api_keys.last_used_at IS NULL`,
      ),
      statement(
        insertEvent(
          { now, door },
          {
            study: sql`e.study_id`,
            action: 'enrolment_code.claim',
            actor: sql`'participant:' || p.audit_id`,
            through: sql`e.key_id`,
            subject: sql`p.audit_id`,
            object: sql`e.id`,
            found: sql`FROM enrolment_codes e CROSS JOIN participants p ON p.study_id = e.study_id AND p.id = e.participant_id
              WHERE ${ours} AND changes() > 0`,
          },
        ),
      ),
      statement<KeyRow>(
        sql`SELECT ${keyColumns('k')} FROM api_keys k WHERE k.study_id = ${study} AND k.hash = ${key.hash}`,
      ),
      statement<{ known: number }>(
        sql`SELECT 1 AS known FROM enrolment_codes e WHERE e.study_id = ${study} AND e.hash = ${codeHash}`,
      ),
    )
    const row = first(rows)
    if (row !== undefined) return { outcome: 'exchanged', key: keyOfRow(row) }
    return { outcome: known.length > 0 ? 'spent' : 'unknown', key: undefined }
  },

  /** Forgets codes that ended a day ago; answers how many went. */
  async purge(now: Date, limit: number): Promise<number> {
    const gone = await db.swept(now, async (database) => {
      const [rows] = await database.batch(
        statement<{ id: string }>(
          sql`DELETE FROM enrolment_codes WHERE (study_id, hash) IN (
          SELECT study_id, hash FROM enrolment_codes INDEXED BY enrolment_codes_expires
          WHERE expires_at <= ${now.getTime() - KEPT_MS}${db.served('study_id')} ORDER BY expires_at LIMIT ${limit}) RETURNING id`,
        ),
      )
      return rows
    })
    return gone.length
  },
})
