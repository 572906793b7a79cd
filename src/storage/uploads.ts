import { sql } from './sql.ts'
import type { File, Upload, UploadPart } from '../model/entities.ts'
import { type Handle, type ParticipantId, type UploadId, versionOf } from '../model/ids.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { record } from './audit.ts'
import { countUpload, dueAt, insertFile, insertUpload, LANDING_SECONDS, type NewUpload, ownerSql } from './begin.ts'
import { allows, READ_ONCE, targetOwnedBy } from './conditions.ts'
import { first, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { fileColumns, fileOfRow, type FileRow, ownerColumn } from './file-rows.ts'
import { remember } from './idempotency.ts'
import { dropUploadObjects } from './object-deletions.ts'
import {
  openUploadOf,
  openUploadStatement,
  type PartRow,
  partsStatement,
  targetUpload,
  uploadColumns,
  uploadOfFileColumns,
  uploadOfFileRow,
  type UploadOfFileRow,
  uploadOfRow,
  type UploadRow,
} from './upload-rows.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

export type FoundUpload = Readonly<{
  principal: Principal | undefined
  upload: Upload | undefined
  parts: readonly UploadPart[]
}>

/** Whose uploads: an owner's (`me`: the caller's own), or of one of the owner's files; undefined: everyone's. */
export type StagedOf = Readonly<{ owner: ParticipantId | 'me' | undefined; handle?: Handle | undefined }>

export const uploadStore = (db: Databases) => ({
  /**
   * Reserves a version, and the file with it if there is none under the handle: one trip, all or nothing.
   * Undefined `begun`: the rules, the study or the revision stand in the way.
   */
  async begin(
    caller: Caller,
    upload: NewUpload,
  ): Promise<{ principal: Principal | undefined; begun: { upload: Upload; file: File } | undefined }> {
    const { study } = caller
    const ours = sql`u.study_id = ${study} AND u.id = ${upload.id}`
    const [who, , , , , , rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      insertUpload(caller, upload),
      countUpload(caller, upload),
      record(caller, { action: 'file.begin', owner: ownerSql(upload.owner), object: versionOf(upload.id) }),
      remember(caller, { ids: { file: upload.newFile, upload: upload.id }, owner: ownerSql(upload.owner) }),
      insertFile(caller, upload),
      statement<FileRow & UploadOfFileRow>(
        sql`SELECT ${fileColumns('f')}, ${uploadOfFileColumns('u')} FROM uploads u
          JOIN files f ON f.study_id = u.study_id AND f.id = u.file_id WHERE ${ours}`,
      ),
    )
    const row = first(rows)
    return {
      principal: principalOf(first(who), study),
      begun: row && { upload: uploadOfFileRow(row), file: fileOfRow(row) },
    }
  },

  /** An open upload, if the rule lets the caller go on with it, and the parts reported so far. */
  async find(caller: Caller, id: UploadId, rule: Rule): Promise<FoundUpload> {
    const database = db.of(caller.study)
    const [who, uploads, parts] = await database.batch(
      whoStatement(caller),
      openUploadStatement(caller, id, rule),
      partsStatement(caller, id),
    )
    return { principal: principalOf(first(who), caller.study), ...openUploadOf(uploads, parts) }
  },

  /**
   * Before a URL is made anew: what may write the object must be known to live as long as the URL does.
   * The caller's row is read inside of the statement only, which is all that the budget of presigning allows.
   */
  async extendUrl(
    caller: Caller,
    id: UploadId,
    { rule, urlExpiresAt }: { rule: Rule; urlExpiresAt: Date },
  ): Promise<Upload | undefined> {
    const [rows] = await db.of(caller.study).batch(
      statement<UploadRow>(
        withWho(
          caller,
          sql`UPDATE uploads AS u SET url_expires_at = max(u.url_expires_at, ${urlExpiresAt.getTime()}),
              due_at = max(u.url_expires_at + ${LANDING_SECONDS * 1000}, ${dueAt(urlExpiresAt)})
            WHERE u.study_id = ${caller.study} AND u.id = ${id} AND u.expires_at > ${caller.now.getTime()}
              AND EXISTS (SELECT 1 FROM who WHERE ${allows(rule, targetUpload)})
            RETURNING ${uploadColumns('uploads')}`,
        ),
      ),
    )
    const row = first(rows)
    return row && uploadOfRow(row)
  },

  /** Keeps the id of a multipart upload that was opened, unless another one was first: then that one is answered. */
  async keepMultipart(caller: Caller, upload: Upload, multipartId: string): Promise<string | null> {
    const here = sql`study_id = ${caller.study} AND id = ${upload.id} AND attempt = ${upload.attempt}`
    const [, rows] = await db.of(caller.study).batch(
      statement(sql`UPDATE uploads SET multipart_id = ${multipartId} WHERE ${here} AND multipart_id IS NULL`),
      // The winner knows what is there; only the loser, and who asks again, reads it.
      statement<{ multipartId: string | null }>(
        sql`SELECT CASE WHEN changes() > 0 THEN ${multipartId}
          ELSE (SELECT multipart_id FROM uploads WHERE ${here}) END AS "multipartId"`,
      ),
    )
    return first(rows)?.multipartId ?? null
  },

  /**
   * The newest open uploads whose bytes go to a staging key, of whom the rule shows: of one owner (`me`: the caller), or
   * of one of the owner's files, or of everyone.
   */
  async staged(
    caller: Caller,
    { owner, handle }: StagedOf,
    { rule, limit }: { rule: Rule; limit: number },
  ): Promise<{ principal: Principal | undefined; uploads: Upload[] }> {
    const { study } = caller
    const of = owner === 'me' ? sql`(SELECT participant_id FROM who)` : sql`${owner ?? null}`
    const ofFile =
      handle === undefined
        ? sql`1`
        : sql`u.file_id = (SELECT f.id FROM files f INDEXED BY files_handle
            WHERE f.study_id = ${study} AND f.owner = ${of} AND f.handle = ${handle})`
    const [who, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<UploadRow>(
        withWho(
          caller,
          sql`SELECT ${uploadColumns('u')}
            FROM uploads u ${owner === undefined ? sql`INDEXED BY uploads_staged` : sql`INDEXED BY uploads_staged_owner`}
            WHERE u.study_id = ${study} AND ${owner === undefined ? sql`1` : sql`u.owner = ${of}`}
              AND u.staging_key IS NOT NULL AND ${ofFile}
              AND ${allows(rule, targetOwnedBy(sql`u.study_id`, sql`u.owner`), READ_ONCE)}
            ORDER BY u.id DESC LIMIT ${limit}`,
        ),
      ),
    )
    return { principal: principalOf(first(who), study), uploads: rows.map(uploadOfRow) }
  },

  /** Records parts, all or none: none if one is past the last part. `upload` is undefined where the rule says no. */
  async reportParts(
    caller: Caller,
    id: UploadId,
    { rule, parts }: { rule: Rule; parts: readonly PartRow[] },
  ): Promise<FoundUpload> {
    const reported = JSON.stringify(parts.map(({ number, etag }) => [number, etag]))
    const [who, , uploads, known] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement(
        withWho(
          caller,
          sql`INSERT INTO upload_parts (study_id, upload_id, number, etag)
            SELECT u.study_id, u.id, part.value ->> 0, part.value ->> 1
            FROM who CROSS JOIN uploads u CROSS JOIN json_each(${reported}) part
            WHERE u.study_id = ${caller.study} AND u.id = ${id} AND ${allows(rule, targetUpload)}
              AND u.part_count >= (SELECT max(value ->> 0) FROM json_each(${reported}))
            ON CONFLICT (study_id, upload_id, number) DO UPDATE SET etag = excluded.etag`,
        ),
      ),
      openUploadStatement(caller, id, rule),
      partsStatement(caller, id),
    )
    return { principal: principalOf(first(who), caller.study), ...openUploadOf(uploads, known) }
  },

  /**
   * Removes an open upload that is still as it was seen, and its file with it if that has no content and no other
   * upload; the bytes go through the outbox. With `urlExpiresAt`, only if no URL was made since. Answers what became
   * of it: another hand may have completed it first, or changed it, which leaves it open.
   */
  async drop(
    caller: Caller,
    upload: Upload,
    { rule, urlExpiresAt }: { rule: Rule; urlExpiresAt?: Date },
  ): Promise<'dropped' | 'complete' | 'open'> {
    const { study, now } = caller
    const dropped = sql`u.study_id = ${study} AND u.id = ${upload.id} AND u.attempt = ${upload.attempt}
      AND EXISTS (SELECT 1 FROM who WHERE ${allows(rule, targetUpload)})
      AND ${urlExpiresAt === undefined ? sql`1` : sql`u.url_expires_at = ${urlExpiresAt.getTime()}`}`
    const gone = sql`NOT EXISTS (SELECT 1 FROM uploads u WHERE u.study_id = ${study} AND u.id = ${upload.id})`
    const [, , , , , rows] = await db.of(caller.study).batch(
      dropUploadObjects(now, withWho(caller, sql`SELECT u.* FROM uploads u WHERE ${dropped}`)),
      statement(withWho(caller, sql`DELETE FROM uploads AS u WHERE ${dropped}`)),
      record(caller, { action: 'file.abandon', owner: sql`${ownerColumn(upload.owner)}`, object: upload.version }),
      statement(sql`DELETE FROM upload_parts WHERE study_id = ${study} AND upload_id = ${upload.id} AND ${gone}`),
      statement(
        sql`DELETE FROM files AS f WHERE f.study_id = ${study} AND f.id = ${upload.file} AND f.version_id IS NULL
          AND NOT EXISTS (SELECT 1 FROM uploads u INDEXED BY uploads_file
            WHERE u.study_id = ${study} AND u.file_id = ${upload.file})`,
      ),
      statement<{ left: 'dropped' | 'complete' | 'open' }>(
        sql`SELECT CASE WHEN NOT ${gone} THEN 'open'
          WHEN EXISTS (SELECT 1 FROM versions v WHERE v.study_id = ${study} AND v.id = ${upload.version}) THEN 'complete'
          ELSE 'dropped' END AS "left"`,
      ),
    )
    return first(rows)?.left ?? 'open'
  },
})
