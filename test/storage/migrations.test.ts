import { env } from 'cloudflare:workers'
import { getTableName, is, type SQL } from 'drizzle-orm'
import { CasingCache } from 'drizzle-orm/casing'
import { getTableConfig, SQLiteColumn, SQLiteSyncDialect, SQLiteTable } from 'drizzle-orm/sqlite-core'
import { describe, expect, test } from 'vitest'

// What the migrations make is compared with what the schema says, since half of the one is written by hand.

declare global {
  interface ImportMeta {
    /** Of Vite, which runs the tests. */
    glob: (files: string, options: { eager: true }) => Record<string, Record<string, unknown>>
  }
}
const modules = Object.values(import.meta.glob('../../src/storage/schema/*.ts', { eager: true }))
const schema = modules.flatMap((each) => Object.values(each)).filter((table) => is(table, SQLiteTable))
const casing = new CasingCache('snake_case')
const dialect = new SQLiteSyncDialect({ casing: 'snake_case' })
/** As text, without the table's name before its columns: that is how drizzle-kit writes it. */
const textOf = (text: SQL) => dialect.sqlToQuery(text).sql
const nameOf = (column: unknown) => {
  if (!is(column, SQLiteColumn)) throw new Error('an index is over something that is no column')
  return casing.getColumnCasing(column)
}

const rowsOf = async <Row>(sql: string, ...params: unknown[]) =>
  (
    await env.DB.prepare(sql)
      .bind(...params)
      .all<Row>()
  ).results

const tables = async () =>
  rowsOf<{ name: string; wr: number; strict: number }>(
    `SELECT name, wr, strict FROM pragma_table_list
     WHERE schema = 'main' AND type = 'table' AND name NOT GLOB 'sqlite_*' AND name NOT GLOB '_cf_*' AND name <> 'd1_migrations'`,
  )

/** What their keys begin with. */
const OF_NO_STUDY: Record<string, string> = {
  studies: 'id',
  heartbeats: 'name',
  spaces: 'database',
  host_places: 'host',
}

/** Rows this long in the tree of their key would make every step through it longer. */
const LONG_ROWS = ['files', 'document_bodies', 'report_entries']

describe('the migrated database', () => {
  test('has the tables of the schema, and no other', async () => {
    const names = (await tables()).map(({ name }) => name)
    expect(names.map(String).toSorted()).toEqual(schema.map(getTableName).toSorted())
  })

  test('has the columns of the schema: their order, types, defaults, NOT NULL and primary keys', async () => {
    for (const table of schema) {
      const config = getTableConfig(table)
      const keys = config.primaryKeys.flatMap((key) => key.columns.map(nameOf))
      const declared = config.columns.map((column) => {
        const name = nameOf(column)
        const { default: value } = column
        const literal = typeof value === 'string' ? `'${value}'` : String(value)
        return {
          name,
          type: column.getSQLType().toUpperCase(),
          notnull: column.notNull ? 1 : 0,
          dflt_value: value === undefined ? null : literal,
          pk: column.primary ? 1 : keys.indexOf(name) + 1,
        }
      })
      const made = await rowsOf<object>(
        `SELECT name, upper(type) AS type, "notnull", dflt_value, pk FROM pragma_table_info(?) ORDER BY cid`,
        config.name,
      )
      expect({ table: config.name, columns: made }).toEqual({ table: config.name, columns: declared })
    }
  })

  test('begins every primary key with the study', async () => {
    for (const { name } of await tables()) {
      const [first] = await rowsOf<{ name: string }>('SELECT name FROM pragma_table_info(?) WHERE pk = 1', name)
      expect([name, first?.name]).toEqual([name, OF_NO_STUDY[name] ?? 'study_id'])
    }
  })

  test('keeps its tables strict, and by their primary key but where rows are long', async () => {
    for (const { name, wr, strict } of await tables()) {
      expect({ name, wr, strict }).toEqual({ name, wr: LONG_ROWS.includes(name) ? 0 : 1, strict: 1 })
    }
  })

  test('has the indexes of the schema, and no other', async () => {
    const made = await rowsOf<{ table: string; name: string; unique: number; columns: string; where: string | null }>(
      `SELECT t.name AS "table", i.name, i."unique",
         (SELECT group_concat(name, ',') FROM (SELECT name FROM pragma_index_info(i.name) ORDER BY seqno)) AS columns,
         CASE WHEN i.partial THEN substr(s.sql, instr(s.sql, ' WHERE ') + 7) END AS "where"
       FROM sqlite_schema t JOIN pragma_index_list(t.name) i JOIN sqlite_schema s ON s.name = i.name
       WHERE t.type = 'table' AND i.origin = 'c' AND t.name NOT GLOB '_cf_*' ORDER BY i.name`,
    )
    const declared = schema.flatMap((table) => {
      const config = getTableConfig(table)
      const indexes = config.indexes.map(({ config: { name, unique, columns, where } }) => ({
        table: config.name,
        name,
        unique: unique ? 1 : 0,
        columns: columns.map(nameOf).join(','),
        where: where === undefined ? null : textOf(where),
      }))
      const uniques = config.columns
        .filter((column) => column.isUnique)
        .map((column) => ({
          table: config.name,
          name: `${config.name}_${nameOf(column)}_unique`,
          unique: 1,
          columns: nameOf(column),
          where: null,
        }))
      return [...indexes, ...uniques]
    })
    expect(made).toEqual(declared.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
    expect(made.length).toBeGreaterThan(10)
  })

  test('has the checks of the schema', async () => {
    for (const table of schema) {
      const { name, checks } = getTableConfig(table)
      const [made] = await rowsOf<{ sql: string }>('SELECT sql FROM sqlite_schema WHERE name = ?', name)
      const names = [...(made?.sql ?? '').matchAll(/CONSTRAINT "(\w+)" CHECK/g)].map(([, check]) => check)
      expect({ name, checks: names.map(String).toSorted() }).toEqual({
        name,
        checks: checks.map((check) => check.name).toSorted(),
      })
    }
  })

  test("refuses numbers that would be another study's", async () => {
    const study = 'INSERT INTO studies (id, number, name, next_number, created_at) VALUES (?, ?, ?, ?, 0)'
    const insert = async (number: number, next: number) =>
      env.DB.prepare(study).bind(crypto.randomUUID(), number, 'n', next).run()
    await expect(insert(0, 1)).rejects.toThrow('studies_number_16_bits')
    await expect(insert(65_536, 1)).rejects.toThrow('studies_number_16_bits')
    await expect(insert(65_535, 2 ** 24 + 1)).rejects.toThrow('studies_numbers_24_bits')
    expect((await insert(65_535, 2 ** 24)).success).toBe(true)
    await env.DB.prepare('DELETE FROM studies').run()
  })

  test('refuses a second file of an owner under one handle, also of the study', async () => {
    const insert = async (id: string, owner: string) =>
      env.DB.prepare(
        `INSERT INTO files (study_id, id, owner, handle, number, name, visibility, created_by, created_at, updated_at)
         VALUES ('doubles', ?, ?, 'same', ?, 'n', 'study', 'system', 0, 0)`,
      )
        .bind(id, owner, 2 ** 24 * 60_000 + id.length)
        .run()
    await insert('a', '')
    await expect(insert('ab', '')).rejects.toThrow('files.handle')
    expect((await insert('abc', 'ada')).success).toBe(true)
  })
})
