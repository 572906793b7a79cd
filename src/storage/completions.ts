import { sql } from './sql.ts'
import type { File, Upload, UploadPart, Verified } from '../model/entities.ts'
import { type StudyId, type UploadId, versionOf } from '../model/ids.ts'
import type { Actor, Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { record } from './audit.ts'
import { allows } from './conditions.ts'
import { first, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { fileColumns, fileOfRow, type FileRow, grantedToCaller, isFile, ownerColumn } from './file-rows.ts'
import { assignments, renaming } from './files.ts'
import { dropObjects, dropUploadObjects, RETRY_AFTER } from './object-deletions.ts'
import { newObjectKey, newStagingKey } from './objects.ts'
import {
  openUploadOf,
  openUploadStatement,
  partsStatement,
  targetUpload,
  uploadColumns,
  uploadOfRow,
  type UploadRow,
} from './upload-rows.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

/** What is to be completed, and how far it is. */
export type Completing = Readonly<{
  principal: Principal | undefined
  upload: Upload | undefined
  parts: readonly UploadPart[]
  /** The file, where this upload has become one of its versions already, and who began that. */
  settled: { file: File; createdBy: Actor } | undefined
}>

/** One that the sweep has to look at. */
export type DueUpload = { studyId: StudyId; id: UploadId }

/** What completion learned of the object; it becomes the version. */
export type VerifiedObject = Readonly<{
  size: number
  etag: string
  mediaType: string
  md5: string | null
  sha256: string | null
  verified: Verified
}>

/**
 * Right after a version was made of more bytes than its upload has counted, which is of one that declared nothing: they
 * count from now on, if the study may hold them.
 */
const countArrived = (study: StudyId, bytes: number) =>
  bytes === 0
    ? undefined
    : statement(sql`UPDATE studies SET bytes = bytes + ${bytes} WHERE id = ${study} AND changes() > 0`)

export const completionStore = (db: Databases) => ({
  /** The first trip of a completion; the bytes are looked at between this and the second. */
  async find(caller: Caller, id: UploadId, rule: Rule): Promise<Completing> {
    const [who, uploads, parts, settled] = await db.of(caller.study).batch(
      whoStatement(caller),
      openUploadStatement(caller, id, rule),
      partsStatement(caller, id),
      statement<FileRow & { begunBy: string }>(
        sql`SELECT ${fileColumns('f')}, ${grantedToCaller(caller, 'f')}, v.created_by AS "begunBy"
          FROM versions v CROSS JOIN files f ON ${isFile(caller.study, sql`v.file_id`)}
          WHERE v.study_id = ${caller.study} AND v.id = ${versionOf(id)}`,
      ),
    )
    const file = first(settled)
    return {
      principal: principalOf(first(who), caller.study),
      ...openUploadOf(uploads, parts),
      // `created_by` holds what was put in.
      settled: file && { file: fileOfRow(file), createdBy: file.begunBy as Actor },
    }
  },

  /**
   * The second trip: the upload becomes a version, and the file's current one unless a later begun one is there
   * already. Where the study keeps the latest only, what is older goes through the outbox, this version included.
   * All of it hangs on the upload being open still, at the attempt whose bytes were looked at.
   * Undefined: it was not; ask again.
   */
  async complete(
    caller: Caller,
    upload: Upload,
    { rule, object }: { rule: Rule; object: VerifiedObject },
  ): Promise<File | undefined> {
    const { study } = caller
    const now = caller.now.getTime()
    const version = versionOf(upload.id)
    const open = sql`u.study_id = ${study} AND u.id = ${upload.id} AND u.attempt = ${upload.attempt}`
    const mine = sql`who CROSS JOIN uploads u CROSS JOIN files f ON f.study_id = u.study_id AND f.id = u.file_id
      WHERE ${open} AND ${allows(rule, targetUpload)}`
    const latestOnly = sql`EXISTS (SELECT 1 FROM studies s WHERE s.id = ${study} AND s.retention = 'latest')`
    // One that was completed and then moved to another file is none of this one's.
    const isVersion = sql`EXISTS (SELECT 1 FROM versions n
      WHERE n.study_id = ${study} AND n.id = ${version} AND n.file_id = ${upload.file})`
    const settled = sql`(${isVersion} OR EXISTS (SELECT 1 FROM object_deletions d
      WHERE d.study_id = ${study} AND d.object_key = ${upload.objectKey}))`
    // What the file is called since it was begun with this upload is not undone.
    const isItsFirst = sql`number = ${upload.number}`
    const superseded = sql`v.study_id = ${study} AND v.file_id = ${upload.file} AND v.number < ${upload.number}
      AND ${latestOnly} AND ${isVersion}`

    const [, , , , , , , , , , files] = await db.of(caller.study).batch(
      statement(
        withWho(
          caller,
          sql`INSERT INTO versions (study_id, id, file_id, number, object_key, name, media_type, size, md5, sha256,
              verified, etag, created_by, created_at, completed_at, url_expires_at)
            SELECT u.study_id, ${version}, u.file_id, u.number, u.object_key, u.name, ${object.mediaType}, ${object.size},
              ${object.md5}, ${object.sha256}, ${object.verified}, ${object.etag}, u.created_by, u.created_at, ${now},
              u.url_expires_at
            FROM ${mine} AND (f.version_number IS NULL OR f.version_number < u.number OR NOT ${latestOnly})
            ON CONFLICT DO NOTHING`,
        ),
      ),
      countArrived(study, object.size - upload.declared.size),
      // It came too late, where only the latest is kept.
      dropUploadObjects(
        caller.now,
        withWho(caller, sql`SELECT u.* FROM ${mine} AND f.version_number > u.number AND ${latestOnly}`),
      ),
      statement(
        sql`UPDATE files SET version_id = ${version}, version_number = ${upload.number},
            version_name = ${upload.declared.name}, media_type = ${object.mediaType}, size = ${object.size},
            md5 = ${object.md5}, sha256 = ${object.sha256}, verified = ${object.verified}, etag = ${object.etag},
            object_key = ${upload.objectKey}, version_created_at = ${upload.createdAt.getTime()}, completed_at = ${now},
            listed_at = coalesce(listed_at, CASE draft WHEN 0 THEN ${now} END), updated_at = ${now}, revision = revision + 1,
            ${sql.join([...assignments(upload.changes), ...renaming(upload.declared.name, isItsFirst)], ', ')}
          WHERE study_id = ${study} AND id = ${upload.file} AND ${isVersion}
            AND (version_number IS NULL OR version_number < ${upload.number})`,
      ),
      dropObjects(
        caller.now,
        sql`SELECT v.study_id, v.object_key, NULL AS multipart_id, ${ownerColumn(upload.owner)} AS owner,
          v.url_expires_at FROM versions v INDEXED BY versions_file WHERE ${superseded}`,
      ),
      statement(sql`DELETE FROM versions AS v INDEXED BY versions_file WHERE ${superseded}`),
      statement(sql`DELETE FROM upload_parts WHERE study_id = ${study} AND upload_id = ${upload.id} AND ${settled}`),
      upload.stagingKey === null
        ? undefined
        : dropObjects(
            caller.now,
            sql`SELECT u.study_id, u.staging_key, NULL AS multipart_id, u.owner, u.url_expires_at
              FROM uploads u WHERE ${open} AND ${settled}`,
          ),
      statement(sql`DELETE FROM uploads AS u WHERE ${open} AND ${settled}`),
      record(caller, { action: 'file.complete', owner: sql`${ownerColumn(upload.owner)}`, object: version }),
      // Of a file that neither has this version nor is past it, the upload was given up.
      statement<FileRow>(
        sql`SELECT ${fileColumns('f')}, ${grantedToCaller(caller, 'f')} FROM files f
          WHERE ${isFile(study, upload.file)}
            AND (f.version_number = ${upload.number} OR ${isVersion}
              OR (f.version_number > ${upload.number} AND ${latestOnly}))
            AND NOT EXISTS (SELECT 1 FROM uploads u WHERE u.study_id = ${study} AND u.id = ${upload.id})`,
      ),
    )
    const row = first(files)
    return row && fileOfRow(row)
  },

  /**
   * After wrong bytes, or parts that storage does not have: the upload gets a fresh object key, and what was sent goes
   * through the outbox. The next URL is for the fresh key, so that bytes of both attempts never meet.
   */
  async restart(caller: Caller, upload: Upload): Promise<void> {
    const { study, now } = caller
    const same = sql`u.study_id = ${study} AND u.id = ${upload.id} AND u.attempt = ${upload.attempt}`
    const restarted = sql`EXISTS (SELECT 1 FROM object_deletions d
      WHERE d.study_id = ${study} AND d.object_key = ${upload.objectKey})`
    await db.of(caller.study).batch(
      dropUploadObjects(now, sql`SELECT u.* FROM uploads u WHERE ${same}`),
      statement(sql`DELETE FROM upload_parts WHERE study_id = ${study} AND upload_id = ${upload.id} AND EXISTS (
        SELECT 1 FROM uploads u WHERE ${same})`),
      statement(
        sql`UPDATE uploads AS u SET attempt = attempt + 1, multipart_id = NULL,
            object_key = ${newObjectKey(study, upload.version)},
            staging_key = ${upload.stagingKey === null ? null : newStagingKey(study, upload.id)}
          WHERE ${same} AND ${restarted}`,
      ),
    )
  },

  /**
   * Gives an upload whose bytes are sent elsewhere first another key for its object, and leaves what was sent. What may
   * be at the old one goes through the outbox. Undefined: it was no longer open as it was seen.
   */
  async moveObject(caller: Caller, upload: Upload): Promise<Upload | undefined> {
    const { study, now } = caller
    const objectKey = newObjectKey(study, upload.version)
    const here = sql`u.study_id = ${study} AND u.id = ${upload.id}`
    const same = sql`${here} AND u.attempt = ${upload.attempt}`
    const database = db.of(caller.study)
    const [, , rows] = await database.batch(
      dropObjects(
        now,
        sql`SELECT u.study_id, u.object_key, NULL AS multipart_id, u.owner, u.url_expires_at FROM uploads u WHERE ${same}`,
      ),
      statement(sql`UPDATE uploads AS u SET attempt = attempt + 1, object_key = ${objectKey} WHERE ${same}`),
      statement<UploadRow>(
        sql`SELECT ${uploadColumns('u')} FROM uploads u WHERE ${here} AND u.object_key = ${objectKey}`,
      ),
    )
    const row = first(rows)
    return row && uploadOfRow(row)
  },

  /** Open uploads that the sweep has to look at, of every study, longest due first. */
  async due(now: Date, limit: number): Promise<DueUpload[]> {
    const due = await db.swept(now, async (database) => {
      const [rows] = await database.batch(
        statement<DueUpload>(
          sql`SELECT study_id AS "studyId", id FROM uploads INDEXED BY uploads_due
          WHERE due_at <= ${now.getTime()}${db.served('study_id')} ORDER BY due_at LIMIT ${limit}`,
        ),
      )
      return rows
    })
    return due.slice(0, limit)
  },

  /** Those that failed are left for later, so that they are not in the way of the others. */
  async putOff(now: Date, failed: readonly DueUpload[]): Promise<void> {
    await db.divided(
      failed,
      ({ studyId }) => studyId,
      async (database, those) => {
        const these = JSON.stringify(those.map((each) => [each.studyId, each.id]))
        return database.batch(
          statement(
            sql`UPDATE uploads SET due_at = ${now.getTime() + RETRY_AFTER} WHERE due_at <= ${now.getTime()}
              AND (study_id, id) IN (SELECT value ->> 0, value ->> 1 FROM json_each(${these}))`,
          ),
        )
      },
    )
  },

  /** Nothing has arrived: the sweep comes back when the upload's time is over, or at `at` if that is later. */
  async postpone(upload: Upload, at: Date): Promise<void> {
    await db.of(upload.study).batch(
      statement(
        sql`UPDATE uploads SET due_at = max(expires_at, ${at.getTime()})
          WHERE study_id = ${upload.study} AND id = ${upload.id} AND url_expires_at = ${upload.urlExpiresAt.getTime()}`,
      ),
    )
  },
})
