import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { disturbed, sweepAt, within } from '../support/faults.ts'
import { anonymous } from '../support/client.ts'
import { aStudyToCreateIn, type Creation, madeBy, secretOf } from '../support/creations.ts'
import { operations } from '../support/operations.ts'
import { expectProblem } from '../support/problems.ts'
import type { Study } from '../support/world.ts'

// One key, one thing: generated over every operation that creates.

const REPLAYED = 'Idempotency-Replayed'
const DAY_MS = 24 * 3_600_000
const key = () => crypto.randomUUID()

type Kept = { ids: string; fingerprint: string; owner: string; expires_at: number }
const kept = async (name: string): Promise<Kept[]> =>
  (await env.DB.prepare('SELECT * FROM idempotency_keys WHERE key = ?').bind(name).all<Kept>()).results

/** Each of them, in a study of the test's own: some things can be made there once only. */
async function forEach(check: (creation: Creation, study: Study) => Promise<void>): Promise<void> {
  const { creations, study } = await aStudyToCreateIn()
  expect(creations.length).toBeGreaterThan(8)
  for (const creation of creations) await check(creation, study)
}

describe('every operation that creates', () => {
  test('takes an Idempotency-Key: what answers 201 to a POST, and a batch of entries', async () => {
    const { paths } = (await anonymous.get('/openapi.json')).body
    const posts = (await operations()).filter(({ method }) => method === 'POST')
    for (const { template, parameters } of posts) {
      const creates = '201' in paths[template].post.responses || template.endsWith('/entries')
      expect(
        parameters.some(({ name }) => name === 'idempotency-key'),
        template,
      ).toBe(creates)
    }
  })

  test('makes one thing of the same request twice, and shows no secret again', async () =>
    forEach(async ({ name, ask }) => {
      const once = key()
      const first = await ask(once)
      const again = await ask(once)
      expect(first.status, `${name} ${first.text}`).toBeLessThan(300)
      expect([again.status, madeBy(again)], `${name} ${again.text}`).toEqual([first.status, madeBy(first)])
      expect([first.headers.get(REPLAYED), again.headers.get(REPLAYED)], name).toEqual([null, 'true'])
      expect(secretOf(again) ?? null, name).toBeNull()
      expect(await kept(once), name).toHaveLength(1)
    }))

  test('refuses another request by the same key, and makes nothing of it', async () =>
    forEach(async ({ name, ask }) => {
      const once = key()
      const first = await ask(once)
      expectProblem(await ask(once, true), 'idempotency_key_reused', name)
      expect(madeBy(await ask(once)), name).toEqual(madeBy(first))
      const another = await ask(key(), true)
      expect(another.status, `${name} ${another.text}`).toBeLessThan(300)
      expect(another.headers.get(REPLAYED), name).toBeNull()
    }))

  test('makes one thing of eight requests at once, and gives its secret to one of them', async () =>
    forEach(async ({ name, ask }) => {
      const once = key()
      const answers = await Promise.all(Array.from({ length: 8 }, async () => ask(once)))
      const [first] = answers
      for (const answer of answers) {
        expect([answer.status, answer.body.code], `${name} ${answer.text}`).toEqual([first?.status, answer.body.code])
        expect(answer.status, `${name} ${answer.text}`).toBeLessThan(300)
      }
      expect(new Set(answers.map((answer) => JSON.stringify(madeBy(answer)))).size, name).toBe(1)
      expect(
        answers.filter((answer) => answer.headers.get(REPLAYED) === null),
        name,
      ).toHaveLength(1)
      expect(answers.filter((answer) => typeof secretOf(answer) === 'string').length, name).toBeLessThan(2)
      expect(await kept(once), name).toHaveLength(1)
    }))

  test.each([1, 2, 3])('makes one thing when the database loses its answer %i times', async (loses) =>
    forEach(async ({ name, caller, ask, by }) => {
      const once = key()
      const { DB, seen } = disturbed({ on: /INSERT INTO idempotency_keys/, loses })
      const first = await by(within({ DB }, caller))(once)
      const again = await ask(once)
      expect(seen.times, name).toBeGreaterThan(0)
      expect(first.status, `${name} ${first.text}`).toBe(again.status)
      expect(madeBy(again), name).toEqual(madeBy(first))
      expect(again.headers.get(REPLAYED), name).toBe('true')
      expect(await kept(once), name).toHaveLength(1)
      // An answer that came at last is the first: it has the secret.
      const [told, tellable] = [first, await ask(key(), true)].map((answer) => typeof secretOf(answer))
      if (loses < 3) expect(told, name).toBe(tellable)
    }),
  )

  test('leaves the key free where it refuses', async () =>
    forEach(async ({ name, by, ask }, { download }) => {
      const once = key()
      // A key of any role may be rotated.
      if (!name.endsWith('/rotate')) expect([403, 404, 422], name).toContain((await by(download)(once)).status)
      expect(await kept(once), name).toEqual([])
      const done = await ask(once)
      expect([done.status < 300, done.headers.get(REPLAYED)], `${name} ${done.text}`).toEqual([true, null])
    }))

  test('takes no key that is no key', async () => {
    const { creations } = await aStudyToCreateIn()
    for (const { name, ask } of creations) {
      for (const bad of ['', 'x'.repeat(256), 'a b', 'a\tb', 'a, b', '\u007f']) {
        const refused = await ask(bad)
        expectProblem(refused, 'invalid_request', name)
        expect(refused.body.errors[0].pointer, name).toBe('header/idempotency-key')
      }
    }
    const exchanged = await anonymous.post('/v1/enrolments', { code: 'x' }, { 'Idempotency-Key': 'a b' })
    expectProblem(exchanged, 'invalid_request')
    for (const good of ['x', '!~"\\,;', 'x'.repeat(255)]) {
      expect((await creations.find(({ name }) => name.endsWith('/files'))?.ask(good))?.status).toBe(201)
    }
  })

  test('forgets a key after a day, and keeps nothing of the request but its fingerprint', async () =>
    forEach(async ({ name, ask }) => {
      const once = key()
      const before = Date.now()
      const first = await ask(once)
      const [row] = await kept(once)
      expect(row?.expires_at, name).toBeGreaterThanOrEqual(before + DAY_MS)
      expect(row?.fingerprint, name).toMatch(/^[0-9a-f]{64}$/)
      expect(row?.ids, name).not.toContain(String(secretOf(first)))
      await sweepAt(new Date((row?.expires_at ?? 0) - 1))
      expect(await kept(once), name).toHaveLength(1)
      await sweepAt(new Date(row?.expires_at ?? 0))
      expect(await kept(once), name).toEqual([])
    }))

  test('is free to use a key again whose day is over, before it is swept', async () =>
    forEach(async ({ name, ask }) => {
      const once = key()
      const first = await ask(once)
      await env.DB.prepare('UPDATE idempotency_keys SET expires_at = ? WHERE key = ?').bind(Date.now(), once).run()
      const other = await ask(once, true)
      expect(other.status, `${name} ${other.text}`).toBe(first.status)
      expect(other.headers.get(REPLAYED), name).toBeNull()
      expect(madeBy(await ask(once, true)), name).toEqual(madeBy(other))
      expectProblem(await ask(once), 'idempotency_key_reused', name)
    }))
})
