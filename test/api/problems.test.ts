import { exports } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { anonymous, type Answer, type Caller, ORIGIN } from '../support/client.ts'
import { expectProblem } from '../support/problems.ts'
import { aFile, aParticipant, aStudy, ok } from '../support/world.ts'

const JSON_TYPE = { 'Content-Type': 'application/json' }
const LIMIT = 256 * 1024

/** A body that is no text. */
async function sendBytes(caller: Caller, path: string, body: Uint8Array | ReadableStream): Promise<Answer> {
  const headers = { ...JSON_TYPE, Authorization: `Bearer ${caller.key}` }
  const response = await exports.default.fetch(new Request(ORIGIN + path, { method: 'POST', headers, body }))
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, body: JSON.parse(text) }
}

/** Where a study's participants and files are made. */
async function aWorld() {
  const study = await aStudy()
  return { study, participants: `${study.path}/participants`, files: `${study.path}/files` }
}
const pointersOf = ({ body }: Answer): string[] => body.errors.map(({ pointer }: { pointer: string }) => pointer)

describe('a body', () => {
  test.each(['{', '{"id":}', "{'id':1}", '{"id":1,}', 'undefined', '{"id":"a" "b"}', '\u0000', '', ' '])(
    'that is no JSON is refused: %j',
    async (body) => {
      const { study, participants } = await aWorld()
      const refused = await study.admin.post(participants, body, JSON_TYPE)
      expectProblem(refused, 'malformed_json')
    },
  )

  test('that is no UTF-8 is refused rather than mended', async () => {
    const { study, participants } = await aWorld()
    const around = (...bytes: number[]) =>
      new Uint8Array([...new TextEncoder().encode('{"id":"'), ...bytes, ...new TextEncoder().encode('"}')])
    // A stray byte, a cut-off sequence, an overlong slash, a surrogate, something past the last character.
    for (const bytes of [[0xff], [0xc3], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80]]) {
      expectProblem(await sendBytes(study.admin, participants, around(...bytes)), 'malformed_json')
    }
    expect((await sendBytes(study.admin, participants, around(0xc3, 0xa4))).body.id).toBe('ä')
  })

  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/xml',
    'application/jsonp',
    'text/json',
    'application/json;',
    'application/json ; charset=utf-8',
    'application/json, text/plain',
    'json',
    '',
  ])('of type %j is refused', async (type) => {
    const { study, participants } = await aWorld()
    const refused = await study.admin.post(participants, '{}', { 'Content-Type': type })
    expectProblem(refused, 'content_type_unsupported')
    expect(ok(await study.admin.get(participants)).items).toEqual([])
  })

  test.each([
    'application/json',
    'APPLICATION/JSON',
    'application/json; charset=utf-8',
    'application/merge-patch+json',
  ])('of type %j is taken', async (type) => {
    const { study, participants } = await aWorld()
    expect((await study.admin.post(participants, '\uFEFF{"id":"ada"}', { 'Content-Type': type })).body.id).toBe('ada')
  })

  test('over the limit is refused, whether it says its length or not', async () => {
    const { study, participants } = await aWorld()
    const padded = (length: number) => `{"id":"ada"}${' '.repeat(length - 12)}`
    expectProblem(await study.admin.post(participants, padded(LIMIT + 1), JSON_TYPE), 'body_too_large')
    const inChunks = (text: string) =>
      new Blob([text]).stream().pipeThrough(new TransformStream<Uint8Array, Uint8Array>())
    expectProblem(await sendBytes(study.admin, participants, inChunks(padded(LIMIT + 1))), 'body_too_large')
    expect((await sendBytes(study.admin, participants, inChunks(padded(LIMIT)))).status).toBe(201)
    expectProblem(await study.admin.post(participants, padded(LIMIT), JSON_TYPE), 'participant_exists')
  })

  test('that an operation needs has to be there, even if it may be empty', async () => {
    const { study, participants } = await aWorld()
    const rotate = `${study.path}/keys/self/rotate`
    for (const refused of [
      await study.admin.post(participants),
      await study.admin.patch(study.path),
      await study.admin.post(rotate),
      await study.admin.put(`${participants}/ada/documents/x`),
    ]) {
      expectProblem(refused, 'malformed_json')
    }
    expect(ok(await study.admin.get(participants)).items).toEqual([])
    expect((await study.admin.post(rotate, {})).status).toBe(201)
  })

  test('that an operation does not need is still JSON if it is there', async () => {
    const { study } = await aWorld()
    const path = `${study.path}/uploads/upl_01k9z3m8qe5w7v2n4h6j8k0r2t/complete`
    for (const body of [undefined, {}, { anything: 1 }]) {
      expectProblem(await study.admin.post(path, body), 'upload_not_found')
    }
    expectProblem(await study.admin.post(path, 'x', { 'Content-Type': 'text/plain' }), 'content_type_unsupported')
  })

  test.each(['null', '[]', '[{}]', '1', '"x"', 'true', '[[[[[[[[]]]]]]]]'])(
    'that is no object is refused: %s',
    async (body) => {
      const { study, participants, files } = await aWorld()
      for (const path of [participants, files, `${study.path}/keys`, `${study.path}/members`]) {
        const refused = await study.admin.post(path, body, JSON_TYPE)
        expectProblem(refused, 'invalid_body')
        expect(pointersOf(refused)).toEqual([''])
      }
    },
  )
})

