import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest'
import { MOST_COUNTED } from '../../src/model/health.ts'
import { anonymous, as, operator } from '../support/client.ts'
import { disturbed, overriding, sweepAt } from '../support/faults.ts'
import { costOf } from '../support/meters.ts'
import { aStudy } from '../support/world.ts'

// How late what runs by itself is, as the operator is told, and as the log tells. Each test begins with nothing to do.

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS

const ago = (milliseconds: number) => Date.now() - milliseconds

/** Rows of a study that nothing else is known of. */
const SEEDS = {
  uploads: `INSERT INTO uploads (study_id, id, file_id, owner, number, object_key, kind, name, media_type, size, created_by,
      created_at, url_expires_at, expires_at, due_at)
    SELECT 'seeded', 'upl_' || value, 'fil_' || value, '', value, 'seeded/' || value, 'single', 'n', 'text/plain', 1,
      'system', 1, ?2 - 900000, ?2, ?2 FROM json_each(?1)`,
  outbox: `INSERT INTO object_deletions (study_id, object_key, owner, due_at, url_expires_at, until)
    SELECT 'seeded', 'seeded/' || value, '', ?2, 1, 1 FROM json_each(?1)`,
  erasures: `INSERT INTO erasures (study_id, id, kind, participant_id, audit_id, state, requested_at, due_at)
    SELECT 'seeded', 'era_' || value, 'participant', 'p' || value, 'a' || value, 'deleting', ?2, 9e15 FROM json_each(?1)`,
  departures: `INSERT INTO departures (study_id, participant_id, left_at, due_at)
    SELECT 'seeded', 'p' || value, ?2, ?2 FROM json_each(?1)`,
} as const
const TABLES = {
  uploads: 'uploads',
  outbox: 'object_deletions',
  erasures: 'erasures',
  departures: 'departures',
} as const
type Backlogged = keyof typeof SEEDS

const seed = async (what: Backlogged, at: number, count = 1) =>
  env.DB.prepare(SEEDS[what])
    .bind(JSON.stringify(Array.from({ length: count }, (_, index) => index)), at)
    .run()

async function empty() {
  for (const table of [...Object.values(TABLES), 'heartbeats']) await env.DB.prepare(`DELETE FROM ${table}`).run()
}
const tell = async () => (await operator.get('/health')).body
const swept = async (at: number) =>
  env.DB.prepare(`INSERT INTO heartbeats (name, at) VALUES ('sweep', ?)`).bind(at).run()

let printed: MockInstance<typeof console.log>
beforeEach(async () => {
  await empty()
  printed = vi.spyOn(console, 'log')
})
afterEach(() => printed.mockRestore())
const warnings = () =>
  printed.mock.calls
    .map(([line]) => JSON.parse(String(line)) as Record<string, unknown>)
    .filter(({ level }) => level === 'warn')

describe('whether the service answers', () => {
  test('is all that anybody but the operator is told, whatever they show', async () => {
    const { admin } = await aStudy()
    for (const caller of [anonymous, admin, as('garbage'), as(`${env.OPERATOR_KEY}x`), as(`x${env.OPERATOR_KEY}`)]) {
      const { cost, answer } = await costOf(caller, async (asking) => asking.get('/health'))
      expect([answer.status, answer.body, cost.trips]).toEqual([200, { status: 'ok' }, 0])
    }
  })
})

