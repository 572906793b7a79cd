// Files of a HAT on their way in: named, begun, sent, completed. The document's own examples are replayed over HTTP in
// `test/e2e/hat.test.ts`.

import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { fileIdOf } from '../../src/adapters/hat/file-ids.ts'
import { aCompleted, aHat, aNew, atHat, FILES, type Hat, send } from '../support/hat.ts'
import { deliver } from '../support/faults.ts'
import { costOf } from '../support/meters.ts'
import { seedBulk } from '../support/seed.ts'
import { aParticipant, objectKeyOf, ok } from '../support/world.ts'

let hat: Hat
/** Another participant of the study, whose HAT it is not. */
let other: ReturnType<typeof atHat>

beforeAll(async () => {
  hat = await aHat({ owner: { id: 'ada' } })
  other = atHat(hat.host, (await aParticipant(hat.study, { id: 'bob' })).key)
})

const file = (fileId: string) => `${FILES}/file/${fileId}`
const search = async (client = hat.owner, template: object = {}) =>
  ok(await client.post(`${FILES}/search`, { name: '', source: '', ...template }))

describe('the id of a file', () => {
  test.each([
    ['test', 'testFile.png', 'testtestfile.png'],
    ['test', 'testFile', 'testtestfile'],
    ['rumpel', 'My Photo.JPG', 'rumpelmyphoto.jpg'],
    ['x', 'a.tar.gz', 'xatar.gz'],
    ['x', 'under_score-and hyphen.txt', 'xunder_scoreandhyphen.txt'],
    ['', 'Übergröße.PDF', 'ubergroe.pdf'],
    ['x', 'ends with a dot.', 'xendswithadot'],
    ['', '日本.png', 'file.png'],
    ['', '..', 'file'],
    ['日', '本', 'file'],
    ['x', 'a'.repeat(255), `x${'a'.repeat(199)}`],
  ])('of %j and %j is %s', (source, name, id) => {
    const { stem, ending } = fileIdOf({ source, name })
    expect(stem + ending).toBe(id)
  })

  test('has a number where it is taken, also with spaces in the name', async () => {
    const idOf = async (name: string) => (await aNew(hat.owner, { name, source: 'ids' })).fileId
    const ids = []
    for (let index = 0; index < 13; index += 1) ids.push(await idOf('test File.png'))
    expect(ids.slice(0, 3)).toEqual(['idstestfile.png', 'idstestfile-1.png', 'idstestfile-2.png'])
    expect(ids.at(-1)).toBe('idstestfile-12.png')
    expect(await idOf('test File')).toBe('idstestfile')
    expect(await idOf('test_File.png')).toBe('idstest_file.png')
  })

  test('is of one file alone, when fifty are begun at once', async () => {
    const begun = await Promise.all(
      Array.from({ length: 50 }, async (_, index) =>
        aNew(hat.owner, { name: 'a b.txt', source: 'at once', title: `${index}` }),
      ),
    )
    expect(new Set(begun.map(({ fileId }) => fileId)).size).toBe(50)
    expect(new Set(begun.map(({ contentUrl }) => objectKeyOf(contentUrl))).size).toBe(50)
    expect(begun.map(({ fileId }) => fileId)).toContain('atonceab-49.txt')
    expect(await search(hat.owner, { source: 'at once' })).toHaveLength(50)
  })

  test('is found in few look-ups, however many of the name there are', async () => {
    const { study, person, host } = await aHat()
    const recipe = {
      owner: `'${person.id}'`,
      name: `'n'`,
      category: 'NULL',
      source: 'NULL',
      tags: `'[]'`,
      visibility: `'private'`,
    }
    await seedBulk(study, { from: 1, to: 2_000, recipe })
    await env.DB.prepare(
      `UPDATE files SET handle = CASE CAST(substr(id, 5) AS INTEGER) WHEN 1 THEN 'bulkn'
        ELSE 'bulkn-' || (CAST(substr(id, 5) AS INTEGER) - 1) END WHERE study_id = ?`,
    )
      .bind(study.id)
      .run()
    const { cost, answer } = await costOf({ key: undefined }, async (c) =>
      c.post(`http://${host}${FILES}/upload`, { name: 'n', source: 'bulk' }, { 'X-Auth-Token': person.key ?? '' }),
    )
    // The host, the file, and that the key was used.
    expect([answer.body.fileId, cost.trips]).toEqual(['bulkn-2000', 3])
    expect(cost.rows).toBeLessThan(80)
  })

  test('is that of a HAT: another person has the same', async () => {
    const elsewhere = await aHat({ study: hat.study })
    const mine = await aNew(hat.owner, { name: 'same.txt', source: 'twice' })
    const theirs = await aNew(elsewhere.owner, { name: 'same.txt', source: 'twice' })
    expect(theirs.fileId).toBe(mine.fileId)
    expect((await elsewhere.owner.get(file(mine.fileId))).body.permissions).toEqual([
      { userId: elsewhere.person.id, contentReadable: true },
    ])
  })
})

