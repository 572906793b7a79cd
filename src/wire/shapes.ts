import { z } from 'zod'
import {
  type DownloadTokenId,
  type EnrolmentCodeId,
  type ErasureId,
  type FileId,
  type Handle,
  type HostName,
  type Identifier,
  type IdPrefix,
  idPattern,
  type KeyId,
  type MemberId,
  type ParticipantId,
  type StudyId,
  type UploadId,
  type VersionId,
} from '../model/ids.ts'
import type { PrincipalName } from '../model/principal.ts'

// What names and texts are made of, in every tongue. Each shape parses the text of the wire into what it proves to be:
// the casts below are where ids get their brands.

/** Text that comes back as it was sent: no lone surrogates, which UTF-8 cannot hold, and no control characters. */
export const text = (maxLength: number) =>
  z
    .string()
    .min(1)
    .max(maxLength)
    .refine((value) => !/[\p{Cc}\p{Cs}]/u.test(value), 'Must be well-formed Unicode without control characters.')

/** The same with line breaks and tabs. */
export const prose = (maxLength: number) =>
  z
    .string()
    .max(maxLength)
    .refine(
      (value) => !/[\p{Cc}\p{Cs}]/u.test(value.replaceAll(/[\n\r\t]/g, '')),
      'Must be well-formed Unicode without control characters other than line breaks and tabs.',
    )

/** An id that Carrel makes. */
const made = (prefix: IdPrefix, name: string) => z.string().regex(idPattern(prefix), `Must be the id of ${name}.`)

export const StudyIdText = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'Must be 1-64 letters, digits, `_`, `.` or `-`, a letter or digit first.')
  .transform((id) => id as StudyId)
const RESERVED = ['me', 'self']
/** A URL that has one of these for a name leads elsewhere, encoded or not: what is called so cannot be reached. */
const DOT_SEGMENTS = ['.', '..']
const reachable = (maxLength: number) =>
  text(maxLength).refine((name) => !DOT_SEGMENTS.includes(name), '`.` and `..` cannot stand in a URL.')
export const ParticipantIdText = reachable(255)
  .refine((id) => !RESERVED.includes(id), '`me` and `self` are reserved.')
  .transform((id) => id as ParticipantId)
/** With whom files are shared. A member who is a participant goes by the participant's name. */
export const PrincipalNameText = z
  .string()
  .refine((name) => {
    const [kind] = name.split(':', 1)
    if (kind === 'member') return idPattern('mem').test(name.slice('member:'.length))
    return kind === 'participant' && ParticipantIdText.safeParse(name.slice('participant:'.length)).success
  }, 'Must be `participant:` and the id of a participant, or `member:` and the id of a member.')
  .transform((name) => name as PrincipalName)
export const HandleText = reachable(255).transform((handle) => handle as Handle)
/** As a request's URL tells it: in lower case, without the scheme's own port. */
export const HostText = z
  .string()
  .max(255)
  .regex(
    /^(?:\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::[1-9]\d{0,4})?$/,
    'Must be a host name in lower case, with its port if it has one of its own.',
  )
  .transform((host) => host as HostName)
export const IdentifierText = reachable(255).transform((identifier) => identifier as Identifier)
export const FileIdText = made('fil', 'a file').transform((id) => id as FileId)
export const VersionIdText = made('ver', 'a version').transform((id) => id as VersionId)
export const UploadIdText = made('upl', 'an upload').transform((id) => id as UploadId)
export const KeyIdText = made('key', 'a key').transform((id) => id as KeyId)
export const MemberIdText = made('mem', 'a member').transform((id) => id as MemberId)
export const EnrolmentCodeIdText = made('enr', 'an enrolment code').transform((id) => id as EnrolmentCodeId)
export const ErasureIdText = made('era', 'an erasure').transform((id) => id as ErasureId)
export const DownloadTokenIdText = made('dlt', 'a download link').transform((id) => id as DownloadTokenId)

/** ISO 8601 with a zone in, a Date inside; in UTC too its year has four digits, so that it can be told again. */
export const Instant = z.iso
  .datetime({
    offset: true,
    error: 'Must be an instant with its zone, like `2026-11-21T08:30:00Z`; the `+` of one is `%2B` in a URL.',
  })
  .transform((value) => new Date(value))
  .refine((date) => date.getUTCFullYear() >= 0 && date.getUTCFullYear() <= 9_999, 'Must be in the years 0 to 9999.')

export const Md5Hex = z.string().regex(/^[0-9a-f]{32}$/, 'Must be 32 lower-case hex digits.')
export const Sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, 'Must be 64 lower-case hex digits.')
