import { sql } from './sql.ts'
import { type HostName, MAX_STUDY_NUMBER, NO_STUDY, type StudyId } from '../model/ids.ts'
import { type Database, first, statement } from './database.ts'
import { remember } from './idempotency.ts'
import type { Caller } from './who.ts'

// Where each study is, of several databases: rows of the first. What is remembered of them outside of it may be behind.

/** Which database has a study, by its number among the bindings. */
export type Place = Readonly<{ database: number }>
export type Placed = Readonly<{ number: number; database: number }>

/** How long the edge keeps a place that nobody asks the directory for. */
const KEPT_SECONDS = 86_400
/** How long somebody may be about to write the row of a host that was claimed. */
const CLAIM_MS = 15 * 60_000
const FIRST: Place = { database: 0 }
const NUMBER = /^\d{1,4}$/

const placeKey = (study: StudyId) => `place/${study}`

/** What an isolate remembers for as long as it lives. */
export type Remembered = Readonly<{
  places: Map<StudyId, number>
  numbers: Map<number, StudyId>
  hosts: Map<HostName, StudyId>
}>
export const nothingRemembered = (): Remembered => ({ places: new Map(), numbers: new Map(), hosts: new Map() })

const nextNumber = sql`1 + max((SELECT coalesce(max(number), 0) FROM studies),
  (SELECT coalesce(max(number), 0) FROM placements))`

