import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { anonymous, as } from '../support/client.ts'
import { within } from '../support/faults.ts'
import { about, aProject, PROJECT, type Project, upload } from '../support/openhumans.ts'
import { aKey, aParticipant, aStudy, ok, type Participant, type Study } from '../support/world.ts'

type App = { id: string; secret: string }
let study: Project['study']
let app: App
beforeAll(async () => {
  ;({ study } = await aProject())
  app = await anApp(study)
})

async function anApp(of: Study): Promise<App> {
  const { key = '' } = await aKey(of, { role: 'worker', label: 'phone app' })
  return { id: 'phone app', secret: key }
}

const FORM = { 'Content-Type': 'application/x-www-form-urlencoded' }
const ask = async (fields: Record<string, string>, headers: Record<string, string> = {}) =>
  anonymous.post('/oauth2/token/', new URLSearchParams(fields).toString(), { ...FORM, ...headers })
const basic = ({ id, secret }: App) => ({ Authorization: `Basic ${btoa(`${id}:${secret}`)}` })
const inForm = ({ id, secret }: App) => ({ client_id: id, client_secret: secret })

const aCode = async (member: Participant): Promise<string> =>
  ok(await study.admin.post(`${study.path}/participants/${member.id}/enrolment-codes`, { label: 'phone' })).code

const exchange = async (code: string, by = app) =>
  ask({ grant_type: 'authorization_code', code, redirect_uri: 'app://example.org' }, basic(by))
const refresh = async (refresh_token: string, by = app) =>
  ask({ grant_type: 'refresh_token', refresh_token, redirect_uri: 'x' }, basic(by))

/** A member whose app has tokens. */
async function connected() {
  const member = await aParticipant(study)
  const code = await aCode(member)
  return { member, code, tokens: ok(await exchange(code)) }
}
const opens = async (token: string) => (await anonymous.get(`${PROJECT}/exchange-member/?access_token=${token}`)).status

describe('a code', () => {
  test('that the study gave is exchanged for tokens of the member', async () => {
    const { member, tokens } = await connected()
    expect(tokens).toEqual({
      access_token: expect.stringMatching(/^crs_/),
      expires_in: 36_000,
      token_type: 'Bearer',
      scope: 'read write',
      refresh_token: expect.stringMatching(/^crn_/),
    })
    const caller = as(tokens.access_token)
    expect((await caller.get(`${PROJECT}/exchange-member/`)).body.project_member_id).toBe(String(member.number))
    expect((await upload(caller, about(await aParticipant(study)))).status).toBe(201)
    expect((await caller.get(`${PROJECT}/exchange-member/`)).body.count).toBe(1)
    const { count } = (await env.DB.prepare(
      'SELECT (expires_at - created_at) / 1000 AS count FROM sessions WHERE study_id = ? AND kind = ?',
    )
      .bind(study.id, 'access')
      .first<{ count: number }>()) ?? { count: 0 }
    expect(count).toBe(36_000)
  })

  test('is exchanged with the app in the form, too, and again by the app whose answer was lost', async () => {
    const member = await aParticipant(study)
    const code = await aCode(member)
    const first = ok(await ask({ grant_type: 'authorization_code', code, ...inForm(app) }))
    const again = ok(await exchange(code))
    expect(again.access_token).not.toBe(first.access_token)
    expect([await opens(first.access_token), await opens(again.access_token)]).toEqual([401, 200])
    expect((await exchange(code, await anApp(study))).body.error).toBe('invalid_grant')
  })

  test('of another study, or none, is refused, and one that the wrong app tried is good for the right one', async () => {
    const elsewhere = await aStudy()
    const member = await aParticipant(study)
    const code = await aCode(member)
    for (const answer of [
      await exchange(code, await anApp(elsewhere)),
      await exchange('0001-7K3M-9QXT-2VHD'),
      await exchange('x'),
    ]) {
      expect([answer.status, answer.body.error]).toEqual([400, 'invalid_grant'])
      expect(answer.headers.get('Cache-Control')).toContain('no-store')
    }
    expect((await exchange(code)).status).toBe(200)
  })

  test('is not guessed without end from one address', async () => {
    const limited = within({ ENROLMENT_RATE: { limit: async () => ({ success: false }) } }, anonymous)
    const body = new URLSearchParams({ grant_type: 'authorization_code', code: 'x', ...inForm(app) }).toString()
    const { status, headers } = await limited.post('/oauth2/token/', body, FORM)
    expect([status, headers.get('Retry-After')]).toEqual([429, '60'])
  })

  test('of somebody who has left is refused', async () => {
    const member = await aParticipant(study)
    const code = await aCode(member)
    ok(await study.admin.patch(`${study.path}/participants/${member.id}`, { status: 'withdrawn' }))
    expect((await exchange(code)).body.error).toBe('invalid_grant')
  })
})

