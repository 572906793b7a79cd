import { sql, type SQL } from './sql.ts'
import type { Changes, FileDetails, Upload, UploadPart, UploadPlan } from '../model/entities.ts'
import { type FileId, type StudyId, type UploadId, versionOf } from '../model/ids.ts'
import type { Actor } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { allows, type Target, visibilityNow } from './conditions.ts'
import { columnsOf, dateOf, first, type Prefixed, type Row, statement, withoutPrefix } from './database.ts'
import { ownerOf } from './file-rows.ts'
import { uploads } from './schema/files.ts'
import { type Caller, withWho } from './who.ts'

export type UploadRow = Row<typeof uploads>
export type PartRow = { number: number; etag: string }

export const uploadColumns = (alias: string): SQL => columnsOf(uploads, alias)

/** An upload's columns beside those of its file. */
export type UploadOfFileRow = Prefixed<UploadRow, 'upload.'>
export const uploadOfFileColumns = (alias: string): SQL => columnsOf(uploads, alias, 'upload.')
export const uploadOfFileRow = (row: UploadOfFileRow): Upload =>
  uploadOfRow(withoutPrefix<UploadRow, 'upload.'>(row, 'upload.'))

/** An upload is ruled by its file, whose visibility is read only if neither its owner nor its maker asks. */
export const targetUpload: Target = {
  study: sql`u.study_id`,
  file: undefined,
  owner: sql`u.owner`,
  visibility: sql`(SELECT ${visibilityNow('f')} FROM files f WHERE f.study_id = u.study_id AND f.id = u.file_id)`,
  createdBy: sql`u.created_by`,
  source: sql`(SELECT f.source FROM files f WHERE f.study_id = u.study_id AND f.id = u.file_id)`,
}

/** An open upload, if the rule lets the caller go on with it. */
export const openUploadStatement = (caller: Caller, id: UploadId, rule: Rule) =>
  statement<UploadRow>(
    withWho(
      caller,
      sql`SELECT ${uploadColumns('u')} FROM who CROSS JOIN uploads u
        WHERE u.study_id = ${caller.study} AND u.id = ${id} AND ${allows(rule, targetUpload)}`,
    ),
  )

export const partsStatement = (caller: Caller, upload: UploadId) =>
  statement<PartRow>(
    sql`SELECT number, etag FROM upload_parts WHERE study_id = ${caller.study} AND upload_id = ${upload} ORDER BY number`,
  )

const planOf = (row: UploadRow): UploadPlan =>
  row.partBytes === null || row.partCount === null
    ? { kind: 'single' }
    : { kind: 'multipart', partBytes: row.partBytes, partCount: row.partCount, multipartId: row.multipartId }

export const uploadOfRow = (row: UploadRow): Upload => ({
  // What a column holds is what was put in: ids get their brands back, and JSON its shape.
  study: row.studyId as StudyId,
  id: row.id as UploadId,
  file: row.fileId as FileId,
  version: versionOf(row.id as UploadId),
  number: row.number,
  owner: ownerOf(row.owner),
  objectKey: row.objectKey,
  stagingKey: row.stagingKey,
  attempt: row.attempt,
  declared: { name: row.name, mediaType: row.mediaType, size: row.size, md5: row.md5, sha256: row.sha256 },
  changes: JSON.parse(row.changes) as Changes<FileDetails>,
  createdBy: row.createdBy as Actor,
  createdAt: dateOf(row.createdAt),
  urlExpiresAt: dateOf(row.urlExpiresAt),
  expiresAt: dateOf(row.expiresAt),
  plan: planOf(row),
})

/** The last part holds what is left. */
export const bytesOfPart = (upload: Upload, plan: { partBytes: number; partCount: number }, part: number): number =>
  part === plan.partCount ? upload.declared.size - plan.partBytes * (plan.partCount - 1) : plan.partBytes

const partsOf = (upload: Upload, rows: readonly PartRow[]): UploadPart[] => {
  const { plan } = upload
  if (plan.kind === 'single') return []
  return rows.map(({ number, etag }) => ({ number, etag, bytes: bytesOfPart(upload, plan, number) }))
}

/** What the two statements have found. */
export function openUploadOf(found: readonly UploadRow[], parts: readonly PartRow[]) {
  const row = first(found)
  if (row === undefined) return { upload: undefined, parts: [] }
  const upload = uploadOfRow(row)
  return { upload, parts: partsOf(upload, parts) }
}
