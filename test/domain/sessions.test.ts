import { beforeAll, describe, expect, test } from 'vitest'
import { revokeApiKey, getApiKey, rotateApiKey } from '../../src/domain/api-keys.ts'
import { eraseParticipant } from '../../src/domain/erasures.ts'
import { renewSession, signIn, signOut } from '../../src/domain/sessions.ts'
import { as, operator } from '../support/client.ts'
import { eraseQuietly, everythingStored, heldJobs, sweepUntilDone } from '../support/erasures.ts'
import { sweepAt, within } from '../support/faults.ts'
import { idOf, outcomeOf, scopeOf } from '../support/scopes.ts'
import { acting, aPerson, opening, opens, type Person, renewing, sessionRows, signingIn } from '../support/sessions.ts'
import { aKey, aStudy, ok, type Study } from '../support/world.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const later = (milliseconds: number) => new Date(Date.now() + milliseconds)

let study: Study
beforeAll(async () => {
  study = await aStudy()
})

/** Somebody of the team, who signs in by the contact fields of their membership. */
async function aColleague(of: Study, role: 'staff' | 'worker' | 'admin' = 'worker') {
  const email = `${crypto.randomUUID()}@example.org`
  const member = ok(
    await of.admin.post(`${of.path}/members`, { issuer: 'https://id.example.org', subject: email, role, email }),
  )
  const { key, id: keyId } = await aKey(of, { role, member: member.id })
  return { key: key ?? '', keyId, email, member: member.id }
}

const signingInByEmail = async (of: Study, { key, email }: { key: string; email: string }) =>
  signIn(await scopeOf(), idOf(of), { name: { kind: 'email', email }, password: key })

describe('a session', () => {
  test('acts as its key does, at its own door and in its own study only', async () => {
    const [person, colleague, other] = [await aPerson(study), await aColleague(study), await aStudy()]
    const { token } = await signingIn(study, person)
    const { principal } = await opening(study, token)
    expect(principal).toMatchObject({ role: 'participant', participant: person.id, readOnly: false })
    expect(await opens(study, token, { door: 'hat' })).toBe('unauthenticated')
    expect(await opens(other, token)).toBe('unauthenticated')
    for (const path of [study.path, other.path, `${study.path}/files`]) {
      expect((await as(token).get(path)).status).toBe(401)
    }
    const signedIn = await signingInByEmail(study, colleague)
    const team = await opening(study, signedIn.token)
    expect(team).toMatchObject({ principal: { role: 'worker' }, member: { id: colleague.member } })
    expect(team.participant).toBeUndefined()
  })

  test.each([
    ['another’s name', async (person: Person) => ({ ...person, externalId: (await aPerson(study)).externalId })],
    ['another’s key', async (person: Person) => ({ ...person, key: (await aPerson(study)).key })],
    ['a key of the team', async (person: Person) => ({ ...person, key: study.worker.key })],
    ['a key of another study', async (person: Person) => ({ ...person, key: (await aPerson(await aStudy())).key })],
    ['a word', async (person: Person) => ({ ...person, key: 'crl_1_password' })],
    ['a session', async (person: Person) => ({ ...person, key: (await signingIn(study, person)).token })],
  ] as const)('is not given for %s', async (_, wrong) => {
    const person = await aPerson(study)
    expect(await outcomeOf(signingIn(study, await wrong(person)))).toBe('account_not_found')
  })

  test('ends when its key signs in again, and the first’s renewal then gives the second', async () => {
    const person = await aPerson(study)
    const [first, hat] = [await signingIn(study, person), await signingIn(study, person, { door: 'hat' })]
    const second = await signingIn(study, person)
    expect(await opens(study, first.token)).toBe('unauthenticated')
    expect(await opens(study, second.token)).toBe('done')
    expect(await opens(study, hat.token, { door: 'hat' })).toBe('done')
    expect((await renewing(study, first.renewal)).token).toBe(second.token)
  })

  test('is one of two that were asked for at once', async () => {
    const person = await aPerson(study)
    const both = await Promise.all([signingIn(study, person), signingIn(study, person), signingIn(study, person)])
    const opened = await Promise.all(both.map(async ({ token }) => opens(study, token)))
    expect(opened.filter((each) => each === 'done')).toHaveLength(1)
    for (const { renewal } of both) expect(await opens(study, (await renewing(study, renewal)).token)).toBe('done')
  })

  test('rests as a hash, as does what renews it', async () => {
    const { token, renewal } = await signingIn(study, await aPerson(study))
    expect(await sessionRows(study)).toEqual(
      expect.arrayContaining([expect.objectContaining({ hash: expect.stringMatching(/^[0-9a-f]{64}$/) })]),
    )
    const stored = [...(await everythingStored()).values()].join('\n')
    for (const secret of [token, renewal]) expect(stored).not.toContain(secret.slice(8).toLowerCase())
  })
})

