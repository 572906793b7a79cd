import { sql } from './sql.ts'
import type { StudyId } from '../model/ids.ts'
import { type Database, first, statement } from './database.ts'
import {
  AT_ONCE,
  type Cells,
  cellsOf,
  deleteStatement,
  filledStatement,
  firstFew,
  insertStatements,
  type Key,
  keyedStatement,
  keyIn,
  keyOf,
  lengthsStatement,
  type Moved,
  MOVED_TABLES,
  type MovedTable,
  movedTableNamed,
  rangeStatement,
} from './moved-tables.ts'

// Copying a study's rows from one database to another, while they change, and holding the copy against them.

/** Two databases, and who copies between them: what another driver began before writes nothing any more. */
export type Carrying = Readonly<{ from: Database; to: Database; moved: Moved; driver: string }>
/** Up to where something was done: a table by its place among those that move, and the last key. */
export type Walked = Readonly<{ table: number; after: Key | null; rows: number }>

/** How many changes are replayed at once. */
const CHANGES_AT_ONCE = AT_ONCE
const SUPERSEDED = 'superseded'

/** Fails its batch where another driver has come since, or the study does not arrive here any more. */
const isDriving = ({ moved, driver }: Carrying) =>
  statement(
    sql`SELECT json_extract('{}', ${SUPERSEDED}) WHERE NOT EXISTS (SELECT 1 FROM absences
      WHERE study_id = ${moved.study} AND state = 'arriving' AND driver = ${driver})`,
  )
export const isSuperseded = (failure: unknown) => failure instanceof Error && failure.message.includes(SUPERSEDED)

/** Which tables have rows of a study, in any of these databases: of the others nothing is to be copied, nor compared. */
export async function filledIn(databases: readonly Database[], moved: Moved): Promise<ReadonlySet<number>> {
  const found = await Promise.all(
    databases.map(async (database) => database.batch(...MOVED_TABLES.map((table) => filledStatement(table, moved)))),
  )
  return new Set(found.flatMap((results) => results.flatMap((rows, index) => (rows.length > 0 ? [index] : []))))
}

/** A stretch of a table: its rows from where somebody is up to, and where they are after it. */
async function stretchOf(from: Database, moved: Moved, walked: Walked) {
  const table = MOVED_TABLES[walked.table]
  if (table === undefined) return undefined
  const upTo = table.long === undefined ? undefined : await longUpTo(from, { table, moved, after: walked.after })
  const [found] = await from.batch(rangeStatement(table, moved, { after: walked.after, ...upTo }))
  const rows = found.map((row) => cellsOf(table, row))
  const last = rows.at(-1)
  const end = last === undefined || rows.length < AT_ONCE ? null : keyOf(table, last)
  const after = upTo === undefined ? end : upTo.upTo
  const next: Walked = {
    table: after === null ? walked.table + 1 : walked.table,
    after,
    rows: walked.rows + rows.length,
  }
  return { table, rows, next }
}

/** Up to which key rows that may be long are taken at once; null: up to the last. */
async function longUpTo(
  from: Database,
  { table, moved, after }: { table: MovedTable; moved: Moved; after: Key | null },
) {
  const [lengths] = await from.batch(lengthsStatement(table, moved, { after }))
  const few = firstFew(lengths, ({ length }) => Number(length))
  const last = few.at(-1)
  const isLast = last === undefined || (few.length === lengths.length && few.length < AT_ONCE)
  return { upTo: isLast ? null : keyIn(table, last) }
}

/** The next rows of a study, in the order of their tables and keys; undefined: that was all. */
export async function copyNext(carrying: Carrying, walked: Walked): Promise<Walked | undefined> {
  const { from, to, moved } = carrying
  const stretch = await stretchOf(from, moved, walked)
  if (stretch === undefined) return undefined
  const { table, rows, next } = stretch
  if (rows.length > 0) await to.batch(isDriving(carrying), ...insertStatements(table, rows))
  return next
}

const digest = async (rows: readonly Cells[]): Promise<string> => {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(rows)))
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/**
 * Holds a stretch of the copy against its rows, by how many they are and their SHA-256. Where those differ, each row that
 * does is one that has changed since and is still to be replayed, or else the copy is wrong: `differs` is its table. The
 * changes are read last, so that none of them is missed.
 */
