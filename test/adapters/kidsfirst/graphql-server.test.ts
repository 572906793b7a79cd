import { env } from 'cloudflare:workers'
import { assertValidSchema, getIntrospectionQuery } from 'graphql'
import { serverAudits } from 'graphql-http'
import { beforeAll, describe, expect, test } from 'vitest'
import { createSchema } from '../../../src/adapters/kidsfirst/graphql/schema.ts'
import { fileIdOf } from '../../../src/adapters/kidsfirst/ids.ts'
import { anonymous, type Caller } from '../../support/client.ts'
import { overriding, sendingTo, within } from '../../support/faults.ts'
import { dataOf, FILE, query, refusalOf } from '../../support/kidsfirst-queries.ts'
import { CREATE_TOKEN } from '../../support/kidsfirst-mutations.ts'
import { aStudyFile } from '../../support/kidsfirst.ts'
import { aStudy, type Study } from '../../support/world.ts'

const JSON_TYPE = { 'Content-Type': 'application/json' }
const TYPENAME = '{ __typename }'

let study: Study
let staff: Caller
let kfId: string
beforeAll(async () => {
  study = await aStudy()
  staff = study.staff
  kfId = fileIdOf((await aStudyFile(study)).number)
})

test('the schema is one', () => {
  expect(() => assertValidSchema(createSchema())).not.toThrow()
})

test.each(['/graphql', '/'])('operations are sent to %s', async (path) => {
  const answer = await staff.post(path, { query: TYPENAME })
  expect(answer).toMatchObject({ status: 200, body: { data: { __typename: 'Query' } } })
  expect(answer.headers.get('Cache-Control')).toBe('no-store')
})

test('every client that follows GraphQL over HTTP is answered as it has to be', async () => {
  const send = sendingTo({})
  const fetchFn = async (url: string, init: RequestInit) => send(new Request(url, init))
  const audits = serverAudits({ url: 'http://localhost/graphql', fetchFn })
  const told = await Promise.all(audits.map(async (audit) => audit.fn()))
  expect(told.length).toBeGreaterThan(50)
  const failed = told.filter(({ status }) => status !== 'ok').map(({ name }) => name)
  // What is read is not sent in an address; and upstream answers 400 to what is no operation, whatever is accepted.
  expect(failed.filter((name) => !name.startsWith('MAY'))).toEqual([
    'SHOULD use 200 status code on document parsing failure when accepting application/json',
    'SHOULD use 200 status code on document validation failure when accepting application/json',
    'SHOULD use a status code of 200 on variable coercion failure when accepting application/json',
  ])
})

test.each([
  ['no JSON', '{"query":', 'POST body sent invalid JSON.'],
  ['no UTF-8', new Uint8Array([0x22, 0xff, 0x22]), 'POST body sent invalid JSON.'],
  ['nothing', '', 'POST body sent invalid JSON.'],
  ['a batch', JSON.stringify([{ query: TYPENAME }]), 'Batch GraphQL requests are not enabled.'],
  ['a text', '"{ __typename }"', 'GraphQL params must be a dict.'],
  ['no query', '{}', 'Must provide query string.'],
  ['a query that is no text', '{"query":{}}', 'Must provide query string.'],
  ['variables that are none', '{"query":"{ __typename }","variables":[]}', 'Variables are invalid JSON.'],
  ['half of a pair', String.raw`{"query":"{ __typename }","variables":{"a":["\ud800"]}}`, 'no Unicode'],
  ['half of a pair in the query', String.raw`{"query":"{ node(id: \"\\ud800\") { id } }"}`, 'Invalid Unicode escape'],
  ['no operation', '{"query":"fragment F on Query { __typename }"}', 'never used'],
  ['an operation that is not there', '{"query":"query A { __typename }","operationName":"B"}', 'no operation of this'],
  ['several operations', '{"query":"query A { __typename } query B { __typename }"}', 'Must provide operation name'],
  ['a subscription', '{"query":"subscription { file }"}', 'subscribed'],
  ['what is not in the schema', '{"query":"{ secrets }"}', 'Cannot query field "secrets"'],
])('what is no operation is a 400: %s', async (_, body, words) => {
  const response = await sendingTo({})(
    new Request('http://localhost/graphql', { method: 'POST', body, headers: JSON_TYPE }),
  )
  expect(response.status).toBe(400)
  const { data, errors } = await response.json<{ data?: unknown; errors: { message: string }[] }>()
  expect(data).toBeUndefined()
  expect(errors[0]?.message).toContain(words)
})

