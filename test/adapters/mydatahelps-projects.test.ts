// MyDataHelps beside single files: a project's participants, who is let in, how much may be asked,
// and what browsers and lax clients need.

import { env, exports } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Caller } from '../support/callers.ts'
import { anonymous, as, ORIGIN } from '../support/client.ts'
import { within } from '../support/faults.ts'
import { costOf } from '../support/meters.ts'
import { OWN, projectOf } from '../support/mydatahelps-files.ts'
import { aKey, aParticipant, aStudy, ok, type Participant, type Study } from '../support/world.ts'

let study: Study
let ada: Participant
let project: string

beforeAll(async () => {
  study = await aStudy()
  project = projectOf(study)
  ada = await aParticipant(study, {
    id: '58b331cc-50ee-460b-8e7e-871e08867687',
    externalId: 'PT-123',
    email: 'ada@example.org',
    phone: '+441632960961',
    firstName: 'Ada',
  })
})

describe('participants', () => {
  const ADA = {
    id: '58b331cc-50ee-460b-8e7e-871e08867687',
    participantIdentifier: 'PT-123',
    enrolled: true,
    insertedDate: expect.stringMatching(/Z$/),
    demographics: { email: 'ada@example.org', mobilePhone: '+441632960961', firstName: 'Ada' },
  }

  test('are counted and listed by the page', async () => {
    const own = await aStudy()
    const path = `${projectOf(own)}/participants`
    expect(ok(await own.worker.get(path))).toEqual({ totalParticipants: 0, participants: [], pageNumber: 0 })
    const ids = ['a', 'b', 'c', 'd', 'e']
    for (const id of ids) await aParticipant(own, { id })
    const pages = await Promise.all(
      [0, 1, 2, 3].map(async (page) => ok(await own.worker.get(`${path}?pageSize=2&pageNumber=${page}`))),
    )
    expect(pages.map(({ participants }) => participants.map(({ id }: { id: string }) => id))).toEqual([
      ['a', 'b'],
      ['c', 'd'],
      ['e'],
      [],
    ])
    expect(pages.map(({ totalParticipants, pageNumber }) => [totalParticipants, pageNumber])).toEqual(
      [0, 1, 2, 3].map((page) => [5, page]),
    )
    // Who is being erased is gone from both, and who has left is not.
    ok(await own.admin.patch(`${own.path}/participants/b`, { status: 'withdrawn' }))
    ok(await own.admin.delete(`${own.path}/participants/a`))
    const { totalParticipants, participants } = ok(await own.worker.get(path))
    expect([totalParticipants, participants.length]).toEqual([4, 4])
    expect(participants[0]).toMatchObject({ id: 'b', participantIdentifier: null, enrolled: false, demographics: {} })
  })

  test('are found by what the study calls them', async () => {
    expect(ok(await study.worker.get(`${project}/participants/PT-123`))).toEqual(ADA)
    const found = ok(await study.admin.get(`${project}/participants?participantIdentifier=PT-123`))
    expect(found).toEqual({ totalParticipants: 1, participants: [ADA], pageNumber: 0 })
    expect(ok(await study.worker.get(`${project}/participants?participantIdentifier=x`)).totalParticipants).toBe(0)
    for (const nobody of ['PT-124', ADA.id, '%00', 'a%2Fb']) {
      const { status, body } = await study.worker.get(`${project}/participants/${nobody}`)
      expect([status, body.code], nobody).toEqual([404, 'participant_not_found'])
    }
  })

  test('cost no more than what comes before a page, and whoever may not list them nothing', async () => {
    const own = await aStudy()
    await env.DB.prepare(
      `INSERT INTO participants (study_id, id, number, created_at)
        WITH RECURSIVE series(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM series WHERE n < 500)
        SELECT ?, 'p-' || n, n, 0 FROM series`,
    )
      .bind(own.id)
      .run()
    const path = `${projectOf(own)}/participants`
    const last = `${path}?pageNumber=1000000`
    for (const [caller, status] of [
      [study.worker, 404],
      [await aParticipant(own), 403],
    ] as const) {
      const { cost, answer } = await costOf(caller, async (counted) => counted.get(last))
      expect(answer.status).toBe(status)
      expect(cost.rows).toBeLessThan(20)
    }
    const { cost, answer } = await costOf(own.worker, async (counted) => counted.get(`${path}?pageSize=2&pageNumber=1`))
    expect(ok(answer).participants).toHaveLength(2)
    expect(cost.rows).toBeLessThan(20)
  })

  test.each(['pageSize=1001', 'pageSize=0', 'pageNumber=-1', 'pageNumber=x', 'pageNumber=1e99'])(
    'are not told for %s',
    async (query) => {
      expect((await study.worker.get(`${project}/participants?${query}`)).status).toBe(400)
    },
  )

  test('are not changed here, and the answer says what can be done', async () => {
    const { status, body, headers } = await study.admin.put(`${project}/participants`, { participantIdentifier: 'x' })
    expect([status, body.code, headers.get('Allow')]).toEqual([405, 'method_not_allowed', 'GET, HEAD'])
    expect(body.message).toContain('GET, HEAD')
  })
})

