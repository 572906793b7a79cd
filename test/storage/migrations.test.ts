import { env } from 'cloudflare:workers'
import { getTableName, is, type SQL } from 'drizzle-orm'
import { CasingCache } from 'drizzle-orm/casing'
import { getTableConfig, SQLiteColumn, SQLiteSyncDialect, SQLiteTable } from 'drizzle-orm/sqlite-core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { aStudy } from '../support/world.ts'

const RUNS = env.SLOW ? 300 : 25

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

/** Rows this long in the tree of their key would make every step through it longer. */
const LONG_ROWS = ['files', 'document_bodies', 'report_entries']

describe('the migrated database', () => {
  test('has the tables of the schema, and no other', async () => {
    const names = (await tables()).map(({ name }) => name)
    expect(names.toSorted()).toEqual(schema.map(getTableName).toSorted())
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
      expect([name, first?.name]).toEqual([name, name === 'studies' ? 'id' : 'study_id'])
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
      expect({ name, checks: names }).toEqual({ name, checks: checks.map((check) => check.name) })
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
        .bind(id, owner, id.length)
        .run()
    await insert('a', '')
    await expect(insert('ab', '')).rejects.toThrow('files.handle')
    expect((await insert('abc', 'ada')).success).toBe(true)
  })
})

// Words that look like what the shelf makes of them, and like what JSON and SQL do with them.
const word = fc.constantFrom('a', 'b', 't:a', "it's", '"', '","', 'größe', '*', '1')
const facts = fc.record({
  owner: fc.constantFrom('', 'ada', 'bob', '*', "o'hara"),
  name: word,
  category: fc.option(word),
  source: fc.option(word),
  tags: fc.uniqueArray(word, { maxLength: 4 }),
  visibility: fc.constantFrom('private', 'study', 'public'),
})
const FACTS = ['owner', 'name', 'category', 'source', 'tags', 'visibility'] as const
const step = fc.oneof(
  fc.record({ kind: fc.constant('begin' as const), facts }),
  fc.record({ kind: fc.constant('complete' as const), which: fc.nat(), at: fc.nat(3) }),
  fc.record({ kind: fc.constant('edit' as const), which: fc.nat(), facts, only: fc.constantFrom(...FACTS, 'all') }),
  fc.record({ kind: fc.constant('touch' as const), which: fc.nat() }),
  fc.record({ kind: fc.constant('delete' as const), which: fc.nat() }),
)

test('the shelf holds what the view says it must, whatever becomes of files', async () => {
  const study = (await aStudy()).id
  let number = 0
  const run = async (sql: string, ...params: unknown[]) =>
    env.DB.prepare(sql)
      .bind(...params)
      .run()
  const valueOf = (of: (typeof FACTS)[number], value: unknown) => (of === 'tags' ? JSON.stringify(value) : value)

  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
      await run('DELETE FROM files WHERE study_id = ?', study)
      const there: string[] = []
      for (const each of steps) {
        if (each.kind === 'begin') {
          const id = `fil-${(number += 1)}`
          there.push(id)
          await run(
            `INSERT INTO files (study_id, id, handle, number, created_by, created_at, updated_at, ${FACTS.join(', ')})
             VALUES (?, ?, ?, ?, 'system', 0, 0, ?, ?, ?, ?, ?, ?)`,
            study,
            id,
            id,
            number,
            ...FACTS.map((of) => valueOf(of, each.facts[of])),
          )
          continue
        }
        const id = there[each.which % there.length]
        if (id === undefined) continue
        const here = [study, id]
        if (each.kind === 'complete') {
          await run(
            'UPDATE files SET listed_at = coalesce(listed_at, ?) WHERE study_id = ? AND id = ?',
            each.at,
            ...here,
          )
        } else if (each.kind === 'edit') {
          const changed = FACTS.filter((of) => each.only === 'all' || each.only === of)
          const set = changed.map((of) => `${of} = ?`).join(', ')
          const values = changed.map((of) => valueOf(of, each.facts[of]))
          await run(`UPDATE files SET ${set} WHERE study_id = ? AND id = ?`, ...values, ...here)
        } else if (each.kind === 'touch') {
          await run(
            'UPDATE files SET name = name, tags = tags, revision = revision + 1 WHERE study_id = ? AND id = ?',
            ...here,
          )
        } else {
          await run('DELETE FROM files WHERE study_id = ? AND id = ?', ...here)
        }
      }
      const held = async (by: string) => {
        const rows = await rowsOf<Record<string, unknown>>(`SELECT * FROM ${by} WHERE study_id = ?`, study)
        return rows
          .map((row) => JSON.stringify([row['scope'], row['term'], row['listed_at'], row['file_id']]))
          .toSorted()
      }
      const shelf = await held('shelf')
      expect(shelf).toEqual(await held('shelf_truth'))
      expect(shelf).toEqual((await modelled(study)).toSorted())
    }),
    { numRuns: RUNS },
  )
})

type Listed = {
  id: string
  owner: string
  name: string
  category: string | null
  source: string | null
  tags: string
  visibility: string
  listed_at: number
}

/** The same once more, from the files as they are, by other means than SQL. */
async function modelled(study: string): Promise<string[]> {
  const listed = await rowsOf<Listed>('SELECT * FROM files WHERE study_id = ? AND listed_at IS NOT NULL', study)
  return listed.flatMap((file) => {
    const own = file.owner === '' ? [] : [`own:${file.owner}`]
    const scopes = ['*', ...own, ...(file.visibility === 'private' ? [] : ['+', ...own.map((scope) => `+${scope}`)])]
    const terms = [
      '',
      `n:${file.name}`,
      ...(file.category === null ? [] : [`c:${file.category}`]),
      ...(file.source === null ? [] : [`s:${file.source}`]),
      ...(JSON.parse(file.tags) as string[]).map((tag) => `t:${tag}`),
    ]
    return scopes.flatMap((scope) => terms.map((term) => JSON.stringify([scope, term, file.listed_at, file.id])))
  })
}
