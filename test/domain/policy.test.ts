import { describe, expect, test } from 'vitest'
import { accessTo, type Facts, permits, rules } from '../../src/domain/policy.ts'
import type { Owner } from '../../src/model/entities.ts'
import type { Rule } from '../../src/model/rules.ts'
import { actor, ada, aTeamMember, bob, nobody, principals, theParticipant } from '../support/principals.ts'

// The table of design section 4. A cell names the visibilities at which a role may: P private, S study, O open to all
// (`public`); `-` at none. Whose the thing is comes second: the asking participant's own, another's, the study's, which
// is never private.
const TABLE = `
  rule                  whose    anonymous  participant  staff  worker  admin  download  operator  system
  fileMetadata          own      -          PSO          -      -       -      -         -         -
  fileMetadata          other's  O          O            SO     SO      PSO    SO        -         -
  fileMetadata          study's  O          O            SO     SO      SO     SO        -         -
  fileContent           own      -          PSO          -      -       -      -         -         -
  fileContent           other's  O          O            SO     SO      SO     SO        -         -
  fileContent           study's  O          O            SO     SO      SO     SO        -         -
  listFiles             own      -          PSO          -      -       -      -         -         -
  listFiles             other's  -          -            SO     SO      PSO    -         -         -
  listFiles             study's  -          -            SO     SO      SO     -         -         -
  createFile            own      -          PSO          -      -       -      -         -         -
  createFile            other's  -          -            -      PSO     PSO    -         -         -
  createFile            study's  -          -            SO     SO      SO     -         -         -
  editFile              own      -          PSO          -      -       -      -         -         -
  editFile              other's  -          -            -      SO      SO     -         -         -
  editFile              study's  -          -            SO     SO      SO     -         -         -
  continueUpload        own      -          PSO          -      -       -      -         -         -
  continueUpload        other's  -          -            -      SO      SO     -         -         PSO
  continueUpload        study's  -          -            SO     SO      SO     -         -         SO
  deleteFile            own      -          PSO          -      -       -      -         -         -
  deleteFile            other's  -          -            -      SO      PSO    -         -         -
  deleteFile            study's  -          -            -      SO      SO     -         -         -
  setVisibility         own      -          PSO          -      -       -      -         -         -
  setVisibility         other's  -          -            -      -       SO     -         -         -
  setVisibility         study's  -          -            -      -       SO     -         -         -
  publish               own      -          PSO          -      -       -      -         -         -
  publish               other's  -          -            -      -       PSO    -         -         -
  publish               study's  -          -            -      -       SO     -         -         -
  issueLink             own      -          PSO          -      -       -      -         -         -
  issueLink             other's  -          -            SO     SO      SO     -         -         -
  issueLink             study's  -          -            SO     SO      SO     -         -         -

  readDocument          own      -          PSO          -      -       -      -         -         -
  readDocument          other's  -          -            -      PSO     PSO    -         -         -
  putDocument           own      -          PSO          -      -       -      -         -         -
  putDocument           other's  -          -            -      PSO     PSO    -         -         -
  deleteDocument        own      -          PSO          -      -       -      -         -         -
  deleteDocument        other's  -          -            -      -       PSO    -         -         -
  readParticipant       own      -          PSO          -      -       -      -         -         -
  readParticipant       other's  -          -            PSO    PSO     PSO    -         -         -
  listParticipants      other's  -          -            PSO    PSO     PSO    -         -         -
  manageParticipants    other's  -          -            -      -       PSO    -         -         -

  readStudy             study's  -          -            SO     SO      SO     -         SO        -
  changeStudy           study's  -          -            -      -       SO     -         SO        -
  readDocumentSchema    study's  -          SO           SO     SO      SO     -         -         -
  manageDocumentSchemas study's  -          -            -      -       SO     -         -         -
  manageMembers         study's  -          -            -      -       SO     -         -         -
  issueKey              study's  -          -            -      -       SO     -         SO        -
  manageKeys            study's  -          -            -      -       SO     -         -         -
  sweep                 study's  -          -            -      -       -      -         -         SO
`

