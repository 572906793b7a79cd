import { expect, test } from 'vitest'
import { type Facts, permits, rules } from '../../src/domain/policy.ts'
import type { Rule } from '../../src/model/rules.ts'
import { ada, theParticipant } from '../support/principals.ts'

// What is done by each rule, besides who may: a write ends with a participant's being active, a change is not for who may
// only read. `policy.test.ts` has who.

/** Nothing of a withdrawn participant's is written by these, whoever asks. */
const WRITES = `
  createFile editFile reviewVersion continueUpload deleteFile setVisibility shareFile publish
  putDocument deleteDocument
  addReportEntry deleteReport changeReport deleteReportName
`
/** These change other things than a participant's data, or make it go: also of one who has withdrawn. */
const CHANGES = `
  issueLink manageDocumentSchemas changeStudy setQuotas manageHosts moveStudy
  eraseParticipant eraseStudy replayErasures manageParticipants withdraw
  manageMembers issueKey issueEnrolmentCode manageKeys manageDownloadKeys actFor admitApplication
`
const named = (names: string) => new Set(names.trim().split(/\s+/))
const [writes, changes] = [named(WRITES), named(CHANGES)]

test('each rule is for reading, for writing, or for what is changed besides', () => {
  const kinds = Object.entries<Rule>(rules).map(([name, rule]) => [name, rule.writes, rule.changes])
  expect(kinds).toEqual(
    Object.keys(rules).map((name) => [name, writes.has(name), writes.has(name) || changes.has(name)]),
  )
  expect([...writes, ...changes].filter((name) => !(name in rules))).toEqual([])
})

test('whoever has withdrawn writes nothing of their own, and who may only read changes nothing', () => {
  const own: Facts = { owner: ada, visibility: 'private', createdBy: null, granted: null, source: null }
  for (const [name, rule] of Object.entries<Rule>(rules)) {
    const may = permits(rule, theParticipant(ada), own)
    const withdrawn = permits(rule, theParticipant(ada, 'withdrawn'), own)
    const reading = permits(rule, theParticipant(ada, 'active', true), own)
    expect([name, withdrawn, reading]).toEqual([
      name,
      may && !writes.has(name),
      may && !writes.has(name) && !changes.has(name),
    ])
  }
})
