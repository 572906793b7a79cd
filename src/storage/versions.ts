import { sql } from './sql.ts'
import type { File, Review, ReviewedVersion, Version } from '../model/entities.ts'
import type { FileId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Actor, Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { record } from './audit.ts'
import { allows, READ_ONCE, targetFile } from './conditions.ts'
import { decodeCursor, encodeCursor, pageOf } from './cursor.ts'
import { columnsOf, first, type Prefixed, statement, withoutPrefix } from './database.ts'
import type { Databases } from './databases.ts'
import {
  fileColumns,
  fileOfRow,
  type FileRow,
  grantedToCaller,
  isFile,
  versionColumns,
  versionOfRow,
  type VersionRow,
} from './file-rows.ts'
import { versions } from './schema/files.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

/** How many versions are looked at for one page of a study's: past that it is short, and has a next one. */
const MAX_CANDIDATES = 1_000

export type Order = 'oldest' | 'newest'
export type VersionOfFile = Readonly<{ file: File; version: ReviewedVersion }>
/** Some of a file's versions, and whether there are more. */
export type VersionsOfFile = Readonly<{ items: readonly ReviewedVersion[]; more: boolean }>
/** What of a version can be changed; absent: left as it is. */
export type VersionChanges = Readonly<{ description?: string | null | undefined; review?: Review | undefined }>

export type FoundVersion = Readonly<{ principal: Principal | undefined; found: VersionOfFile | undefined }>

const listingOf = (order: Order, file: FileId | undefined) => `study-versions:${order}:${file ?? ''}`

/** Where the list of its file goes on after a version, wherever that was found. */
export const cursorAfterVersion = ({ file, number }: Version, order: Order): string =>
  encodeCursor(listingOf(order, file), [number, ''])

const reviewedOfRow = (row: VersionRow): ReviewedVersion => ({
  ...versionOfRow(row),
  description: row.description,
  review: row.review,
  createdBy: row.createdBy as Actor, // what was put in
})

/** A file's columns beside those of a version of it. */
export type VersionOfFileRow = FileRow & Prefixed<VersionRow, 'version.'>
const besideFile = columnsOf(versions, 'v', 'version.')
export const versionOfFileRow = (row: VersionOfFileRow): VersionOfFile => ({
  file: fileOfRow(row),
  version: reviewedOfRow(withoutPrefix<VersionRow, 'version.'>(row, 'version.')),
})

/** A version by its number, and the file that it is of now. Whether the caller may see it, the file's facts say. */
export const numberedStatement = (caller: Caller, number: number) =>
  statement<VersionOfFileRow>(
    sql`SELECT ${fileColumns('f')}, ${grantedToCaller(caller, 'f')}, ${besideFile}
      FROM versions v INDEXED BY versions_number CROSS JOIN files f ON ${isFile(caller.study, sql`v.file_id`)}
      WHERE v.study_id = ${caller.study} AND v.number = ${number}`,
  )

export const versionStore = (db: Databases) => ({
  async find(caller: Caller, number: number): Promise<FoundVersion> {
    const [who, rows] = await db.of(caller.study).batch(whoStatement(caller), numberedStatement(caller, number))
    const row = first(rows)
    return { principal: principalOf(first(who), caller.study), found: row && versionOfFileRow(row) }
  },

  /** The first versions of many files, of those that the rule shows, in one trip: four rows for each that has one. */
  async ofFiles(
    caller: Caller,
    { files, limit, order, rule }: { files: readonly FileId[]; limit: number; order: Order; rule: Rule },
  ): Promise<{ principal: Principal | undefined; versions: ReadonlyMap<FileId, VersionsOfFile> }> {
    const isOldest = order === 'oldest'
    // Where each file's end: one more is looked at than is told. A file whose first version is its current one has only
    // that, and perhaps what was moved to it: there is no need to look.
    const last = sql`CASE WHEN f.version_number > f.number THEN
      (SELECT n.number FROM versions n INDEXED BY versions_file WHERE n.study_id = ${caller.study} AND n.file_id = f.id
        ORDER BY n.number ${isOldest ? sql`ASC` : sql`DESC`} LIMIT 1 OFFSET ${limit}) END`
    const [who, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<VersionRow>(
        withWho(
          caller,
          sql`SELECT ${versionColumns('v')} FROM json_each(${JSON.stringify([...new Set(files)])}) asked
            CROSS JOIN files f ON ${isFile(caller.study, sql`asked.value`)}
            CROSS JOIN versions v INDEXED BY versions_file ON v.study_id = ${caller.study} AND v.file_id = f.id
              AND ${isOldest ? sql`v.number <= coalesce(${last}, 9e15)` : sql`v.number >= coalesce(${last}, 0)`}
            WHERE ${allows(rule, targetFile('f'), READ_ONCE)}`,
        ),
      ),
    )
    // To have them sorted by the database would read each once more.
    const sorted = rows.map(reviewedOfRow).toSorted((a, b) => (isOldest ? a.number - b.number : b.number - a.number))
    const found = Map.groupBy(sorted, ({ file }) => file)
    const some = (of: readonly ReviewedVersion[]) => ({ items: of.slice(0, limit), more: of.length > limit })
    return {
      principal: principalOf(first(who), caller.study),
      versions: new Map(files.map((file) => [file, some(found.get(file) ?? [])])),
    }
  },

  /**
   * A page of versions by number, of one file or of all that the rule has on lists, drafts not among them: a row for each
   * and one for its file. What is shared is not looked for.
   */
  async list(
    caller: Caller,
    { file, order, rule, page }: { file: FileId | undefined; order: Order; rule: Rule; page: PageRequest },
  ): Promise<{ principal: Principal | undefined; page: Page<VersionOfFile> }> {
    const { study } = caller
    const listing = listingOf(order, file)
    const after = decodeCursor(listing, page.cursor, 'number')
    const [direction, beyond] = order === 'oldest' ? [sql`ASC`, sql`>`] : [sql`DESC`, sql`<`]
    const range = sql`versions v ${file === undefined ? sql`INDEXED BY versions_number` : sql`INDEXED BY versions_file`}
      WHERE v.study_id = ${study} ${file === undefined ? sql`` : sql`AND v.file_id = ${file}`}
        ${after === undefined ? sql`` : sql`AND v.number ${beyond} ${after[0]}`} ORDER BY v.number ${direction}`
    const columns = sql`${fileColumns('f', sql`${study}`)}, ${grantedToCaller(caller, 'f')}, ${besideFile}`
    const listed = sql`SELECT ${columns} FROM (SELECT v.* FROM ${range} LIMIT ${MAX_CANDIDATES}) v
      CROSS JOIN files f ON f.study_id = ${study} AND f.id = v.file_id
      WHERE f.draft = 0 AND ${allows(rule, { ...targetFile('f'), file: undefined }, READ_ONCE)}
      ORDER BY v.number ${direction} LIMIT ${page.limit + 1}`
    // Where the candidates ended, if there were as many as are looked at: a place, and no file.
    const end = sql`SELECT ${columns} FROM (SELECT v.* FROM ${range} LIMIT 1 OFFSET ${MAX_CANDIDATES - 1}) v
      LEFT JOIN files f ON f.study_id = ${study} AND f.id = ''`
    const [who, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      // The end is looked for only if the page is not full without it.
      statement<PlacedRow>(
        withWho(caller, sql`SELECT * FROM (${listed}) UNION ALL SELECT * FROM (${end}) LIMIT ${page.limit + 1}`),
      ),
    )
    const last = rows.find((row) => row.id === null)
    return {
      principal: principalOf(first(who), study),
      page: pageOf(
        rows.filter((row) => row.id !== null),
        page.limit,
        { listing, place: placeOf, item: versionOfFileRow, end: last && placeOf(last) },
      ),
    }
  },

  /** Changes what is said of a version, if every one of the rules lets the caller. `found` is as it is then. */
  async edit(
    caller: Caller,
    number: number,
    { rules, changes: { description, review } }: { rules: readonly Rule[]; changes: VersionChanges },
  ): Promise<FoundVersion & { edited: boolean }> {
    const { study } = caller
    const set = [
      ...(description === undefined ? [] : [sql`description = ${description}`]),
      ...(review === undefined ? [] : [sql`review = ${review}`]),
    ]
    const isNothing = set.length === 0
    const mayEdit = sql.join(
      rules.map((rule) => allows(rule, targetFile('f'))),
      ' AND ',
    )
    const here = sql`v.study_id = ${study} AND v.number = ${number}`
    const [who, edited, , rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<{ id: string }>(
        withWho(
          caller,
          // Where nothing is to change, the rules are asked all the same.
          sql`UPDATE versions AS v INDEXED BY versions_number
            SET ${isNothing ? sql`description = description` : sql.join(set, ', ')}
            WHERE ${here} AND EXISTS (SELECT 1 FROM who CROSS JOIN files f
              WHERE f.study_id = v.study_id AND f.id = v.file_id AND ${mayEdit})
            RETURNING id`,
        ),
      ),
      isNothing
        ? undefined
        : record(caller, {
            action: 'version.edit',
            owner: sql`(SELECT f.owner FROM versions v INDEXED BY versions_number
              CROSS JOIN files f ON f.study_id = v.study_id AND f.id = v.file_id WHERE ${here})`,
            object: sql`(SELECT v.id FROM versions v INDEXED BY versions_number WHERE ${here})`,
          }),
      numberedStatement(caller, number),
    )
    const row = first(rows)
    return {
      principal: principalOf(first(who), study),
      found: row && versionOfFileRow(row),
      edited: edited.length > 0,
    }
  },
})

/** A version of the page, or (without a file) where the candidates ended. */
type PlacedRow = (VersionOfFileRow | { [Column in keyof FileRow]: null }) & Prefixed<VersionRow, 'version.'>

const placeOf = (row: PlacedRow) => [row['version.number'], ''] as const
