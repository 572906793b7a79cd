import { sql, type SQL } from 'drizzle-orm'
import { CasingCache } from 'drizzle-orm/casing'
import { getTableColumns, type Table } from 'drizzle-orm'
import { SQLiteSyncDialect } from 'drizzle-orm/sqlite-core'
import { overloaded } from '../model/errors.ts'

const CASING = 'snake_case'
const dialect = new SQLiteSyncDialect({ casing: CASING })

declare const row: unique symbol
/** One SQL statement, and the type of the rows that it answers with. */
export type Statement<Item> = Readonly<{ sql: SQL; [row]?: Item }>

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the type of the rows is what the caller declares
export const statement = <Item = never>(text: SQL): Statement<Item> => ({ sql: text })

type Rows<Statements extends readonly Statement<unknown>[]> = {
  [Index in keyof Statements]: Statements[Index] extends Statement<infer Item> ? Item[] : never
}

/**
 * D1 says in a message what kind of failure it was (docs: D1, "Retry queries"). These were lost on the way, perhaps
 * after they took effect: every batch here may be repeated, so it is.
 */
const LOST =
  /Network connection lost|storage caused object to be reset|reset because its code was updated|transient issue/
/** These were shed before they ran, or ran out of what they may use: repeating at once makes it worse. */
const SHED = /overloaded|too many requests queued|exceeded timeout|storage operation exceeded|out of memory/i
const ATTEMPTS = 3

/** D1, spoken to in batches: each is one transaction and one round trip. */
export function openDatabase(d1: D1Database) {
  async function attempt(prepared: D1PreparedStatement[], left: number): Promise<D1Result[]> {
    try {
      return await d1.batch(prepared)
    } catch (failure) {
      const message = failure instanceof Error ? failure.message : ''
      if (LOST.test(message) && left > 1) return attempt(prepared, left - 1)
      throw LOST.test(message) || SHED.test(message) ? overloaded(failure) : failure
    }
  }

  async function run<const Statements extends readonly Statement<unknown>[]>(statements: Statements, attempts: number) {
    const prepared = statements.map((each) => {
      const query = dialect.sqlToQuery(each.sql)
      return d1.prepare(query.sql).bind(...query.params)
    })
    const results = await attempt(prepared, attempts)
    // The rows are of the type that the statement was declared with; `columnsOf` keeps it true to the schema.
    return results.map((result) => result.results) as Rows<Statements>
  }

  return {
    /**
     * Runs the statements in order, all or nothing, and may run them twice: each must bear that.
     * @throws DomainError `overloaded` when D1 is busy or out of reach
     */
    batch: async <const Statements extends readonly Statement<unknown>[]>(...statements: Statements) =>
      run(statements, ATTEMPTS),

    /** The same for an insert whose repetition would take its own first effect for somebody else's. */
    batchOnce: async <const Statements extends readonly Statement<unknown>[]>(...statements: Statements) =>
      run(statements, 1),
  }
}
export type Database = ReturnType<typeof openDatabase>

/** A table's row as the schema has it: camelCase keys, integers and text as stored. */
export type Row<Source extends Table> = Source['$inferSelect']

const casing = new CasingCache(CASING)

/** `alias.study_id AS "studyId", …` for every column of a table, so that a row arrives as `Row<table>`. */
export function columnsOf(table: Table, alias: string): SQL {
  const columns = Object.entries(getTableColumns(table))
  return sql.raw(columns.map(([key, column]) => `${alias}.${casing.getColumnCasing(column)} AS "${key}"`).join(', '))
}

/** The one row that a statement answers with, if any. */
export const first = <Item>(rows: readonly Item[]): Item | undefined => rows[0]

export const dateOf = (milliseconds: number) => new Date(milliseconds)
export const dateOrNull = (milliseconds: number | null) => (milliseconds === null ? null : new Date(milliseconds))

/** Whether a write failed because another row has this unique value; `index` names columns as `table.column`. */
export const isUniqueConflict = (failure: unknown, column: string) =>
  failure instanceof Error && failure.message.includes('UNIQUE constraint failed') && failure.message.includes(column)
