import { sql } from './sql.ts'
import type { Upload } from '../model/entities.ts'
import type { Rule } from '../model/rules.ts'
import { allows } from './conditions.ts'
import { first, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { fileColumns, fileOfRow, type FileRow, grantedToCaller } from './file-rows.ts'
import { type FileName, type FoundFile, isNamed } from './files.ts'
import { targetUpload, uploadColumns, uploadOfRow, type UploadRow } from './upload-rows.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

/** For protocols that know a file's uploads by the file. */
export const fileUploadStore = (db: Databases) => ({
  /** A file, and of its open uploads the one begun last, if the rule lets the caller go on with it. */
  async latest(caller: Caller, name: FileName, rule: Rule): Promise<FoundFile & { upload: Upload | undefined }> {
    const named = isNamed(caller, name)
    const [who, files, uploads] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<FileRow>(
        withWho(caller, sql`SELECT ${fileColumns('f')}, ${grantedToCaller(caller, 'f')} FROM files f WHERE ${named}`),
      ),
      statement<UploadRow>(
        withWho(
          caller,
          sql`SELECT ${uploadColumns('u')} FROM who CROSS JOIN files f CROSS JOIN uploads u INDEXED BY uploads_file
              ON u.study_id = f.study_id AND u.file_id = f.id
            WHERE ${named} AND ${allows(rule, targetUpload)} ORDER BY u.id DESC LIMIT 1`,
        ),
      ),
    )
    const [file, upload] = [first(files), first(uploads)]
    return {
      principal: principalOf(first(who), caller.study),
      file: file && fileOfRow(file),
      upload: upload && uploadOfRow(upload),
    }
  },
})