describe('a session and what renews it end with', () => {
  type Ending = (of: Study, person: Person) => Promise<unknown>
  test.each<[what: string, how: Ending, after?: number]>([
    ['the revocation of its key', async (of, { keyId }) => ok(await of.admin.delete(`${of.path}/keys/${keyId}`))],
    [
      'a rotation without grace',
      async (of, { key }) => ok(await as(key).post(`${of.path}/keys/self/rotate`, { graceSeconds: 0 })),
    ],
    [
      'a rotation’s grace',
      async (of, { key }) => ok(await as(key).post(`${of.path}/keys/self/rotate`, { graceSeconds: 3_600 })),
      HOUR + 60_000,
    ],
    ['the erasure of its participant', async (of, { key }) => eraseQuietly(as(key), `${of.path}/participants/me`)],
    ['the erasure of its study', async (of) => eraseQuietly(operator, of.path)],
  ])('%s', async (_, end, after = 0) => {
    const of = await aStudy()
    const person = await aPerson(of)
    const { token, renewal } = await signingIn(of, person)
    await end(of, person)
    if (after > 0) expect(await opens(of, token)).toBe('done')
    const when = later(after)
    expect(await opens(of, token, { now: when })).toBe('unauthenticated')
    expect(await outcomeOf(renewing(of, renewal, { now: when }))).toBe('account_not_found')
    expect(await outcomeOf(signingIn(of, person, { now: when }))).toBe('account_not_found')
  })

  test('the time of its key', async () => {
    const { id, externalId } = await aPerson(study)
    const { key } = await aKey(study, { role: 'participant', participant: id, expiresAt: later(HOUR).toISOString() })
    const { token, renewal } = await signingIn(study, { externalId, key })
    expect(await opens(study, token, { now: later(HOUR - 60_000) })).toBe('done')
    expect(await opens(study, token, { now: later(HOUR) })).toBe('unauthenticated')
    expect(await outcomeOf(renewing(study, renewal, { now: later(HOUR) }))).toBe('account_not_found')
  })

  test('the membership that its key acts for', async () => {
    const colleague = await aColleague(study)
    const { token, renewal } = await signingInByEmail(study, colleague)
    expect((await study.admin.delete(`${study.path}/members/${colleague.member}`)).status).toBe(204)
    expect(await opens(study, token)).toBe('unauthenticated')
    expect(await outcomeOf(renewing(study, renewal))).toBe('account_not_found')
  })

  test('a sign-out, at that door', async () => {
    const person = await aPerson(study)
    const [one, two] = [await signingIn(study, person), await signingIn(study, person, { door: 'hat' })]
    await signOut(await scopeOf({ secret: one.token }), idOf(study))
    expect(await opens(study, one.token)).toBe('unauthenticated')
    expect(await outcomeOf(renewing(study, one.renewal))).toBe('account_not_found')
    expect(await outcomeOf(signOut(await scopeOf({ secret: one.token }), idOf(study)))).toBe('unauthenticated')
    expect(await opens(study, two.token, { door: 'hat' })).toBe('done')
    expect((await as(person.key).get(`${study.path}/files`)).status).toBe(200)
  })

  test('their own time, and are then forgotten by the sweep', async () => {
    const of = await aStudy()
    const { token, renewal, session } = await signingIn(of, await aPerson(of))
    expect(await opens(of, token, { now: new Date(session.expiresAt.getTime() - 1) })).toBe('done')
    expect(await opens(of, token, { now: session.expiresAt })).toBe('unauthenticated')
    await sweepAt(session.expiresAt)
    expect((await sessionRows(of)).map(({ kind }) => kind)).toEqual(['renewal'])
    const again = await renewing(of, renewal, { now: later(60 * DAY) })
    expect(again.token).not.toBe(token)
    expect(await opens(of, again.token, { now: later(60 * DAY) })).toBe('done')
    expect(await outcomeOf(renewing(of, renewal, { now: later(90 * DAY) }))).toBe('account_not_found')
    await sweepAt(later(151 * DAY))
    expect(await sessionRows(of)).toEqual([])
  })
})

