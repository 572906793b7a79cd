import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { createDownloadKey, deleteDownloadKey } from '../../src/domain/download-keys.ts'
import { openScope } from '../../src/runtime.ts'
import type { Study } from '../support/builders.ts'
import { DATABASES, migrated, moveTo, roomIn, serving, three } from '../support/databases.ts'
import { overriding, sweepAt } from '../support/faults.ts'
import { aToken, LOGIN } from '../support/tokens.ts'
import { ok, put } from '../support/world.ts'

// What is asked of all studies together, where they are in several databases.

const { operator, as, aStudy, aParticipant, aFile, begin } = serving()
const studies: Study[] = []

beforeAll(async () => {
  await migrated()
  for (const database of [0, 1, 2]) {
    await roomIn(database)
    studies.push(await aStudy({ allowPublic: true }))
  }
})

const bound = () => ({ ...env, ...three() })
const scopeOfOperator = (bindings = bound()) =>
  openScope(bindings, {
    credential: { kind: 'operator' },
    door: 'kidsfirst',
    origin: 'http://localhost',
    now: new Date(),
    context: createExecutionContext(),
  })

test('the operator’s list has the studies of all databases, each once, page by page', async () => {
  const ids: string[] = []
  let cursor = ''
  do {
    const page = ok(await operator.get(`/v1/studies?limit=2${cursor}`))
    ids.push(...page.items.map(({ id }: { id: string }) => id))
    cursor = page.nextCursor === null ? '' : `&cursor=${encodeURIComponent(page.nextCursor)}`
  } while (cursor !== '')
  expect(ids).toEqual([...new Set(ids)].toSorted())
  for (const { id } of studies) expect(ids).toContain(id)
})

test('whoever signs in by a token finds every study that they are a member of', async () => {
  const subject = crypto.randomUUID()
  for (const study of studies) {
    ok(await study.admin.post(`${study.path}/members`, { issuer: LOGIN.issuer, subject, role: 'admin' }))
  }
  const caller = as(await aToken(subject))
  for (const study of studies) expect((await caller.get(study.path)).body.id).toBe(study.id)
  const asking = { query: '{ allStudies { edges { node { kfId } } } }' }
  const { body } = await caller.post('/graphql', asking)
  expect(body.data.allStudies.edges.length).toBe(3)
})

test('the sweep completes what has arrived in each database', async () => {
  const uploads = await Promise.all(
    studies.map(async (study) => {
      const { upload } = await begin(study.worker, study, { participant: null })
      await put(upload.url)
      return { study, id: upload.id }
    }),
  )
  await sweepAt(new Date(Date.now() + 2 * 3_600_000), three())
  for (const { study, id } of uploads) {
    expect((await study.worker.get(`${study.path}/uploads/${id}`)).status).toBe(404)
    expect(ok(await study.worker.get(`${study.path}/files`)).items.length).toBeGreaterThan(0)
  }
})

describe('a key of all studies', () => {
  test('opens those of each database, and none from the answer on that it is revoked by', async () => {
    const name = crypto.randomUUID()
    const { secret } = await createDownloadKey(scopeOfOperator(), undefined, name)
    const files = await Promise.all(studies.map(async (study) => aFile(study.worker, study, { participant: null })))
    const content = async () =>
      Promise.all(
        studies.map(
          async (study, index) =>
            (await as(secret).get(`${study.path}/files/${files[index]?.id}/content?delivery=stream`)).status,
        ),
      )
    expect(await content()).toEqual([200, 200, 200])
    await deleteDownloadKey(scopeOfOperator(), undefined, name)
    expect(await content()).toEqual([401, 401, 401])
    await sweepAt(new Date(), three())
    expect(await content()).toEqual([401, 401, 401])
  })

  test('that one database did not hear of is brought there by the sweep', async () => {
    const deaf = overriding(env.SPARE_2, { batch: async () => Promise.reject(new Error('D1 DB is overloaded.')) })
    const name = crypto.randomUUID()
    const { secret } = await createDownloadKey(scopeOfOperator({ ...env, ...three({ DB_2: deaf }) }), undefined, name)
    const study = studies[2]
    if (study === undefined) throw new Error('There are three.')
    const file = await aFile(study.worker, study, { participant: null })
    const content = async () => (await as(secret).get(`${study.path}/files/${file.id}/content?delivery=stream`)).status
    // Good somewhere, it is nobody there.
    expect(await content()).toBe(404)
    await sweepAt(new Date(), three())
    expect(await content()).toBe(200)
  })

  test('whose revocation did not come through is not said to be revoked, and is when it is asked for again', async () => {
    const name = crypto.randomUUID()
    await createDownloadKey(scopeOfOperator(), undefined, name)
    const deaf = overriding(env.SPARE_1, { batch: async () => Promise.reject(new Error('D1 DB is overloaded.')) })
    await expect(
      deleteDownloadKey(scopeOfOperator({ ...env, ...three({ DB_1: deaf }) }), undefined, name),
    ).rejects.toThrow()
    await deleteDownloadKey(scopeOfOperator(), undefined, name)
    for (const database of DATABASES) {
      const standing = database.prepare(
        `SELECT count(*) AS n FROM api_keys WHERE study_id = '' AND label = ? AND revoked_at IS NULL`,
      )
      expect(await standing.bind(name).first('n')).toBe(0)
    }
  })
})

describe('a host', () => {
  test('is one study’s, whatever database the others are in, and leads to its owner wherever that moves', async () => {
    await roomIn(1)
    const study = await aStudy()
    const ada = await aParticipant(study)
    const [other] = studies
    if (other === undefined) throw new Error('There are three.')
    const grace = await aParticipant(other)
    const host = `${crypto.randomUUID()}.example.org`
    const at = async () => (await as().get(`https://${host}/publickey`)).status
    ok(await operator.put(`${study.path}/hosts/${host}`, { participant: ada.id }))
    expect((await operator.put(`${other.path}/hosts/${host}`, { participant: grace.id })).status).toBe(400)
    expect(await at()).toBe(200)
    await moveTo(operator, study, 2)
    expect(await at()).toBe(200)
    expect((await serving().anonymous.get(`https://${host}/publickey`)).status).toBe(200)
    expect((await operator.delete(`${study.path}/hosts/${host}`)).status).toBe(204)
    expect(await at()).not.toBe(200)
    ok(await operator.put(`${other.path}/hosts/${host}`, { participant: grace.id }))
    expect(await at()).toBe(200)
  })
})

describe('a bookmark', () => {
  test('says which database it is of, and is of no use to another', async () => {
    const [, , study] = studies
    if (study === undefined) throw new Error('There are three.')
    const told = (await study.admin.patch(study.path, { name: 'x' })).headers.get('Carrel-Bookmark') ?? ''
    expect(told).toMatch(/^2\.[0-9a-f]{8}-/)
    const starts: (string | undefined)[] = []
    const watched = (database: D1Database, number: number) =>
      overriding(database, {
        withSession: (start) => {
          starts.push(`${number} ${start}`)
          return database.withSession(start)
        },
      })
    const DB_2 = watched(env.SPARE_2, 2)
    const asked = async (bookmark: string) =>
      serving({ DB_2 }).as(study.admin.key).get(study.path, { 'Carrel-Bookmark': bookmark })
    expect((await asked(told)).status).toBe(200)
    expect((await asked(told.slice(2))).status).toBe(200)
    expect((await asked(told.replace('2.', '1.'))).status).toBe(200)
    expect(starts).toEqual([`2 ${told.slice(2)}`, '2 first-primary', '2 first-primary'])
  })
})
