import { sql, type SQL } from './sql.ts'
import { type Backlog, type DeadLetters, type Health, MOST_COUNTED } from '../model/health.ts'
import { LANDING_SECONDS } from './begin.ts'
import { columnsOf, dateOrNull, type Row, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { RETRY_AFTER } from './object-deletions.ts'
import { heartbeats } from './schema/heartbeats.ts'

type Beat = Row<typeof heartbeats>
type BacklogRow = { count: number; oldest: number | null }

/** A queue whose messages nobody could do anything with. */
export type DeadQueue = 'dead-object-events' | 'dead-jobs'

/** `from` selects a time `at`, of what is due first; of so many as are counted, the earliest. */
const backlog = (from: SQL) =>
  statement<BacklogRow>(
    sql`SELECT count(*) AS count, min(at) AS oldest FROM (${from} ORDER BY due_at LIMIT ${MOST_COUNTED})`,
  )

const landed = sql`(url_expires_at + ${LANDING_SECONDS * 1000})`
/** When the sweep first came to an upload, or to its end: what failed was put off since, and is late all the same. */
const firstDue = sql`(CASE WHEN due_at < expires_at THEN ${landed} ELSE max(expires_at, ${landed}) END)`

/** Each is a range of an index, from its beginning. */
const statementsAt = (now: Date, served: SQL) =>
  [
    statement<Beat>(sql`SELECT ${columnsOf(heartbeats, 'h')} FROM heartbeats h`),
    backlog(
      sql`SELECT ${firstDue} AS at FROM uploads INDEXED BY uploads_due
        WHERE due_at <= ${now.getTime() + RETRY_AFTER} AND ${firstDue} <= ${now.getTime()}${served}`,
    ),
    backlog(
      sql`SELECT due_at AS at FROM object_deletions INDEXED BY object_deletions_due
        WHERE due_at <= ${now.getTime()}${served}`,
    ),
    backlog(sql`SELECT requested_at AS at FROM erasures INDEXED BY erasures_due WHERE due_at IS NOT NULL${served}`),
    backlog(sql`SELECT due_at AS at FROM departures INDEXED BY departures_due
        WHERE due_at <= ${now.getTime()}${served}`),
  ] as const

/** Of all databases together. */
const backlogOf = (rows: readonly BacklogRow[]): Backlog => {
  const times = rows.flatMap(({ oldest }) => (oldest === null ? [] : [oldest]))
  const count = rows.reduce((sum, each) => sum + each.count, 0)
  return { count: Math.min(count, MOST_COUNTED), oldest: dateOrNull(times.length === 0 ? null : Math.min(...times)) }
}

/** Adds to the beat of that name, and says when. */
const beat = (name: Beat['name'], { count, now }: { count: number; now: Date }) =>
  statement(
    sql`INSERT INTO heartbeats (name, at, count) VALUES (${name}, ${now.getTime()}, ${count})
      ON CONFLICT DO UPDATE SET at = excluded.at, count = count + excluded.count`,
  )

export const healthStore = (db: Databases) => ({
  /** How late things are, in one trip; `swept`: from now on the sweep is known to have run to its end by then. */
  async look(now: Date, { swept = false }: { swept?: boolean } = {}): Promise<Health> {
    const looked = await Promise.all(
      db.all.map(async (database) =>
        database.batch(
          swept && database === db.home ? beat('sweep', { count: 0, now }) : undefined,
          ...statementsAt(now, db.served('study_id')),
        ),
      ),
    )
    // Only the first one's beats.
    const beats = looked.flatMap(([, rows]) => rows)
    const beatOf = (name: Beat['name']) => beats.find((each) => each.name === name)
    const deadLettersOf = (queue: DeadQueue): DeadLetters => {
      const { count = 0, at = null } = beatOf(queue) ?? {}
      return { count, lastAt: dateOrNull(at) }
    }
    return {
      sweptAt: dateOrNull(beatOf('sweep')?.at ?? null),
      uploads: backlogOf(looked.flatMap(([, , rows]) => rows)),
      outbox: backlogOf(looked.flatMap(([, , , rows]) => rows)),
      erasures: backlogOf(looked.flatMap(([, , , , rows]) => rows)),
      departures: backlogOf(looked.flatMap(([, , , , , rows]) => rows)),
      deadLetters: { objectEvents: deadLettersOf('dead-object-events'), jobs: deadLettersOf('dead-jobs') },
    }
  },

  /** That so many messages have come to a dead-letter queue. One that comes twice counts twice. */
  async noteDead(queue: DeadQueue, { count, now }: { count: number; now: Date }): Promise<void> {
    await db.home.batch(beat(queue, { count, now }))
  },
})
