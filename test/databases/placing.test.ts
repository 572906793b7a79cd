import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { DATABASES, databasesOf, migrated, roomIn, serving, three } from '../support/databases.ts'
import { overriding, sweepAt } from '../support/faults.ts'
import { HELLO, ok } from '../support/world.ts'

const { operator, aStudy, aParticipant, aFile } = serving()

beforeAll(migrated)

const placeOf = async ({ id }: { id: string }) =>
  env.DB.prepare('SELECT number, database, state FROM placements WHERE study_id = ?').bind(id).first()

describe('a new study', () => {
  test.for([0, 1, 2])('is in database %i where that has the most room, with all that it has', async (database) => {
    await roomIn(database)
    const study = await aStudy()
    const ada = await aParticipant(study)
    const file = await aFile(ada, study)
    ok(await ada.put(`${study.path}/participants/me/documents/x`, { a: 1 }))
    const tables = ['studies', 'api_keys', 'participants', 'files', 'versions', 'shelf', 'documents', 'audit_events']
    for (const table of tables) expect([table, await databasesOf(study, table)]).toEqual([table, [database]])
    expect(await placeOf(study)).toEqual({ number: study.number, database, state: 'here' })
    expect((await ada.get(`${study.path}/files/${file.id}/content?delivery=stream`)).text).toBe(HELLO)
  })

  test('has a number that none has in any database', async () => {
    await roomIn(1)
    const one = await aStudy()
    await roomIn(2)
    const other = await aStudy()
    await roomIn(0)
    const third = await aStudy()
    expect(new Set([one, other, third].map(({ number }) => number)).size).toBe(3)
  })

  test('has an id that none has in any database, also where it would be in another', async () => {
    await roomIn(1)
    const { id } = await aStudy()
    await roomIn(2)
    const again = await operator.post('/v1/studies', { id, name: 'Another' })
    expect([again.status, again.body.code]).toEqual([409, 'study_exists'])
    expect(await databasesOf({ id })).toEqual([1])
  })

  test('that was made while there was one database is in the first, and its id is taken', async () => {
    const { id } = ok(await operator.post('/v1/studies', { id: 'there-before', name: 'x' }))
    await env.DB.prepare('DELETE FROM placements WHERE study_id = ?').bind(id).run()
    await roomIn(2)
    expect((await serving().operator.post('/v1/studies', { id, name: 'Another' })).body.code).toBe('study_exists')
    expect((await serving().operator.get(`/v1/studies/${id}`)).status).toBe(200)
  })

  test('whose creation died between its place and its row is nowhere to be seen, and is made by the next', async () => {
    await roomIn(1)
    const shed = overriding(env.SPARE_1, { batch: async () => Promise.reject(new Error('D1 DB is overloaded.')) })
    const study = { id: `died-${Date.now()}`, name: 'x' }
    const once = { 'Idempotency-Key': crypto.randomUUID() }
    const half = serving({ DB_1: shed })
    expect((await half.operator.post('/v1/studies', study, once)).status).toBe(503)
    expect(await placeOf(study)).toMatchObject({ database: 1 })

    expect((await operator.get(`/v1/studies/${study.id}`)).body.code).toBe('study_not_found')
    expect(ok(await operator.get('/v1/studies?limit=100')).items.map(({ id }: { id: string }) => id)).not.toContain(
      study.id,
    )
    expect((await operator.post('/v1/studies', study, once)).status).toBe(201)
    const replayed = await operator.post('/v1/studies', study, once)
    expect([replayed.status, replayed.headers.get('Idempotency-Replayed')]).toEqual([201, 'true'])
    expect(await databasesOf(study)).toEqual([1])
  })
})

test('a creation whose second half fails once is finished by the same request, if it has an Idempotency-Key', async () => {
  await roomIn(1)
  let left = 1
  const flaky = overriding(env.SPARE_1, {
    batch: async <Row>(statements: D1PreparedStatement[]) => {
      if ((left -= 1) >= 0) throw new Error('D1_ERROR: D1 DB is overloaded.')
      return env.SPARE_1.batch<Row>(statements)
    },
  })
  const study = { id: `flaky-${Date.now()}`, name: 'x' }
  const once = { 'Idempotency-Key': crypto.randomUUID() }
  expect((await serving({ DB_1: flaky }).operator.post('/v1/studies', study, once)).status).toBe(201)
  expect(await databasesOf(study)).toEqual([1])
})

test('an id whose study was erased is in the same database again, with its receipts, and under another number', async () => {
  await roomIn(2)
  const { id, number, path } = await aStudy()
  // Its end, as the last step of an erasure leaves it.
  await env.SPARE_2.batch([
    env.SPARE_2.prepare(`UPDATE studies SET id = '~' || number, status = 'erased', name = '' WHERE id = ?`).bind(id),
    env.SPARE_2.prepare(`INSERT INTO erasures (study_id, id, kind, audit_id, state, requested_at, done_at)
      VALUES (?, 'era_01k9z3m8qe5w7v2n4h6j8k0r2t', 'study', 'std_x', 'done', 1, 2)`).bind(id),
  ])
  await roomIn(0)
  const again = ok(await operator.post('/v1/studies', { id, name: 'Again' }))
  expect(again.number).not.toBe(number)
  expect(await databasesOf({ id })).toEqual([2])
  expect((await operator.get(`${path}/erasures/era_01k9z3m8qe5w7v2n4h6j8k0r2t`)).status).toBe(200)
  expect(await placeOf({ id: `~${number}` })).toMatchObject({ number, database: 2 })
})

test('the sweep looks how large each database is', async () => {
  await sweepAt(new Date(), three())
  const { results } = await env.DB.prepare('SELECT database, bytes FROM spaces ORDER BY database').all<{
    bytes: number
  }>()
  expect(results.length).toBe(DATABASES.length)
  for (const { bytes } of results) expect(bytes).toBeGreaterThan(4_096)
})
