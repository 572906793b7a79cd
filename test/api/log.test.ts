import { env, exports } from 'cloudflare:workers'
import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest'
import { anonymous, as, operator, ORIGIN } from '../support/client.ts'
import { overriding, within } from '../support/faults.ts'
import { aToken } from '../support/tokens.ts'
import { aFile, aParticipant, aStudy, HELLO, ok } from '../support/world.ts'

// What is written is looked at; nothing of ours is replaced.
let printed: MockInstance<typeof console.log>
beforeEach(() => {
  printed = vi.spyOn(console, 'log')
})
afterEach(() => printed.mockRestore())

type Line = Record<string, unknown>
const texts = () => printed.mock.calls.map((call) => call.map(String).join(' '))
const lines = (): Line[] => texts().map((text) => JSON.parse(text) as Line)

describe('one line is written for each request', () => {
  test('with the template of its route, and nothing else that was asked', async () => {
    const { path, admin } = await aStudy()
    printed.mockClear()
    const answer = await admin.get(`${path}/participants?limit=5`)
    expect(printed).toHaveBeenCalledTimes(1)
    expect(lines()).toEqual([
      {
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        requestId: answer.headers.get('X-Request-Id'),
        method: 'GET',
        route: '/v1/studies/:study/participants',
        status: 200,
        credential: 'key',
        milliseconds: expect.any(Number),
      },
    ])
  })

  test('however it ends', async () => {
    const { path, admin } = await aStudy()
    const asked = [
      [async () => anonymous.get('/'), 'GET', '/', 200, 'anonymous'],
      [async () => anonymous.get('/d/nothing'), 'GET', '/d/:token', 404, 'anonymous'],
      [async () => anonymous.get('/nope/x'), 'GET', '/*', 404, 'anonymous'],
      [async () => admin.get('/v1/nope/x'), 'GET', '/v1/*', 404, 'key'],
      [async () => admin.put(path, {}), 'PUT', '/v1/*', 405, 'key'],
      [async () => admin.head(path), 'HEAD', '/v1/studies/:study', 200, 'key'],
      [async () => anonymous.options(path), 'OPTIONS', '/v1/*', 204, 'anonymous'],
      [async () => anonymous.get(path), 'GET', '/v1/studies/:study', 401, 'anonymous'],
      [async () => as('garbage').get(path), 'GET', '/v1/studies/:study', 401, 'anonymous'],
      [async () => operator.get(path), 'GET', '/v1/studies/:study', 200, 'operator'],
      [async () => admin.patch(path, 'x'), 'PATCH', '/v1/studies/:study', 415, 'key'],
      [async () => admin.patch(path, 'x'.repeat(300_000)), 'PATCH', '/v1/studies/:study', 413, 'key'],
      [async () => as(await aToken('nobody')).get(path), 'GET', '/v1/studies/:study', 404, 'jwt'],
    ] as const
    for (const [ask, method, route, status, credential] of asked) {
      printed.mockClear()
      const { headers } = await ask()
      const requestId = headers.get('X-Request-Id')
      expect(lines()).toEqual([expect.objectContaining({ requestId, method, route, status, credential })])
    }
  })

  test('and one more for a failure of our own: where it came from, never what it was about', async () => {
    const { path, admin } = await aStudy()
    const failing = overriding(env.DB, {
      batch: async () => Promise.reject(new TypeError('CANARY\nCANARY', { cause: new Error('CANARY') })),
    })
    printed.mockClear()
    const failed = await within({ DB: failing }, admin).get(path)
    const requestId = failed.headers.get('X-Request-Id')
    expect(lines()).toEqual([
      { requestId, failure: 'TypeError', cause: 'Error', stack: expect.stringMatching(/^ +at /) },
      expect.objectContaining({ requestId, status: 500, route: '/v1/studies/:study' }),
    ])
    expect(texts().join('\n')).not.toContain('CANARY')
  })

  test('and no more for a prefetch, which is turned away on purpose', async () => {
    const study = await aStudy()
    const participant = await aParticipant(study)
    const { id } = await aFile(participant, study)
    const { url } = ok(await participant.post(`${study.path}/files/${id}/download-tokens`, {}))
    printed.mockClear()
    expect((await anonymous.get(url, { 'Sec-Purpose': 'prefetch' })).status).toBe(503)
    expect(lines()).toEqual([expect.objectContaining({ status: 503, route: '/d/:token' })])
  })
})