export function directoryStore(home: Database, { remembered, kv }: { remembered: Remembered; kv: KVNamespace }) {
  /** Of a place at the edge that cannot be had the directory is asked, which has it in any case. */
  const kept = async (study: StudyId): Promise<Place | undefined> => {
    const text = (await kv.get(placeKey(study)).catch(() => null)) ?? ''
    return NUMBER.test(text) ? { database: Number(text) } : undefined
  }

  const note = async (study: StudyId, { database }: Place): Promise<void> => {
    remembered.places.set(study, database)
    // One that is missing there costs a trip to the directory, no more.
    await kv.put(placeKey(study), String(database), { expirationTtl: KEPT_SECONDS }).catch(() => undefined)
  }

  /** One that is nowhere is looked for in the first, where nothing of it is found. */
  async function findAnew(study: StudyId): Promise<Place> {
    const [rows] = await home.batch(
      statement<{ database: number | null }>(
        sql`SELECT coalesce((SELECT database FROM placements WHERE study_id = ${study}),
          (SELECT 0 FROM studies WHERE id = ${study})) AS database`,
      ),
    )
    const database = first(rows)?.database ?? undefined
    if (database === undefined) return FIRST
    if (remembered.places.get(study) !== database) await note(study, { database })
    return { database }
  }

  return {
    /** By what is remembered here, or at the edge, or else by the directory. */
    async find(study: StudyId): Promise<Place> {
      const database = remembered.places.get(study)
      if (database !== undefined) return { database }
      const place = await kept(study)
      if (place === undefined) return findAnew(study)
      remembered.places.set(study, place.database)
      return place
    },

    findAnew,
    note,

    /** The study of a number; undefined: there is none. Which one it is never changes. */
    async numbered(number: number): Promise<StudyId | undefined> {
      const known = remembered.numbers.get(number)
      if (known !== undefined) return known
      const [rows] = await home.batch(
        statement<{ id: StudyId | null }>(
          sql`SELECT coalesce((SELECT study_id FROM placements WHERE number = ${number}),
            (SELECT id FROM studies WHERE number = ${number})) AS id`,
        ),
      )
      const id = first(rows)?.id ?? undefined
      if (id !== undefined) remembered.numbers.set(number, id)
      return id
    },

    /**
     * A place for a new study, and its number: in the database with the most room, or in the one where the receipts of
     * the study are that had its id last. What is left by a creation that died here is found, and gone on with, by the
     * next: there is no study before its own row. Undefined: there is no number left, or (`isThere`) there is such a study.
     */
    async reserve(caller: Caller, databases: number): Promise<{ placed: Placed | undefined; isThere: boolean }> {
      const { study, now } = caller
      const numbers = JSON.stringify(Array.from({ length: databases }, (_, number) => number))
      const [, , rows, there] = await home.batch(
        statement(
          sql`INSERT INTO placements (study_id, number, database, updated_at)
            SELECT ${study}, ${nextNumber}, CASE WHEN EXISTS (SELECT 1 FROM erasures WHERE study_id = ${study}) THEN 0
              ELSE (SELECT n.value FROM json_each(${numbers}) n LEFT JOIN spaces s ON s.database = n.value
                ORDER BY coalesce(s.bytes, 0), n.value LIMIT 1) END, ${now.getTime()}
            WHERE ${nextNumber} <= ${MAX_STUDY_NUMBER} AND NOT EXISTS (SELECT 1 FROM studies WHERE id = ${study})
            ON CONFLICT DO NOTHING`,
        ),
        rememberCreation(caller),
        statement<Placed>(sql`SELECT number, database FROM placements WHERE study_id = ${study}`),
        statement<{ id: StudyId }>(sql`SELECT id FROM studies WHERE id = ${study}`),
      )
      return { placed: first(rows), isThere: there.length > 0 }
    },

    /** The same with another number, where the last study of this id has kept the one that it had. */
    async renumber(caller: Caller, { number, database }: Placed): Promise<Placed | undefined> {
      const { study, now } = caller
      const [, , , rows] = await home.batch(
        statement(
          sql`UPDATE placements SET number = ${nextNumber}
            WHERE study_id = ${study} AND number = ${number} AND ${nextNumber} <= ${MAX_STUDY_NUMBER}`,
        ),
        rememberCreation(caller),
        statement(
          sql`INSERT INTO placements (study_id, number, database, updated_at)
            SELECT ${`~${number}`}, ${number}, ${database}, ${now.getTime()}
            WHERE NOT EXISTS (SELECT 1 FROM placements WHERE number = ${number}) ON CONFLICT DO NOTHING`,
        ),
        statement<Placed>(
          sql`SELECT number, database FROM placements WHERE study_id = ${study} AND number <> ${number}`,
        ),
      )
      return first(rows)
    },

    /** What each database has grown to. */
    async measured(now: Date, sizes: readonly { database: number; bytes: number }[]): Promise<void> {
      const rows = JSON.stringify(sizes.map(({ database, bytes }) => [database, bytes]))
      await home.batch(
        statement(
          sql`INSERT INTO spaces (database, bytes, measured_at)
            SELECT value ->> 0, value ->> 1, ${now.getTime()} FROM json_each(${rows}) WHERE true
            ON CONFLICT (database) DO UPDATE SET bytes = excluded.bytes, measured_at = excluded.measured_at`,
        ),
      )
    },

    /** Which study has a host. `anew`: by the directory itself. */
    async studyAt(host: HostName, { anew }: { anew: boolean }): Promise<StudyId | undefined> {
      const known = remembered.hosts.get(host)
      if (known !== undefined && !anew) return known
      const [rows] = await home.batch(
        statement<{ study: StudyId | null }>(
          sql`SELECT coalesce((SELECT study_id FROM host_places WHERE host = ${host}),
            (SELECT study_id FROM hosts INDEXED BY hosts_host WHERE host = ${host})) AS study`,
        ),
      )
      const study = first(rows)?.study ?? undefined
      if (study === undefined) remembered.hosts.delete(host)
      else remembered.hosts.set(host, study)
      return study
    },

    /**
     * That no other study has a host from now on. One that another has claimed a while ago and has not `kept` may be
     * taken from it. Answers who has it now.
     */
    async claimHost(
      { host, study, now }: { host: HostName; study: StudyId; now: Date },
      leftBy?: StudyId,
    ): Promise<StudyId | undefined> {
      const [, rows] = await home.batch(
        statement(
          sql`INSERT INTO host_places (host, study_id, claimed_at)
            SELECT ${host}, ${study}, ${now.getTime()} WHERE NOT EXISTS (
              SELECT 1 FROM hosts INDEXED BY hosts_host WHERE host = ${host} AND study_id <> ${study}
                AND study_id NOT IN (SELECT study_id FROM absent))
            ON CONFLICT (host) DO UPDATE SET study_id = excluded.study_id, claimed_at = excluded.claimed_at
            WHERE study_id = ${leftBy ?? study} AND (study_id = ${study} OR claimed_at < ${now.getTime() - CLAIM_MS})`,
        ),
        statement<{ study: StudyId }>(sql`SELECT study_id AS study FROM host_places WHERE host = ${host}`),
      )
      return first(rows)?.study
    },

    /** That these hosts are nobody's, as far as they were this study's. */
    async releaseHosts(study: StudyId, hosts: readonly string[]): Promise<void> {
      await home.batch(
        statement(
          sql`DELETE FROM host_places WHERE study_id = ${study}
            AND host IN (SELECT value FROM json_each(${JSON.stringify(hosts)}))`,
        ),
      )
    },
  }
}
export type Places = ReturnType<typeof directoryStore>

/** Right after what gives a study its number. */
const rememberCreation = (caller: Caller) =>
  remember({ ...caller, study: NO_STUDY }, { ids: { study: caller.study }, owner: sql`''` })
