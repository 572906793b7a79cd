import { beforeAll, describe, expect, test } from 'vitest'
import type { Caller } from '../../support/client.ts'
import { dataOf, FILES, query, refusalOf } from '../../support/kidsfirst-queries.ts'
import { costOf } from '../../support/meters.ts'
import { type Recipe, seedBulk } from '../../support/seed.ts'
import { saidToBe } from '../../support/tokens.ts'
import { aStudy, type Study } from '../../support/world.ts'

const ALIKE: Recipe = {
  owner: `''`,
  name: `'file ' || i`,
  category: `'SEQ'`,
  source: 'NULL',
  tags: `CASE i % 50 WHEN 0 THEN '["rare"]' ELSE '[]' END`,
  visibility: `'study'`,
}

/** Two studies with files, and between them one with none. */
let studies: readonly [Study, Study, Study]
let many: Study
/** Staff in all of them. */
let ida: Caller

beforeAll(async () => {
  studies = [await aStudy(), await aStudy(), await aStudy()]
  many = await aStudy()
  await seedBulk(studies[0], { from: 1, to: 120, recipe: ALIKE })
  await seedBulk(studies[2], { from: 1, to: 7, recipe: ALIKE })
  await seedBulk(many, { from: 1, to: 2_500, recipe: ALIKE })
  ida = await saidToBe('ida', { groups: studies.map(({ id }) => id) })
})

type Page = { edges: { cursor: string; node: { kfId: string; name: string } }[]; pageInfo: PageInfo }
type PageInfo = { hasNextPage: boolean; hasPreviousPage: boolean; startCursor: string; endCursor: string }

async function pageOf(caller: Caller, variables: object): Promise<Page> {
  const { allFiles } = await dataOf(caller, FILES, { ...variables })
  return allFiles
}

/** All pages, as a client goes through them. */
async function pagesOf(caller: Caller, variables: object): Promise<Page[]> {
  const pages: Page[] = []
  for (let after: string | undefined; pages.length < 200;) {
    const page = await pageOf(caller, { ...variables, after })
    pages.push(page)
    if (!page.pageInfo.hasNextPage) return pages
    after = page.pageInfo.endCursor
  }
  throw new Error('the pages have no end')
}
const namesOn = (pages: readonly Page[]) => pages.flatMap(({ edges }) => edges.map(({ node }) => node.name))

const names = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, index) => `file ${from - index}`)

describe('120 files', () => {
  test.each([250, 50, 33])('are all told, once and in order, by pages of %i', async (first) => {
    for (const study of [studies[0].id, undefined]) {
      const pages = await pagesOf(studies[0].staff, { first, study })
      expect(namesOn(pages)).toEqual(names(120, 1))
      expect(pages[0]?.pageInfo.hasPreviousPage).toBe(false)
      expect(pages.length).toBe(Math.ceil(120 / first))
    }
  })

  test('go on after each of them, not only after the last of a page', async () => {
    for (const study of [studies[0].id, undefined]) {
      const { edges } = await pageOf(studies[0].staff, { first: 5, study })
      for (const { cursor, node } of edges) {
        const [next] = (await pageOf(studies[0].staff, { first: 1, after: cursor, study })).edges
        expect(next?.node.name).toBe(`file ${Number(node.name.slice(5)) - 1}`)
      }
    }
  })
})

test('the files of all one’s studies are told study by study, by pages of any size', async () => {
  for (const first of [250, 120, 50, 7]) {
    expect(namesOn(await pagesOf(ida, { first }))).toEqual([...names(120, 1), ...names(7, 1)])
  }
})

test('who is no longer of a study goes on in the next, from its beginning', async () => {
  const [one, , three] = studies
  const { pageInfo } = await pageOf(ida, { first: 50 })
  const left = await saidToBe('ida', { groups: [three.id] })
  expect((await pageOf(left, { first: 50, after: pageInfo.endCursor })).edges.map(({ node }) => node.name)).toEqual(
    names(7, 1),
  )
  expect((await pageOf(one.staff, { first: 1, after: pageInfo.endCursor })).edges[0]?.node.name).toBe('file 70')
})