describe('nothing is written of', () => {
  /** What must not be found, in any spelling that a log could have of it. */
  const CANARY = 'canary-Zk3'
  const expectSilence = (...secrets: (string | undefined)[]) => {
    expect(printed.mock.calls.length).toBeGreaterThan(0)
    const written = texts().join('\n')
    for (const secret of [CANARY, ...secrets]) {
      expect(secret).toMatch(/.{4}/)
      expect(written).not.toContain(secret)
    }
  }

  test('what is in a path, a query, a body or a header', async () => {
    const { path, admin } = await aStudy()
    const participant = { id: CANARY, externalId: `${CANARY}-2`, email: `${CANARY}@example.org`, firstName: CANARY }
    ok(await admin.post(`${path}/participants`, participant))
    ok(await admin.get(`${path}/participants/${CANARY}`))
    ok(await admin.get(`${path}/participants?externalId=${CANARY}-2`))
    const refused = [
      await admin.post(`${path}/participants`, participant),
      await admin.post(`${path}/participants`, { [CANARY]: CANARY }),
      await admin.post(`${path}/participants`, `{"${CANARY}`, { 'Content-Type': 'application/json' }),
      await admin.post(`${path}/participants`, CANARY, { 'Content-Type': `text/${CANARY}` }),
      await admin.get(`${path}/participants?${CANARY}=1`),
      await admin.get(`${path}/participants?cursor=${CANARY}`),
      await admin.get(`${path}/${CANARY}`),
      await admin.get(`/${CANARY}`),
      await admin.put(`${path}/${CANARY}`, {}),
      await anonymous.get(`/d/${CANARY}`),
      await admin.get(path, { Authorization: `Bearer ${CANARY}` }),
      await admin.get(path, { Authorization: CANARY }),
    ]
    for (const { status } of refused) expect(status).toBeGreaterThanOrEqual(400)
    await exports.default.fetch(new Request(`${ORIGIN}/health`, { headers: { Cookie: CANARY, 'User-Agent': CANARY } }))
    expectSilence()
  })

  test('keys, tokens and what they open', async () => {
    const study = await aStudy()
    const participant = await aParticipant(study)
    const file = {
      name: `${CANARY}.pdf`,
      title: CANARY,
      tags: [CANARY],
      metadata: { [CANARY]: CANARY },
      visibility: 'study',
    }
    const { id } = await aFile(participant, study, file)
    ok(await participant.put(`${study.path}/participants/me/files/${CANARY}`, { ...file, mediaType: 'a/b', size: 1 }))
    ok(await study.staff.get(`${study.path}/files?name=${CANARY}.pdf`))
    const content = await study.staff.get(`${study.path}/files/${id}/content`)
    const streamed = await study.staff.get(`${study.path}/files/${id}/content?delivery=stream`)
    expect(streamed.text).toBe(HELLO)
    const link = ok(await participant.post(`${study.path}/files/${id}/download-tokens`, {}))
    const claimed = await anonymous.get(link.url)
    const spent = await anonymous.get(link.url, { Accept: 'text/html' })
    expect([claimed.status, spent.status]).toEqual([302, 410])
    const rotated = ok(await participant.post(`${study.path}/keys/self/rotate`, {}))
    const jwt = await aToken(CANARY)
    const there = `/api/direct-sharing/project/exchange-member/?project_member_id=${participant.number}`
    const { data } = ok(await anonymous.get(`${there}&access_token=${study.worker.key}&x=${CANARY}`))
    expect((await anonymous.get(data[0].download_url)).status).toBe(302)
    await as(jwt).get(study.path)
    await as(`${jwt}x`).get(study.path)
    const signature = (url: string | null) => new URL(url ?? '').searchParams.get('X-Amz-Signature') ?? undefined
    expectSilence(
      HELLO,
      operator.key,
      study.admin.key,
      participant.key,
      rotated.secret,
      rotated.hint,
      study.worker.key,
      new URL(data[0].download_url).searchParams.get('key') ?? undefined,
      jwt.split('.')[1],
      new URL(link.url).pathname.slice(3),
      signature(content.headers.get('Location')),
      signature(claimed.headers.get('Location')),
    )
  })
})
