import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { MOVED_TABLES } from '../../src/storage/moved-tables.ts'
import { copied, DATABASES, databasesOf, migrated, moveTo, roomIn, rowsOf, serving } from '../support/databases.ts'
import { aBusyStudy, aSmallStudy } from '../support/busy.ts'
import { HELLO, ok } from '../support/world.ts'

const service = serving()
const { operator, aStudy, aParticipant } = service
/** On a busy machine. */
const LONG = { timeout: 60_000 }

beforeAll(async () => {
  await migrated()
  await roomIn(0)
})

describe('a study that is moved', () => {
  test('has every row in its new database, none in the one that it was in, and goes on', LONG, async () => {
    const { study, ada, file } = await aBusyStudy(service)
    const before = await rowsOf(study, 0)
    const told = await moveTo(operator, study, 2)
    expect(told.at(-1)).toMatchObject({ database: 2, state: 'here', differs: null })
    expect(await rowsOf(study, 2, before)).toEqual(before)
    for (const { name } of MOVED_TABLES) expect([name, (await rowsOf(study, 0))[name]]).toEqual([name, []])
    expect((await ada.get(`${study.path}/files/${file.id}/content?delivery=stream`)).text).toBe(HELLO)
    expect(ok(await ada.get(`${study.path}/files?q=hello`)).items.length).toBeGreaterThan(0)
    expect(await databasesOf(study, 'versions')).toEqual([2])
    // And back, as it was.
    await moveTo(operator, study, 0)
    expect(await rowsOf(study, 0, before)).toEqual(before)
    expect((await ada.delete(`${study.path}/files/${file.id}`)).status).toBe(204)
  })

  test('is found by whoever remembers where it was', async () => {
    const study = await aStudy()
    const old = serving()
    const admin = old.as(study.admin.key)
    ok(await admin.get(study.path))
    await moveTo(operator, study, 1)
    expect((await admin.get(study.path)).body.id).toBe(study.id)
    expect((await admin.patch(study.path, { name: 'Moved' })).body.name).toBe('Moved')
    // And not only by those who have learnt it since.
    expect((await serving().as(study.admin.key).get(study.path)).body.name).toBe('Moved')
  })

  test('leaves the triggers behind that watched it to nobody', async () => {
    const study = await aStudy()
    await moveTo(operator, study, 2)
    for (const database of DATABASES) {
      const { results } = await database.prepare(`SELECT name FROM sqlite_schema WHERE name GLOB 'moving_*'`).all()
      expect(results).toEqual([])
    }
  })
})

test('every table of studies is moved', async () => {
  const { results } = await env.DB.prepare(
    `SELECT DISTINCT t.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c WHERE t.type = 'table'
      AND c.name = 'study_id' AND t.name NOT GLOB '_cf_*' AND t.name NOT GLOB 'kept_*'`,
  ).all<{ name: string }>()
  const ofDatabases = ['placements', 'absences', 'moves', 'move_changes', 'host_places']
  const moved = results.map(({ name }) => name).filter((name) => !ofDatabases.includes(name))
  expect(MOVED_TABLES.map(({ name }) => name).toSorted()).toEqual([...moved, 'files_fts', 'studies'].toSorted())
})

