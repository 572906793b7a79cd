import { beforeAll, describe, expect, test } from 'vitest'
import { aHost } from '../support/hat.ts'
import { type Measured, measureDoors } from '../support/metered-doors.ts'
import type { Cost } from '../support/meters.ts'
import { aKeyPair, aServiceAccount } from '../support/mydatahelps.ts'
import { seedBulk } from '../support/seed.ts'
import { aParticipant, aStudy, begin, type Participant, type Study } from '../support/world.ts'

// What the main calls of each adapter may cost, and do; `--silent=false` shows the table. All is counted twice in one
// study, by somebody with as many files: when there are a page of each kind and one more, and with 100,000 others.

const SMALL = 303
const LARGE = 100_000

/** `written`: rows of tables and of their indexes. Of `rows`, many a search reads one of whoever comes next. */
type Budget = readonly [trips: number, rows: number, written: number, calls?: string]
const BUDGETS: Record<string, Budget> = {
  'Bridge: sign in': [2, 38, 12],
  'Bridge: begin a file': [1, 14, 18],
  'Bridge: list own files, one of which has arrived': [3, 91, 17, 'head get put'],
  'Bridge: list own files': [2, 63, 0],
  'Bridge: save user data': [1, 9, 8],
  'Bridge: get user data': [1, 4, 0],
  'Bridge: add a report': [1, 16, 10],
  'MyDataHelps: token': [2, 34, 9],
  'MyDataHelps: begin': [1, 14, 18],
  "MyDataHelps: list a project's files": [3, 219, 0],
  "MyDataHelps: list a participant's files": [3, 217, 0],
  'MyDataHelps: list own files': [3, 221, 0],
  'MyDataHelps: download': [1, 5, 0],
  'Open Humans: exchange-member': [2, 313, 0],
  'Open Humans: upload': [4, 61, 45, 'put head'],
  'Open Humans: begin an upload': [2, 19, 18],
  'Open Humans: complete it': [4, 57, 33, 'head get put'],
  'Open Humans: download': [2, 8, 0],
  'Open Humans: delete': [3, 135, 32],
  'Kids First: download': [1, 4, 0, 'get'],
  'Kids First: signed URL': [2, 9, 7],
  'Kids First: use it': [2, 12, 1, 'get'],
  'Kids First: createVersion': [6, 51, 16, 'put head'],
  'Kids First: allFiles': [2, 133, 0],
  'Kids First: allVersions': [2, 52, 0],
  'HAT: upload': [2, 16, 18],
  'HAT: complete': [4, 44, 19, 'head head get put'],
  'HAT: get': [3, 13, 0],
  'HAT: content': [2, 8, 0],
  'HAT: search': [6, 240, 0],
  'HAT: share': [4, 40, 10],
}

let small: Measured
let large: Measured

/** All that is measured, done in a study by somebody: what each cost. */
async function measuredIn(study: Study) {
  const bob = await aParticipant(study, { id: 'bob' })
  const account = await aKeyPair()
  await aServiceAccount(study, 'account', account)
  // One after the other: what a look for somebody reads last may be a row of whoever comes next.
  const ada = await aParticipant(study, { id: 'ada', email: 'ada@example.org' })
  const eve = await aParticipant(study, { id: 'eve', email: 'eve@example.org' })
  return {
    ada,
    eve,
    measureAs: async (person: Participant) =>
      measureDoors({ study, person, bob, account, host: await aHost(study, person) }),
  }
}

beforeAll(async () => {
  const study = await aStudy({ allowPublic: true })
  // Whoever comes next is there, whatever other tests have left.
  const after = await aStudy({ allowPublic: true })
  const next = await measuredIn(after)
  await next.measureAs(next.ada)
  await begin(next.ada, after)
  const { ada, eve, measureAs } = await measuredIn(study)
  const seed = async (from: number, to: number, owner: string) => {
    const said = { name: `'name-' || i`, category: 'NULL', source: `'phone'`, tags: `'[]'`, visibility: `'study'` }
    await seedBulk(study, { from, to, recipe: { owner, ...said } })
  }
  // What is there from the start is the newest, and on the first page.
  await seed(LARGE + 1, LARGE + SMALL, `CASE i % 3 WHEN 0 THEN '' WHEN 1 THEN 'ada' ELSE 'eve' END`)
  small = await measureAs(ada)
  await seed(1, LARGE, `CASE i % 9 WHEN 0 THEN '' ELSE 'owner-' || (i % 1000) END`)
  large = await measureAs(eve)
}, 300_000)

const callsOf = ({ kv, r2 }: Cost) => [...kv, ...r2].join(' ')

describe('each adapter keeps its budgets', () => {
  test.each([
    ['a few files', () => small],
    [`${LARGE} more`, () => large],
  ])('in a study of %s', (_, measured) => {
    expect([...measured().keys()]).toEqual(Object.keys(BUDGETS))
    for (const [operation, cost] of measured()) {
      const [trips, rows, written, calls = ''] = BUDGETS[operation] ?? []
      expect([operation, cost.trips, callsOf(cost)]).toEqual([operation, trips, calls])
      expect(cost.rows, `rows read: ${operation}`).toBeLessThanOrEqual(rows ?? 0)
      expect(cost.written, `rows written: ${operation}`).toBeLessThanOrEqual(written ?? 0)
    }
  })

  test('at the same cost in both', () => {
    const counted = (measured: Measured) =>
      [...measured].map(([operation, cost]) => [operation, cost.trips, cost.rows, cost.written, callsOf(cost)])
    expect(counted(large)).toEqual(counted(small))
  })

  test('as this table says', () => {
    const lines = [...large].map(([operation, cost]) => {
      const counts = [cost.trips, cost.rows, cost.written].map((count) => String(count).padStart(4)).join(' ')
      return `${counts}  ${callsOf(cost).padEnd(18)} ${operation}`
    })
    console.log(['D1 trips, rows read, rows written; KV and R2 calls; operation', ...lines].join('\n'))
    expect(lines).toHaveLength(Object.keys(BUDGETS).length)
  })
})