describe('the operator is told', () => {
  test('that all is well when the sweep has run and nothing waits', async () => {
    await sweepAt(new Date())
    const none = { count: 0, oldest: null }
    expect(await tell()).toEqual({
      status: 'ok',
      late: [],
      sweptAt: expect.stringMatching(/^\d{4}-/),
      uploads: none,
      outbox: none,
      erasures: none,
      departures: none,
      deadLetters: { objectEvents: { count: 0, lastAt: null }, jobs: { count: 0, lastAt: null } },
    })
  })

  test('that the sweep is late when it has never run, or not for five minutes', async () => {
    expect(await tell()).toMatchObject({ status: 'late', late: ['sweep'], sweptAt: null })
    await swept(ago(5 * MINUTE_MS + 1))
    expect(await tell()).toMatchObject({ status: 'late', late: ['sweep'] })
    await empty()
    await swept(ago(4 * MINUTE_MS))
    expect(await tell()).toMatchObject({ status: 'ok', late: [] })
  })

  test('that a sweep is late of which a part fails each time', async () => {
    const BUCKET = overriding(env.BUCKET, { delete: async () => Promise.reject(new Error('delete: (10001)')) })
    await seed('outbox', 1)
    await expect(sweepAt(new Date(), { BUCKET })).rejects.toThrow('parts of the sweep failed')
    expect((await tell()).sweptAt).toBeNull()
  })

  test.each([
    ['uploads', HOUR_MS],
    ['outbox', HOUR_MS],
    ['erasures', 9 * DAY_MS],
    ['departures', HOUR_MS],
  ] as const)('that %s are late when the oldest has waited for longer than it may', async (what, most) => {
    await swept(Date.now())
    const [within, beyond] = [ago(most - MINUTE_MS), ago(most + MINUTE_MS)]
    await seed(what, within)
    expect(await tell()).toMatchObject({
      status: 'ok',
      [what]: { count: 1, oldest: new Date(within).toISOString() },
    })
    await env.DB.prepare(`DELETE FROM ${TABLES[what]}`).run()
    await seed(what, beyond, 3)
    expect(await tell()).toMatchObject({
      status: 'late',
      late: [what],
      [what]: { count: 3, oldest: new Date(beyond).toISOString() },
    })
  })

  test('that uploads are late that fail each time, though each time they are put off', async () => {
    await seed('uploads', ago(2 * HOUR_MS))
    const failing = async () => Promise.reject(new Error('D1_ERROR: D1 DB is overloaded.'))
    const { DB, seen } = disturbed({ on: /begunBy/, before: failing })
    await sweepAt(new Date(), { DB })
    expect(seen.times).toBe(1)
    expect(await tell()).toMatchObject({ status: 'late', late: ['uploads'], uploads: { count: 1 } })
  })

  test('nothing of what is not due yet', async () => {
    for (const what of ['uploads', 'outbox', 'departures'] as const) {
      await seed(what, Date.now() + HOUR_MS)
      expect((await tell())[what]).toEqual({ count: 0, oldest: null })
    }
  })

  test('all of it in one trip, of which the rows are bounded', async ({ annotate }) => {
    await swept(Date.now())
    const idle = (await costOf(operator, async (asking) => asking.get('/health'))).cost
    const backlogged = Object.keys(SEEDS) as Backlogged[] // its keys
    for (const what of backlogged) await seed(what, ago(MINUTE_MS), 3 * MOST_COUNTED)
    const { cost, answer } = await costOf(operator, async (asking) => asking.get('/health'))
    for (const what of backlogged) expect(answer.body[what].count).toBe(MOST_COUNTED)
    await annotate(`one trip; ${idle.rows} rows where nothing waits, ${cost.rows} at most`)
    expect([idle.trips, cost.trips]).toEqual([1, 1])
    expect(idle.rows).toBeLessThanOrEqual(10)
    expect(cost.rows).toBeLessThanOrEqual(5 * MOST_COUNTED)
  })
})

describe('the log', () => {
  test('has one line a run that names what is late, and nobody', async () => {
    await seed('departures', ago(-DAY_MS))
    await seed('erasures', ago(10 * DAY_MS))
    const BUCKET = overriding(env.BUCKET, { delete: async () => Promise.reject(new Error('delete: (10001)')) })
    await seed('outbox', ago(2 * HOUR_MS))
    await swept(ago(HOUR_MS))
    await expect(sweepAt(new Date(), { BUCKET })).rejects.toThrow('parts of the sweep failed')
    expect(warnings()).toEqual([{ level: 'warn', job: 'sweep', late: 'sweep outbox erasures' }])
  })

  test('has none where nothing is', async () => {
    await sweepAt(new Date())
    expect(warnings()).toEqual([])
  })
})
