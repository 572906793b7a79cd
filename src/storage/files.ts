import { sql, type SQL } from 'drizzle-orm'
import type { Changes, File, FileDetails, Version, Visibility } from '../model/entities.ts'
import type { FileId, Handle, ParticipantId, VersionId } from '../model/ids.ts'
import type { Principal } from '../model/principal.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Rule } from '../model/rules.ts'
import { allows, allowsPublic, targetFile } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { type Database, first, statement } from './database.ts'
import { fileColumns, fileOfRow, type FileRow, versionColumns, versionOfRow, type VersionRow } from './file-rows.ts'
import { dropObjects, dropUploadObjects } from './object-deletions.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

/** What of a file can be edited; absent: left as it is. */
export type FileChanges = Changes<FileDetails & { name: string; visibility: Visibility }>

export type FoundFile = Readonly<{ principal: Principal | undefined; file: File | undefined }>

/** How a file is named: by its id, or by its owner's handle (`me`: the caller's own). */
export type FileName = { id: FileId } | { owner: ParticipantId | 'me'; handle: Handle }

const isNamed = (caller: Caller, name: FileName): SQL =>
  'id' in name
    ? sql`f.study_id = ${caller.study} AND f.id = ${name.id}`
    : sql`f.study_id = ${caller.study} AND f.handle = ${name.handle}
        AND f.owner = ${name.owner === 'me' ? sql`(SELECT participant_id FROM who)` : name.owner}`

/** The columns that changes come to, and what each gets. */
function valuesOf({ tags, metadata, ...texts }: FileChanges): [column: SQL, value: string | null][] {
  const { name, visibility, category, source, title, description } = texts
  const values = {
    name,
    visibility,
    category,
    source,
    title,
    description,
    tags: tags && JSON.stringify(tags),
    metadata: metadata && JSON.stringify(metadata),
  }
  return Object.entries(values).flatMap(([column, value]) => (value === undefined ? [] : [[sql.raw(column), value]]))
}

export const assignments = (changes: FileChanges): SQL[] =>
  valuesOf(changes).map(([column, value]) => sql`${column} = ${value}`)

/**
 * Whether the file `f` is just as an edit at a revision leaves it: so it is when the batch runs again because its answer
 * was lost, which is then not to be taken for another's edit.
 */
function isDone({ now }: Caller, changes: FileChanges, revision: number | undefined): SQL {
  if (revision === undefined) return sql`0`
  const same = valuesOf(changes).map(([column, value]) => sql` AND f.${column} IS ${value}`)
  return sql`(f.revision = ${revision + 1} AND f.updated_at = ${now.getTime()}${sql.join(same)})`
}

