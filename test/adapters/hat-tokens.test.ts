// Who is who at a HAT: signing in, and the tokens that clients read.

import { env } from 'cloudflare:workers'
import { decodeJwt, exportPKCS8, generateKeyPair, importPKCS8, importSPKI, jwtVerify, SignJWT } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { aCompleted, aHat, anAddress, atHat, FILES, type Hat } from '../support/hat.ts'
import { SECRETS } from '../support/secrets.ts'
import { aKey, aParticipant, ok } from '../support/world.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const NOT_AUTHENTICATED = [401, { error: 'Not Authenticated', message: 'Not Authenticated' }]
const PERSON = { id: 'ada', email: 'ada@example.org', phone: '+15551234567', externalId: 'PT 1' }

let hat: Hat

beforeAll(async () => {
  hat = await aHat({ owner: PERSON })
})

const signIn = async (username: string, password: string, at = hat.nobody) =>
  at.get('/users/access_token', {
    username: encodeURIComponent(username),
    password: encodeURIComponent(password),
    'CF-Connecting-IP': anAddress(),
  })
const tokenOf = async (at: Hat = hat): Promise<string> =>
  ok(await signIn(at.person.id, at.person.key ?? '', at.nobody)).accessToken
const validate = async (token: string, host = hat.host) => {
  const { status, body, headers } = await atHat(host, token).get('/users/access_token/validate')
  return { answer: [status, body], renewed: headers.get('X-Auth-Token') }
}
const signingKey = async () =>
  importPKCS8(SECRETS.HAT_SIGNING_KEY.replace('KEY-----', 'KEY-----\n').replace('-----END', '\n-----END'), 'RS256')
/** A token with other claims than it was given with, by the same key. */
const resigned = async (token: string, claims: object) =>
  new SignJWT({ ...decodeJwt(token), ...claims }).setProtectedHeader({ alg: 'RS256' }).sign(await signingKey())
const inSeconds = (time: number) => Math.floor(time / 1000)
const sessionOf = async (token: string) => {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(String(decodeJwt(token)['session'])))
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

