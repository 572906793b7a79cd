import { sql, type SQL } from './sql.ts'
import type { MadeIds } from '../model/idempotency.ts'
import { first, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { type Caller, withWho } from './who.ts'

/** How long a repeated request is answered with what the first has made. */
const KEPT_MS = 24 * 3_600_000

type Made = Readonly<{
  /** By these its answer is told again. SQL is over `who`, as the owner's is. */
  ids: { readonly [Name in keyof MadeIds]?: MadeIds[Name] | SQL }
  /** The participant whose things were made, with whom the row goes. '' or NULL: they are the study's. */
  owner: SQL
}>

/**
 * Keeps under the request's Idempotency-Key what its batch has just made: right after the statement that decides (or one
 * that hangs on it), and only if that changed anything, so that what is refused leaves its key free. A batch that is
 * repeated after its answer was lost makes nothing the second time, and keeps nothing.
 * A key that is taken fails the batch, and undoes what a second request has made in it. Without a key: no statement.
 */
export const remember = (caller: Caller, { ids, owner }: Made) => {
  const { idempotency, study } = caller
  if (idempotency === undefined) return undefined
  const now = caller.now.getTime()
  const named = Object.entries(ids).map(([name, id]) => sql`${name}, ${id}`)
  return statement(
    withWho(
      caller,
      // No fingerprint can be NULL: to set one to it is how an upsert fails.
      sql`INSERT INTO idempotency_keys (study_id, actor, key, fingerprint, ids, owner, expires_at)
        SELECT ${study}, who.actor, ${idempotency.key}, ${idempotency.fingerprints[0]},
          json_object(${sql.join(named, ', ')}), coalesce(${owner}, ''), ${now + KEPT_MS}
        FROM who WHERE changes() > 0
        ON CONFLICT (study_id, actor, key) DO UPDATE SET
          fingerprint = CASE WHEN idempotency_keys.expires_at <= ${now} THEN excluded.fingerprint END,
          ids = excluded.ids, owner = excluded.owner, expires_at = excluded.expires_at`,
    ),
  )
}

/** Whether a batch failed because its Idempotency-Key is taken. */
export const isKeyTaken = (failure: unknown) =>
  failure instanceof Error && failure.message.includes('NOT NULL constraint failed: idempotency_keys.fingerprint')

export const idempotencyStore = (db: Databases) => ({
  /** What the caller's request, or another one with its Idempotency-Key, has made. */
  async find(caller: Caller): Promise<{ fingerprint: string; ids: MadeIds } | undefined> {
    const { idempotency, study, now } = caller
    if (idempotency === undefined) return undefined
    const [rows] = await db.of(caller.study).batch(
      statement<{ fingerprint: string; ids: string }>(
        withWho(
          caller,
          sql`SELECT i.fingerprint, i.ids FROM who CROSS JOIN idempotency_keys i
            WHERE i.study_id = ${study} AND i.actor = who.actor AND i.key = ${idempotency.key}
              AND i.expires_at > ${now.getTime()}`,
        ),
      ),
    )
    const row = first(rows)
    // The ids are what was put in: some of these, all that its operation asks for.
    return row && { fingerprint: row.fingerprint, ids: JSON.parse(row.ids) as MadeIds }
  },

  /** Forgets keys whose time is over; answers how many went. */
  async purge(now: Date, limit: number): Promise<number> {
    const gone = await db.swept(now, async (database) => {
      const [rows] = await database.batch(
        statement<{ key: string }>(
          sql`DELETE FROM idempotency_keys WHERE (study_id, actor, key) IN (
          SELECT study_id, actor, key FROM idempotency_keys INDEXED BY idempotency_keys_expires
          WHERE expires_at <= ${now.getTime()}${db.served('study_id')} ORDER BY expires_at LIMIT ${limit}) RETURNING key`,
        ),
      )
      return rows
    })
    return gone.length
  },
})
