import { env } from 'cloudflare:workers'
import { filterFor, permits, rules } from '../../src/domain/policy.ts'
import type { ErrorCode } from '../../src/model/errors.ts'
import type { Principal } from '../../src/model/principal.ts'
import { type Kind, refusalBy, type Row, type Thing, unseenBy } from './matrix.ts'

// Every operation of the API, and what decides who may do it. One that is not here fails the matrix.

const isOwner = (principal: Principal, { facts }: Thing) =>
  principal.role === 'participant' && principal.participant === facts.owner

/** Outside of any study there is the operator, and nobody else with a place. */
const operators: Row['decide'] = ({ role }) => (role === 'operator' ? 'allowed' : 'forbidden')

const service: Record<string, Row> = {
  getHealth: { of: 'service', open: true },
  createStudy: { of: 'service', decide: operators },
  listStudies: { of: 'service', decide: operators },
  replayErasures: { of: 'service', decide: operators },
  claimDownload: { of: 'link', open: true, unseen: 'download_token_not_found', changes: true },
  confirmDownload: { of: 'link', open: true, unseen: 'download_token_not_found' },
  exchangeEnrolmentCode: {
    of: 'enrolment',
    open: true,
    unseen: 'enrolment_code_not_found',
    body: ({ names }) => ({ code: names['code'] }),
  },
}

/** Somebody of the study. */
const toGrantee = ({ names }: Thing) => ({ participant: names['principal']?.split(':')[1] })

const study: Record<string, Row> = {
  getStudy: { of: 'study', needs: ['readStudy'] },
  updateStudy: { of: 'study', needs: ['changeStudy'] },
  eraseStudy: { of: 'study', needs: ['eraseStudy'] },
  // To where it is already.
  moveStudy: { of: 'study', needs: ['moveStudy'], body: () => ({ database: env.SPLIT ? 1 : 0 }) },
  listErasures: { of: 'study', needs: ['readErasure'], absent: 'empty' },
  // Whoever has a receipt's id may read it, even with the key of somebody who is erased by now.
  getErasure: { of: 'erasure', open: true, unseen: 'erasure_not_found' },
  enrolParticipant: { of: 'study', needs: ['manageParticipants'] },
  listParticipants: { of: 'study', needs: ['listParticipants'] },
  addMember: { of: 'study', needs: ['manageMembers'] },
  listMembers: { of: 'study', needs: ['manageMembers'] },
  removeMember: { of: 'member', needs: ['manageMembers'], unseen: 'member_not_found' },
  issueKey: { of: 'study', needs: ['issueKey'], body: () => ({ role: 'admin', label: 'hush' }) },
  'issueKey of the staff': {
    of: 'study',
    // The operator makes a study's first key, and its admins all others.
    decide: ({ role }, { thing }) => (role === 'operator' && thing.isThere ? 'forbidden' : undefined),
    needs: ['issueKey'],
    body: () => ({ role: 'staff', label: 'hush' }),
  },
  listHosts: { of: 'study', needs: ['manageHosts'], absent: 'empty' },
  setHost: { of: 'study', needs: ['manageHosts'], body: toGrantee },
  removeHost: { of: 'study', needs: ['manageHosts'], absent: 'empty' },
  listKeys: { of: 'study', needs: ['manageKeys'] },
  listDocumentSchemas: { of: 'study', needs: ['readDocumentSchema'] },
  getDocumentSchema: { of: 'documentSchema', needs: ['readDocumentSchema'], unseen: 'document_schema_not_found' },
  putDocumentSchema: { of: 'documentSchema', needs: ['manageDocumentSchemas'], absent: 'made' },
  deleteDocumentSchema: {
    of: 'documentSchema',
    needs: ['manageDocumentSchemas'],
    unseen: 'document_schema_not_found',
  },
}

/** A key's holder may read it and end it, which no rule says. */
const holder: Row['decide'] = ({ through }, { thing }) =>
  through !== undefined && 'key' in through && through.key === thing.names['key'] ? 'allowed' : undefined

const keys: Record<string, Row> = {
  getKey: { of: 'key', decide: holder, needs: ['manageKeys'], unseen: 'key_not_found' },
  revokeKey: { of: 'key', decide: holder, needs: ['manageKeys'], unseen: 'key_not_found' },
  // Only the holder has a secret to rotate, whatever the role; who shows none is told so in any study.
  rotateKey: {
    of: 'key',
    decide: (principal, asked) =>
      asked.who.shows === 'a key'
        ? (holder(principal, asked) ?? unseenBy(principal, 'key_not_found'))
        : 'key_has_no_secret',
  },
}

