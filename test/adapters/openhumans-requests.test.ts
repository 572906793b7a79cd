import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { anonymous, as } from '../support/client.ts'
import {
  about,
  aProject,
  COMPLETE,
  DELETE,
  DIRECT,
  form,
  METADATA,
  multipart,
  MULTIPART,
  PROJECT,
  upload,
  type Project,
} from '../support/openhumans.ts'
import { aKey, aParticipant, aStudy, ok, put } from '../support/world.ts'

let study: Project['study']
let member: Project['member']
let begin: Project['begin']
let fileOf: Project['fileOf']
let exchange: Project['exchange']
beforeAll(async () => {
  ;({ study, member, begin, fileOf, exchange } = await aProject())
})

/** Whatever takes a body. */
const PATHS = [
  DIRECT,
  COMPLETE,
  DELETE,
  ...['files/upload', 'upload', 'message', 'remove-members'].map((path) => `${PROJECT}/${path}/`),
  '/oauth2/token/',
]

describe('a token', () => {
  test.each([
    ['in the query', (key: string) => ({ path: `?access_token=${key}`, headers: {}, fields: {} })],
    ['as a bearer', (key: string) => ({ path: '', headers: { Authorization: `Bearer ${key}` }, fields: {} })],
    [
      'as a bearer in small letters',
      (key: string) => ({ path: '', headers: { Authorization: `bearer ${key}` }, fields: {} }),
    ],
    ['in a field of the form', (key: string) => ({ path: '', headers: {}, fields: { access_token: key } })],
    [
      'in the query, whatever the header says',
      (key: string) => ({ path: `?access_token=${key}`, headers: { Authorization: 'Bearer no' }, fields: {} }),
    ],
  ])('is taken %s', async (_, showing) => {
    const { path, headers, fields } = showing(study.worker.key ?? '')
    const body = new URLSearchParams({ ...about(member), filename: 'a', ...fields }).toString()
    const begun = await anonymous.post(`${DIRECT}${path}`, body, {
      'Content-Type': 'application/x-www-form-urlencoded',
      ...headers,
    })
    expect(begun.status).toBe(201)
    const file = { filename: 'a', content: 'x' }
    const simple = await anonymous.post(
      `${PROJECT}/files/upload/${path}`,
      multipart({ ...about(member), ...fields }, file),
      { ...MULTIPART, ...headers },
    )
    expect(simple.status).toBe(201)
  })

  test.each([
    ['none', undefined, 'Authentication credentials were not provided.'],
    ['garbage', 'Bearer garbage', 'Invalid token.'],
    ['one of no study', `Bearer crl_65535_${'x'.repeat(43)}`, 'Invalid token.'],
    ['one that is unknown', `Bearer crl_1_${'x'.repeat(43)}`, 'Invalid token.'],
    ['nothing after the scheme', 'Bearer', 'Invalid token header. No credentials provided.'],
    ['two', 'Bearer a b', 'Invalid token header. Token string should not contain spaces.'],
    ['another scheme', 'Basic YTpi', 'Authentication credentials were not provided.'],
  ])('that is %s is a 401', async (_, header, detail) => {
    const headers: Record<string, string> = header === undefined ? {} : { Authorization: header }
    for (const answer of [
      await anonymous.get(`${PROJECT}/`, headers),
      await anonymous.get(`${PROJECT}/members/`, headers),
      await anonymous.post(DIRECT, {}, headers),
      await anonymous.post(`${PROJECT}/files/upload/`, multipart({}), { ...MULTIPART, ...headers }),
    ]) {
      expect([answer.status, answer.body]).toEqual([401, { detail }])
      expect(answer.headers.get('WWW-Authenticate')).toBe('Bearer realm="api"')
      expect(answer.headers.get('Cache-Control')).toContain('no-store')
    }
  })

  test('is told apart where it has expired, was revoked, or is of somebody whom it is not for', async () => {
    const said = async (key: string | undefined) => (await as(key).get(`${PROJECT}/`)).body
    const { key: ending, id } = await aKey(study, { role: 'worker', expiresAt: '2999-01-01T00:00:00Z' })
    expect((await said(ending)).id).toBe(study.number)
    await env.DB.prepare('UPDATE api_keys SET expires_at = 1 WHERE id = ?').bind(id).run()
    expect(await said(ending)).toEqual({ detail: 'Expired token.' })
    const revoked = await aKey(study, { role: 'worker' })
    ok(await study.admin.delete(`${study.path}/keys/${revoked.id}`))
    for (const key of [revoked.key, study.staff.key, study.download.key, env.OPERATOR_KEY]) {
      expect(await said(key)).toEqual({ detail: 'Invalid token.' })
    }
  })
})

