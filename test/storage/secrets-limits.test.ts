import { describe, expect, test } from 'vitest'
import type { KeyId } from '../../src/model/ids.ts'
import { createTokenCodec, newEnrolmentCode, newRenewalSecret, parseSessionSecret } from '../../src/storage/secrets.ts'

// What secrets are not made of, and what is none.

const random = 'A'.repeat(43)

describe.each([
  ['s', 'access'],
  ['n', 'renewal'],
] as const)('what begins with cr%s is for %s', (letter, kind) => {
  test.each([1, 65_535])('of study %d', (studyNumber) => {
    expect(parseSessionSecret(`cr${letter}_${studyNumber}_${random}`)).toEqual({ kind, studyNumber })
  })

  test.each([
    '',
    random,
    `cr${letter}_0_${random}`,
    `cr${letter}_01_${random}`,
    `cr${letter}_65536_${random}`,
    `cr${letter}_100000_${random}`,
    `cr${letter}__${random}`,
    ` cr${letter}_1_${random}`,
    `cr${letter}_1_${random}\n`,
    `cr${letter}_1_${random}A`,
    `cr${letter}_1_${random.slice(1)}`,
    `crx_1_${random}`,
  ])('and is not %j', (text) => expect(parseSessionSecret(text)).toBeUndefined())
})

test.each([0, -1, 65_536, 1.5, Number.NaN])('no session, renewal or enrolment is of study %d', async (studyNumber) => {
  const codec = createTokenCodec([{ id: 1, secret: random }])
  for (const made of [
    newRenewalSecret(studyNumber),
    newEnrolmentCode(studyNumber),
    codec.sessionSecrets(studyNumber, 'ses_1'),
  ]) {
    await expect(made).rejects.toThrow('Not a study number')
  }
})

test('nothing is signed without a key', async () => {
  const none = createTokenCodec([])
  const issuer = 'key_01k9z3m8qe5w7v2n4h6j8k0r2t' as KeyId
  expect(() => none.fileKeys({ issuer, expiresAt: new Date(0) })).toThrow('There is no token key to sign with.')
  for (const signed of [none.issue(1), none.issueFileToken(1), none.fingerprints('POST /', new Uint8Array())]) {
    await expect(signed).rejects.toThrow('There is no token key to sign with.')
  }
})
