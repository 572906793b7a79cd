// What the token of an application opens: its owner's files of one source.

import { env } from 'cloudflare:workers'
import { decodeJwt, importPKCS8, type JWTPayload, SignJWT } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { hashSecret } from '../../src/storage/secrets.ts'
import { operator } from '../support/client.ts'
import { aCompleted, aHat, anAddress, aNew, atHat, FILES, type Hat, type HatClient, send } from '../support/hat.ts'
import { SECRETS } from '../support/secrets.ts'
import { aParticipant, ok } from '../support/world.ts'

const HOUR_MS = 3_600_000
const DENIED = [403, { error: 'Forbidden', message: 'Access Denied' }]
const BY_NAME = '/users/application_token'
const TEMPLATE = { name: '', source: '' }

let hat: Hat

beforeAll(async () => {
  hat = await aHat({ owner: { id: 'ada' } })
})

const tokenFor = async (name: string, of: Hat = hat): Promise<string> =>
  ok(await of.owner.get(`${BY_NAME}?name=${encodeURIComponent(name)}&resource=${of.host}`)).accessToken
const anApp = async (name: string, of: Hat = hat): Promise<HatClient> => atHat(of.host, await tokenFor(name, of))

/** A HAT with a file of each of two applications, and one that says no source. */
async function aWorld() {
  const of = await aHat()
  const [notes, photos, bare] = await Promise.all(
    ['notes', 'photos', ''].map(async (source) =>
      aCompleted(of.owner, { name: 'a.png', source, title: 'summer' }, source || '-'),
    ),
  )
  return { hat: of, app: await anApp('notes', of), notes: notes.fileId, photos: photos.fileId, bare: bare.fileId }
}

async function resigned(token: string, changes: JWTPayload): Promise<string> {
  const key = await importPKCS8(SECRETS.HAT_SIGNING_KEY, 'RS256')
  return new SignJWT({ ...decodeJwt(token), ...changes }).setProtectedHeader({ alg: 'RS256' }).sign(key)
}

