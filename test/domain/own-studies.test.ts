import { env } from 'cloudflare:workers'
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { beforeAll, expect, test } from 'vitest'
import { createDownloadKey } from '../../src/domain/download-keys.ts'
import { listOwnStudies } from '../../src/domain/studies.ts'
import type { Credential, ForeignDoor } from '../../src/model/principal.ts'
import { openScope } from '../../src/runtime.ts'
import { credentialOfSecret, credentialOfToken } from '../../src/wire/credentials.ts'
import { operator } from '../support/client.ts'
import { meteredBindings } from '../support/meters.ts'
import { outcomeOf, scopeOf } from '../support/scopes.ts'
import { aPerson, signingIn } from '../support/sessions.ts'
import type { TestIssuer } from '../support/issuers.ts'
import { aToken, claiming, LOGIN, REGISTRY, WARD } from '../support/tokens.ts'
import { aKey, aParticipant, aStudy, ok, type Study } from '../support/world.ts'

// Where a caller has a place, asked across studies.

const MANY = 10_000
let subjects = 0
const somebody = () => `traveller-${(subjects += 1)}`
const NOBODY: Credential = { kind: 'anonymous' }

const shown = async (token: string) => credentialOfToken(token, env, new Date())
/** What a token of an issuer shows that says this of its bearer. */
const saying = async (
  said: Parameters<typeof claiming>[0],
  { subject = somebody(), issuer = REGISTRY }: { subject?: string; issuer?: TestIssuer } = {},
) => shown(await aToken(subject, { issuer, claims: claiming(said) }))

/** A page of what is told to whoever shows this, and what it costs. */
async function pageOf(
  credential: Credential,
  {
    limit = MANY,
    cursor,
    door = 'kidsfirst',
  }: { limit?: number; cursor?: string | undefined; door?: ForeignDoor } = {},
) {
  const { cost, bindings } = meteredBindings()
  const context = createExecutionContext()
  const scope = openScope(
    { ...env, ...bindings },
    { credential, door, origin: 'http://localhost', now: new Date(), context },
  )
  const page = await listOwnStudies(scope, { limit, cursor })
  await waitOnExecutionContext(context)
  return { ids: page.items.map(({ id }) => String(id)), next: page.nextCursor ?? undefined, cost }
}
const idsOf = async (credential: Credential) => (await pageOf(credential)).ids

let studies: [Study, Study, Study]
let ids: string[]
beforeAll(async () => {
  studies = [await aStudy(), await aStudy(), await aStudy()]
  ids = studies.map(({ id }) => id)
})
const addMember = async (study: Study, subject: string, member: object = { role: 'staff' }) =>
  ok(await study.admin.post(`${study.path}/members`, { issuer: REGISTRY.issuer, subject, ...member }))

test('a key shows the one study that it is of, a participant’s and a download key too', async () => {
  const [study] = studies
  const participant = await aParticipant(study)
  for (const { key = '' } of [study.admin, study.staff, study.download, participant]) {
    expect(await idsOf(await shown(key))).toEqual([study.id])
  }
  // That it was used is noted, as wherever a key is used.
  expect(ok(await study.admin.get(`${study.path}/keys/${participant.keyId}`)).lastUsedAt).not.toBeNull()
})

test('a session shows its study at its own door only', async () => {
  const [study] = studies
  const { token } = await signingIn(study, await aPerson(study), { door: 'bridge' })
  const credential = await credentialOfSecret(token)
  expect((await pageOf(credential, { door: 'bridge' })).ids).toEqual([study.id])
  expect(await outcomeOf(pageOf(credential))).toBe('unauthenticated')
})

test('the operator, a key of all studies and an admin by claim have a place in all that are there, by number', async () => {
  const gone = await aStudy()
  ok(await operator.delete(gone.path))
  const boss = { ...(await scopeOf()), credential: { kind: 'operator' } as const }
  const { secret } = await createDownloadKey(boss, undefined, somebody())
  for (const credential of [boss.credential, await shown(secret), await saying({ roles: ['ADMIN'] })]) {
    const all = await idsOf(credential)
    expect(all.filter((id) => ids.includes(id))).toEqual(ids)
    expect(all).not.toContain(gone.id)
    expect(all.length).toBeGreaterThanOrEqual(3)
  }
})

