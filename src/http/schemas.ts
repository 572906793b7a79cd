import { z } from '@hono/zod-openapi'
import { RETENTIONS, VISIBILITIES } from '../model/entities.ts'
import type { IdPrefix } from '../model/ids.ts'
import { DEFAULT_LIMIT, MAX_LIMIT } from '../model/page.ts'
import { etagPattern, opaqueOf } from '../wire/etag.ts'
import * as shapes from '../wire/shapes.ts'

export { prose, text } from '../wire/shapes.ts'

// The shapes that several routes share, as the document tells of them.

/**
 * A shape of every tongue's, with what the document says of it. It is made anew, since a schema knows of documents only
 * if it was made after they were: which module comes first is nobody's business.
 */
const told = <Shape extends z.ZodType>(shape: Shape, metadata: { example: string; description?: string }): Shape =>
  shape.clone().openapi(metadata)

const made = <Shape extends z.ZodType>(shape: Shape, prefix: IdPrefix, name: string): Shape =>
  told(shape, { example: `${prefix}_01k9z3m8qe5w7v2n4h6j8k0r2t`, description: `The id of ${name}.` })

export const StudyIdText = told(shapes.StudyIdText, { example: 'SD_DEM0DEM0', description: "The study's id." })
export const ParticipantIdText = told(shapes.ParticipantIdText, {
  example: '1f0c6a52-8f0e-4d7b-9a53-6d2f6b7f6f10',
  description: "A participant's id.",
})
/** A participant's id, or `me` for the caller's own. */
export const ParticipantRef = z
  .union([z.literal('me'), ParticipantIdText])
  .openapi({ example: 'me', description: "A participant's id; `me` is the caller's own." })
export const PrincipalNameText = told(shapes.PrincipalNameText, {
  example: 'participant:7d1e9b54-3c62-4c1f-8f0a-2b9d4e6a8c10',
  description: '`participant:` and the id of a participant, or `member:` and the id of a member of the team.',
})
export const HandleText = told(shapes.HandleText, {
  example: 'consent-form',
  description: "The owner's own name for the file, unique among theirs.",
})
export const HostText = told(shapes.HostText, {
  example: 'ada.hat.example.org',
  description: "A host name in lower case, with its port unless that is the scheme's own.",
})
export const IdentifierText = told(shapes.IdentifierText, {
  example: 'preferences',
  description: "What it is called, unique among its owner's.",
})
export const FileIdText = made(shapes.FileIdText, 'fil', 'a file')
export const VersionIdText = made(shapes.VersionIdText, 'ver', 'a version')
export const UploadIdText = made(shapes.UploadIdText, 'upl', 'an upload')
export const KeyIdText = made(shapes.KeyIdText, 'key', 'a key')
export const MemberIdText = made(shapes.MemberIdText, 'mem', 'a member')
export const EnrolmentCodeIdText = made(shapes.EnrolmentCodeIdText, 'enr', 'an enrolment code')
export const ErasureIdText = made(shapes.ErasureIdText, 'era', 'an erasure')
export const DownloadTokenIdText = made(shapes.DownloadTokenIdText, 'dlt', 'a download link')

export const VisibilityText = z.enum(VISIBILITIES).openapi({
  description: "Who besides the owner: nobody; the study's team; everyone who has the id, where the study allows it.",
})
export const RetentionText = z
  .enum(RETENTIONS)
  .openapi({ description: 'Whether older versions are kept when a newer one is complete, or the latest only.' })

/** ISO 8601 with a zone in, a Date inside. */
export const Instant = told(shapes.Instant, { example: '2026-11-21T08:30:00.000Z' })
/** ISO 8601 UTC with milliseconds out. */
export const InstantOut = z.iso.datetime().openapi({ example: '2026-11-21T08:30:00.000Z' })
export const instantOrNull = (date: Date | null) => date?.toISOString() ?? null

export const Md5Hex = told(shapes.Md5Hex, { example: '5eb63bbbe01eeed093cb22bb8f5acdc3' })
export const Sha256Hex = told(shapes.Sha256Hex, {
  example: 'b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9',
})

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
    .regex(etagPattern(String.raw`r\d{1,15}`), 'Must be one ETag, as this resource gave it.')
    .optional()
    .openapi({
      description: 'Only if the file is still at this ETag. A `W/` before it says nothing.',
      example: '"r7"',
    }),
})
/** Undefined: whatever it is. `*` asks for existence only, which is asked anyway. */
export const revisionOf = (headers: { 'if-match'?: string | undefined }): number | undefined => {
  const etag = headers['if-match']
  return etag === undefined || etag === '*' ? undefined : Number(opaqueOf(etag).slice(1))
}
