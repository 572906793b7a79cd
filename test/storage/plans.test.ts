import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { type Asked, costOf } from '../support/meters.ts'
import { seedBulk, seededId, seedGrants } from '../support/seed.ts'
import { aKey, aParticipant, aStudy, ok, type Participant, type Study } from '../support/world.ts'

/** Enough that reading through any range would show in the rows that are read. */
const LARGE = env.SLOW ? 300_000 : 10_000

/** Every way to fill in some of the choices, and to leave others open. */
const combinations = (choices: readonly (readonly string[])[]): string[] =>
  choices.reduce<string[]>(
    (so, options) => so.flatMap((each) => options.map((option) => (option === '' ? each : `${each}&${option}`))),
    [''],
  )

describe('in a study of many files, without statistics,', () => {
  let study: Study
  let participant: Participant

  beforeAll(async () => {
    study = await aStudy({ allowPublic: true })
    participant = await aParticipant(study, { externalId: 'P-1' })
    const recipe = {
      owner: `CASE i % 9 WHEN 0 THEN '' WHEN 1 THEN '${participant.id}' ELSE 'owner-' || (i % 700) END`,
      name: `'name-' || (i % 20000)`,
      category: `CASE i % 4 WHEN 0 THEN NULL ELSE 'category-' || (i % 3) END`,
      source: `CASE i % 3 WHEN 0 THEN NULL ELSE 'source-' || (i % 50) END`,
      tags: `'["tag-' || (i % 2) || '","few-' || (i % 4000) || '"]'`,
      visibility: `CASE i % 3 WHEN 0 THEN 'private' WHEN 1 THEN 'study' ELSE 'public' END`,
    }
    // The study's own files are never private.
    await seedBulk(study, { from: 1, to: LARGE, recipe })
    await env.DB.prepare(`UPDATE files SET visibility = 'study' WHERE owner = '' AND visibility = 'private'`).run()
  }, 300_000)

  async function planOf({ sql, params }: Asked): Promise<string[]> {
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...params)
      .all<{ detail: string }>()
    return results.map(({ detail }) => detail)
  }

  /**
   * Steps through all of something that is stored; what a subquery of the same plan makes is stepped through once, but for
   * the one row that tells who asks.
   */
  function scansOf(plan: string[]): string[] {
    const oneRow = plan.includes('MATERIALIZE who') ? 'CONSTANT ROW|who$' : 'CONSTANT ROW'
    const scans = plan.filter((step) => new RegExp(`^SCAN (?!${oneRow})`).test(step) && !step.includes('VIRTUAL TABLE'))
    for (const step of plan) {
      const [, made] = /^(?:CO-ROUTINE|MATERIALIZE) (\S+)$/.exec(step) ?? []
      const at = scans.indexOf(`SCAN ${made}`)
      if (at !== -1) scans.splice(at, 1)
    }
    return scans
  }
  const sortsOf = (plan: string[]) => plan.filter((step) => step.includes('TEMP B-TREE'))

  test('a plan that steps through a table, or sorts, is noticed', async () => {
    const bad = 'SELECT * FROM (SELECT * FROM files f LIMIT 9) f ORDER BY f.title'
    const plan = await planOf({ sql: bad, params: [] })
    expect([scansOf(plan).length, sortsOf(plan).length]).toEqual([1, 1])
  })

  test('every list is a search in an index, in whose order it is read', async () => {
    const queries = combinations([
      ['', 'status=pending'],
      ['', 'participant=me', `participant=${participant.id}`, 'externalId=P-1'],
      ['', 'name=name-7'],
      ['', 'tag=tag-1', 'tag=tag-1&tag=few-77'],
      ['', 'source=source-1'],
      ['', 'category=category-1'],
      ['', 'uploadedAfter=2026-01-01T12:00:00Z&uploadedBefore=2026-01-02T00:00:00Z'],
    ])
    const sam = ok(await study.admin.post(`${study.path}/members`, { issuer: 'i', subject: 'sam', role: 'staff' }))
    const member = await aKey(study, { role: 'staff', member: sam.id })
    await seedGrants(
      study,
      Array.from({ length: 3_000 }, (_, i) =>
        [`participant:${participant.id}`, `member:${sam.id}`].map((principal) => ({
          file: seededId(LARGE - 9 * i - 2),
          principal,
          level: 'content' as const,
          until: null,
        })),
      ).flat(),
    )
    const callers = { participant, staff: study.staff, member, admin: study.admin }
    for (const caller of Object.values(callers)) await caller.get(`${study.path}/files?limit=1`)
    const plans = new Map<string, string[]>()
    for (const [turn, [role, caller]] of Object.entries(callers).entries()) {
      for (const query of queries.filter((_, index) => env.SLOW || (index + turn) % 5 === 0)) {
        const { cost, answer } = await costOf(caller, async (c) => c.get(`${study.path}/files?limit=100${query}`))
        expect([role, query, answer.status, cost.trips]).toEqual([role, query, 200, 1])
        expect(cost.rows, `${role} ${query}`).toBeLessThanOrEqual(3_500)
        for (const asked of cost.asked) {
          // One statement is the same for other values of its parameters.
          if (!plans.has(asked.sql)) plans.set(asked.sql, await planOf(asked))
        }
      }
    }
    for (const [sql, plan] of plans) {
      expect({ sql, scans: scansOf(plan) }).toEqual({ sql, scans: [] })
      expect({ sql, sorts: sortsOf(plan) }).toEqual({ sql, sorts: [] })
    }
    expect(plans.size).toBeGreaterThan(50)
    // What is one's own and what was shared are merged as they are read.
    expect([...plans.values()].flat()).toContain('MERGE (UNION ALL)')
    expect([...plans.values()].flat()).toContainEqual(
      expect.stringMatching(/^SEARCH s USING PRIMARY KEY \(study_id=\? AND scope=\? AND term=\?/),
    )
  }, 120_000)
})
