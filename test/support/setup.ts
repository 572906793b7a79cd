import { applyD1Migrations } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll } from 'vitest'
import type { D1Migration } from '@cloudflare/vitest-pool-workers'

declare global {
  namespace Cloudflare {
    interface Env {
      TEST_MIGRATIONS: D1Migration[]
      /** Larger numbers, for `npm run test:slow`. */
      SLOW: boolean
      /** Whether to show the Worker's own log lines, one for each request: they take a fifth of the tests' time. */
      SHOWS_LOG: boolean
    }
  }
}

beforeAll(() => applyD1Migrations(env.DB, env.TEST_MIGRATIONS))

// oxlint-disable-next-line no-console -- tests that look at the log put something of their own in its place
const { log } = console
const quietly = (...said: unknown[]) => {
  if (!String(said[0]).startsWith('{"')) log(...said)
}
// Files that share a Worker come here each.
// oxlint-disable-next-line no-console -- the same
if (!env.SHOWS_LOG && log.name !== quietly.name) console.log = quietly
