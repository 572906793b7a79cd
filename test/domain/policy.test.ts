import { describe, expect, test } from 'vitest'
import { accessTo, type Facts, factsOf, keepsSource, permits, rules } from '../../src/domain/policy.ts'
import type { GrantLevel, Owner } from '../../src/model/entities.ts'
import type { Rule } from '../../src/model/rules.ts'
import {
  actor,
  ada,
  anApplication,
  aTeamMember,
  bob,
  nobody,
  principals,
  theParticipant,
} from '../support/principals.ts'

// The table of design section 4. A cell names the visibilities at which a role may: P private, S study, O open to all
// (`public`); `-` at none. Whose the thing is comes second: the asking participant's own, another's, the study's, which
// is never private, or another's that is shared with whoever asks: `told` its metadata, `shown` its content.
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
  listMemberFiles       own      -          PSO          -      -       -      -         -         -
  listMemberFiles       other's  -          -            -      SO      SO     -         -         -
  listMemberFiles       study's  -          -            -      SO      SO     -         -         -
  createFile            own      -          PSO          -      -       -      -         -         -
  createFile            other's  -          -            -      PSO     PSO    -         -         -
  createFile            study's  -          -            SO     SO      SO     -         -         -
  editFile              own      -          PSO          -      -       -      -         -         -
  editFile              other's  -          -            -      SO      SO     -         -         -
  editFile              study's  -          -            SO     SO      SO     -         -         -
  reviewVersion         own      -          -            -      -       -      -         -         -
  reviewVersion         other's  -          -            -      -       SO     -         -         -
  reviewVersion         study's  -          -            -      -       SO     -         -         -
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
  shareFile             own      -          PSO          -      -       -      -         -         -
  shareFile             other's  -          -            -      -       SO     -         -         -
  shareFile             study's  -          -            -      -       SO     -         -         -
  readGrants            own      -          PSO          -      -       -      -         -         -
  readGrants            other's  -          -            -      -       SO     -         -         -
  readGrants            study's  -          -            -      -       SO     -         -         -

  fileMetadata          told     O          PSO          PSO    PSO     PSO    SO        -         -
  fileMetadata          shown    O          PSO          PSO    PSO     PSO    SO        -         -
  fileContent           told     O          O            SO     SO      SO     SO        -         -
  fileContent           shown    O          PSO          PSO    PSO     PSO    SO        -         -
  listFiles             told     -          PSO          PSO    PSO     PSO    -         -         -
  listFiles             shown    -          PSO          PSO    PSO     PSO    -         -         -
  editFile              shown    -          -            -      SO      SO     -         -         -
  continueUpload        shown    -          -            -      SO      SO     -         -         PSO
  deleteFile            shown    -          -            -      SO      PSO    -         -         -
  setVisibility         shown    -          -            -      -       SO     -         -         -
  issueLink             shown    -          -            SO     SO      SO     -         -         -
  shareFile             shown    -          -            -      -       SO     -         -         -
  readGrants            shown    -          -            -      -       SO     -         -         -

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
  withdraw              own      -          PSO          -      -       -      -         -         -
  withdraw              other's  -          -            -      -       PSO    -         -         -

  readReport            own      -          PSO          -      -       -      -         -         -
  readReport            other's  O          O            PSO    PSO     PSO    -         -         -
  readReport            study's  O          O            SO     SO      SO     -         -         -
  listReports           own      -          PSO          -      -       -      -         -         -
  listReports           other's  -          O            PSO    PSO     PSO    -         -         -
  listReports           study's  -          O            SO     SO      SO     -         -         -
  addReportEntry        own      -          PSO          -      -       -      -         -         -
  addReportEntry        other's  -          -            PSO    PSO     PSO    -         -         -
  addReportEntry        study's  -          -            SO     SO      SO     -         -         -
  deleteReport          own      -          PSO          -      -       -      -         -         -
  deleteReport          other's  -          -            -      PSO     PSO    -         -         -
  deleteReport          study's  -          -            -      SO      SO     -         -         -
  changeReport          own      -          -            -      -       -      -         -         -
  changeReport          other's  -          -            -      -       PSO    -         -         -
  changeReport          study's  -          -            -      -       SO     -         -         -
  readReportName        own      -          PSO          -      -       -      -         -         -
  readReportName        other's  -          -            PSO    PSO     PSO    -         -         -
  readReportName        study's  -          -            SO     SO      SO     -         -         -
  deleteReportName      study's  -          -            -      -       SO     -         -         -
  issueEnrolmentCode    other's  -          -            -      PSO     PSO    -         -         -
  settleArrived         own      -          PSO          -      -       -      -         -         -
  settleArrived         other's  -          -            PSO    PSO     PSO    -         -         -
  settleArrived         study's  -          -            SO     SO      SO     -         -         -
  actFor                other's  -          -            -      PSO     PSO    -         -         -
  admitApplication      own      -          PSO          -      -       -      -         -         -
  admitApplication      other's  -          -            -      -       -      -         -         -
  exportParticipant     own      -          PSO          -      -       -      -         -         -
  exportParticipant     other's  -          -            -      -       PSO    -         -         -
  eraseParticipant      own      -          PSO          -      -       -      -         -         -
  eraseParticipant      other's  -          -            -      -       PSO    -         -         -
  readParticipantAudit  own      -          PSO          -      -       -      -         -         -
  readParticipantAudit  other's  -          -            -      -       PSO    -         -         -
  readErasure           own      -          PSO          -      -       -      -         -         -
  readErasure           other's  -          -            -      -       PSO    -         PSO       -
  eraseStudy            study's  -          -            -      -       -      -         SO        -
  replayErasures        other's  -          -            -      -       -      -         PSO       -
  replayErasures        study's  -          -            -      -       -      -         SO        -
  readAudit             study's  -          -            -      -       SO     -         -         -

  readStudy             study's  -          -            SO     SO      SO     -         SO        -
  changeStudy           study's  -          -            -      -       SO     -         SO        -
  readManifest          study's  -          -            SO     SO      SO     -         -         -
  setQuotas             study's  -          -            -      -       -      -         SO        -
  manageHosts           study's  -          -            -      -       -      -         SO        -
  moveStudy             study's  -          -            -      -       -      -         SO        -
  readDocumentSchema    study's  -          SO           SO     SO      SO     -         -         -
  manageDocumentSchemas study's  -          -            -      -       SO     -         -         -
  manageMembers         study's  -          -            -      -       SO     -         -         -
  issueKey              study's  -          -            -      -       SO     -         SO        -
  manageKeys            study's  -          -            -      -       SO     -         -         -
  manageDownloadKeys    study's  -          -            -      -       SO     -         SO        -
  sweep                 study's  -          -            -      -       -      -         -         SO
