// What holds for every call of Bridge's: who is let in, how it says no, and what stands around its answers.

import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { bridgeAs } from '../support/bridge-client.ts'
import type { Answer, Caller } from '../support/callers.ts'
import { overriding, within } from '../support/faults.ts'
import { aParticipant, aStudy, ok, type Participant, type Study } from '../support/world.ts'

const anonymous = bridgeAs()

const NOT_SIGNED_IN = { statusCode: 401, message: 'Not signed in.', type: 'NotAuthenticatedException' }
const NO_ENDPOINT = { statusCode: 404, message: 'Endpoint not found.', type: 'EndpointNotFoundException' }
const FORBIDDEN = {
  statusCode: 403,
  message: 'Caller does not have permission to access this service.',
  type: 'UnauthorizedException',
}
const NO_ACCOUNT = {
  statusCode: 404,
  message: 'Account not found.',
  type: 'EntityNotFoundException',
  entityClass: 'Account',
}

let study: Study
let other: Study
let participant: Participant
let withdrawn: Participant
let callers: Record<'participant' | 'withdrawn' | 'staff' | 'worker' | 'admin' | 'download', Caller>

beforeAll(async () => {
  ;[study, other] = await Promise.all([aStudy(), aStudy()])
  participant = await aParticipant(study, { firstName: 'Ada' })
  withdrawn = await aParticipant(study)
  ok(await study.admin.patch(`${study.path}/participants/${withdrawn.id}`, { status: 'withdrawn' }))
  callers = {
    participant: bridgeAs(participant.key),
    withdrawn: bridgeAs(withdrawn.key),
    staff: bridgeAs(study.staff.key),
    worker: bridgeAs(study.worker.key),
    admin: bridgeAs(study.admin.key),
    download: bridgeAs(study.download.key),
  }
})

type Audience = 'consented' | 'worker' | 'admin'
type Call = readonly [method: 'get' | 'post' | 'delete', path: string, audience: Audience]
const theirs = '/v1/apps/APP/participants/USER/data'
const CALLS: readonly Call[] = [
  ['get', '/v3/users/self/data', 'consented'],
  ['get', '/v3/users/self/data/x', 'consented'],
  ['post', '/v3/users/self/data/x', 'consented'],
  ['delete', '/v3/users/self/data/x', 'consented'],
  ['get', '/v3/participants/self/files', 'consented'],
  ['get', '/v3/participants/self/files/x', 'consented'],
  ['post', '/v3/participants/self/files/x', 'consented'],
  ['delete', '/v3/participants/self/files/x', 'consented'],
  ['get', theirs, 'worker'],
  ['get', `${theirs}/x`, 'worker'],
  ['post', `${theirs}/x`, 'worker'],
  ['delete', `${theirs}/x`, 'admin'],
  ['delete', theirs, 'admin'],
]
const LET_IN: Record<Audience, readonly string[]> = {
  consented: ['participant'],
  worker: ['worker'],
  admin: ['admin'],
}

const ask = async (caller: Caller, [method, path]: Call, { app = study.id, user = participant.id, body = {} } = {}) => {
  const at = path.replace('APP', app).replace('USER', user)
  return method === 'post' ? caller.post(at, body) : caller[method](at)
}

