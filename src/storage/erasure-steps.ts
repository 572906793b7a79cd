import { sql, type SQL } from './sql.ts'
import type { ErasedThing } from '../model/erasures.ts'
import type { ErasureId, ParticipantId, StudyId } from '../model/ids.ts'
import { statement } from './database.ts'
import { dropObjects, dropUploadObjects } from './object-deletions.ts'

// What one step of an erasure removes: a bounded part of everything, in one batch. What goes is found by what it is,
// never by a list made before: a step may run again, or beside another, and goes on from whatever is there.

/** Whose rows go; `participant` null: all of the study's. */
export type Erasing = Readonly<{ study: StudyId; id: ErasureId; participant: ParticipantId | null }>

/** How much of each a step takes at most. Bodies are up to a mebibyte; a grant's removal rewrites its file's words. */
const AT_ONCE = { files: 100, versions: 300, uploads: 300, parts: 10_000, grants: 200, bodies: 50, rows: 1_000 }
/** Of links, each of which is a call to KV too. */
const LINKS_AT_ONCE = 50
/** How long a link's record may still be on its way to KV after its row was made. */
const LINK_MARGIN_MS = 60_000

/** What is counted besides what the receipt tells: whether a step had anything to do shows in the counts. */
type Counted =
  | ErasedThing
  | 'parts'
  | 'bodies'
  | 'requests'
  | 'documentSchemas'
  | 'auditEvents'
  | 'places'
  | 'sessions'
  | 'hosts'
  | 'departures'
  | 'assertions'
  | 'reportNames'

type Range = Readonly<{ index?: string; is: (participant: ParticipantId) => SQL }>
/** Rows that go by themselves. */
type Portion = Readonly<{
  counted: Counted
  table: string
  /** The primary key's columns after the study. */
  key: string
  atOnce?: number
  /** Where a participant's are; absent: only the study has such. */
  ranges?: readonly Range[]
}>

const named = (participant: ParticipantId) => `participant:${participant}`
const OWNED: Range = { is: (participant) => sql`owner = ${participant}` }
const THEIRS: Range = { is: (participant) => sql`participant_id = ${participant}` }

const PORTIONS: readonly Portion[] = [
  {
    counted: 'grants',
    table: 'grants',
    key: 'file_id, principal',
    atOnce: AT_ONCE.grants,
    ranges: [{ index: 'grants_principal', is: (participant) => sql`principal = ${named(participant)}` }],
  },
  { counted: 'documents', table: 'documents', key: 'participant_id, identifier', ranges: [THEIRS] },
  {
    counted: 'bodies',
    table: 'document_bodies',
    key: 'participant_id, identifier',
    atOnce: AT_ONCE.bodies,
    ranges: [THEIRS],
  },
  { counted: 'documentSchemas', table: 'document_schemas', key: 'identifier' },
  // Before their entries: then these have no row to be counted in.
  { counted: 'reports', table: 'reports', key: 'owner, identifier', ranges: [OWNED] },
  { counted: 'entries', table: 'report_entries', key: 'owner, identifier, kind, at', ranges: [OWNED] },
  {
    counted: 'requests',
    table: 'idempotency_keys',
    key: 'actor, key',
    ranges: [
      { index: 'idempotency_keys_owner', is: OWNED.is },
      { is: (participant) => sql`actor = ${named(participant)}` },
    ],
  },
  {
    counted: 'enrolmentCodes',
    table: 'enrolment_codes',
    key: 'hash',
    ranges: [{ index: 'enrolment_codes_participant', is: THEIRS.is }],
  },
  {
    counted: 'sessions',
    table: 'sessions',
    key: 'hash',
    ranges: [{ index: 'sessions_participant', is: THEIRS.is }],
  },
  { counted: 'hosts', table: 'hosts', key: 'host', ranges: [{ index: 'hosts_participant', is: THEIRS.is }] },
  { counted: 'assertions', table: 'assertions', key: 'key_id, hash' },
  { counted: 'reportNames', table: 'report_names', key: 'identifier' },
  { counted: 'keys', table: 'api_keys', key: 'hash', ranges: [{ index: 'api_keys_participant', is: THEIRS.is }] },
  {
    counted: 'members',
    table: 'members',
    key: 'issuer, subject',
    ranges: [{ index: 'members_participant', is: THEIRS.is }],
  },
  { counted: 'departures', table: 'departures', key: 'participant_id', ranges: [THEIRS] },
  { counted: 'participants', table: 'participants', key: 'id' },
  { counted: 'auditEvents', table: 'audit_events', key: 'id' },
  { counted: 'places', table: 'shelf', key: 'scope, term, listed_at, file_id' },
]

