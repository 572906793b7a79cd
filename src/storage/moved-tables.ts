import { sql, type SQL } from './sql.ts'
import { CasingCache } from 'drizzle-orm/casing'
import { getTableConfig, type SQLiteTable } from 'drizzle-orm/sqlite-core'
import { NUMBERS_PER_STUDY, type StudyId } from '../model/ids.ts'
import { statement } from './database.ts'
import { auditEvents } from './schema/audit.ts'
import * as documents from './schema/documents.ts'
import * as enrolmentCodes from './schema/enrolment-codes.ts'
import * as erasures from './schema/erasures.ts'
import * as files from './schema/files.ts'
import * as grants from './schema/grants.ts'
import { hosts } from './schema/hosts.ts'
import { idempotencyKeys } from './schema/idempotency.ts'
import * as people from './schema/people.ts'
import * as reports from './schema/reports.ts'
import * as sessions from './schema/sessions.ts'

// What of a study moves with it, row by row: every table with its rows, and the index of words, which is no table's own.

/** A row as its columns' values, in their order. */
export type Cells = readonly (string | number | null)[]
/** A row's key within its study. */
export type Key = Cells
/** Whose rows they are. */
export type Moved = Readonly<{ study: StudyId; number: number }>

export type MovedTable = Readonly<{
  name: string
  columns: readonly string[]
  /** Of the primary key, what comes after the study. */
  key: readonly string[]
  /** Its rows of a study. */
  own: (moved: Moved) => SQL
  /** Its column that may be long: of a body up to a mebibyte. */
  long: string | undefined
  /** Whether a row that is in the way of another is one that is behind, and may go: never one of another study's. */
  replaces: boolean
  isIndex: boolean
}>

const casing = new CasingCache('snake_case')
/** How many rows are taken at once, and of long ones, how much. */
export const AT_ONCE = 1_000
const BYTES_AT_ONCE = 2_000_000
const LONG: Readonly<Record<string, string>> = {
  document_bodies: 'data',
  document_schemas: 'schema',
  report_entries: 'data',
  files: 'metadata',
}

const tablesIn = (module: Readonly<Record<string, unknown>>) =>
  // What these modules export are tables.
  Object.values(module) as SQLiteTable[]

function movedTable(table: SQLiteTable): MovedTable {
  const { name, columns, primaryKeys } = getTableConfig(table)
  const key = primaryKeys.flatMap((each) => each.columns).map((column) => casing.getColumnCasing(column))
  return {
    name,
    columns: columns.map((column) => casing.getColumnCasing(column)),
    key: name === 'studies' ? ['number'] : key.slice(1),
    own: ({ study, number }) => (name === 'studies' ? sql`number = ${number}` : sql`study_id = ${study}`),
    long: LONG[name],
    // Those two have what is unique among all studies of a database.
    replaces: name !== 'studies' && name !== 'hosts',
    isIndex: false,
  }
}

const words: MovedTable = {
  name: 'files_fts',
  columns: ['rowid', 'who', 'name', 'title', 'description'],
  key: ['rowid'],
  own: ({ number }) => sql`rowid >= ${number * NUMBERS_PER_STUDY} AND rowid < ${(number + 1) * NUMBERS_PER_STUDY}`,
  long: undefined,
  replaces: true,
  isIndex: true,
}

/** In this order they are copied, and cleared in the other. */
export const MOVED_TABLES: readonly MovedTable[] = [
  ...[
    ...[people, documents, enrolmentCodes, erasures, files, grants, reports, sessions].flatMap(tablesIn),
    auditEvents,
    hosts,
    idempotencyKeys,
  ].map(movedTable),
  words,
]
const NAMED = new Map(MOVED_TABLES.map((table) => [table.name, table]))

export function movedTableNamed(name: string): MovedTable {
  const table = NAMED.get(name)
  if (table === undefined) throw new Error(`No table ${name} is moved.`)
  return table
}

const names = (columns: readonly string[], before = '') => columns.map((column) => `${before}${column}`).join(', ')
const values = (cells: Cells) =>
  sql.join(
    cells.map((cell) => sql`${cell}`),
    ', ',
  )
const told = (columns: readonly string[]) => columns.map((_, index) => `value ->> ${index}`).join(', ')

/** The rows after one key up to another, in their order; without the last, as many as are taken at once. */
export const rangeStatement = (
  table: MovedTable,
  moved: Moved,
  { after, upTo }: { after: Key | null; upTo?: Key | null },
) =>
  statement<Record<string, string | number | null>>(
    sql`SELECT ${sql.raw(names(table.columns))} FROM ${sql.raw(table.name)} WHERE ${afterKey(table, moved, after)}
      ${upTo === undefined || upTo === null ? sql`` : sql`AND (${sql.raw(names(table.key))}) <= (${values(upTo)})`}
      ORDER BY ${sql.raw(names(table.key))} LIMIT ${upTo === undefined ? AT_ONCE : AT_ONCE * 2}`,
  )

