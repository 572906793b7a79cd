import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { bearerOf, credentialOfSecret, credentialOfToken } from '../../src/wire/credentials.ts'
import { DomainError } from '../../src/model/errors.ts'
import { aToken } from '../support/tokens.ts'

const NOW = new Date()
const KEY = `crl_7_${'A'.repeat(43)}`
const SESSION = `crs_7_${'A'.repeat(43)}`
const RENEWAL = `crn_7_${'A'.repeat(43)}`

test('a bearer is told by its token, in any case of the word', () => {
  expect(bearerOf('Bearer abc')).toBe('abc')
  expect(bearerOf('bearer  abc ')).toBe('abc')
  for (const header of ['', 'Bearer', 'Bearer a b', 'Basic abc', 'abc']) expect(bearerOf(header)).toBeUndefined()
})

test('a key and a session are told apart, whatever they open', async () => {
  expect(await credentialOfSecret(KEY)).toMatchObject({ kind: 'key', studyNumber: 7 })
  expect(await credentialOfSecret(SESSION)).toMatchObject({ kind: 'session', studyNumber: 7 })
})

test.each([RENEWAL, '', 'garbage', env.OPERATOR_KEY, `${SESSION}x`])(
  'nothing else does for a session',
  async (text) => {
    await expect(credentialOfSecret(text)).rejects.toThrow(DomainError)
  },
)

test('a token is a key, a JWT or the operator’s, and never a session', async () => {
  expect(await credentialOfToken(KEY, env, NOW)).toMatchObject({ kind: 'key', studyNumber: 7 })
  expect(await credentialOfToken(await aToken('ada'), env, NOW)).toMatchObject({ kind: 'jwt', subject: 'ada' })
  expect(await credentialOfToken(env.OPERATOR_KEY, env, NOW)).toEqual({ kind: 'operator' })
  for (const text of [SESSION, RENEWAL, 'garbage', `${await aToken('ada')}x`]) {
    await expect(credentialOfToken(text, env, NOW), text).rejects.toThrow(DomainError)
  }
})