describe('a move', () => {
  test('is for the operator', async () => {
    const study = await aStudy()
    const told = await study.admin.post(`${study.path}/move`, { database: 1 })
    expect([told.status, told.body.code]).toEqual([403, 'forbidden'])
    expect(await databasesOf(study)).toEqual([0])
  })

  test('is refused to a database that is not there, and of a study that is not', async () => {
    const study = await aStudy()
    expect((await operator.post(`${study.path}/move`, { database: 3 })).body.errors[0].pointer).toBe('/database')
    expect((await operator.post('/v1/studies/nowhere/move', { database: 1 })).body.code).toBe('study_not_found')
  })

  test('is on record, once', async () => {
    const study = await aStudy()
    await moveTo(operator, study, 1)
    const { items } = ok(await study.admin.get(`${study.path}/audit?action=study.move`))
    expect(items.length).toBe(1)
  })

  test('that is given up leaves the study where it was, and nothing of it where it was going', async () => {
    const { study, ada } = await aSmallStudy(service)
    const before = await rowsOf(study, 0)
    await copied(study, 1)
    const busy = await operator.post(`${study.path}/move`, { database: 2 })
    expect([busy.status, busy.body.code]).toEqual([422, 'invalid_body'])
    await moveTo(operator, study, 0)
    expect(await rowsOf(study, 0, before)).toEqual(before)
    expect(await databasesOf(study, 'files')).toEqual([0])
    expect((await ada.get(`${study.path}/files`)).status).toBe(200)
  })

  test.for(['files', 'document_bodies', 'shelf', 'files_fts'])(
    'whose copy of %s differs does not end, and the study stays where it is',
    async (name) => {
      const { study, ada, file } = await aSmallStudy(service)
      const sabotage = async () =>
        env.SPARE_1.prepare(
          {
            files: `UPDATE files SET description = 'not what was said' WHERE study_id = ? AND id = '${file.id}'`,
            document_bodies: `UPDATE document_bodies SET data = '{"a":2}' WHERE study_id = ?`,
            shelf: `DELETE FROM shelf WHERE study_id = ? AND term = ''`,
            files_fts: `DELETE FROM files_fts WHERE rowid >> 24 = (SELECT number FROM studies WHERE id = ?)`,
          }[name] ?? '',
        )
          .bind(study.id)
          .run()
      const told = await moveTo(operator, study, 1, { between: sabotage })
      expect(told.at(-1)).toMatchObject({ database: 0, state: 'copying', differs: name })
      expect((await operator.post(`${study.path}/move`, { database: 1 })).body.differs).toBe(name)
      ok(await ada.put(`${study.path}/participants/me/documents/later`, { a: 1 }))
      expect(await databasesOf(study)).toEqual([0, 1])
      await moveTo(operator, study, 0)
      expect(await databasesOf(study, 'documents')).toEqual([0])
    },
  )
})

test('a key that is revoked while its study moves stays revoked', async () => {
  const study = await aStudy()
  const ada = await aParticipant(study)
  await copied(study, 2)
  ok(await study.admin.delete(`${study.path}/keys/${ada.keyId}`))
  await moveTo(operator, study, 2)
  expect((await ada.get(`${study.path}/participants/me`)).status).toBe(401)
  const other = await aParticipant(study)
  const elsewhere = serving().as(other.key)
  ok(await elsewhere.get(`${study.path}/participants/me`))
  ok(await study.admin.delete(`${study.path}/keys/${other.keyId}`))
  expect((await elsewhere.get(`${study.path}/participants/me`)).status).toBe(401)
})

test('two studies that are moved from one database at once keep what was written to them meanwhile', async () => {
  await roomIn(0)
  const both = await Promise.all([aStudy(), aStudy()])
  const people = await Promise.all(both.map(async (study) => aParticipant(study)))
  const put = async (name: string) =>
    Promise.all(
      both.map(async ({ path }, index) =>
        ok((await people[index]?.put(`${path}/participants/me/documents/${name}`, {})) ?? { status: 500, body: '' }),
      ),
    )
  await put('before')
  const [, , moved] = await Promise.all([
    put('meanwhile'),
    put('beside'),
    Promise.all(both.map(async (study, index) => moveTo(operator, study, 1 + index))),
  ])
  await put('after')
  expect(moved.map((told) => told.at(-1)?.database)).toEqual([1, 2])
  for (const [index, study] of both.entries()) {
    expect((await rowsOf(study, 1 + index))['documents']?.length).toBe(4)
    expect(await databasesOf(study, 'documents')).toEqual([1 + index])
  }
})
