import { env } from 'cloudflare:workers'

// What studies hold in the database, kept aside: to say whether anything has changed since, and to put it back.

/** Noted after an answer, by whatever the caller asked. */
const VOLATILE = ['last_used_at']
/** Triggers write to them when other rows are put back. */
const LAST = ['reports', 'shelf', 'studies']

type Table = { name: string; columns: string; comparable: string; study: string }

async function tablesOfStudies(): Promise<Table[]> {
  const { results } = await env.DB.prepare(
    `SELECT t.name, c.name AS "column" FROM sqlite_schema t JOIN pragma_table_info(t.name) c
     WHERE t.type = 'table' AND t.name NOT GLOB '_cf_*' AND t.name NOT GLOB 'kept_*' AND t.name NOT GLOB 'files_fts*'
     ORDER BY t.name, c.cid`,
  ).all<{ name: string; column: string }>()
  return [...Map.groupBy(results, ({ name }) => name)].flatMap(([name, rows]) => {
    const columns = rows.map(({ column }) => `"${column}"`)
    const study = name === 'studies' ? '"id"' : '"study_id"'
    const comparable = rows.filter(({ column }) => !VOLATILE.includes(column)).map(({ column }) => `"${column}"`)
    return columns.includes(study) ? [{ name, columns: columns.join(), comparable: comparable.join(), study }] : []
  })
}

/** Keeps all rows of these studies, until they are kept anew. */
export async function keepRows(...studies: readonly { id: string }[]) {
  const ids = JSON.stringify(studies.map(({ id }) => id))
  const tables = await tablesOfStudies()
  const ours = (table: Table) => `${table.study} IN (SELECT value FROM json_each('${ids}'))`
  await env.DB.batch(
    tables.flatMap((table) => [
      env.DB.prepare(`DROP TABLE IF EXISTS kept_${table.name}`),
      env.DB.prepare(
        `CREATE TABLE kept_${table.name} AS SELECT ${table.columns} FROM ${table.name} WHERE ${ours(table)}`,
      ),
    ]),
  )
  const putBack = [
    ...tables.filter(({ name }) => !LAST.includes(name)),
    ...tables.filter(({ name }) => LAST.includes(name)),
  ]

  return {
    /** The tables whose rows are no longer what they were. */
    async changed(): Promise<string[]> {
      const now = (table: Table) => `SELECT ${table.comparable} FROM ${table.name} WHERE ${ours(table)}`
      const then = (table: Table) => `SELECT ${table.comparable} FROM kept_${table.name}`
      const results = await env.DB.batch<{ changes: number }>(
        tables.map((table) =>
          env.DB.prepare(
            `SELECT (SELECT count(*) FROM (${now(table)} EXCEPT ${then(table)}))
              + (SELECT count(*) FROM (${then(table)} EXCEPT ${now(table)})) AS changes`,
          ),
        ),
      )
      return tables.filter((_, index) => results[index]?.results[0]?.changes !== 0).map(({ name }) => name)
    },

    /** Everything as it was. */
    async restore(): Promise<void> {
      const empty = (table: Table) => env.DB.prepare(`DELETE FROM ${table.name} WHERE ${ours(table)}`)
      const fill = (table: Table) =>
        env.DB.prepare(`INSERT INTO ${table.name} (${table.columns}) SELECT ${table.columns} FROM kept_${table.name}`)
      // Without the studies' rows first: what counts in them has nothing to count in.
      await env.DB.batch([
        ...putBack.toReversed().map(empty),
        ...putBack.flatMap((table) => [...(LAST.includes(table.name) ? [empty(table)] : []), fill(table)]),
      ])
    },
  }
}
export type Kept = Awaited<ReturnType<typeof keepRows>>