describe('signing in', () => {
  test('gives a token that its clients can read, also in a header', async () => {
    const before = inSeconds(Date.now())
    const { status, body, headers } = await signIn('ada', hat.person.key ?? '')
    expect([status, body]).toEqual([200, { accessToken: expect.any(String), userId: 'ada' }])
    expect(headers.get('X-Auth-Token')).toBe(body.accessToken)
    const { payload, protectedHeader } = await jwtVerify(
      body.accessToken,
      await importSPKI((await hat.nobody.get('/publickey')).text, 'RS256'),
    )
    expect(protectedHeader.alg).toBe('RS256')
    expect(payload).toMatchObject({ iss: hat.host, resource: hat.host, accessScope: 'owner', sub: 'ada' })
    expect(payload.jti).toMatch(/^[\da-f-]{36}$/)
    expect(payload).not.toHaveProperty('application')
    expect(payload.iat).toBeGreaterThanOrEqual(before)
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(30 * 86_400)
    expect((await validate(body.accessToken)).answer).toEqual([200, { message: 'Authenticated' }])
  })

  test.each(['ada', 'ada@example.org', 'ADA@Example.org', '+1 555 123 4567', '5551234567', 'PT 1', 'localhost:'])(
    'takes for the name %s',
    async (name) => {
      // The HAT's own name is the first part of its host.
      const username = name === 'localhost:' ? hat.host : name
      expect((await signIn(username, hat.person.key ?? '')).status).toBe(200)
    },
  )

  test('is refused alike, whatever is wrong', async () => {
    const key = hat.person.key ?? ''
    const [other, foreign] = [await aParticipant(hat.study, { id: 'bob' }), await aHat()]
    const mereKey = await aKey(hat.study, { role: 'admin' })
    for (const [name, password] of [
      ['eve', key],
      ['ada', 'wrong'],
      ['ada', `${key.slice(0, -1)}x`],
      ['ada', other.key ?? ''],
      ['bob', key],
      ['ada', foreign.person.key ?? ''],
      ['', ''],
      [mereKey.id, mereKey.key ?? ''],
      ['ada', env.OPERATOR_KEY],
    ] as const) {
      const { status, body } = await signIn(name, password)
      if (name === '') expect(body.message).toBe('Credentials required')
      else expect([status, body]).toEqual(NOT_AUTHENTICATED)
    }
    const garbled = { username: '%', password: '%E0%A4%A', 'CF-Connecting-IP': anAddress() }
    const { status, body } = await hat.nobody.get('/users/access_token', garbled)
    expect([status, body]).toEqual(NOT_AUTHENTICATED)
  })

  test('asks for credentials where there are none', async () => {
    const { status, body } = await hat.nobody.get('/users/access_token', { 'CF-Connecting-IP': anAddress() })
    expect([status, body]).toEqual([
      401,
      { message: 'Credentials required', cause: 'No username or password provided to retrieve token' },
    ])
  })

  test('makes another user of others of the study: a participant, a member of the team', async () => {
    const { fileId } = await aCompleted(hat.owner)
    const eve = await aParticipant(hat.study, { id: 'eve', email: 'eve@example.org' })
    const issuer = 'https://login.example.org/'
    const staff = { issuer, subject: 'grace', role: 'staff', email: 'grace@example.org' }
    const member = ok(await hat.study.admin.post(`${hat.study.path}/members`, staff))
    const memberKey = await aKey(hat.study, { role: 'staff', member: member.id })
    for (const [name, key, userId] of [
      ['eve@example.org', eve.key ?? '', 'eve'],
      ['grace@example.org', memberKey.key ?? '', member.id],
    ] as const) {
      const { body } = await signIn(name, key)
      expect([body.userId, decodeJwt(body.accessToken)['accessScope']]).toEqual([userId, 'user'])
      expect((await atHat(hat.host, body.accessToken).get(`${FILES}/file/${fileId}`)).status).toBe(404)
      ok(await hat.owner.get(`${FILES}/allowAccess/${fileId}/${userId}`))
      expect((await atHat(hat.host, body.accessToken).get(`${FILES}/file/${fileId}`)).status).toBe(200)
    }
  })

  test('is not tried without end from one address', async () => {
    const headers = { username: 'ada', password: 'guess', 'CF-Connecting-IP': anAddress() }
    const refused = async () => hat.nobody.get('/users/access_token', headers)
    const answers = await Promise.all(Array.from({ length: 40 }, refused))
    const limited = answers.filter(({ status }) => status === 400)
    expect(limited.length).toBeGreaterThan(0)
    expect(limited[0]?.body).toEqual({
      message: 'Request rate exceeded',
      cause: 'Rate of requests from your IP exceeded',
      details: ['Request to /users/access_token'],
    })
    expect((await signIn('ada', hat.person.key ?? '')).status).toBe(200)
  })

  test('stands beside what was signed in before, and of very many those used last', async () => {
    const person = await aHat({ study: hat.study })
    const [first, second] = [await tokenOf(person), await tokenOf(person)]
    expect((await validate(first, person.host)).answer[0]).toBe(200)
    // Others of the same key, of which the last was used last.
    await env.DB.prepare(
      `WITH RECURSIVE series(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 48)
       INSERT INTO sessions (study_id, hash, id, kind, door, key_id, role, participant_id, created_at, expires_at)
       SELECT study_id, hash || i, id || i, kind, door, key_id, role, participant_id, created_at, expires_at + i
       FROM sessions CROSS JOIN series WHERE hash = ?`,
    )
      .bind(await sessionOf(second))
      .run()
    const third = await tokenOf(person)
    const answers = await Promise.all([first, second, third].map(async (token) => validate(token, person.host)))
    expect(answers.map(({ answer }) => answer[0])).toEqual([401, 200, 200])
  })
})

