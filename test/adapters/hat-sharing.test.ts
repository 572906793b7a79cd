// With whom the files of a HAT are shared, one by one and many at once, and which of the calls that do so are GETs.

import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { MAX_FOUND } from '../../src/adapters/hat/search.ts'
import { aCompleted, aHat, aNew, atHat, FILES, fill, type Hat, type HatClient, send } from '../support/hat.ts'
import { aFile, aParticipant, ok } from '../support/world.ts'

let hat: Hat
let bob: HatClient
let eve: HatClient
let member: string

beforeAll(async () => {
  hat = await aHat({ owner: { id: 'ada' } })
  bob = atHat(hat.host, (await aParticipant(hat.study, { id: 'bob' })).key)
  eve = atHat(hat.host, (await aParticipant(hat.study, { id: 'eve' })).key)
  const issuer = 'https://login.example.org/'
  member = ok(await hat.study.admin.post(`${hat.study.path}/members`, { issuer, subject: 's', role: 'staff' })).id
})

const file = (fileId: string) => `${FILES}/file/${fileId}`
const allow = async (fileId: string, rest: string, client = hat.owner) =>
  client.get(`${FILES}/allowAccess/${fileId}/${rest}`)
const restrict = async (fileId: string, user: string, client = hat.owner) =>
  client.get(`${FILES}/restrictAccess/${fileId}/${user}`)
const owner = { userId: 'ada', contentReadable: true }

describe('one file', () => {
  test('is shared by what is said of it, or its content too, and no more', async () => {
    const { fileId } = await aCompleted(hat.owner)
    const told = await allow(fileId, 'bob')
    expect(told.status).toBe(200)
    expect(told.body).toMatchObject({ fileId, permissions: [owner, { userId: 'bob', contentReadable: false }] })
    expect((await bob.get(`${FILES}/content/${fileId}`)).status).toBe(404)
    // Asked for again, it is changed: upstream fails.
    for (const [asked, contentReadable] of [
      ['true', true],
      ['true', true],
      ['1', true],
      ['0', false],
      ['false', false],
    ] as const) {
      const { permissions } = ok(await allow(fileId, `bob?content=${asked}`))
      expect(permissions).toEqual([owner, { userId: 'bob', contentReadable }])
    }
    expect((await eve.get(file(fileId))).status).toBe(404)
    const ended = await restrict(fileId, 'bob')
    expect([ended.status, ended.body.permissions]).toEqual([200, [owner]])
    expect((await bob.get(file(fileId))).status).toBe(404)
    expect((await restrict(fileId, 'bob')).status).toBe(200)
  })

  test('is shared before it has bytes, and with members of the team', async () => {
    const { fileId } = await aNew(hat.owner)
    const { permissions } = ok(await allow(fileId, `${member}?content=true`))
    expect(permissions).toEqual([owner, { userId: member, contentReadable: true }])
  })

  test('is not completed by whom it was shared with', async () => {
    const { fileId, contentUrl } = await aNew(hat.owner)
    await send(contentUrl)
    for (const content of [true, false]) {
      ok(await allow(fileId, `bob?content=${content}`))
      expect((await bob.put(`${file(fileId)}/complete`)).status).toBe(403)
    }
    expect((await hat.owner.get(file(fileId))).body.status).toEqual({ status: 'New' })
  })

  test('stays with its owner, whatever is asked', async () => {
    const { fileId } = await aCompleted(hat.owner)
    expect(ok(await allow(fileId, 'ada')).permissions).toEqual([owner])
    expect(ok(await restrict(fileId, 'ada')).permissions).toEqual([owner])
    expect((await hat.owner.get(file(fileId))).body).toHaveProperty('contentUrl')
  })

  test('is not shared by anyone else', async () => {
    const { fileId } = await aCompleted(hat.owner)
    expect((await allow(fileId, 'eve', bob)).status).toBe(404)
    ok(await allow(fileId, 'bob?content=true'))
    for (const refused of [
      await allow(fileId, 'eve', bob),
      await allow(fileId, 'ada', bob),
      await restrict(fileId, 'bob', bob),
      await bob.get(`${FILES}/allowAccessPublic/${fileId}`),
    ]) {
      expect([refused.status, refused.body]).toEqual([403, { error: 'Forbidden', message: 'Access Denied' }])
    }
    expect((await allow(fileId, 'eve', hat.nobody)).status).toBe(401)
    expect((await hat.owner.get(file(fileId))).body.permissions).toHaveLength(2)
  })

  test('that is not there is told so, and so is a user, to who may know, or who is none', async () => {
    const refused = await allow('nothing.png', 'bob')
    expect([refused.status, refused.body.message]).toEqual([404, 'No such file'])
    const { id } = await aFile(hat.person, hat.study, { visibility: 'study' })
    const absent = await allow(id, 'nobody', atHat(hat.host, hat.study.admin.key))
    expect([absent.status, absent.body]).toEqual([404, { message: 'No such user', cause: 'User nobody not found' }])
    expect((await allow(id, 'me')).status).toBe(404)
    for (const level of ['maybe', '__proto__', 'constructor']) {
      expect((await allow(id, `bob?content=${level}`)).status, level).toBe(400)
    }
    // To the owner every name is somebody's: who takes part in a study is not theirs to find out.
    expect((await allow(id, 'nobody')).status).toBe(200)
  })
})

