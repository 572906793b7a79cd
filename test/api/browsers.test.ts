import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { anonymous, type Answer, operator } from '../support/client.ts'
import { overriding, within } from '../support/faults.ts'
import { operations } from '../support/operations.ts'
import { expectProblem } from '../support/problems.ts'
import { aStudy } from '../support/world.ts'

const ORIGIN = 'http://localhost:5173'
const listed = (header: string | null) => (header ?? '').split(',').map((each) => each.trim().toLowerCase())

const preflight = async (path: string, origin = ORIGIN) =>
  anonymous.options(path, {
    Origin: origin,
    'Access-Control-Request-Method': 'PATCH',
    'Access-Control-Request-Headers': 'authorization,content-type,if-match',
  })

/** An answer of each kind: pages, the document, what is there, and every way of being refused. */
async function answers(headers: Record<string, string>): Promise<Answer[]> {
  const { path, admin } = await aStudy()
  const broken = overriding(env.DB, { batch: async () => Promise.reject(new Error('broken')) })
  const all = [
    await anonymous.get('/', headers),
    await anonymous.get('/openapi.json', headers),
    await anonymous.get('/health', headers),
    await anonymous.get('/d/nothing', headers),
    await anonymous.get('/nope', headers),
    await admin.get(path, headers),
    await admin.head(path, headers),
    await anonymous.get(path, headers),
    await admin.get(`${path}/files/x`, headers),
    await admin.get(`${path}/participants/x`, headers),
    await admin.post(path, {}, headers),
    await admin.patch(path, 'x'.repeat(300_000), headers),
    await within({ DB: broken }, admin).get(path, headers),
  ]
  expect(all.map(({ status }) => status)).toEqual([200, 200, 200, 404, 404, 200, 200, 401, 400, 404, 405, 413, 500])
  return all
}

describe('a browser app of an origin that is set', () => {
  test('may ask for everything, with what it needs to send', async () => {
    const { path } = await aStudy()
    for (const each of ['/v1/studies', path, `${path}/files/x/content`, '/d/x']) {
      const { status, headers, text } = await preflight(each)
      expect([status, text]).toEqual([204, ''])
      expect(headers.get('Access-Control-Allow-Origin')).toBe(ORIGIN)
      expect(listed(headers.get('Access-Control-Allow-Methods'))).toEqual(
        expect.arrayContaining(['get', 'head', 'post', 'put', 'patch', 'delete']),
      )
      expect(headers.get('Access-Control-Max-Age')).toBe('3600')
      expect(listed(headers.get('Vary'))).toContain('origin')
      expect(headers.get('Access-Control-Allow-Credentials')).toBeNull()
    }
  })

  test('may send every header that an operation takes', async () => {
    const taken = (await operations()).flatMap(({ parameters }) =>
      parameters.filter((parameter) => parameter.in === 'header').map(({ name }) => name.toLowerCase()),
    )
    expect(taken.length).toBeGreaterThan(5)
    const { headers } = await preflight('/v1/studies')
    const allowed = listed(headers.get('Access-Control-Allow-Headers'))
    expect(allowed).toEqual(expect.arrayContaining([...taken, 'authorization', 'content-type', 'x-request-id']))
  })

  test('reads every answer, refusals and our own failures too', async () => {
    for (const { headers, status } of await answers({ Origin: ORIGIN })) {
      expect(headers.get('Access-Control-Allow-Origin'), String(status)).toBe(ORIGIN)
      expect(listed(headers.get('Vary'))).toContain('origin')
      expect(listed(headers.get('Access-Control-Expose-Headers'))).toEqual(
        expect.arrayContaining(['etag', 'retry-after', 'x-request-id', 'content-range', 'content-disposition']),
      )
      expect(headers.get('Access-Control-Allow-Credentials')).toBeNull()
    }
  })
})

describe('who says no origin', () => {
  test('is told nothing that is for apps only, and no cache keeps it for one', async () => {
    for (const { headers, status } of await answers({})) {
      expect(listed(headers.get('Vary')), String(status)).toContain('origin')
      expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([])
    }
  })
})

