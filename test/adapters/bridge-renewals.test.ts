// How a Bridge session goes on, and how it ends.

import { beforeAll, describe, expect, test } from 'vitest'
import { bridgeAs } from '../support/bridge-client.ts'
import { aParticipant, aStudy, ok, type Participant, type Study } from '../support/world.ts'

const anonymous = bridgeAs()
const SIGN_IN = '/v4/auth/signIn'
const REAUTH = '/v3/auth/reauth'
const DATA = '/v3/users/self/data'
const ADA = { email: 'ada@example.org' }

let study: Study
let participant: Participant
/** Ada's sign-in. */
let hers: { appId: string; email: string; password: string }

beforeAll(async () => {
  study = await aStudy()
  participant = await aParticipant(study, ADA)
  hers = { appId: study.id, email: ADA.email, password: participant.key ?? '' }
})

const tokenOf = async (signIn: object): Promise<string> => ok(await anonymous.post(SIGN_IN, signIn)).sessionToken

describe('signing in anew with what a sign-in gave', () => {
  test('keeps the session that lives, and rotates', async () => {
    const first = ok(await anonymous.post(SIGN_IN, hers))
    const asked = { appId: study.id, email: ADA.email }
    const second = ok(await anonymous.post(REAUTH, { ...asked, reauthToken: first.reauthToken }))
    expect(second.sessionToken).toBe(first.sessionToken)
    expect(second.reauthToken).not.toBe(first.reauthToken)
    expect(second).toMatchObject({ id: participant.id, consented: true })
    // The answer may have been lost: what was shown goes on.
    const third = ok(await anonymous.post(REAUTH, { ...asked, reauthToken: first.reauthToken }))
    expect(third.sessionToken).toBe(first.sessionToken)
  })

  test.each([
    ['another name', { email: 'nobody@example.org' }],
    ['a key', { reauthToken: undefined, useKey: true }],
    ['garbage', { reauthToken: 'garbage' }],
    ['a session', { useSession: true }],
    ['another app', { appId: 'no-such-app' }],
  ])('is not done with %s', async (_, { useKey, useSession, ...wrong }: Record<string, unknown>) => {
    const { reauthToken, sessionToken } = ok(await anonymous.post(SIGN_IN, hers))
    const shown = {
      ...(useKey === true && { reauthToken: hers.password }),
      ...(useSession === true && { reauthToken: sessionToken }),
    }
    const body = { appId: study.id, email: ADA.email, reauthToken, ...wrong, ...shown }
    const answer = await anonymous.post(REAUTH, body)
    expect([answer.status, answer.body.message]).toEqual([404, 'Account not found.'])
  })

  test('says what is missing', async () => {
    const { status, body } = await anonymous.post(REAUTH, { email: ADA.email, reauthToken: 'x' })
    expect([status, body]).toEqual([
      400,
      { statusCode: 400, message: 'App ID is required.', type: 'BadRequestException' },
    ])
    const without = await anonymous.post(REAUTH, { appId: study.id, email: ADA.email })
    expect(without.body.errors).toEqual({ reauthToken: ['reauthToken is required'] })
  })
})

describe('signing out', () => {
  const GONE = [200, { message: 'Signed out.', type: 'StatusMessage' }]
  const CLEARED = '"cache", "cookies", "storage", "executionContexts"'

  test('ends the session and what would renew it', async () => {
    const { sessionToken, reauthToken } = ok(await anonymous.post(SIGN_IN, hers))
    const { status, body, headers } = await bridgeAs(sessionToken).post('/v4/auth/signOut', {})
    expect([status, body]).toEqual(GONE)
    expect(headers.get('Clear-Site-Data')).toBe(CLEARED)
    expect((await bridgeAs(sessionToken).get(DATA)).status).toBe(401)
    expect((await anonymous.post(REAUTH, { ...hers, reauthToken })).status).toBe(404)
  })

  test.each([undefined, 'garbage', `crs_1_${'a'.repeat(43)}`])('without a session (%s) is told so', async (shown) => {
    const { status, body, headers } = await bridgeAs(shown).post('/v4/auth/signOut')
    expect([status, body]).toEqual([400, { statusCode: 400, message: 'Not signed in', type: 'BadRequestException' }])
    expect(headers.get('Clear-Site-Data')).toBe(CLEARED)
    const old = await bridgeAs(shown).post('/v3/auth/signOut')
    expect([old.status, old.body]).toEqual(GONE)
    const oldest = await bridgeAs(shown).get('/api/v1/auth/signOut')
    expect([oldest.status, oldest.body]).toEqual(GONE)
  })

  test.each(['/v3/auth/signOut', '/api/v1/auth/signOut'])('at %s ends it, too', async (path) => {
    const session = bridgeAs(await tokenOf(hers))
    const { status, body } = path.startsWith('/api') ? await session.get(path) : await session.post(path)
    expect([status, body]).toEqual(GONE)
    expect((await session.get(DATA)).status).toBe(401)
  })
})
