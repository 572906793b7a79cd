import { z } from '@hono/zod-openapi'
import { type File, GRANT_LEVELS, type Metadata, type Version } from '../model/entities.ts'
import { isMediaType } from '../model/media-types.ts'
import { isMetadata, isShallow, MAX_METADATA_CHARACTERS, MAX_METADATA_DEPTH } from '../wire/metadata.ts'
import { instantOrNull, InstantOut, Md5Hex, pageSchema, prose, Sha256Hex, text, VisibilityText } from './schemas.ts'

// What the wire says of a file: read by the routes that begin, list and edit, and written by `presentFile`.

const MetadataObject = z
  .custom<Metadata>(isMetadata, 'Must be a JSON object.')
  .refine(isShallow, `May be nested ${MAX_METADATA_DEPTH} levels deep at most.`)
  .refine(
    (value) => !isShallow(value) || JSON.stringify(value).length <= MAX_METADATA_CHARACTERS,
    `May have ${MAX_METADATA_CHARACTERS} characters at most.`,
  )
  .openapi({
    type: 'object',
    additionalProperties: true,
    description: "The caller's own JSON object.",
    example: { device: 'watch' },
  })

const Tags = z
  .array(text(100))
  .max(50)
  .refine((tags) => new Set(tags).size === tags.length, 'Each tag once.')

/** IANA media type, with parameters or without; bound into the upload's signature as it is. */
const MediaTypeText = z
  .string()
  .refine(isMediaType, 'Must be a media type, such as `image/png`.')
  .openapi({ example: 'text/plain' })

export const FileName = text(255).openapi({ example: 'notes.txt' })

export const detailsShape = {
  category: text(255).nullable(),
  source: text(255).nullable(),
  title: text(1_000).nullable(),
  description: prose(10_000).nullable(),
  tags: Tags,
  // What was said of the object's type is not said of null, unless it is said again.
  metadata: MetadataObject.nullable().openapi({ type: ['object', 'null'] }),
}

/** What is declared of the bytes that are going to be sent, and what is said of the file. */
export const contentShape = {
  name: FileName,
  mediaType: MediaTypeText,
  size: z.number().int().min(0).openapi({ description: 'Exactly how many bytes will be sent.', example: 11 }),
  md5: Md5Hex.nullable().default(null),
  sha256: Sha256Hex.nullable().default(null),
}

const exampleVersion = {
  id: 'ver_01k9z3m8qe5w7v2n4h6j8k0r2t',
  number: 16_777_217,
  name: 'notes.txt',
  mediaType: 'text/plain',
  size: 11,
  md5: '5eb63bbbe01eeed093cb22bb8f5acdc3',
  sha256: null,
  verified: 'storage',
  createdAt: '2026-11-21T08:30:00.000Z',
  completedAt: '2026-11-21T08:30:02.000Z',
} as const
const exampleFile = {
  id: 'fil_01k9z3m8qe5w7v2n4h6j8k0r2t',
  number: 16_777_217,
  study: 'SD_DEM0DEM0',
  participant: '1f0c6a52-8f0e-4d7b-9a53-6d2f6b7f6f10',
  handle: null,
  name: 'notes.txt',
  category: 'diary',
  source: 'phone',
  title: 'Week one',
  description: null,
  tags: ['diary'],
  metadata: { device: 'watch' },
  visibility: 'private',
  shared: null,
  createdAt: '2026-11-21T08:30:00.000Z',
  updatedAt: '2026-11-21T08:30:02.000Z',
  listedAt: '2026-11-21T08:30:02.000Z',
  version: exampleVersion,
} as const
/** As it is before its bytes have come. */
export const examplePendingFile = {
  ...exampleFile,
  updatedAt: exampleFile.createdAt,
  listedAt: null,
  version: null,
} as const

export const VersionOut = z
  .object({
    id: z.string(),
    number: z.number().int(),
    name: z.string(),
    mediaType: z.string(),
    size: z.number().int(),
    md5: z.string().nullable(),
    sha256: z.string().nullable(),
    verified: z.enum(['storage', 'read', 'no']).openapi({
      description: "How the checksums are known: from storage's own record, by reading the bytes, or as declared only.",
    }),
    createdAt: InstantOut,
    completedAt: InstantOut,
  })
  .openapi('Version', { example: exampleVersion })

export const FileOut = z
  .object({
    id: z.string(),
    number: z.number().int(),
    study: z.string(),
    participant: z.string().nullable().openapi({ description: "Whose it is; null for the study's own." }),
    handle: z.string().nullable().openapi({ description: "The owner's own name for it; null where none was chosen." }),
    name: z.string(),
    category: z.string().nullable(),
    source: z.string().nullable(),
    title: z.string().nullable(),
    description: z.string().nullable(),
    tags: z.array(z.string()),
    metadata: z.record(z.string(), z.unknown()).nullable(),
    visibility: VisibilityText,
    // A union, as below.
    shared: z
      .union([z.enum(GRANT_LEVELS), z.null()])
      .openapi({ description: 'How it is shared with the caller; null: not, or it is their own.' }),
    createdAt: InstantOut,
    updatedAt: InstantOut,
    listedAt: InstantOut.nullable().openapi({ description: 'First completion: orders lists and never moves.' }),
    // A union: `nullable()` would make the shared schema itself nullable in the document, or nothing.
    version: z
      .union([VersionOut, z.null()])
      .openapi({ description: 'The current one; null while the file has no content.' }),
  })
  .openapi('File', { example: exampleFile })

export const FilePage = pageSchema('FilePage', FileOut)

export const presentVersion = (version: Version) => ({
  id: version.id,
  number: version.number,
  name: version.name,
  mediaType: version.mediaType,
  size: version.size,
  md5: version.md5,
  sha256: version.sha256,
  verified: version.verified,
  createdAt: version.createdAt.toISOString(),
  completedAt: version.completedAt.toISOString(),
})

export const presentFile = (file: File) => {
  const { content } = file
  // A file that was given no handle has its own id for one.
  const handle: string = file.handle
  return {
    id: file.id,
    number: file.number,
    study: file.study,
    participant: file.owner,
    handle: handle === file.id ? null : handle,
    name: file.name,
    category: file.category,
    source: file.source,
    title: file.title,
    description: file.description,
    tags: [...file.tags],
    metadata: file.metadata === null ? null : { ...file.metadata },
    visibility: file.visibility,
    shared: file.granted,
    createdAt: file.createdAt.toISOString(),
    updatedAt: file.updatedAt.toISOString(),
    listedAt: instantOrNull(content.status === 'complete' ? content.listedAt : null),
    version: content.status === 'complete' ? presentVersion(content.version) : null,
  }
}
