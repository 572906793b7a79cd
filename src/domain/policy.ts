import type { File, GrantLevel, Owner, Visibility } from '../model/entities.ts'
import {
  type DomainError,
  fileNotFound,
  forbidden,
  participantWithdrawn,
  studyNotFound,
  unauthenticated,
  uploadNotFound,
} from '../model/errors.ts'
import type { Actor, Principal } from '../model/principal.ts'
import type { Condition, Rule } from '../model/rules.ts'

// The table of who may do what; nothing else decides access. Storage turns the same rules into SQL, so that a write is
// conditional on them in the statement that writes.

const reads = (who: Rule['who']): Rule => ({ writes: false, changes: false, who })
const writes = (who: Rule['who']): Rule => ({ writes: true, changes: true, who })
/** What is done to other things than a participant's data, or to data that is to go: also by one who has withdrawn. */
const changes = (who: Rule['who']): Rule => ({ writes: false, changes: true, who })

export const rules = {
  fileMetadata: reads({
    anonymous: ['public'],
    participant: ['own', 'public', 'granted'],
    staff: ['notPrivate', 'granted'],
    worker: ['notPrivate', 'granted'],
    admin: ['any'],
    download: ['notPrivate'],
  }),
  fileContent: reads({
    anonymous: ['public'],
    participant: ['own', 'public', 'grantedContent'],
    staff: ['notPrivate', 'grantedContent'],
    worker: ['notPrivate', 'grantedContent'],
    admin: ['notPrivate', 'grantedContent'],
    download: ['notPrivate'],
  }),
  /** Each condition is a range of the listing. Public files of others are on no list. */
  listFiles: reads({
    participant: ['own', 'granted'],
    staff: ['notPrivate', 'granted'],
    worker: ['notPrivate', 'granted'],
    admin: ['any'],
  }),
  /** What a project's software is told of a member's files: what it may read the content of. */
  listMemberFiles: reads({ participant: ['own'], worker: ['notPrivate'], admin: ['notPrivate'] }),

  createFile: writes({ participant: ['own'], staff: ['studyOwned'], worker: ['any'], admin: ['any'] }),
  editFile: writes({ participant: ['own'], staff: ['studyOwned'], worker: ['notPrivate'], admin: ['notPrivate'] }),
  /** What the team thinks of a version. */
  reviewVersion: writes({ admin: ['notPrivate'] }),
  /** Whoever may replace a file may go on with any upload to it, and who began an upload with that one. */
  continueUpload: writes({
    participant: ['own'],
    staff: ['createdByCaller', 'studyOwned'],
    worker: ['createdByCaller', 'notPrivate'],
    admin: ['createdByCaller', 'notPrivate'],
    system: ['any'],
  }),
  deleteFile: writes({ participant: ['own'], worker: ['notPrivate'], admin: ['any'] }),
  setVisibility: writes({ participant: ['own'], admin: ['notPrivate'] }),
  /** To see, make and revoke grants. */
  shareFile: writes({ participant: ['own'], admin: ['notPrivate'] }),
  readGrants: reads({ participant: ['own'], admin: ['notPrivate'] }),
  /** To begin a file that everyone may see, in a study that allows it. */
  publish: writes({ participant: ['own'], admin: ['any'] }),
  issueLink: changes({ participant: ['own'], staff: ['notPrivate'], worker: ['notPrivate'], admin: ['notPrivate'] }),

  readDocument: reads({ participant: ['own'], worker: ['any'], admin: ['any'] }),
  putDocument: writes({ participant: ['own'], worker: ['any'], admin: ['any'] }),
  deleteDocument: writes({ participant: ['own'], admin: ['any'] }),
  readDocumentSchema: reads({ participant: ['any'], staff: ['any'], worker: ['any'], admin: ['any'] }),
  manageDocumentSchemas: changes({ admin: ['any'] }),

  readReport: reads({
    anonymous: ['public'],
    participant: ['own', 'public', 'opened'],
    staff: ['any'],
    worker: ['any'],
    admin: ['any'],
  }),
  /** Anyone may read a public report by its name; the names are told to those who have a place in the study. */
  listReports: reads({ participant: ['own', 'public', 'opened'], staff: ['any'], worker: ['any'], admin: ['any'] }),
  addReportEntry: writes({ participant: ['own'], staff: ['any'], worker: ['any'], admin: ['any'] }),
  deleteReport: writes({ participant: ['own'], worker: ['any'], admin: ['any'] }),
  changeReport: writes({ admin: ['any'] }),
  /** What participants call their reports: to each of them, what they call their own. */
  readReportName: reads({ participant: ['own'], staff: ['any'], worker: ['any'], admin: ['any'] }),
  deleteReportName: writes({ admin: ['any'] }),

  readStudy: reads({ operator: ['any'], admin: ['any'], worker: ['any'], staff: ['any'] }),
  changeStudy: changes({ operator: ['any'], admin: ['any'] }),
  /** What the study may hold: bytes, files, documents. */
  setQuotas: changes({ operator: ['any'] }),
  /** Which host name is whose: no study can take one that is another's. */
  manageHosts: changes({ operator: ['any'] }),
  moveStudy: changes({ operator: ['any'] }),
  readParticipant: reads({ participant: ['own'], staff: ['any'], worker: ['any'], admin: ['any'] }),
  exportParticipant: reads({ participant: ['own'], admin: ['any'] }),
  /** What there is to read in the whole study, as far as the other rules show it. */
  readManifest: reads({ staff: ['any'], worker: ['any'], admin: ['any'] }),
  eraseParticipant: changes({ participant: ['own'], admin: ['any'] }),
  readErasure: reads({ operator: ['any'], participant: ['own'], admin: ['any'] }),
  eraseStudy: changes({ operator: ['any'] }),
  /** To begin anew what a receipt says was begun, of anybody and of any study. */
  replayErasures: changes({ operator: ['any'] }),
  /** What of a participant's is on record: their own, or any for an admin. */
  readParticipantAudit: reads({ participant: ['own'], admin: ['any'] }),
  readAudit: reads({ admin: ['any'] }),
  listParticipants: reads({ staff: ['any'], worker: ['any'], admin: ['any'] }),
  manageParticipants: changes({ admin: ['any'] }),
  /** To leave the study, or to be put out of it: nothing of theirs is written from then on. */
  withdraw: changes({ participant: ['own'], admin: ['any'] }),
  manageMembers: changes({ admin: ['any'] }),
  issueKey: changes({ operator: ['any'], admin: ['any'] }),
  issueEnrolmentCode: changes({ worker: ['any'], admin: ['any'] }),
  manageKeys: changes({ admin: ['any'] }),
  /** Keys of role `download`, of a study or, which only the operator is anybody for, of all. */
  manageDownloadKeys: changes({ operator: ['any'], admin: ['any'] }),
  /** To have what has arrived completed, where a protocol has no call that says so. It tells nothing. */
  settleArrived: reads({ participant: ['own'], staff: ['any'], worker: ['any'], admin: ['any'] }),
  /** To be given a session that acts for a participant: who may issue one a key, or a code for one, may. */
  actFor: changes({ worker: ['any'], admin: ['any'] }),
  /** To have a session made that is limited to one's own files of a source. */
  admitApplication: changes({ participant: ['own'] }),
  /** Carrel's own housekeeping. */
  sweep: reads({ system: ['any'] }),
} as const satisfies Record<string, Rule>