describe('an app', () => {
  test('that is not known by a key of the team and its label is refused', async () => {
    const member = await aParticipant(study)
    const code = await aCode(member)
    const staff = { id: 'test', secret: study.staff.key ?? '' }
    const participant = { id: 'test', secret: member.key ?? '' }
    const unknown = { id: app.id, secret: `crl_1_${'x'.repeat(43)}` }
    for (const wrong of [
      { ...app, id: 'another' },
      { ...app, secret: '' },
      { id: '', secret: '' },
      staff,
      participant,
      unknown,
    ]) {
      for (const answer of [await exchange(code, wrong), await refresh('x', wrong)]) {
        expect([answer.status, answer.body.error]).toEqual([401, 'invalid_client'])
        expect(answer.headers.get('WWW-Authenticate')).toBe('Basic realm="api"')
      }
    }
    expect((await ask({ grant_type: 'authorization_code', code })).body.error).toBe('invalid_client')
    expect((await ask({ grant_type: 'refresh_token' }, { Authorization: 'Basic !' })).body.error).toBe('invalid_client')
  })

  test('is told what it has not said', async () => {
    const wrong = async (fields: Record<string, string>) => {
      const { status, body } = await ask(fields, basic(app))
      return [status, body.error]
    }
    expect(await wrong({})).toEqual([400, 'invalid_request'])
    expect(await wrong({ grant_type: 'authorization_code' })).toEqual([400, 'invalid_request'])
    expect(await wrong({ grant_type: 'refresh_token' })).toEqual([400, 'invalid_request'])
    expect(await wrong({ grant_type: 'password', username: 'a' })).toEqual([400, 'unsupported_grant_type'])
    expect((await anonymous.post('/oauth2/token', '{', { 'Content-Type': 'application/json' })).body.error).toBe(
      'invalid_request',
    )
  })

  test('sends nobody to sign in', async () => {
    for (const path of ['/direct-sharing/projects/oauth2/authorize/', '/direct-sharing/projects/oauth2/authorize']) {
      const { status, text, headers } = await anonymous.get(`${path}?client_id=<script>&response_type=code`)
      expect([status, headers.get('Content-Type')]).toEqual([200, 'text/html; charset=utf-8'])
      expect(text).toContain('Ask your study for a code')
      expect(text).not.toContain('script')
    }
  })
})

describe('renewing', () => {
  test('gives both tokens anew, and ends the one before', async () => {
    const { tokens } = await connected()
    const next = ok(await refresh(tokens.refresh_token))
    expect(next).toMatchObject({ expires_in: 36_000, token_type: 'Bearer' })
    expect(new Set([...Object.values(tokens), ...Object.values(next)]).size).toBe(7)
    expect([await opens(tokens.access_token), await opens(next.access_token)]).toEqual([401, 200])
  })

  test('may be repeated until its answer has arrived, and what came before that is good no longer', async () => {
    const { tokens } = await connected()
    const lost = ok(await refresh(tokens.refresh_token))
    const arrived = ok(await refresh(tokens.refresh_token))
    const next = ok(await refresh(arrived.refresh_token))
    for (const old of [tokens, lost]) {
      expect((await refresh(old.refresh_token)).body.error).toBe('invalid_grant')
    }
    expect(await opens(next.access_token)).toBe(200)
  })

  test('is refused of what is no token, and to who has left', async () => {
    const { member, tokens } = await connected()
    for (const garbage of ['x', tokens.access_token, `${tokens.refresh_token.slice(0, -1)}_`, member.key ?? '']) {
      const { status, body } = await refresh(garbage)
      expect([status, body.error]).toEqual([400, 'invalid_grant'])
    }
    ok(await study.admin.patch(`${study.path}/participants/${member.id}`, { status: 'withdrawn' }))
    expect((await refresh(tokens.refresh_token)).body.error).toBe('invalid_grant')
    expect(await opens(tokens.access_token)).toBe(401)
  })

  test('by another study’s app is refused', async () => {
    const { tokens } = await connected()
    expect((await refresh(tokens.refresh_token, await anApp(await aStudy()))).body.error).toBe('invalid_grant')
  })
})

test('a token that has expired says so, and what it listed opens as long as the key behind it', async () => {
  const { member, tokens } = await connected()
  await upload(member, about(member))
  const [{ download_url }] = (await as(tokens.access_token).get(`${PROJECT}/exchange-member/`)).body.data
  await env.DB.prepare(
    "UPDATE sessions SET expires_at = 1 WHERE study_id = ? AND participant_id = ? AND kind = 'access'",
  )
    .bind(study.id, member.id)
    .run()
  expect((await as(tokens.access_token).get(`${PROJECT}/`)).body).toEqual({ detail: 'Expired token.' })
  expect((await anonymous.get(download_url)).status).toBe(302)
  const { items } = ok(await study.admin.get(`${study.path}/keys?participant=${member.id}`))
  for (const { id } of items) ok(await study.admin.delete(`${study.path}/keys/${id}`))
  expect((await anonymous.get(download_url)).status).toBe(403)
})
