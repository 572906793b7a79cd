import { sql } from './sql.ts'
import type { File, Grant, Version } from '../model/entities.ts'
import type { FileId, ParticipantId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Rule } from '../model/rules.ts'
import { allows, notErasing, READ_ONCE, targetFile, targetOwnedBy } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { statement } from './database.ts'
import type { Databases } from './databases.ts'
import { fileColumns, fileOfRow, type FileRow, versionColumns, versionOfRow, type VersionRow } from './file-rows.ts'
import { grantColumns, grantOfRow, type GrantRow, stands } from './grants.ts'
import { type Caller, withWho } from './who.ts'

const VERSIONS_AT_ONCE = 1_000

/** Whose, and of that what the rule shows to the caller. */
export type Asked = Readonly<{ participant: ParticipantId; rule: Rule; page: PageRequest }>

/** Where a walk through files' versions has come to: the file as it was named, and the number of a version of it. */
export type VersionPlace = Readonly<{ file: number; number: number }>

/** What a participant has and no listing tells of, a stretch at a time: what an export walks through. */
export const belongingStore = (db: Databases) => ({
  /** Files by handle, those without content too. */
  async files(caller: Caller, { participant, rule, page }: Asked): Promise<Page<File>> {
    const listing = 'belongings'
    const after = decodeCursor(listing, page.cursor)
    const [rows] = await db.of(caller.study).batch(
      statement<FileRow>(
        withWho(
          caller,
          sql`SELECT ${fileColumns('f', sql`${caller.study}`)} FROM files f INDEXED BY files_handle
            WHERE f.study_id = ${caller.study} AND f.owner = ${participant} AND f.handle > ${after?.[1] ?? ''}
              AND ${allows(rule, targetOwnedBy(sql`f.study_id`, sql`f.owner`), READ_ONCE)}
            ORDER BY f.handle LIMIT ${page.limit + 1}`,
        ),
      ),
    )
    return pageOf(rows, page.limit, { listing, place: (row) => ['', row.handle], item: fileOfRow })
  },

  /**
   * All versions of these files, as they are named and each one's latest first, so many at once; `next` is where it
   * goes on. Whether the caller may read them is asked of each file again.
   */
  async versions(
    caller: Caller,
    files: readonly FileId[],
    { rule, after }: { rule: Rule; after: VersionPlace | undefined },
  ): Promise<{ versions: Version[]; next: VersionPlace | undefined }> {
    const place = after ?? { file: -1, number: 0 }
    const [rows] = await db.of(caller.study).batch(
      statement<VersionRow & { place: number }>(
        withWho(
          caller,
          sql`SELECT ${versionColumns('v')}, asked.key AS place FROM json_each(${JSON.stringify(files)}) asked
            CROSS JOIN files f ON f.study_id = ${caller.study} AND f.id = asked.value
            CROSS JOIN versions v INDEXED BY versions_file ON v.study_id = f.study_id AND v.file_id = f.id
              AND v.number < CASE asked.key WHEN ${place.file} THEN ${place.number} ELSE 9e15 END
            WHERE asked.key >= ${place.file} AND ${allows(rule, targetFile('f'), READ_ONCE)}
            ORDER BY asked.key, v.number DESC LIMIT ${VERSIONS_AT_ONCE}`,
        ),
      ),
    )
    const last = rows.length < VERSIONS_AT_ONCE ? undefined : rows.at(-1)
    return {
      versions: rows.map(versionOfRow),
      next: last && { file: last.place, number: last.number },
    }
  },

  /** With whom their files are shared, by the files' handles; grants that have expired are gone. */
  async given(caller: Caller, { participant, rule, page }: Asked): Promise<Page<Grant>> {
    const listing = 'given'
    const [handle, principal] = decodeCursor(listing, page.cursor) ?? ['', '']
    const [rows] = await db.of(caller.study).batch(
      statement<GrantRow & { handle: string }>(
        withWho(
          caller,
          sql`SELECT ${grantColumns}, f.handle FROM files f INDEXED BY files_handle
            CROSS JOIN grants g ON g.study_id = f.study_id AND g.file_id = f.id
              AND g.principal > CASE f.handle WHEN ${handle} THEN ${principal} ELSE '' END
            WHERE f.study_id = ${caller.study} AND f.owner = ${participant} AND f.handle >= ${handle}
              AND ${stands(caller.now)} AND ${allows(rule, targetFile('f'), READ_ONCE)}
            ORDER BY f.handle, g.principal LIMIT ${page.limit + 1}`,
        ),
      ),
    )
    return pageOf(rows, page.limit, { listing, place: (row) => [row.handle, row.principal], item: grantOfRow })
  },

  /** What others share with them, of what has content, the latest listed first. */
  async received(caller: Caller, { participant, rule, page }: Asked): Promise<Page<Grant>> {
    const listing = 'received'
    const after = decodeCursor(listing, page.cursor, 'number')
    const principal = `participant:${participant}`
    const [rows] = await db.of(caller.study).batch(
      statement<GrantRow & { listedAt: number }>(
        withWho(
          caller,
          sql`SELECT ${grantColumns}, s.listed_at AS "listedAt" FROM shelf s
            CROSS JOIN files f ON f.study_id = s.study_id AND f.id = s.file_id
            CROSS JOIN grants g ON g.study_id = f.study_id AND g.file_id = f.id AND g.principal = ${principal}
            WHERE s.study_id = ${caller.study} AND s.scope = ${`to:${principal}`} AND s.term = ''
              AND ${after === undefined ? sql`1` : sql`(s.listed_at, s.file_id) < (${after[0]}, ${after[1]})`}
              AND ${stands(caller.now)} AND ${notErasing(sql`f.study_id`, sql`f.owner`)}
              AND (g.principal = ${READ_ONCE.principal} OR ${allows(rule, targetFile('f'), READ_ONCE)})
            ORDER BY s.listed_at DESC, s.file_id DESC LIMIT ${page.limit + 1}`,
        ),
      ),
    )
    return pageOf(rows, page.limit, { listing, place: (row) => [row.listedAt, row.fileId], item: grantOfRow })
  },
})
