import { sql, type SQL } from 'drizzle-orm'
import type { File, Version } from '../model/entities.ts'
import type { ParticipantId } from '../model/ids.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { allows, targetOwnedBy } from './conditions.ts'
import { type Database, first, statement } from './database.ts'
import { fileColumns, fileOfRow, type FileRow, versionColumns, versionOfRow, type VersionRow } from './file-rows.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

const FILES_AT_ONCE = 100

/** A file of somebody's with all its versions, latest begun first. */
export type FileWithVersions = Readonly<{ file: File; versions: readonly Version[] }>

/** Everything that a participant has, a stretch at a time: what an export walks through. */
export const belongingStore = (db: Database) => ({
  /** Files by handle, those without content too; `next` is where the next stretch begins, undefined at the end. */
  async files(
    caller: Caller,
    participant: ParticipantId | 'me',
    { rule, after }: { rule: Rule; after: string },
  ): Promise<{ principal: Principal | undefined; files: FileWithVersions[]; next: string | undefined }> {
    const owner: SQL = participant === 'me' ? sql`(SELECT participant_id FROM who)` : sql`${participant}`
    const stretch = sql`FROM who CROSS JOIN files f INDEXED BY files_handle
      WHERE f.study_id = ${caller.study} AND f.owner = ${owner} AND f.handle > ${after}
        AND ${allows(rule, targetOwnedBy(sql`f.study_id`, sql`f.owner`))}
      ORDER BY f.handle LIMIT ${FILES_AT_ONCE}`
    const [who, rows, versions] = await db.batch(
      whoStatement(caller),
      statement<FileRow>(withWho(caller, sql`SELECT ${fileColumns('f', sql`${caller.study}`)} ${stretch}`)),
      statement<VersionRow>(
        withWho(
          caller,
          sql`SELECT ${versionColumns('v')} FROM (SELECT f.id ${stretch}) stretch
            CROSS JOIN versions v INDEXED BY versions_file ON v.study_id = ${caller.study} AND v.file_id = stretch.id
            ORDER BY v.number DESC`,
        ),
      ),
    )
    const byFile = Map.groupBy(versions, (version) => version.fileId)
    return {
      principal: principalOf(first(who), caller.study),
      files: rows.map((row) => ({ file: fileOfRow(row), versions: (byFile.get(row.id) ?? []).map(versionOfRow) })),
      next: rows.length < FILES_AT_ONCE ? undefined : rows.at(-1)?.handle,
    }
  },
})
