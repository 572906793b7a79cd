// Files of a HAT as they are told: read, edited, deleted, and where their bytes are.

import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { aQueue, auditIdOf, recorded } from '../support/audit.ts'
import { costOf } from '../support/meters.ts'
import { aCompleted, aHat, aNew, atHat, FILES, type Hat, type HatClient, send } from '../support/hat.ts'
import { aFile, aParticipant, objectKeyOf, ok } from '../support/world.ts'

let hat: Hat
/** Another participant of the study: to them a file was shown, or told of, or neither. */
let bob: HatClient

beforeAll(async () => {
  hat = await aHat({ owner: { id: 'ada' } })
  bob = atHat(hat.host, (await aParticipant(hat.study, { id: 'bob' })).key)
})

const file = (fileId: string) => `${FILES}/file/${fileId}`
const contentOf = (fileId: string) => `${FILES}/content/${fileId}`
const noSuchFile = (fileId: string) => ({ message: 'No such file', cause: `File ${fileId} not found` })
const share = async (fileId: string, content: boolean) =>
  ok(await hat.owner.get(`${FILES}/allowAccess/${fileId}/bob?content=${content}`))

describe('a file is told', () => {
  test('to its owner with all that there is, and a URL that lives five minutes', async () => {
    const { fileId } = await aCompleted(hat.owner, { title: 'A title' })
    const { status, body } = await hat.owner.get(file(fileId))
    expect(status).toBe(200)
    expect(body).toMatchObject({ fileId, title: 'A title', permissions: [{ userId: 'ada', contentReadable: true }] })
    expect(new URL(body.contentUrl).searchParams.get('X-Amz-Expires')).toBe('300')
    expect(await (await env.BUCKET.get(objectKeyOf(body.contentUrl)))?.text()).toBe('hello world')
  })

  test('to whom it was shared with as far as it was, and never with whom else', async () => {
    const [shown, told, kept] = [await aCompleted(hat.owner), await aCompleted(hat.owner), await aCompleted(hat.owner)]
    await share(shown.fileId, true)
    await share(told.fileId, false)
    const answers = await Promise.all([shown, told].map(async ({ fileId }) => ok(await bob.get(file(fileId)))))
    expect(answers.map((each) => ['contentUrl' in each, 'permissions' in each])).toEqual([
      [true, false],
      [false, false],
    ])
    const refused = await bob.get(file(kept.fileId))
    expect([refused.status, refused.body]).toEqual([404, noSuchFile(kept.fileId)])
  })

  test('to others while it has no bytes without a place to send any', async () => {
    const { fileId } = await aNew(hat.owner)
    await share(fileId, true)
    const told = ok(await bob.get(file(fileId)))
    expect(told).toMatchObject({ fileId, status: { status: 'New' } })
    expect(told).not.toHaveProperty('contentUrl')
  })

  test('to nobody who shows nothing good', async () => {
    const { fileId } = await aCompleted(hat.owner)
    for (const client of [
      hat.nobody,
      atHat(hat.host, 'garbage'),
      atHat(hat.host, 'a.b.c'),
      atHat(hat.host, 'crl_1_no'),
    ]) {
      const { status, body } = await client.get(file(fileId))
      expect([status, body]).toEqual([401, { error: 'Not Authenticated', message: 'Not Authenticated' }])
    }
  })

  test.each(['nothing.png', '%00', '..%2F..', 'a'.repeat(300), '%ED%A0%80', '%F0%9F%92%A9'])(
    'as one that is not there where it is called %s',
    async (fileId) => {
      const { status } = await hat.owner.get(file(fileId))
      expect([400, 404]).toContain(status)
    },
  )

  test('as having been read, where somebody else was given a URL', async () => {
    const { fileId } = await aCompleted(hat.owner)
    await share(fileId, true)
    const events = await recorded(hat.study, async () => {
      ok(await hat.owner.get(file(fileId)))
      ok(await bob.get(file(fileId)))
      ok(await bob.post(`${FILES}/search`, { name: '', source: '', fileId }))
    })
    const [subject, reader] = await Promise.all(['ada', 'bob'].map(async (id) => auditIdOf(hat.study, { id })))
    const read = { door: 'hat', action: 'file.read', actor: `participant:${reader}`, subject }
    expect(events).toEqual([expect.objectContaining(read), expect.objectContaining(read)])
  })

  test('under its own id where it came by another door', async () => {
    const made = await aFile(hat.person, hat.study, { name: 'native.txt', source: null, tags: [] })
    const told = ok(await hat.owner.get(file(made.id)))
    expect(told).toMatchObject({ fileId: made.id, name: 'native.txt', source: '', status: { size: 11 } })
  })
})

