import { getTableColumns } from 'drizzle-orm'
import { sql, type SQL } from './sql.ts'
import type { File, GrantLevel, Metadata, Owner, Verified, Version } from '../model/entities.ts'
import type { FileId, Handle, ParticipantId, StudyId, VersionId } from '../model/ids.ts'
import type { Actor, ForeignData } from '../model/principal.ts'
import { allowsPublic, grantOn, notErasing } from './conditions.ts'
import { columnsOf, dateOf, type Row, statement } from './database.ts'
import { files, versions } from './schema/files.ts'
import { type Caller, principalSql } from './who.ts'

// What the index of words is told is for nobody to read.
const { nameWords, titleWords, descriptionWords, ...told } = getTableColumns(files)
const indexed = { nameWords, titleWords, descriptionWords }

/**
 * A file's row, whether its study allows what its visibility says, since when its owner is leaving, which makes it private
 * before its row says so, and how it is shared with the caller, where the statement asks (`grantedToCaller`).
 */
export type FileRow = Omit<Row<typeof files>, keyof typeof indexed> & {
  publicNow: number
  leftAt: number | null
  granted?: GrantLevel | null
}
export type VersionRow = Row<typeof versions>

/** The study is asked only for a file that says it is public; a list names its study, and is asked once. */
export const fileColumns = (alias: string, study = sql.raw(`${alias}.study_id`)): SQL =>
  sql`${columnsOf(told, alias)},
    (${sql.raw(alias)}.visibility = 'public' AND ${allowsPublic(study)}) AS "publicNow",
    CASE ${sql.raw(alias)}.visibility WHEN 'private' THEN NULL ELSE (SELECT d.left_at FROM departures d
      WHERE d.study_id = ${study} AND d.participant_id = ${sql.raw(alias)}.owner) END AS "leftAt"`

/** The file of an id, as `f`: of nobody whose erasure has begun. */
export const isFile = (study: StudyId, id: SQL | FileId): SQL =>
  sql`f.study_id = ${study} AND f.id = ${id} AND ${notErasing(sql`f.study_id`, sql`f.owner`)}`

/** How a file is shared with the caller, as the column `granted`. Nobody is granted what is their own. */
export const grantedToCaller = (caller: Caller, alias: string, principal = principalSql(caller)): SQL =>
  sql`(${grantOn(
    { study: sql`${caller.study}`, file: sql.raw(`${alias}.id`), owner: sql.raw(`${alias}.owner`) },
    { principal, now: sql`${caller.now.getTime()}` },
    sql`level`,
  )}) AS "granted"`

/** A file by its id, and how it is shared with the caller. Whether the caller may see it, its facts say. */
export const fileStatement = (caller: Caller, file: FileId) =>
  statement<FileRow>(
    sql`SELECT ${fileColumns('f')}, ${grantedToCaller(caller, 'f')} FROM files f WHERE ${isFile(caller.study, file)}`,
  )

/** Whether the file `f` is at the revision that was asked for, if one was. */
export const atRevision = (revision: number | undefined): SQL =>
  revision === undefined ? sql`1` : sql`f.revision = ${revision}`

export const versionColumns = (alias: string): SQL => columnsOf(versions, alias)

// What a column holds is what was put in: ids get their brands back, and JSON its shape.
export const ownerOf = (owner: string): Owner => (owner === '' ? null : (owner as ParticipantId))
export const ownerColumn = (owner: Owner): string => owner ?? ''
export const stringsOf = (json: string) => JSON.parse(json) as readonly string[]
const metadataOf = (json: string | null) => (json === null ? null : (JSON.parse(json) as Metadata))
const foreignOf = (json: string | null) => (json === null ? null : (JSON.parse(json) as ForeignData))

export const versionOfRow = (row: VersionRow): Version => ({
  id: row.id as VersionId,
  file: row.fileId as FileId,
  number: row.number,
  name: row.name,
  mediaType: row.mediaType,
  size: row.size,
  md5: row.md5,
  sha256: row.sha256,
  verified: row.verified,
  etag: row.etag,
  objectKey: row.objectKey,
  createdAt: dateOf(row.createdAt),
  completedAt: dateOf(row.completedAt),
})

/** The current version's facts as they stand in the file's row; undefined while there is none. */
function currentOf(row: FileRow): Version | undefined {
  if (row.versionId === null) return undefined
  return {
    id: row.versionId as VersionId,
    file: row.id as FileId,
    number: written(row.versionNumber),
    name: written(row.versionName),
    mediaType: written(row.mediaType),
    size: written(row.size),
    md5: row.md5,
    sha256: row.sha256,
    verified: written<Verified>(row.verified),
    etag: written(row.etag),
    objectKey: written(row.objectKey),
    createdAt: dateOf(written(row.versionCreatedAt)),
    completedAt: dateOf(written(row.completedAt)),
  }
}

/** These columns are written together with `version_id`. */
function written<Value>(value: Value | null): Value {
  if (value === null) throw new Error('a file with a current version lacks one of its facts')
  return value
}

/** What the steps of a departure make of a file, told from the moment on that its owner left. */
const ofWhoLeft = (row: FileRow, leftAt: number) =>
  ({
    visibility: 'private',
    revision: row.revision + 1,
    updatedAt: dateOf(Math.max(row.updatedAt, leftAt)),
  }) as const

export function fileOfRow(row: FileRow): File {
  const version = currentOf(row)
  const file: File = {
    study: row.studyId as StudyId,
    id: row.id as FileId,
    number: row.number,
    owner: ownerOf(row.owner),
    handle: row.handle as Handle,
    name: row.name,
    category: row.category,
    source: row.source,
    title: row.title,
    description: row.description,
    tags: stringsOf(row.tags),
    metadata: metadataOf(row.metadata),
    foreign: foreignOf(row.foreignData),
    visibility: row.visibility === 'public' && row.publicNow === 0 ? 'study' : row.visibility,
    revision: row.revision,
    createdBy: row.createdBy as Actor,
    createdAt: dateOf(row.createdAt),
    updatedAt: dateOf(row.updatedAt),
    granted: row.granted ?? null,
    draft: row.draft === 1,
    content:
      version === undefined
        ? { status: 'pending' }
        : { status: 'complete', version, listedAt: row.draft === 1 ? null : dateOf(written(row.listedAt)) },
  }
  return row.leftAt === null ? file : { ...file, ...ofWhoLeft(row, row.leftAt) }
}
