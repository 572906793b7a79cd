// Participant data: JSON under an identifier, for its participant, a worker and an administrator.

import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { recorded } from '../support/audit.ts'
import { bridgeAs } from '../support/bridge-client.ts'
import type { Caller } from '../support/callers.ts'
import { aParticipant, aStudy, ok, type Participant, type Study } from '../support/world.ts'

const OWN = '/v3/users/self/data'
const SAVED = [201, { message: 'Participant data saved.', type: 'StatusMessage' }]
const NO_DATA = {
  statusCode: 404,
  message: 'ParticipantData not found.',
  type: 'EntityNotFoundException',
  entityClass: 'ParticipantData',
}

let study: Study
let participant: Participant
let mine: Caller
let worker: Caller
let admin: Caller
/** Where a participant's data are to the team. */
const of = ({ id }: { id: string }) => `/v1/apps/${study.id}/participants/${id}/data`

beforeAll(async () => {
  study = await aStudy()
  participant = await aParticipant(study)
  ;[mine, worker, admin] = [bridgeAs(participant.key), bridgeAs(study.worker.key), bridgeAs(study.admin.key)]
})

async function someone() {
  const { key, ...rest } = await aParticipant(study)
  return { ...rest, key, bridge: bridgeAs(key) }
}

describe('data', () => {
  test.each([
    '{"theme":"dark"}',
    '[1,2,3]',
    '"text"',
    'false',
    '0',
    '12345678901234567890.10',
    '{ "a" : 1e400 , "b" :\n"\\u0041\\ud83d\\ude00" }',
    '""',
    '{"data":{"data":null}}',
  ])('%s comes back as it was put, to the byte', async (value) => {
    const saved = await mine.post(
      `${OWN}/value`,
      `{"identifier":"other","x":[],"data":${value},"type":"ParticipantData"}`,
    )
    expect([saved.status, saved.body]).toEqual(SAVED)
    const { status, text } = await mine.get(`${OWN}/value`)
    expect([status, text]).toEqual([200, `{"identifier":"value","data":${value},"type":"ParticipantData"}`])
    expect((await worker.get(`${of(participant)}/value`)).text).toBe(text)
  })

  test.each(['{}', '{"data":null}', '{"data": null }', '{"data":1,"data":null}'])(
    '%s is data without a value',
    async (body) => {
      expect((await mine.post(`${OWN}/none`, body)).status).toBe(201)
      expect((await mine.get(`${OWN}/none`)).text).toBe('{"identifier":"none","type":"ParticipantData"}')
    },
  )

  test.each(['a b', 'ä/ö', '😀', '..x', 'a+b?&', "'; --", 'x'.repeat(255), '__proto__', 'constructor'])(
    'is kept under %s',
    async (identifier) => {
      const path = `${OWN}/${encodeURIComponent(identifier)}`
      expect((await mine.post(path, { data: 1 })).status).toBe(201)
      expect((await mine.get(path)).body).toEqual({ identifier, data: 1, type: 'ParticipantData' })
      expect((await mine.delete(path)).status).toBe(200)
    },
  )

  test.each(['x'.repeat(256), 'a%00b', '%0A'])('is not kept under %s', async (identifier) => {
    for (const { status, body } of [
      await mine.post(`${OWN}/${identifier}`, { data: 1 }),
      await mine.get(`${OWN}/${identifier}`),
      await mine.delete(`${OWN}/${identifier}`),
    ]) {
      expect([status, body.type]).toEqual([400, 'BadRequestException'])
    }
  })

  test('is replaced, deleted, and then not there', async () => {
    const path = `${OWN}/gone`
    await mine.post(path, { data: 1 })
    expect((await mine.post(path, { data: 2 })).status).toBe(201)
    expect((await mine.get(path)).body.data).toBe(2)
    expect((await mine.head(path)).status).toBe(200)
    const { status, body } = await mine.delete(path)
    expect([status, body]).toEqual([200, { message: 'Participant data record deleted.', type: 'StatusMessage' }])
    for (const answer of [await mine.get(path), await mine.delete(path)]) {
      expect([answer.status, answer.body]).toEqual([404, NO_DATA])
    }
  })

  test('is its participant’s alone, and the native API’s document', async () => {
    const [one, other] = [await someone(), await someone()]
    await one.bridge.post(`${OWN}/diary`, { data: 'mine' })
    expect((await other.bridge.get(`${OWN}/diary`)).status).toBe(404)
    expect((await one.get(`${study.path}/participants/me/documents/diary`)).body).toBe('mine')
    const events = await recorded(study, async () => one.bridge.post(`${OWN}/diary`, { data: 'new' }))
    expect(events).toEqual([expect.objectContaining({ door: 'bridge', action: 'document.put' })])
  })

  test('that does not fit the study’s schema is refused, and so is more than it may hold', async () => {
    const strict = await aStudy({ maxDocuments: 1 })
    const { key } = await aParticipant(strict)
    ok(
      await strict.admin.put(`${strict.path}/document-schemas/steps`, {
        type: 'object',
        properties: { count: { type: 'number' } },
      }),
    )
    const caller = bridgeAs(key)
    const { status, body } = await caller.post(`${OWN}/steps`, { data: { count: 'many' } })
    expect([status, body.type]).toEqual([400, 'InvalidEntityException'])
    expect(body.errors['data.count'][0]).toMatch(/^data\.count /)
    expect((await caller.post(`${OWN}/steps`, { data: { count: 1 } })).status).toBe(201)
    const over = await caller.post(`${OWN}/more`, { data: 1 })
    expect([over.status, over.body.type]).toEqual([400, 'BadRequestException'])
    expect(over.body.message).toContain('maxDocuments')
  })
})

