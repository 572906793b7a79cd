import { env } from 'cloudflare:workers'
import { exportPKCS8, exportSPKI, generateKeyPair } from 'jose'
import { describe, expect, test } from 'vitest'
import { as, operator } from '../support/client.ts'
import { disturbed, within } from '../support/faults.ts'
import { costOf } from '../support/meters.ts'
import { signedIn } from '../support/tokens.ts'
import { aKey, aParticipant, aStudy, ok, type Study } from '../support/world.ts'

const HOUR_MS = 3_600_000
const DAY_SECONDS = 86_400
const at = (study: { path: string }, key: string) => `${study.path}/keys/${key}`
const rotated = (study: { path: string }, key = 'self') => `${at(study, key)}/rotate`
const setTime = async (column: 'revoked_at' | 'last_used_at', id: string, time: number) =>
  env.DB.prepare(`UPDATE api_keys SET ${column} = ? WHERE id = ?`).bind(time, id).run()

describe('rotating a key', () => {
  test('gives its holder another one like it, and the old one a day', async () => {
    const study = await aStudy()
    const participant = await aParticipant(study)
    const before = Date.now()
    const answer = await participant.post(rotated(study), {})
    expect(answer.status).toBe(201)
    expect(answer.headers.get('Cache-Control')).toBe('no-store')
    const { secret, ...successor } = answer.body
    const old = ok(await study.admin.get(at(study, participant.keyId)))
    expect(successor).toEqual({
      ...old,
      id: expect.not.stringContaining(old.id),
      hint: secret.slice(-4),
      createdAt: expect.any(String),
      revokedAt: null,
      lastUsedAt: null,
    })
    expect(Date.parse(old.revokedAt) - before).toBeGreaterThanOrEqual(DAY_SECONDS * 1000)
    expect(Date.parse(old.revokedAt) - Date.now()).toBeLessThanOrEqual(DAY_SECONDS * 1000)
    for (const key of [as(secret), participant]) {
      expect(ok(await key.get(`${study.path}/participants/me`)).id).toBe(participant.id)
    }

    await setTime('revoked_at', participant.keyId, Date.now())
    expect((await participant.get(at(study, 'self'))).status).toBe(401)
    expect((await as(secret).get(at(study, 'self'))).status).toBe(200)
  })

  test('without grace ends the old one at once', async () => {
    const study = await aStudy()
    const key = await aKey(study, { role: 'worker' })
    const { secret } = ok(await key.post(rotated(study, key.id), { graceSeconds: 0 }))
    expect((await key.get(study.path)).status).toBe(401)
    expect((await as(secret).get(study.path)).status).toBe(200)
  })

  test('without grace gives the new secret even where the database had to be asked twice', async () => {
    const study = await aStudy()
    const key = await aKey(study, { role: 'worker' })
    const { DB, seen } = disturbed({ on: /INSERT INTO api_keys/, loses: true })
    const { secret } = ok(await within({ DB }, key).post(rotated(study), { graceSeconds: 0 }))
    expect(seen.times).toBe(2)
    expect((await key.get(study.path)).status).toBe(401)
    expect((await as(secret).get(study.path)).status).toBe(200)
  })

  test('twice with the old one, because an answer was lost, makes two and never lengthens its grace', async () => {
    const study = await aStudy()
    const key = await aKey(study, { role: 'worker' })
    const one = ok(await key.post(rotated(study), { graceSeconds: 60 }))
    const until = ok(await key.get(at(study, 'self'))).revokedAt
    const two = ok(await key.post(rotated(study), { graceSeconds: 3_600 }))
    expect(ok(await key.get(at(study, 'self'))).revokedAt).toBe(until)
    expect(new Set([key.id, one.id, two.id]).size).toBe(3)
    for (const { secret } of [one, two]) expect((await as(secret).get(study.path)).status).toBe(200)
    const three = ok(await key.post(rotated(study), { graceSeconds: 0 }))
    expect((await key.get(study.path)).status).toBe(401)
    expect((await as(three.secret).get(study.path)).status).toBe(200)
  })

  test('leaves the expiry as it is, of both', async () => {
    const study = await aStudy()
    const expiresAt = new Date(Date.now() + HOUR_MS).toISOString()
    const key = await aKey(study, { role: 'worker', expiresAt })
    const first = ok(await key.post(rotated(study), {}))
    const second = ok(await as(first.secret).post(rotated(study), {}))
    expect([first.expiresAt, second.expiresAt]).toEqual([expiresAt, expiresAt])
    expect(ok(await study.admin.get(at(study, key.id))).expiresAt).toBe(expiresAt)
  })

  test('does not bring back what is revoked during its grace', async () => {
    const study = await aStudy()
    const key = await aKey(study, { role: 'worker' })
    const { secret } = ok(await key.post(rotated(study), {}))
    ok(await study.admin.delete(at(study, key.id)))
    expect((await key.get(study.path)).status).toBe(401)
    expect((await key.post(rotated(study), {})).status).toBe(401)
    expect((await as(secret).get(study.path)).status).toBe(200)
  })

  test("is for its holder only, with the holder's own key", async () => {
    const study = await aStudy()
    const other = await aStudy()
    const key = await aKey(study, { role: 'worker' })
    for (const caller of [study.admin, study.staff, await aParticipant(study)]) {
      const refused = await caller.post(rotated(study, key.id), {})
      expect(refused).toMatchObject({ status: 404, body: { code: 'key_not_found' } })
    }
    for (const caller of [operator, await signedIn('nobody')]) {
      const refused = await caller.post(rotated(study), {})
      expect(refused).toMatchObject({ status: 409, body: { code: 'key_has_no_secret' } })
    }
    for (const name of ['self', key.id]) {
      const refused = await other.admin.post(rotated(study, name), {})
      expect(refused).toMatchObject({ status: 404, body: { code: 'study_not_found' } })
    }
    expect(ok(await key.get(at(study, 'self'))).revokedAt).toBeNull()
  })

  test.each([-1, 604_801, 0.5, '60', null])('refuses a grace of %j', async (graceSeconds) => {
    const study = await aStudy()
    const refused = await study.worker.post(rotated(study), { graceSeconds })
    expect(refused).toMatchObject({ status: 422, body: { errors: [{ pointer: '/graceSeconds' }] } })
  })
})

