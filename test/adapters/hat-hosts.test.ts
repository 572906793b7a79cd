// Whose a host is: said by the operator alone, and believed by every request that comes to it.

import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { auditIdOf, recorded } from '../support/audit.ts'
import { anonymous, operator } from '../support/client.ts'
import { overriding } from '../support/faults.ts'
import { aCompleted, aHat, aHost, anAddress, atHat, FILES, type Hat } from '../support/hat.ts'
import { expectProblem } from '../support/problems.ts'
import { aParticipant, aStudy, ok, type Participant, type Study } from '../support/world.ts'

describe('the operator', () => {
  let study: Study
  let ada: Participant

  beforeAll(async () => {
    study = await aStudy()
    ada = await aParticipant(study, { id: 'ada' })
  })

  const at = (host: string, of = study) => `${of.path}/hosts/${host}`

  test('gives a host to a participant, and to another, and takes it away, all on record', async () => {
    const host = `${study.id}.hat.example.org`
    await aParticipant(study, { id: 'bob' })
    const events = await recorded(study, async () => {
      const set = await operator.put(at(host), { participant: 'ada' })
      expect([set.status, set.body]).toEqual([200, { host, participant: 'ada' }])
      expect((await operator.put(at(host), { participant: 'ada' })).status).toBe(200)
      expect((await operator.put(at(host), { participant: 'bob' })).body.participant).toBe('bob')
      expect((await operator.delete(at(host))).status).toBe(204)
      expect((await operator.delete(at(host))).status).toBe(204)
    })
    expect(ok(await operator.get(`${study.path}/hosts`)).items).toEqual([])
    const [one, other] = await Promise.all(['ada', 'bob'].map(async (id) => auditIdOf(study, { id })))
    const by = { door: 'native', actor: 'operator', object: null }
    expect(events).toHaveLength(3)
    for (const event of [
      { ...by, action: 'host.set', subject: one },
      { ...by, action: 'host.set', subject: other },
      { ...by, action: 'host.remove', subject: other },
    ]) {
      expect(events).toContainEqual(expect.objectContaining(event))
    }
    const [told] = ok(await ada.get(`${study.path}/participants/me/audit`)).items
    expect(told.summary).toBe('The operator of this service set the address that apps find your files at.')
  })

  test('lists them by name, page by page', async () => {
    const mine = await aStudy()
    await aParticipant(mine, { id: 'ada' })
    const hosts = ['c', 'a', 'b'].map((name) => `${name}-${mine.id}.example.org`)
    for (const host of hosts) ok(await operator.put(at(host, mine), { participant: 'ada' }))
    const first = ok(await operator.get(`${mine.path}/hosts?limit=2`))
    const rest = ok(await operator.get(`${mine.path}/hosts?limit=2&cursor=${first.nextCursor}`))
    const listed = [...first.items, ...rest.items].map(({ host }: { host: string }) => host)
    expect([listed, rest.nextCursor]).toEqual([hosts.toSorted(), null])
  })

  test('cannot give away what another study has, nor give it to nobody', async () => {
    const host = `taken-${study.id}.example.org`
    ok(await operator.put(at(host), { participant: 'ada' }))
    const elsewhere = await aStudy()
    await aParticipant(elsewhere, { id: 'ada' })
    expectProblem(await operator.put(at(host, elsewhere), { participant: 'ada' }), 'invalid_request')
    expect((await operator.delete(at(host, elsewhere))).status).toBe(204)
    expect(ok(await operator.get(`${study.path}/hosts`)).items).toEqual([{ host, participant: 'ada' }])
    expectProblem(await operator.put(at('free.example.org'), { participant: 'nobody' }), 'participant_not_found')
    expectProblem(
      await operator.put('/v1/studies/absent/hosts/free.example.org', { participant: 'a' }),
      'study_not_found',
    )
  })

  test.each([
    'UPPER.example.org',
    'a b',
    'under_score',
    '-a',
    'a.example.org:0',
    'a:b',
    'a%2Fb',
    'a'.repeat(256),
    '%C3%A9',
  ])('is told that %s is no host', async (host) =>
    expectProblem(await operator.put(at(host), { participant: 'ada' }), 'invalid_request'),
  )

  test.each(['localhost', '127.0.0.1:8787', '[::1]:8787', 'xn--bcher-kva.example', 'a.b.c.example.org'])(
    'may give %s',
    async (host) => {
      ok(await operator.put(at(host), { participant: 'ada' }))
      expect((await operator.delete(at(host))).status).toBe(204)
    },
  )

  test('alone does so: no admin can claim a host', async () => {
    for (const caller of [study.admin, study.worker, study.staff, ada]) {
      expectProblem(await caller.put(at('mine.example.org'), { participant: 'ada' }), 'forbidden')
      expectProblem(await caller.delete(at('mine.example.org')), 'forbidden')
      expectProblem(await caller.get(`${study.path}/hosts`), 'forbidden')
    }
    expectProblem(await anonymous.put(at('mine.example.org'), { participant: 'ada' }), 'unauthenticated')
  })
})