/** What a rule is asked about. */
export type Facts = Readonly<{
  owner: Owner
  /** `participants`: of a report of the study's that was opened to them. */
  visibility: Visibility | 'participants'
  createdBy: Actor | null
  /** How it is shared with the principal, by a grant that still stands. */
  granted: GrantLevel | null
  /** Of a file; null where it says none, and of what is no file. */
  source: string | null
}>

/** The study's own, as far as rules are concerned: what is no file. */
const STUDY_ITSELF: Facts = { owner: null, visibility: 'study', createdBy: null, granted: null, source: null }

/** What is no file and belongs to a participant, or (null) to the study. */
export const factsOf = (owner: Owner): Facts => ({ ...STUDY_ITSELF, owner, visibility: 'private' })

function holds(condition: Condition, principal: Principal, facts: Facts): boolean {
  switch (condition) {
    case 'any':
      return true
    case 'own':
      return principal.role === 'participant' && principal.participant === facts.owner
    case 'studyOwned':
      return facts.owner === null
    case 'participantOwned':
      return facts.owner !== null
    case 'notPrivate':
      return facts.visibility !== 'private'
    case 'public':
      return facts.visibility === 'public'
    case 'opened':
      return facts.visibility === 'participants'
    case 'createdByCaller':
      return facts.createdBy === principal.actor
    case 'granted':
      return facts.granted !== null
    case 'grantedContent':
      return facts.granted === 'content'
    default:
      return condition satisfies never
  }
}

