import { globSync, readFileSync } from 'node:fs'
import { cloudflareTest, readD1Migrations } from '@cloudflare/vitest-pool-workers'
import { defineConfig } from 'vitest/config'
import { JWT_ISSUERS } from './test/support/issuers.ts'
import { SECRETS } from './test/support/secrets.ts'

// `npm run test:slow` runs those tests that have larger numbers for it, with these.
const slow = process.env['CARREL_SLOW'] === '1'
// `npm run test:split` runs them with every study in a second database.
const split = process.env['CARREL_SPLIT'] === '1'
// `npm run test:crash` runs what kills the service, and nothing else does.
const crash = process.env['CARREL_CRASH'] === '1'
// `npm run test:load` runs what loads the service for minutes, and nothing else does.
const load = process.env['CARREL_LOAD'] === '1'
// `npm run test:browser` runs what needs a Chromium, and nothing else does.
const browser = process.env['CARREL_BROWSER'] === '1'

// How many requests are made up, from which seed, and which of them: `npm run fuzz` says, and makes up nothing else.
const seed = process.env['CARREL_SEED'] ?? '1'
const fuzz = {
  requests: Number(process.env['CARREL_FUZZ'] ?? (slow ? 30_000 : 800)),
  seed: seed === 'any' ? Math.floor(Math.random() * 2 ** 31) : Number(seed),
  path: process.env['CARREL_PATH'] ?? '',
}

// Nothing is asked for over the network, and Wrangler's remarks on its configuration are not the tests'.
process.env['CLOUDFLARE_CF_FETCH_ENABLED'] = 'false'
process.env['WRANGLER_SEND_METRICS'] = 'false'
process.env['WRANGLER_LOG'] ??= 'error'

const OF_THE_WORKER =
  process.env['CARREL_FUZZ'] === undefined
    ? `test/{domain,storage,wire,http,adapters,api,pages,jobs,faults,fuzz${split ? '' : ',databases'}}/**/*.test.{ts,tsx}`
    : 'test/fuzz/*.test.ts'
/** What looks at all that is stored, or moves the cron's clock, which is that of every study. */
const LOOKS_AT_ALL =
  /\b(?:sweepAt|sweepUntilDone|strays|everythingStored|tracesOf|listOwnStudies|emptyStorage|(?:BUCKET|TOKENS)\.list)\(|studies\?limit/

/**
 * Tests make their own studies, so files of tests share a Worker and its storage, which saves each seconds. Those that
 * are about what is stored altogether begin with nothing stored.
 */
const ofAllStorage = globSync(OF_THE_WORKER).filter(
  (file) =>
    /^test\/(?:jobs|faults|databases)\/|\/migrations\.test/.test(file) || LOOKS_AT_ALL.test(readFileSync(file, 'utf8')),
)

const IN_A_BROWSER = {
  test: {
    name: 'browser',
    isolate: false,
    include: ['test/browser/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
}

const inNode = () => {
  if (crash) return 'test/crash/*.test.ts'
  return load ? 'test/load/*.test.ts' : 'test/{e2e,local,house,client,cli,console}/**/*.test.ts'
}

/** Where the larger numbers are, or what has them. */
const LARGER = /\b(?:SLOW|ALL_FAULTS|FUZZ|CARREL_SLOW)\b|support\/(?:histories|matrix|parts)\.ts/
const included = (files: string) =>
  slow ? globSync(files).filter((file) => LARGER.test(readFileSync(file, 'utf8'))) : [files]

async function worker() {
  return cloudflareTest({
    // As it is written, and not as it is built.
    main: './src/index.ts',
    wrangler: { configPath: './wrangler.toml' },
    miniflare: {
      // Nobody takes from this one: a test delivers what it means to (`deliver`), and a batch that comes by itself when
      // a file's tests are over is waited for in vain.
      queueProducers: { JOBS: { queueName: 'jobs-of-tests' } },
      // Further databases, which are the Worker's only where a test gives it them as such (`test/support/databases.ts`).
      d1Databases: ['SPARE_1', 'SPARE_2'],
      bindings: {
        TEST_MIGRATIONS: await readD1Migrations('./migrations'),
        OF_ALL_STORAGE: ofAllStorage,
        SLOW: slow,
        SPLIT: split,
        ALL_FAULTS: process.env['CARREL_FAULTS'] === 'all',
        FUZZ: fuzz,
        SHOWS_LOG: process.env['CARREL_LOG'] === '1',
        JWT_ISSUERS,
        ...SECRETS,
      },
    },
  })
}

export default defineConfig(async () => ({
  test: {
    silent: 'passed-only' as const,
    // Each waits for its simulators much of the time: three keep two cores busy.
    maxWorkers: 3,
    projects: [
      {
        plugins: [await worker()],
        test: {
          name: 'worker',
          include: included(OF_THE_WORKER),
          setupFiles: ['./test/support/setup.ts'],
          isolate: false,
          testTimeout: slow ? 600_000 : 20_000,
        },
      },
      {
        test: {
          name: 'node',
          isolate: false,
          include: included(inNode()),
          testTimeout: slow ? 600_000 : 60_000,
          hookTimeout: 60_000,
        },
      },
      ...(browser ? [IN_A_BROWSER] : []),
    ],
  },
}))