describe('who is let in', () => {
  test('nobody without a token that stands, whatever is asked for', async () => {
    for (const token of [
      undefined,
      'garbage',
      'crs_1_garbage',
      `crs_65535_${'a'.repeat(43)}`,
      env.OPERATOR_KEY,
      'a.b.c',
    ]) {
      for (const path of [`${project}/files`, `${project}/participants/PT-123`, OWN, `${OWN}/download?key=a/b`]) {
        const { status, body, headers } = await as(token).get(path)
        expect([status, body.code], `${token} ${path}`).toEqual([401, 'unauthenticated'])
        expect(headers.get('WWW-Authenticate')).toBe('Bearer realm="carrel"')
        expect(headers.get('RateLimit-Limit')).toMatch(/^\d+$/)
      }
    }
    const basic = await anonymous.get(OWN, { Authorization: 'Basic eDp5' })
    expect(basic.status).toBe(401)
  })

  test('a project’s workers and admins, to their own project; participants to what is theirs', async () => {
    const other = projectOf(await aStudy())
    const callers: [Caller, own: number, project: number, elsewhere: number][] = [
      [study.worker, 403, 200, 404],
      [study.admin, 403, 200, 404],
      [study.staff, 403, 403, 404],
      [study.download, 403, 403, 404],
      [ada, 200, 403, 404],
    ]
    for (const [caller, own, inProject, elsewhere] of callers) {
      for (const path of ['/files', '/participants']) {
        expect((await caller.get(project + path)).status).toBe(inProject)
        expect((await caller.get(other + path)).status).toBe(elsewhere)
        expect((await caller.get(`/api/v1/administration/projects/no%20such%20project${path}`)).status).toBe(404)
      }
      expect((await caller.get(OWN)).status).toBe(own)
      expect((await caller.post(`${OWN}?category=who&fileName=x`)).status).toBe(own)
    }
  })

  test('a refusal is JSON, with the reason in its first line too', async () => {
    const { status, body, headers } = await study.staff.get(`${project}/files`)
    const message = expect.stringMatching(/^The token does not allow this\./)
    expect([status, body]).toEqual([403, { message, code: 'forbidden', requestId: headers.get('X-Request-Id') }])
    const answer = await exports.default.fetch(new Request(`${ORIGIN}${OWN}`))
    expect(answer.statusText).toBe('Send a valid access token as `Authorization: Bearer ...`.')
  })

  test('what is not there is told in the same way', async () => {
    for (const path of ['/api/v1/delegated/participant', `${project}/nothing`, '/api/v1/administration/projects']) {
      const { status, body } = await study.worker.get(path)
      expect([status, body.code]).toEqual([404, 'route_not_found'])
    }
    const { status, headers } = await ada.put(OWN, {})
    expect([status, headers.get('Allow')]).toEqual([405, 'GET, HEAD, POST, DELETE'])
  })

  test('doubled slashes mean nothing', async () => {
    expect((await study.worker.get(`${ORIGIN}//api/v1/administration//projects/${study.id}/files`)).status).toBe(200)
    expect((await ada.get(`${ORIGIN}/${OWN}//`)).status).toBe(404)
  })
})