`

const WHOSE: Record<string, { owner: Owner; granted: GrantLevel | null }> = {
  own: { owner: ada, granted: null },
  "other's": { owner: bob, granted: null },
  "study's": { owner: null, granted: null },
  told: { owner: bob, granted: 'metadata' },
  shown: { owner: bob, granted: 'content' },
}
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
      const thing = WHOSE[whose]
      if (rule === undefined || principal === undefined || thing === undefined) throw new Error(`no ${name} by ${role}`)
      // The team has nothing of its own: that is what the rows of others' and the study's say.
      if (whose === 'own' && role !== 'participant') continue
      const letters = Object.entries(LETTERS).filter(([letter]) => !(thing.owner === null && letter === 'P'))
      const may = letters.filter(([, visibility]) =>
        permits(rule, principal, { ...thing, visibility, createdBy: null, source: null }),
      )
      expect([name, whose, role, may.map(([letter]) => letter).join('') || '-']).toEqual([name, whose, role, cell])
    }
  })

  test('says of every rule what it lets', () => {
    const told = new Set(rows.map(([rule]) => rule))
    const untold = Object.keys(rules).filter((rule) => !told.has(rule))
    expect(untold).toEqual([])
  })

  test('lets an application do with their own files of its source what the participant may, and nothing else', () => {
    const things = Object.values(WHOSE).flatMap((thing) =>
      Object.values(LETTERS).map((visibility) => ({ ...thing, visibility, createdBy: actor('participant:ada') })),
    )
    for (const [name, rule] of Object.entries<Rule>(rules)) {
      for (const status of ['active', 'withdrawn'] as const) {
        const application = anApplication(ada, 'notes', status)
        for (const thing of things) {
          const may = (source: string | null) => permits(rule, application, { ...thing, source })
          const mayThemselves =
            thing.owner === ada && permits(rule, theParticipant(ada, status), { ...thing, source: 'notes' })
          expect([name, may('notes'), may('Notes'), may('other'), may('')]).toEqual([
            name,
            mayThemselves,
            false,
            false,
            false,
          ])
          expect([name, may(null)]).toEqual([name, false])
        }
        // What is asked of no thing in particular is of no file.
        expect([name, permits(rule, application)]).toEqual([name, false])
        expect([name, permits(rule, application, factsOf(ada))]).toEqual([name, false])
      }
    }
  })

  test('lets an application say no source of a file but its own', () => {
    const application = anApplication(ada, 'notes')
    const may = [{}, { source: undefined }, { source: 'notes' }, { source: 'other' }, { source: null }]
    expect(may.map((said) => keepsSource(application, said))).toEqual([true, true, true, false, false])
    expect(may.map((said) => keepsSource(theParticipant(ada), said))).toEqual([true, true, true, true, true])
    expect(keepsSource(aTeamMember('admin'), { source: 'other' })).toBe(true)
  })

  test('takes a stranger for anonymous', () => {
    for (const rule of Object.values<Rule>(rules)) {
      for (const visibility of Object.values(LETTERS)) {
        const facts: Facts = { owner: ada, visibility, createdBy: null, granted: null, source: null }
        expect(permits(rule, nobody('stranger'), facts)).toBe(permits(rule, nobody('anonymous'), facts))
      }
    }
  })

  test('lets a withdrawn participant read what is theirs, and write nothing', () => {
    for (const [name, rule] of Object.entries<Rule>(rules)) {
      const facts: Facts = { owner: ada, visibility: 'study', createdBy: null, granted: null, source: null }
      const may = permits(rule, theParticipant(ada, 'withdrawn'), facts)
      expect([name, may]).toEqual([name, !rule.writes && permits(rule, theParticipant(ada), facts)])
    }
    expect(
      permits(rules.fileContent, theParticipant(ada, 'withdrawn'), {
        owner: ada,
        visibility: 'private',
        createdBy: null,
        granted: null,
        source: null,
      }),
    ).toBe(true)
  })

  test('lets participants read a report of the study that was opened to them', () => {
    const opened: Facts = { owner: null, visibility: 'participants', createdBy: null, granted: null, source: null }
    for (const rule of [rules.readReport, rules.listReports]) {
      expect(permits(rule, theParticipant(ada), opened)).toBe(true)
      expect(permits(rule, theParticipant(ada, 'withdrawn'), opened)).toBe(true)
      expect(permits(rule, nobody('anonymous'), opened)).toBe(false)
      expect(permits(rule, aTeamMember('download'), opened)).toBe(false)
    }
    expect(permits(rules.addReportEntry, theParticipant(ada), opened)).toBe(false)
  })

  test('lets whoever began an upload go on with it', () => {
    for (const role of ['staff', 'worker', 'admin'] as const) {
      const caller = aTeamMember(role)
      const facts: Facts = { owner: bob, visibility: 'private', createdBy: caller.actor, granted: null, source: null }
      expect(permits(rules.continueUpload, caller, facts)).toBe(true)
      expect(permits(rules.continueUpload, caller, { ...facts, createdBy: actor('key:another') })).toBe(false)
      expect(permits(rules.fileContent, caller, facts)).toBe(false)
    }
  })

  test('tells whoever may read content from whoever may only know of it', () => {
    const secret: Facts = { owner: bob, visibility: 'private', createdBy: null, granted: null, source: null }
    expect(accessTo(secret, aTeamMember('admin'))).toBe('metadata')
    expect(accessTo(secret, aTeamMember('worker'))).toBe('none')
    expect(accessTo({ ...secret, visibility: 'study' }, aTeamMember('admin'))).toBe('content')
    expect(accessTo({ ...secret, visibility: 'study' }, theParticipant(ada))).toBe('none')
    for (const granted of ['metadata', 'content'] as const) {
      expect(accessTo({ ...secret, granted }, theParticipant(ada))).toBe(granted)
      expect(accessTo({ ...secret, granted }, theParticipant(ada, 'withdrawn'))).toBe(granted)
      expect(accessTo({ ...secret, granted }, aTeamMember('staff'))).toBe(granted)
    }
  })
})
