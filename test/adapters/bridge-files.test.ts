// Participant files: begun by a POST, sent to storage, and noticed when somebody looks.

import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { recorded } from '../support/audit.ts'
import { bridgeAs } from '../support/bridge-client.ts'
import type { Caller } from '../support/client.ts'
import { costOf } from '../support/meters.ts'
import { type Recipe, seedBulk } from '../support/seed.ts'
import { aFile, aParticipant, aStudy, HELLO, objectKeyOf, ok, type Study } from '../support/world.ts'

const FILES = '/v3/participants/self/files'
const DAY_MS = 86_400_000
const NO_FILE = {
  statusCode: 404,
  message: 'ParticipantFile not found.',
  type: 'EntityNotFoundException',
  entityClass: 'ParticipantFile',
}

let study: Study

beforeAll(async () => {
  study = await aStudy()
})

async function someone(of = study) {
  const { key, ...rest } = await aParticipant(of)
  return { ...rest, key, bridge: bridgeAs(key) }
}

const create = async (caller: Caller, fileId: string, mimeType = 'text/plain') =>
  ok(await caller.post(`${FILES}/${encodeURIComponent(fileId)}`, { mimeType }))

/** As a client would have sent it, whose type was signed. */
const send = async ({ uploadUrl, mimeType }: { uploadUrl: string; mimeType: string }, bytes = HELLO) =>
  env.BUCKET.put(objectKeyOf(uploadUrl), bytes, { httpMetadata: { contentType: mimeType } })

/** What storage has where a file's redirect leads. */
async function contentOf(caller: Caller, fileId: string) {
  const { status, headers } = await caller.get(`${FILES}/${encodeURIComponent(fileId)}`)
  expect(status).toBe(302)
  const object = await env.BUCKET.get(objectKeyOf(headers.get('Location') ?? ''))
  return object === null ? undefined : object.text()
}

/** Files that come after what a test calls its own. */
const ownedBy = (id: string): Recipe => ({
  owner: `'${id}'`,
  name: `'x'`,
  category: 'NULL',
  source: 'NULL',
  tags: `'[]'`,
  visibility: `'private'`,
})

const iso = (text: string) => new Date(text).toISOString() === text

describe('a file that is created', () => {
  test('has where to send it, for a day', async () => {
    const { bridge, id } = await someone()
    const { status, body } = await bridge.post(`${FILES}/scan`, {
      mimeType: 'image/png',
      fileId: 'other',
      userId: 'other',
      appId: 'other',
      createdOn: '2020-01-01T00:00:00.000Z',
      type: 'ParticipantFile',
    })
    expect(status).toBe(201)
    expect(body).toEqual({
      fileId: 'scan',
      userId: id,
      appId: study.id,
      mimeType: 'image/png',
      createdOn: expect.toSatisfy(iso),
      uploadUrl: expect.stringContaining('/in/'),
      expiresOn: expect.toSatisfy(iso),
      type: 'ParticipantFile',
    })
    expect(Date.parse(body.expiresOn) - Date.parse(body.createdOn)).toBe(DAY_MS)
    const url = new URL(body.uploadUrl)
    expect(url.searchParams.get('X-Amz-Expires')).toBe('86400')
    expect(url.searchParams.get('X-Amz-SignedHeaders')).toBe('content-type;host')
  })

  test.each(['text/plain', 'text/plain; charset=utf-8', 'application/vnd.x+json', 'audio/mp4;codecs="mp4a.40.2"'])(
    'may be of %s',
    async (mimeType) => {
      const { bridge } = await someone()
      const created = await create(bridge, 'x', mimeType)
      expect(created.mimeType).toBe(mimeType)
      await send(created)
      expect(ok(await bridge.get(FILES)).items).toMatchObject([{ mimeType }])
    },
  )

  test.each([
    ['{}', 'is required'],
    ['{"mimeType":null}', 'is required'],
    ['{"mimeType":" "}', 'is required'],
    ['{"mimeType":"nonsense"}', 'must be a media type, like text/plain'],
    ['{"mimeType":7}', 'must be a media type, like text/plain'],
    ['{"mimeType":"text/plain\\r\\nX-Evil: 1"}', 'must be a media type, like text/plain'],
    ['{"mimeType":"text/plän"}', 'must be a media type, like text/plain'],
    [JSON.stringify({ mimeType: `text/${'x'.repeat(251)}` }), 'must be a media type, like text/plain'],
  ])('is not, with %s', async (body, why) => {
    const { bridge } = await someone()
    const answer = await bridge.post(`${FILES}/x`, body)
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({
      statusCode: 400,
      type: 'InvalidEntityException',
      message: `ParticipantFile is invalid: mimeType ${why}`,
      errors: { mimeType: [`mimeType ${why}`] },
      entity: { type: 'ParticipantFile' },
    })
    expect(ok(await bridge.get(FILES)).items).toEqual([])
  })

  test.each(['a b.txt', 'ä/ö', '😀', 'x'.repeat(255), "'; --", '..x'])('may be called %s', async (fileId) => {
    const { bridge } = await someone()
    const path = `${FILES}/${encodeURIComponent(fileId)}`
    const created = await create(bridge, fileId)
    expect(created.fileId).toBe(fileId)
    await send(created)
    expect(await contentOf(bridge, fileId)).toBe(HELLO)
    expect((await bridge.delete(path)).status).toBe(200)
  })

  test.each(['%20', 'x'.repeat(256), 'a%00'])('may not be called %s', async (fileId) => {
    const { bridge } = await someone()
    for (const { status, body } of [
      await bridge.post(`${FILES}/${fileId}`, { mimeType: 'text/plain' }),
      await bridge.get(`${FILES}/${fileId}`),
      await bridge.delete(`${FILES}/${fileId}`),
    ]) {
      expect([status, body.type]).toEqual([400, 'BadRequestException'])
    }
  })

  test('is private, and its owner’s by whatever door', async () => {
    const person = await someone()
    await send(await create(person.bridge, 'diary'))
    const [listed] = ok(await person.bridge.get(FILES)).items
    expect(listed.fileId).toBe('diary')
    const native = ok(await person.get(`${study.path}/participants/me/files/diary`))
    expect(native).toMatchObject({ name: 'diary', visibility: 'private', version: { size: HELLO.length } })
    const stranger = await someone()
    for (const answer of [
      await stranger.bridge.get(`${FILES}/diary`),
      await stranger.bridge.delete(`${FILES}/diary`),
    ]) {
      expect([answer.status, answer.body]).toEqual([404, NO_FILE])
    }
    expect(ok(await stranger.bridge.get(FILES)).items).toEqual([])
    // One that was made elsewhere goes by its id here.
    const elsewhere = await aFile(person, study)
    expect(await contentOf(person.bridge, elsewhere.id)).toBe(HELLO)
  })
})

