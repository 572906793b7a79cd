import { env } from 'cloudflare:workers'
import { brokenIn, leftIn, type Look } from './none-of.ts'

// What must hold of a study (`none-of.ts`), looked at through the Worker's own bindings.

async function keysUnder(prefix: string, cursor?: string): Promise<string[]> {
  const page = await env.BUCKET.list(cursor === undefined ? { prefix } : { prefix, cursor })
  const keys = page.objects.map(({ key }) => key)
  return page.truncated ? [...keys, ...(await keysUnder(prefix, page.cursor))] : keys
}

export const look: Look = {
  rows: async (queries, study) => {
    const results = await env.DB.batch<Record<string, unknown>>(queries.map((sql) => env.DB.prepare(sql).bind(study)))
    return results.map((result) => result.results)
  },
  head: async (key) => env.BUCKET.head(key),
  keysUnder: async (prefix) => keysUnder(prefix),
}

/** Everything that does not hold of a study when the sweeps have run; each thing in a sentence. */
export const violations = async (study: string): Promise<string[]> => leftIn(look, study)

/** The same of what holds at every moment. */
export const broken = async (study: string): Promise<string[]> => brokenIn(look, study)

/** What a retry may leave more of: what was done, and what is to be deleted. */
const UNCOUNTED = ['audit_events', 'object_deletions', 'idempotency_keys']
let tables: Promise<string[]> | undefined

const namesOfTables = async () =>
  (
    await env.DB.prepare(
      `SELECT t.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'
         AND c.name = 'study_id' AND t.name NOT GLOB '_cf_*' AND t.name NOT GLOB 'kept_*' ORDER BY 1`,
    ).all<{ name: string }>()
  ).results
    .map(({ name }) => name)
    .filter((name) => !UNCOUNTED.includes(name))

/** How many rows a study has in each table: of what was done once there are as many, however often it was asked for. */
export async function tally(study: string): Promise<Record<string, number>> {
  tables ??= namesOfTables()
  const names = await tables
  const counts = names.map((name) => `(SELECT count(*) FROM "${name}" WHERE study_id = ?1) AS "${name}"`)
  return (
    (await env.DB.prepare(`SELECT ${counts.join(', ')}`)
      .bind(study)
      .first<Record<string, number>>()) ?? {}
  )
}