describe('many files', () => {
  const template = (source: string) => ({ name: '', source })
  const post = async (call: string, body: object, client = hat.owner) => client.post(`${FILES}/${call}`, body)

  test('are shared as a template means them, with what has no bytes yet, and not what comes later', async () => {
    const many = [await aCompleted(hat.owner, { source: 'many' }), await aNew(hat.owner, { source: 'many' })]
    await aCompleted(hat.owner, { source: 'others' })
    const shared = await post('allowAccess/bob?content=true', template('many'))
    expect(shared.status).toBe(200)
    const idsOf = (files: { fileId: string }[]) => new Set(files.map(({ fileId }) => fileId))
    expect(idsOf(shared.body)).toEqual(idsOf(many))
    for (const { permissions } of shared.body) {
      expect(permissions).toEqual([owner, { userId: 'bob', contentReadable: true }])
    }
    const later = await aCompleted(hat.owner, { source: 'many' })
    expect((await bob.get(file(later.fileId))).status).toBe(404)
    expect((await post('allowAccess/bob', template('many'))).body).toHaveLength(3)
    const ended = await post('restrictAccess/bob', template('many'))
    expect(ended.body.map((each: { permissions: object[] }) => each.permissions)).toEqual([[owner], [owner], [owner]])
    for (const { fileId } of many) expect((await bob.get(file(fileId))).status).toBe(404)
  })

  test('of none are none', async () => {
    expect((await post('allowAccess/bob', template('there is none'))).body).toEqual([])
  })

  test('are not shared by anyone else, not even those that they may see', async () => {
    const { fileId } = await aCompleted(hat.owner, { source: 'seen' })
    ok(await allow(fileId, 'bob?content=true'))
    expect((await post('allowAccess/eve', template('seen'), bob)).status).toBe(403)
    expect((await post('allowAccess/eve', template('seen'), hat.nobody)).status).toBe(401)
    expect((await eve.get(file(fileId))).status).toBe(404)
  })

  test('are shared all or none: with nobody, none is', async () => {
    await aFile(hat.person, hat.study, { visibility: 'study', source: 'for the team' })
    const refused = await post('allowAccess/nobody', template('for the team'), atHat(hat.host, hat.study.admin.key))
    expect([refused.status, refused.body]).toEqual([
      400,
      { message: 'Could not grant access', cause: 'No such user or unexpected error while granting access' },
    ])
  })

  test('that are more than one call shares are not shared in part', async () => {
    const large = await aHat()
    await fill(large, MAX_FOUND + 6)
    await aParticipant(large.study, { id: 'bob' })
    const granted = async () =>
      (await env.DB.prepare('SELECT count(*) AS count FROM grants WHERE study_id = ?').bind(large.study.id).first())?.[
        'count'
      ]
    for (const call of ['allowAccess/bob', 'restrictAccess/bob']) {
      for (const asked of [template(''), template('bulk')]) {
        const refused = await post(call, asked, large.owner)
        expect([refused.status, refused.body.message]).toEqual([400, 'Could not grant access'])
      }
    }
    expect(await granted()).toBe(0)
    expect((await post('allowAccess/bob', template('early'), large.owner)).body).toHaveLength(5)
    expect(await granted()).toBe(5)
  })

  test('need a template', async () => {
    expect((await post('allowAccess/bob', {})).body.message).toHaveProperty(['obj.name'])
  })
})