test('what is rare among many files is found by pages that may be short', async () => {
  const pages = await pagesOf(many.staff, { first: 250, tag: 'RARE' })
  expect(namesOn(pages)).toEqual(Array.from({ length: 50 }, (_, index) => `file ${2_500 - index * 50}`))
  expect(namesOn(await pagesOf(many.staff, { name: 'file 3' }))).toEqual(['file 3'])
  expect(namesOn(await pagesOf(many.staff, { type: 'OTH' }))).toEqual([])
})

test.each([{ tag: 'rare' }, { tag: 'RARE', name: 'file 3', type: 'SEQ' }, { name: 'file 3' }, { type: 'OTH' }])(
  'no more is read for a page by %o than for one of the native lists',
  async (asked) => {
    const { cost } = await costOf(many.staff, async (caller) => query(caller, FILES, { study: many.id, ...asked }))
    expect(cost.rows).toBeLessThanOrEqual(3_500)
  },
)

const WITH_VERSIONS = `query ($first: Int) {
  allFiles(first: $first) {
    edges { node { kfId name downloadUrl study { kfId name } versions { edges { node { kfId rootFile { name } study { name } } } } } }
  }
}`

test('a hundred files with their versions take as many trips as ten', async () => {
  const costs = []
  for (const first of [10, 100]) {
    const { cost, answer } = await costOf(studies[0].staff, async (caller) => query(caller, WITH_VERSIONS, { first }))
    const { edges } = answer.body.data.allFiles
    expect(edges).toHaveLength(first)
    expect(edges[99 % first].node.versions.edges).toHaveLength(1)
    costs.push(cost)
  }
  // The caller's studies, the files of one, their versions, the study.
  expect(costs.map(({ trips }) => trips)).toEqual([4, 4])
  expect(costs[1]?.rows).toBeLessThanOrEqual(700)
})

test.each([
  ['first: 251', 'Requesting 251 records on the `allFiles` connection exceeds the `first` limit of 250 records.'],
  ['first: -1', 'Argument "first" must be a non-negative integer.'],
  ['last: 1', '`allFiles` goes forwards only: ask for it by `first` and `after`.'],
  ['before: "x"', '`allFiles` goes forwards only: ask for it by `first` and `after`.'],
  ['after: "x"', '`after` must be a cursor that this connection has told, unchanged.'],
  ['after: "WyJmaWxlcyIsMSwiIl0="', '`after` must be a cursor that this connection has told, unchanged.'],
  ['first: 0', 'yes'],
])('a page by `%s`: %s', async (asked, words) => {
  const answer = await query(studies[0].staff, `{ allFiles(${asked}) { edges { node { id } } } }`)
  expect(answer.status).toBe(200)
  expect(refusalOf(answer)).toBe(words)
})

test('one request has the database asked so often and no oftener', async () => {
  const fields = Array.from({ length: 20 }, (_, index) => `f${index}: allFiles(first: 1) { edges { node { name } } }`)
  const { cost, answer } = await costOf(ida, async (caller) => query(caller, `{ ${fields.join(' ')} }`))
  expect(answer.status).toBe(200)
  expect(cost.trips).toBeLessThanOrEqual(41)
  const files = fields.join(' ').replaceAll('allFiles', 'files')
  const nested = `{ ${['a', 'b', 'c', 'd', 'e'].map((name) => `${name}: allStudies { edges { node { ${files} } } }`).join(' ')} }`
  const { cost: more, answer: refused } = await costOf(ida, async (caller) => query(caller, nested))
  expect(refusalOf(refused)).toBe('This asks for too many things at once. Ask in several requests.')
  expect(more.trips).toBeLessThanOrEqual(251)
})
