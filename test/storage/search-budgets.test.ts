import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Answer, Caller } from '../support/client.ts'
import { type Asked, type Cost, costOf } from '../support/meters.ts'
import { seedBulk, seededId } from '../support/seed.ts'
import { aKey, aParticipant, aStudy, ok, type Participant, type Study } from '../support/world.ts'

// What a search may cost, and does; `--silent=false` shows the table and the plans. Counted twice in one study: when it
// has a page of files and one more, and when it has many.

const SMALL = 101
const LARGE = env.SLOW ? 300_000 : 20_000
const ROWS = 3_500

let study: Study
let participant: Participant
let grantee: Participant
/** With whom the same was shared, until a time that has passed. */
let late: Participant
let callers: Record<string, Caller>
let small: Map<string, Measured>
let large: Map<string, Measured>

/** Every file is a report of its own; each ninth is the participant's, each thousandth of all is rare. */
const recipe = () => ({
  owner: `CASE i % 9 WHEN 0 THEN '${participant.id}' ELSE 'owner-' || (i % 700) END`,
  name: `CASE WHEN i % 1000 = 99 THEN 'rare ' ELSE '' END || 'common report ' || i || '.txt'`,
  category: `'category-' || (i % 50)`,
  source: `CASE i % 5 WHEN 0 THEN 'phone' ELSE 'source-' || (i % 9) END`,
  tags: `'["tag-' || (i % 30) || '","walk"]'`,
  visibility: `CASE i % 13 WHEN 0 THEN 'private' WHEN 1 THEN 'study' ELSE 'public' END`,
})

beforeAll(async () => {
  study = await aStudy({ allowPublic: true })
  participant = await aParticipant(study, { externalId: 'P-1' })
  grantee = await aParticipant(study)
  late = await aParticipant(study)
  const issuer = 'https://id.example.org'
  const member = ok(await study.admin.post(`${study.path}/members`, { issuer, subject: 'sam', role: 'staff' }))
  const staff = await aKey(study, { role: 'staff', member: member.id })
  callers = { admin: study.admin, participant, grantee, late, staff }
  await seedBulk(study, { from: 1, to: SMALL, recipe: recipe(), unlisted: true })
  small = await measureAll()
  await seedBulk(study, { from: SMALL + 1, to: LARGE, recipe: recipe(), unlisted: true })
  // Of the latest files, more than are looked at for a page.
  const share = env.DB.prepare(
    `INSERT INTO grants (study_id, file_id, principal, level, created_at, expires_at)
     SELECT study_id, id, ?2, 'metadata', 0, ?5 FROM files WHERE study_id = ?1 AND id > ?3 AND owner <> ?4`,
  )
  const latest = seededId(LARGE - 1_500)
  await env.DB.batch([
    share.bind(study.id, `participant:${grantee.id}`, latest, participant.id, null),
    share.bind(study.id, `participant:${late.id}`, latest, participant.id, 1),
  ])
  large = await measureAll()
}, 300_000)

type Measured = Readonly<{ cost: Cost; answer: Answer; milliseconds: number }>

const QUERIES = [
  'q=rare',
  'q=common',
  'q=c',
  'q=comm+rep+txt',
  'q=common&participant=:owner',
  'q=common&externalId=P-1',
  'q=common&category=category-7',
  'q=common&tag=walk&tag=tag-7&source=phone',
  'q=common&category=nowhere',
  'q=common&status=pending',
  'q=common&uploadedBefore=2026-01-01T00:01:00Z',
  'q=nowhere',
  'q=common+nowhere',
  'q=%22%22',
]

async function measureAll(): Promise<Map<string, Measured>> {
  const measured = new Map<string, Measured>()
  for (const [role, caller] of Object.entries(callers)) {
    // A key's first use in an hour is noted, after the answer.
    ok(await caller.get(`${study.path}/files?limit=1`))
    for (const query of QUERIES) {
      const path = `${study.path}/files?limit=100&${query.replace(':owner', participant.id)}`
      const began = performance.now()
      measured.set(`${query}, ${role}`, {
        ...(await costOf(caller, async (c) => c.get(path))),
        milliseconds: performance.now() - began,
      })
    }
  }
  return measured
}

describe('a search keeps its budget', () => {
  test.each([
    ['a page of files and one more', () => small],
    [`${LARGE} files`, () => large],
  ])('in a study of %s', (_size, measured) => {
    expect(measured().size).toBe(QUERIES.length * Object.keys(callers).length)
    for (const [operation, { cost, answer }] of measured()) {
      expect([operation, answer.status, cost.trips, cost.kv, cost.r2]).toEqual([operation, 200, 1, [], []])
      expect(cost.rows, operation).toBeLessThanOrEqual(ROWS)
      // Which is why there need not be one.
      expect(cost.asked.filter(({ sql }) => sql.includes('shelf'))).toEqual([])
    }
  })

  test('and reads no further than its page where every word is common', () => {
    for (const role of ['admin', 'participant', 'staff']) {
      const { cost, answer } = large.get(`q=common, ${role}`) ?? {}
      expect([role, answer?.body.items.length]).toEqual([role, 100])
      expect(cost?.rows, role).toBeLessThanOrEqual(250)
    }
    expect(large.get('q=common, grantee')?.cost.rows).toBeLessThanOrEqual(450)
    expect(large.get('q=nowhere, participant')?.cost.rows).toBeLessThanOrEqual(15)
  })

  test('as this table says', () => {
    const lines = [...large].map(([operation, { cost, answer, milliseconds }]) => {
      const { items, nextCursor } = answer.body
      const counts = [small.get(operation)?.cost.rows, cost.rows, cost.trips, items.length, milliseconds.toFixed(0)]
      const columns = counts.map((count) => String(count).padStart(5)).join(' ')
      return `${columns} ms ${nextCursor === null ? ' ' : '+'} ${operation}`
    })
    console.log(['rows: small, large; D1 trips; files; time; +: there are more; query', ...lines].join('\n'))
  })
})

test('its plan is the index of words, then each file by its number, in that order', async () => {
  const plans = new Set<string>()
  for (const { cost } of large.values()) {
    for (const asked of cost.asked.filter(({ sql }) => sql.includes('files_fts'))) plans.add(await planOf(asked))
  }
  expect(plans.size).toBeGreaterThan(0)
  for (const plan of plans) {
    expect(plan).toMatch(/^ *SCAN files_fts VIRTUAL TABLE INDEX .*M\d+/m)
    expect(plan).toMatch(/^ *SEARCH f USING INDEX files_number \(study_id=\? AND number=\?\)/m)
    expect(plan).not.toMatch(/TEMP B-TREE|SCAN (f|files|k|p|m|g|granted|studies)\b/)
  }
})

async function planOf({ sql, params }: Asked): Promise<string> {
  const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
    .bind(...params)
    .all<{ id: number; parent: number; detail: string }>()
  const depths = new Map([[0, -1]])
  const lines = results.map(({ id, parent, detail }) => {
    const depth = (depths.get(parent) ?? -1) + 1
    depths.set(id, depth)
    return `${'  '.repeat(depth)}${detail}`
  })
  return lines.join('\n')
}