describe('a browser app of another origin', () => {
  test.each([
    'https://evil.example.org',
    'http://localhost:5174',
    'https://localhost:5173',
    'http://localhost:5173.evil.example.org',
    'HTTP://LOCALHOST:5173',
    'http://localhost',
    'null',
    '*',
  ])('%s may ask for nothing', async (origin) => {
    const { path, admin } = await aStudy()
    for (const { headers } of [await preflight(path, origin), await admin.get(path, { Origin: origin })]) {
      expect(headers.get('Access-Control-Allow-Origin')).toBeNull()
      // What a cache keeps for one origin is not given to another.
      expect(listed(headers.get('Vary'))).toContain('origin')
    }
  })

  test('reads no answer', async () => {
    for (const { headers } of await answers({ Origin: 'https://evil.example.org' })) {
      expect(headers.get('Access-Control-Allow-Origin')).toBeNull()
    }
  })

  test('is as good as any where the settings say so', async () => {
    const open = within({ ALLOWED_ORIGINS: '*' }, anonymous)
    const { headers } = await open.get('/health', { Origin: 'https://any.example.org' })
    expect(headers.get('Access-Control-Allow-Origin')).toBe('https://any.example.org')
    const several = within({ ALLOWED_ORIGINS: 'https://a.example.org, https://b.example.org' }, anonymous)
    for (const origin of ['https://a.example.org', 'https://b.example.org', 'https://c.example.org']) {
      const allowed = (await several.get('/health', { Origin: origin })).headers.get('Access-Control-Allow-Origin')
      expect(allowed).toBe(origin.includes('c.example') ? null : origin)
    }
  })
})

describe('every answer', () => {
  test('has the headers that keep browsers from guessing, framing and telling', async () => {
    for (const { headers, status } of await answers({})) {
      const said = Object.fromEntries(headers)
      expect(said, String(status)).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': 'cross-origin',
        'strict-transport-security': expect.stringContaining('max-age='),
      })
      expect(said).not.toHaveProperty('x-powered-by')
      expect(said).not.toHaveProperty('set-cookie')
    }
  })

  test('has a request id of its own', async () => {
    const ids = (await answers({})).map(({ headers }) => headers.get('X-Request-Id'))
    expect(new Set(ids).size).toBe(ids.length)
    for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/)
  })

  test("has the client's request id where that is one", async () => {
    const mine = 'my-request_1='
    expect((await anonymous.get('/health', { 'X-Request-Id': mine })).headers.get('X-Request-Id')).toBe(mine)
    const refused = await operator.get('/v1/nope', { 'X-Request-Id': mine })
    expectProblem(refused, 'route_not_found')
    expect(refused.body.requestId).toBe(mine)
    for (const odd of ['', 'a b', '<script>', '{"a":1}', 'x'.repeat(256)]) {
      const given = (await anonymous.get('/health', { 'X-Request-Id': odd })).headers.get('X-Request-Id')
      expect(given).toMatch(/^[0-9a-f-]{36}$/)
    }
  })
})

describe('a failure of our own', () => {
  test('tells nothing but its request id', async () => {
    const { path, admin } = await aStudy()
    const failing = overriding(env.DB, { batch: async () => Promise.reject(new Error('CANARY in api_keys')) })
    const failed = await within({ DB: failing }, admin).get(path)
    expectProblem(failed, 'internal')
    expect(failed.text).not.toMatch(/CANARY|api_keys|Error|\.ts/)
  })

  test('of D1 that passes says when to come back', async () => {
    const { path, admin } = await aStudy()
    const shed = overriding(env.DB, { batch: async () => Promise.reject(new Error('D1 DB is overloaded. Too many')) })
    const failed = await within({ DB: shed }, admin).get(path)
    expectProblem(failed, 'overloaded')
    expect(failed.headers.get('Retry-After')).toBe('2')
  })

  test('to be set up names what is missing, and never a value', async () => {
    const wrong = { OPERATOR_KEY: 'CANARY', PART_BYTES: 'CANARY', JWT_ISSUERS: '[{"issuer":"CANARY"}]' }
    for (const path of ['/health', '/v1/studies', '/d/x']) {
      const failed = await within(wrong, operator).get(path)
      expectProblem(failed, 'misconfigured')
      expect(failed.body.detail).toMatch(/OPERATOR_KEY.*JWT_ISSUERS.*PART_BYTES/)
      expect(failed.text).not.toContain('CANARY')
    }
  })
})
