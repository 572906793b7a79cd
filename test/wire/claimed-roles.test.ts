import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { idPattern, newId } from '../../src/model/ids.ts'
import { readSettings } from '../../src/settings.ts'
import { claimedIn } from '../../src/wire/claimed-roles.ts'
import { credentialOfToken } from '../../src/wire/credentials.ts'
import { aToken, claiming, CLINIC, LOGIN, REGISTRY } from '../support/tokens.ts'

// What a verified token says of its bearer. What that opens: test/api/claimed-roles.test.ts.

const ALL = REGISTRY.claimRoles
const USER = { issuer: REGISTRY.issuer, subject: 'user|1' }
const said = async (claims: Record<string, unknown>, trusted: Parameters<typeof claimedIn>[2] = ALL) => {
  const claimed = await claimedIn(claims, USER, trusted)
  return claimed && [claimed.role, claimed.studies]
}
const many = (count: number) => Array.from({ length: count }, (_, index) => `SD_${String(index).padStart(8, '0')}`)

test.each<[what: string, claims: Parameters<typeof claiming>[0], believed: unknown]>([
  ['an admin', { roles: ['USER', 'ADMIN'], groups: ['SD_A'] }, ['admin', undefined]],
  ['of the staff of each group', { roles: ['USER'], groups: ['SD_A', 'sleep', 'SD_A'] }, ['staff', ['SD_A', 'sleep']]],
  ['software', { groups: ['SD_A'], gty: 'client-credentials' }, ['worker', ['SD_A']]],
  ['software by one of its grants', { groups: ['SD_A'], gty: ['x', 'client-credentials'] }, ['worker', ['SD_A']]],
  [
    'software that is no admin',
    { roles: ['ADMIN'], groups: ['SD_A'], gty: 'client-credentials' },
    ['worker', ['SD_A']],
  ],
  [
    'software as OAuth spells it',
    { roles: ['ADMIN'], groups: ['SD_A'], gty: 'client_credentials' },
    ['worker', ['SD_A']],
  ],
  ['staff by another grant', { groups: ['SD_A'], gty: 'password' }, ['staff', ['SD_A']]],
  ['staff where there can be a study', { groups: ['a/b', '', '..', ' SD_A', '~1', 'SD_A'] }, ['staff', ['SD_A']]],
  ['staff of a thousand', { groups: many(1_000) }, ['staff', many(1_000)]],
])('somebody is %s', async (_what, claims, believed) => {
  expect(await said(claiming(claims))).toEqual(believed)
})

test.each<[what: string, claims: Record<string, unknown>]>([
  ['nothing', {}],
  ['nobody in particular', claiming({ roles: [], groups: [] })],
  ['one text for a role', claiming({ roles: 'ADMIN' })],
  ['one text for a group', claiming({ groups: 'SD_A' })],
  ['an object for its roles', claiming({ roles: { ADMIN: true } })],
  ['an object like a list', claiming({ roles: { 0: 'ADMIN', length: 1 }, groups: { 0: 'SD_A', length: 1 } })],
  ['lists in its lists', claiming({ roles: [['ADMIN']], groups: [['SD_A']] })],
  ['a list that has more than texts', claiming({ roles: ['ADMIN', 1], groups: ['SD_A', null] })],
  ['the role in another case', claiming({ roles: ['admin', 'Admin', ' ADMIN', 'ADMIN '] })],
  ['more groups than anyone has', claiming({ groups: many(1_001) })],
  ['software without groups', claiming({ roles: ['ADMIN'], gty: 'client-credentials' })],
  ['it in other claims', { roles: ['ADMIN'], groups: ['SD_A'], role: 'admin' }],
  ['it inside of another claim', { app_metadata: claiming({ roles: ['ADMIN'], groups: ['SD_A'] }) }],
])('a token that says %s gives no place', async (_what, claims) => {
  expect(await said(claims)).toBeUndefined()
})

test('only the claims that are named are read, and none where none are', async () => {
  const claims = claiming({ roles: ['ADMIN'], groups: ['SD_A'], gty: 'client-credentials' })
  expect(await said(claims, { roles: ALL.roles })).toEqual(['admin', undefined])
  expect(await said(claims, { groups: ALL.groups })).toEqual(['staff', ['SD_A']])
  expect(await claimedIn(claims, USER, undefined)).toBeUndefined()
  expect(await said({}, { roles: 'constructor', groups: '__proto__' })).toBeUndefined()
})

test('the same is a token’s word with the registry, and nothing with a login that is not believed', async () => {
  const claims = claiming({ roles: ['ADMIN'], groups: ['SD_A'] })
  const claimedBy = async (issuer: typeof LOGIN | typeof CLINIC | typeof REGISTRY) =>
    credentialOfToken(await aToken('user|1', { issuer, claims }), env, new Date())
  expect(await claimedBy(REGISTRY)).toMatchObject({ claimed: { role: 'admin' } })
  for (const issuer of [LOGIN, CLINIC]) expect(await claimedBy(issuer)).toHaveProperty('claimed', undefined)
})

test('somebody is known by an id that is theirs alone, the same at every request', async () => {
  const memberOf = async (issuer: string, subject: string) =>
    (await claimedIn(claiming({ roles: ['ADMIN'] }), { issuer, subject }, ALL))?.member
  const id = await memberOf('https://registry.example.org/', 'user|1')
  // Kept by what is stored under it, so it may never change.
  expect(id).toBe('mem_zrxazd8bq22b3rzgefnsg5rp9s')
  expect(id).toMatch(idPattern('mem'))
  const others = [
    await memberOf('https://registry.example.org/', 'user|2'),
    await memberOf('https://registry.example.org/","', 'user|1'),
    await memberOf('https://registry.example.org', '/user|1'),
  ]
  expect(new Set([id, ...others]).size).toBe(4)
  // A row's comes of the time that it was made at.
  const latest = newId('mem', new Date(2 ** 48 - 1))
  expect(latest < String(id)).toBe(true)
})

const setTo = (claimRoles: unknown) =>
  readSettings({ ...env, JWT_ISSUERS: JSON.stringify([{ ...LOGIN, claimRoles }]) }).jwtIssuers

test('the setting names claims, at least one that gives a role', () => {
  for (const claimRoles of [{ roles: 'r' }, { groups: 'g' }, { roles: 'r', groups: 'g', grantType: 'gty' }]) {
    expect(setTo(claimRoles)).toEqual([{ ...LOGIN, claimRoles }])
  }
})

test.each<unknown>([
  {},
  { grantType: 'gty' },
  { roles: '' },
  { roles: ['r'] },
  { roles: 'r', role: 'r' },
  true,
  'r',
  null,
])('the setting is wrong that is %j', (claimRoles) => {
  expect(() => setTo(claimRoles)).toThrow(/JWT_ISSUERS/)
})
