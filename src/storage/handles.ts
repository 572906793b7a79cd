import { sql, type SQL } from './sql.ts'
import type { File, Upload } from '../model/entities.ts'
import type { Handle } from '../model/ids.ts'
import type { Principal } from '../model/principal.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Rule } from '../model/rules.ts'
import { allows, READ_ONCE, targetOwnedBy } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { first, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { fileColumns, fileOfRow, type FileRow } from './file-rows.ts'
import { uploadOfFileColumns, uploadOfFileRow, type UploadOfFileRow } from './upload-rows.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

/** A file, and what its owner began last of those that have no content yet. */
export type HandledFile = Readonly<{ file: File; awaited: Upload | undefined }>

type HandledRow = FileRow & (UploadOfFileRow | { [Column in keyof UploadOfFileRow]: null })

const handledOfRow = (row: HandledRow): HandledFile => ({
  file: fileOfRow(row),
  awaited: row['upload.id'] === null ? undefined : uploadOfFileRow(row),
})

const selectOwn = (caller: Caller, rule: Rule, { where, limit }: { where: SQL; limit: number }) =>
  statement<HandledRow>(
    withWho(
      caller,
      sql`SELECT ${fileColumns('f', sql`${caller.study}`)}, ${uploadOfFileColumns('u')}
        FROM files f INDEXED BY files_handle
        LEFT JOIN uploads u ON u.study_id = f.study_id AND u.id = CASE WHEN f.listed_at IS NULL THEN
          (SELECT max(newest.id) FROM uploads newest INDEXED BY uploads_file
            WHERE newest.study_id = f.study_id AND newest.file_id = f.id) END
        WHERE f.study_id = ${caller.study} AND f.owner = (SELECT participant_id FROM who) AND ${where}
          AND ${allows(rule, targetOwnedBy(sql`f.study_id`, sql`f.owner`), READ_ONCE)}
        ORDER BY f.handle LIMIT ${limit}`,
    ),
  )

/** The caller's own files: with content or without, by what they call them. One trip each. */
export const handleStore = (db: Databases) => ({
  /** In the order of code points; drafts are on no list. */
  async list(
    caller: Caller,
    { rule, page }: { rule: Rule; page: PageRequest },
  ): Promise<{ principal: Principal | undefined; page: Page<HandledFile> }> {
    const listing = 'handles'
    const after = decodeCursor(listing, page.cursor)
    const where = sql`f.handle > ${after?.[1] ?? ''} AND f.draft = 0`
    const database = db.of(caller.study)
    const [who, rows] = await database.batch(
      whoStatement(caller),
      selectOwn(caller, rule, { where, limit: page.limit + 1 }),
    )
    return {
      principal: principalOf(first(who), caller.study),
      page: pageOf(rows, page.limit, { listing, place: (row) => ['', row.handle], item: handledOfRow }),
    }
  },

  async find(
    caller: Caller,
    handle: Handle,
    rule: Rule,
  ): Promise<{ principal: Principal | undefined; found: HandledFile | undefined }> {
    const where = sql`f.handle = ${handle}`
    const database = db.of(caller.study)
    const [who, rows] = await database.batch(whoStatement(caller), selectOwn(caller, rule, { where, limit: 1 }))
    const row = first(rows)
    return { principal: principalOf(first(who), caller.study), found: row && handledOfRow(row) }
  },
})
