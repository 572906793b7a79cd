// Hostile values in every place that the service describes: none is a way to a failure of ours.

import { env } from 'cloudflare:workers'
import { beforeAll, expect, test } from 'vitest'
import { type Answer, type Caller, ORIGIN } from '../support/client.ts'
import { aFurnishedStudy, type Operation, operations, pathOf } from '../support/operations.ts'
import { expectProblem } from '../support/problems.ts'

const deep = (levels: number) => `${'['.repeat(levels)}${']'.repeat(levels)}`
/** As JSON text, so that they may be what no value here can be. */
const VALUES = [
  'null',
  'true',
  '-1',
  '1e308',
  '9007199254740993',
  '"11"',
  '""',
  '[]',
  '{}',
  '[null]',
  '{"__proto__":{"role":"admin"},"constructor":1}',
  '"\\ud800"',
  '"a\\u0000b"',
  '"\\u202e\\ufeff"',
  `"${'x'.repeat(5_000)}"`,
  `["${'x'.repeat(5_000)}"]`,
  deep(5_000),
]
const TEXTS = [
  '',
  '.',
  '..',
  '0',
  '-1',
  '\u0000',
  '\n',
  '%',
  '\u202E',
  '\uFFFF',
  '__proto__',
  "'--",
  '*',
  'x'.repeat(1_025),
]

/** In turn, a third of them for each who asks; all of them in `npm run test:slow`. */
let turn = 0
const some = (hostile: readonly string[]): readonly string[] => {
  turn += 1
  return env.SLOW ? hostile : hostile.filter((_, index) => index % 3 === turn % 3)
}

let furnished: Awaited<ReturnType<typeof aFurnishedStudy>>
let all: Operation[]

beforeAll(async () => {
  furnished = await aFurnishedStudy()
  all = await operations()
})

type Sent = { path: string; body?: string; headers?: Record<string, string> }

async function send(caller: Caller, { method, body }: Operation, { path, ...sent }: Sent): Promise<Answer> {
  const text = sent.body ?? (body === undefined ? undefined : JSON.stringify(body.example))
  const headers = {
    ...(text === undefined ? {} : { 'Content-Type': body?.type ?? 'application/json' }),
    ...sent.headers,
  }
  switch (method) {
    case 'GET':
      return caller.get(path, headers)
    case 'DELETE':
      return caller.delete(path, headers)
    case 'POST':
      return caller.post(path, text, headers)
    case 'PUT':
      return caller.put(path, text, headers)
    default:
      return caller.patch(path, text, headers)
  }
}

/** Whatever it is answered, it is not our fault, and a refusal is a problem. */
function expectSound(answer: Answer, about: string) {
  expect(answer.status, about).toBeLessThan(500)
  if (answer.status >= 400) expectProblem(answer, undefined, about)
}

/** An object with one field that is something else, as JSON. */
const withField = (example: object, field: string, value: string) =>
  JSON.stringify({ ...example, [field]: '(hostile)' }).replace('"(hostile)"', () => value)

test('every field of every body', async () => {
  let asked = 0
  for (const operation of all) {
    const example: unknown = operation.body?.example
    if (typeof example !== 'object' || example === null) continue
    const path = pathOf(operation, furnished.names)
    for (const field of [...Object.keys(example), 'unknown']) {
      for (const value of some(VALUES)) {
        const body = withField(example, field, value)
        const about = `${operation.method} ${operation.template} ${body.slice(0, 200)}`
        expectSound(await send(furnished.study.admin, operation, { path, body }), about)
        asked += 1
      }
    }
  }
  expect(asked).toBeGreaterThan(500)
}, 120_000)

test('every body as a whole', async () => {
  let asked = 0
  for (const operation of all.filter(({ method }) => method !== 'GET' && method !== 'DELETE')) {
    for (const body of some([...VALUES, '{', '\u0000', ' ', deep(100_000)])) {
      const about = `${operation.method} ${operation.template} ${body.slice(0, 200)}`
      const path = pathOf(operation, furnished.names)
      expectSound(await send(furnished.study.admin, operation, { path, body }), about)
      asked += 1
    }
  }
  expect(asked).toBeGreaterThan(200)
}, 120_000)

test('every name in every path', async () => {
  let asked = 0
  for (const operation of all) {
    for (const { name } of operation.parameters.filter((parameter) => parameter.in === 'path')) {
      for (const text of some(TEXTS)) {
        const names = { ...furnished.names, token: 'x', [name]: text }
        const path = pathOf(operation, names)
        // Where a step up leaves the root, POST is another tongue's.
        if (operation.method === 'POST' && new URL(path, ORIGIN).pathname === '/') continue
        expectSound(await send(furnished.study.admin, operation, { path }), `${operation.method} ${path}`)
        asked += 1
      }
    }
  }
  expect(asked).toBeGreaterThan(500)
}, 120_000)

test('every parameter of every query and every header', async () => {
  let asked = 0
  for (const operation of all) {
    const plain = pathOf(operation, { ...furnished.names, token: 'x' })
    for (const parameter of operation.parameters.filter((one) => one.in !== 'path')) {
      for (const text of some(TEXTS)) {
        // A header that cannot be sent is nobody's attack.
        if (parameter.in === 'header' && /[^\x20-\x7E]/.test(text)) continue
        const url = new URL(plain, ORIGIN)
        if (parameter.in === 'query') url.searchParams.set(parameter.name, text)
        const headers = parameter.in === 'header' ? { [parameter.name]: text } : {}
        const answer = await send(furnished.participant, operation, { path: url.href, headers })
        expectSound(answer, `${operation.method} ${plain} ${parameter.name}: ${text}`)
        asked += 1
      }
    }
  }
  expect(asked).toBeGreaterThan(200)
}, 120_000)

test('a schema that is none for some documents', async () => {
  const { study, participant } = furnished
  let misfits = 0
  for (const keyword of ['required', 'properties', 'items', 'enum', 'anyOf', 'dependentRequired', 'pattern', 'type']) {
    for (const value of ['null', '-1', '"x"', '{}', '[null]']) {
      const schema = `{"properties":{"a":{"${keyword}":${value}}}}`
      const headers = { 'Content-Type': 'application/json' }
      expectSound(await study.admin.put(`${study.path}/document-schemas/odd`, schema, headers), schema)
      for (const document of ['{"a":{}}', '{"a":{"\\ud800":1}}', '{"a":["x"]}', '{"a":"x"}', '{"a":1}', '{}']) {
        const path = `${study.path}/participants/me/documents/odd`
        const put = await participant.put(path, document, headers)
        expectSound(put, `${schema} ${document}`)
        if (put.body.code === 'document_invalid') misfits += 1
      }
    }
  }
  expect(misfits).toBeGreaterThan(0)
}, 60_000)