describe('the token of an application', () => {
  test.each([BY_NAME, 'the other path'])('is told to the owner at %s', async (place) => {
    const path = place === BY_NAME ? `${BY_NAME}?name=notes&resource=x` : '/api/v2.6/applications/notes/access-token'
    const { accessToken, ...rest } = ok(await hat.owner.get(path))
    expect(rest).toEqual({})
    const claims = decodeJwt(accessToken)
    expect(claims).toMatchObject({ iss: hat.host, resource: hat.host, application: 'notes', sub: 'ada' })
    expect(claims['accessScope']).not.toBe('owner')
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(30 * 86_400)
    const { status, body } = await atHat(hat.host, accessToken).get('/users/access_token/validate')
    expect([status, body]).toEqual([200, { message: 'Authenticated' }])
    const row = await env.DB.prepare('SELECT source, role, participant_id FROM sessions WHERE hash = ?')
      .bind(await hashSecret(String(claims['session'])))
      .first()
    expect(row).toEqual({ source: 'notes', role: 'participant', participant_id: 'ada' })
  })

  test('is told to nobody else', async () => {
    const eve = await aParticipant(hat.study)
    const path = `${BY_NAME}?name=notes&resource=x`
    expect((await hat.nobody.get(path)).status).toBe(401)
    for (const key of [eve.key, hat.study.admin.key, hat.study.worker.key, hat.study.staff.key]) {
      const { status, body } = await atHat(hat.host, key).get(path)
      expect([status, body]).toEqual(DENIED)
    }
    expect((await atHat(hat.host, (await aHat()).person.key).get(path)).status).toBe(401)
    const count = `SELECT count(*) AS count FROM sessions WHERE study_id = ? AND participant_id IS NOT 'ada'`
    expect(await env.DB.prepare(count).bind(hat.study.id).first('count')).toBe(0)
  })

  test('gets no other token, nor a wider one by what it claims', async () => {
    const app = await anApp('notes')
    for (const path of [`${BY_NAME}?name=notes`, `${BY_NAME}?name=photos`, '/api/v2.6/applications/x/access-token']) {
      const { status, body } = await app.get(path)
      expect([status, body]).toEqual(DENIED)
    }
    const password = String(decodeJwt(app.token ?? '')['session'])
    for (const shown of [password, app.token ?? '']) {
      const headers = { username: 'ada', password: shown, 'CF-Connecting-IP': anAddress() }
      expect((await hat.nobody.get('/users/access_token', headers)).status).toBe(401)
    }
    const { fileId } = await aCompleted(hat.owner, { source: 'photos' })
    const wider = await resigned(app.token ?? '', { application: undefined, accessScope: 'owner' })
    for (const token of [wider, await resigned(app.token ?? '', { application: 'photos' })]) {
      expect((await atHat(hat.host, token).get(`${FILES}/file/${fileId}`)).status).toBe(404)
    }
  })

  test.each(['?name=', '', `?name=${'x'.repeat(256)}`, '?name=a%00b'])('needs a name: not %s', async (query) => {
    const { status, body } = await hat.owner.get(`${BY_NAME}${query}`)
    expect([status, body.error]).toEqual([400, 'Bad Request'])
  })

  test('is not made for a browser that looks ahead, or for HEAD', async () => {
    const path = `${BY_NAME}?name=notes`
    expect((await hat.owner.get(path, { 'Sec-Purpose': 'prefetch' })).status).toBe(403)
    expect((await hat.owner.get(path, { Origin: 'https://elsewhere.example.org' })).status).toBe(403)
    expect((await hat.owner.head(path)).status).toBe(404)
  })

  test('stays the application’s when it is renewed', async () => {
    const { hat: of, app, photos } = await aWorld()
    const old = await resigned(app.token ?? '', { iat: Math.floor((Date.now() - 2 * HOUR_MS) / 1000) })
    const { headers } = await atHat(of.host, old).post(`${FILES}/search`, TEMPLATE)
    const renewed = headers.get('X-Auth-Token') ?? ''
    expect(decodeJwt(renewed)).toMatchObject({ application: 'notes', accessScope: 'application' })
    expect((await atHat(of.host, renewed).get(`${FILES}/file/${photos}`)).status).toBe(404)
  })

  test('puts no token out that its owner has signed in for, however many are made', async () => {
    const of = await aHat({ owner: { id: 'eve' } })
    const named = { username: 'eve', password: of.person.key ?? '', 'CF-Connecting-IP': anAddress() }
    const owner = atHat(of.host, ok(await of.nobody.get('/users/access_token', named)).accessToken)
    for (let made = 0; made < 51; made += 1) ok(await owner.get(`${BY_NAME}?name=notes`))
    ok(await owner.get('/users/access_token/validate'))
  })

  test('opens nothing of somebody else to whom the host is given', async () => {
    const { hat: of, app } = await aWorld()
    const eve = await aParticipant(of.study)
    const at = `${of.study.path}/hosts/${of.host}`
    ok(await operator.delete(at))
    ok(await operator.put(at, { participant: eve.id }))
    const hers = atHat(of.host, eve.key)
    const [shared, open] = [await aCompleted(hers, { source: 'notes' }), await aCompleted(hers, { source: 'notes' })]
    ok(await hers.get(`${FILES}/allowAccess/${shared.fileId}/${of.person.id}?content=true`))
    ok(await hers.get(`${FILES}/allowAccessPublic/${open.fileId}`))
    ok(await of.owner.get(`${FILES}/file/${shared.fileId}`))
    for (const { fileId } of [shared, open]) {
      expect((await app.get(`${FILES}/file/${fileId}`)).status).toBe(404)
      expect((await app.get(`${FILES}/content/${fileId}`)).status).toBe(404)
    }
    for (const template of [TEMPLATE, { ...TEMPLATE, name: 'notes' }, { ...TEMPLATE, fileId: shared.fileId }]) {
      expect(ok(await app.post(`${FILES}/search`, template))).toEqual([])
    }
  })

  test('ends with its owner’s key, and with an erasure', async () => {
    const { hat: of, app, notes } = await aWorld()
    ok(await of.study.admin.delete(`${of.study.path}/keys/${of.person.keyId}`))
    expect((await app.get(`${FILES}/file/${notes}`)).status).toBe(401)
    const another = await aWorld()
    ok(await another.hat.study.admin.delete(`${another.hat.study.path}/participants/${another.hat.person.id}`))
    expect((await another.app.get(`${FILES}/file/${another.notes}`)).status).not.toBe(200)
  })

  test('is good for a HAT and for nothing else', async () => {
    const { hat: of, app, notes } = await aWorld()
    for (const shown of [app.token, String(decodeJwt(app.token ?? '')['session'])]) {
      for (const path of ['/files', `/files/${notes}`, '/participants/me', '/participants/me/documents', '/audit']) {
        const native = await atHat('localhost').get(`${of.study.path}${path}`, { Authorization: `Bearer ${shown}` })
        expect([path, native.status]).toEqual([path, 401])
      }
    }
    const elsewhere = await aHat({ study: of.study })
    expect((await atHat(elsewhere.host, app.token).post(`${FILES}/search`, TEMPLATE)).status).toBe(401)
  })
})

