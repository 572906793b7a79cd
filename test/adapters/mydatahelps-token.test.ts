// MyDataHelps' token endpoint: what a service account signs is exchanged for a token, once.

import { base64url, SignJWT } from 'jose'
import { beforeAll, describe, expect, test } from 'vitest'
import { eventsOf } from '../support/audit.ts'
import { anonymous, as, ORIGIN } from '../support/client.ts'
import { disturbed, within } from '../support/faults.ts'
import {
  aKeyPair,
  asking,
  aServiceAccount,
  clientCredentials,
  delegatedParticipant,
  type KeyPair,
  signed,
  TOKEN,
} from '../support/mydatahelps.ts'
import { OWN, projectOf } from '../support/mydatahelps-files.ts'
import { aParticipant, aStudy, ok, type Participant, type Study } from '../support/world.ts'

const ask = asking(anonymous)

let ours: KeyPair
let theirs: KeyPair
let study: Study
let participant: Participant
let accounts = 0
const aName = () => `MyDataHelps.8.account-${(accounts += 1)}`
let name: string

beforeAll(async () => {
  ;[ours, theirs, study] = await Promise.all([aKeyPair(), aKeyPair(), aStudy()])
  name = aName()
  await aServiceAccount(study, name, ours)
  participant = await aParticipant(study)
})

const tokenOf = async (form: Record<string, string | undefined>) => ok(await ask(form)).access_token as string
const serviceToken = async (account = name, keys = ours) => tokenOf(clientCredentials(await signed(keys, account)))

describe('a signed assertion', () => {
  test('is exchanged for a token that opens the project', async () => {
    const { status, body, headers } = await ask(clientCredentials(await signed(ours, name)))
    expect([status, body]).toEqual([
      200,
      {
        access_token: expect.stringMatching(/^crs_\d+_[\w-]{43}$/),
        expires_in: 300,
        token_type: 'Bearer',
        scope: 'api',
      },
    ])
    expect([headers.get('Cache-Control'), headers.get('Pragma')]).toEqual(['no-store', 'no-cache'])
    const files = await as(body.access_token).get(`${projectOf(study)}/files`)
    expect([files.status, files.body]).toEqual([200, { files: [], nextPageID: null }])
    expect((await as(body.access_token).get(`${study.path}/files`)).status, 'no other door').toBe(401)
  })

  test('may be meant for either host of the platform, for more than one, or for here', async () => {
    for (const aud of [
      'https://designer.mydatahelps.org/identityserver/connect/token',
      `${ORIGIN}${TOKEN}`,
      ['https://elsewhere.example.org/', `${ORIGIN}${TOKEN}`],
    ]) {
      expect((await ask(clientCredentials(await signed(ours, name, { aud })))).status, String(aud)).toBe(200)
    }
  })

  test('may end at a fraction of a second, and comes by a doubled slash too', async () => {
    const assertion = await signed(ours, name, { exp: Math.floor(Date.now() / 1000) + 200.123 })
    const { status } = await anonymous.post(
      `${ORIGIN}//identityserver//connect/token`,
      new URLSearchParams(clientCredentials(assertion)).toString(),
      { 'Content-Type': 'application/x-www-form-urlencoded; charset=utf-8' },
    )
    expect(status).toBe(200)
  })

  test('is taken once', async () => {
    const form = clientCredentials(await signed(ours, name))
    ok(await ask(form))
    const again = await ask(form)
    expect([again.status, again.body.error]).toEqual([400, 'invalid_client'])
    expect(again.body.error_description).toContain('jti')
  })

  test('is taken once, also of two at the same moment', async () => {
    const form = clientCredentials(await signed(ours, name))
    const both = await Promise.all([ask(form), ask(form), ask(form)])
    expect(both.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 400, 400])
  })

  test('is exchanged once where the database’s answer was lost, and the token opens', async () => {
    const { DB, seen } = disturbed({ on: /INSERT INTO assertions/, loses: true })
    const before = (await eventsOf(study)).length
    const given = ok(await asking(within({ DB }, anonymous))(clientCredentials(await signed(ours, name))))
    expect(seen.times).toBe(2)
    expect((await as(given.access_token).get(`${projectOf(study)}/files`)).status).toBe(200)
    expect((await eventsOf(study)).slice(before).map(({ action }) => action)).toEqual(['session.begin'])
  })

  test('puts on record who signed it, and notes that the key was used', async () => {
    const account = aName()
    const keys = await aKeyPair()
    const key = await aServiceAccount(study, account, keys)
    await serviceToken(account, keys)
    const [event] = (await eventsOf(study)).slice(-1)
    expect(event).toMatchObject({ door: 'mydatahelps', action: 'session.begin', actor: `key:${key}`, through: key })
    expect(ok(await study.admin.get(`${study.path}/keys/${key}`)).lastUsedAt).not.toBeNull()
  })
})