describe('every way of saying it', () => {
  const fields = () => ({ ...about(member), filename: 'a.json' })
  test.each([
    ['a form', () => new URLSearchParams(fields()).toString(), 'application/x-www-form-urlencoded; charset=UTF-8'],
    ['multipart', () => multipart(fields()), MULTIPART['Content-Type']],
    ['JSON', () => JSON.stringify(fields()), 'application/json'],
    ['JSON with a number', () => JSON.stringify({ ...fields(), project_member_id: member.number }), 'application/json'],
    [
      'a form that is put together by hand',
      () => `project_member_id=${member.number}&metadata=${METADATA}&filename=a.json`,
      'application/x-www-form-urlencoded',
    ],
  ])('is as good as another: %s', async (_, body, type) => {
    const begun = await study.worker.post(DIRECT, body(), { 'Content-Type': type })
    expect(begun.status, begun.text).toBe(201)
    expect(begun.body).toEqual({
      id: expect.any(Number),
      url: expect.stringContaining('/member-files/direct-sharing-'),
    })
  })

  test.each([
    ['no JSON', '{', 'application/json', 400, 'JSON parse error - the body is no JSON.'],
    ['a JSON list', '[]', 'application/json', 400, 'JSON parse error - the body is no object.'],
    ['a text', 'hello', 'text/plain', 415, 'Unsupported media type "text/plain" in request.'],
    [
      'multipart without a boundary',
      'x',
      'multipart/form-data',
      400,
      'Multipart form parse error - Invalid boundary in multipart: None',
    ],
    ['no UTF-8', 'filename=%ff', 'application/x-www-form-urlencoded', 400, 'The body is not UTF-8.'],
    [
      'too much',
      `filename=${'x'.repeat(600_000)}`,
      'application/x-www-form-urlencoded',
      413,
      expect.stringContaining('files/upload/direct/'),
    ],
  ])('is not %s', async (_, body, type, status, detail) => {
    const answer = await study.worker.post(DIRECT, body, { 'Content-Type': type })
    expect([answer.status, answer.body]).toEqual([status, { detail }])
  })

  test('has a slash at its end or not, and is never kept on the way', async () => {
    for (const path of [PROJECT, `${PROJECT}/`, `${PROJECT}/members`, `${PROJECT}/members/`, `${PROJECT}/nothing/`]) {
      const { status, headers } = await study.worker.get(path, { Origin: 'https://app.example.org' })
      expect(status).toBe(path.includes('nothing') ? 404 : 200)
      expect(headers.get('Cache-Control')).toBe('max-age=0, no-cache, no-store, must-revalidate, private')
      expect(headers.get('Access-Control-Allow-Origin')).toBe('*')
    }
    expect((await begin(about(member))).headers.get('Cache-Control')).toContain('no-store')
    for (const path of PATHS) {
      const [long, short] = [await study.worker.post(path, {}), await study.worker.post(path.slice(0, -1), {})]
      expect([path, short.status, short.body]).toEqual([path, long.status, long.body])
      expect([400, 403]).toContain(short.status)
    }
    const asked = {
      Origin: 'https://app.example.org',
      'Access-Control-Request-Method': 'POST',
      'Access-Control-Request-Headers': 'authorization',
    }
    const preflight = await anonymous.options(DIRECT, asked)
    expect([preflight.status, preflight.headers.get('Access-Control-Allow-Headers')]).toEqual([204, 'authorization'])
    const wrong = await study.worker.get(DIRECT)
    expect([wrong.status, wrong.body, wrong.headers.get('Allow')]).toEqual([
      405,
      { detail: 'Method "GET" not allowed.' },
      'POST, OPTIONS',
    ])
  })
})

