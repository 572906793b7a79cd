import { sql, type SQL } from 'drizzle-orm'
import type { StudyId } from '../model/ids.ts'
import { type Database, statement } from './database.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
/** When what the sweep could not do is tried again. */
export const RETRY_AFTER = 10 * MINUTE
/** How long a URL that was just made may still be on its way to a client. */
const URL_MARGIN = 15 * MINUTE

/**
 * Puts objects into the outbox. `from` selects study_id, object_key, multipart_id, owner and url_expires_at. Upload
 * URLs outlive rows, so an object is deleted at once, again when its last URL has expired, and a last time a day later.
 */
export const dropObjects = (now: Date, from: SQL) =>
  statement(
    sql`INSERT INTO object_deletions (study_id, object_key, multipart_id, owner, url_expires_at, due_at, until)
      SELECT dropped.*, ${now.getTime()}, max(dropped.url_expires_at, ${now.getTime() + URL_MARGIN}) + ${DAY}
      FROM (${from}) dropped WHERE true ON CONFLICT DO NOTHING`,
  )

/**
 * The objects of open uploads, where their bytes are sent too, which is where the parts are, if there are any; `rows`
 * selects rows of `uploads`.
 */
export const dropUploadObjects = (now: Date, rows: SQL) =>
  dropObjects(
    now,
    sql`SELECT study_id, place.value,
        CASE WHEN place.value = coalesce(staging_key, object_key) THEN multipart_id END AS multipart_id,
        owner, url_expires_at
      FROM (${rows}) CROSS JOIN json_each(json_array(object_key, staging_key)) place WHERE place.value IS NOT NULL`,
  )

export type DueDeletion = { studyId: StudyId; objectKey: string; multipartId: string | null }

export const objectDeletionStore = (db: Database) => ({
  /** What is to be deleted now, longest overdue first. */
  async due(now: Date, limit: number): Promise<DueDeletion[]> {
    const [rows] = await db.batch(
      statement<DueDeletion>(
        sql`SELECT study_id AS "studyId", object_key AS "objectKey", multipart_id AS "multipartId"
          FROM object_deletions INDEXED BY object_deletions_due
          WHERE due_at <= ${now.getTime()} ORDER BY due_at LIMIT ${limit}`,
      ),
    )
    return rows
  },

  /** Those that could not be done are left for later, so that they are not in the way of the others. */
  async postpone(now: Date, failed: readonly DueDeletion[]): Promise<void> {
    const these = sql`(study_id, object_key) IN (SELECT value ->> 0, value ->> 1 FROM json_each(${JSON.stringify(
      failed.map((each) => [each.studyId, each.objectKey]),
    )}))`
    await db.batch(
      statement(
        sql`UPDATE object_deletions SET due_at = ${now.getTime() + RETRY_AFTER} WHERE ${these}
          AND due_at <= ${now.getTime()}`,
      ),
    )
  },

  /** After the objects were deleted: each row waits for its next time, or goes if this was its last. */
  async settle(now: Date, deleted: readonly DueDeletion[]): Promise<void> {
    const time = now.getTime()
    const these = sql`(study_id, object_key) IN (SELECT value ->> 0, value ->> 1 FROM json_each(${JSON.stringify(
      deleted.map((each) => [each.studyId, each.objectKey]),
    )}))`
    await db.batch(
      statement(sql`DELETE FROM object_deletions WHERE ${these} AND until <= ${time}`),
      statement(
        sql`UPDATE object_deletions SET due_at = CASE WHEN url_expires_at > ${time} THEN url_expires_at ELSE until END
          WHERE ${these} AND due_at <= ${time}`,
      ),
    )
  },
})