describe('a file that has no bytes yet', () => {
  test('tells its owner again where they go, when the URL has expired', async () => {
    const { fileId, contentUrl } = await aNew(hat.owner, { contentType: 'image/png' })
    const again = ok(await hat.owner.get(file(fileId)))
    expect(objectKeyOf(again.contentUrl)).toBe(objectKeyOf(contentUrl))
    expect(new URL(again.contentUrl).searchParams.get('X-Amz-SignedHeaders')).toBe('host;x-amz-server-side-encryption')
    expect(ok(await hat.owner.post(`${FILES}/search`, { name: '', source: '', fileId }))[0]).not.toHaveProperty(
      'contentUrl',
    )
    await send(again.contentUrl)
    expect((await hat.owner.put(`${file(fileId)}/complete`)).status).toBe(200)
  })

  test('has no content, for nobody', async () => {
    const { fileId } = await aNew(hat.owner)
    ok(await hat.owner.get(`${FILES}/allowAccessPublic/${fileId}`))
    for (const client of [hat.owner, bob, hat.nobody]) {
      const { status, text } = await client.get(`${FILES}/content/${fileId}`)
      expect([status, text]).toEqual([404, ''])
    }
  })
})

describe('content', () => {
  test('is where a redirect leads whoever may read it, and is not there for all others', async () => {
    const { fileId } = await aCompleted(hat.owner)
    await share(fileId, true)
    for (const client of [hat.owner, bob]) {
      const { status, headers } = await client.get(contentOf(fileId))
      expect(status).toBe(303)
      expect(headers.get('Cache-Control')).toBe('no-store')
      const location = headers.get('Location') ?? ''
      expect(new URL(location).searchParams.get('X-Amz-Expires')).toBe('300')
      expect(await (await env.BUCKET.get(objectKeyOf(location)))?.text()).toBe('hello world')
    }
    await share(fileId, false)
    for (const [client, id] of [
      [bob, fileId],
      [hat.nobody, fileId],
      [hat.owner, 'nothing.png'],
      [hat.nobody, 'nothing.png'],
      [atHat(hat.host, 'garbage'), fileId],
    ] as const) {
      const { status, text } = await client.get(contentOf(id))
      expect([status, text]).toEqual([404, ''])
    }
  })

  test('that is public is for everyone, also with a token that has ended, and by one URL for ever', async () => {
    const { fileId } = await aCompleted(hat.owner)
    ok(await hat.owner.get(`${FILES}/allowAccessPublic/${fileId}`))
    const elsewhere = await aHat()
    const revoked = await aHat({ study: hat.study })
    ok(await hat.study.admin.delete(`${hat.study.path}/keys/${revoked.person.keyId}`))
    for (const token of [undefined, 'garbage', elsewhere.person.key, revoked.person.key]) {
      expect((await atHat(hat.host, token).get(contentOf(fileId))).status).toBe(303)
    }
    ok(await hat.owner.get(`${FILES}/restrictAccessPublic/${fileId}`))
    expect((await hat.nobody.get(contentOf(fileId))).status).toBe(404)
  })

  test('that somebody known is not given is on record', async () => {
    const { fileId } = await aCompleted(hat.owner)
    const { JOBS, bring } = aQueue()
    const events = await recorded(hat.study, async () => {
      await atHat(hat.host, bob.token, { JOBS }).get(contentOf(fileId))
      await atHat(hat.host, bob.token, { JOBS }).delete(file(fileId))
      await atHat(hat.host, undefined, { JOBS }).get(contentOf(fileId))
      await bring()
    })
    expect(events.map(({ door, action }) => [door, action])).toEqual([
      ['hat', 'access.deny'],
      ['hat', 'access.deny'],
    ])
  })

  test('can be asked about without being fetched', async () => {
    const { fileId } = await aCompleted(hat.owner)
    expect((await hat.owner.head(contentOf(fileId))).status).toBe(303)
    expect((await hat.nobody.head(contentOf(fileId))).status).toBe(404)
  })
})