describe('an upload', () => {
  test('is answered 200 with the whole file, and nothing that is null', async () => {
    const before = Date.now()
    const sent = {
      name: 'testFile.png',
      source: 'whole',
      tags: ['tag1', 'tag2', 'tag1'],
      title: 'test Title',
      description: 'a very interesting test file',
      sourceURL: 'https://example.org/a?b=c',
      dateCreated: 1487871142325,
      lastUpdated: 5,
      fileId: 'mine.png',
      status: { status: 'Completed' },
      contentUrl: 'https://example.org/evil',
      contentPublic: true,
      permissions: [{ userId: 'bob', contentReadable: true }],
    }
    const answer = await hat.owner.post(`${FILES}/upload`, sent)
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({
      fileId: 'wholetestfile.png',
      name: 'testFile.png',
      source: 'whole',
      tags: ['tag1', 'tag2'],
      title: 'test Title',
      description: 'a very interesting test file',
      sourceURL: 'https://example.org/a?b=c',
      dateCreated: 1487871142325,
      lastUpdated: expect.any(Number),
      status: { status: 'New' },
      contentUrl: expect.stringContaining('X-Amz-Expires=300'),
      contentPublic: false,
      permissions: [{ userId: 'ada', contentReadable: true }],
    })
    expect(answer.body.lastUpdated).toBeGreaterThanOrEqual(before)
    expect(answer.headers.get('Cache-Control')).toBe('no-store')

    const bare = await aNew(hat.owner, { name: 'bare', source: '', tags: null, title: '', dateCreated: null })
    expect(Object.keys(bare)).toEqual([
      'fileId',
      'name',
      'source',
      'dateCreated',
      'lastUpdated',
      'status',
      'contentUrl',
      'contentPublic',
      'permissions',
    ])
  })

  test('signs the header that clients send, and a content type only where one was said', async () => {
    const signed = (url: string) => new URL(url).searchParams.get('X-Amz-SignedHeaders')
    const [bare, typed] = [await aNew(hat.owner), await aNew(hat.owner, { contentType: 'image/png' })]
    expect(signed(bare.contentUrl)).toBe('host;x-amz-server-side-encryption')
    expect(signed(typed.contentUrl)).toBe('content-type;host;x-amz-server-side-encryption')
    expect(typed).not.toHaveProperty('contentType')
  })

  test.each([
    ['no name', { source: 'x' }, { 'obj.name': [{ msg: ['error.path.missing'], args: [] }] }],
    ['a number for a name', { name: 1, source: 'x' }, { 'obj.name': [{ msg: ['error.expected.jsstring'], args: [] }] }],
    ['no source', { name: 'x' }, { 'obj.source': [{ msg: ['error.path.missing'], args: [] }] }],
    ['a source of null', { name: 'x', source: null }, { 'obj.source': expect.anything() }],
    [
      'tags that are text',
      { name: 'x', source: '', tags: 'a' },
      { 'obj.tags': [{ msg: ['error.expected.jsarray'], args: [] }] },
    ],
    ['a tag that is none', { name: 'x', source: '', tags: ['a', 2] }, { 'obj.tags[1]': expect.anything() }],
    ['half a character', { name: '\ud800', source: '' }, { 'obj.name': expect.anything() }],
    ['an empty name', { name: '', source: 'x' }, { 'obj.name': expect.anything() }],
    [
      'a media type that is none',
      { name: 'x', source: '', contentType: 'a\r\nb' },
      { 'obj.contentType': expect.anything() },
    ],
    [
      'a date that is none',
      { name: 'x', source: '', dateCreated: 'tomorrow' },
      { 'obj.dateCreated': expect.anything() },
    ],
    ['a date of no year', { name: 'x', source: '', dateCreated: 1e300 }, { 'obj.dateCreated': expect.anything() }],
    ['a list', [], { obj: [{ msg: ['error.expected.jsobject'], args: [] }] }],
    ['null', 'null', { obj: expect.anything() }],
    ['what is no JSON', '{"name": "x", "source": "y",,}', expect.stringContaining('JSON')],
    ['nothing', '', expect.stringContaining('JSON')],
  ])('with %s is refused, and says where', async (_, body, message) => {
    const refused = await hat.owner.post(`${FILES}/upload`, body)
    expect([refused.status, refused.body]).toEqual([400, { error: 'Bad Request', message }])
  })

  test('takes a date in either way that clients write one', async () => {
    for (const time of ['2017-02-23T17:32:22.325Z', '0000-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'])
      expect((await aNew(hat.owner, { dateCreated: time })).dateCreated).toBe(Date.parse(time))
  })

  test('is for the owner to begin, or for a machine of the study', async () => {
    const body = { name: 'x', source: 'y' }
    expect((await hat.nobody.post(`${FILES}/upload`, body)).body).toEqual({
      error: 'Not Authenticated',
      message: 'Not Authenticated',
    })
    const refused = [
      await other.post(`${FILES}/upload`, body),
      await atHat(hat.host, hat.study.staff.key).post(`${FILES}/upload`, body),
    ]
    for (const { status, body: said } of refused) {
      expect([status, said]).toEqual([403, { error: 'Forbidden', message: 'Access Denied' }])
    }
    const byWorker = await aNew(atHat(hat.host, hat.study.worker.key), { name: 'by a worker', source: 'x' })
    expect((await hat.owner.get(file(byWorker.fileId))).status).toBe(200)
  })

  test('is refused of who has left the study', async () => {
    const left = await aHat({ study: hat.study })
    const { fileId } = await aCompleted(left.owner)
    ok(await hat.study.admin.patch(`${hat.study.path}/participants/${left.person.id}`, { status: 'withdrawn' }))
    expect((await left.owner.post(`${FILES}/upload`, { name: 'x', source: 'y' })).status).toBe(403)
    expect((await left.owner.get(file(fileId))).status).toBe(200)
  })
})

