// Derived from the routes themselves: one that is added is knocked at here, whether anybody thinks of it or not.

import { beforeAll, describe, expect, test } from 'vitest'
import { createNative } from '../../src/http/native.ts'
import { anonymous, as, type Caller, operator } from '../support/client.ts'
import { aFurnishedStudy, askFor, type Operation, operations, pathOf } from '../support/operations.ts'
import { expectProblem } from '../support/problems.ts'
import { signedIn } from '../support/tokens.ts'
import { aKey, aStudy } from '../support/world.ts'

const RECEIPT = 'GET /v1/studies/{study}/erasures/{erasure}'
/** What may be asked without a credential. A link, an enrolment code and a receipt's id are secrets of their own. */
const PUBLIC = [
  'GET /',
  'GET /openapi.json',
  'GET /health',
  'GET /d/{token}',
  'POST /d/{token}',
  'POST /v1/enrolments',
  RECEIPT,
]
/** Middleware; any other route for every method would let a method through that nobody looked at. */
const FOR_ALL_METHODS = ['/*', '/d/*', '/v1/*']

const { routes } = createNative()
const templateOf = (path: string) => path.replaceAll(/\/:(\w+)/g, '/{$1}')
const nameOf = ({ method, template }: { method: string; template: string }) => `${method} ${template}`

let furnished: Awaited<ReturnType<typeof aFurnishedStudy>>
let guarded: Operation[]

beforeAll(async () => {
  furnished = await aFurnishedStudy()
  const described = new Map((await operations()).map((operation) => [nameOf(operation), operation]))
  const asked = routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => ({ method, template: templateOf(path) }))
    .filter((route) => !PUBLIC.includes(nameOf(route)))
  // What stands before a handler is a route of the same name.
  guarded = [...new Map(asked.map((route) => [nameOf(route), route])).values()]
    // A route that is in no document takes nothing, as far as anybody knows.
    .map((route) => described.get(nameOf(route)) ?? { ...route, parameters: [], body: undefined })
})

const knock = async (caller: Caller, operation: Operation, study = furnished.study.id) =>
  askFor(caller, operation, { ...furnished.names, study })

const each = (sort: (operation: Operation) => boolean) => {
  const found = guarded.filter(sort)
  expect(found.length).toBeGreaterThan(1)
  return found
}
/** Every one of them, side by side. */
const ofEach = async (some: readonly Operation[], check: (operation: Operation) => Promise<void>) =>
  Promise.all(some.map(check))
const isInStudy = ({ template }: Operation) => template.includes('{study}')

describe('the routes', () => {
  test('are many, and only middleware is for all methods', () => {
    expect(guarded.length).toBeGreaterThan(40)
    const forAll = routes.filter(({ method }) => method === 'ALL').map(({ path }) => path)
    expect([...new Set(forAll)].toSorted()).toEqual(FOR_ALL_METHODS)
  })

  test('that are public are all there', () => {
    const names = routes.map(({ method, path }) => nameOf({ method, template: templateOf(path) }))
    for (const name of PUBLIC) expect(names).toContain(name)
  })

  test('that are public answer without a credential', async () => {
    const receipt = pathOf({ template: RECEIPT.replace('GET ', ''), parameters: [] }, furnished.names)
    for (const path of ['/', '/openapi.json', '/health', receipt]) expect((await anonymous.get(path)).status).toBe(200)
    for (const refused of [
      await anonymous.get('/d/nothing'),
      await anonymous.post('/d/nothing'),
      await anonymous.post('/v1/enrolments', { code: 'none' }),
      await anonymous.get(receipt.slice(0, -1) + (receipt.endsWith('0') ? '1' : '0')),
    ]) {
      expect(refused.status).toBe(404)
    }
  })
})

