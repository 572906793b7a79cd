import { applyD1Migrations } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { expect } from 'vitest'
import type { StudyId } from '../../src/model/ids.ts'
import { openDatabases } from '../../src/storage/databases.ts'
import { nothingRemembered } from '../../src/storage/directory.ts'
import { MOVED_TABLES } from '../../src/storage/moved-tables.ts'
import { moveStore } from '../../src/storage/moves.ts'
import { buildersWith, type Bytes, type Study } from './builders.ts'
import { type Caller, callersOf } from './callers.ts'
import { ORIGIN } from './client.ts'
import { sendingTo } from './faults.ts'
import { look } from './invariants.ts'
import { brokenIn } from './none-of.ts'
import { put } from './world.ts'

// A service of three databases: the pool's own is the first of them, and the spare ones are the others.

export const DATABASES = [env.DB, env.SPARE_1, env.SPARE_2] as const

type Bound = Partial<Record<'DB' | 'DB_1' | 'DB_2', D1Database>> & Partial<Pick<Env, 'TOKENS' | 'JOBS' | 'BUCKET'>>
/** Of the Worker; each has isolates of its own, which remember nothing of what others have seen. */
export const three = (other: Bound = {}) => ({ DB_1: env.SPARE_1, DB_2: env.SPARE_2, ...other })

/** The tables of all of them. */
export const migrated = async () =>
  Promise.all(DATABASES.map(async (database) => applyD1Migrations(database, env.TEST_MIGRATIONS)))

/** Callers of such a service, and builders on it. */
export function serving(other: Bound = {}) {
  const as = callersOf(sendingTo(three(other)), () => ORIGIN)
  const operator = as(env.OPERATOR_KEY)
  const builders = buildersWith({ as, operator, put: async ({ url }, bytes: Bytes) => put(url, bytes) })
  return { as, operator, anonymous: as(), ...builders }
}

/** Says how large they are, as the sweep would: the next studies go to the smallest. */
export async function roomIn(database: number): Promise<void> {
  const rows = JSON.stringify(DATABASES.map((_, number) => [number, number === database ? 0 : 1]))
  await env.DB.prepare(
    `INSERT INTO spaces (database, bytes, measured_at) SELECT value ->> 0, value ->> 1, 0 FROM json_each(?) WHERE true
      ON CONFLICT DO UPDATE SET bytes = excluded.bytes`,
  )
    .bind(rows)
    .run()
}

/** In which of them a study has a row in a table. */
export async function databasesOf(study: Pick<Study, 'id'>, table = 'studies'): Promise<number[]> {
  const column = table === 'studies' ? 'id' : 'study_id'
  const found = await Promise.all(
    DATABASES.map(async (database) =>
      database.prepare(`SELECT count(*) AS n FROM ${table} WHERE ${column} = ?`).bind(study.id).first<number>('n'),
    ),
  )
  return found.flatMap((count, number) => (count ? [number] : []))
}

type Told = { database: number; state: string; differs: string | null; stoodStillMs: number | null }
/** How often a move of a small study is asked to go on, of which a few are enough. */
export const MOST_ASKED = 50
type Between = () => Promise<unknown>

/** Asks for a move until it is over, or goes on no more; `between` is done when all is copied, before it is verified. */
export async function moveTo(
  operator: Caller,
  study: { path: string },
  database: number,
  { between }: { between?: Between } = {},
): Promise<Told[]> {
  const told: Told[] = []
  if (between !== undefined) await copied(study, database)
  await between?.()
  for (let asked = 0; asked < MOST_ASKED; asked += 1) {
    const { status, body } = await operator.post(`${study.path}/move`, { database })
    // Another driver has taken over, or a fault did.
    if (status === 503) continue
    expect(status, JSON.stringify(body)).toBe(200)
    told.push(body)
    if (body.state === 'here' || body.differs !== null) return told
  }
  throw new Error(`The move did not end: ${JSON.stringify(told.slice(-3))}`)
}

/** Copies a study as far as that goes, as requests in which nothing is verified would. */
export async function copied({ path }: { path: string }, target: number): Promise<void> {
  const study = path.split('/').at(-1) as StudyId // which was made by its id
  const remembered = nothingRemembered()
  const databases = openDatabases(DATABASES, { directory: env.DB, remembered, kv: env.TOKENS })
  const moves = moveStore(databases)
  await moves.find(study)
  await moves.begin(study, target, new Date())
  const moving = await moves.drive(study, 'a test')
  if (moving === undefined) throw new Error('The study is not on its way.')
  let { progress } = moving
  while (progress.phase === 'copy') ({ progress } = await moves.goOn({ ...moving, progress }))
}

/** All that a database has of a study, by table: without what a move itself adds, or reading changes. */
export async function rowsOf(study: Pick<Study, 'id' | 'number'>, database: number, like?: Record<string, unknown[]>) {
  const moved = { study: study.id as StudyId, number: study.number }
  const found: Record<string, string[]> = {}
  for (const table of MOVED_TABLES) {
    const { text, params } = table.own(moved)
    const columns = table.columns.filter((column) => column !== 'last_used_at').join(', ')
    const { results } = await (DATABASES[database] ?? env.DB)
      .prepare(`SELECT ${columns} FROM ${table.name} WHERE ${text} ORDER BY ${table.key.join(', ')}`)
      .bind(...params)
      .all()
    found[table.name] = results.map((row) => JSON.stringify(row))
  }
  // That it was moved.
  const known = new Set(like?.['audit_events'])
  if (like !== undefined) found['audit_events'] = (found['audit_events'] ?? []).filter((row) => known.has(row))
  return found
}

/** What does not hold of a study where it is now. */
export const violationsIn = async (study: Pick<Study, 'id'>, database: number): Promise<string[]> => {
  const d1 = DATABASES[database] ?? env.DB
  return brokenIn(
    {
      ...look,
      rows: async (queries, id) => {
        const results = await d1.batch<Record<string, unknown>>(queries.map((sql) => d1.prepare(sql).bind(id)))
        return results.map((result) => result.results)
      },
    },
    study.id,
  )
}