test('others by a JWT have one where they are members, and where a trusted issuer says so', async () => {
  const [first, second, third] = studies
  const subject = somebody()
  const { id } = await addMember(second, subject)
  const { id: participant } = await aParticipant(third)
  await addMember(third, subject, { role: 'participant', participant })
  const groups = [second.id, first.id, 'no-such-study']
  expect(await idsOf(await saying({ groups }, { subject }))).toEqual(ids)
  expect(await idsOf(await saying({}, { subject }))).toEqual([second.id, third.id])
  expect(await idsOf(await saying({ groups }))).toEqual([first.id, second.id])
  expect(await idsOf(await saying({ groups, gty: 'client-credentials' }))).toEqual([first.id, second.id])
  // The same words from a login that is not believed, and the same name with it.
  expect(await idsOf(await saying({ roles: ['ADMIN'], groups }, { subject, issuer: LOGIN }))).toEqual([])

  ok(await second.admin.delete(`${second.path}/members/${id}`))
  ok(await third.admin.delete(`${third.path}/participants/${participant}`))
  expect(await idsOf(await saying({}, { subject }))).toEqual([])
  // Of whom a row says that they are being erased, a claim makes nobody else.
  expect(await idsOf(await saying({ groups: ids }, { subject }))).toEqual([first.id, second.id])
})

test('what an issuer may not give a place in is not among them', async () => {
  const [, allowed] = WARD.studies
  const [elsewhere] = studies
  ok(await operator.post('/v1/studies', { id: allowed, name: 'Ward' }))
  const subject = somebody()
  await elsewhere.admin.post(`${elsewhere.path}/members`, { issuer: WARD.issuer, subject, role: 'admin' })
  const among = (all: string[]) => all.filter((id) => id !== WARD.studies[0])
  for (const said of [{ roles: ['ADMIN'] }, { groups: [allowed, elsewhere.id] }]) {
    expect(among(await idsOf(await saying(said, { subject, issuer: WARD })))).toEqual([allowed])
  }
})

test('a page goes on where the one before ended, in one trip each, whatever else there is', async () => {
  const subject = somebody()
  for (const study of studies) await addMember(study, subject)
  const [first, , last] = ids
  const callers = [
    [await saying({}, { subject }), 20],
    [await saying({ groups: [...ids, 'a', 'b'] }), 32],
    [await saying({ groups: ids }, { subject }), 32],
  ] as const
  for (const [credential, most] of callers) {
    const page = await pageOf(credential, { limit: 2 })
    const rest = await pageOf(credential, { limit: 2, cursor: page.next })
    expect([page.ids, rest.ids, rest.next]).toEqual([ids.slice(0, 2), [last], undefined])
    for (const { cost } of [page, rest]) {
      expect(cost.trips).toBe(1)
      expect(cost.rows).toBeLessThanOrEqual(most)
    }
  }
  const one = await pageOf(await saying({ roles: ['ADMIN'] }), { limit: 1 })
  expect([one.cost.trips, one.ids.length]).toEqual([1, 1])
  expect(one.cost.rows).toBeLessThanOrEqual(8)
  const key = await pageOf(await shown(studies[0].staff.key ?? ''))
  // Once in this hour its use is noted.
  expect([key.ids, key.cost.trips <= 2]).toEqual([[first], true])
  expect(await outcomeOf(pageOf(callers[0][0], { cursor: 'garbage' }))).toBe('cursor_invalid')
})

test('who is nobody, or shows what is good no longer, is asked to sign in', async () => {
  const [study] = studies
  const key = await aKey(study, { role: 'staff' })
  const gone = await aStudy()
  ok(await study.admin.delete(`${study.path}/keys/${key.id}`))
  ok(await operator.delete(gone.path))
  const unknown = `crl_${study.number}_${'A'.repeat(43)}`
  const nowhere = `crl_65535_${'A'.repeat(43)}`
  for (const token of [key.key, gone.staff.key, unknown, nowhere]) {
    expect(await outcomeOf(pageOf(await shown(token ?? '')))).toBe('unauthenticated')
  }
  expect(await outcomeOf(pageOf(NOBODY))).toBe('unauthenticated')
})