describe('how much may be asked', () => {
  const told = ({ headers }: { headers: Headers }) =>
    ['Limit', 'Remaining', 'Reset'].map((name) => Number(headers.get(`RateLimit-${name}`)))

  test('is told with every answer, of a project and of a participant', async () => {
    const own = await aStudy()
    const one = await aParticipant(own)
    const [limit = 0, first = 0, reset = 0] = told(await own.worker.get(`${projectOf(own)}/files`))
    expect([limit, first]).toEqual([100_000, 99_999])
    expect(reset > 0 && reset <= 3_600).toBe(true)
    // All of a project's accounts are counted together, also what is refused.
    expect(told(await own.worker.get(`${projectOf(own)}/files?limit=0`))[1]).toBe(first - 1)
    expect(told(await own.admin.get(`${projectOf(own)}/files/download?key=a/b`))[1]).toBe(first - 2)
    expect(told(await one.get(OWN)).slice(0, 2)).toEqual([10_000, 9_999])
    // A token that no longer stands uses nothing up.
    const fresh = await aKey(own, { role: 'participant', participant: one.id })
    ok(await own.admin.delete(`${own.path}/keys/${one.keyId}`))
    for (const _ of [1, 2]) expect((await one.get(OWN)).status).toBe(401)
    expect(told(await fresh.get(OWN))[1]).toBe(9_998)
  })

  test('ends with 429, that says when to come again, and others go on', async () => {
    const own = await aStudy()
    const [one, two] = [await aParticipant(own), await aParticipant(own)]
    const limits = { PROJECT_REQUESTS_PER_HOUR: '3', PARTICIPANT_REQUESTS_PER_HOUR: '2' }
    const limited = (caller: Caller) => within(limits, caller)
    for (const [caller, path, most] of [
      [own.worker, `${projectOf(own)}/files`, 3],
      [one, OWN, 2],
    ] as const) {
      for (let count = 0; count < most; count += 1) expect((await limited(caller).get(path)).status).toBe(200)
      const refused = await limited(caller).get(path)
      expect([refused.status, refused.body.code, told(refused)[1]]).toEqual([429, 'rate_limited', 0])
      expect(refused.headers.get('Retry-After')).toBe(refused.headers.get('RateLimit-Reset'))
    }
    expect((await limited(two).get(OWN)).status).toBe(200)
    // Strangers use nobody's allowance up.
    const other = await aStudy()
    for (let count = 0; count < 4; count += 1) await limited(own.admin).get(`${projectOf(other)}/files`)
    expect((await limited(other.worker).get(`${projectOf(other)}/files`)).status).toBe(200)
  })

  test('is less where the platform says so', async () => {
    const other = { RATE_LIMITS: 'on', CALLER_RATE: { limit: async () => ({ success: false }) } }
    const { status, headers } = await within(other, ada).get(OWN)
    expect([status, headers.get('Retry-After')]).toEqual([429, '60'])
    expect(headers.get('RateLimit-Limit')).toBe('10000')
  })
})

describe('a browser', () => {
  test('of any origin may ask for everything that the SDK asks, and read what it is told', async () => {
    const Origin = 'https://app.example.org'
    for (const [path, method] of [
      [OWN, 'POST'],
      [OWN, 'DELETE'],
      [`${project}/files`, 'GET'],
    ] as const) {
      const { status, headers } = await anonymous.options(path, {
        Origin,
        'Access-Control-Request-Method': method,
        'Access-Control-Request-Headers': 'accept-language,authorization',
      })
      expect([status, headers.get('Access-Control-Allow-Origin')]).toEqual([204, '*'])
      expect(headers.get('Access-Control-Allow-Methods')?.split(',')).toContain(method)
      expect(headers.get('Access-Control-Allow-Headers')).toBe('Accept-Language,Authorization,Content-Type')
    }
    for (const answer of [await ada.get(OWN, { Origin }), await anonymous.get(OWN, { Origin })]) {
      expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*')
      expect(answer.headers.get('Access-Control-Allow-Credentials')).toBeNull()
      expect(answer.headers.get('Access-Control-Expose-Headers')).toContain('RateLimit-Remaining')
      expect(answer.headers.get('X-Content-Type-Options')).toBe('nosniff')
    }
  })
})