/** The conditions of which one must hold for this principal. */
export function filterFor(principal: Principal, rule: Rule): readonly Condition[] {
  const { role } = principal
  return rule.who[role === 'stranger' ? 'anonymous' : role] ?? []
}

const isWithdrawn = (principal: Principal) => principal.role === 'participant' && principal.status === 'withdrawn'
/** Whoever acts for an application has to do with the participant's own files of its source, and with nothing else. */
const isWithinReach = (principal: Principal, { owner, source }: Facts) =>
  principal.role !== 'participant' ||
  principal.source === null ||
  (principal.source === source && principal.participant === owner)
const isReadOnly = (principal: Principal) => principal.role === 'participant' && principal.readOnly

/** Whether a rule lets the principal through. That the owner is still active is storage's part of a rule that writes. */
export const permits = (rule: Rule, principal: Principal, facts: Facts = STUDY_ITSELF): boolean =>
  !(rule.writes && isWithdrawn(principal)) &&
  !(rule.changes && isReadOnly(principal)) &&
  isWithinReach(principal, facts) &&
  filterFor(principal, rule).some((condition) => holds(condition, principal, facts))

/** How much of a file a principal may see. */
export function accessTo(file: Facts, principal: Principal): 'none' | 'metadata' | 'content' {
  if (permits(rules.fileContent, principal, file)) return 'content'
  return permits(rules.fileMetadata, principal, file) ? 'metadata' : 'none'
}

/** How a thing that is not there, or not to be seen, is denied: strangers learn nothing, the anonymous are asked in. */
export function denial(principal: Principal, notFound: DomainError): DomainError {
  if (principal.role === 'anonymous') return unauthenticated()
  return principal.role === 'stranger' ? studyNotFound() : notFound
}

/** Why what a rule is about may not be done by a principal, whatever it is done to: who has withdrawn, or may only read. */
export function whyTied(rule: Rule, principal: Principal): DomainError | undefined {
  if (rule.writes && isWithdrawn(principal)) return participantWithdrawn()
  return rule.changes && isReadOnly(principal) ? forbidden('This token may read, and write nothing.') : undefined
}

/** How an upload that is not there, or not to be gone on with, is denied. */
export const uploadDenial = (principal: Principal): DomainError =>
  whyTied(rules.continueUpload, principal) ?? denial(principal, uploadNotFound())

/** @throws DomainError where a rule that is about no file does not let the principal through */
export function requirePermission(principal: Principal, rule: Rule): void {
  if (!permits(rule, principal)) throw denial(principal, forbidden())
}

/** @throws DomainError `file_not_found` where there is no file, or none that the principal may see */
export function requireVisible(principal: Principal, file: File | undefined): File {
  if (file === undefined || accessTo(file, principal) === 'none') throw denial(principal, fileNotFound())
  return file
}

/** Why a rule did not let a principal write to what it can see. */
export function whyRefused(rule: Rule, principal: Principal, facts: Facts): DomainError | undefined {
  const tied = whyTied(rule, principal)
  if (tied !== undefined || permits(rule, principal, facts)) return tied
  return principal.role === 'anonymous' ? unauthenticated() : forbidden()
}

/** Whether what a principal says of a file leaves it within its reach. */
export const keepsSource = (principal: Principal, { source }: { source?: string | null | undefined }): boolean =>
  principal.role !== 'participant' || principal.source === null || source === undefined || source === principal.source
