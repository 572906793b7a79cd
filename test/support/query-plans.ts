import { applyD1Migrations } from 'cloudflare:test'
import { env } from 'cloudflare:workers'

// A net under all tests of a file: whatever storage asks D1 is a search in an index, in whose order it is read. Each text
// is looked at once, without statistics, as D1 has none.

type Allowed = Readonly<{ step: RegExp; of: RegExp; why: string }>

/** What steps through all of a table or an index. */
const SCANS: readonly Allowed[] = [
  { step: /^SCAN absences$/, of: /\babsen(?:t|ces)\b/, why: 'it has the studies that are just being moved' },
  { step: /^SCAN moves$/, of: /FROM moves LIMIT 1$/, why: 'one row is read' },
  { step: /^SCAN sqlite_schema$/, of: /'moving_\*'/, why: 'the names of what the schema has, at the end of a move' },
  {
    step: /VIRTUAL TABLE INDEX 0:[=><]/,
    of: /\browid\b/,
    why: 'by number, or a range of numbers, as a study is moved',
  },
  { step: /^SCAN h$/, of: /FROM heartbeats h$/, why: 'it has two rows' },
  { step: /^SCAN studies /, of: /^DELETE FROM audit_events/, why: 'of each study the oldest events go' },
  { step: /^SCAN f$/, of: /FROM files f\s+WHERE 0 /, why: 'where nothing can be found the loop is never begun' },
  {
    step: /^SCAN claimed /,
    of: /FROM studies claimed WHERE [^(]*\sAND 0\s/,
    why: 'the same, of a claim for elsewhere',
  },
  { step: /^SCAN m$/, of: /m\.subject = \?\s+AND 0\s/, why: 'the same, of an issuer for elsewhere' },
]

/** What sorts, and never more than a page, or what its bounds say. */
const SORTS: readonly Omit<Allowed, 'step'>[] = [
  { of: /FROM json_each\(\?\) n LEFT JOIN spaces s/, why: 'the databases that there are' },
  { of: /^SELECT DISTINCT key FROM move_changes/, why: 'what was written while a study was copied' },
  { of: /IN \(\s*SELECT value ->> 0.* ORDER BY/s, why: 'what of that is copied in one go' },
  { of: /ORDER BY asked\.key, (?:v\.number DESC|g\.principal) LIMIT/, why: 'of a page of files, a page is kept' },
  { of: /ORDER BY f\.member, f\.place$/, why: 'the first files of a page of members' },
  { of: /ORDER BY own\.number LIMIT/, why: 'the studies of one user, of which a page is kept' },
  { of: /INDEXED BY api_keys_participant\s.*ORDER BY k\.id LIMIT/s, why: 'the keys of one participant' },
  { of: /FROM api_keys k INDEXED BY api_keys_service_accounts/, why: 'the keys of one account, in all studies' },
  { of: /ORDER BY expires_at DESC, id DESC LIMIT/, why: 'the sessions of one key, of which a few are kept' },
  { of: /row_number\(\) OVER \(ORDER BY id\)/, why: 'the 1,000 files that one call changes' },
  { of: /OVER \(ORDER BY f\.id\) .* FROM departures d/s, why: 'the files of one step' },
  { of: /^WITH who AS \(SELECT c\.key AS place/, why: 'a test asks it, of the rules' },
  { of: /FROM \(SELECT DISTINCT value FROM json_each\(/, why: 'the labels of one name' },
  { of: /buckets AS MATERIALIZED/, why: 'the 50,000 entries of a roll-up, whose sum is one row for each bucket' },
]

const escaped = (name: string) => name.replaceAll(/[()]/g, String.raw`\$&`)

/** What is stepped through: all but what a statement makes for itself, and what is asked for by its words or as JSON. */
function scansOf(sql: string, plan: readonly string[]): string[] {
  const made = plan.flatMap((step) => /^(?:CO-ROUTINE|MATERIALIZE) (\S+)$/.exec(step)?.[1] ?? [])
  return plan.filter((step) => {
    const [, name = ''] = /^(?:SCAN|SEARCH) (\S+)/.exec(step) ?? []
    if (step.includes('VIRTUAL TABLE')) return step.includes(' INDEX 0:')
    if (!/^SCAN (?!CONSTANT ROW)|USING AUTOMATIC/.test(step)) return false
    // A name of something that is made may also be a table's: then it is made for one scan each.
    const isTableToo = new RegExp(String.raw`\b(?:FROM|JOIN) (?!${escaped(name)}\b)\w+ ${escaped(name)}\b`).test(sql)
    if (!isTableToo) return !made.includes(name) && !made.some((each) => isAlias(sql, each, name))
    const at = made.indexOf(name)
    if (at !== -1) made.splice(at, 1)
    return at === -1 && !made.some((each) => isAlias(sql, each, name))
  })
}

const isAlias = (sql: string, made: string, name: string) =>
  !made.startsWith('(') && new RegExp(String.raw`\b(?:FROM|JOIN) ${made} (?:AS )?${escaped(name)}\b`).test(sql)

/** What of a statement's plan is neither a search in an index nor written down above. */
export function faultsOf(sql: string, plan: readonly string[]): string[] {
  const scans = scansOf(sql, plan).filter((found) => !SCANS.some(({ step, of }) => step.test(found) && of.test(sql)))
  const sorts = SORTS.some(({ of }) => of.test(sql)) ? [] : plan.filter((step) => step.includes('TEMP B-TREE'))
  return [...scans, ...sorts]
}

const known = new Set<string>()
/** What was asked for the first time, with what it was asked with. */
const asked = new Map<string, readonly unknown[]>()

/** Tests ask D1 themselves, in whatever way. */
const isOfStorage = () => new Error('asked').stack?.includes('/src/storage/') === true

type Preparing = Pick<D1Database, 'prepare'>

function watch(prototype: Preparing): void {
  const { prepare } = prototype
  prototype.prepare = function noting(this: Preparing, sql: string) {
    const statement = prepare.call(this, sql)
    if (known.has(sql) || !isOfStorage()) return statement
    known.add(sql)
    const bind = statement.bind.bind(statement)
    statement.bind = (...params: unknown[]) => {
      asked.set(sql, params)
      return bind(...params)
    }
    return statement
  }
}

let isWatching = false

/** From now on, in the database and in sessions with it. */
export function watchPlans(): void {
  if (isWatching) return
  isWatching = true
  for (const database of [env.DB, env.DB.withSession()]) watch(Object.getPrototypeOf(database))
}

/** The plans of statements as D1 makes them. */
export async function plansOf(statements: readonly (readonly [sql: string, params: readonly unknown[]])[]) {
  const plans = await env.DB.batch<{ detail: string }>(
    statements.map(([sql, params]) => env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`).bind(...params)),
  )
  return plans.map(({ results }) => results.map(({ detail }) => detail))
}

/** What was wrong with what storage has asked for the first time since the last time this was asked. */
export async function takeFaults(): Promise<{ sql: string; faults: string[] }[]> {
  const statements = [...asked]
  asked.clear()
  if (statements.length === 0) return []
  // A test may leave a database without tables.
  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS)
  const plans = await plansOf(statements)
  return statements.flatMap(([sql], index) => {
    const faults = faultsOf(sql, plans[index] ?? [])
    return faults.length === 0 ? [] : [{ sql, faults }]
  })
}