describe('a list of data', () => {
  test('has identifiers, in the order of their bytes, and goes on from a key', async () => {
    const { bridge, ...person } = await someone()
    const all = ['Z', 'a', 'b', 'c', 'é', '😀']
    for (const identifier of all.toReversed())
      await bridge.post(`${OWN}/${encodeURIComponent(identifier)}`, { data: 1 })
    for (const [caller, path] of [
      [bridge, OWN],
      [worker, of(person)],
    ] as const) {
      const { body: first } = await caller.get(`${path}?pageSize=5`)
      expect(first).toEqual({
        items: all.slice(0, 5),
        nextPageOffsetKey: expect.any(String),
        hasNext: true,
        requestParams: { type: 'RequestParams' },
        type: 'ForwardCursorPagedResourceList',
        offsetKey: first.nextPageOffsetKey,
        total: 5,
      })
      const { body: last } = await caller.get(`${path}?pageSize=5&offsetKey=${first.nextPageOffsetKey}`)
      expect(last).toEqual({
        items: all.slice(5),
        hasNext: false,
        requestParams: { type: 'RequestParams' },
        type: 'ForwardCursorPagedResourceList',
        total: 1,
      })
    }
  })

  test('of nothing says so', async () => {
    const { bridge } = await someone()
    expect((await bridge.get(OWN)).body).toEqual({
      items: [],
      hasNext: false,
      requestParams: { type: 'RequestParams' },
      type: 'ForwardCursorPagedResourceList',
    })
  })
})

describe('an ETag', () => {
  async function saved() {
    const person = await someone()
    await person.bridge.post(`${OWN}/x`, { data: 1 })
    const etag = (await person.bridge.get(`${OWN}/x`)).headers.get('ETag') ?? ''
    return { ...person, etag }
  }

  test('has no quotes, and changes with every save', async () => {
    const { bridge, etag } = await saved()
    expect(etag).toMatch(/^[0-9a-f]{32}$/)
    const again = await bridge.post(`${OWN}/x`, { data: 1 })
    const { headers } = await bridge.get(`${OWN}/x`)
    expect(headers.get('ETag')).toBe(again.headers.get('ETag'))
    expect(headers.get('ETag')).not.toBe(etag)
    expect(headers.get('Cache-Control')).toBe('private, no-cache')
  })

  test('that is still so is answered without the data, with quotes or without', async () => {
    const { bridge, etag, id } = await saved()
    for (const shown of [etag, `"${etag}"`, `W/"${etag}"`]) {
      for (const { status, text, headers } of [
        await bridge.get(`${OWN}/x`, { 'If-None-Match': shown }),
        await worker.get(`${of({ id })}/x`, { 'If-None-Match': shown }),
      ]) {
        expect([status, text, headers.get('ETag')], shown).toEqual([304, '', etag])
      }
    }
    for (const other of ['', '"', etag.toUpperCase(), etag.slice(1), `${etag}, ${etag}`]) {
      expect((await bridge.get(`${OWN}/x`, { 'If-None-Match': other })).status, other).toBe(200)
    }
  })

  test('is looked at before the consent is', async () => {
    const { bridge, etag, id } = await saved()
    ok(await study.admin.patch(`${study.path}/participants/${id}`, { status: 'withdrawn' }))
    expect((await bridge.get(`${OWN}/x`, { 'If-None-Match': etag })).status).toBe(304)
    for (const path of [`${OWN}/x`, `${OWN}/nothing`]) {
      const { status, body, text } = await bridge.get(path, { 'If-None-Match': 'x' })
      expect([status, body.type]).toEqual([412, 'UserSessionInfo'])
      expect(text).not.toContain('"data"')
    }
    expect((await bridgeAs('garbage').get(`${OWN}/x`, { 'If-None-Match': etag })).status).toBe(401)
    expect((await worker.get(`${OWN}/x`, { 'If-None-Match': etag })).status).toBe(412)
  })

  test('that is stale keeps a save from happening', async () => {
    const { bridge, etag } = await saved()
    const conflict = {
      statusCode: 409,
      message: expect.stringContaining('changed'),
      type: 'ConcurrentModificationException',
    }
    const save = async (path: string, match: string) =>
      bridge.post(`${OWN}/${path}`, { data: 2 }, { 'If-Match': match })
    for (const [path, match] of [
      ['x', 'stale'],
      ['nothing', etag],
      ['nothing', '*'],
    ] as const) {
      const { status, body } = await save(path, match)
      expect([status, body], `${path} ${match}`).toEqual([409, conflict])
    }
    expect((await bridge.get(`${OWN}/nothing`)).status).toBe(404)
    // Of two that saw the same, one wins.
    const both = await Promise.all([save('x', etag), save('x', `"${etag}"`)])
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([201, 409])
    expect((await save('x', '*')).status).toBe(201)
  })
})

