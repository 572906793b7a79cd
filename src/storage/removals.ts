import { sql, type SQL } from './sql.ts'
import type { GrantLevel, Owner, ParticipantStatus, Visibility } from '../model/entities.ts'
import { type FileId, newId, type ParticipantId } from '../model/ids.ts'
import type { Actor, Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { recordFirst } from './audit.ts'
import { allows, allowsPublic, READ_ONCE, targetFile, visibilityNow } from './conditions.ts'
import { first, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { atRevision, grantedToCaller, isFile, ownerOf } from './file-rows.ts'
import { dropObjects, dropUploadObjects } from './object-deletions.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

/**
 * How many files one call removes: with all that they have on the shelf and in the index of words, some ten thousand
 * rows are written.
 */
const FILES_AT_ONCE = 200
/** With that many versions among them no further file is taken along; one file's go with it, however many they are. */
const VERSIONS_AT_ONCE = 2_000

/** Files of one owner (`me`: the caller; null: the study): all of them, those of one name, or the one of a number. */
export type Owned = Readonly<{
  owner: ParticipantId | 'me' | null
  name: string | undefined
  number?: number | undefined
  /** Only those with content that this rule lets the caller see, too. */
  seenBy?: Rule | undefined
}>

export type NamedFile = Readonly<{ id: FileId; number: number; name: string }>
/** What the rules want to know of a file. */
export type JudgedFile = NamedFile &
  Readonly<{
    owner: Owner
    visibility: Visibility
    createdBy: Actor
    granted: GrantLevel | null
    source: string | null
  }>

type JudgedRow = {
  id: string
  number: number
  name: string
  owner: string
  visibility: Visibility
  createdBy: string
  source: string | null
} & {
  publicNow: number
  granted: GrantLevel | null
}

const judgedOf = (row: JudgedRow): JudgedFile => ({
  id: row.id as FileId,
  number: row.number,
  name: row.name,
  owner: ownerOf(row.owner),
  visibility: row.visibility === 'public' && row.publicNow === 0 ? 'study' : row.visibility,
  createdBy: row.createdBy as Actor,
  granted: row.granted,
  source: row.source,
})

/**
 * What takes files away with their versions and uploads; the bytes go through the outbox, grants, shelf and words by
 * triggers. `files` selects `id` and `owner` of each that is there: it is asked by every statement, and the files
 * themselves go last.
 */
function removeFiles({ study, now }: Pick<Caller, 'study' | 'now'>, files: SQL) {
  const uploads = sql`(${files}) gone CROSS JOIN uploads u INDEXED BY uploads_file
    ON u.study_id = ${study} AND u.file_id = gone.id`
  const ids = sql`SELECT gone.id FROM (${files}) gone`
  return [
    dropObjects(
      now,
      sql`SELECT v.study_id, v.object_key, NULL AS multipart_id, gone.owner, v.url_expires_at
        FROM (${files}) gone CROSS JOIN versions v INDEXED BY versions_file
          ON v.study_id = ${study} AND v.file_id = gone.id`,
    ),
    dropUploadObjects(now, sql`SELECT u.* FROM ${uploads}`),
    statement(sql`DELETE FROM versions INDEXED BY versions_file WHERE study_id = ${study} AND file_id IN (${ids})`),
    statement(sql`DELETE FROM upload_parts WHERE study_id = ${study} AND upload_id IN (SELECT u.id FROM ${uploads})`),
    statement(sql`DELETE FROM uploads INDEXED BY uploads_file WHERE study_id = ${study} AND file_id IN (${ids})`),
    statement(sql`DELETE FROM files WHERE study_id = ${study} AND id IN (${ids})`),
  ] as const
}

export const removalStore = (db: Databases) => ({
  /** What there is of the files that are asked for by id, in no order, whether or not the caller may see it. */
  async judge(
    caller: Caller,
    ids: readonly FileId[],
  ): Promise<{ principal: Principal | undefined; files: JudgedFile[] }> {
    const [who, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<JudgedRow>(
        sql`SELECT f.id, f.number, f.name, f.owner, ${visibilityNow('f')} AS visibility, f.created_by AS "createdBy",
            f.source,
            (f.visibility = 'public' AND ${allowsPublic(sql`f.study_id`)}) AS "publicNow", ${grantedToCaller(caller, 'f')}
          FROM json_each(${JSON.stringify(ids)}) asked CROSS JOIN files f
            ON ${isFile(caller.study, sql`asked.value`)}`,
      ),
    )
    return { principal: principalOf(first(who), caller.study), files: rows.map(judgedOf) }
  },

  /**
   * Files of an owner that the rule lets the caller remove, without content or with; as many as go at once, and
   * whether there are more. `status` is the owner's, undefined where there is no such participant.
   */
  async choose(
    caller: Caller,
    { owner: asked, name, number, seenBy }: Owned,
    rule: Rule,
  ): Promise<{
    principal: Principal | undefined
    status: ParticipantStatus | undefined
    files: NamedFile[]
    more: boolean
  }> {
    const owner = asked === 'me' ? sql`(SELECT participant_id FROM who)` : sql`${asked ?? ''}`
    const isSeen =
      seenBy === undefined ? sql`1` : sql`f.listed_at IS NOT NULL AND ${allows(seenBy, targetFile('f'), READ_ONCE)}`
    const mayGo = sql`${isSeen} AND ${allows(rule, targetFile('f'), READ_ONCE)}`
    const owned = sql`f.study_id = ${caller.study} AND f.owner = ${owner} AND ${mayGo}`
    const named = sql`f.id, f.number, f.name, (SELECT count(*) FROM versions v INDEXED BY versions_file
      WHERE v.study_id = f.study_id AND v.file_id = f.id) AS versions`
    // The study's own are never private, and on no shelf of an owner's.
    const ofName = (
      of: string,
    ) => sql`SELECT ${named} FROM shelf s CROSS JOIN files f ON f.study_id = s.study_id AND f.id = s.file_id
        WHERE s.study_id = ${caller.study} AND s.scope = ${asked === null ? '+' : sql`'own:' || ${owner}`}
          AND s.term = ${`n:${of}`} AND f.owner = ${owner} AND ${mayGo}
      UNION ALL SELECT ${named} FROM files f INDEXED BY files_pending_owner
        WHERE ${owned} AND f.listed_at IS NULL AND f.name = ${of}`
    const all = sql`SELECT ${named} FROM files f INDEXED BY files_handle WHERE ${owned}`
    const ofNumber = (of: number) =>
      sql`SELECT ${named} FROM files f INDEXED BY files_number WHERE ${owned} AND f.number = ${of}`
    const wanted = name === undefined ? all : ofName(name)
    const [who, participants, files] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<{ status: ParticipantStatus }>(
        withWho(
          caller,
          sql`SELECT p.status FROM participants p
            WHERE p.study_id = ${caller.study} AND p.id = ${owner} AND p.status <> 'erasing'`,
        ),
      ),
      statement<NamedFile & { versions: number }>(
        withWho(caller, sql`${number === undefined ? wanted : ofNumber(number)} LIMIT ${FILES_AT_ONCE + 1}`),
      ),
    )
    let versions = 0
    const together = files.slice(0, FILES_AT_ONCE).filter((file, index) => {
      versions += file.versions
      return index === 0 || versions <= VERSIONS_AT_ONCE
    })
    return {
      principal: principalOf(first(who), caller.study),
      status: first(participants)?.status,
      files: together,
      more: files.length > together.length,
    }
  },

  /**
   * Removes those of the files that the rule lets the caller remove, with all that is theirs and in one batch: a file
   * goes whole or not at all. What goes is what was put on record first, by this batch and no other. `removed` are
   * those; `left` are those that are still there.
   */
  async remove(
    caller: Caller,
    ids: readonly FileId[],
    { rule, revision }: { rule: Rule; revision?: number | undefined },
  ): Promise<{ removed: FileId[]; left: { id: FileId; revision: number }[] }> {
    const { study } = caller
    const events = JSON.stringify(ids.map((id) => [id, newId('aud', caller.now)]))
    const chosen = sql`json_each(${events}) chosen`
    const event = sql`audit_events e ON e.study_id = ${study} AND e.id = chosen.value ->> 1`
    const file = (id: SQL) => sql`files f ON f.study_id = ${study} AND f.id = ${id}`
    const [, removed, left] = await db.of(caller.study).batch(
      recordFirst(
        caller,
        { action: 'file.delete', owner: sql`f.owner`, object: sql`f.id`, id: sql`chosen.value ->> 1` },
        sql`CROSS JOIN ${chosen} CROSS JOIN ${file(sql`chosen.value ->> 0`)}
          WHERE ${allows(rule, targetFile('f'), READ_ONCE)} AND ${atRevision(revision)}`,
      ),
      statement<{ id: FileId }>(sql`SELECT e.object AS id FROM ${chosen} CROSS JOIN ${event}`),
      statement<{ id: FileId; revision: number }>(
        sql`SELECT f.id, f.revision FROM ${chosen} CROSS JOIN ${file(sql`chosen.value ->> 0`)} LEFT JOIN ${event}
          WHERE e.id IS NULL`,
      ),
      ...removeFiles(
        caller,
        sql`SELECT f.id, f.owner FROM ${chosen} CROSS JOIN ${event} CROSS JOIN ${file(sql`e.object`)}`,
      ),
    )
    return { removed: removed.map(({ id }) => id), left }
  },
})
