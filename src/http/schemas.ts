import { z } from '@hono/zod-openapi'
import { RETENTIONS, VISIBILITIES } from '../model/entities.ts'
import {
  type DownloadTokenId,
  type EnrolmentCodeId,
  type ErasureId,
  type FileId,
  type Handle,
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
import { DEFAULT_LIMIT, MAX_LIMIT } from '../model/page.ts'
import type { PrincipalName } from '../model/principal.ts'

// The shapes that several routes share. Each parses the text of the wire into what it proves to be: the casts below
// are where ids get their brands.

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

const made = (prefix: IdPrefix, name: string) => {
  const example = `${prefix}_01k9z3m8qe5w7v2n4h6j8k0r2t`
  return z
    .string()
    .regex(idPattern(prefix), `Must be the id of ${name}.`)
    .openapi({ example, description: `The id of ${name}.` })
}

export const StudyIdText = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, 'Must be 1-64 letters, digits, `_`, `.` or `-`, a letter or digit first.')
  .transform((id) => id as StudyId)
  .openapi({ example: 'SD_DEM0DEM0', description: "The study's id." })
const RESERVED = ['me', 'self']
/** A URL that has one of these for a name leads elsewhere, encoded or not: whoever was called so could not be reached. */
const DOT_SEGMENTS = ['.', '..']
export const ParticipantIdText = text(255)
  .refine((id) => !RESERVED.includes(id), '`me` and `self` are reserved.')
  .refine((id) => !DOT_SEGMENTS.includes(id), '`.` and `..` cannot stand in a URL.')
  .transform((id) => id as ParticipantId)
  .openapi({ example: '1f0c6a52-8f0e-4d7b-9a53-6d2f6b7f6f10', description: "A participant's id." })
/** A participant's id, or `me` for the caller's own. */
export const ParticipantRef = z
  .union([z.literal('me'), ParticipantIdText])
  .openapi({ example: 'me', description: "A participant's id; `me` is the caller's own." })
/** With whom files are shared. A member who is a participant goes by the participant's name. */
export const PrincipalNameText = z
  .string()
  .refine((name) => {
    const [kind] = name.split(':', 1)
    if (kind === 'member') return idPattern('mem').test(name.slice('member:'.length))
    return kind === 'participant' && ParticipantIdText.safeParse(name.slice('participant:'.length)).success
  }, 'Must be `participant:` and the id of a participant, or `member:` and the id of a member.')
  .transform((name) => name as PrincipalName)
  .openapi({
    example: 'participant:7d1e9b54-3c62-4c1f-8f0a-2b9d4e6a8c10',
    description: '`participant:` and the id of a participant, or `member:` and the id of a member of the team.',
  })
export const HandleText = text(255)
  .transform((handle) => handle as Handle)
  .openapi({ example: 'consent-form', description: "The owner's own name for the file, unique among theirs." })
export const IdentifierText = text(255)
  .transform((identifier) => identifier as Identifier)
  .openapi({ example: 'preferences', description: "What it is called, unique among its owner's." })
export const FileIdText = made('fil', 'a file').transform((id) => id as FileId)
export const VersionIdText = made('ver', 'a version').transform((id) => id as VersionId)
export const UploadIdText = made('upl', 'an upload').transform((id) => id as UploadId)
export const KeyIdText = made('key', 'a key').transform((id) => id as KeyId)
export const MemberIdText = made('mem', 'a member').transform((id) => id as MemberId)
export const EnrolmentCodeIdText = made('enr', 'an enrolment code').transform((id) => id as EnrolmentCodeId)
export const ErasureIdText = made('era', 'an erasure').transform((id) => id as ErasureId)
export const DownloadTokenIdText = made('dlt', 'a download link').transform((id) => id as DownloadTokenId)

export const VisibilityText = z.enum(VISIBILITIES).openapi({
  description: "Who besides the owner: nobody; the study's team; everyone who has the id, where the study allows it.",
})
export const RetentionText = z
  .enum(RETENTIONS)
  .openapi({ description: 'Whether older versions are kept when a newer one is complete, or the latest only.' })

/** ISO 8601 with a zone in, a Date inside; in UTC too its year has four digits, so that it can be told again. */
export const Instant = z.iso
  .datetime({
    offset: true,
    error: 'Must be an instant with its zone, like `2026-11-21T08:30:00Z`; the `+` of one is `%2B` in a URL.',
  })
  .transform((value) => new Date(value))
  .refine((date) => date.getUTCFullYear() >= 0 && date.getUTCFullYear() <= 9_999, 'Must be in the years 0 to 9999.')
  .openapi({ example: '2026-11-21T08:30:00.000Z' })
/** ISO 8601 UTC with milliseconds out. */
export const InstantOut = z.iso.datetime().openapi({ example: '2026-11-21T08:30:00.000Z' })
export const instantOrNull = (date: Date | null) => date?.toISOString() ?? null

export const Md5Hex = z
  .string()
  .regex(/^[0-9a-f]{32}$/, 'Must be 32 lower-case hex digits.')
  .openapi({ example: '5eb63bbbe01eeed093cb22bb8f5acdc3' })
export const Sha256Hex = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'Must be 64 lower-case hex digits.')
  .openapi({ example: 'b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9' })

/** Room for a place named twice by 255 characters of three bytes each, in base64. */
const MAX_CURSOR_CHARACTERS = 4_096

export const PageQuery = {
  limit: z.coerce.number().int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT).openapi({
    description: 'How many items at most.',
    example: DEFAULT_LIMIT,
  }),
  cursor: z
    .string()
    .max(MAX_CURSOR_CHARACTERS)
    .optional()
    .openapi({ description: '`nextCursor` of the page before, unchanged.' }),
}
export const pageRequest = ({ limit, cursor }: { limit: number; cursor?: string | undefined }) => ({ limit, cursor })

/** `{ items, nextCursor }` of something, named for the document. */
export const pageSchema = <Item extends z.ZodType>(name: string, item: Item) =>
  z
    .object({
      items: z.array(item),
      nextCursor: z.string().nullable().openapi({ description: 'Null on the last page.' }),
    })
    .openapi(name)

export const StudyPath = z.object({ study: StudyIdText })

/** A revision as an ETag: `"r7"`. */
export const etagOf = (revision: number) => `"r${revision}"`
export const IfMatch = z.object({
  'if-match': z
    .string()
    .regex(/^(\*|"r\d{1,15}")$/, 'Must be one ETag, as this resource gave it.')
    .optional()
    .openapi({ description: 'Only if the file is still at this ETag.', example: '"r7"' }),
})
/** Undefined: whatever it is. `*` asks for existence only, which is asked anyway. */
export const revisionOf = (headers: { 'if-match'?: string | undefined }): number | undefined => {
  const etag = headers['if-match']
  return etag === undefined || etag === '*' ? undefined : Number(etag.slice(2, -1))
}
