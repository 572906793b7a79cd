import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { Hono } from 'hono'
import { expect, test } from 'vitest'
import type { Credential } from '../../src/model/principal.ts'
import { type AppEnv, beginRequest } from '../../src/wire/context.ts'
import { credentialOfSecret } from '../../src/wire/credentials.ts'
import { asDomainError } from '../../src/wire/failures.ts'
import { studyOf } from '../../src/wire/studies.ts'
import { meteredBindings } from '../support/meters.ts'
import { aStudy } from '../support/world.ts'

/** What is answered to one who shows this. */
async function asked(credential: Credential, bindings: Env = env): Promise<string> {
  const app = new Hono<AppEnv>()
  app.use(beginRequest)
  app.get('/', async (c) => {
    c.set('credential', credential)
    return c.text(await studyOf(c))
  })
  app.onError((failure, c) => c.text(asDomainError(failure).code))
  return (await app.request('/', {}, bindings, createExecutionContext())).text()
}
const inStudy = (studyNumber: number): Credential => ({ kind: 'session', studyNumber, hash: '00' })

test('a key and a session tell which study they are of', async () => {
  const { id, admin } = await aStudy()
  const credential = await credentialOfSecret(admin.key ?? '')
  if (credential.kind !== 'key') throw new Error('A key is shown by its text.')
  expect(await asked(credential)).toBe(id)
  expect(await asked(inStudy(credential.studyNumber))).toBe(id)
})

test('a study is looked up once, and one that is not there every time', async () => {
  const { id, admin } = await aStudy()
  const credential = await credentialOfSecret(admin.key ?? '')
  const { bindings, cost } = meteredBindings()
  const here = { ...env, ...bindings }
  expect([await asked(credential, here), cost.trips]).toEqual([id, 1])
  expect([await asked(credential, here), cost.trips]).toEqual([id, 1])
  expect([await asked(inStudy(65_535), here), cost.trips]).toEqual(['unauthenticated', 2])
  expect([await asked(inStudy(65_535), here), cost.trips]).toEqual(['unauthenticated', 3])
})

test.each<Credential>([
  { kind: 'anonymous' },
  { kind: 'operator' },
  { kind: 'jwt', issuer: 'i', subject: 's', studies: undefined, claimed: undefined },
])('a credential of kind $kind is of no study', async (credential) => {
  expect(await asked(credential)).toBe('unauthenticated')
})
