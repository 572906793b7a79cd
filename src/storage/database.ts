import { getTableColumns, is, Table } from 'drizzle-orm'
import { CasingCache } from 'drizzle-orm/casing'
import { overloaded, quotaExceeded } from '../model/errors.ts'
import { quotaIn } from './quotas.ts'
import { sql, type SQL } from './sql.ts'

const CASING = 'snake_case'

declare const row: unique symbol
/** One SQL statement, and the type of the rows that it answers with. */
export type Statement<Item> = Readonly<{ sql: SQL; [row]?: Item }>

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the type of the rows is what the caller declares
export const statement = <Item = never>(text: SQL): Statement<Item> => ({ sql: text })

/** Undefined: one that this time there is no reason for. It is left out, and answers with no rows. */
type Statements = readonly (Statement<unknown> | undefined)[]
type Rows<Asked extends Statements> = {
  [Index in keyof Asked]: Asked[Index] extends Statement<infer Item> | undefined ? Item[] : never
}

/**
 * D1 says in a message what kind of failure it was (docs: D1, "Retry queries"). These were lost on the way, perhaps
 * after they took effect: every batch here may be repeated, so it is.
 */
const LOST =
  /Network connection lost|storage caused object to be reset|reset because its code was updated|transient issue/
/**
 * All else that D1 says was shed before it ran, or ran out of what it may use, or is trouble that the platform has no
 * name for: it passes, but repeating at once makes it worse.
 */
const SHED = /^(?:D1_ERROR|D1 DB|internal error)/i
/** Only what SQLite says of a statement is about the statement, unless it says that the place is busy, full or broken. */
const FAULTY = /SQLITE_(?!BUSY|LOCKED|FULL|NOMEM|IOERR|INTERRUPT|PROTOCOL)/
const isPassing = (message: string) => LOST.test(message) || (SHED.test(message) && !FAULTY.test(message))
const ATTEMPTS = 3

/** The database itself, whose primary answers everything, or a session with it, which replicas may answer. */
export type Queryable = Pick<D1DatabaseSession, 'prepare' | 'batch'>

/** D1, spoken to in batches: each is one transaction and one round trip. */
export function openDatabase(d1: Queryable) {
  async function attempt(prepared: D1PreparedStatement[], left: number): Promise<D1Result[]> {
    try {
      return await d1.batch(prepared)
    } catch (failure) {
      const message = failure instanceof Error ? failure.message : ''
      if (LOST.test(message) && left > 1) return attempt(prepared, left - 1)
      const quota = quotaIn(message)
      if (quota !== undefined) throw quotaExceeded(quota, failure)
      throw isPassing(message) ? overloaded(failure) : failure
    }
  }

  async function run<const Asked extends Statements>(statements: Asked, attempts: number) {
    const prepared = statements.flatMap((each) => {
      if (each === undefined) return []
      return [d1.prepare(each.sql.text).bind(...each.sql.params)]
    })
    const results = (await attempt(prepared, attempts)).values()
    // The rows are of the type that the statement was declared with; `columnsOf` keeps it true to the schema.
    return statements.map((each) => (each === undefined ? [] : results.next().value?.results)) as Rows<Asked>
  }

  return {
    /**
     * Runs the statements in order, all or nothing, and may run them twice: each must bear that.
     * @throws DomainError `overloaded` when D1 is busy or out of reach; `quota_exceeded` where the study may hold no more
     */
    batch: async <const Asked extends Statements>(...statements: Asked) => run(statements, ATTEMPTS),

    /** The same for an insert whose repetition would take its own first effect for somebody else's. */
    batchOnce: async <const Asked extends Statements>(...statements: Asked) => run(statements, 1),

    /** How large it is, as D1 says beside each answer. */
    async bytes(): Promise<number> {
      const [asked] = await attempt([d1.prepare('SELECT 1')], ATTEMPTS)
      return asked?.meta.size_after ?? 0
    },
  }
}
export type Database = ReturnType<typeof openDatabase>

/** A table's row as the schema has it: camelCase keys, integers and text as stored. */
export type Row<Source extends Table> = Source['$inferSelect']

const casing = new CasingCache(CASING)

/**
 * `alias.study_id AS "studyId", …` for every column of a table, or for some, so that a row arrives as `Row<table>`. A
 * prefix keeps two tables' columns apart in one row; `withoutPrefix` takes it off again.
 */
export function columnsOf(of: ColumnSource, alias: string, prefix = ''): SQL {
  const known = told.get(of) ?? new Map<string, SQL>()
  told.set(of, known)
  const name = `${alias} ${prefix}`
  const columns = known.get(name) ?? columnsToTell(of, { alias, prefix })
  known.set(name, columns)
  return columns
}

type ColumnSource = Table | ReturnType<typeof getTableColumns>
/** The same each time, and asked for by most statements. */
const told = new WeakMap<ColumnSource, Map<string, SQL>>()

function columnsToTell(of: ColumnSource, { alias, prefix }: { alias: string; prefix: string }): SQL {
  const columns = Object.entries(is(of, Table) ? getTableColumns(of) : of)
  return sql.raw(
    columns.map(([key, column]) => `${alias}.${casing.getColumnCasing(column)} AS "${prefix}${key}"`).join(', '),
  )
}

export type Prefixed<Columns, Prefix extends string> = {
  [Column in keyof Columns & string as `${Prefix}${Column}`]: Columns[Column]
}

/** The columns of one table out of a row of two. */
export const withoutPrefix = <Columns, Prefix extends string>(both: Prefixed<Columns, Prefix>, prefix: Prefix) =>
  // Just the columns that `columnsOf` has put the prefix before.
  Object.fromEntries(
    Object.entries(both).flatMap(([key, value]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), value]] : [])),
  ) as Columns

/** The one row that a statement answers with, if any. */
export const first = <Item>(rows: readonly Item[]): Item | undefined => rows[0]

export const dateOf = (milliseconds: number) => new Date(milliseconds)
export const dateOrNull = (milliseconds: number | null) => (milliseconds === null ? null : new Date(milliseconds))

/** Whether a write failed because another row has this unique value; `index` names columns as `table.column`. */
export const isUniqueConflict = (failure: unknown, column: string) =>
  failure instanceof Error && failure.message.includes('UNIQUE constraint failed') && failure.message.includes(column)
