import { sql, type SQL } from './sql.ts'
import type { Changes, DeclaredContent, FileDetails, Visibility } from '../model/entities.ts'
import {
  type FileId,
  type Handle,
  NUMBERS_PER_STUDY,
  type ParticipantId,
  type StudyId,
  type UploadId,
  versionOf,
} from '../model/ids.ts'
import type { ForeignData } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { allows, keepsSource, type Target, targetFile, visibilityNow } from './conditions.ts'
import { statement } from './database.ts'
import { newObjectKey, newStagingKey } from './objects.ts'
import { type FreeHandle, freeHandle } from './free-handles.ts'
import { type Caller, withWho } from './who.ts'
import { wordsOf } from './words.ts'

/** How long after a URL has expired a PUT that it began may still be landing. */
export const LANDING_SECONDS = 15 * 60

/** Whose the file is to be: `caller` is the participant that asks. */
export type NewOwner = { kind: 'caller' } | { kind: 'study' } | { kind: 'participant'; id: ParticipantId }

export type NewUpload = Readonly<{
  id: UploadId
  /** The id of the file, if there is none yet under the handle. */
  newFile: FileId
  /** Undefined: always a new file, whose id is its handle, unless there is a `freeHandle`. */
  handle: Handle | undefined
  /** What a file that is always a new one is to be called, as soon as nothing else of its owner's is. */
  freeHandle: FreeHandle | undefined
  owner: NewOwner
  declared: DeclaredContent
  /** Whether nothing that was declared binds the bytes: they are then sent elsewhere first. */
  staged: boolean
  /** What is said of the file; absent: left as it is, or empty in a new one. */
  details: Changes<FileDetails>
  /** What only a protocol knows of a new file. */
  foreign: ForeignData | undefined
  /** Whether a new file is content only, which is on no list until somebody makes a file of it. */
  draft: boolean
  visibility: Visibility | undefined
  /** What the door gives a file when neither the caller nor the study says. */
  doorVisibility: Visibility
  parts: { partBytes: number; partCount: number } | undefined
  urlExpiresAt: Date
  expiresAt: Date
  /** Of the file that is replaced, if the caller said which; `any`: there must be one; `none`: there must not. */
  revision: number | 'any' | 'none' | undefined
  rules: { create: Rule; replace: Rule; publish: Rule }
}>

export const ownerSql = (owner: NewOwner): SQL => {
  switch (owner.kind) {
    case 'caller':
      return sql`who.participant_id`
    case 'study':
      return sql`''`
    case 'participant':
      return sql`${owner.id}`
    default:
      return owner satisfies never
  }
}

export const dueAt = (urlExpiresAt: Date) => urlExpiresAt.getTime() + LANDING_SECONDS * 1000

/** Where a file is looked for that may be there already. */
const handleOf = ({ handle, newFile }: NewUpload): string => handle ?? newFile

/** What a new one is called, with its upload as `u`. */
const newHandleOf = (upload: NewUpload): SQL =>
  upload.freeHandle === undefined
    ? sql`${handleOf(upload)}`
    : freeHandle({ study: sql`u.study_id`, owner: sql`u.owner` }, upload.freeHandle)

/** What a new file would be: seen as it is asked, or as the study has it, or as the door does. */
function visibilityOf(upload: NewUpload, owner: SQL): SQL {
  const asked = sql`coalesce(${upload.visibility ?? null}, s.default_visibility, ${upload.doorVisibility})`
  // Study-owned files are never private.
  return sql`CASE WHEN ${owner} = '' AND ${asked} = 'private' THEN 'study' ELSE ${asked} END`
}

/** Whether a file may be made, with the study as `s`. */
function mayCreate({ rules, revision }: NewUpload, created: Target): SQL {
  // A revision is asked of a file that is there.
  if (revision !== undefined && revision !== 'none') return sql`0`
  return sql`(${allows(rules.create, created)} AND (${created.visibility} <> 'public'
    OR (s.allow_public = 1 AND ${allows(rules.publish, created)})))`
}

/** Whether the file `f` may be replaced. */
function mayReplace({ rules, revision, visibility, details }: NewUpload): SQL {
  if (revision === 'none') return sql`0`
  return sql.join(
    [
      allows(rules.replace, targetFile('f')),
      ...keepsSource(details.source),
      ...(visibility === undefined ? [] : [sql`${visibilityNow('f')} = ${visibility}`]),
      ...(typeof revision === 'number' ? [sql`f.revision = ${revision}`] : []),
    ],
    ' AND ',
  )
}

