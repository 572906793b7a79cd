import { expect, test } from 'vitest'
import {
  denial,
  type Facts,
  requirePermission,
  requireVisible,
  rules,
  uploadDenial,
  whyRefused,
  whyTied,
} from '../../src/domain/policy.ts'
import { fileNotFound } from '../../src/model/errors.ts'
import { ada, aTeamMember, bob, nobody, theParticipant } from '../support/principals.ts'

// How each is told no: strangers learn nothing, the anonymous are asked in, and who sees a thing is told what is the
// matter.

const anonymous = nobody('anonymous')
const stranger = nobody('stranger')
const staff = aTeamMember('staff')
const gone = theParticipant(ada, 'withdrawn')
const reader = theParticipant(ada, 'active', true)
const own: Facts = { owner: ada, visibility: 'private', createdBy: null, granted: null, source: null }
const theirs: Facts = { ...own, owner: bob }

test('what is not there is denied by who asks', () => {
  expect([anonymous, stranger, staff, theParticipant(ada)].map((who) => denial(who, fileNotFound()).code)).toEqual([
    'unauthenticated',
    'study_not_found',
    'file_not_found',
    'file_not_found',
  ])
  for (const who of [anonymous, stranger, staff]) {
    expect(() => requireVisible(who, undefined)).toThrow(denial(who, fileNotFound()).message)
  }
})

test('who has withdrawn is told so by what writes, and who may only read by what changes', () => {
  const [write, change, read] = [rules.editFile, rules.issueLink, rules.fileContent]
  const told = [write, change, read].map((rule) => [gone, reader, staff].map((who) => whyTied(rule, who)?.code))
  expect(told).toEqual([
    ['participant_withdrawn', 'forbidden', undefined],
    [undefined, 'forbidden', undefined],
    [undefined, undefined, undefined],
  ])
  expect(whyTied(write, reader)?.message).toBe('This token may read, and write nothing.')
})

test('who sees a thing is told why they may not write to it, and nothing where they may', () => {
  const [rule, one] = [rules.editFile, theParticipant(ada)]
  const asked = [anonymous, one, staff, gone, reader] as const
  expect(asked.map((who) => whyRefused(rule, who, theirs)?.code)).toEqual([
    'unauthenticated',
    'forbidden',
    'forbidden',
    'participant_withdrawn',
    'forbidden',
  ])
  expect(whyRefused(rule, one, own)).toBeUndefined()
  expect(whyRefused(rule, gone, own)?.code).toBe('participant_withdrawn')
  expect(whyRefused(rules.fileContent, gone, own)).toBeUndefined()
})

test('an upload that is not to be gone on with is not there, unless who asks could go on with none', () => {
  const asked = [anonymous, stranger, staff, theParticipant(ada), gone, reader]
  expect(asked.map((who) => uploadDenial(who).code)).toEqual([
    'unauthenticated',
    'study_not_found',
    'upload_not_found',
    'upload_not_found',
    'participant_withdrawn',
    'forbidden',
  ])
})

test('what is about nothing in particular is forbidden to who is known', () => {
  const refusal = (who: Parameters<typeof requirePermission>[0]) => {
    try {
      requirePermission(who, rules.listParticipants)
      return undefined
    } catch (refused) {
      return refused
    }
  }
  const asked = [anonymous, stranger, theParticipant(ada), staff]
  expect(asked.map((who) => refusal(who))).toEqual([
    expect.objectContaining({ code: 'unauthenticated' }),
    expect.objectContaining({ code: 'study_not_found' }),
    expect.objectContaining({ code: 'forbidden' }),
    undefined,
  ])
})
