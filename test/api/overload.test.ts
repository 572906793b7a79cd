import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { callersOf } from '../support/callers.ts'
import { as, ORIGIN, operator, told } from '../support/client.ts'
import { aDesk } from '../support/desk.ts'
import { sendingTo, within } from '../support/faults.ts'
import { aFurnishedStudy, askFor, type DescribedOperation, operations } from '../support/operations.ts'
import { failingBucket, failingDb, failingJobs, failingTokens } from '../support/overload.ts'
import { complete, report, send, small, urlsOf } from '../support/parts.ts'
import { aFile, begin, HELLO, ok, put } from '../support/world.ts'

// What clients are told while something that is bound to the Worker is out of reach: to come again, and nothing else.

let furnished: Awaited<ReturnType<typeof aFurnishedStudy>>
let described: DescribedOperation[]
beforeAll(async () => {
  furnished = await aFurnishedStudy()
  described = await operations()
})
afterEach(() => vi.restoreAllMocks())

/** What makes an answer one that says to come again. */
const BUSY = [503, 'overloaded', '2']
type Told = { status: number; body: { code?: unknown }; headers: Headers }
const saidOf = ({ status, body, headers }: Told) => [status, body.code, headers.get('Retry-After')]

describe('while D1 is out of reach', () => {
  test('every operation says so, in the words of the document', async () => {
    const { study, participant, names } = furnished
    const { DB, seen } = failingDb()
    const failing = callersOf(sendingTo({ DB }), () => ORIGIN, told)
    const links = `${study.path}/files/${names['file']}/download-tokens`
    const token = new URL(ok(await participant.post(links, { seconds: 600 })).url).pathname.slice('/d/'.length)
    const wrong: unknown[] = []
    for (const operation of described) {
      seen.times = 0
      // Some are the operator's alone, and no operation is without a look at the database for both.
      for (const key of [study.admin.key, operator.key]) {
        if (seen.times > 0) continue
        const answer = await askFor(failing(key), operation, operation.template.startsWith('/d/') ? { token } : names)
        if (seen.times > 0 && String(saidOf(answer)) !== String(BUSY)) wrong.push([operation.id, saidOf(answer)])
      }
      if (seen.times !== 1) wrong.push([operation.id, `asked D1 ${seen.times} times`])
    }
    expect(wrong).toEqual([])
  })

  // What D1 says of itself (docs: D1, "Debug D1"), and what the platform and SQLite say of places that are in trouble.
  test.each([
    ['Network connection lost.', 3],
    ['D1 DB reset because its code was updated.', 3],
    ['Internal error while starting up D1 DB storage caused object to be reset.', 3],
    ['Internal error in D1 DB storage caused object to be reset.', 3],
    ['Cannot resolve D1 DB due to transient issue on remote node.', 3],
    ["Can't read from request stream because client disconnected.", 1],
    ['D1 DB storage operation exceeded timeout which caused object to be reset.', 1],
    ['D1 DB is overloaded. Requests queued for too long.', 1],
    ['D1 DB is overloaded. Too many requests queued.', 1],
    ["D1 DB's isolate exceeded its memory limit and was reset.", 1],
    ['D1 DB exceeded its CPU time limit and was reset.', 1],
    ['internal error; reference = 0123456789abcdefghijklmn', 1],
    ['something that nobody has heard of', 1],
    ['database is locked: SQLITE_BUSY', 1],
    ['database or disk is full: SQLITE_FULL (extended: SQLITE_FULL)', 1],
  ])('by the word %j, it is asked %i times', async (message, times) => {
    const { study, participant, names } = furnished
    const path = `${study.path}/files/${names['file']}`
    const { DB, seen } = failingDb(`D1_ERROR: ${message}`)
    const caller = within({ DB }, participant)
    expect(saidOf(await caller.get(path))).toEqual(BUSY)
    expect(seen.times).toBe(times)
    expect(saidOf(await caller.patch(path, { title: 'Week one' }))).toEqual(BUSY)
    expect(ok(await participant.get(path)).title).toBeNull()
  })

  test.each([
    'D1_ERROR: no such table: files: SQLITE_ERROR',
    'D1_ERROR: NOT NULL constraint failed: files.name: SQLITE_CONSTRAINT (extended: SQLITE_CONSTRAINT_NOTNULL)',
    "D1_TYPE_ERROR: Type 'undefined' not supported for value 'undefined'",
  ])('what is wrong with a statement is nothing that passes: %s', async (message) => {
    const { study, participant, names } = furnished
    const { DB } = failingDb(message)
    const answer = await within({ DB }, participant).get(`${study.path}/files/${names['file']}`)
    expect(saidOf(answer)).toEqual([500, 'internal', null])
  })
})