describe('a file', () => {
  test('is there from when it was created, though storage has nothing of it', async () => {
    const { bridge } = await someone()
    const created = await create(bridge, 'x')
    const { uploadUrl: _, expiresOn: __, ...listed } = created
    expect(ok(await bridge.get(FILES)).items).toEqual([listed])
    const { status, body, headers } = await bridge.get(`${FILES}/x`)
    expect(status).toBe(302)
    expect(body).toEqual({ ...listed, downloadUrl: headers.get('Location'), expiresOn: expect.toSatisfy(iso) })
    expect(await env.BUCKET.head(objectKeyOf(body.downloadUrl))).toBeNull()
    // That URL comes to lead somewhere.
    await send(created)
    expect(await contentOf(bridge, 'x')).toBe(HELLO)
    expect(await (await env.BUCKET.get(objectKeyOf(body.downloadUrl)))?.text()).toBe(HELLO)
    expect(ok(await bridge.get(FILES)).items).toEqual([listed])
  })

  test('is had by a URL that lives for a day, and answers with the type that it was sent with', async () => {
    const { bridge } = await someone()
    await send(await create(bridge, 'x'))
    const before = Date.now()
    const { body, headers } = await bridge.get(`${FILES}/x`)
    expect(Date.parse(body.expiresOn) - before).toBeLessThanOrEqual(DAY_MS + 1_000)
    expect(Date.parse(body.expiresOn) - before).toBeGreaterThanOrEqual(DAY_MS)
    const { searchParams } = new URL(headers.get('Location') ?? '')
    expect(searchParams.get('X-Amz-Expires')).toBe('86400')
    expect(searchParams.get('response-content-type')).toBe('text/plain')
    expect(headers.get('Cache-Control')).toBe('no-store')
    const head = await bridge.head(`${FILES}/x`)
    expect([head.status, head.text]).toEqual([302, ''])
    expect(head.headers.get('Location')).not.toBe(headers.get('Location'))
  })

  test('that is replaced keeps its bytes until the new ones are there', async () => {
    const { bridge } = await someone()
    await send(await create(bridge, 'x'))
    await bridge.get(FILES)
    const again = await create(bridge, 'x', 'text/markdown')
    expect(await contentOf(bridge, 'x')).toBe(HELLO)
    expect(ok(await bridge.get(FILES)).items).toMatchObject([{ fileId: 'x', mimeType: 'text/plain' }])
    await send(again, 'new bytes')
    expect(await contentOf(bridge, 'x')).toBe('new bytes')
    expect(ok(await bridge.get(FILES)).items).toMatchObject([{ mimeType: 'text/markdown', createdOn: again.createdOn }])
  })

  test('that was created again before it came is what came last', async () => {
    const { bridge } = await someone()
    const [first, second] = [await create(bridge, 'x'), await create(bridge, 'x', 'text/markdown')]
    expect(ok(await bridge.get(FILES)).items).toMatchObject([{ mimeType: 'text/markdown' }])
    await send(second, 'second')
    await send(first, 'first')
    expect(await contentOf(bridge, 'x')).toBe('second')
  })

  test('is deleted with its bytes, sent or not, and then not there', async () => {
    const { bridge } = await someone()
    await send(await create(bridge, 'sent'))
    await bridge.get(FILES)
    await create(bridge, 'unsent')
    const events = await recorded(study, async () => {
      for (const fileId of ['sent', 'unsent']) {
        const { status, body } = await bridge.delete(`${FILES}/${fileId}`)
        expect([status, body]).toEqual([200, { message: 'Participant file deleted.', type: 'StatusMessage' }])
        for (const answer of [await bridge.get(`${FILES}/${fileId}`), await bridge.delete(`${FILES}/${fileId}`)]) {
          expect([answer.status, answer.body]).toEqual([404, NO_FILE])
        }
      }
    })
    expect(events.filter(({ action }) => action === 'file.delete')).toHaveLength(2)
    expect(ok(await bridge.get(FILES)).items).toEqual([])
  })
})

