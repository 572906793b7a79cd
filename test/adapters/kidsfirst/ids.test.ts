import { expect, test } from 'vitest'
import { fileIdOf, numberOf, studyNumberOf, versionIdOf } from '../../../src/adapters/kidsfirst/ids.ts'
import { MAX_STUDY_NUMBER, NUMBERS_PER_STUDY } from '../../../src/model/ids.ts'

test.each([
  [0, '00000000'],
  [31, '0000000Z'],
  [32, '00000010'],
  // 18 and 20 are J and M: I and L are no digits, nor are O and U.
  [18 * 32 ** 3 + 20 * 32 ** 2 + 22 * 32 + 27, '0000JMPV'],
  [NUMBERS_PER_STUDY + 1, '000G0001'],
  [(MAX_STUDY_NUMBER + 1) * NUMBERS_PER_STUDY - 1, 'ZZZZZZZZ'],
])('the number %i has the digits %s, of a file and of a version, and they lead back to it', (number, digits) => {
  expect([fileIdOf(number), versionIdOf(number)]).toEqual([`SF_${digits}`, `FV_${digits}`])
  expect([numberOf(`SF_${digits}`, 'SF'), numberOf(`FV_${digits}`, 'FV')]).toEqual([number, number])
  expect(studyNumberOf(number)).toBe(Math.floor(number / NUMBERS_PER_STUDY))
})

test.each(['FV_00000001', 'SF_0000000I', 'SF_0000000L', 'SF_0000000O', 'SF_0000000U', 'SF_0000000z', 'sf_00000001'])(
  '%s is no file’s id',
  (text) => {
    expect(numberOf(text, 'SF')).toBeUndefined()
  },
)

test.each(['', 'SF_', 'SF_0000001', 'SF_000000001', ' SF_00000001', 'SF_00000001\n', '00000001'])(
  'nor is %j',
  (text) => {
    expect(numberOf(text, 'SF')).toBeUndefined()
  },
)