describe('a call', () => {
  test.each(CALLS)('%s %s is for whom it is for (%s), and nobody else', async (...call) => {
    const [, , audience] = call
    for (const [role, caller] of Object.entries(callers)) {
      const { status, body } = await ask(caller, call)
      const isLetIn = LET_IN[audience].includes(role)
      const refused = audience === 'consented' && role !== 'download' ? 412 : 403
      if (isLetIn) expect([401, 403, 412], role).not.toContain(status)
      else expect(status, `${role}: ${JSON.stringify(body)}`).toBe(refused)
      if (status === 403) expect(body).toEqual(FORBIDDEN)
      if (status === 412)
        expect(body).toMatchObject({ type: 'UserSessionInfo', sessionToken: caller.key, consented: false })
    }
  })

  test.each(CALLS)('%s %s is not for who is not signed in', async (...call) => {
    const strangers = [undefined, '', 'garbage', `${participant.key}x`, `crs_${study.number}_${'a'.repeat(43)}`]
    for (const shown of strangers) {
      const { status, body } = await ask(bridgeAs(shown), call)
      expect([status, body], shown).toEqual([401, NOT_SIGNED_IN])
    }
    // Not even if what they say is wrong, too.
    const dead = `crs_${study.number}_${'a'.repeat(43)}`
    expect((await ask(bridgeAs(dead), call, { body: [] as object })).status).toBe(401)
    expect((await bridgeAs(dead).get('/v3/users/self/data?pageSize=x')).status).toBe(401)
  })

  test.each(CALLS.filter(([, , audience]) => audience !== 'consented'))(
    '%s %s finds nobody in another app',
    async (...call) => {
      const caller = callers[call[2] === 'worker' ? 'worker' : 'admin']
      const foreigner = await aParticipant(other)
      for (const at of [
        { app: other.id, user: foreigner.id },
        { app: 'no-such-app', user: participant.id },
        { app: study.id, user: foreigner.id },
        { app: study.id, user: 'nobody' },
        { app: study.id, user: 'self' },
        { app: study.id, user: '%00' },
      ]) {
        const { status, body } = await ask(caller, call, at)
        expect([status, body], JSON.stringify(at)).toEqual([404, NO_ACCOUNT])
      }
      // Who is not let in at all is told that first.
      expect((await ask(callers.participant, call, { app: other.id })).status).toBe(403)
    },
  )

  test('of a participant who has left is a 412 with their session, even if what they say is wrong', async () => {
    const { status, body } = await callers.withdrawn.post('/v3/participants/self/files/x', { mimeType: '' })
    expect(status).toBe(412)
    expect(body).toMatchObject({ id: withdrawn.id, authenticated: true, consented: false, type: 'UserSessionInfo' })
    expect((await callers.withdrawn.get('/v3/users/self/data?pageSize=1')).status).toBe(412)
  })

  test('to write what is of a participant who has left is refused in so many words, whoever makes it', async () => {
    const message = 'The participant has left the study; nothing of theirs can be written.'
    for (const call of CALLS.filter(([method, , audience]) => method !== 'get' && audience !== 'consented')) {
      const caller = callers[call[2] === 'worker' ? 'worker' : 'admin']
      const { status, body } = await ask(caller, call, { user: withdrawn.id })
      // There is nothing to delete of theirs.
      if (call[0] === 'delete' && call[1].endsWith('/x')) expect(status).toBe(404)
      else expect([status, body]).toEqual([400, { statusCode: 400, message, type: 'BadRequestException' }])
    }
  })
})

describe('what is not there', () => {
  test.each(['/v3', '/v3/nothing', '/v3/users/self/data/a/b', '/v1/apps/a', '/v2/apps/a/b', '/v5/x', '/api/v1/auth/x'])(
    '%s is not found, in Bridge’s words',
    async (path) => {
      const { status, body } = await anonymous.get(path)
      expect([status, body]).toEqual([404, NO_ENDPOINT])
    },
  )

  test('a path by a method that it does not have is not found either', async () => {
    for (const answer of [
      await callers.participant.put('/v3/users/self/data/x', {}),
      await callers.participant.post('/v3/users/self/data', {}),
      await anonymous.get('/v4/auth/signIn'),
    ]) {
      expect([answer.status, answer.body]).toEqual([404, NO_ENDPOINT])
    }
  })

  test('escapes that are no UTF-8 name nothing', async () => {
    const { status, body } = await callers.participant.get('/v3/users/self/data/%ff')
    expect([status, body.type]).toEqual([400, 'BadRequestException'])
  })
})

describe('a page', () => {
  const list = async (query: string) => callers.participant.get(`/v3/users/self/data?${query}`)
  const refused = (message: string) => [400, { statusCode: 400, message, type: 'BadRequestException' }]
  const told = ({ status, body }: Answer) => [status, body]

  test.each([
    ['pageSize=4', 'pageSize must be from 5-100 records'],
    ['pageSize=101', 'pageSize must be from 5-100 records'],
    ['pageSize=-7', 'pageSize must be from 5-100 records'],
    ['pageSize=ten', 'ten is not an integer'],
    ['pageSize=5.0', '5.0 is not an integer'],
    ['pageSize=99999999999', '99999999999 is not an integer'],
    ['offsetKey=made-up', 'offsetKey was not made by this list. Start again without one.'],
  ])('is not given for %s', async (query, message) => {
    expect(told(await list(query))).toEqual(refused(message))
  })

  test.each(['', 'pageSize=', 'pageSize=%20', 'pageSize=%2B5', 'pageSize=100&offsetKey='])(
    'is given for %j',
    async (query) => {
      expect((await list(query)).status).toBe(200)
    },
  )
})