const participant: Record<string, Row> = {
  eraseParticipant: {
    of: 'participant',
    sees: 'readParticipant',
    needs: ['eraseParticipant'],
    unseen: 'participant_not_found',
  },
  getParticipant: { of: 'participant', sees: 'readParticipant', unseen: 'participant_not_found' },
  updateParticipant: {
    of: 'participant',
    sees: 'readParticipant',
    needs: ['manageParticipants'],
    unseen: 'participant_not_found',
    body: () => ({ labels: ['hush'] }),
  },
  exportParticipant: { of: 'participant', sees: 'exportParticipant', unseen: 'participant_not_found' },
  issueEnrolmentCode: {
    of: 'participant',
    needs: ['issueEnrolmentCode'],
    unseen: 'participant_not_found',
    conflicts: ['participant_withdrawn'],
  },
  listEnrolmentCodes: { of: 'participant', needs: ['issueEnrolmentCode'], absent: 'empty' },
  revokeEnrolmentCode: { of: 'participant', needs: ['issueEnrolmentCode'], unseen: 'enrolment_code_not_found' },
  listParticipantAudit: { of: 'participant', sees: 'readParticipantAudit', unseen: 'participant_not_found' },
  listDocuments: { of: 'participant', sees: 'readDocument', unseen: 'participant_not_found', absent: 'empty' },
  listParticipantReports: { of: 'participant', sees: 'listReports', unseen: 'participant_not_found', absent: 'empty' },
}

const documents: Record<string, Row> = {
  getDocument: { of: 'document', sees: 'readDocument', unseen: 'document_not_found' },
  putDocument: {
    of: 'document',
    sees: 'readDocument',
    needs: ['putDocument'],
    unseen: 'participant_not_found',
    absent: 'made',
  },
  patchDocument: { of: 'document', sees: 'readDocument', needs: ['putDocument'], unseen: 'document_not_found' },
  deleteDocument: { of: 'document', sees: 'readDocument', needs: ['deleteDocument'], unseen: 'document_not_found' },
}

const readFile = { sees: 'fileMetadata', unseen: 'file_not_found' } as const
const files: Record<string, Row> = {
  getFile: { of: 'file', ...readFile },
  updateFile: { of: 'file', ...readFile, needs: ['editFile'], body: () => ({ title: 'hush hush' }) },
  'updateFile to another visibility': {
    of: 'file',
    ...readFile,
    needs: ['editFile', 'setVisibility'],
    body: () => ({ visibility: 'study' }),
  },
  deleteFile: { of: 'file', ...readFile, needs: ['deleteFile'] },
  listVersions: { of: 'file', ...readFile },
  getVersion: { of: 'file', ...readFile },
  getContent: { of: 'file', ...readFile, needs: ['fileContent'] },
  getVersionContent: { of: 'file', ...readFile, needs: ['fileContent'] },
  issueDownloadToken: { of: 'file', ...readFile, needs: ['issueLink', 'fileContent'] },
  listDownloadTokens: { of: 'file', ...readFile, needs: ['issueLink'] },
  revokeDownloadToken: { of: 'file', ...readFile, needs: ['issueLink'] },
  listGrants: { of: 'file', ...readFile, needs: ['readGrants'] },
  grantAccess: { of: 'file', ...readFile, needs: ['shareFile'] },
  revokeAccess: { of: 'file', ...readFile, needs: ['shareFile'], conflicts: ['grant_not_found'] },
  getFileByHandle: { of: 'handle', ...readFile },
  updateFileByHandle: { of: 'handle', ...readFile, needs: ['editFile'], body: () => ({ title: 'hush hush' }) },
  deleteFileByHandle: { of: 'handle', ...readFile, needs: ['deleteFile'] },
}

const READS_UPLOAD = { of: 'upload', sees: 'continueUpload', unseen: 'upload_not_found' } as const
const uploads: Record<string, Row> = Object.fromEntries(
  ['getUpload', 'renewUploadUrl', 'presignParts', 'reportParts', 'completeUpload', 'abandonUpload'].map((id) => [
    id,
    {
      ...READS_UPLOAD,
      conflicts: ['upload_not_multipart'],
      // Of none, a withdrawn participant is told why there is no use in looking.
      decide: (principal) =>
        principal.role === 'participant' && principal.status === 'withdrawn' ? 'participant_withdrawn' : undefined,
    },
  ]),
)

/** To a stranger, who may read what is public, there is nothing else to be done in a study. */
const notByStrangers: NonNullable<Row['decide']> = ({ role }) => (role === 'stranger' ? 'study_not_found' : undefined)

/** The same of a participant's reports and of the study's. */
function reports(kind: 'Participant' | 'Study', of: Kind): Record<string, Row> {
  const reading: Row = { of, sees: 'readReport', unseen: 'report_not_found' }
  const writing: Row = { ...reading, decide: notByStrangers }
  const adding: Row = {
    ...writing,
    needs: ['addReportEntry'],
    absent: 'made',
    unseen: kind === 'Study' ? 'report_not_found' : 'participant_not_found',
  }
  return {
    [`get${kind}Report`]: reading,
    [`update${kind}Report`]: { ...writing, needs: ['changeReport'] },
    [`delete${kind}Report`]: { ...writing, needs: ['deleteReport'] },
    [`list${kind}ReportEntries`]: reading,
    [`add${kind}ReportEntries`]: adding,
    [`get${kind}ReportEntry`]: reading,
    [`put${kind}ReportEntry`]: adding,
    [`delete${kind}ReportEntry`]: { ...writing, needs: ['deleteReport'] },
    [`rollUp${kind}Report`]: reading,
  }
}

