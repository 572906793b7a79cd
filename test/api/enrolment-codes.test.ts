import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { issueEnrolmentCode } from '../../src/domain/enrolment-codes.ts'
import { credentialOfKey } from '../../src/domain/credentials.ts'
import { openScope } from '../../src/runtime.ts'
import { anonymous, as } from '../support/client.ts'
import { sweepAt } from '../support/faults.ts'
import { expectProblem } from '../support/problems.ts'
import { aParticipant, aStudy } from '../support/world.ts'

async function aWorld() {
  const study = await aStudy()
  const participant = await aParticipant(study)
  const path = `${study.path}/participants/${participant.id}/enrolment-codes`
  return { study, participant, path }
}

// Guesses are counted by address, and each test is at its own.
let addresses = 0
const exchangeFrom = () => {
  const address = `203.0.113.${(addresses += 1)}`
  return async (code: string, headers: object = {}) =>
    anonymous.post('/v1/enrolments', { code }, { 'CF-Connecting-IP': address, ...headers })
}

describe('an enrolment code', () => {
  test("is exchanged for the participant's key, once, however it is typed", async () => {
    const { study, participant, path } = await aWorld()
    const exchange = exchangeFrom()
    for (const issuer of [study.admin, study.worker]) {
      const { status, body } = await issuer.post(path, { label: "Ada's phone" })
      expect(status).toBe(201)
      expect(body.code).toMatch(/^[0-9A-Z]{4}(-[0-9A-Z]{4}){3}$/)
      const typed = body.code.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o').replaceAll('1', 'l')
      const enrolled = await exchange(typed)
      expect(enrolled.status).toBe(201)
      expect(enrolled.body).toMatchObject({
        study: study.id,
        role: 'participant',
        participant: participant.id,
        label: "Ada's phone",
      })
      expect((await as(enrolled.body.secret).get(`${study.path}/participants/me`)).body.id).toBe(participant.id)
      expect((await exchange(body.code)).body.code).toBe('enrolment_code_spent')
    }
    const listed = await study.worker.get(path)
    expect(listed.body.items.every((item: { claimedAt: string | null }) => item.claimedAt !== null)).toBe(true)
    expect(JSON.stringify(listed.body)).not.toContain('hash')
  })

  test('gives its key again to the same request, whose first answer may be lost, until the key is used', async () => {
    const { study, path } = await aWorld()
    const exchange = exchangeFrom()
    const { code } = (await study.admin.post(path, { label: 'phone' })).body
    const first = await exchange(code, { 'Idempotency-Key': 'try-1' })
    const again = await exchange(code, { 'Idempotency-Key': 'try-1' })
    expect(again.status).toBe(201)
    expect(again.body.id).toBe(first.body.id)
    expect((await as(first.body.secret).get(`${study.path}/keys/self`)).status).toBe(401)
    expect((await as(again.body.secret).get(`${study.path}/keys/self`)).status).toBe(200)
    expect((await exchange(code, { 'Idempotency-Key': 'try-2' })).status).toBe(410)
  })

  test('gives it again no longer once it is withdrawn, or its participant withdraws', async () => {
    const { study, participant, path } = await aWorld()
    const exchange = exchangeFrom()
    const end = {
      code: async (id: string) => study.admin.delete(`${path}/${id}`),
      participant: async () =>
        study.admin.patch(`${study.path}/participants/${participant.id}`, { status: 'withdrawn' }),
    }
    for (const which of ['code', 'participant'] as const) {
      const { id, code } = (await study.admin.post(path, { label: 'phone' })).body
      const first = await exchange(code, { 'Idempotency-Key': 'try-1' })
      await end[which](id)
      const again = await exchange(code, { 'Idempotency-Key': 'try-1' })
      expect([which, again.status, again.body.code]).toEqual([which, 410, 'enrolment_code_spent'])
      expect((await as(first.body.secret).get(`${study.path}/keys/self`)).status).toBe(200)
    }
  })

  test('makes one key when ten exchange it at once', async () => {
    const { study, path } = await aWorld()
    const exchange = exchangeFrom()
    const { code } = (await study.admin.post(path, { label: 'phone' })).body
    const answers = await Promise.all(Array.from({ length: 10 }, async () => exchange(code)))
    expect(answers.map((answer) => answer.status).toSorted((a, b) => a - b)).toEqual([
      201,
      ...Array.from({ length: 9 }, () => 410),
    ])
  })

  test('ends when it expires, is withdrawn, or its participant withdraws', async () => {
    const { study, participant, path } = await aWorld()
    const exchange = exchangeFrom()
    const scope = openScope(env, {
      credential: (await credentialOfKey(study.admin.key ?? '')) ?? { kind: 'anonymous' },
      door: 'native',
      origin: undefined,
      now: new Date(Date.now() - 3_600_000),
      context: createExecutionContext(),
    })
    const expired = await issueEnrolmentCode(scope, study.id as never, {
      participant: participant.id as never,
      label: 'late',
      seconds: 60,
    })
    expect((await exchange(expired.code ?? '')).body.code).toBe('enrolment_code_spent')

    const withdrawn = (await study.admin.post(path, { label: 'phone' })).body
    expect((await study.worker.delete(`${path}/${withdrawn.id}`)).status).toBe(204)
    expect((await exchange(withdrawn.code)).status).toBe(410)

    const last = (await study.admin.post(path, { label: 'phone' })).body
    await study.admin.patch(`${study.path}/participants/${participant.id}`, { status: 'withdrawn' })
    expect((await exchange(last.code)).status).toBe(410)
    expect((await study.admin.post(path, { label: 'phone' })).body.code).toBe('participant_withdrawn')
  })

  test('is forgotten a day after its end', async () => {
    const { study, path } = await aWorld()
    const { expiresAt } = (await study.admin.post(path, { label: 'phone', seconds: 60 })).body
    const dayLater = Date.parse(expiresAt) + 24 * 3_600_000
    await sweepAt(new Date(dayLater - 1))
    expect((await study.admin.get(path)).body.items).toHaveLength(1)
    await sweepAt(new Date(dayLater))
    expect((await study.admin.get(path)).body.items).toEqual([])
  })

  test('is made by workers and admins only, for a participant who is there', async () => {
    const { study, participant, path } = await aWorld()
    for (const caller of [study.staff, study.download, participant]) {
      expect((await caller.post(path, { label: 'x' })).status).toBe(403)
      expect((await caller.get(path)).status).toBe(403)
    }
    expect((await anonymous.post(path, { label: 'x' })).status).toBe(401)
    const nobody = await study.admin.post(`${study.path}/participants/nobody/enrolment-codes`, { label: 'x' })
    expect(nobody.body.code).toBe('participant_not_found')
  })

  test('is exchanged by who shows nothing, or a key; who shows what is none is told so', async () => {
    const { study, path } = await aWorld()
    const exchange = exchangeFrom()
    const { code } = (await study.admin.post(path, { label: 'phone' })).body
    for (const shown of ['garbage', 'Bearer', 'Bearer garbage']) {
      const refused = await exchange(code, { Authorization: shown })
      expectProblem(refused, 'unauthenticated', shown)
    }
    expect((await exchange(code, { Authorization: `Bearer ${study.download.key}` })).status).toBe(201)
  })

  test('cannot be guessed at: unknown codes are refused, and guessing is slowed down', async () => {
    const exchange = exchangeFrom()
    for (const code of [
      '',
      'x',
      '0000-0000-0000-0000',
      '0001-0000-0000-0000',
      'ZZZZ-ZZZZ-ZZZZ-ZZZZ',
      '🙂'.repeat(16),
    ]) {
      expect((await exchange(code)).body.code).toBe('enrolment_code_not_found')
    }
    const rest = await Promise.all(Array.from({ length: 20 }, async () => exchange('0001-0000-0000-0000')))
    const limited = rest.find((answer) => answer.status === 429)
    expect(limited?.body.code).toBe('rate_limited')
    expect(limited?.headers.get('Retry-After')).toBe('60')
  })
})
