import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { auditIdOf } from '../support/audit.ts'
import { sweepAt } from '../support/faults.ts'
import { type Asked, costOf } from '../support/meters.ts'
import { aParticipant, aStudy, type Participant, type Study } from '../support/world.ts'

const LARGE = env.SLOW ? 300_000 : 100_000

describe('in a study of many events, without statistics,', () => {
  let study: Study
  let ada: Participant

  beforeAll(async () => {
    study = await aStudy()
    ada = await aParticipant(study, { id: 'ada' })
    const pseudonym = await auditIdOf(study, ada)
    await env.DB.prepare(
      `INSERT INTO audit_events (study_id, id, at, door, action, outcome, actor, subject)
       WITH RECURSIVE series(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < ?1)
       SELECT ?2, 'aud_01m' || printf('%023d', i), i, 'native', CASE i % 3 WHEN 0 THEN 'file.read' ELSE 'file.edit' END,
         'done', CASE i % 7 WHEN 0 THEN 'participant:' || ?3 WHEN 1 THEN 'operator' ELSE 'key:key_' || (i % 100) END,
         CASE i % 5 WHEN 0 THEN ?3 WHEN 1 THEN NULL ELSE 'ptc_' || (i % 900) END
       FROM series`,
    )
      .bind(LARGE, study.id, pseudonym)
      .run()
  }, 300_000)

  async function planOf({ sql, params }: Asked): Promise<string> {
    const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
      .bind(...params)
      .all<{ detail: string }>()
    return results.map(({ detail }) => detail).join('\n')
  }
  const BAD = /SCAN (?!e$|who$|CONSTANT ROW)|TEMP B-TREE/m

  test.each<[query: string, rows: number, plan: RegExp]>([
    ['', 310, /SEARCH e USING PRIMARY KEY \(study_id=\?/],
    [
      'from=2026-01-01T00:00:00Z&until=2026-12-31T00:00:00Z',
      310,
      /SEARCH e USING PRIMARY KEY \(study_id=\? AND id>\? AND id<\?\)/,
    ],
    ['participant=ada', 310, /audit_events_subject \(study_id=\? AND subject=\?/],
    ['actor=operator', 310, /audit_events_actor \(study_id=\? AND actor=\?/],
    ['actor=participant:ada', 310, /audit_events_actor/],
    ['action=file.read', 310, /audit_events_action \(study_id=\? AND action=\?/],
    ['participant=ada&action=file.read', 2_500, /audit_events_subject/],
    ['participant=ada&actor=participant:ada&action=file.read', 2_500, /audit_events_subject/],
    ['participant=ada&actor=key:nobody', 2_500, /audit_events_subject/],
    ['actor=operator&action=file.delete', 2_500, /audit_events_actor/],
  ])('a page of ?%s takes one trip and at most %i rows', async (query, rows, plan) => {
    await study.admin.get(study.path) // the key's first use is noted, once
    const asking = async () => costOf(study.admin, async (c) => c.get(`${study.path}/audit?limit=100&${query}`))
    const { cost, answer } = await asking()
    expect([answer.status, cost.trips]).toEqual([200, 1])
    expect(cost.rows).toBeLessThanOrEqual(rows)
    const plans = await Promise.all(cost.asked.map(planOf))
    expect(plans.join('\n')).toMatch(plan)
    for (const each of plans) expect(each).not.toMatch(BAD)
  })

  test('what nothing is found of in a thousand events has a next page all the same', async () => {
    const { body } = await study.admin.get(`${study.path}/audit?participant=ada&actor=key:nobody`)
    expect(body.items).toEqual([])
    expect(body.nextCursor).toEqual(expect.any(String))
  })

  test("a page of a participant's own takes one trip and at most 310 rows", async () => {
    await ada.get(study.path)
    const { cost, answer } = await costOf(ada, async (c) => c.get(`${study.path}/participants/me/audit?limit=100`))
    expect([answer.status, answer.body.items.length, cost.trips]).toEqual([200, 100, 1])
    expect(cost.rows).toBeLessThanOrEqual(310)
    const plans = await Promise.all(cost.asked.map(planOf))
    expect(plans.join('\n')).toContain('audit_events_subject (study_id=? AND subject=?')
    for (const each of plans) expect(each).not.toMatch(BAD)
  })

  test('forgetting steps through the studies, and in each through what is to go', async () => {
    const asked: string[] = []
    const DB = new Proxy(env.DB, {
      get: (target, name) => {
        if (name === 'prepare') {
          return (sql: string) => {
            if (sql.startsWith('DELETE FROM audit_events')) asked.push(sql)
            return target.prepare(sql)
          }
        }
        const value: unknown = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
    await sweepAt(new Date(), { DB })
    expect(asked).toHaveLength(1)
    const plan = await planOf({ sql: asked[0] ?? '', params: ['aud_00', 1_000] })
    expect(plan).toMatch(/SEARCH e USING PRIMARY KEY \(study_id=\? AND id<\?\)/)
    const statement = env.DB.prepare(asked[0] ?? '').bind('aud_00', 1_000)
    // One of them for what is of no study.
    expect((await statement.run()).meta.rows_read).toBeLessThanOrEqual(6)
  })
})
