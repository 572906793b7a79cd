import { sql, type SQL } from './sql.ts'
import type { Changes, File, FileDetails, Version, Visibility } from '../model/entities.ts'
import { type FileId, type Handle, newId, type ParticipantId, type VersionId } from '../model/ids.ts'
import type { Principal } from '../model/principal.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Rule } from '../model/rules.ts'
import { isOnRecord, record } from './audit.ts'
import { allows, allowsPublic, keepsSource, notErasing, targetFile } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { first, statement } from './database.ts'
import type { Databases } from './databases.ts'
import {
  atRevision,
  fileColumns,
  fileOfRow,
  type FileRow,
  fileStatement,
  grantedToCaller,
  isFile,
  versionColumns,
  versionOfRow,
  type VersionRow,
} from './file-rows.ts'
import { type Caller, participantSql, principalOf, whoColumns, type WhoRow, whoStatement, withWho } from './who.ts'
import { wordsOf } from './words.ts'

/** What of a file can be edited; absent: left as it is. */
export type FileChanges = Changes<FileDetails & { name: string; visibility: Visibility }>

export type FoundFile = Readonly<{ principal: Principal | undefined; file: File | undefined }>

/** How a file is named: by its id, by its number, or by its owner's handle (`me`: the caller's own). */
export type FileName = { id: FileId } | { number: number } | { owner: ParticipantId | 'me'; handle: Handle }

/** How one of a file's versions is named: by its id, or by its number. */
export type VersionName = VersionId | { number: number }

const isVersionNamed = ({ study }: Caller, name: VersionName): SQL =>
  typeof name === 'string'
    ? sql`WHERE v.study_id = ${study} AND v.id = ${name}`
    : sql`INDEXED BY versions_number WHERE v.study_id = ${study} AND v.number = ${name.number}`

export function isNamed(caller: Caller, name: FileName, participant = sql`(SELECT participant_id FROM who)`): SQL {
  if ('id' in name) return isFile(caller.study, name.id)
  const named =
    'number' in name
      ? sql`f.number = ${name.number}`
      : sql`f.handle = ${name.handle} AND f.owner = ${name.owner === 'me' ? participant : name.owner}`
  return sql`f.study_id = ${caller.study} AND ${named} AND ${notErasing(sql`f.study_id`, sql`f.owner`)}`
}

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
    name_words: name && wordsOf(name),
    title_words: title === undefined ? undefined : wordsOf(title),
    description_words: description === undefined ? undefined : wordsOf(description),
  }
  return Object.entries(values).flatMap(([column, value]) => (value === undefined ? [] : [[sql.raw(column), value]]))
}

export const assignments = (changes: FileChanges): SQL[] =>
  valuesOf(changes).map(([column, value]) => sql`${column} = ${value}`)

/** A name, given to a file only where it is not so that `stays`. */
export const renaming = (name: string, stays: SQL): SQL[] =>
  valuesOf({ name }).map(([column, value]) => sql`${column} = CASE WHEN ${stays} THEN ${column} ELSE ${value} END`)

/** With what is asked before it of the file `f`: that it is said so of it. */
export const isSaid = (changes: FileChanges): SQL =>
  sql.join(
    valuesOf(changes).map(([column, value]) => sql` AND f.${column} IS ${value}`),
    '',
  )

export const fileStore = (db: Databases) => ({
  /** One trip, and no row that the caller's own does not lead to; a second for those who have no place in the study. */
  async find(caller: Caller, name: FileName): Promise<FoundFile> {
    const [rows] = await db.of(caller.study).batch(
      statement<WhoRow & (FileRow | { [Column in keyof FileRow]: null })>(
        withWho(
          caller,
          sql`SELECT ${whoColumns}, ${fileColumns('f')}, ${grantedToCaller(caller, 'f', sql`who.principal`)}
            FROM who LEFT JOIN files f ON ${isNamed(caller, name, sql`who.participant_id`)}`,
        ),
      ),
    )
    const row = first(rows)
    if (row !== undefined) {
      return { principal: principalOf(row, caller.study), file: row.id === null ? undefined : fileOfRow(row) }
    }
    const database = db.of(caller.study)
    const [files] = await database.batch(
      statement<FileRow>(withWho(caller, sql`SELECT ${fileColumns('f')} FROM files f WHERE ${isNamed(caller, name)}`)),
    )
    const file = first(files)
    return { principal: undefined, file: file && fileOfRow(file) }
  },

  /** A file, one of its versions (undefined: the current one), and how long the study lets a URL to content live. */
  async findContent(
    caller: Caller,
    file: FileName,
    version: VersionName | undefined,
  ): Promise<FoundFile & { version: Version | undefined; downloadUrlSeconds: number | null }> {
    const [who, rows, versions] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<FileRow & { downloadUrlSeconds: number | null }>(
        sql`SELECT ${fileColumns('f')}, ${grantedToCaller(caller, 'f')},
            (SELECT s.download_url_seconds FROM studies s WHERE s.id = f.study_id) AS "downloadUrlSeconds"
          FROM files f WHERE ${isNamed(caller, file, participantSql(caller))}`,
      ),
      statement<VersionRow>(
        version === undefined
          ? sql`SELECT 1 WHERE 0`
          : sql`SELECT ${versionColumns('v')} FROM versions v ${isVersionNamed(caller, version)}
              AND v.file_id = ${
                'id' in file
                  ? file.id
                  : sql`(SELECT f.id FROM files f
                WHERE ${isNamed(caller, file, participantSql(caller))})`
              }`,
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
    const [who, rows, versions] = await db.of(caller.study).batch(
      whoStatement(caller),
      fileStatement(caller, file),
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
    const id = newId('aud', caller.now)
    const isDone = isOnRecord(caller, id)
    const set = [...assignments(changes), sql`revision = revision + 1`, sql`updated_at = ${caller.now.getTime()}`]
    const [who, updated, , rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<{ id: string }>(
        withWho(
          caller,
          sql`UPDATE files AS f SET ${sql.join(set, ', ')} FROM who
            WHERE ${isNamed(caller, name)} AND NOT ${isDone} AND ${sql.join(
              rules.map((rule) => allows(rule, targetFile('f'))),
              ' AND ',
            )} AND ${sql.join([atRevision(revision), isPossible(changes.visibility), ...keepsSource(changes.source)], ' AND ')}
            RETURNING id`,
        ),
      ),
      record(caller, {
        id,
        action: 'file.edit',
        owner: sql`(SELECT f.owner FROM files f WHERE ${isNamed(caller, name)})`,
        object: 'id' in name ? name.id : sql`(SELECT f.id FROM files f WHERE ${isNamed(caller, name)})`,
      }),
      statement<FileRow & { isDone: number }>(
        withWho(
          caller,
          sql`SELECT ${fileColumns('f')}, ${grantedToCaller(caller, 'f')}, ${isDone} AS "isDone"
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
})

/** Study-owned files are never private, and public ones need a study that allows them. */
function isPossible(visibility: Visibility | undefined): SQL {
  if (visibility === 'private') return sql`f.owner <> ''`
  return visibility === 'public' ? allowsPublic(sql`f.study_id`) : sql`1`
}