describe('the team', () => {
  test('a worker saves and reads, an administrator deletes', async () => {
    const { bridge, ...person } = await someone()
    const saved = await worker.post(`${of(person)}/plan`, { data: [1] })
    expect([saved.status, saved.body]).toEqual(SAVED)
    expect((await bridge.get(`${OWN}/plan`)).body.data).toEqual([1])
    const { status, body } = await admin.delete(`${of(person)}/plan`)
    expect([status, body]).toEqual([200, { message: 'Participant data deleted.', type: 'StatusMessage' }])
    for (const answer of [await admin.delete(`${of(person)}/plan`), await bridge.get(`${OWN}/plan`)]) {
      expect([answer.status, answer.body]).toEqual([404, NO_DATA])
    }
  })

  test('an administrator deletes all of a participant’s, however many, and nothing of others’', async () => {
    const [one, other] = [await someone(), await someone()]
    await seedDocuments(one, 450)
    await seedDocuments(other, 3)
    const events = await recorded(study, async () => {
      const { status, body } = await admin.delete(of(one))
      expect([status, body]).toEqual([200, { message: 'Participant data deleted.', type: 'StatusMessage' }])
    })
    expect(events.filter(({ action, door }) => action === 'document.delete' && door === 'bridge')).toHaveLength(450)
    expect(new Set(events.map(({ object }) => object)).size).toBe(450)
    expect(await rowsOf(one)).toEqual([0, 0])
    expect(await rowsOf(other)).toEqual([3, 3])
    // What is too long to go in one request goes in the next.
    await seedDocuments(one, 45, 20_000_000)
    expect((await admin.delete(of(one))).body).toMatchObject({ statusCode: 503, type: 'ServiceUnavailableException' })
    for (const _ of [1, 2]) expect((await admin.delete(of(one))).status).toBe(200)
    expect(await rowsOf(one)).toEqual([0, 0])
  })
})

/** Documents straight into the database: more of them than calls make in a test's time. */
async function seedDocuments({ id }: { id: string }, count: number, size = 1): Promise<void> {
  const series = `WITH RECURSIVE series(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < ${count})`
  await env.DB.batch([
    env.DB.prepare(`INSERT INTO documents ${series} SELECT ?1, ?2, 'd' || i, ?2 || i, ${size}, 0, 0 FROM series`).bind(
      study.id,
      id,
    ),
    env.DB.prepare(`INSERT INTO document_bodies ${series} SELECT ?1, ?2, 'd' || i, '1' FROM series`).bind(study.id, id),
  ])
}

async function rowsOf({ id }: { id: string }): Promise<number[]> {
  const counts = await env.DB.batch<{ count: number }>(
    ['documents', 'document_bodies'].map((table) =>
      env.DB.prepare(`SELECT count(*) AS count FROM ${table} WHERE study_id = ? AND participant_id = ?`).bind(
        study.id,
        id,
      ),
    ),
  )
  return counts.map(({ results }) => results[0]?.count ?? -1)
}