const OWNERS: Record<string, Owner> = { own: ada, "other's": bob, "study's": null }
const LETTERS = { P: 'private', S: 'study', O: 'public' } as const
const ruleOf = (name: string): Rule | undefined => Object.entries<Rule>(rules).find(([each]) => each === name)?.[1]

const [header = [], ...rows] = TABLE.trim()
  .split('\n')
  .map((line) => line.trim().split(/\s+/))
  .filter((cells) => cells.length > 1)
const cellsOf = ([rule = '', whose = '', ...cells]: string[]) =>
  cells.map((cell, index) => ({ rule, whose, role: header[index + 2] ?? '', cell }))

describe('the policy', () => {
  test.each(rows)('lets %s of %s: anonymous %s, participant %s, staff %s, worker %s, admin %s …', (...row) => {
    for (const { rule: name, whose, role, cell } of cellsOf(row)) {
      const rule = ruleOf(name)
      const principal = principals[role]
      const owner = OWNERS[whose]
      if (rule === undefined || principal === undefined || owner === undefined) throw new Error(`no ${name} by ${role}`)
      // The team has nothing of its own: that is what the rows of others' and the study's say.
      if (whose === 'own' && role !== 'participant') continue
      const letters = Object.entries(LETTERS).filter(([letter]) => !(owner === null && letter === 'P'))
      const may = letters.filter(([, visibility]) => permits(rule, principal, { owner, visibility, createdBy: null }))
      expect([name, whose, role, may.map(([letter]) => letter).join('') || '-']).toEqual([name, whose, role, cell])
    }
  })

  test('says of every rule about files, documents and keys what it lets', () => {
    const told = new Set(rows.map(([rule]) => rule))
    const elsewhere = ['Report', 'EnrolmentCode', 'exportParticipant']
    const untold = Object.keys(rules).filter(
      (rule) => !told.has(rule) && !elsewhere.some((each) => rule.includes(each)),
    )
    expect(untold).toEqual([])
  })

  test('takes a stranger for anonymous', () => {
    for (const rule of Object.values<Rule>(rules)) {
      for (const visibility of Object.values(LETTERS)) {
        const facts: Facts = { owner: ada, visibility, createdBy: null }
        expect(permits(rule, nobody('stranger'), facts)).toBe(permits(rule, nobody('anonymous'), facts))
      }
    }
  })

  test('lets a withdrawn participant read what is theirs, and write nothing', () => {
    for (const [name, rule] of Object.entries<Rule>(rules)) {
      const facts: Facts = { owner: ada, visibility: 'study', createdBy: null }
      const may = permits(rule, theParticipant(ada, 'withdrawn'), facts)
      expect([name, may]).toEqual([name, !rule.writes && permits(rule, theParticipant(ada), facts)])
    }
    expect(
      permits(rules.fileContent, theParticipant(ada, 'withdrawn'), {
        owner: ada,
        visibility: 'private',
        createdBy: null,
      }),
    ).toBe(true)
  })

  test('lets whoever began an upload go on with it', () => {
    for (const role of ['staff', 'worker', 'admin'] as const) {
      const caller = aTeamMember(role)
      const facts: Facts = { owner: bob, visibility: 'private', createdBy: caller.actor }
      expect(permits(rules.continueUpload, caller, facts)).toBe(true)
      expect(permits(rules.continueUpload, caller, { ...facts, createdBy: actor('key:another') })).toBe(false)
      expect(permits(rules.fileContent, caller, facts)).toBe(false)
    }
  })

  test('tells whoever may read content from whoever may only know of it', () => {
    const secret: Facts = { owner: bob, visibility: 'private', createdBy: null }
    expect(accessTo(secret, aTeamMember('admin'))).toBe('metadata')
    expect(accessTo(secret, aTeamMember('worker'))).toBe('none')
    expect(accessTo({ ...secret, visibility: 'study' }, aTeamMember('admin'))).toBe('content')
    expect(accessTo({ ...secret, visibility: 'study' }, theParticipant(ada))).toBe('none')
  })
})