describe('a list of files', () => {
  test('is by fileId, what came and what did not alike, and goes on from a key', async () => {
    const { bridge } = await someone()
    const all = ['Z', 'a', 'b', 'c', 'é', '😀']
    for (const [index, fileId] of all.toReversed().entries()) {
      const created = await create(bridge, fileId)
      if (index % 2 === 0) await send(created)
    }
    const { body: first } = await bridge.get(`${FILES}?pageSize=5`)
    expect(first.items.map(({ fileId }: { fileId: string }) => fileId)).toEqual(all.slice(0, 5))
    expect(first).toMatchObject({
      hasNext: true,
      requestParams: { pageSize: 5, type: 'RequestParams' },
      type: 'ForwardCursorPagedResourceList',
    })
    const offsetKey = first.nextPageOffsetKey
    const { body: last } = await bridge.get(`${FILES}?pageSize=5&offsetKey=${offsetKey}`)
    expect(last).toEqual({
      items: [expect.objectContaining({ fileId: '😀', type: 'ParticipantFile' })],
      hasNext: false,
      requestParams: { pageSize: 5, offsetKey, type: 'RequestParams' },
      type: 'ForwardCursorPagedResourceList',
    })
    expect(Object.keys(last.items[0])).toEqual(['fileId', 'userId', 'appId', 'mimeType', 'createdOn', 'type'])
    const full = await bridge.get(`${FILES}?pageSize=6`)
    expect([full.body.items.length, full.body.hasNext]).toEqual([6, false])
  })

  test('costs few trips and the rows of its page, however many there are', async () => {
    const { bridge, key, id } = await someone()
    for (const fileId of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']) {
      const created = await create(bridge, fileId)
      await create(bridge, fileId)
      if (fileId > 'e') await send(created)
    }
    ok(await bridge.get(FILES))
    const list = async () =>
      costOf({ key: undefined }, async (c) => c.get(`${FILES}?pageSize=5`, { 'Bridge-Session': key ?? '' }))
    const few = await list()
    await seedBulk(study, { from: 1, to: 500, recipe: ownedBy(id) })
    const { cost, answer } = await list()
    expect(cost.rows).toBe(few.cost.rows)
    expect(answer.body.items).toHaveLength(5)
    const [plan] = await Promise.all(
      cost.asked
        .filter(({ sql }) => sql.includes('INDEXED BY files_handle'))
        .map(async ({ sql, params }) => {
          const explained = env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`).bind(...params)
          return (await explained.all<{ detail: string }>()).results.map(({ detail }) => detail)
        }),
    )
    expect(plan).toContainEqual(
      expect.stringMatching(/^SEARCH f USING INDEX files_handle \(study_id=\? AND owner=\? AND handle>\?\)/),
    )
    expect(plan).toContainEqual(expect.stringMatching(/^SEARCH u USING PRIMARY KEY .*LEFT-JOIN/))
    expect(plan?.filter((step) => /TEMP B-TREE|^SCAN (?!CONSTANT)/.test(step) && step !== 'SCAN who')).toEqual([])
    // To find out whose number it is, what has arrived, and the page.
    expect(cost.trips).toBe(3)
    // Six of the page, their newest uploads, the caller's own row at each mention, and what is looked at for arrivals.
    expect(cost.rows).toBeLessThanOrEqual(90)
  })
})