/** The study while the erasure is still taking rows, else none: a step that comes late must not touch who comes after. */
const studyOf = ({ study, id }: Erasing): SQL =>
  sql`(SELECT e.study_id FROM erasures e WHERE e.study_id = ${study} AND e.id = ${id} AND e.state = 'erasing')`

/** A portion's rows, as what comes after `FROM`: one stretch for each range. */
function stretchesOf(erasing: Erasing, { table, ranges }: Portion): SQL[] {
  const { participant } = erasing
  if (participant === null) return [sql`${sql.raw(table)} WHERE study_id = ${studyOf(erasing)}`]
  return (ranges ?? []).map(
    ({ index, is }) =>
      sql`${sql.raw(index === undefined ? table : `${table} INDEXED BY ${index}`)}
        WHERE study_id = ${studyOf(erasing)} AND ${is(participant)}`,
  )
}

/** Right after a statement that removes things: adds how many went to the receipt. */
const count = ({ study, id }: Erasing, counted: Counted) =>
  statement(
    sql`UPDATE erasures SET counts = json_set(counts, ${`$.${counted}`}, coalesce(counts ->> ${counted}, 0) + changes())
      WHERE study_id = ${study} AND id = ${id} AND changes() > 0`,
  )

const removePortion = (erasing: Erasing, portion: Portion) =>
  stretchesOf(erasing, portion).flatMap((stretch) => {
    const key = sql.raw(`study_id, ${portion.key}`)
    return [
      statement(
        sql`DELETE FROM ${sql.raw(portion.table)} WHERE (${key}) IN (
          SELECT ${key} FROM ${stretch} LIMIT ${portion.atOnce ?? AT_ONCE.rows})`,
      ),
      count(erasing, portion.counted),
    ]
  })

/** Files, versions and uploads, each the first of those that are left. */
function firstOf(erasing: Erasing) {
  const { participant } = erasing
  const study = studyOf(erasing)
  const parts = (uploads: SQL) => sql`SELECT p.* FROM ${uploads} LIMIT ${AT_ONCE.parts}`
  if (participant === null) {
    return {
      files: sql`SELECT f.* FROM files f WHERE f.study_id = ${study} ORDER BY f.id LIMIT ${AT_ONCE.files}`,
      versions: sql`SELECT v.* FROM versions v WHERE v.study_id = ${study} ORDER BY v.id LIMIT ${AT_ONCE.versions}`,
      uploads: sql`SELECT u.* FROM uploads u WHERE u.study_id = ${study} ORDER BY u.id LIMIT ${AT_ONCE.uploads}`,
      parts: parts(sql`upload_parts p WHERE p.study_id = ${study}`),
    }
  }
  const files = sql`SELECT f.* FROM files f INDEXED BY files_handle
    WHERE f.study_id = ${study} AND f.owner = ${participant} ORDER BY f.handle LIMIT ${AT_ONCE.files}`
  const uploads = sql`SELECT u.* FROM uploads u INDEXED BY uploads_owner
    WHERE u.study_id = ${study} AND u.owner = ${participant} ORDER BY u.id LIMIT ${AT_ONCE.uploads}`
  return {
    files,
    versions: sql`SELECT v.* FROM (${files}) f CROSS JOIN versions v INDEXED BY versions_file
      ON v.study_id = f.study_id AND v.file_id = f.id LIMIT ${AT_ONCE.versions}`,
    uploads,
    parts: parts(sql`(${uploads}) u CROSS JOIN upload_parts p ON p.study_id = u.study_id AND p.upload_id = u.id`),
  }
}

/** Of the row under an alias there is none in a table; `on` says which would be its. */
const hasNo = (table: string, alias: string, on: string): SQL =>
  sql.raw(`NOT EXISTS (SELECT 1 FROM ${table} x WHERE x.study_id = ${alias}.study_id AND ${on})`)
/** Nothing that has bytes goes before the outbox knows of them. */
const isInOutbox = (alias: string): SQL =>
  sql.raw(`EXISTS (SELECT 1 FROM object_deletions d
    WHERE d.study_id = ${alias}.study_id AND d.object_key = ${alias}.object_key)`)