describe('every other route', () => {
  test('asks the anonymous for a credential, of what is there and of what is not', async () => {
    await ofEach(guarded, async (operation) => {
      expectProblem(await knock(anonymous, operation), 'unauthenticated', nameOf(operation))
      expectProblem(await knock(anonymous, operation, 'absent'), 'unauthenticated', nameOf(operation))
    })
  })

  test('asks them so before it judges what they ask for, unless it may be public', async () => {
    const { paths } = (await anonymous.get('/openapi.json')).body
    const isNeverPublic = ({ template, method }: Operation) =>
      paths[template][method.toLowerCase()].security.every((way: object) => 'bearer' in way)
    for (const operation of each(isNeverPublic)) {
      expectProblem(await knock(anonymous, operation, '-no-study-id'), 'unauthenticated', nameOf(operation))
    }
  })

  test('does so for HEAD where it answers GET', async () => {
    for (const operation of each(({ method }) => method === 'GET')) {
      const refused = await anonymous.head(pathOf(operation, furnished.names))
      expect([refused.status, refused.text], operation.template).toEqual([401, ''])
    }
  })

  test.each([
    ['a text that is nothing', 'Bearer garbage'],
    ['a key that nobody has', `Bearer crl_1_${'A'.repeat(43)}`],
    ['a key of a study that is not there', `Bearer crl_65535_${'A'.repeat(43)}`],
    ['a JWT that nobody signed', 'Bearer e30.e30.e30'],
    ['no token', 'Bearer'],
    ['nothing at all', ''],
    ['two tokens', 'Bearer a b'],
    ['the operator key in another case', () => `Bearer ${operator.key?.toUpperCase()}`],
    ['the operator key and more', () => `Bearer ${operator.key}0`],
    ['a good key by another scheme', () => `Basic ${furnished.study.admin.key}`],
    ['a good key as a password', () => `Basic ${btoa(`admin:${furnished.study.admin.key}`)}`],
    ['a good key without a scheme', () => `${furnished.study.admin.key}`],
    ['a good key cut short', () => `Bearer ${furnished.study.admin.key?.slice(0, -1)}`],
  ])('refuses %s', async (_what, header) => {
    const Authorization = typeof header === 'string' ? header : header()
    const shown = (caller: Caller): Caller => ({
      ...caller,
      get: async (path) => anonymous.get(path, { Authorization }),
      delete: async (path) => anonymous.delete(path, { Authorization }),
      post: async (path, body, headers) => anonymous.post(path, body, { ...headers, Authorization }),
      put: async (path, body, headers) => anonymous.put(path, body, { ...headers, Authorization }),
      patch: async (path, body, headers) => anonymous.patch(path, body, { ...headers, Authorization }),
    })
    await ofEach(guarded, async (operation) => {
      expectProblem(await knock(shown(anonymous), operation), 'unauthenticated', nameOf(operation))
    })
  })

  test('refuses a key that was revoked, in its own study and elsewhere', async () => {
    const { study } = furnished
    const key = await aKey(study, { role: 'admin' })
    expect((await study.admin.delete(`${study.path}/keys/${key.id}`)).status).toBe(200)
    const elsewhere = await aStudy()
    await ofEach(guarded, async (operation) => {
      expectProblem(await knock(key, operation), 'unauthenticated', nameOf(operation))
      expectProblem(await knock(key, operation, elsewhere.id), 'unauthenticated', nameOf(operation))
    })
  })

  test('is not there for somebody who signed in and has no place in the study', async () => {
    const stranger = await signedIn('nobody')
    await ofEach(each(isInStudy), async (operation) => {
      const [there, absent] = [await knock(stranger, operation), await knock(stranger, operation, 'absent')]
      // A JWT has no secret to rotate, in any study.
      const code = operation.template.endsWith('/rotate') ? 'key_has_no_secret' : 'study_not_found'
      expectProblem(there, code, nameOf(operation))
      expect({ ...there.body, requestId: '' }).toEqual({ ...absent.body, requestId: '' })
    })
  })

  test("outside of any study is the operator's", async () => {
    for (const caller of [furnished.study.admin, furnished.participant, await signedIn('nobody')]) {
      for (const operation of each((one) => !isInStudy(one))) {
        expectProblem(await knock(caller, operation), 'forbidden', nameOf(operation))
      }
    }
  })

  test('has changed nothing by all that', async () => {
    const { study, participant, names } = furnished
    expect((await participant.get(`${study.path}/files/${names['file']}`)).status).toBe(200)
    expect((await participant.get(`${study.path}/uploads/${names['upload']}`)).status).toBe(200)
    expect((await study.admin.get(`${study.path}/keys/${names['key']}`)).body.revokedAt).toBeNull()
    expect((await study.admin.get(`${study.path}/participants/ada`)).body.status).toBe('active')
    expect((await study.admin.get(`${study.path}/members`)).body.items).toHaveLength(1)
    expect((await operator.get(study.path)).body.name).toBe('A study')
    expect((await as(study.worker.key).get(`${study.path}/participants/ada/documents/preferences`)).status).toBe(200)
  })
})