describe('what is public', () => {
  test('is so, and is private again when that is asked for, whatever else is in the query', async () => {
    const { fileId } = await aCompleted(hat.owner)
    const open = await hat.owner.get(`${FILES}/allowAccessPublic/${fileId}`)
    expect([open.status, open.body.contentPublic]).toEqual([200, true])
    const closed = await hat.owner.get(`${FILES}/restrictAccessPublic/${fileId}?public=true`)
    expect([closed.status, closed.body.contentPublic]).toEqual([200, false])
    expect((await hat.nobody.get(`${FILES}/content/${fileId}`)).status).toBe(404)
    expect((await hat.owner.get(`${FILES}/restrictAccessPublic/nothing.png`)).body.message).toBe('No such file')
  })

  test('is nothing in a study that does not allow it, which is said', async () => {
    const closed = await aHat({ settings: { allowPublic: false } })
    const { fileId } = await aCompleted(closed.owner)
    const { status, body } = await closed.owner.get(`${FILES}/allowAccessPublic/${fileId}`)
    expect([status, body]).toEqual([
      400,
      { message: 'File can not be made public', cause: expect.stringContaining('does not allow') },
    ])
  })
})

describe('a GET that changes something', () => {
  const calls = (fileId: string) => [
    `${FILES}/allowAccess/${fileId}/bob`,
    `${FILES}/restrictAccess/${fileId}/bob`,
    `${FILES}/allowAccessPublic/${fileId}`,
    `${FILES}/restrictAccessPublic/${fileId}`,
  ]
  const away = { Origin: 'https://evil.example.org', 'Sec-Fetch-Site': 'cross-site' }

  test.each([
    ['looks ahead', { 'Sec-Purpose': 'prefetch' }],
    ['looks ahead and renders', { 'Sec-Purpose': 'prefetch;prerender' }],
    ['looks ahead, in old words', { Purpose: 'prefetch' }],
    ['comes from a page elsewhere', { 'Sec-Fetch-Site': 'cross-site' }],
    ['comes from a page that is not let call', away],
    ['comes from nowhere', { Origin: 'null' }],
  ])('is refused where the browser %s', async (_, headers) => {
    const { fileId } = await aCompleted(hat.owner)
    for (const call of calls(fileId)) expect((await hat.owner.get(call, headers)).status).toBe(403)
    expect((await hat.owner.get(file(fileId))).body).toMatchObject({ contentPublic: false, permissions: [owner] })
  })

  test('is done for pages of the HAT itself, for those that are let call, and for programs', async () => {
    const { fileId } = await aCompleted(hat.owner)
    for (const headers of [
      {},
      { Origin: `http://${hat.host}`, 'Sec-Fetch-Site': 'same-origin' },
      { Origin: 'http://localhost:5173', 'Sec-Fetch-Site': 'cross-site' },
      { 'Sec-Fetch-Site': 'none' },
    ]) {
      for (const call of calls(fileId)) expect((await hat.owner.get(call, headers)).status).toBe(200)
    }
  })

  test('changes nothing as a HEAD, nor for a cookie', async () => {
    const { fileId } = await aCompleted(hat.owner)
    for (const call of calls(fileId)) {
      expect((await hat.owner.head(call)).status).toBe(404)
      expect((await hat.nobody.get(call, { Cookie: `X-Auth-Token=${hat.person.key}` })).status).toBe(401)
    }
    expect((await hat.owner.get(file(fileId))).body).toMatchObject({ contentPublic: false, permissions: [owner] })
  })
})
