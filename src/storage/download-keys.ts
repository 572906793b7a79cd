import { sql } from './sql.ts'
import type { ApiKey } from '../model/entities.ts'
import { type KeyId, newId, NO_STUDY, type StudyId } from '../model/ids.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { type FoundKey, keyColumns, keyOfRow, type KeyRow } from './api-keys.ts'
import { record, recordFirst } from './audit.ts'
import { allows, READ_ONCE, targetStudy } from './conditions.ts'
import { first, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

// Keys of role `download` as they go by their names: of those of a study that are not revoked each has its own. The
// caller's study may be none: then they are the operator's, and open every study.

export type NewDownloadKey = Readonly<{ id: KeyId; name: string; hash: string; hint: string }>

/** So many are listed, or ended at once. */
const MOST = 1_000

const columns = keyColumns('k')

/** The keys of the caller's study, under the alias `k`. */
const ofStudy = ({ study }: Caller) =>
  sql`api_keys k INDEXED BY api_keys_download WHERE k.study_id = ${study} AND k.role = 'download'`

/** Those that stand. */
const standing = (caller: Caller) => sql`${ofStudy(caller)} AND k.revoked_at IS NULL`

/** Whether there is such a study: keys of all of them need none. */
const isThere = (study: StudyId) =>
  study === NO_STUDY ? sql`1` : sql`EXISTS (SELECT 1 FROM studies s WHERE s.id = ${study} AND s.status = 'active')`

const others = (db: Databases) => db.all.filter((database) => database !== db.home)

/**
 * Keys of all studies, as another database than the first has them, where they are beside the studies that they open.
 * What is revoked in either stays so.
 */
const spread = (keys: readonly KeyRow[]) =>
  statement(
    sql`INSERT INTO api_keys (study_id, hash, id, role, label, hint, created_at, expires_at, revoked_at, issued_by)
      SELECT ${NO_STUDY}, ${told('hash')}, ${told('id')}, ${told('role')}, ${told('label')}, ${told('hint')},
        ${told('createdAt')}, ${told('expiresAt')}, ${told('revokedAt')}, ${told('issuedBy')}
      FROM json_each(${JSON.stringify(keys)}) told WHERE true
      ON CONFLICT (study_id, hash) DO UPDATE SET
        revoked_at = min(coalesce(revoked_at, excluded.revoked_at), coalesce(excluded.revoked_at, revoked_at))
      WHERE excluded.revoked_at IS NOT NULL`,
  )
const told = (name: keyof KeyRow) => sql`told.value ->> ${name}`

/** Before it is revoked in the first: what was answered to holds in all, and what failed half-way is found again. */
async function revokeElsewhere(db: Databases, ids: readonly KeyId[], now: Date): Promise<void> {
  if (others(db).length === 0) return
  const [rows] = await db.home.batch(
    statement<KeyRow>(
      sql`SELECT ${columns} FROM api_keys k INDEXED BY api_keys_id WHERE k.study_id = ${NO_STUDY}
        AND k.id IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`,
    ),
  )
  const ended = rows.map((row) => ({ ...row, revokedAt: Math.min(row.revokedAt ?? now.getTime(), now.getTime()) }))
  await Promise.all(others(db).map(async (database) => database.batch(spread(ended))))
}

export const downloadKeyStore = (db: Databases) => ({
  /** Undefined `key`: the rule says no, there is no such study, or (`taken`) the name is another's. */
  async issue(
    caller: Caller,
    { rule, key }: { rule: Rule; key: NewDownloadKey },
  ): Promise<FoundKey & { taken: boolean }> {
    const { study } = caller
    const [who, , , rows, namesakes] = await db.of(study).batch(
      whoStatement(caller),
      statement(
        withWho(
          caller,
          sql`INSERT INTO api_keys (study_id, hash, id, role, label, hint, created_at, issued_by)
            SELECT ${study}, ${key.hash}, ${key.id}, 'download', ${key.name}, ${key.hint}, ${caller.now.getTime()}, who.actor
            FROM who WHERE ${isThere(study)} AND ${allows(rule, targetStudy(study))}
              AND NOT EXISTS (SELECT 1 FROM ${standing(caller)} AND k.label = ${key.name})
            ON CONFLICT DO NOTHING`,
        ),
      ),
      record(caller, { action: 'key.issue', owner: sql`''`, object: key.id }),
      statement<KeyRow>(sql`SELECT ${columns} FROM api_keys k WHERE k.study_id = ${study} AND k.hash = ${key.hash}`),
      statement<{ id: KeyId }>(sql`SELECT k.id FROM ${standing(caller)} AND k.label = ${key.name} LIMIT 1`),
    )
    const row = first(rows)
    // Where it does not get to at once, the sweep brings it.
    if (row !== undefined && study === NO_STUDY)
      await Promise.allSettled(others(db).map(async (to) => to.batch(spread([row]))))
    return {
      principal: principalOf(first(who), study),
      key: row && keyOfRow(row),
      taken: row === undefined && namesakes.length > 0,
    }
  },

  /** Brings the keys of all studies to databases that do not have them; answers how many there are. */
  async spread(): Promise<number> {
    if (others(db).length === 0) return 0
    const [rows] = await db.home.batch(
      statement<KeyRow>(
        sql`SELECT ${columns} FROM api_keys k INDEXED BY api_keys_download
          WHERE k.study_id = ${NO_STUDY} AND k.role = 'download' LIMIT ${MOST}`,
      ),
    )
    await Promise.all(others(db).map(async (database) => database.batch(spread(rows))))
    return rows.length
  },

  /** By name. */
  async list(caller: Caller): Promise<{ principal: Principal | undefined; keys: readonly ApiKey[] }> {
    const database = db.of(caller.study)
    const [who, rows] = await database.batch(
      whoStatement(caller),
      statement<KeyRow>(sql`SELECT ${columns} FROM ${standing(caller)} ORDER BY k.label LIMIT ${MOST}`),
    )
    return { principal: principalOf(first(who), caller.study), keys: rows.map(keyOfRow) }
  },

  /**
   * The ids of those that go by a name and open something: one, or more where some were issued natively. A key that was
   * rotated is among them while it goes on beside its successor.
   */
  async named(caller: Caller, name: string): Promise<{ principal: Principal | undefined; ids: readonly KeyId[] }> {
    const [who, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<{ id: KeyId }>(
        sql`SELECT k.id FROM ${ofStudy(caller)} AND k.label = ${name}
          AND (k.revoked_at IS NULL OR k.revoked_at > ${caller.now.getTime()}) LIMIT ${MOST}`,
      ),
    )
    return { principal: principalOf(first(who), caller.study), ids: rows.map(({ id }) => id) }
  },

  /** Ends those that still stand, if the rule lets the caller: what is put on record first, by this batch and no other. */
  async revoke(caller: Caller, { rule, ids }: { rule: Rule; ids: readonly KeyId[] }): Promise<void> {
    const { study, now } = caller
    const stands = sql`(k.revoked_at IS NULL OR k.revoked_at > ${now.getTime()})`
    const chosen = sql`json_each(${JSON.stringify(ids.map((id) => [id, newId('aud', now)]))}) chosen`
    if (study === NO_STUDY) await revokeElsewhere(db, ids, now)
    await db.of(study).batch(
      recordFirst(
        caller,
        { action: 'key.revoke', owner: sql`''`, object: sql`k.id`, id: sql`chosen.value ->> 1` },
        sql`CROSS JOIN ${chosen} CROSS JOIN api_keys k INDEXED BY api_keys_id
            ON k.study_id = ${study} AND k.id = chosen.value ->> 0
          WHERE ${stands} AND ${allows(rule, targetStudy(study), READ_ONCE)}`,
      ),
      statement(
        sql`UPDATE api_keys AS k INDEXED BY api_keys_id SET revoked_at = ${now.getTime()}
          WHERE k.study_id = ${study} AND ${stands} AND k.id IN (SELECT e.object FROM ${chosen}
            CROSS JOIN audit_events e ON e.study_id = ${study} AND e.id = chosen.value ->> 1)`,
      ),
    )
  },
})