describe.each([
  ['fails', 'We encountered an internal error. Please try again. (10001)'],
  ['sheds', 'Reduce your concurrent request rate for the same object. (10058)'],
])('while R2 %s', (_, reason) => {
  /** The same request while R2 fails, and when it is back. */
  async function twice(ask: (bindings: object) => Promise<Told>) {
    const { BUCKET, seen } = failingBucket(reason)
    const first = saidOf(await ask({ BUCKET }))
    return { first, calls: seen, second: (await ask({})).status }
  }

  test('an upload is completed when it is back', async () => {
    const { study, owner, at } = await aDesk()
    const { upload } = await begin(owner, study)
    await put(upload.url)
    const { first, calls, second } = await twice(async (bindings) =>
      within(bindings, owner).post(`${at(upload)}/complete`),
    )
    expect([first, calls, second]).toEqual([BUSY, ['head'], 200])
  })

  test('the parts of one are joined when it is back', async () => {
    const desk = await aDesk()
    const { upload } = await small(desk)
    const [url] = await urlsOf(desk, upload, 1)
    await report(desk, upload, await send(url))
    const { first, calls, second } = await twice(async (bindings) =>
      complete({ ...desk, owner: { ...desk.owner, ...within(bindings, desk.owner) } }, upload),
    )
    expect([first, calls, second]).toEqual([BUSY, ['completeMultipartUpload', 'head'], 200])
  })

  test('an upload in parts is begun when it is back', async () => {
    const { study, owner } = await aDesk()
    const file = { name: 'a', mediaType: 'text/plain', size: HELLO.length, upload: 'multipart' }
    const { first, calls, second } = await twice(async (bindings) =>
      within(bindings, owner).post(`${study.path}/files`, file),
    )
    expect([first, calls, second]).toEqual([BUSY, ['createMultipartUpload'], 201])
  })

  test('nothing of a content is told that cannot be read whole', async () => {
    const { study, owner } = await aDesk()
    const { id } = await aFile(owner, study)
    const { first, calls, second } = await twice(async (bindings) =>
      within(bindings, owner).get(`${study.path}/files/${id}/content?delivery=stream`),
    )
    expect([first, calls, second]).toEqual([BUSY, ['get'], 200])
  })

  test('what is deleted is deleted: its bytes follow', async () => {
    const { study, owner, at } = await aDesk()
    const [{ id }, begun] = [await aFile(owner, study), await begin(owner, study)]
    const { BUCKET } = failingBucket(reason)
    const caller = within({ BUCKET }, owner)
    expect((await caller.delete(`${study.path}/files/${id}`)).status).toBe(204)
    expect((await caller.delete(at(begun.upload))).status).toBe(204)
  })
})

test('no operation waits for the queue, or needs what KV knows', async () => {
  const { study, names } = await aFurnishedStudy()
  const failing = callersOf(sendingTo({ TOKENS: failingTokens(), JOBS: failingJobs() }), () => ORIGIN, told)
  // The last ones end what the others are about.
  const order = described.toSorted((a, b) => Number(/erase/.test(a.id)) - Number(/erase/.test(b.id)))
  const wrong: unknown[] = []
  for (const operation of order) {
    const { status } = await askFor(failing(study.admin.key), operation, names)
    if (status >= 500) wrong.push([operation.id, status])
  }
  expect(wrong).toEqual([])
})

describe('a JWT', () => {
  const provider = { issuer: 'https://id.example.org/', audience: 'carrel' }
  const url = 'https://id.example.org/jwks'
  const bindings = () => ({
    JWT_ISSUERS: JSON.stringify([{ ...provider, keys: { kind: 'jwks', url, algorithms: ['ES256'] } }]),
  })

  async function aSigner() {
    const { publicKey, privateKey } = await generateKeyPair('ES256')
    const jwk = { ...(await exportJWK(publicKey)), kid: 'one' }
    const token = await new SignJWT({
      iss: provider.issuer,
      aud: provider.audience,
      sub: 'u',
      exp: Date.now() / 1000 + 300,
    })
      .setProtectedHeader({ alg: 'ES256', kid: 'one' })
      .sign(privateKey)
    return { jwk, token }
  }

  test.each([
    ['is down', async () => Promise.reject(new TypeError('Network connection lost.')), BUSY],
    ['fails', async () => new Response('no', { status: 500 }), BUSY],
    ['serves garbage', async () => new Response('<html>'), BUSY],
    ['serves too much', async () => Response.json({ keys: [], pad: 'x'.repeat(300_000) }), BUSY],
    ['serves other keys', async () => Response.json({ keys: [(await aSigner()).jwk] }), [401, 'unauthenticated', null]],
  ])(
    'whose provider %s is believed by nobody, and taken for no forgery while that is not known',
    async (_, fetched, said) => {
      const { study } = furnished
      const { token } = await aSigner()
      vi.spyOn(globalThis, 'fetch').mockImplementation(fetched)
      const caller = within(bindings(), as(token))
      expect(saidOf(await caller.get(`${study.path}/files`))).toEqual(said)
      const elsewhere = await caller.post('/graphql', { query: '{ myProfile { username } }' })
      expect([elsewhere.status, elsewhere.headers.get('Retry-After')]).toEqual(said === BUSY ? [503, '2'] : [200, null])
    },
  )
})
