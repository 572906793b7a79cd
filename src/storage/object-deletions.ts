import { sql, type SQL } from './sql.ts'
import type { StudyId } from '../model/ids.ts'
import { statement } from './database.ts'
import type { Databases } from './databases.ts'

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

const studyOf = ({ studyId }: DueDeletion) => studyId
const areAmong = (due: readonly DueDeletion[]) =>
  sql`(study_id, object_key) IN (SELECT value ->> 0, value ->> 1 FROM json_each(${JSON.stringify(
    due.map((each) => [each.studyId, each.objectKey]),
  )}))`

export const objectDeletionStore = (db: Databases) => ({
  /** What is to be deleted now, longest overdue first. */
  async due(now: Date, limit: number): Promise<DueDeletion[]> {
    const due = await db.swept(now, async (database) => {
      const [rows] = await database.batch(
        statement<DueDeletion>(
          sql`SELECT study_id AS "studyId", object_key AS "objectKey", multipart_id AS "multipartId"
          FROM object_deletions INDEXED BY object_deletions_due
          WHERE due_at <= ${now.getTime()}${db.served('study_id')} ORDER BY due_at LIMIT ${limit}`,
        ),
      )
      return rows
    })
    return due.slice(0, limit)
  },

  /** Those that could not be done are left for later, so that they are not in the way of the others. */
  async postpone(now: Date, failed: readonly DueDeletion[]): Promise<void> {
    await db.divided(failed, studyOf, async (database, those) =>
      database.batch(
        statement(
          sql`UPDATE object_deletions SET due_at = ${now.getTime() + RETRY_AFTER} WHERE ${areAmong(those)}
            AND due_at <= ${now.getTime()}`,
        ),
      ),
    )
  },

  /** After the objects were deleted: each row waits for its next time, or goes if this was its last. */
  async settle(now: Date, deleted: readonly DueDeletion[]): Promise<void> {
    const time = now.getTime()
    await db.divided(deleted, studyOf, async (database, those) => {
      const these = areAmong(those)
      return database.batch(
        statement(sql`DELETE FROM object_deletions WHERE ${these} AND until <= ${time}`),
        statement(
          sql`UPDATE object_deletions SET due_at = CASE WHEN url_expires_at > ${time} THEN url_expires_at ELSE until END
            WHERE ${these} AND due_at <= ${time}`,
        ),
      )
    })
  },
})