describe('a public key', () => {
  const aPair = async () => generateKeyPair('RS256', { extractable: true })
  const aPem = async () => exportSPKI((await aPair()).publicKey)
  const issue = async (study: Study, key: object) => study.admin.post(`${study.path}/keys`, { label: 'app', ...key })

  test('is kept as it came, and has no secret', async () => {
    const study = await aStudy()
    const publicKey = await aPem()
    const issued = ok(await issue(study, { role: 'worker', publicKey }))
    expect(issued).toMatchObject({ role: 'worker', publicKey, secret: null, hint: null })
    expect(ok(await study.admin.get(at(study, issued.id)))).toMatchObject({ publicKey, hint: null })
  })

  test('opens nothing when it is shown as a bearer', async () => {
    const study = await aStudy()
    const publicKey = await aPem()
    ok(await issue(study, { role: 'admin', publicKey }))
    const { hash } =
      (await env.DB.prepare('SELECT hash FROM api_keys WHERE public_key = ?').bind(publicKey).first()) ?? {}
    const base64 = publicKey.replaceAll(/-----[A-Z ]+-----|\s/g, '')
    for (const shown of [
      publicKey.replaceAll(/\s/g, ''),
      publicKey.trim().replaceAll('\n', ' '),
      base64,
      String(hash),
    ]) {
      expect(await as(shown).get(study.path)).toMatchObject({ status: 401, body: { code: 'unauthenticated' } })
    }
  })

  test('is a key of the study once, whomever it acts for', async () => {
    const study = await aStudy()
    const { id: participant } = await aParticipant(study)
    const { id: member } = ok(
      await study.admin.post(`${study.path}/members`, { issuer: 'i', subject: 's', role: 'staff' }),
    )
    const publicKey = await aPem()
    ok(await issue(study, { role: 'worker', publicKey }))
    for (const holder of [{ role: 'staff' }, { role: 'participant', participant }, { role: 'staff', member }]) {
      const refused = await issue(study, { ...holder, publicKey })
      expect(refused).toMatchObject({ status: 422, body: { errors: [{ pointer: '/publicKey' }] } })
    }
    expect((await issue(await aStudy(), { role: 'worker', publicKey })).status).toBe(201)
  })

  test('is public: a private one, or something else, is refused', async () => {
    const study = await aStudy()
    const secretPem = await exportPKCS8((await aPair()).privateKey)
    for (const publicKey of [
      secretPem,
      '',
      'ssh-rsa AAAA',
      '-----BEGIN PUBLIC KEY-----\n<>\n-----END PUBLIC KEY-----',
    ]) {
      const refused = await issue(study, { role: 'worker', publicKey })
      expect(refused).toMatchObject({ status: 422, body: { errors: [{ pointer: '/publicKey' }] } })
      expect(refused.text).not.toContain(secretPem.slice(40, 80))
    }
  })
})

test('the last use of a key is noted once an hour', async () => {
  const study = await aStudy()
  const key = await aKey(study, { role: 'worker' })
  const lastUsed = async () => {
    const { lastUsedAt } = ok(await study.admin.get(at(study, key.id)))
    return lastUsedAt === null ? null : Date.parse(lastUsedAt)
  }
  const use = async () => (await costOf(key, async (caller) => caller.get(study.path))).cost
  expect(await lastUsed()).toBeNull()

  const before = Date.now()
  expect((await use()).trips).toBe(2)
  const first = await lastUsed()
  expect(first).toBeGreaterThanOrEqual(before)

  expect((await use()).trips).toBe(1)
  expect(await lastUsed()).toBe(first)
  const almost = Date.now() - HOUR_MS + 10_000
  await setTime('last_used_at', key.id, almost)
  expect((await use()).trips).toBe(1)
  expect(await lastUsed()).toBe(almost)
  await setTime('last_used_at', key.id, Date.now() - HOUR_MS)
  expect((await use()).trips).toBe(2)
  expect(await lastUsed()).toBeGreaterThanOrEqual(before)
})