test.each([
  ['a GET', async () => staff.get('/graphql?query={__typename}', { Accept: 'text/html' }), 405],
  ['a GET of a mutation', async () => staff.get(`/graphql?query=${encodeURIComponent('mutation{x}')}`), 405],
  ['a PUT', async () => staff.put('/graphql', { query: TYPENAME }), 405],
  ['a form', async () => staff.post('/graphql', 'query={__typename}', { 'Content-Type': 'text/plain' }), 415],
  ['2 MiB', async () => query(staff, `{ __typename } #${'x'.repeat(2 * 1024 ** 2)}`), 413],
])('%s is refused', async (_, ask, status) => {
  const answer = await ask()
  expect(answer.status).toBe(status)
  if (status === 405) expect(answer.headers.get('Allow')).toContain('POST')
  else expect(answer.body.errors[0].message).not.toBe('')
})

test('2 MiB are refused also of a body that does not say how long it is', async () => {
  const chunk = new TextEncoder().encode(' '.repeat(64 * 1024))
  let left = 32
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      left -= 1
      if (left < 0) controller.close()
      else controller.enqueue(chunk)
    },
  })
  const request = new Request('http://localhost/graphql', { method: 'POST', body, headers: JSON_TYPE })
  expect((await sendingTo({})(request)).status).toBe(413)
})

describe('what would take too long', () => {
  const times = (count: number, make: (index: number) => string) => Array.from({ length: count }, (_, i) => make(i))
  const nested = (levels: number): string =>
    levels === 0 ? 'id' : `versions { edges { node { rootFile { ${nested(levels - 1)} } } } }`
  const doubling = (last: string) =>
    `{ ...F0 } ${times(40, (i) => `fragment F${i} on Query { ...F${i + 1} ...F${i + 1} }`).join(' ')} ${last}`

  test.each([
    ['5,000 aliases', `{ ${times(5_000, (i) => `a${i}: __typename`).join(' ')} }`, 'more that 3000 tokens'],
    ['21 fields at the root', `{ ${times(21, (i) => `a${i}: myProfile { id }`).join(' ')} }`, 'At most 20 fields'],
    [
      '21 by fragments',
      `{ ${'...F '.repeat(7)} } fragment F on Query { a: myProfile { id } b: myProfile { id } c: myProfile { id } }`,
      'At most 20',
    ],
    ['60 levels', `{ file(id: "x") { ${nested(15)} } }`, '12 levels deep'],
    [
      '60 levels by fragments',
      `{ file(id: "x") { ...A } } fragment A on FileNode { ${nested(2)} ...B } fragment B on FileNode { ${nested(15)} }`,
      '12 levels deep',
    ],
    [
      'circular fragments',
      '{ file(id: "x") { ...A } } fragment A on FileNode { ...B } fragment B on FileNode { ...A }',
      'Cannot spread fragment "A" within itself',
    ],
    ['fragments that double forty times', doubling('fragment F40 on Query { a: myProfile { id } }'), 'At most 20'],
    ['fragments that double to nothing', doubling(''), 'Unknown fragment "F40"'],
    [
      'fragments that double to what is no field',
      doubling('fragment F40 on Query { __typename }'),
      'maximum allowed number of nodes',
    ],
    [
      'large pages in large pages',
      '{ allFiles(first: 250) { edges { node { versions(first: 250) { edges { node { id kfId fileName size state } } } } } } }',
      'Ask for smaller pages',
    ],
    [
      'large pages by variables',
      'query ($n: Int = 250) { allFiles { edges { node { versions(first: $n) { edges { node { id kfId fileName size state } } } } } } }',
      'Ask for smaller pages',
    ],
    [
      'introspection that goes round',
      `{ __schema { types { ${'fields { type { '.repeat(5)} name ${'} }'.repeat(5)} } } }`,
      'Maximum introspection depth exceeded',
    ],
    [
      'introspection many times over',
      `{ __schema { types { fields { type { ${times(250, (i) => `a${i}: fields { description }`).join(' ')} } } } } }`,
      'This may come to',
    ],
  ])('%s is refused, and at once', async (_, text, words) => {
    const begin = performance.now()
    const answer = await query(staff, text)
    expect(answer.status).toBe(400)
    expect(refusalOf(answer)).toContain(words)
    expect(performance.now() - begin).toBeLessThan(5_000)
  })

  test('what the web app asks for is far from it', async () => {
    expect(refusalOf(await query(staff, FILE, { kfId }))).toBe('yes')
  })
})

test.each([
  ['a number for a text', { kfId: 7 }],
  ['a list for a text', { kfId: [[[['SF_00000000']]]] }],
  ['null for what must be there', { kfId: null }],
  ['nothing for it', {}],
])('variables of the wrong type are a 400: %s', async (_, variables) => {
  const answer = await query(staff, FILE, variables)
  expect(answer.status).toBe(400)
  expect(refusalOf(answer)).toContain('Variable "$kfId"')
})