export const fileStore = (db: Database) => ({
  /** One trip, one row besides the caller's. */
  async find(caller: Caller, name: FileName): Promise<FoundFile> {
    const [who, rows] = await db.batch(
      whoStatement(caller),
      statement<FileRow>(withWho(caller, sql`SELECT ${fileColumns('f')} FROM files f WHERE ${isNamed(caller, name)}`)),
    )
    const row = first(rows)
    return { principal: principalOf(first(who), caller.study), file: row && fileOfRow(row) }
  },

  /** A file, one of its versions (undefined: the current one), and how long the study lets a URL to content live. */
  async findContent(
    caller: Caller,
    file: FileId,
    version: VersionId | undefined,
  ): Promise<FoundFile & { version: Version | undefined; downloadUrlSeconds: number | null }> {
    const [who, rows, versions] = await db.batch(
      whoStatement(caller),
      statement<FileRow & { downloadUrlSeconds: number | null }>(
        sql`SELECT ${fileColumns('f')}, (SELECT s.download_url_seconds FROM studies s WHERE s.id = f.study_id)
            AS "downloadUrlSeconds"
          FROM files f WHERE f.study_id = ${caller.study} AND f.id = ${file}`,
      ),
      statement<VersionRow>(
        version === undefined
          ? sql`SELECT 1 WHERE 0`
          : sql`SELECT ${versionColumns('v')} FROM versions v
              WHERE v.study_id = ${caller.study} AND v.id = ${version} AND v.file_id = ${file}`,
      ),
    )
    const row = first(rows)
    const found = row && fileOfRow(row)
    const named = first(versions)
    const current = found?.content.status === 'complete' ? found.content.version : undefined
    return {
      principal: principalOf(first(who), caller.study),
      file: found,
      version: version === undefined ? current : named && versionOfRow(named),
      downloadUrlSeconds: row?.downloadUrlSeconds ?? null,
    }
  },

  /** A file's versions, newest first. */
  async listVersions(
    caller: Caller,
    file: FileId,
    page: PageRequest,
  ): Promise<FoundFile & { versions: Page<Version> }> {
    const listing = `versions:${file}`
    const after = decodeCursor(listing, page.cursor, 'number')
    const [who, rows, versions] = await db.batch(
      whoStatement(caller),
      statement<FileRow>(
        sql`SELECT ${fileColumns('f')} FROM files f WHERE f.study_id = ${caller.study} AND f.id = ${file}`,
      ),
      statement<VersionRow>(
        sql`SELECT ${versionColumns('v')} FROM versions v INDEXED BY versions_file
          WHERE v.study_id = ${caller.study} AND v.file_id = ${file}
            AND ${after === undefined ? sql`1` : sql`v.number < ${after[0]}`}
          ORDER BY v.number DESC LIMIT ${page.limit + 1}`,
      ),
    )
    const row = first(rows)
    return {
      principal: principalOf(first(who), caller.study),
      file: row && fileOfRow(row),
      versions: pageOf(versions, page.limit, {
        listing,
        place: (version) => [version.number, version.id],
        item: versionOfRow,
      }),
    }
  },

  /**
   * Edits a file if the rules let the caller and, where a revision is given, it is still at that one.
   * `updated` is undefined where nothing was changed; `file` then tells what stood in the way.
   */
  async update(
    caller: Caller,
    name: FileName,
    { rules, changes, revision }: { rules: readonly Rule[]; changes: FileChanges; revision: number | undefined },
  ): Promise<FoundFile & { updated: boolean }> {
    const set = [...assignments(changes), sql`revision = revision + 1`, sql`updated_at = ${caller.now.getTime()}`]
    const [who, updated, rows] = await db.batch(
      whoStatement(caller),
      statement<{ id: string }>(
        withWho(
          caller,
          sql`UPDATE files AS f SET ${sql.join(set, sql`, `)} FROM who
            WHERE ${isNamed(caller, name)} AND ${sql.join(
              rules.map((rule) => allows(rule, targetFile('f'))),
              sql` AND `,
            )} AND ${atRevision(revision)} AND ${isPossible(changes.visibility)}
            RETURNING id`,
        ),
      ),
      statement<FileRow & { isDone: number }>(
        withWho(
          caller,
          sql`SELECT ${fileColumns('f')}, ${isDone(caller, changes, revision)} AS "isDone"
            FROM files f WHERE ${isNamed(caller, name)}`,
        ),
      ),
    )
    const row = first(rows)
    return {
      principal: principalOf(first(who), caller.study),
      file: row && fileOfRow(row),
      updated: updated.length > 0 || row?.isDone === 1,
    }
  },

  /**
   * Deletes a file with its versions and open uploads; their bytes go through the outbox. In one batch: either all of
   * it or nothing. `file` is what it was.
   */
  async remove(
    caller: Caller,
    name: FileName,
    { rule, revision }: { rule: Rule; revision: number | undefined },
  ): Promise<FoundFile & { removed: boolean }> {
    const { study } = caller
    // The rule is asked once; what follows hangs on the file being gone.
    const gone = (alias: string) =>
      sql`NOT EXISTS (SELECT 1 FROM files f WHERE f.study_id = ${study} AND f.id = ${sql.raw(alias)}.file_id)`
    const found = await this.find(caller, name)
    if (found.file === undefined) return { ...found, removed: false }
    const { id } = found.file
    const [removed] = await db.batch(
      statement<{ id: string }>(
        withWho(
          caller,
          sql`DELETE FROM files AS f WHERE f.study_id = ${study} AND f.id = ${id} AND ${atRevision(revision)}
            AND EXISTS (SELECT 1 FROM who WHERE ${allows(rule, targetFile('f'))})
            RETURNING id`,
        ),
      ),
      dropObjects(
        caller.now,
        sql`SELECT v.study_id, v.object_key, NULL AS multipart_id, ${found.file.owner ?? ''} AS owner, v.url_expires_at
          FROM versions v INDEXED BY versions_file WHERE v.study_id = ${study} AND v.file_id = ${id} AND ${gone('v')}`,
      ),
      dropUploadObjects(
        caller.now,
        sql`SELECT u.* FROM uploads u INDEXED BY uploads_file WHERE u.study_id = ${study} AND u.file_id = ${id} AND ${gone('u')}`,
      ),
      statement(
        sql`DELETE FROM versions AS v INDEXED BY versions_file
          WHERE v.study_id = ${study} AND v.file_id = ${id} AND ${gone('v')}`,
      ),
      statement(
        sql`DELETE FROM upload_parts WHERE study_id = ${study} AND upload_id IN (
          SELECT u.id FROM uploads u INDEXED BY uploads_file
          WHERE u.study_id = ${study} AND u.file_id = ${id} AND ${gone('u')})`,
      ),
      statement(
        sql`DELETE FROM uploads AS u INDEXED BY uploads_file
          WHERE u.study_id = ${study} AND u.file_id = ${id} AND ${gone('u')}`,
      ),
    )
    return { ...found, removed: removed.length > 0 }
  },
})

/** Study-owned files are never private, and public ones need a study that allows them. */
function isPossible(visibility: Visibility | undefined): SQL {
  if (visibility === 'private') return sql`f.owner <> ''`
  return visibility === 'public' ? allowsPublic(sql`f.study_id`) : sql`1`
}

const atRevision = (revision: number | undefined): SQL =>
  revision === undefined ? sql`1` : sql`f.revision = ${revision}`