const placeColumns = (study: StudyId, { id, staged }: NewUpload): SQL =>
  sql`${newObjectKey(study, versionOf(id))}, ${staged ? newStagingKey(study, id) : null}`

const planColumns = ({ parts }: NewUpload): SQL =>
  parts === undefined ? sql`'single', NULL, NULL` : sql`'multipart', ${parts.partBytes}, ${parts.partCount}`

/** The one statement that asks the rules; what follows in its batch hangs on the row that it makes. */
export function insertUpload(caller: Caller, upload: NewUpload) {
  const { study, now } = caller
  const { declared } = upload
  const owner = ownerSql(upload.owner)
  const created = {
    study: sql`s.id`,
    file: undefined,
    owner,
    visibility: visibilityOf(upload, owner),
    createdBy: sql`who.actor`,
    source: sql`${upload.details.source ?? null}`,
  }
  return statement(
    withWho(
      caller,
      sql`INSERT INTO uploads (study_id, id, file_id, owner, number, attempt, object_key, staging_key, kind, part_bytes,
          part_count, name, media_type, size, md5, sha256, changes, created_by, created_at, url_expires_at, expires_at, due_at)
        SELECT s.id, ${upload.id}, coalesce(f.id, ${upload.newFile}), ${owner},
          s.number * ${NUMBERS_PER_STUDY} + s.next_number, 1, ${placeColumns(study, upload)},
          ${planColumns(upload)},
          ${declared.name}, ${declared.mediaType}, ${declared.size}, ${declared.md5}, ${declared.sha256},
          CASE WHEN f.id IS NULL THEN '{}' ELSE ${JSON.stringify(upload.details)} END, who.actor, ${now.getTime()},
          ${upload.urlExpiresAt.getTime()}, ${upload.expiresAt.getTime()}, ${dueAt(upload.urlExpiresAt)}
        FROM who JOIN studies s ON s.id = ${study}
        LEFT JOIN files f ON f.study_id = ${study} AND f.owner = ${owner} AND f.handle = ${handleOf(upload)}
        WHERE ${owner} IS NOT NULL AND s.next_number < ${NUMBERS_PER_STUDY}
          AND CASE WHEN f.id IS NULL THEN ${mayCreate(upload, created)} ELSE ${mayReplace(upload)} END
        ON CONFLICT DO NOTHING`,
    ),
  )
}

/**
 * Right after the upload's row: counts it and its file against what the study may hold, and moves the counter past the
 * number that it took. A batch that is repeated inserts nothing, and counts nothing.
 */
export const countUpload = ({ study }: Caller, { id, handle, newFile, declared }: NewUpload) =>
  statement(
    sql`UPDATE studies SET next_number = next_number + 1, bytes = bytes + ${declared.size},
        files = files + ${
          handle === undefined
            ? sql`1`
            : sql`(SELECT u.file_id = ${newFile} FROM uploads u WHERE u.study_id = ${study} AND u.id = ${id})`
        }
      WHERE id = ${study} AND changes() > 0`,
  )

/** The file of an upload that found none under its handle. */
export function insertFile({ study }: Caller, upload: NewUpload) {
  const { category, source, title, description, tags, metadata } = upload.details
  const json = metadata === undefined || metadata === null ? null : JSON.stringify(metadata)
  const foreign = upload.foreign === undefined ? null : JSON.stringify(upload.foreign)
  return statement(
    sql`INSERT INTO files (study_id, id, owner, handle, number, name, category, source, title, description, tags,
        metadata, visibility, created_by, created_at, updated_at, name_words, title_words, description_words,
        foreign_data, draft)
      SELECT s.id, u.file_id, u.owner, ${newHandleOf(upload)}, u.number, u.name, ${category ?? null}, ${source ?? null},
        ${title ?? null}, ${description ?? null}, ${JSON.stringify(tags ?? [])}, ${json},
        ${visibilityOf(upload, sql`u.owner`)}, u.created_by, u.created_at, u.created_at,
        ${wordsOf(upload.declared.name)}, ${wordsOf(title ?? null)}, ${wordsOf(description ?? null)}, ${foreign},
        ${upload.draft ? 1 : 0}
      FROM uploads u JOIN studies s ON s.id = u.study_id
      WHERE u.study_id = ${study} AND u.id = ${upload.id} AND u.file_id = ${upload.newFile}
      ON CONFLICT DO NOTHING`,
  )
}