/** Files go when nothing is left that hangs on them, so one with many versions takes several steps. */
function removeFiles(erasing: Erasing, now: Date) {
  const { files, versions, uploads, parts } = firstOf(erasing)
  const partless = sql`SELECT u.* FROM (${uploads}) u WHERE ${hasNo('upload_parts', 'u', 'x.upload_id = u.id')}`
  return [
    dropObjects(
      now,
      sql`SELECT v.study_id, v.object_key, NULL AS multipart_id, coalesce((SELECT f.owner FROM files f
          WHERE f.study_id = v.study_id AND f.id = v.file_id), '') AS owner, v.url_expires_at FROM (${versions}) v`,
    ),
    statement(
      sql`DELETE FROM versions AS v WHERE (v.study_id, v.id) IN (SELECT study_id, id FROM (${versions}))
        AND ${isInOutbox('v')}`,
    ),
    count(erasing, 'versions'),
    statement(
      sql`DELETE FROM upload_parts WHERE (study_id, upload_id, number) IN (
        SELECT study_id, upload_id, number FROM (${parts}))`,
    ),
    count(erasing, 'parts'),
    dropUploadObjects(now, partless),
    statement(
      sql`DELETE FROM uploads AS u WHERE (u.study_id, u.id) IN (SELECT study_id, id FROM (${partless}))
        AND ${isInOutbox('u')}`,
    ),
    count(erasing, 'uploads'),
    statement(
      sql`DELETE FROM grants WHERE (study_id, file_id, principal) IN (
        SELECT g.study_id, g.file_id, g.principal FROM (${files}) f CROSS JOIN grants g
          ON g.study_id = f.study_id AND g.file_id = f.id LIMIT ${AT_ONCE.grants})`,
    ),
    count(erasing, 'grants'),
    statement(
      sql`DELETE FROM files WHERE (study_id, id) IN (SELECT f.study_id, f.id FROM (${files}) f
        WHERE ${hasNo('versions', 'f', 'x.file_id = f.id')} AND ${hasNo('uploads', 'f', 'x.file_id = f.id')}
          AND ${hasNo('grants', 'f', 'x.file_id = f.id')})`,
    ),
    count(erasing, 'files'),
  ]
}

const linksOf = (erasing: Erasing): SQL =>
  erasing.participant === null
    ? sql`download_tokens WHERE study_id = ${studyOf(erasing)}`
    : sql`download_tokens INDEXED BY download_tokens_owner
        WHERE study_id = ${studyOf(erasing)} AND owner = ${erasing.participant}`

/** The links that a step takes: their records in KV go first, since only the rows know them. */
export const linksStatement = (erasing: Erasing, now: Date) =>
  statement<{ hash: string }>(
    sql`SELECT hash FROM ${linksOf(erasing)} AND created_at <= ${now.getTime() - LINK_MARGIN_MS} LIMIT ${LINKS_AT_ONCE}`,
  )

/** The hosts that a step takes, for the directory of several databases, which has their names too. */
export const hostsStatement = (erasing: Erasing) =>
  statement<{ host: string }>(
    erasing.participant === null
      ? sql`SELECT host FROM hosts WHERE study_id = ${studyOf(erasing)} LIMIT ${AT_ONCE.rows}`
      : sql`SELECT host FROM hosts INDEXED BY hosts_participant
          WHERE study_id = ${studyOf(erasing)} AND participant_id = ${erasing.participant} LIMIT ${AT_ONCE.rows}`,
  )

/** What a step removes; `links` are those whose records are gone. */
export const removalStatements = (erasing: Erasing, { now, links }: { now: Date; links: readonly string[] }) => [
  statement(
    sql`DELETE FROM download_tokens WHERE study_id = ${studyOf(erasing)}
      AND hash IN (SELECT value FROM json_each(${JSON.stringify(links)}))`,
  ),
  count(erasing, 'links'),
  ...removeFiles(erasing, now),
  ...PORTIONS.flatMap((portion) => removePortion(erasing, portion)),
]

/** Whether no row is left that a step would remove. */
export function isEmpty(erasing: Erasing): SQL {
  const { files, versions, uploads, parts } = firstOf(erasing)
  const left = [
    sql`SELECT 1 FROM ${linksOf(erasing)}`,
    ...[files, versions, uploads, parts].map((each) => sql`SELECT 1 FROM (${each})`),
    ...PORTIONS.flatMap((portion) => stretchesOf(erasing, portion)).map((stretch) => sql`SELECT 1 FROM ${stretch}`),
  ]
  return sql.join(
    left.map((each) => sql`NOT EXISTS (${each})`),
    ' AND ',
  )
}
