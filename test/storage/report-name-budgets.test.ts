import { env } from 'cloudflare:workers'
import { beforeAll, expect, test } from 'vitest'
import { listReportNames } from '../../src/domain/report-names.ts'
import type { Answer, Caller } from '../support/client.ts'
import { type Asked, costOf, meteredBindings } from '../support/meters.ts'
import { idOf, scopeOf } from '../support/scopes.ts'
import { aParticipant, aStudy, type Participant, type Study } from '../support/world.ts'

// What participants call their reports, asked for by the protocol that has an index of them: the same where a study has
// a few names and where it has thousands.

const MANY = 3_000

let studies: Study[]
let owners: Participant[]

const seed = async (study: string, count: number) =>
  env.DB.batch(
    [
      `INSERT INTO report_names (study_id, identifier, created_at) SELECT ?1, 'name-' || n, 0 FROM series`,
      `INSERT INTO reports (study_id, owner, identifier, created_at) SELECT ?1, 'owner-' || n, 'name-' || n, 0 FROM series`,
      `INSERT INTO participants (study_id, id, number, external_id, email, created_at)
        SELECT ?1, 'owner-' || n, n, 'ext-' || n, n || '@example.org', 0 FROM series`,
    ].map((insert) =>
      env.DB.prepare(
        insert.replace(
          'SELECT',
          `WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < ?2) SELECT`,
        ),
      ).bind(study, count),
    ),
  )

beforeAll(async () => {
  studies = [await aStudy(), await aStudy()]
  owners = await Promise.all(studies.map(async (study) => aParticipant(study)))
  for (const [index, study] of studies.entries()) {
    await seed(study.id, index === 0 ? 10 : MANY)
    const owner = owners[index]
    for (const report of ['walks', 'sleep']) {
      await owner?.put(`${study.path}/participants/me/reports/${report}/entries/2026-11-21`, { steps: 1 })
    }
    for (const caller of [study.staff, study.worker, study.admin]) await caller.get(study.path)
  }
})

const at = '/v3/participants/reports'
const OWN = '/v3/users/self/reports/walks'
const record = { date: '2026-11-22', data: 1 }
type Ask = (caller: Caller, shown: { 'Bridge-Session': string }) => Promise<Answer>

test.each<[operation: string, role: 'owner' | 'worker' | 'admin', trips: number, rows: number, ask: Ask]>([
  ['list one’s own names', 'owner', 1, 12, async (caller, shown) => caller.get(at, shown)],
  ['read one of one’s own', 'owner', 1, 10, async (caller, shown) => caller.get(`${at}/walks/index`, shown)],
  ['read any', 'worker', 1, 6, async (caller, shown) => caller.get(`${at}/name-7/index`, shown)],
  ['save a record', 'owner', 1, 24, async (caller, shown) => caller.post(OWN, record, shown)],
  [
    'save one that tells its studies',
    'owner',
    1,
    33,
    async (caller, shown) => caller.post(OWN, { ...record, studyIds: [] }, shown),
  ],
  [
    'find somebody by another name, and a report of theirs',
    'worker',
    2,
    15,
    async (caller, shown) => caller.get('/v4/participants/externalid:ext-7/reports/name-7', shown),
  ],
  [
    'find somebody by their address',
    'worker',
    2,
    15,
    async (caller, shown) => caller.get('/v4/participants/email:7@example.org/reports/name-7', shown),
  ],
  ['delete one', 'admin', 1, 10, async (caller, shown) => caller.delete(`${at}/name-7`, shown)],
])('to %s, a call by %s takes %i trips and at most %i rows', async (_, role, trips, rows, ask) => {
  for (const [index, study] of studies.entries()) {
    const caller = role === 'owner' ? owners[index] : study[role]
    const shown = { 'Bridge-Session': caller?.key ?? '' }
    const { cost, answer } = await costOf({ key: undefined }, async (nobody) => ask(nobody, shown))
    expect(answer.status, answer.text).toBeLessThan(300)
    expect(cost.trips - cost.asked.filter(isOfStudy).length).toBe(trips)
    expect(cost.rows).toBeLessThanOrEqual(rows)
    for (const asked of cost.asked) expect(await scansOf(asked)).toEqual([])
  }
})

test('a page of all names costs its own rows, however many there are', async () => {
  for (const study of studies) {
    const { cost, bindings } = meteredBindings()
    const scope = await scopeOf({ secret: study.worker.key, other: bindings })
    const { items, nextCursor } = await listReportNames(scope, idOf(study), { limit: 5, cursor: undefined })
    expect([items.length, nextCursor === null]).toEqual([5, false])
    expect(cost.trips).toBe(1)
    expect(cost.rows).toBeLessThanOrEqual(12)
  }
})

/** Which study a key's number is of is looked up once. */
const isOfStudy = ({ sql }: Asked) => sql.startsWith('SELECT id FROM studies')

async function scansOf({ sql, params }: Asked): Promise<string[]> {
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...params)
    .all<{ detail: string }>()
  return results.flatMap(({ detail }) =>
    /^SCAN (n|r|p|report_names|reports|participants)\b/.test(detail) ? [detail] : [],
  )
}