describe('a token', () => {
  test('is not taken that nobody here has signed, or for elsewhere, or that has ended', async () => {
    const token = await tokenOf()
    const elsewhere = await aHat({ study: hat.study })
    const [header = '', payload = '', signature = ''] = token.split('.')
    const none = `${btoa(JSON.stringify({ alg: 'none' })).replaceAll('=', '')}.${payload}.`
    const { privateKey } = await generateKeyPair('RS256')
    const forged = await new SignJWT(decodeJwt(token)).setProtectedHeader({ alg: 'RS256' }).sign(privateKey)
    for (const wrong of [
      none,
      forged,
      `${header}.${payload}.${signature.slice(0, -4)}AAAA`,
      await resigned(token, { iss: elsewhere.host }),
      await resigned(token, { exp: inSeconds(Date.now()) - 5 }),
      await resigned(token, { exp: undefined }),
      await resigned(token, { session: `crs_1_${'A'.repeat(43)}` }),
      await resigned(token, { session: hat.person.key }),
      await resigned(token, { session: 7 }),
      String(decodeJwt(token)['session']),
    ]) {
      expect((await validate(wrong)).answer).toEqual(NOT_AUTHENTICATED)
    }
    expect((await validate(token, elsewhere.host)).answer).toEqual(NOT_AUTHENTICATED)
    expect((await validate(token)).answer[0]).toBe(200)
  })

  test('ends with its key, and with its session', async () => {
    const person = await aHat({ study: hat.study })
    const token = await tokenOf(person)
    await env.DB.prepare('UPDATE sessions SET expires_at = 1 WHERE hash = ?')
      .bind(await sessionOf(token))
      .run()
    expect((await validate(token, person.host)).answer).toEqual(NOT_AUTHENTICATED)
    const another = await tokenOf(person)
    ok(await hat.study.admin.delete(`${hat.study.path}/keys/${person.person.keyId}`))
    expect((await validate(another, person.host)).answer).toEqual(NOT_AUTHENTICATED)
  })

  test('is good for a HAT and for nothing else', async () => {
    const token = await tokenOf()
    const native = await atHat('localhost').get(`${hat.study.path}/files`, { Authorization: `Bearer ${token}` })
    expect(native.status).toBe(401)
    const secret = String(decodeJwt(token)['session'])
    const bearer = await atHat('localhost').get(`${hat.study.path}/files`, { Authorization: `Bearer ${secret}` })
    expect(bearer.status).toBe(401)
  })

  test('that is an hour old is renewed in the answer, also in one that refuses, for the same session', async () => {
    const token = await tokenOf()
    const old = await resigned(token, { iat: inSeconds(Date.now() - 2 * HOUR_MS) })
    const { answer, renewed } = await validate(old)
    expect(answer[0]).toBe(200)
    const [before, after] = [decodeJwt(old), decodeJwt(renewed ?? '')]
    expect(after.iat).toBeGreaterThan((before.iat ?? 0) + 7_000)
    expect({ ...after, iat: 0, jti: '' }).toEqual({ ...before, iat: 0, jti: '' })
    expect((await validate(renewed ?? '')).answer[0]).toBe(200)
    const refused = await atHat(hat.host, old).get(`${FILES}/file/nothing.png`)
    expect([refused.status, refused.headers.has('X-Auth-Token')]).toEqual([404, true])
    expect((await validate(token)).renewed).toBeNull()
    expect((await hat.owner.get('/users/access_token/validate')).headers.has('X-Auth-Token')).toBe(false)
    await env.DB.prepare('DELETE FROM sessions WHERE hash = ?')
      .bind(await sessionOf(token))
      .run()
    expect(await validate(old)).toEqual({ answer: NOT_AUTHENTICATED, renewed: null })
  })

  test.each([
    ['three days from now', 1, 3 * DAY_MS],
    ['thirty days from the beginning', 29, DAY_MS],
  ])('that is used lives until %s', async (_, days, left) => {
    const token = await tokenOf()
    const hash = await sessionOf(token)
    const [now, created] = [Date.now(), Date.now() - days * DAY_MS]
    await env.DB.prepare('UPDATE sessions SET created_at = ?, expires_at = ? WHERE hash = ?')
      .bind(created, now + 60_000, hash)
      .run()
    await validate(await resigned(token, { iat: inSeconds(now - 2 * HOUR_MS) }))
    const ends = await env.DB.prepare('SELECT expires_at AS at FROM sessions WHERE hash = ?')
      .bind(hash)
      .first<number>('at')
    expect(Math.abs((ends ?? 0) - (now + left))).toBeLessThan(60_000)
  })

  test('is taken that an older key has signed, and given by the newest', async () => {
    const { privateKey } = await generateKeyPair('RS256', { extractable: true })
    const newest = await exportPKCS8(privateKey)
    const token = await tokenOf()
    const rotated = { HAT_SIGNING_KEY: `${newest}\n${SECRETS.HAT_SIGNING_KEY}` }
    const there = atHat(hat.host, token, rotated)
    expect((await there.get('/users/access_token/validate')).status).toBe(200)
    const pem = (await there.get('/publickey')).text
    expect(pem).not.toBe((await hat.nobody.get('/publickey')).text)
    const given = ok(await signIn('ada', hat.person.key ?? '', atHat(hat.host, undefined, rotated)))
    expect((await jwtVerify(given.accessToken, await importSPKI(pem, 'RS256'))).payload.iss).toBe(hat.host)
    expect((await validate(given.accessToken)).answer).toEqual(NOT_AUTHENTICATED)
    // Only the new one is left: what the old one has signed is over.
    const alone = atHat(hat.host, token, { HAT_SIGNING_KEY: newest.replaceAll('\n', '\\n') })
    expect((await alone.get('/users/access_token/validate')).status).toBe(401)
  })

  test('that cannot be signed is a failure of ours, in the words of HAT and with nothing of what it was', async () => {
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const there = atHat(hat.host, undefined, { HAT_SIGNING_KEY: await exportPKCS8(privateKey) })
    const { status, body } = await there.get('/publickey')
    expect([status, body]).toEqual([
      500,
      { error: 'Internal Server error', message: expect.stringMatching(/^Server error occurred: [\da-f-]{36}$/) },
    ])
  })
})
