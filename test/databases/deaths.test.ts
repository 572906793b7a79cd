import { env } from 'cloudflare:workers'
import { beforeAll, expect, test } from 'vitest'
import { databasesOf, migrated, MOST_ASKED, moveTo, roomIn, rowsOf, serving, three } from '../support/databases.ts'
import { type Death, mortal } from '../support/mortality.ts'
import { disturbed, sweepAt } from '../support/faults.ts'
import { aSmallStudy, type Small } from '../support/busy.ts'
import { ok } from '../support/world.ts'

const service = serving()
const { operator } = service
/** On a busy machine. */
const LONG = { timeout: env.SLOW ? 3_600_000 : 60_000 }

beforeAll(async () => {
  await migrated()
  await roomIn(0)
})

/** Who drives the move dies at one of their calls; answers whether they came so far. */
async function driven({ study }: Small, death: Death): Promise<boolean> {
  const { bindings, life } = mortal(death, { DB_1: env.SPARE_1, DB_2: env.SPARE_2 })
  const dying = serving(bindings).operator
  for (let asked = 0; asked < MOST_ASKED; asked += 1) {
    const { status, body } = await dying.post(`${study.path}/move`, { database: 2 })
    if (life.calls >= death.at) return true
    if (status === 200 && body.state === 'here') return false
  }
  throw new Error('The driver neither died nor arrived.')
}

/** What is asked of the study meanwhile is answered, and what was put there is there in the end, whoever goes on. */
async function goesOn(small: Small): Promise<void> {
  const { study, ada, file } = small
  const [put, got] = await Promise.all([
    ada.put(`${study.path}/participants/me/documents/after`, { a: 2 }),
    ada.get(`${study.path}/files/${file.id}`),
    moveTo(operator, study, 2),
  ])
  expect([put.status, got.status]).toEqual([200, 200])
  expect(ok(await ada.get(`${study.path}/participants/me/documents/after`))).toMatchObject({ a: 2 })
  const rows = await rowsOf(study, 2)
  expect([rows['files']?.length, rows['documents']?.length, rows['versions']?.length]).toEqual([1, 2, 1])
  for (const table of ['studies', 'files', 'shelf', 'api_keys', 'audit_events']) {
    expect([table, await databasesOf(study, table)]).toEqual([table, [2]])
  }
  const absent = async (database: D1Database) =>
    database.prepare('SELECT state FROM absences WHERE study_id = ?').bind(study.id).first('state')
  expect([await absent(env.DB), await absent(env.SPARE_2)]).toEqual(['left', null])
}

/** How many calls a whole move of such a study is. */
async function callsOfMove(): Promise<number> {
  const { bindings, life } = mortal({ at: Infinity, takesEffect: false }, { DB_1: env.SPARE_1, DB_2: env.SPARE_2 })
  const { study } = await aSmallStudy(service)
  await moveTo(serving(bindings).operator, study, 2)
  return life.calls
}

test('a move is gone on with by the next who asks, wherever its driver died', LONG, async () => {
  const calls = await callsOfMove()
  // Each takes a while: all of them in `npm run test:faults`.
  const stride = env.ALL_FAULTS ? 1 : Math.ceil(calls / (env.SLOW ? 12 : 3))
  const from = Math.max(1, Math.floor(stride / 2))
  for (let at = from; at <= calls; at += stride) {
    for (const takesEffect of env.SLOW ? [false, true] : [at % 2 === 0]) {
      const small = await aSmallStudy(service)
      await driven(small, { at, takesEffect })
      await goesOn(small)
    }
  }
})

test('a study whose move was decided by who died then is served after the next sweep', LONG, async () => {
  const small = await aSmallStudy(service)
  const { study, ada } = small
  // Its answer never comes: from here on nobody goes on.
  const { DB, seen } = disturbed({ on: /UPDATE absences SET until = NULL/, loses: Infinity })
  expect((await serving({ DB }).operator.post(`${study.path}/move`, { database: 2 })).status).toBe(503)
  expect(seen.times).toBeGreaterThan(0)
  await sweepAt(new Date(), three())
  expect((await ada.put(`${study.path}/participants/me/documents/after`, { a: 2 })).status).toBe(200)
  expect(await databasesOf(study)).toEqual([0, 2])
  await moveTo(operator, study, 2)
  expect(await databasesOf(study)).toEqual([2])
})

test('a move that was decided by who died then is settled by the next who asks for it', LONG, async () => {
  await roomIn(0)
  const small = await aSmallStudy(service)
  const { DB } = disturbed({ on: /UPDATE absences SET until = NULL/, loses: Infinity })
  expect((await serving({ DB }).operator.post(`${small.study.path}/move`, { database: 2 })).status).toBe(503)
  await goesOn(small)
})

test('a study stands still for seconds at most where its driver died, and goes on where it was', LONG, async () => {
  await roomIn(0)
  const { study, ada } = await aSmallStudy(service)
  await env.DB.prepare(
    `INSERT INTO absences (study_id, state, until, driver) VALUES (?, 'frozen', unixepoch('now', 'subsec') * 1000 + 700, 'x')`,
  )
    .bind(study.id)
    .run()
  const since = Date.now()
  expect((await ada.put(`${study.path}/participants/me/documents/after`, { a: 2 })).status).toBe(200)
  expect(Date.now() - since).toBeGreaterThan(500)
  expect(await databasesOf(study)).toEqual([0])
})