const AN_HOUR_AND_MORE = 3_700
const now = () => Date.now() / 1000
const unsigned = (header: object, claims: object) =>
  `${[header, claims].map((part) => base64url.encode(JSON.stringify(part))).join('.')}.`
const usual = (more: object = {}) => ({
  iss: name,
  sub: name,
  aud: `${ORIGIN}${TOKEN}`,
  exp: now() + 200,
  jti: crypto.randomUUID(),
  ...more,
})

describe('an assertion is refused', () => {
  const WRONG: [why: string, assertion: () => Promise<string> | string, said: RegExp][] = [
    ['that another key signed', async () => signed(theirs, name), /No key/],
    ['of an account that nobody knows', async () => signed(ours, 'MyDataHelps.8.nobody'), /No key/],
    ['for another audience', async () => signed(ours, name, { aud: 'https://elsewhere.example.org/' }), /`aud`/],
    ['for no audience', async () => signed(ours, name, { aud: undefined }), /`aud`/],
    ['that has expired', async () => signed(ours, name, { exp: now() - 61 }), /expired/],
    ['that never ends', async () => signed(ours, name, { exp: now() + AN_HOUR_AND_MORE }), /3600 seconds/],
    ['whose end is in milliseconds', async () => signed(ours, name, { exp: Date.now() + 200_000 }), /in seconds/],
    ['without an end', async () => signed(ours, name, { exp: undefined }), /`exp`/],
    ['whose end is no number', () => unsigned({ alg: 'RS256' }, usual({ exp: '1e9' })), /`exp`/],
    ['that is not good yet', async () => signed(ours, name, { nbf: now() + 300 }), /`nbf`/],
    ['without a number of its own', async () => signed(ours, name, { jti: undefined }), /`jti`/],
    ['with an empty one', async () => signed(ours, name, { jti: '' }), /`jti`/],
    ['about somebody else', async () => signed(ours, name, { sub: 'another' }), /`iss` and `sub`/],
    ['from nobody', async () => signed(ours, name, { iss: undefined }), /`iss` and `sub`/],
    ['without a signature', () => unsigned({ alg: 'none' }, usual()), /No key/],
    [
      'with the public key for a shared secret',
      async () => new SignJWT(usual()).setProtectedHeader({ alg: 'HS256' }).sign(new TextEncoder().encode(ours.pem)),
      /No key/,
    ],
    ['that is none', () => 'not.a.jwt', /not a JWT/],
    ['that is no text of one', () => '\u0000\uFFFD', /not a JWT/],
  ]

  test.each(WRONG)('%s', async (_, assertion, said) => {
    const { status, body } = await ask(clientCredentials(await assertion()))
    expect([status, body.error], body.error_description).toEqual([400, 'invalid_client'])
    expect(body.error_description).toMatch(said)
  })

  test('with 401 only where the client tried to be known by a header', async () => {
    const form = clientCredentials(await signed(theirs, name))
    const { status, body, headers } = await ask(form, { Authorization: 'Basic eDp5' })
    expect([status, body.error]).toEqual([401, 'invalid_client'])
    expect(headers.get('WWW-Authenticate')).toMatch(/^Basic /)
  })

  test('of a participant’s public key: only those of the team are accounts', async () => {
    const keys = await aKeyPair()
    const account = aName()
    await aServiceAccount(study, account, keys, { role: 'participant', participant: participant.id })
    expect((await ask(clientCredentials(await signed(keys, account)))).body.error).toBe('invalid_client')
  })
})