describe('an edit', () => {
  test('changes what is said, and clears what is not', async () => {
    const { fileId, dateCreated } = await aCompleted(hat.owner, { title: 'Old', description: 'Old', tags: ['old'] })
    const edited = await hat.owner.put(file(fileId), { name: 'new.txt', source: 'other', title: 'New' })
    expect(edited.status).toBe(200)
    expect(edited.body).toMatchObject({ fileId, name: 'new.txt', source: 'test', title: 'New', dateCreated })
    expect(edited.body).not.toHaveProperty('tags')
    expect(edited.body).not.toHaveProperty('description')
    const { title } = ok(await hat.owner.get(file(fileId)))
    expect(title).toBe('New')
  })

  test('is of the file in the path, whatever the body says', async () => {
    const [meant, named] = [await aCompleted(hat.owner), await aCompleted(hat.owner)]
    const body = { fileId: named.fileId, name: 'new.txt', source: 'test' }
    expect(ok(await hat.owner.put(file(meant.fileId), body)).fileId).toBe(meant.fileId)
    expect(ok(await hat.owner.get(file(named.fileId))).name).toBe('notes.txt')
  })

  test('is not let in by permissions that the body gives to whoever sends it', async () => {
    const { fileId } = await aCompleted(hat.owner)
    const body = {
      fileId,
      name: 'mine now',
      source: 'test',
      status: { status: 'Completed', size: 11 },
      permissions: [{ userId: 'bob', contentReadable: true }],
      contentPublic: true,
    }
    expect((await bob.put(file(fileId), body)).status).toBe(404)
    await share(fileId, true)
    expect((await bob.put(file(fileId), body)).status).toBe(403)
    const after = ok(await hat.owner.get(file(fileId)))
    expect([after.name, after.contentPublic]).toEqual(['notes.txt', false])
  })

  test('needs a name and a source, and a file', async () => {
    const { fileId } = await aCompleted(hat.owner)
    const refused = await hat.owner.put(file(fileId), { title: 'x' })
    expect(Object.keys(refused.body.message)).toEqual(['obj.name', 'obj.source'])
    const absent = await hat.owner.put(file('nothing.png'), { name: 'x', source: '' })
    expect([absent.status, absent.body]).toEqual([404, noSuchFile('nothing.png')])
  })
})

describe('a deletion', () => {
  test('is told once, and afterwards there is no such file, nor on any list, nor its bytes', async () => {
    const { fileId } = await aCompleted(hat.owner, { source: 'gone' })
    const { contentUrl } = ok(await hat.owner.get(file(fileId)))
    const deleted = await hat.owner.delete(file(fileId))
    expect([deleted.status, deleted.body.status]).toEqual([200, { status: 'Deleted' }])
    expect(deleted.body).not.toHaveProperty('contentUrl')
    const again = await hat.owner.delete(file(fileId))
    expect([again.status, again.body]).toEqual([404, noSuchFile(fileId)])
    expect(ok(await hat.owner.post(`${FILES}/search`, { name: '', source: 'gone' }))).toEqual([])
    const { results } = await env.DB.prepare('SELECT 1 FROM object_deletions WHERE object_key = ?')
      .bind(objectKeyOf(contentUrl))
      .all()
    expect(results).toHaveLength(1)
  })

  test('is not for whom it was shared with, nor for anyone who may not see it', async () => {
    const { fileId } = await aCompleted(hat.owner)
    expect((await bob.delete(file(fileId))).status).toBe(404)
    await share(fileId, true)
    expect((await bob.delete(file(fileId))).status).toBe(403)
    expect((await hat.nobody.delete(file(fileId))).status).toBe(401)
    expect((await hat.owner.get(file(fileId))).status).toBe(200)
  })

  test('also ends an upload', async () => {
    const { fileId, contentUrl } = await aNew(hat.owner)
    ok(await hat.owner.delete(file(fileId)))
    await send(contentUrl)
    expect((await hat.owner.put(`${file(fileId)}/complete`)).status).toBe(404)
  })
})

test('a file is completed in the trips that it takes: the host, its upload, the version that it becomes', async () => {
  const { host, person, owner } = await aHat()
  const { fileId, contentUrl } = await aNew(owner)
  await send(contentUrl)
  const { cost, answer } = await costOf({ key: undefined }, async (c) =>
    c.put(`http://${host}${file(fileId)}/complete`, undefined, { 'X-Auth-Token': person.key ?? '' }),
  )
  // And that the key was used.
  expect([answer.status, cost.trips, cost.r2]).toEqual([200, 4, ['head', 'head', 'get', 'put']])
})
