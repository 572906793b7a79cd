import { env } from 'cloudflare:workers'
import { beforeAll, expect, test } from 'vitest'
import type { Answer, Caller } from '../support/client.ts'
import { costOf } from '../support/meters.ts'
import { aParticipant, aStudy, type Participant } from '../support/world.ts'

// Rows that D1 reads, with the caller's own: the same for a report of one page and one of 20,000 entries.

let owner: Participant
let path: string

const seed = async (studyId: string, name: string, days: number) =>
  env.DB.batch([
    env.DB.prepare('INSERT INTO reports (study_id, owner, identifier, created_at) VALUES (?, ?, ?, 0)').bind(
      studyId,
      owner.id,
      name,
    ),
    env.DB.prepare(
      `INSERT INTO report_entries (study_id, owner, identifier, kind, at, data, updated_at)
       WITH RECURSIVE day(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM day WHERE n < ?4 - 1)
       SELECT ?1, ?2, ?3, iif(format.value GLOB '*T*', 'instant', 'date'),
         strftime(format.value, 946684800 + n * 86400, 'unixepoch'), '{"steps":1}', 0
       FROM day, json_each('["%Y-%m-%d", "%Y-%m-%dT%H:%M:%fZ"]') format`,
    ).bind(studyId, owner.id, name, days),
  ])

beforeAll(async () => {
  const study = await aStudy()
  owner = await aParticipant(study)
  path = `${study.path}/participants/${owner.id}/reports`
  await seed(study.id, 'short', 100)
  await seed(study.id, 'long', 10_000)
  await owner.get(path) // the key's first use is noted, once
})

test.each<[operation: string, rows: number, written: number, ask: (caller: Caller, report: string) => Promise<Answer>]>(
  [
    ['read a report', 9, 0, async (caller, report) => caller.get(report)],
    ['read an entry', 15, 0, async (caller, report) => caller.get(`${report}/entries/2000-01-02`)],
    ['add an entry', 19, 9, async (caller, report) => caller.put(`${report}/entries/1999-01-01`, { steps: 1 })],
    ['replace an entry', 19, 6, async (caller, report) => caller.put(`${report}/entries/2000-01-02`, { steps: 1 })],
    ['delete an entry', 16, 6, async (caller, report) => caller.delete(`${report}/entries/2000-01-03`)],
    ['list 100', 324, 0, async (caller, report) => caller.get(`${report}/entries?limit=100`)],
    ['list 100 backwards', 324, 0, async (caller, report) => caller.get(`${report}/entries?limit=100&order=desc`)],
    ['list 100 by date', 318, 0, async (caller, report) => caller.get(`${report}/entries?limit=100&kind=date`)],
    [
      'roll 30 days up',
      830,
      0,
      async (caller, report) => caller.get(`${report}/rollup?period=day&from=2000-01-05&until=2000-02-03`),
    ],
  ],
)('to %s takes one trip, and at most %i rows are read and %i written', async (_, rows, written, ask) => {
  for (const report of ['short', 'long']) {
    const { cost, answer } = await costOf(owner, async (caller) => ask(caller, `${path}/${report}`))
    expect(answer.status, answer.text).toBeLessThan(300)
    expect(cost.trips).toBe(1)
    expect(cost.rows, report).toBeLessThanOrEqual(rows)
    expect(cost.written, report).toBeLessThanOrEqual(written)
  }
})