/** Whose a new file is to be: who may not have it so is told as little as of a participant who is not there. */
const beginning = (principal: Principal, { thing }: { thing: Thing }): ErrorCode | undefined => {
  if (principal.role !== 'participant' || isOwner(principal, thing)) return undefined
  return thing.facts.owner === null ? 'forbidden' : 'participant_not_found'
}

/** A file that is not to be seen is taken for none: who might begin a new one learns only that this one can't be. */
const replacing: Row['decide'] = (principal, asked) => {
  const { thing, facts } = asked
  if (thing.isThere && permits(rules.fileMetadata, principal, facts)) return undefined
  const refusal = beginning(principal, asked) ?? refusalBy(rules.createFile, principal, facts)
  if (refusal !== undefined) return unseenBy(principal, refusal)
  if (!thing.ownerIsThere) return 'participant_not_found'
  if (thing.ownerWithdrawn) return 'participant_withdrawn'
  return thing.isThere ? 'participant_not_found' : 'allowed'
}

const NEW_FILE = { name: 'hush.txt', mediaType: 'text/plain', size: 11 }
const begins: Record<string, Row> = {
  beginFile: {
    of: 'participant',
    decide: beginning,
    needs: ['createFile'],
    unseen: 'participant_not_found',
    body: ({ names }) => ({ ...NEW_FILE, participant: names['participant'] }),
  },
  "beginFile for the study's own": {
    of: 'study',
    decide: beginning,
    needs: ['createFile'],
    body: () => ({ ...NEW_FILE, participant: null }),
  },
  putFile: { of: 'handle', decide: replacing, needs: ['editFile'], body: () => NEW_FILE },
}

/** A list of what a participant may find is never refused; it may be empty. */
const findsOwn: Row['decide'] = ({ role }) => (role === 'participant' ? 'allowed' : undefined)

/** Whoever may share some of the files that a template means may ask for all of them. */
const sharesOwn: Row['decide'] = (principal) => {
  if (principal.role !== 'participant') return undefined
  return principal.status === 'withdrawn' ? 'participant_withdrawn' : 'allowed'
}

/** Of many files, each is answered for; who may delete none is refused as a whole. */
const deletesSome: Row['decide'] = (principal) => {
  if (filterFor(principal, rules.deleteFile).length === 0) return unseenBy(principal, 'forbidden')
  return principal.role === 'participant' && principal.status === 'withdrawn' ? 'participant_withdrawn' : undefined
}

const TEMPLATE = { category: 'hush' }

const many: Record<string, Row> = {
  listFiles: { of: 'study', decide: findsOwn, needs: ['listFiles'] },
  searchFiles: { of: 'study', decide: findsOwn, needs: ['listFiles'], body: () => ({ q: 'hush' }) },
  listStudyReports: { of: 'study', decide: findsOwn, needs: ['listReports'] },
  getManifest: { of: 'study', needs: ['readManifest'] },
  listAudit: { of: 'study', needs: ['readAudit'] },
  applyGrants: {
    of: 'study',
    decide: sharesOwn,
    needs: ['shareFile'],
    body: ({ names }) => ({ template: TEMPLATE, principal: names['principal'], level: 'content' }),
  },
  revokeGrants: {
    of: 'study',
    decide: sharesOwn,
    needs: ['shareFile'],
    body: ({ names }) => ({ template: TEMPLATE, principal: names['principal'] }),
  },
  deleteFiles: {
    of: 'file',
    ...readFile,
    decide: deletesSome,
    needs: ['deleteFile'],
    body: ({ names }) => ({ ids: [names['file']] }),
    tells: ({ refused }) => refused[0]?.code ?? 'allowed',
  },
  "deleteFiles of an owner's": {
    of: 'participant',
    decide: (principal, asked) =>
      deletesSome(principal, asked) ??
      beginning(principal, asked) ??
      (asked.thing.ownerWithdrawn ? 'participant_withdrawn' : undefined),
    unseen: 'participant_not_found',
    body: ({ names }) => ({ participant: names['participant'], all: true }),
  },
}

/** By operation; one that is asked for in several ways has a row for each, told apart by what follows its name. */
export const ROWS: Record<string, Row> = {
  ...service,
  ...study,
  ...keys,
  ...participant,
  ...documents,
  ...files,
  ...uploads,
  ...reports('Participant', 'participantReport'),
  ...reports('Study', 'studyReport'),
  ...begins,
  ...many,
}

/** What is tried apart from the rest, since it takes as long. */
export const isOfFiles = (rowName: string): boolean => ['file', 'handle', 'upload'].includes(ROWS[rowName]?.of ?? '')