/** Whether there are any. */
export const filledStatement = (table: MovedTable, moved: Moved) =>
  statement<{ more: number }>(sql`SELECT 1 AS more FROM ${sql.raw(table.name)} WHERE ${table.own(moved)} LIMIT 1`)

/** How long the rows after a key are, or those of some keys, in their order. */
export const lengthsStatement = (
  table: MovedTable,
  moved: Moved,
  of: { after: Key | null } | { keys: readonly Key[] },
) =>
  statement<Record<string, string | number | null>>(
    sql`SELECT ${sql.raw(names(table.key))}, octet_length(${sql.raw(table.long ?? 'NULL')}) AS length
      FROM ${sql.raw(table.name)} WHERE ${'keys' in of ? among(table, moved, of.keys) : afterKey(table, moved, of.after)}
      ORDER BY ${sql.raw(names(table.key))} LIMIT ${AT_ONCE}`,
  )

/** The first of them, by what they are long: one at least, and then as many as may be taken at once. */
export function firstFew<Item>(items: readonly Item[], lengthOf: (item: Item) => number): readonly Item[] {
  let total = 0
  const end = items.findIndex((item, index) => (total += lengthOf(item)) > BYTES_AT_ONCE && index > 0)
  return end < 0 ? items : items.slice(0, end)
}

const afterKey = (table: MovedTable, moved: Moved, after: Key | null) =>
  sql`${table.own(moved)}${after === null ? sql`` : sql` AND (${sql.raw(names(table.key))}) > (${values(after)})`}`

const among = (table: MovedTable, moved: Moved, keys: readonly Key[]) =>
  sql`${table.own(moved)} AND (${sql.raw(names(table.key))}) IN (
    SELECT ${sql.raw(told(table.key))} FROM json_each(${JSON.stringify(keys)}))`

/** The rows of these keys, as far as there are any. */
export const keyedStatement = (table: MovedTable, moved: Moved, keys: readonly Key[]) =>
  statement<Record<string, string | number | null>>(
    sql`SELECT ${sql.raw(names(table.columns))} FROM ${sql.raw(table.name)} WHERE ${among(table, moved, keys)}
      ORDER BY ${sql.raw(names(table.key))}`,
  )

export const deleteStatement = (table: MovedTable, moved: Moved, keys: readonly Key[]) =>
  statement(sql`DELETE FROM ${sql.raw(table.name)} WHERE ${among(table, moved, keys)}`)

/** Rows of a study that are left here when it has gone, some at a time, and whether there are more. */
export const clearStatements = (table: MovedTable, moved: Moved) =>
  [
    statement(
      sql`DELETE FROM ${sql.raw(table.name)} WHERE (${sql.raw(names(table.key))}) IN (
        SELECT ${sql.raw(names(table.key))} FROM ${sql.raw(table.name)} WHERE ${table.own(moved)} LIMIT ${AT_ONCE})
        AND ${table.own(moved)}`,
    ),
    filledStatement(table, moved),
  ] as const

/** How long a statement's text of rows may be: D1 takes two million bytes, of which a character may need three. */
const MOST_TEXT = 500_000

/** Writes rows down, in as many statements as their length needs. */
export function insertStatements({ name, columns, key, replaces }: MovedTable, rows: readonly Cells[]) {
  const conflict = replaces
    ? ''
    : ` ON CONFLICT (${names(key[0] === 'number' ? ['id'] : ['study_id', ...key])}) DO UPDATE
    SET ${columns.map((column) => `${column} = excluded.${column}`).join(', ')}`
  const into = sql.raw(`INSERT ${replaces ? 'OR REPLACE ' : ''}INTO ${name} (${names(columns)})`)
  const groups: { text: string[]; length: number }[] = []
  const alone: Cells[] = []
  for (const row of rows) {
    const text = JSON.stringify(row)
    const last = groups.at(-1)
    // What is so long is bound as it is, and so is what no text of JSON brings whole.
    if (text.length > MOST_TEXT || text.includes(String.raw`\u0000`)) alone.push(row)
    else if (last !== undefined && last.length + text.length <= MOST_TEXT) {
      last.text.push(text)
      last.length += text.length
    } else groups.push({ text: [text], length: text.length })
  }
  return [
    ...groups.map(({ text }) =>
      statement(
        sql`${into} SELECT ${sql.raw(told(columns))} FROM json_each(${`[${text.join()}]`}) WHERE true ${sql.raw(conflict)}`,
      ),
    ),
    ...alone.map((row) => statement(sql`${into} VALUES (${values(row)}) ${sql.raw(conflict)}`)),
  ]
}

export const cellsOf = ({ columns }: MovedTable, row: Readonly<Record<string, string | number | null>>): Cells =>
  columns.map((column) => row[column] ?? null)

/** The key in a row that has but that. */
export const keyIn = ({ key }: MovedTable, row: Readonly<Record<string, string | number | null>>): Key =>
  key.map((column) => row[column] ?? null)

export const keyOf = ({ columns, key }: MovedTable, cells: Cells): Key =>
  key.map((column) => cells[columns.indexOf(column)] ?? null)