describe('completing', () => {
  test('tells the size, again and again, and no URL', async () => {
    const { fileId, contentUrl, lastUpdated } = await aNew(hat.owner, { source: 'done' })
    await send(contentUrl, 'hello world', 'image/png')
    const once = await hat.owner.put(`${file(fileId)}/complete`)
    expect([once.status, once.body.status]).toEqual([200, { size: 11, status: 'Completed' }])
    expect(once.body.permissions).toEqual([{ userId: 'ada', contentReadable: true }])
    expect(once.body).not.toHaveProperty('contentUrl')
    expect(once.body.lastUpdated).toBeGreaterThanOrEqual(lastUpdated)
    expect((await hat.owner.put(`${file(fileId)}/complete`)).body).toEqual(once.body)
    const { contentUrl: from } = (await hat.owner.get(file(fileId))).body
    expect(new URL(from).searchParams.get('response-content-type')).toBe('image/png')
  })

  test('is refused while nothing is there, or nothing in it', async () => {
    const refusal = { message: 'File not available', cause: 'Not fully uploaded file can not be completed' }
    const { fileId, contentUrl } = await aNew(hat.owner, { source: 'empty' })
    const before = await hat.owner.put(`${file(fileId)}/complete`)
    expect([before.status, before.body]).toEqual([400, refusal])
    await send(contentUrl, '')
    expect((await hat.owner.put(`${file(fileId)}/complete`)).body).toEqual(refusal)
    expect((await hat.owner.get(file(fileId))).body.status).toEqual({ status: 'New' })
    await send(contentUrl)
    expect((await hat.owner.put(`${file(fileId)}/complete`)).body.status).toEqual({ size: 11, status: 'Completed' })
  })

  test('finds what another hand has completed', async () => {
    const [full, empty] = [await aNew(hat.owner), await aNew(hat.owner)]
    await send(full.contentUrl)
    await send(empty.contentUrl, '')
    await deliver(
      [full, empty].map(({ contentUrl }) => ({
        action: 'PutObject',
        bucket: 'carrel',
        object: { key: objectKeyOf(contentUrl) },
      })),
    )
    expect((await hat.owner.put(`${file(full.fileId)}/complete`)).body.status).toEqual({
      size: 11,
      status: 'Completed',
    })
    expect((await hat.owner.put(`${file(empty.fileId)}/complete`)).status).toBe(400)
  })

  test('makes one file of two calls at once', async () => {
    const { fileId, contentUrl } = await aNew(hat.owner)
    await send(contentUrl)
    const both = await Promise.all([1, 2, 3].map(async () => hat.owner.put(`${file(fileId)}/complete`)))
    expect(both.map(({ status }) => status)).toEqual([200, 200, 200])
  })

  test('of what is not there, or not theirs to see, finds no file', async () => {
    const { fileId, contentUrl } = await aNew(hat.owner)
    await send(contentUrl)
    for (const [client, id] of [
      [hat.owner, 'nothing.png'],
      [other, fileId],
    ] as const) {
      const refused = await client.put(`${file(id)}/complete`)
      expect([refused.status, refused.body]).toEqual([404, { message: 'No such file', cause: `File ${id} not found` }])
    }
    expect((await hat.owner.get(file(fileId))).body.status).toEqual({ status: 'New' })
  })

  test('leaves nothing to be changed by the URL that the bytes were sent to', async () => {
    const { fileId, contentUrl } = await aNew(hat.owner)
    await send(contentUrl, 'the first')
    ok(await hat.owner.put(`${file(fileId)}/complete`))
    await send(contentUrl, 'something else, and longer')
    const again = ok(await hat.owner.put(`${file(fileId)}/complete`))
    expect(again.status.size).toBe(9)
    const read = ok(await hat.owner.get(file(fileId)))
    expect(await (await env.BUCKET.get(objectKeyOf(read.contentUrl)))?.text()).toBe('the first')
  })
})
