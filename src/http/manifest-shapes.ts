import { z } from '@hono/zod-openapi'
import type { Item } from '../domain/manifest-walk.ts'
import { GRANT_LEVELS, type Owner } from '../model/entities.ts'
import type { StudyId } from '../model/ids.ts'
import { FileOut, presentFile, presentVersion, VersionOut } from './file-shapes.ts'
import { instantOrNull, InstantOut, PageQuery } from './schemas.ts'

// What a manifest names, as JSON and as a line of a table.

export const ManifestQuery = {
  format: z.enum(['json', 'csv']).default('json').openapi({ description: 'What the manifest is written in.' }),
  cursor: PageQuery.cursor.openapi({ description: '`nextCursor` of the manifest that this one goes on from.' }),
}

const grantShape = {
  file: z.string(),
  level: z.enum(GRANT_LEVELS),
  createdAt: InstantOut,
  expiresAt: InstantOut.nullable(),
}
const path = z.string().openapi({ description: 'Where to read it.' })

const FileItem = z.object({
  kind: z.literal('file'),
  file: FileOut.omit({ version: true }),
  version: z.union([VersionOut, z.null()]).openapi({ description: 'One of its versions; null while it has none.' }),
  url: z
    .string()
    .nullable()
    .openapi({ description: 'The bytes, for six hours; null where the caller may not read them.' }),
  foreign: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .nullable()
    .openapi({ description: 'What was said of the file that only a foreign protocol knows, by that protocol.' }),
})
const DocumentItem = z.object({
  kind: z.literal('document'),
  participant: z.string(),
  identifier: z.string(),
  size: z.number().int(),
  createdAt: InstantOut,
  updatedAt: InstantOut,
  path,
})
const ReportItem = z.object({
  kind: z.literal('report'),
  participant: z.string().nullable(),
  identifier: z.string(),
  entries: z.number().int(),
  first: z.string().nullable(),
  last: z.string().nullable(),
  createdAt: InstantOut,
  path,
})
const GrantItem = z
  .object({ kind: z.literal('grant'), principal: z.string(), ...grantShape })
  .openapi({ description: 'A file that they share, and with whom.' })
const SharedItem = z
  .object({ kind: z.literal('shared'), ...grantShape, path })
  .openapi({ description: 'A file that is shared with them.' })

export const ExportItemOut = z.discriminatedUnion('kind', [FileItem, DocumentItem, ReportItem, GrantItem, SharedItem])
export const ManifestItemOut = z.discriminatedUnion('kind', [FileItem, DocumentItem, ReportItem])

export const exampleItem = {
  kind: 'document',
  participant: '1f0c6a52-8f0e-4d7b-9a53-6d2f6b7f6f10',
  identifier: 'preferences',
  size: 16,
  createdAt: '2026-11-21T08:30:00.000Z',
  updatedAt: '2026-11-21T08:30:00.000Z',
  path: '/v1/studies/SD_DEM0DEM0/participants/1f0c6a52-8f0e-4d7b-9a53-6d2f6b7f6f10/documents/preferences',
} as const
export const NEXT_CURSOR = z
  .string()
  .nullable()
  .openapi({ description: 'Comes last. Null: nothing is missing; else ask for the rest with it.' })

/** Where something is read: the segments are names as they are. */
export const pathTo = (study: StudyId, ...segments: readonly string[]): string =>
  `/v1/studies/${[study, ...segments].map((segment) => encodeURIComponent(segment)).join('/')}`

const ofOwner = (owner: Owner): string[] => (owner === null ? [] : ['participants', owner])
const reportPath = (study: StudyId, { owner, identifier }: { owner: Owner; identifier: string }) =>
  pathTo(study, ...ofOwner(owner), 'reports', identifier, 'entries')

const presentGrant = ({ grant }: Extract<Item, { kind: 'grant' | 'shared' }>) => ({
  file: grant.file,
  level: grant.level,
  createdAt: grant.createdAt.toISOString(),
  expiresAt: instantOrNull(grant.expiresAt),
})

export function presentItem(study: StudyId, item: Item): z.input<typeof ExportItemOut> {
  switch (item.kind) {
    case 'file': {
      const { version: _current, ...file } = presentFile(item.file)
      const version = item.version ? presentVersion(item.version) : null
      return { kind: 'file', file, version, url: item.url, foreign: item.file.foreign }
    }
    case 'document': {
      const { participant, identifier, size, createdAt, updatedAt } = item.document
      return {
        kind: 'document',
        participant,
        identifier,
        size,
        createdAt: createdAt.toISOString(),
        updatedAt: updatedAt.toISOString(),
        path: pathTo(study, ...ofOwner(participant), 'documents', identifier),
      }
    }
    case 'report': {
      const { owner, identifier, entries, first, last, createdAt } = item.report
      return {
        kind: 'report',
        participant: owner,
        identifier,
        entries,
        first,
        last,
        createdAt: createdAt.toISOString(),
        path: reportPath(study, item.report),
      }
    }
    case 'grant':
      return { kind: 'grant', principal: item.grant.principal, ...presentGrant(item) }
    case 'shared':
      return { kind: 'shared', ...presentGrant(item), path: pathTo(study, 'files', item.grant.file) }
    default:
      return item satisfies never
  }
}

export const COLUMNS = [
  'kind',
  'participant',
  'id',
  'name',
  'version',
  'mediaType',
  'size',
  'md5',
  'sha256',
  'createdAt',
  'completedAt',
  'location',
] as const
export type Line = Partial<Record<(typeof COLUMNS)[number], string | number | null>>

export function lineOf(study: StudyId, item: Item): Line {
  const presented = presentItem(study, item)
  const { kind } = presented
  switch (kind) {
    case 'file': {
      const { file, version, url } = presented
      const { id, participant, name, createdAt } = file
      return {
        kind,
        participant,
        id,
        name,
        createdAt,
        ...(version && { ...version, id, version: version.id }),
        location: url,
      }
    }
    case 'document':
    case 'report': {
      const { participant, identifier, createdAt, path: location } = presented
      return {
        kind,
        participant,
        id: identifier,
        createdAt,
        location,
        size: 'size' in presented ? presented.size : null,
      }
    }
    case 'grant':
      return { kind, id: presented.file, name: presented.principal, createdAt: presented.createdAt }
    case 'shared':
      return { kind, id: presented.file, createdAt: presented.createdAt, location: presented.path }
    default:
      return kind satisfies never
  }
}