describe('a renewal', () => {
  test('gives the session that still lives, and a secret of its own', async () => {
    const person = await aPerson(study)
    const first = await signingIn(study, person)
    const renewed = await renewing(study, first.renewal)
    expect([renewed.token, renewed.session]).toEqual([first.token, first.session])
    expect(renewed.renewal).not.toBe(first.renewal)
    for (const secret of [first.renewal, renewed.renewal]) {
      expect((await renewing(study, secret)).token).toBe(first.token)
    }
    // Neither is taken for the other.
    expect(await outcomeOf(renewing(study, first.token))).toBe('account_not_found')
    expect(await opens(study, first.renewal)).toBe('unauthenticated')
  })

  test('gives a new session where the secrets of sessions have another key since', async () => {
    const { token, renewal } = await signingIn(study, await aPerson(study))
    const other = { TOKEN_KEYS: `9:${btoa('k'.repeat(32)).replaceAll('=', '')}` }
    const renewed = await renewing(study, renewal, { other })
    expect(renewed.token).not.toBe(token)
    expect(await opens(study, renewed.token)).toBe('done')
    expect(await opens(study, token)).toBe('unauthenticated')
  })

  test('is one of ten that are kept', async () => {
    const person = await aPerson(study)
    const now = Date.now()
    const secrets = [(await signingIn(study, person)).renewal]
    for (let i = 1; i <= 10; i += 1) {
      secrets.push((await renewing(study, secrets.at(-1) ?? '', { now: new Date(now + i) })).renewal)
    }
    const outcomes = await Promise.all(secrets.map(async (secret) => outcomeOf(renewing(study, secret))))
    expect([secrets.length, outcomes[0], outcomes.at(-1)]).toEqual([11, 'account_not_found', 'done'])
  })

  test('is refused to another door, another study, under another’s name, and of what was never given', async () => {
    const [person, other] = [await aPerson(study), await aPerson(study)]
    const { renewal: secret } = await signingIn(study, person)
    expect(await outcomeOf(renewing(study, secret, { door: 'hat' }))).toBe('account_not_found')
    expect(await outcomeOf(renewing(await aStudy(), secret))).toBe('account_not_found')
    for (const never of [`crn_${study.number}_${'A'.repeat(43)}`, '']) {
      expect(await outcomeOf(renewing(study, never))).toBe('account_not_found')
    }
    const named = async ({ externalId }: Person) =>
      renewSession(await scopeOf(), idOf(study), { name: { kind: 'externalId', externalId }, secret })
    expect(await outcomeOf(named(other))).toBe('account_not_found')
    expect(await outcomeOf(named(person))).toBe('done')
  })
})

describe('a session that acts for a participant', () => {
  test('is theirs alone: it neither is nor leads to the key of the team that it came of', async () => {
    const [colleague, ada, bob] = [await aColleague(study, 'admin'), await aPerson(study), await aPerson(study)]
    const own = await signingInByEmail(study, colleague)
    const [forAda, forBob] = [await acting(colleague.key, ada), await acting(colleague.key, bob)]
    const { principal, participant, member } = await opening(study, forAda)
    expect([principal.role, participant?.id, member]).toEqual(['participant', ada.id, undefined])
    const scope = await scopeOf({ secret: forAda })
    for (const id of ['self', colleague.keyId as Parameters<typeof getApiKey>[2]] as const) {
      expect(await outcomeOf(getApiKey(scope, idOf(study), id))).toBe('forbidden')
      expect(await outcomeOf(revokeApiKey(scope, idOf(study), id))).toBe('forbidden')
      expect(await outcomeOf(rotateApiKey(scope, idOf(study), { id, graceSeconds: 0 }))).toBe('key_has_no_secret')
    }
    expect(await outcomeOf(acting(forAda, bob))).toBe('forbidden')
    // Nor does the key's own session end it, renew into it or end with it.
    expect((await renewing(study, own.renewal)).token).toBe(own.token)
    const again = await signingInByEmail(study, colleague)
    await signOut(scope, idOf(study))
    expect(await opens(study, forAda)).toBe('unauthenticated')
    for (const secret of [forBob, again.token]) expect(await opens(study, secret)).toBe('done')
    expect((await as(colleague.key).get(study.path)).status).toBe(200)
  })

  test('may be made to read only: it changes nothing, and erases nobody', async () => {
    const person = await aPerson(study)
    const scope = await scopeOf({ secret: await acting(study.worker.key ?? '', person, true) })
    expect(await outcomeOf(eraseParticipant(scope, idOf(study), 'me'))).toBe('forbidden')
    expect(ok(await study.admin.get(`${study.path}/participants/${person.id}`)).status).toBe('active')
    expect((await opening(study, await acting(study.worker.key ?? '', person, true))).principal).toMatchObject({
      readOnly: true,
    })
  })

  test('goes with the participant, and those that act for others stay', async () => {
    const [person, other] = [await aPerson(study), await aPerson(study)]
    const secret = study.worker.key ?? ''
    const [theirs, others] = [await acting(secret, person), await acting(secret, other)]
    await signingIn(study, person)
    const JOBS = heldJobs()
    await sweepUntilDone(ok(await within(JOBS, as(person.key)).delete(`${study.path}/participants/me`)), JOBS)
    expect((await sessionRows(study)).filter((row) => row.participant_id === person.id)).toEqual([])
    expect(await opens(study, theirs)).toBe('unauthenticated')
    expect(await opens(study, others)).toBe('done')
  })
})
