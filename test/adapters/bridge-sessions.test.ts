// Signing in to Bridge, where a password is a key of the account, and what a session says of whose it is.

import { beforeAll, describe, expect, test } from 'vitest'
import { bridgeAs } from '../support/bridge-client.ts'
import { anonymous as native } from '../support/client.ts'
import { aKey, aParticipant, aStudy, ok, type Participant, type Study } from '../support/world.ts'

const anonymous = bridgeAs()
const SIGN_IN = '/v4/auth/signIn'
const DATA = '/v3/users/self/data'
const ISSUER = 'https://id.example.org'
const ADA = { email: 'ada@example.org', phone: '+441632960961', firstName: 'Ada', externalId: 'PT-ada' }

let study: Study
let participant: Participant
/** Ada's sign-in. */
let hers: { appId: string; email: string; password: string }

beforeAll(async () => {
  study = await aStudy()
  participant = await aParticipant(study, ADA)
  hers = { appId: study.id, email: ADA.email, password: participant.key ?? '' }
})

/** A member of the team who can sign in, with a key. */
async function aMember(role: 'staff' | 'worker' | 'admin') {
  const email = `${role}@example.org`
  const member = ok(
    await study.admin.post(`${study.path}/members`, { issuer: ISSUER, subject: role, role, email, firstName: 'Mo' }),
  )
  const { key: password } = await aKey(study, { role, member: member.id })
  return { id: member.id as string, signIn: { appId: study.id, email, password } }
}

const tokenOf = async (signIn: object): Promise<string> => ok(await anonymous.post(SIGN_IN, signIn)).sessionToken