describe('at a HAT, a host', () => {
  let hat: Hat

  beforeAll(async () => {
    hat = await aHat()
  })

  test('that is of nobody has no HAT', async () => {
    for (const host of ['localhost:1', 'localhost', '127.0.0.1']) {
      const client = atHat(host, hat.person.key)
      for (const path of [`${FILES}/file/x`, '/publickey', '/users/access_token']) {
        const { status, body } = await client.get(path)
        expect([status, body]).toEqual([404, { error: 'Not Found', message: 'HAT unavailable' }])
      }
      expect((await client.get(`${FILES}/content/x`)).status).toBe(404)
    }
  })

  test('can be given to another person from the next request on, and a token says nothing else', async () => {
    const study = await aStudy()
    const [ada, bob] = [await aParticipant(study, { id: 'ada' }), await aParticipant(study, { id: 'bob' })]
    const host = await aHost(study, ada)
    const credentials = { username: 'ada', password: ada.key ?? '', 'CF-Connecting-IP': anAddress() }
    const token = ok(await atHat(host).get('/users/access_token', credentials)).accessToken
    const { fileId } = await aCompleted(atHat(host, token))
    ok(await operator.put(`${study.path}/hosts/${host}`, { participant: 'bob' }))
    expect((await atHat(host, token).get(`${FILES}/file/${fileId}`)).status).toBe(404)
    expect((await atHat(host, token).post(`${FILES}/upload`, { name: 'x', source: 'y' })).status).toBe(403)
    expect((await aCompleted(atHat(host, bob.key))).permissions[0].userId).toBe('bob')
  })

  test('of who is being erased has no HAT', async () => {
    const person = await aHat({ study: hat.study })
    ok(await hat.study.admin.delete(`${hat.study.path}/participants/${person.person.id}`))
    expect((await person.nobody.get('/publickey')).status).toBe(404)
  })

  test('is found by its index, in one row of each table', async () => {
    const asked: string[] = []
    const DB = overriding(env.DB, {
      prepare: (sql) => {
        asked.push(sql)
        return env.DB.prepare(sql)
      },
    })
    expect((await atHat(hat.host, undefined, { DB }).get('/publickey')).status).toBe(200)
    const [sql = '', ...more] = asked
    expect(more).toEqual([])
    const plan = await env.DB.prepare(`EXPLAIN QUERY PLAN ${sql}`).bind(hat.host).all<{ detail: string }>()
    expect(plan.results.map(({ detail }) => detail).filter((step) => !step.startsWith('SEARCH'))).toEqual([])
  })

  test('lets the pages of apps call that the settings name, and read the renewed token', async () => {
    const asked = { Origin: 'http://localhost:5173', 'Access-Control-Request-Method': 'POST' }
    const preflight = await hat.nobody.options(`${FILES}/upload`, asked)
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('Access-Control-Allow-Headers')).toContain('X-Auth-Token')
    const { headers } = await hat.owner.get('/publickey', { Origin: 'http://localhost:5173' })
    expect(headers.get('Access-Control-Expose-Headers')).toBe('X-Auth-Token')
    expect(headers.get('Access-Control-Allow-Credentials')).toBeNull()
    const elsewhere = await hat.owner.get('/publickey', { Origin: 'https://evil.example.org' })
    expect(elsewhere.headers.get('Access-Control-Allow-Origin')).toBeNull()
  })
})