describe('a member', () => {
  const INVALID = { project_member_id: 'project_member_id is invalid' }

  test.each(['12345678', '1', 'me', '123456789012', '48151623x', '😀'])(
    'that is none, such as %s, is refused',
    async (project_member_id) => {
      const fields = { project_member_id, metadata: METADATA }
      for (const { status, body } of [
        await begin(fields),
        await upload(study.worker, fields),
        await form(study.worker, COMPLETE, { project_member_id, file_id: '1' }),
        await form(study.worker, `${PROJECT}/files/delete/`, { project_member_id, all_files: 'True' }),
        await study.worker.get(
          `${PROJECT}/exchange-member/?project_member_id=${encodeURIComponent(project_member_id)}`,
        ),
      ]) {
        expect([status, body]).toEqual([400, INVALID])
      }
    },
  )

  test('of another study, or who has left, is none', async () => {
    const other = await aParticipant(await aStudy())
    const left = await aParticipant(study)
    await study.admin.patch(`${study.path}/participants/${left.id}`, { status: 'withdrawn' })
    for (const { number } of [other, left]) {
      const project_member_id = String(number)
      for (const { status, body } of [
        await begin(about({ number })),
        await upload(study.worker, about({ number })),
        await exchange({ number }, study.admin),
        await form(study.worker, COMPLETE, { project_member_id, file_id: '1' }),
        await form(study.worker, DELETE, { project_member_id, all_files: 'True' }),
      ]) {
        expect([status, body]).toEqual([400, INVALID])
      }
    }
    expect((await begin(about(left), left)).body).toEqual({ detail: 'Invalid token.' })
  })

  test('acts with their own token for themselves, whomever they name', async () => {
    const other = await aParticipant(study)
    for (const fields of [{ metadata: METADATA }, about(other)]) {
      const { id, url } = ok(await begin(fields, member))
      await put(url)
      expect(
        (await form(member, COMPLETE, { file_id: String(id), project_member_id: String(other.number) })).body.status,
      ).toBe('ok')
      expect((await fileOf(id)).participant).toBe(member.id)
      expect((await fileOf(ok(await upload(member, fields)).id)).participant).toBe(member.id)
    }
  })
})

describe('whatever is sent', () => {
  test('has a thousand fields at most, so that none takes long to read before it is known who sent it', async () => {
    const send = async (body: string) =>
      anonymous.post(DELETE, body, { 'Content-Type': 'application/x-www-form-urlencoded' })
    expect((await send('a&'.repeat(1_000))).status).toBe(401)
    const { status, body } = await send('a&'.repeat(250_000))
    expect([status, body]).toEqual([400, { detail: 'A form has 1000 fields at most.' }])
  })

  const NASTY: readonly unknown[] = [
    null,
    1e308,
    ' ',
    '\0',
    '\ud800',
    '%',
    [[]],
    { a: 1 },
    'a'.repeat(5_000),
    '['.repeat(10_000),
    '{"tags":[null,{}],"description":"\\ud800","md5":5,"__proto__":{}}',
    '12345678901234567890',
    'NaN',
  ]
  const FIELDS =
    `project_member_id metadata filename file_id file_basename all_files datatypes project_member_ids message
    grant_type code client_id client_secret refresh_token data_file __proto__ constructor`.split(/\s+/)

  test.each(PATHS)('to %s is answered in words of the protocol', async (path) => {
    for (const value of NASTY) {
      const all = Object.fromEntries(FIELDS.map((field) => [field, value]))
      const one = {
        project_member_id: member.number,
        metadata: METADATA,
        filename: value,
        file_id: value,
        file_basename: value,
      }
      const text = typeof value === 'string' ? value : JSON.stringify(value)
      for (const answer of [
        await study.admin.post(path, all),
        await study.worker.post(path, one),
        await study.worker.post(path, text, { 'Content-Type': 'application/json' }),
        await study.worker.post(path, text, { 'Content-Type': 'application/x-www-form-urlencoded' }),
        await study.worker.post(path, multipart({ metadata: text }, { filename: text, content: text }), MULTIPART),
      ]) {
        expect(answer.status, answer.text).toBeLessThan(500)
        expect(answer.headers.get('Content-Type')).toBe('application/json')
      }
    }
  })

  test('is asked of a list or a file is answered in the same way', async () => {
    for (const value of NASTY) {
      const text = encodeURIComponent(String(value).toWellFormed())
      for (const path of [
        `${PROJECT}/exchange-member/?project_member_id=${member.number}&limit=${text}&offset=${text}`,
        `${PROJECT}/members/?limit=${text}&offset=${text}`,
        `${PROJECT}/?access_token=${text}`,
        `/data-management/datafile-download/1/?key=${text}`,
        `/api/public/datafile/${text}/`,
      ]) {
        expect((await study.worker.get(path)).status, path).toBeLessThan(500)
      }
    }
  })
})