describe('a session', () => {
  test('says whose it is, flat and without what is secret', async () => {
    const { status, body } = await anonymous.post(SIGN_IN, hers)
    expect(status).toBe(200)
    const { createdAt } = ok(await study.admin.get(`${study.path}/participants/${participant.id}`))
    expect(body).toEqual({
      authenticated: true,
      sessionToken: expect.stringMatching(/^crs_/),
      reauthToken: expect.stringMatching(/^crn_/),
      environment: 'local',
      consented: true,
      signedMostRecentConsent: true,
      dataSharing: true,
      consentStatuses: {
        [study.id]: {
          name: 'A study',
          subpopulationGuid: study.id,
          required: true,
          consented: true,
          signedMostRecentConsent: true,
          signedOn: createdAt,
          type: 'ConsentStatus',
        },
      },
      username: ADA.email,
      id: participant.id,
      email: ADA.email,
      phone: { number: ADA.phone, type: 'Phone' },
      emailVerified: true,
      phoneVerified: true,
      firstName: 'Ada',
      externalId: ADA.externalId,
      externalIds: { [study.id]: ADA.externalId },
      studyIds: [study.id],
      enrollments: { [study.id]: { externalId: ADA.externalId, enrolledBySelf: false, type: 'EnrollmentInfo' } },
      sharingScope: 'sponsors_and_partners',
      notifyByEmail: false,
      dataGroups: [],
      attributes: {},
      roles: [],
      languages: [],
      status: 'enabled',
      createdOn: createdAt,
      type: 'UserSessionInfo',
    })
  })

  test('opens what is the account’s, at this door only', async () => {
    const token = await tokenOf(hers)
    expect((await bridgeAs(token).get(DATA)).status).toBe(200)
    const headers = { Authorization: `Bearer ${token}` }
    expect((await native.get(`${study.path}/files`, headers)).status).toBe(401)
  })

  test('ends when the account signs in again, or its key is revoked', async () => {
    const someone = await aParticipant(study, { email: 'bea@example.org' })
    const signIn = { appId: study.id, email: 'bea@example.org', password: someone.key }
    const first = await tokenOf(signIn)
    const second = await tokenOf(signIn)
    expect((await bridgeAs(first).get(DATA)).status).toBe(401)
    expect((await bridgeAs(second).get(DATA)).status).toBe(200)
    ok(await study.admin.delete(`${study.path}/keys/${someone.keyId}`))
    expect((await bridgeAs(second).get(DATA)).status).toBe(401)
    expect((await anonymous.post(SIGN_IN, signIn)).status).toBe(404)
  })

  test.each([
    ['staff', ['researcher', 'study_coordinator', 'study_designer']],
    ['worker', ['worker']],
    ['admin', ['developer', 'admin']],
  ] as const)('of %s has roles, and needs no consent to be given', async (role, roles) => {
    const { id, signIn } = await aMember(role)
    const { status, body } = await anonymous.post(SIGN_IN, signIn)
    expect(status).toBe(200)
    expect(body).toMatchObject({ id, roles, firstName: 'Mo', consented: false, dataSharing: false, studyIds: [] })
    expect(body.consentStatuses[study.id]).toMatchObject({ consented: false, required: true })
    expect(body.sharingScope).toBe('no_sharing')
  })

  test('has a first name and roles even where there are none, and the labels for studies', async () => {
    const someone = await aParticipant(study, { externalId: 'PT-2', labels: ['pilot', 'north'] })
    const { body } = await anonymous.post(SIGN_IN, { appId: study.id, externalId: 'PT-2', password: someone.key })
    expect(body).toMatchObject({ firstName: '', roles: [], studyIds: ['pilot', 'north'] })
    expect(body.externalIds).toEqual({ pilot: 'PT-2', north: 'PT-2' })
    expect(Object.keys(body)).toEqual(expect.not.arrayContaining(['email', 'phone', 'username', 'lastName', 'appId']))
  })

  test('of a participant who has left is good, and a 412', async () => {
    const someone = await aParticipant(study, { email: 'cy@example.org' })
    ok(await study.admin.patch(`${study.path}/participants/${someone.id}`, { status: 'withdrawn' }))
    const signedIn = await anonymous.post(SIGN_IN, {
      appId: study.id,
      email: 'cy@example.org',
      password: someone.key,
    })
    expect(signedIn.status).toBe(412)
    expect(signedIn.body).toMatchObject({ id: someone.id, consented: false, type: 'UserSessionInfo' })
    expect(signedIn.body.consentStatuses[study.id].signedOn).toBeUndefined()
    const again = await bridgeAs(signedIn.body.sessionToken).get(DATA)
    expect([again.status, again.body.sessionToken]).toEqual([412, signedIn.body.sessionToken])
    expect(again.body.reauthToken).toBeUndefined()
    const { sessionToken, reauthToken } = signedIn.body
    const renewed = await anonymous.post('/v3/auth/reauth', { appId: study.id, email: 'cy@example.org', reauthToken })
    expect([renewed.status, renewed.body.sessionToken]).toEqual([412, sessionToken])
  })
})