describe('an application', () => {
  test('begins, completes, reads, edits and deletes files of its source', async () => {
    const { app } = await aWorld()
    const begun = await aNew(app, { name: 'b.png', source: 'notes' })
    expect(begun).toMatchObject({ fileId: 'notesb.png', source: 'notes' })
    expect(ok(await app.get(`${FILES}/file/${begun.fileId}`)).contentUrl).toBeDefined()
    await send(begun.contentUrl)
    const done = ok(await app.put(`${FILES}/file/${begun.fileId}/complete`))
    expect(done.status).toEqual({ status: 'Completed', size: 11 })
    expect((await app.get(`${FILES}/content/${begun.fileId}`)).status).toBe(303)
    const changes = { name: 'c.png', source: 'photos', title: 'autumn' }
    const edited = ok(await app.put(`${FILES}/file/${begun.fileId}`, changes))
    expect(edited).toMatchObject({ name: 'c.png', source: 'notes', title: 'autumn' })
    const gone = ok(await app.delete(`${FILES}/file/${begun.fileId}`))
    expect(gone.status).toEqual({ status: 'Deleted' })
  })

  test('begins none of another source, or of none', async () => {
    const { hat: of, app } = await aWorld()
    for (const source of ['photos', '', 'Notes', 'notes ', 'note']) {
      const { status, body } = await app.post(`${FILES}/upload`, { name: 'b.png', source })
      expect([source, status, body]).toEqual([source, ...DENIED])
    }
    expect(ok(await of.owner.post(`${FILES}/search`, TEMPLATE))).toHaveLength(3)
  })

  test('is not told of a file that it completes and that is of another source then', async () => {
    const { hat: of, app, notes } = await aWorld()
    const changed = { name: 'b.png', mediaType: 'image/png', size: 11, source: 'photos', title: 'autumn' }
    const { upload } = ok(await of.person.put(`${of.study.path}/participants/me/files/${notes}`, changed))
    await send(upload.url)
    const { status, body } = await app.put(`${FILES}/file/${notes}/complete`)
    expect([status, body]).toEqual([404, { message: 'No such file', cause: `File ${notes} not found` }])
    expect(ok(await of.owner.get(`${FILES}/file/${notes}`))).toMatchObject({ source: 'photos', title: 'autumn' })
  })

  test('has nothing of files of other sources, which upstream gives it', async () => {
    const { hat: of, app, photos, bare } = await aWorld()
    const pending = await aNew(of.owner, { name: 'new.png', source: 'photos' })
    await send(pending.contentUrl)
    const eve = await aParticipant(of.study)
    const noFile = { message: 'No such file' }
    for (const id of [photos, bare, pending.fileId]) {
      for (const answer of [
        await app.get(`${FILES}/file/${id}`),
        await app.put(`${FILES}/file/${id}`, { name: 'mine.png', source: 'notes' }),
        await app.put(`${FILES}/file/${id}/complete`),
        await app.delete(`${FILES}/file/${id}`),
        await app.get(`${FILES}/allowAccess/${id}/${eve.id}?content=true`),
        await app.get(`${FILES}/restrictAccess/${id}/${eve.id}`),
        await app.get(`${FILES}/allowAccessPublic/${id}`),
        await app.get(`${FILES}/restrictAccessPublic/${id}`),
      ]) {
        expect([answer.status, answer.body]).toEqual([404, expect.objectContaining(noFile)])
      }
      expect((await app.get(`${FILES}/content/${id}`)).status).toBe(404)
      const { name, status, contentPublic, permissions } = ok(await of.owner.get(`${FILES}/file/${id}`))
      expect({ name, status: status.status, contentPublic, permissions }).toEqual({
        name: id === pending.fileId ? 'new.png' : 'a.png',
        status: id === pending.fileId ? 'New' : 'Completed',
        contentPublic: false,
        permissions: [{ userId: of.person.id, contentReadable: true }],
      })
    }
  })

  test('finds files of its source only, however it searches', async () => {
    const { hat: of, app, notes, photos } = await aWorld()
    const pending = await aNew(app, { name: 'b.png', source: 'notes' })
    await aNew(of.owner, { name: 'b.png', source: 'photos' })
    const found = async (template: object) =>
      ok(await app.post(`${FILES}/search`, { ...TEMPLATE, ...template })).map(
        ({ fileId }: { fileId: string }) => fileId,
      )
    expect(new Set(await found({}))).toEqual(new Set([notes, pending.fileId]))
    expect(await found({ status: { status: 'Completed' } })).toEqual([notes])
    expect(await found({ status: { status: 'New' } })).toEqual([pending.fileId])
    expect(await found({ name: 'a.png' })).toEqual([notes])
    expect(await found({ title: 'summer' })).toEqual([notes])
    expect(await found({ source: 'notes', name: 'a' })).toEqual([notes])
    expect(await found({ source: 'photos' })).toEqual([])
    expect(await found({ fileId: notes })).toEqual([notes])
    expect(await found({ fileId: photos })).toEqual([])
  })

  test('shares and publishes files of its source, and of a template no others', async () => {
    const { hat: of, app, notes, photos } = await aWorld()
    const eve = await aParticipant(of.study)
    const hers = atHat(of.host, eve.key)
    const shared = ok(await app.post(`${FILES}/allowAccess/${eve.id}?content=true`, { ...TEMPLATE, title: 'summer' }))
    expect(shared.map(({ fileId }: { fileId: string }) => fileId)).toEqual([notes])
    expect((await hers.get(`${FILES}/file/${notes}`)).status).toBe(200)
    expect((await hers.get(`${FILES}/file/${photos}`)).status).toBe(404)
    ok(await of.owner.get(`${FILES}/allowAccess/${photos}/${eve.id}?content=true`))
    ok(await app.post(`${FILES}/restrictAccess/${eve.id}`, TEMPLATE))
    expect((await hers.get(`${FILES}/file/${notes}`)).status).toBe(404)
    expect((await hers.get(`${FILES}/file/${photos}`)).status).toBe(200)
    ok(await app.get(`${FILES}/allowAccess/${notes}/${eve.id}`))
    expect(ok(await app.get(`${FILES}/allowAccessPublic/${notes}`)).contentPublic).toBe(true)
    expect((await of.nobody.get(`${FILES}/content/${notes}`)).status).toBe(303)
    expect(ok(await app.get(`${FILES}/restrictAccessPublic/${notes}`)).contentPublic).toBe(false)
  })
})
