import { sql } from 'drizzle-orm'
import type { StudyId } from '../model/ids.ts'
import { type Database, first, statement } from './database.ts'
import {
  type Cells,
  cellsOf,
  deleteStatement,
  insertStatements,
  type Key,
  keyedStatement,
  keyOf,
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
export const CHANGES_AT_ONCE = 500
const SUPERSEDED = 'superseded'

/** Fails its batch where another driver has come since, or the study does not arrive here any more. */
const isDriving = ({ moved, driver }: Carrying) =>
  statement(
    sql`SELECT json_extract('{}', ${SUPERSEDED}) WHERE NOT EXISTS (SELECT 1 FROM absences
      WHERE study_id = ${moved.study} AND state = 'arriving' AND driver = ${driver})`,
  )
export const isSuperseded = (failure: unknown) => failure instanceof Error && failure.message.includes(SUPERSEDED)

/** The next rows of a study, in the order of their tables and keys; undefined: that was all. */
export async function copyNext(carrying: Carrying, walked: Walked): Promise<Walked | undefined> {
  const { from, to, moved } = carrying
  const table = MOVED_TABLES[walked.table]
  if (table === undefined) return undefined
  const [found] = await from.batch(rangeStatement(table, moved, walked))
  const rows = found.map((row) => cellsOf(table, row))
  if (rows.length > 0) await to.batch(isDriving(carrying), ...insertStatements(table, rows))
  return walkedTo(table, walked, rows)
}

/** Past these rows: to the next table, where there are no more of this one's. */
function walkedTo(table: MovedTable, { table: place, rows: before }: Walked, rows: readonly Cells[]): Walked {
  const last = rows.at(-1)
  const isLast = rows.length < table.atOnce || last === undefined
  return { table: isLast ? place + 1 : place, after: isLast ? null : keyOf(table, last), rows: before + rows.length }
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
  const table = MOVED_TABLES[walked.table]
  if (table === undefined) return undefined
  const [found] = await from.batch(rangeStatement(table, moved, walked))
  const rows = found.map((row) => cellsOf(table, row))
  const next = walkedTo(table, walked, rows)
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

/**
 * Brings the copy up to what has changed: each row that did, as it is now, and reads back what was written. Answers how
 * many changes were replayed and are forgotten; `differs`: a table whose rows are not what was written to them.
 */
export async function replayNext(carrying: Carrying): Promise<{ replayed: number; differs: string | undefined }> {
  const { from, moved } = carrying
  const { study } = moved
  const [changes] = await from.batch(
    statement<Change>(
      sql`SELECT seq, name, key FROM move_changes WHERE study_id = ${study} ORDER BY seq LIMIT ${CHANGES_AT_ONCE}`,
    ),
  )
  for (const [name, own] of Map.groupBy(changes, (change) => change.name)) {
    const table = movedTableNamed(name)
    const keys = [...new Set(own.map(({ key }) => key))].map((key): Key => JSON.parse(key) as Cells) // of a row's columns
    for (let start = 0; start < keys.length; start += table.atOnce) {
      if (!(await replayKeys(carrying, table, keys.slice(start, start + table.atOnce)))) {
        return { replayed: 0, differs: name }
      }
    }
  }
  const last = changes.at(-1)
  if (last !== undefined) {
    await from.batch(statement(sql`DELETE FROM move_changes WHERE study_id = ${study} AND seq <= ${last.seq}`))
  }
  return { replayed: changes.length, differs: undefined }
}

/** Whether the copy has these rows then, and no other of these keys. */
async function replayKeys(carrying: Carrying, table: MovedTable, keys: readonly Key[]): Promise<boolean> {
  const { from, to, moved } = carrying
  const [found] = await from.batch(keyedStatement(table, moved, keys))
  const rows = found.map((row) => cellsOf(table, row))
  const [, , ...written] = await to.batch(
    isDriving(carrying),
    deleteStatement(table, moved, keys),
    ...insertStatements(table, rows),
    keyedStatement(table, moved, keys),
  )
  // The last statement's rows: those of the others are none.
  const copies = (written.at(-1) ?? []).map((row) => cellsOf(table, row))
  return (await digest(rows)) === (await digest(copies))
}

export async function changesLeft(from: Database, study: StudyId): Promise<number> {
  const [rows] = await from.batch(
    statement<{ count: number }>(sql`SELECT count(*) AS count FROM move_changes WHERE study_id = ${study}`),
  )
  return first(rows)?.count ?? 0
}
