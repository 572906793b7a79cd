import { applyD1Migrations } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { buildersWith, type Bytes, type Study } from './builders.ts'
import { callersOf } from './callers.ts'
import { ORIGIN } from './client.ts'
import { sendingTo } from './faults.ts'
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