describe('a path', () => {
  test('that leads nowhere is not found, for anybody', async () => {
    const { study } = await aWorld()
    for (const path of ['/nope', '/v1', '/v1/', '/v1/nope', `${study.path}/`, `${study.path}/nope`, '/v2/studies']) {
      for (const caller of [study.admin, anonymous]) expectProblem(await caller.get(path), 'route_not_found')
    }
  })

  test('with an id of a wrong shape says which', async () => {
    const { study } = await aWorld()
    const ulid = '01k9z3m8qe5w7v2n4h6j8k0r2t'
    for (const [path, pointer] of [
      ['/v1/studies/-x', 'path/study'],
      [`/v1/studies/${'x'.repeat(65)}`, 'path/study'],
      [`${study.path}/files/1`, 'path/file'],
      [`${study.path}/files/ver_${ulid}`, 'path/file'],
      [`${study.path}/files/fil_${ulid.toUpperCase()}`, 'path/file'],
      [`${study.path}/files/fil_${ulid}0`, 'path/file'],
      [`${study.path}/files/__proto__`, 'path/file'],
      [`${study.path}/uploads/x`, 'path/upload'],
      [`${study.path}/keys/me`, 'path/key'],
      [`${study.path}/participants/self`, 'path/participant'],
      [`${study.path}/participants/${'x'.repeat(256)}`, 'path/participant'],
      [`${study.path}/participants/a%00`, 'path/participant'],
      [`${study.path}/participants/a%0A`, 'path/participant'],
    ] as const) {
      const refused = await study.admin.get(path)
      expectProblem(refused, 'invalid_request', path)
      expect(pointersOf(refused)).toEqual([pointer])
      expect(refused.body.errors[0].message).not.toBe('Invalid input')
    }
  })

  test('or query that is no UTF-8 is refused rather than guessed at', async () => {
    const { study, participants } = await aWorld()
    for (const escape of ['%', '%zz', '%ff', '%c3', '%ed%a0%80', '%C0%AF']) {
      const inPath = await study.admin.get(`${participants}/a${escape}b`)
      expectProblem(inPath, 'invalid_request')
      expect(pointersOf(inPath)).toEqual(['path'])
      const inQuery = await study.admin.get(`${participants}?externalId=a${escape}b`)
      expectProblem(inQuery, 'invalid_request')
      expect(pointersOf(inQuery)).toEqual(['query'])
    }
    expectProblem(await study.admin.get(`${participants}/%C3%A4`), 'participant_not_found')
  })
})

