import { encodeTime, ulid } from 'ulid'

declare const brand: unique symbol

/** A string that is known to name one kind of thing, so that a participant never slips in for a file. */
export type Id<Name extends string> = string & { readonly [brand]: Name }

/** Chosen by the operator: 1-64 of `[A-Za-z0-9][A-Za-z0-9_.-]*`. */
export type StudyId = Id<'study'>
/** Chosen by the study, else a UUID: 1-255 characters without controls. */
export type ParticipantId = Id<'participant'>
export type MemberId = Id<'member'>
export type KeyId = Id<'key'>
export type FileId = Id<'file'>
export type VersionId = Id<'version'>
export type UploadId = Id<'upload'>
export type DownloadTokenId = Id<'downloadToken'>
export type EnrolmentCodeId = Id<'enrolmentCode'>
export type AuditEventId = Id<'auditEvent'>
export type ErasureId = Id<'erasure'>
export type SessionId = Id<'session'>
/** Stands for a participant in what outlives them: random, and destroyed when they are erased. */
export type AuditId = Id<'audit'>

/** What a file's `handle` is: the owner's own name for it, unique within the owner. */
export type Handle = Id<'handle'>

/** What a document or report is called: 1-255 characters without controls, unique within its owner's. */
export type Identifier = Id<'identifier'>

/** A host name, in lower case, with its port unless that is the scheme's own. */
export type HostName = Id<'host'>

/** Ids that Carrel makes: a prefix that says what it names, and a ULID, so that they sort by time. */
type MadeIds = {
  mem: MemberId
  key: KeyId
  fil: FileId
  ver: VersionId
  upl: UploadId
  dlt: DownloadTokenId
  enr: EnrolmentCodeId
  aud: AuditEventId
  era: ErasureId
  ses: SessionId
}
export type IdPrefix = keyof MadeIds

/** The shape of each made id, for the schemas at the edge. */
export const idPattern = (prefix: IdPrefix) => new RegExp(`^${prefix}_[0-9a-hjkmnp-tv-z]{26}$`)

/** Random bytes are asked for so many at a time: the library would ask for each of the sixteen of an id by itself. */
const random = new Uint8Array(512)
let unused = 0
function nextRandom(): number {
  if (unused === 0) unused = crypto.getRandomValues(random).length
  unused -= 1
  return (random[unused] ?? 0) / 256
}
const newUlid = (now: Date): string => ulid(now.getTime(), nextRandom).toLowerCase()

/** A document's ETag: made anew with every write, and never the same twice. */
export const newEtag = (now: Date): string => newUlid(now)

export function newId<Prefix extends IdPrefix>(prefix: Prefix, now: Date): MadeIds[Prefix] {
  // The one place where a made id gets its brand.
  return `${prefix}_${newUlid(now)}` as MadeIds[Prefix]
}

/** Crockford's base32, as in the ids that are made. */
const BASE32 = '0123456789abcdefghjkmnpqrstvwxyz'
/** No ULID begins so: it would be of a time far beyond the last that one can tell. */
const CLAIMED = 'mem_z'
/** Such an id, as the pattern of a `GLOB`. */
export const CLAIMED_MEMBERS = `${CLAIMED}*`

/**
 * Of somebody who is no member by a row of any study, and whom an issuer's word gives a place: always the same, and
 * never that of a row.
 */
export async function claimedMemberId(issuer: string, subject: string): Promise<MemberId> {
  const named = new TextEncoder().encode(`member by claim ${JSON.stringify([issuer, subject])}`)
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', named))
  // Of each of its bytes the last five bits.
  const id: string = CLAIMED + Array.from(digest.subarray(0, 25), (byte) => BASE32.charAt(byte & 31)).join('')
  return id as MemberId // gets its brand here
}

/** Where the ids begin that are made at this time or later. */
export const idsSince = (prefix: IdPrefix, time: Date): string =>
  `${prefix}_${encodeTime(Math.max(0, time.getTime())).toLowerCase()}`

/** For a participant whose id nobody chose. */
export const newParticipantId = (): ParticipantId => {
  const id: string = crypto.randomUUID()
  return id as ParticipantId // gets its brand here
}

/** A new pseudonym: 128 random bits, nothing of the participant in it. */
export const newAuditId = (): AuditId => {
  const id: string = `ptc_${crypto.randomUUID().replaceAll('-', '')}`
  return id as AuditId // gets its brand here
}

/**
 * An upload and the version it becomes share their ULID, so a settled upload still leads to its version
 * and an object's key leads to both, without a row that says so.
 */
export const versionOf = (upload: UploadId) => `ver_${upload.slice(4)}` as VersionId // re-branded: same ULID
export const uploadOf = (version: VersionId) => `upl_${version.slice(4)}` as UploadId // re-branded: same ULID

/** Where a study stands first and none is meant. */
export const NO_STUDY = '' as StudyId

/** Study number (16 bits) and the study's counter (24 bits) in one integer, unique everywhere. */
export const NUMBERS_PER_STUDY = 2 ** 24
export const MAX_STUDY_NUMBER = 2 ** 16 - 1
/** In place of a study's number, in keys of the operator's own that are for all of them. No study has it. */
export const ALL_STUDIES = 0