describe('a service account', () => {
  test('has several keys, and each of them signs', async () => {
    const account = aName()
    const [old, fresh] = [theirs, await aKeyPair()]
    for (const keys of [old, fresh]) await aServiceAccount(study, account, keys)
    for (const keys of [old, fresh]) ok(await as(await serviceToken(account, keys)).get(`${projectOf(study)}/files`))
  })

  test('goes on with its newest key, however many old ones there are, and whatever they are', async () => {
    const account = aName()
    for (let count = 0; count < 10; count += 1) {
      const pem = `-----BEGIN PUBLIC KEY-----\nAAA${count}\n-----END PUBLIC KEY-----`
      await aServiceAccount(study, account, { ...theirs, pem })
    }
    const keys = await aKeyPair()
    await aServiceAccount(study, account, keys)
    await serviceToken(account, keys)
  })

  test('ends with its key, its tokens at once, and those that act for participants', async () => {
    const account = aName()
    const keys = await aKeyPair()
    const id = await aServiceAccount(study, account, keys)
    const token = await serviceToken(account, keys)
    const delegated = await tokenOf(delegatedParticipant(token, participant.id))
    ok(await as(delegated).get(OWN))
    ok(await study.admin.delete(`${study.path}/keys/${id}`))
    for (const [each, path] of [
      [token, `${projectOf(study)}/files`],
      [delegated, OWN],
    ] as const) {
      const refused = await as(each).get(path)
      expect([refused.status, refused.body.code]).toEqual([401, 'unauthenticated'])
    }
    expect((await ask(clientCredentials(await signed(keys, account)))).body.error).toBe('invalid_client')
  })

  test('that several studies know opens each of them, and for each one’s participants', async () => {
    const [one, two, three] = await Promise.all([aStudy(), aStudy(), aStudy()])
    const account = aName()
    const keys = await aKeyPair()
    const first = await aServiceAccount(one, account, keys)
    await aServiceAccount(two, account, keys)
    const token = await serviceToken(account, keys)
    for (const each of [one, two]) ok(await as(token).get(`${projectOf(each)}/files`))
    const elsewhere = await as(token).get(`${projectOf(three)}/files`)
    expect([elsewhere.status, elsewhere.body.code]).toEqual([404, 'study_not_found'])

    const [ada, bob] = [await aParticipant(one), await aParticipant(two)]
    for (const each of [ada, bob]) {
      const delegated = await tokenOf(delegatedParticipant(token, each.id))
      const begun = ok(await as(delegated).post(`${OWN}?category=a&fileName=a.txt`))
      expect(begun.key).toMatch(`${each.id}/a/`)
    }
    // What ends in one study goes on in the other.
    ok(await one.admin.delete(`${one.path}/keys/${first}`))
    expect((await as(token).get(`${projectOf(one)}/files`)).status).not.toBe(200)
    ok(await as(token).get(`${projectOf(two)}/files`))
    ok(await ask(delegatedParticipant(token, bob.id)))
    expect((await ask(delegatedParticipant(token, ada.id))).body.error).toBe('invalid_grant')
  })

  test('of the same name in another study, with another key, opens nothing here', async () => {
    const other = await aStudy()
    await aServiceAccount(other, name, theirs)
    const token = await serviceToken(name, theirs)
    ok(await as(token).get(`${projectOf(other)}/files`))
    const here = await as(token).get(`${projectOf(study)}/files`)
    expect([here.status, here.body.code]).toEqual([404, 'study_not_found'])
    const refused = await ask(delegatedParticipant(token, participant.id))
    expect([refused.status, refused.body.error]).toEqual([400, 'invalid_grant'])
    // And the one here goes on.
    ok(await as(await serviceToken()).get(`${projectOf(study)}/files`))
  })

  test('has no token of its own for the participants’ API', async () => {
    const { status, body } = await as(await serviceToken()).get(OWN)
    expect([status, body.code]).toEqual([403, 'forbidden'])
  })
})

describe('the token endpoint', () => {
  const FORMS: [why: string, body: string, type: string | undefined, error: string][] = [
    ['JSON', '{"grant_type":"client_credentials"}', 'application/json', 'invalid_request'],
    ['nothing', '', 'application/x-www-form-urlencoded', 'invalid_request'],
    ['no grant', 'scope=api', 'application/x-www-form-urlencoded', 'invalid_request'],
    ['a password', 'grant_type=password', 'application/x-www-form-urlencoded', 'unsupported_grant_type'],
    ['a field twice', 'grant_type=a&grant_type=b', 'application/x-www-form-urlencoded', 'invalid_request'],
    [
      'no assertion',
      'grant_type=client_credentials&client_assertion_type=x',
      'application/x-www-form-urlencoded',
      'invalid_request',
    ],
    [
      'a body of megabytes',
      `grant_type=${'a'.repeat(2 ** 21)}`,
      'application/x-www-form-urlencoded',
      'invalid_request',
    ],
    ['bytes that are no text', '%FF%FE=%00&__proto__=1', 'application/x-www-form-urlencoded', 'invalid_request'],
  ]
  test.each(FORMS)('refuses %s', async (_, body, type, error) => {
    const answer = await anonymous.post(TOKEN, body, type === undefined ? {} : { 'Content-Type': type })
    expect([answer.status, answer.body.error]).toEqual([400, error])
    expect(answer.headers.get('Cache-Control')).toBe('no-store')
  })

  test('gives a service account everything or nothing', async () => {
    const form = { ...clientCredentials(await signed(ours, name)), scope: 'Files:read' }
    expect((await ask(form)).body.error).toBe('invalid_scope')
  })

  test('is not for browsers of other origins, nor for other methods', async () => {
    const { headers } = await anonymous.post(TOKEN, '', { Origin: 'https://app.example.org' })
    expect(headers.get('Access-Control-Allow-Origin')).toBeNull()
    expect((await anonymous.get(TOKEN)).status).toBe(404)
  })

  test('is limited with everything else', async () => {
    const other = { RATE_LIMITS: 'on', CALLER_RATE: { limit: async () => ({ success: false }) } }
    const { status, body, headers } = await asking(within(other, anonymous))({})
    expect([status, body.error, headers.get('Retry-After')]).toEqual([429, 'temporarily_unavailable', '60'])
  })
})