describe('a query', () => {
  test.each([
    ['limit=0', 'query/limit'],
    ['limit=101', 'query/limit'],
    ['limit=', 'query/limit'],
    ['limit=ten', 'query/limit'],
    ['limit=1.5', 'query/limit'],
    ['limit=1e999', 'query/limit'],
    ['limit=1&limit=2', 'query/limit'],
    ['page=2', 'query/page'],
    ['Limit=2', 'query/Limit'],
    ['__proto__=1', 'query/__proto__'],
    ['constructor=1&constructor=2', 'query/constructor'],
    ['externalId=', 'query/externalId'],
    ['externalId=a&externalId=b', 'query/externalId'],
    ['externalId=%00', 'query/externalId'],
  ])('%s is refused, and it says where', async (query, pointer) => {
    const { study, participants } = await aWorld()
    const refused = await study.admin.get(`${participants}?${query}`)
    expectProblem(refused, 'invalid_request')
    expect(pointersOf(refused)).toEqual([pointer])
  })

  test('with a cursor that no page gave is refused', async () => {
    const { study, participants, files } = await aWorld()
    const made = (position: unknown) => btoa(JSON.stringify(position))
    for (const cursor of [
      'x',
      '%00',
      '====',
      made(null),
      made(['keys', 'a', 'a']),
      made(['participants', 'a']),
      made(['participants', null, 'a']),
      made({ 0: 'participants', 1: 'a', 2: 'a', length: 3 }),
    ]) {
      expectProblem(await study.admin.get(`${participants}?cursor=${cursor}`), 'cursor_invalid')
      expectProblem(await study.admin.get(`${files}?cursor=${cursor}`), 'cursor_invalid')
    }
    // One that was made by hand names some place in the order, and opens nothing.
    const odd = await study.admin.get(`${participants}?cursor=${made(['participants', '\ud800', '\u0000'])}`)
    expect([odd.status, odd.body]).toEqual([200, { items: [], nextCursor: null }])
  })
})

describe('a method', () => {
  test('that a path does not have is refused with those that it has', async () => {
    const { study, participants, files } = await aWorld()
    const allow = async (method: 'put' | 'post' | 'delete' | 'patch', path: string) => {
      const refused = await study.admin[method](path)
      expectProblem(refused, 'method_not_allowed', path)
      const allowed = refused.headers.get('Allow')?.split(', ').toSorted()
      for (const each of allowed ?? []) expect(refused.body.detail).toContain(each)
      return allowed
    }
    expect(await allow('delete', '/')).toEqual(['GET', 'HEAD'])
    expect(await allow('post', '/health')).toEqual(['GET', 'HEAD'])
    expect(await allow('put', '/d/x')).toEqual(['GET', 'HEAD', 'POST'])
    expect(await allow('put', '/v1/studies')).toEqual(['GET', 'HEAD', 'POST'])
    expect(await allow('put', study.path)).toEqual(['DELETE', 'GET', 'HEAD', 'PATCH'])
    expect(await allow('delete', participants)).toEqual(['GET', 'HEAD', 'POST'])
    expect(await allow('patch', files)).toEqual(['GET', 'HEAD', 'POST'])
    expect(await allow('put', `${study.path}/keys/self/rotate`)).toEqual(['POST'])
    expect(await allow('post', `${participants}/ada/files/notes`)).toEqual(['DELETE', 'GET', 'HEAD', 'PATCH', 'PUT'])
  })

  test('that nobody knows is refused in the same way', async () => {
    const { study, files } = await aWorld()
    const headers = { Authorization: `Bearer ${study.admin.key}` }
    const response = await exports.default.fetch(new Request(ORIGIN + files, { method: 'PROPFIND', headers }))
    const body = JSON.parse(await response.text())
    expectProblem({ status: response.status, headers: response.headers, body, text: '' }, 'method_not_allowed')
  })

  test('that is there is not called absent because of what it was asked for', async () => {
    const { study } = await aWorld()
    const absent = await study.admin.get(`${study.path}/files/fil_01k9z3m8qe5w7v2n4h6j8k0r2t`)
    expectProblem(absent, 'file_not_found')
    expect(absent.headers.get('Allow')).toBeNull()
  })

  test('HEAD answers as GET does, without a body, and changes nothing', async () => {
    const { study, files } = await aWorld()
    const participant = await aParticipant(study)
    const { id } = await aFile(participant, study)
    for (const path of [study.path, files, `${files}/${id}`, '/health', '/openapi.json', '/', '/nope', `${files}/x`]) {
      const [head, get] = [await participant.head(path), await participant.get(path)]
      expect([head.status, head.text], path).toEqual([get.status, ''])
      for (const name of ['Content-Type', 'ETag', 'Cache-Control']) {
        expect(head.headers.get(name), path).toBe(get.headers.get(name))
      }
    }
    const refused = await participant.head(`${study.path}/keys/self/rotate`)
    expect([refused.status, refused.headers.get('Allow')]).toEqual([405, 'POST'])
  })
})