test('odd texts name nothing', async () => {
  for (const odd of [`${kfId}\u0000`, `\u0000`, `${kfId} `, '__proto__', 'constructor', '💥', 'x'.repeat(100_000)]) {
    expect(refusalOf(await query(staff, FILE, { kfId: odd }))).toBe('File was not found')
    expect(refusalOf(await query(staff, 'query ($id: ID!) { node(id: $id) { id } }', { id: btoa('toString:x') }))).toBe(
      'yes',
    )
  }
})

describe('the schema', () => {
  const whole = getIntrospectionQuery({
    descriptions: true,
    specifiedByUrl: true,
    directiveIsRepeatable: true,
    schemaDescription: true,
    inputValueDeprecation: true,
    oneOf: true,
  })
  const introspected = async (caller: Caller) => query(caller, whole)

  test('is told where the settings say so', async () => {
    const { status, body } = await introspected(within({ GRAPHQL_INTROSPECTION: 'on' }, anonymous))
    expect(status).toBe(200)
    const types: { name: string; enumValues: { name: string; description: string }[] }[] = body.data['__schema'].types
    const fileType = types.find(({ name }) => name === 'FileType')
    expect(fileType?.enumValues).toContainEqual(
      expect.objectContaining({ name: 'GWO', description: 'Genomic Workflow Output Manifest' }),
    )
  })

  test('is not told where they do not, and there is no page to try it', async () => {
    const closed = within({ GRAPHQL_INTROSPECTION: 'off' }, staff)
    const told = await introspected(closed)
    expect(told.status).toBe(400)
    expect(refusalOf(told)).toContain('introspection has been disabled')
    expect((await query(closed, '{ filez { id } }')).text).not.toContain('Did you mean')
    expect((await closed.get('/graphql', { Accept: 'text/html' })).status).toBe(405)
    expect((await dataOf(closed, FILE, { kfId })).fileByKfId).toMatchObject({ kfId, __typename: 'FileNode' })
  })

  test('has a page to try it, made of exactly what was published', async () => {
    const page = await within({ GRAPHQL_INTROSPECTION: 'on' }, anonymous).get('/graphql', { Accept: 'text/html' })
    expect(page.status).toBe(200)
    const policy = page.headers.get('Content-Security-Policy') ?? ''
    const sources = [...page.text.matchAll(/(?:src|href)="([^"]+)" integrity="sha384-[\w+/]{64}" crossorigin/g)]
    expect(sources).toHaveLength(4)
    for (const [, url = ''] of sources) expect(policy).toContain(url)
    const [, nonce = ''] = /<script nonce="([^"]+)">/.exec(page.text) ?? []
    expect(policy).toContain(`'nonce-${nonce}'`)
    expect(policy).not.toMatch(/script-src[^;]*unsafe/)
  })
})

describe('where storage is out of reach', () => {
  /** D1 that fails in every batch with this in it. */
  const failing = (on: RegExp, message: string) => {
    const prepared: string[] = []
    return overriding(env.DB, {
      prepare: (sql) => {
        prepared.push(sql)
        return env.DB.prepare(sql)
      },
      batch: async (statements) => {
        const asked = prepared.splice(0)
        if (asked.some((sql) => on.test(sql))) throw new Error(message)
        return env.DB.batch(statements)
      },
    })
  }
  const OVERLOADED = 'D1_ERROR: D1 DB is overloaded. Too many requests queued.'

  test.each([
    ['a query', FILE, /files f/, OVERLOADED, 503],
    ['a query of which a part was answered', FILE, /json_each\(.*versions_file/s, OVERLOADED, 503],
    ['a query, in a way that nobody foresaw', FILE, /files f/, 'D1_ERROR: no such table: secret: SQLITE_ERROR', 500],
    ['a mutation that has done nothing', CREATE_TOKEN, /INSERT INTO api_keys/, OVERLOADED, 503],
  ])('%s is not answered', async (_, text, on, message, status) => {
    const answer = await query(within({ DB: failing(on, message) }, study.admin), text, { kfId, name: 'lost' })
    expect(answer.status).toBe(status)
    expect(answer.body).toEqual({ errors: [expect.objectContaining({ message: expect.any(String) })] })
    expect(answer.text).not.toContain('secret')
    expect(answer.headers.get('Retry-After')).toBe(status === 503 ? '2' : null)
  })

  test('what a mutation has done before is told all the same', async () => {
    const two = `mutation { one: createDevToken(name: "one") { token { name } } two: deleteDevToken(name: "two") { name } }`
    const answer = await query(within({ DB: failing(/UPDATE api_keys/, OVERLOADED) }, study.admin), two)
    expect(answer.status).toBe(200)
    expect(answer.body.data).toEqual({ one: { token: { name: 'one' } }, two: null })
    expect(answer.body.errors).toMatchObject([{ path: ['two'] }])
  })
})
