import { sql } from './sql.ts'
import type { ApiKey } from '../model/entities.ts'
import { ALL_STUDIES, type KeyId, type MemberId, NO_STUDY, type ParticipantId, type StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Actor, Credential, Principal, StudyRole } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { record } from './audit.ts'
import { allows, targetStudy } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { columnsOf, type Database, dateOf, dateOrNull, first, type Row, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { remember } from './idempotency.ts'
import { apiKeys } from './schema/people.ts'
import { type Caller, keyStands, principalOf, sessionStands, whoStatement, withWho } from './who.ts'

export type NewApiKey = Readonly<{
  id: KeyId
  role: StudyRole
  participant: ParticipantId | null
  member: MemberId | null
  label: string
  expiresAt: Date | null
  /** SHA-256 of the secret in hex, or of the public key that stands in its place. */
  hash: string
  hint: string | null
  publicKey: string | null
}>

export type FoundKey = Readonly<{ principal: Principal | undefined; key: ApiKey | undefined }>

export type KeyRow = Row<typeof apiKeys>
export const keyColumns = (alias: string) => columnsOf(apiKeys, alias)
const columns = keyColumns('k')

export const keyOfRow = (row: KeyRow): ApiKey => ({
  study: row.studyId as StudyId, // ids are what was put in
  id: row.id as KeyId,
  role: row.role,
  participant: row.participantId as ParticipantId | null,
  member: row.memberId as MemberId | null,
  label: row.label,
  hint: row.hint,
  publicKey: row.publicKey,
  createdAt: dateOf(row.createdAt),
  expiresAt: dateOrNull(row.expiresAt),
  revokedAt: dateOrNull(row.revokedAt),
  lastUsedAt: dateOrNull(row.lastUsedAt),
  issuedBy: row.issuedBy as Actor | null,
})

/** A key's id; `self`: the one that the caller shows. */
const idSql = (id: KeyId | 'self') => (id === 'self' ? sql`(SELECT key_id FROM who)` : sql`${id}`)

const keyById = (caller: Caller, id: KeyId | 'self') =>
  statement<KeyRow>(
    withWho(
      caller,
      sql`SELECT ${columns} FROM api_keys k INDEXED BY api_keys_id WHERE k.study_id = ${caller.study} AND k.id = ${idSql(id)}`,
    ),
  )

/** The participant that a key acts for, as a subquery; none for one of the team. */
const keyOwner = (caller: Caller, id: KeyId | 'self') =>
  sql`(SELECT k.participant_id FROM api_keys k INDEXED BY api_keys_id
    WHERE k.study_id = ${caller.study} AND k.id = ${idSql(id)})`

export const apiKeyStore = (db: Databases) => ({
  /** Undefined `key`: the rule says no, whom it is to act for is not there, or (`taken`) the study has its hash. */
  async issue(caller: Caller, { rule, key }: { rule: Rule; key: NewApiKey }): Promise<FoundKey & { taken: boolean }> {
    const { study } = caller
    const [who, , , , rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement(
        withWho(
          caller,
          sql`INSERT INTO api_keys (study_id, hash, id, role, participant_id, member_id, label, hint, public_key,
              created_at, expires_at, issued_by)
            SELECT s.id, ${key.hash}, ${key.id}, ${key.role}, ${key.participant}, ${key.member}, ${key.label},
              ${key.hint}, ${key.publicKey}, ${caller.now.getTime()}, ${key.expiresAt?.getTime() ?? null}, who.actor
            FROM who CROSS JOIN studies s
            WHERE s.id = ${study} AND s.status = 'active' AND ${allows(rule, targetStudy(study))}
              AND ${
                key.participant === null
                  ? sql`1`
                  : sql`EXISTS (SELECT 1 FROM participants p WHERE p.study_id = ${study} AND p.id = ${key.participant}
                      AND p.status <> 'erasing')`
              }
              AND ${
                key.member === null
                  ? sql`1`
                  : sql`EXISTS (SELECT 1 FROM members m INDEXED BY members_id
                      WHERE m.study_id = ${study} AND m.id = ${key.member})`
              }
            ON CONFLICT DO NOTHING`,
        ),
      ),
      record(caller, { action: 'key.issue', owner: sql`${key.participant}`, object: key.id }),
      remember(caller, { ids: { key: key.id }, owner: sql`${key.participant}` }),
      statement<KeyRow>(sql`SELECT ${columns} FROM api_keys k WHERE k.study_id = ${study} AND k.hash = ${key.hash}`),
    )
    const row = first(rows)
    const isOurs = row?.id === key.id
    return {
      principal: principalOf(first(who), study),
      key: row !== undefined && isOurs ? keyOfRow(row) : undefined,
      taken: row !== undefined && !isOurs,
    }
  },

  async find(caller: Caller, id: KeyId | 'self'): Promise<FoundKey> {
    const [who, rows] = await db.of(caller.study).batch(whoStatement(caller), keyById(caller, id))
    const row = first(rows)
    return { principal: principalOf(first(who), caller.study), key: row && keyOfRow(row) }
  },

  /** Newest last; revoked ones too. */
  async list(
    caller: Caller,
    { participant, page }: { participant: ParticipantId | undefined; page: PageRequest },
  ): Promise<{ principal: Principal | undefined; page: Page<ApiKey> }> {
    const after = decodeCursor('keys', page.cursor)
    const [who, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<KeyRow>(
        participant === undefined
          ? sql`SELECT ${columns} FROM api_keys k INDEXED BY api_keys_id
              WHERE k.study_id = ${caller.study} AND k.id > ${after?.[1] ?? ''} ORDER BY k.id LIMIT ${page.limit + 1}`
          : sql`SELECT ${columns} FROM api_keys k INDEXED BY api_keys_participant
              WHERE k.study_id = ${caller.study} AND k.participant_id = ${participant} AND k.id > ${after?.[1] ?? ''}
              ORDER BY k.id LIMIT ${page.limit + 1}`,
      ),
    )
    return {
      principal: principalOf(first(who), caller.study),
      page: pageOf(rows, page.limit, { listing: 'keys', place: (row) => [row.id, row.id], item: keyOfRow }),
    }
  },

  /** By the rule or by who shows it; holds from the next request on. One that is revoked already stays so from then. */
  async revoke(caller: Caller, { rule, id }: { rule: Rule; id: KeyId | 'self' }): Promise<FoundKey> {
    // A session is not the key: it may act for somebody else, and for less.
    const isShown = caller.credential.kind === 'key' ? sql`(who.key_id = k.id AND NOT who.read_only)` : sql`0`
    const mayRevoke = sql`k.study_id = ${caller.study} AND k.id = ${idSql(id)}
      AND (${isShown} OR ${allows(rule, targetStudy(caller.study))})`
    const [who, , rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      // Before it happens: it may be the caller's own key. One that is revoked already is not revoked again.
      record(
        caller,
        { action: 'key.revoke', owner: keyOwner(caller, id), object: idSql(id) },
        sql`EXISTS (SELECT 1 FROM api_keys k INDEXED BY api_keys_id WHERE ${mayRevoke}
          AND (k.revoked_at IS NULL OR k.revoked_at > ${caller.now.getTime()}))`,
      ),
      statement<KeyRow>(
        withWho(
          caller,
          sql`UPDATE api_keys AS k INDEXED BY api_keys_id SET revoked_at =
              min(coalesce(revoked_at, ${caller.now.getTime()}), ${caller.now.getTime()})
            WHERE k.study_id = ${caller.study} AND k.id = ${idSql(id)} AND EXISTS (SELECT 1 FROM who WHERE ${mayRevoke})
            RETURNING ${columnsOf(apiKeys, 'api_keys')}`,
        ),
      ),
    )
    const row = first(rows)
    return { principal: principalOf(first(who), caller.study), key: row && keyOfRow(row) }
  },

  /**
   * The caller's own key gets a successor, alike but for its secret, and itself ends at `until` at the latest.
   * Undefined `key`: the caller is no such key.
   */
  async rotate(
    caller: Caller,
    id: KeyId | 'self',
    successor: { id: KeyId; hash: string; hint: string; until: Date },
  ): Promise<FoundKey> {
    const { study } = caller
    const [who, , , , , rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement(
        withWho(
          caller,
          sql`INSERT INTO api_keys (study_id, hash, id, role, participant_id, member_id, label, hint, created_at,
              expires_at, issued_by)
            SELECT k.study_id, ${successor.hash}, ${successor.id}, k.role, k.participant_id, k.member_id, k.label,
              ${successor.hint}, ${caller.now.getTime()}, k.expires_at, k.issued_by
            FROM who CROSS JOIN api_keys k INDEXED BY api_keys_id
            WHERE k.study_id = ${study} AND k.id = who.key_id AND who.key_id = ${idSql(id)} AND NOT who.read_only
              AND who.source IS NULL
            ON CONFLICT DO NOTHING`,
        ),
      ),
      record(caller, { action: 'key.rotate', owner: sql`who.participant_id`, object: successor.id }),
      remember(caller, { ids: { key: successor.id, predecessor: sql`who.key_id` }, owner: sql`who.participant_id` }),
      statement(
        withWho(
          caller,
          sql`UPDATE api_keys INDEXED BY api_keys_id
            SET revoked_at = min(coalesce(revoked_at, ${successor.until.getTime()}), ${successor.until.getTime()})
            WHERE study_id = ${study} AND id = ${idSql(id)} AND EXISTS (SELECT 1 FROM api_keys s INDEXED BY api_keys_id
              WHERE s.study_id = ${study} AND s.id = ${successor.id})`,
        ),
      ),
      keyById(caller, successor.id),
    )
    const row = first(rows)
    return { principal: principalOf(first(who), study), key: row && keyOfRow(row) }
  },

  /** Whether a credential that has no place in the study that was asked is good anywhere at all, at this door. */
  async isGood({ credential, door, now }: Pick<Caller, 'credential' | 'door' | 'now'>): Promise<boolean> {
    // A JWT was verified before it became a credential; the other kinds have a row in every study.
    if (!('hash' in credential)) return credential.kind === 'jwt'
    const { hash, studyNumber } = credential
    if (studyNumber === ALL_STUDIES) return isGoodAnywhere(db.home, hash, now)
    const shown =
      credential.kind === 'key'
        ? sql`api_keys k ON k.study_id = t.id AND k.hash = ${hash} AND k.public_key IS NULL AND ${keyStands('k', now)}
          LEFT JOIN participants p ON p.study_id = k.study_id AND p.id = k.participant_id`
        : sql`sessions s ON s.study_id = t.id AND s.hash = ${hash} AND ${sessionStands('s', { now, door })}
          CROSS JOIN api_keys k INDEXED BY api_keys_id
            ON k.study_id = s.study_id AND k.id = s.key_id AND ${keyStands('k', now)}
          LEFT JOIN participants p ON p.study_id = s.study_id AND p.id = s.participant_id`
    const [rows] = await db.ofNumber(studyNumber).batch(
      statement<{ good: number }>(
        sql`SELECT 1 AS good FROM studies t CROSS JOIN ${shown} WHERE t.number = ${studyNumber}
          AND (${sql.raw(credential.kind === 'key' ? 'k' : 's')}.participant_id IS NULL
            OR p.status IN ('active', 'withdrawn'))`,
      ),
    )
    return rows.length > 0
  },

  /** Notes that a key was used, to the hour: most uses write nothing. */
  async noteUse(credential: Extract<Credential, { kind: 'key' }>, now: Date): Promise<void> {
    const hour = 3_600_000
    const database = credential.studyNumber === ALL_STUDIES ? db.home : db.ofNumber(credential.studyNumber)
    await database.batch(
      statement(
        sql`UPDATE api_keys SET last_used_at = ${now.getTime()}
          WHERE study_id = ${
            credential.studyNumber === ALL_STUDIES
              ? NO_STUDY
              : sql`(SELECT id FROM studies WHERE number = ${credential.studyNumber})`
          }
            AND hash = ${credential.hash} AND coalesce(last_used_at, 0) <= ${now.getTime() - hour}`,
      ),
    )
  },
})

/** Of a key of all studies, which is with none of them. */
async function isGoodAnywhere(db: Database, hash: string, now: Date): Promise<boolean> {
  const [rows] = await db.batch(
    statement<{ good: number }>(
      sql`SELECT 1 AS good FROM api_keys k WHERE k.study_id = ${NO_STUDY} AND k.hash = ${hash} AND ${keyStands('k', now)}`,
    ),
  )
  return rows.length > 0
}
