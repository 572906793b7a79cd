import { applyD1Migrations } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterAll, beforeAll, expect } from 'vitest'
import type { D1Migration } from '@cloudflare/vitest-pool-workers'
import { emptyStorage } from './emptying.ts'
import { noteLogged, takeLeaks, watchLeaks } from './leaks.ts'
import { takeFaults, watchPlans } from './query-plans.ts'

declare global {
  namespace Cloudflare {
    interface Env {
      TEST_MIGRATIONS: D1Migration[]
      /** Databases that are `DB_1` and `DB_2` where a test means to have several. */
      SPARE_1: D1Database
      SPARE_2: D1Database
      /** Whether every study is to be in a second database, for `npm run test:split`. */
      SPLIT: boolean
      /** Files of tests that are about all that is stored, and begin with nothing. */
      OF_ALL_STORAGE: string[]
      /** Larger numbers, for `npm run test:slow`. */
      SLOW: boolean
      /** How many requests are made up, from which seed; `path`: only these of them, in fast-check's words. */
      FUZZ: { requests: number; seed: number; path: string }
      /** Every fault there is, for `npm run test:faults`. */
      ALL_FAULTS: boolean
      /** Whether to show the Worker's own log lines, one for each request: they take a fifth of the tests' time. */
      SHOWS_LOG: boolean
    }
  }
}

beforeAll(async () => {
  const file = expect.getState().testPath ?? ''
  if (env.OF_ALL_STORAGE.some((path) => file.endsWith(path))) await emptyStorage()
  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS)
  if (env.SPLIT) await split()
})

/** The first database is full, as far as it is known. */
async function split(): Promise<void> {
  await applyD1Migrations(env.SPARE_1, env.TEST_MIGRATIONS)
  await env.SPARE_1.batch([
    env.SPARE_1.prepare(
      'INSERT OR IGNORE INTO spaces (database, bytes, measured_at) VALUES (0, 9000000000, 0), (1, 1, 0)',
    ),
    // Whatever the sweep finds.
    env.SPARE_1.prepare(
      'CREATE TRIGGER IF NOT EXISTS still_full BEFORE UPDATE ON spaces BEGIN SELECT RAISE(IGNORE); END',
    ),
  ])
}

// oxlint-disable-next-line no-console -- tests that look at the log put something of their own in its place
const { log } = console
const quietly = (...said: unknown[]) => {
  const line = String(said[0])
  if (line.startsWith('{"')) noteLogged(line)
  else log(...said)
}
// Files that share a Worker come here each.
// oxlint-disable-next-line no-console -- the same
if (!env.SHOWS_LOG && log.name !== quietly.name) console.log = quietly
watchLeaks()
watchPlans()
afterAll(async () => {
  expect(takeLeaks()).toEqual([])
  expect(await takeFaults()).toEqual([])
  // A move that nobody goes on with leaves what would be counted among the cost of others' writes.
  if (/\/(?:databases|fuzz)\//.test(expect.getState().testPath ?? '')) await emptyStorage()
})
