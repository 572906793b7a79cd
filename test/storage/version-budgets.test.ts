import { env } from 'cloudflare:workers'
import { beforeAll, expect, test } from 'vitest'
import { getContent } from '../../src/domain/content.ts'
import { nameDraft } from '../../src/domain/drafts.ts'
import type { Scope } from '../../src/domain/scope.ts'
import {
  editVersion,
  getReviewedVersion,
  listStudyVersions,
  listVersionsOf,
  moveVersion,
} from '../../src/domain/versions.ts'
import type { FileId } from '../../src/model/ids.ts'
import { type Cost, meteredBindings } from '../support/meters.ts'
import { seedBulk, seededId } from '../support/seed.ts'
import { idOf, outcomeOf } from '../support/scopes.ts'
import { aDraft, asking, receive, withVersions } from '../support/versions.ts'
import { aKey, aStudy, ok, type Study } from '../support/world.ts'

// What is asked of versions costs the same in a study of a page of files and one more, and in a large one. Counted with
// a key that acts for a member, whose row is read too; `--silent=false` shows the table.

const SMALL = 101
const LARGE = env.SLOW ? 300_000 : 20_000

/** `written`: rows of tables and of their indexes; what says nothing of it writes none. */
type Budget = Readonly<{ trips: number; rows: number; written?: number }>
type Measured = Readonly<{ operation: string; budget: Budget; cost: Cost }>
type Ask = (scope: Scope) => Promise<unknown>

let study: Study
let key: string | undefined
let small: Measured[]
let large: Measured[]

beforeAll(async () => {
  study = await aStudy()
  const issuer = 'https://id.example.org'
  const member = ok(await study.admin.post(`${study.path}/members`, { issuer, subject: 'sam', role: 'admin' }))
  ;({ key } = await aKey(study, { role: 'admin', member: member.id }))
  await seed(1, SMALL)
  small = await measureAll()
  await seed(SMALL + 1, LARGE)
  large = await measureAll()
}, 300_000)

const seed = async (from: number, to: number) =>
  seedBulk(study, {
    from,
    to,
    recipe: {
      owner: `CASE i % 3 WHEN 0 THEN '' ELSE 'owner-' || (i % 700) END`,
      name: `'name-' || i`,
      category: `'diary'`,
      source: `'phone'`,
      tags: `'["walk"]'`,
      visibility: `CASE i % 13 WHEN 1 THEN 'public' ELSE 'study' END`,
    },
  })

async function measureAll(): Promise<Measured[]> {
  // A key's first use in an hour is noted, after the answer.
  ok(await study.admin.get(`${study.path}/files?limit=1`))
  const measured: Measured[] = []
  const note = async (operation: string, budget: Budget, ask: Ask) => {
    const { cost, bindings } = meteredBindings()
    await ask(await asking({ secret: key, other: bindings }))
    measured.push({ operation, budget, cost })
  }
  const id = idOf(study)
  await getReviewedVersion(await asking({ secret: key }), id, (await receive(study)).version)
  const [source, target, draft] = [await withVersions(study, 3), await receive(study), await aDraft(study)]
  const [first = 0, , last = 0] = source.numbers
  const page = { limit: 100, cursor: undefined }
  // Each of them with one version, as most files have.
  const files = Array.from({ length: 100 }, (_, i) => seededId(i + 1) as FileId) // as they were seeded
  const full = (items: readonly unknown[]) => expect(items).toHaveLength(100)

  await note('a version by number', { trips: 1, rows: 5 }, async (scope) => getReviewedVersion(scope, id, first))
  await note('content by numbers', { trips: 1, rows: 9 }, async (scope) =>
    getContent(scope, id, { file: source.file, version: { number: first } }),
  )
  for (const order of ['oldest', 'newest'] as const) {
    await note(`100 files' versions, ${order}`, { trips: 1, rows: 404 }, async (scope) => {
      const found = await listVersionsOf(scope, id, { files, limit: 10, order })
      full([...found.values()].filter(({ items }) => items.length === 1))
    })
    await note(`list 100 of the study, ${order}`, { trips: 1, rows: 212 }, async (scope) => {
      full((await listStudyVersions(scope, id, { order, page })).items)
    })
    await note(`list 1 of the study, ${order}`, { trips: 1, rows: 9 }, async (scope) =>
      listStudyVersions(scope, id, { order, page: { limit: 1, cursor: undefined } }),
    )
    await note(`list a file's, ${order}`, { trips: 1, rows: 17 }, async (scope) => {
      const found = await listStudyVersions(scope, id, { file: source.file.id, order, page })
      expect(found.items).toHaveLength(3)
    })
  }
  await note('edit a version', { trips: 1, rows: 16, written: 4 }, async (scope) =>
    editVersion(scope, id, { version: first, changes: { description: 'seen', review: 'APP' } }),
  )
  await note('move a version', { trips: 2, rows: 70, written: 6 }, async (scope) =>
    moveVersion(scope, id, { version: last, to: target.file.number }),
  )
  const details = { title: 'Named', description: null, category: null, tags: [] }
  await note('name a draft', { trips: 1, rows: 30, written: 9 }, async (scope) =>
    nameDraft(scope, id, { version: draft.version, details }),
  )
  return measured
}

test.each([
  ['a page of files and one more', () => small],
  [`${LARGE} files`, () => large],
])('versions keep their budgets in a study of %s', (_size, measured) => {
  for (const { operation, budget, cost } of measured()) {
    expect([operation, cost.trips]).toEqual([operation, budget.trips])
    expect(cost.rows, `rows read: ${operation}`).toBeLessThanOrEqual(budget.rows)
    expect(cost.written, `rows written: ${operation}`).toBeLessThanOrEqual(budget.written ?? 0)
  }
  const lines = measured().map(({ operation, cost }) => `${String(cost.rows).padStart(5)} ${cost.trips}  ${operation}`)
  console.log(['rows, D1 trips, operation', ...lines].join('\n'))
})

test('at the same cost in both', () => {
  const rows = (measured: Measured[]) => measured.map(({ operation, cost }) => [operation, cost.rows, cost.written])
  expect(rows(large)).toEqual(rows(small))
})

test('each by a search in an index, and lists in its order', async () => {
  for (const { operation, cost } of large) {
    for (const { sql, params } of cost.asked) {
      const { results } = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`)
        .bind(...params)
        .all<{ detail: string }>()
      const plan = results.map(({ detail }) => detail)
      const steps = plan.filter((step) => /^SCAN (?:f|t|n|o|u|files|versions)\b/.test(step))
      expect([operation, steps]).toEqual([operation, []])
      if (operation.startsWith('list')) expect(plan.filter((step) => step.includes('TEMP B-TREE'))).toEqual([])
    }
  }
})

test('a page of a participant, of whom the study has little, is short after a thousand', async () => {
  const person = ok(await study.admin.post(`${study.path}/participants`, {}))
  const theirs = await aKey(study, { role: 'participant', participant: person.id })
  const { cost, bindings } = meteredBindings()
  const scope = await asking({ secret: theirs.key, other: bindings })
  const asked = { order: 'oldest', page: { limit: 100, cursor: undefined } } as const
  const found = await listStudyVersions(scope, idOf(study), asked)
  expect(found.items).toEqual([])
  expect(found.nextCursor).not.toBeNull()
  expect(cost.rows).toBeLessThanOrEqual(3_500)
  const next = { ...asked, page: { limit: 100, cursor: found.nextCursor ?? undefined } }
  expect(await outcomeOf(listStudyVersions(scope, idOf(study), next))).toBe('done')
})