describe('signing in', () => {
  test.each([SIGN_IN, '/v3/auth/signIn', '/api/v1/auth/signIn'])(
    'at %s takes every name, by either spelling',
    async (path) => {
      const { appId, email, password } = hers
      for (const body of [
        hers,
        { study: appId, username: email, password },
        { appId, email: ` ${email.toUpperCase()}`, password, phone: null, more: { a: 1 } },
        { appId, phone: { number: ADA.phone, regionCode: 'GB' }, password },
        { appId, externalId: ADA.externalId, password },
      ]) {
        const answer = await anonymous.post(path, body, { 'Bridge-Session': 'long-expired' })
        expect([answer.status, answer.body.id], JSON.stringify(body)).toEqual([200, participant.id])
        const isOld = path !== SIGN_IN
        expect(answer.headers.get('Bridge-Api-Status') !== null).toBe(isOld)
      }
    },
  )

  test('does not tell a wrong name from a wrong password, nor from an app that is not there', async () => {
    const [other, somebody] = [await aStudy(), await aParticipant(study)]
    for (const wrong of [
      { email: 'nobody@example.org' },
      { password: somebody.key },
      { password: study.admin.key },
      { password: 'Password1' },
      { password: `crl_${study.number}_${'a'.repeat(43)}` },
      { appId: other.id },
      { appId: 'no-such-app' },
      { appId: '../x' },
      { email: undefined, externalId: ADA.externalId.toLowerCase() },
      { email: undefined, phone: { number: '61', regionCode: 'GB' } },
    ]) {
      const { status, body } = await anonymous.post(SIGN_IN, { ...hers, ...wrong })
      expect([status, body], JSON.stringify(wrong)).toEqual([
        404,
        {
          statusCode: 404,
          message: 'Account not found.',
          type: 'EntityNotFoundException',
          entityClass: 'Account',
        },
      ])
    }
  })

  const NAME = { SignIn: ['SignIn email, phone, or external ID is required'] }
  const MANY = { SignIn: ['SignIn only provide one of email, phone, or external ID'] }
  const PASSWORD = { password: ['password is required'] }
  test.each([
    [{}, { appId: ['appId is required'], ...PASSWORD, ...NAME }],
    [
      { appId: ' ', email: ' ', password: '' },
      { appId: ['appId is required'], ...PASSWORD, ...NAME },
    ],
    [{ appId: 'a', password: 'p' }, NAME],
    [{ appId: 'a', password: 'p', email: 'a@b.c', externalId: 'x' }, MANY],
    [{ appId: 'a', password: 'p', email: 'a@b.c', phone: { number: '5', regionCode: 'US' } }, MANY],
    [{ appId: 'a', password: 'p', phone: {} }, { phone: ['phone does not appear to be a phone number'] }],
    [{ appId: 'a', email: 'a@b.c' }, PASSWORD],
  ])('with %j says what is wrong', async (body, errors) => {
    const answer = await anonymous.post(SIGN_IN, body)
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({ statusCode: 400, type: 'InvalidEntityException', errors })
    expect(answer.body.errors).toEqual(errors)
    expect(answer.body.message).toMatch(/^SignIn is invalid: /)
    for (const message of Object.values(errors).flat()) expect(answer.body.message).toContain(message)
    expect(answer.body.entity.type).toBe('SignIn')
  })

  test('never repeats a password', async () => {
    const { text } = await anonymous.post(SIGN_IN, { appId: study.id, password: hers.password })
    expect(text).not.toContain(hers.password)
  })

  test('with something else for text is no entity', async () => {
    const { status, body } = await anonymous.post(SIGN_IN, { ...hers, appId: { a: 1 }, email: ['x'], phone: 'x' })
    expect([status, body]).toEqual([
      400,
      {
        statusCode: 400,
        message: 'Error parsing JSON in request body, fields: appId, email, phone',
        type: 'InvalidEntityException',
      },
    ])
    // Scalars are text to it.
    expect((await anonymous.post(SIGN_IN, { appId: 7, email: true, password: 1.5 })).status).toBe(404)
  })

  test('as an administrator is for admins', async () => {
    const path = '/v3/auth/admin/signIn'
    const signIn = await anotherAdmin()
    expect((await anonymous.post(path, signIn)).body).toMatchObject({ roles: ['developer', 'admin'] })
    const held = await tokenOf(hers)
    const { status, body } = await anonymous.post(path, hers)
    expect([status, body.type]).toEqual([403, 'UnauthorizedException'])
    // Nothing of the account's has ended by it.
    expect((await bridgeAs(held).get(DATA)).status).toBe(200)
    expect((await anonymous.post(path, { ...signIn, password: 'x' })).status).toBe(404)
  })

  async function anotherAdmin() {
    const email = 'second@example.org'
    const member = ok(
      await study.admin.post(`${study.path}/members`, { issuer: ISSUER, subject: 'second', role: 'admin', email }),
    )
    const { key: password } = await aKey(study, { role: 'admin', member: member.id })
    return { appId: study.id, email, password }
  }

  test.each(['email', 'email/signIn', 'phone', 'phone/signIn', 'oauth/signIn', 'app', 'study'])(
    'by /v3/auth/%s is refused, and says how it is done here',
    async (path) => {
      const { status, body } = await anonymous.post(`/v3/auth/${path}`, hers)
      expect([status, body.type]).toEqual([403, 'UnauthorizedException'])
      expect(body.message).toMatch(/\bkey\b/)
    },
  )
})