describe('around every answer', () => {
  const HEADERS = {
    'Strict-Transport-Security': 'max-age=31536000; includeSubDomains',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'X-Permitted-Cross-Domain-Policies': 'none',
    'X-XSS-Protection': '1; mode=block',
    'Access-Control-Allow-Origin': '*',
    'Content-Type': 'application/json;charset=UTF-8',
    'Cache-Control': 'no-store',
  }

  test('are the same headers, whether it is good or bad', async () => {
    for (const { headers } of [
      await callers.participant.get('/v3/users/self/data'),
      await anonymous.get('/v3/users/self/data'),
      await anonymous.get('/v3/nothing'),
      await anonymous.get('/v3/users/self/data/%ff'),
      await anonymous.post('/v4/auth/signIn', '{'),
    ]) {
      for (const [name, value] of Object.entries(HEADERS)) expect(headers.get(name), name).toBe(value)
      expect(headers.get('Content-Security-Policy')).toContain("default-src 'none'")
      expect(headers.get('Access-Control-Allow-Credentials')).toBeNull()
      expect(headers.get('Access-Control-Expose-Headers')).toBeNull()
    }
  })

  test('any browser app may ask, with any header', async () => {
    const { status, headers } = await anonymous.options('/v3/users/self/data/x', {
      Origin: 'https://app.example.org',
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'bridge-session,content-type,x-other',
    })
    expect([status, headers.get('Access-Control-Allow-Origin')]).toEqual([204, '*'])
    expect(headers.get('Access-Control-Allow-Headers')).toBe('bridge-session,content-type,x-other')
    expect(headers.get('Access-Control-Allow-Methods')?.split(',')).toEqual(
      expect.arrayContaining(['GET', 'POST', 'DELETE']),
    )
    expect(headers.get('Access-Control-Max-Age')).toBe('1800')
  })

  test('is the id that a request came with', async () => {
    const { headers } = await anonymous.get('/v3/nothing', { 'X-Request-Id': 'mine-1' })
    expect(headers.get('X-Request-Id')).toBe('mine-1')
  })
})

describe('a body', () => {
  const save = async (body: string, headers = {}) => callers.participant.post('/v3/users/self/data/body', body, headers)

  test('is JSON, whatever its Content-Type says', async () => {
    for (const type of ['text/plain', 'application/octet-stream', 'nonsense']) {
      expect((await save('{"data":1}', { 'Content-Type': type })).status, type).toBe(201)
    }
  })

  test.each(['', ' ', '{', '[]', '"x"', '7', 'null', '{"data":01}', '{"data":}', "{'data':1}"])(
    'that is %j is no entity',
    async (body) => {
      const answer = await save(body)
      expect(answer.status).toBe(400)
      expect(Object.keys(answer.body)).toEqual(['statusCode', 'message', 'type'])
      expect(answer.body.type).toBe('InvalidEntityException')
      expect(answer.body.message).toMatch(/^Error parsing JSON in request body: /)
    },
  )

  test('that is too long is refused in so many words', async () => {
    const { status, body } = await save(`{"data":"${'x'.repeat(1_400_000)}"}`)
    expect([status, body.type]).toEqual([400, 'BadRequestException'])
    expect(body.message).toMatch(/may have \d+ bytes at most/)
    const value = await save(`{"data":"${'x'.repeat(1_048_576)}"}`)
    expect([value.status, value.body.message]).toEqual([400, 'A document may have 1048576 bytes at most.'])
  })
})

describe('what is not the caller’s doing', () => {
  const askIn = async (bindings: Parameters<typeof within>[0]) =>
    within(bindings, anonymous).get('/v3/users/self/data', { 'Bridge-Session': participant.key ?? '' })

  test('is a 429 for who asks too often, with when to come again', async () => {
    const asked = Array.from({ length: 25 }, async () => askIn({ RATE_LIMITS: 'on', CALLER_RATE: env.ENROLMENT_RATE }))
    const limited = (await Promise.all(asked)).filter(({ status }) => status === 429)
    expect(limited[0]?.body).toMatchObject({ statusCode: 429, type: 'LimitExceededException' })
    expect(limited[0]?.headers.get('Retry-After')).toBe('60')
  })

  test('is a 500 that tells nothing of why', async () => {
    const withSession = () => {
      throw new Error('secret words of the database')
    }
    const { status, body, text } = await askIn({ DB: overriding(env.DB, { withSession }) })
    expect([status, body.type]).toEqual([500, 'BridgeServiceException'])
    expect(text).not.toContain('secret')
  })
})