export async function verifyNext(
  { from, to, moved }: Carrying,
  walked: Walked,
): Promise<{ walked: Walked; differs: string | undefined } | undefined> {
  const stretch = await stretchOf(from, moved, walked)
  if (stretch === undefined) return undefined
  const { table, rows, next } = stretch
  const [copied] = await to.batch(rangeStatement(table, moved, { after: walked.after, upTo: next.after }))
  const copies = copied.map((row) => cellsOf(table, row))
  const isSame = rows.length === copies.length && (await digest(rows)) === (await digest(copies))
  const unlike = isSame ? [] : unlikeIn(table, rows, copies)
  const pending = unlike.length === 0 ? new Set<string>() : await pendingIn(from, moved.study, table.name)
  return { walked: next, differs: unlike.every((key) => pending.has(key)) ? undefined : table.name }
}

/** The keys of the rows that are not alike. */
function unlikeIn(table: MovedTable, rows: readonly Cells[], copies: readonly Cells[]): string[] {
  const textsOf = (those: readonly Cells[]) =>
    new Map(those.map((cells) => [JSON.stringify(keyOf(table, cells)), JSON.stringify(cells)]))
  const [own, others] = [textsOf(rows), textsOf(copies)]
  return [...new Set([...own.keys(), ...others.keys()])].filter((key) => own.get(key) !== others.get(key))
}

async function pendingIn(from: Database, study: StudyId, name: string): Promise<Set<string>> {
  const [rows] = await from.batch(
    statement<{ key: string }>(sql`SELECT DISTINCT key FROM move_changes WHERE study_id = ${study} AND name = ${name}`),
  )
  return new Set(rows.map(({ key }) => JSON.stringify(JSON.parse(key))))
}

type Change = { seq: number; name: string; key: string }

/** The keys of each table that changes are of, each once. */
function keysOf(changes: readonly Change[]): [MovedTable, Key[]][] {
  const byTable = Map.groupBy(changes, ({ name }) => name)
  return [...byTable].map(([name, own]) => [
    movedTableNamed(name),
    [...new Set(own.map(({ key }) => key))].map((key) => JSON.parse(key) as Cells), // of a row's columns
  ])
}

/** As many of the first changes as one batch should hold, by how long their rows are. */
async function portionOf(from: Database, moved: Moved, changes: readonly Change[]): Promise<readonly Change[]> {
  const long = keysOf(changes).filter(([table]) => table.long !== undefined)
  if (long.length === 0) return changes
  const found = await from.batch(...long.map(([table, keys]) => lengthsStatement(table, moved, { keys })))
  const lengths = new Map(
    long.flatMap(([table], index) =>
      (found[index] ?? []).map(
        (row) => [table.name + JSON.stringify(keyIn(table, row)), Number(row['length'])] as const,
      ),
    ),
  )
  return firstFew(changes, ({ name, key }) => lengths.get(name + JSON.stringify(JSON.parse(key))) ?? 0)
}

/**
 * Brings the copy up to what has changed: each row that did, as it is now, and reads back what was written. Answers how
 * many changes were replayed and are forgotten; `differs`: a table whose rows are not what was written to them.
 */
export async function replayNext(carrying: Carrying): Promise<{ replayed: number; differs: string | undefined }> {
  const { from, to, moved } = carrying
  const { study } = moved
  const [changes] = await from.batch(
    statement<Change>(
      sql`SELECT seq, name, key FROM move_changes WHERE study_id = ${study} ORDER BY seq LIMIT ${CHANGES_AT_ONCE}`,
    ),
  )
  const portion = await portionOf(from, moved, changes)
  const last = portion.at(-1)
  if (last === undefined) return { replayed: 0, differs: undefined }
  const tables = keysOf(portion)
  const found = await from.batch(...tables.map(([table, own]) => keyedStatement(table, moved, own)))
  const rows = tables.map(([table], index) => (found[index] ?? []).map((row) => cellsOf(table, row)))
  const written = await to.batch(
    isDriving(carrying),
    ...tables.flatMap(([table, own], index) => [
      deleteStatement(table, moved, own),
      ...insertStatements(table, rows[index] ?? []),
    ]),
    ...tables.map(([table, own]) => keyedStatement(table, moved, own)),
  )
  const copies = written.slice(-tables.length)
  for (const [index, [table]] of tables.entries()) {
    const copied = (copies[index] ?? []).map((row) => cellsOf(table, row))
    if ((await digest(rows[index] ?? [])) !== (await digest(copied))) return { replayed: 0, differs: table.name }
  }
  await from.batch(statement(sql`DELETE FROM move_changes WHERE study_id = ${study} AND seq <= ${last.seq}`))
  return { replayed: portion.length, differs: undefined }
}

export async function changesLeft(from: Database, study: StudyId): Promise<number> {
  const [rows] = await from.batch(
    statement<{ count: number }>(sql`SELECT count(*) AS count FROM move_changes WHERE study_id = ${study}`),
  )
  return first(rows)?.count ?? 0
}
