import { sql, type SQL } from './sql.ts'
import type { File } from '../model/entities.ts'
import type { FileId } from '../model/ids.ts'
import type { Rule } from '../model/rules.ts'
import { record } from './audit.ts'
import { allows, targetFile } from './conditions.ts'
import { first, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { fileColumns, fileOfRow, type FileRow, grantedToCaller } from './file-rows.ts'
import { isNamed } from './files.ts'
import { dropObjects } from './object-deletions.ts'
import { type FoundVersion, numberedStatement, versionOfFileRow } from './versions.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

/** A version by its number, the file that it was seen in, and the number of the one that it is to be moved to. */
export type Move = Readonly<{ version: number; from: FileId; to: number; rule: Rule }>

/** What keeps a version where it is: it is the last of its file, or too late for a file that has the latest only. */
export type Hindrance = 'last' | 'late'
/** Where the version is afterwards, and where it should be. */
export type TriedMove = FoundVersion & Readonly<{ target: File | undefined; hindrance: Hindrance | undefined }>

/** What a file's row has of its current version: as the file calls it, and as the version does. */
const FACTS = {
  version_id: 'id',
  version_number: 'number',
  version_name: 'name',
  media_type: 'media_type',
  size: 'size',
  md5: 'md5',
  sha256: 'sha256',
  verified: 'verified',
  etag: 'etag',
  object_key: 'object_key',
  version_created_at: 'created_at',
  completed_at: 'completed_at',
}
const current = sql.raw(Object.keys(FACTS).join(', '))
const factsOf = (alias: string): SQL =>
  sql.raw(
    Object.values(FACTS)
      .map((fact) => `${alias}.${fact}`)
      .join(', '),
  )

/** Whether the version `v` is all that its file `f` has, which is no draft. */
const isLast = sql`(f.draft = 0 AND NOT EXISTS (SELECT 1 FROM versions o INDEXED BY versions_file
  WHERE o.study_id = v.study_id AND o.file_id = v.file_id AND o.number <> v.number))`
const latestOnly = (study: string): SQL =>
  sql`EXISTS (SELECT 1 FROM studies s WHERE s.id = ${study} AND s.retention = 'latest')`
/** Whether the file `t` would not keep the version `v`. */
const isLate = (study: string): SQL => sql`(t.version_number > v.number AND ${latestOnly(study)})`

export const versionMoveStore = (db: Databases) => ({
  /**
   * Moves a version from where it was seen. One statement asks the rule and decides; the others make true of both files
   * what follows from where the version is, whoever has brought it there, so that all of it may be repeated.
   */
  async move(caller: Caller, { version, from, to, rule }: Move): Promise<TriedMove> {
    const { study } = caller
    const now = caller.now.getTime()
    const here = sql`v.study_id = ${study} AND v.number = ${version}`
    const target = sql`(SELECT t.id FROM files t INDEXED BY files_number WHERE t.study_id = ${study} AND t.number = ${to})`
    const named = sql`versions v INDEXED BY versions_number WHERE ${here}`
    const hasArrived = sql`EXISTS (SELECT 1 FROM ${named} AND v.file_id = ${target})`
    const hasLeft = sql`EXISTS (SELECT 1 FROM ${named} AND v.file_id <> ${from})`
    const superseded = sql`v.study_id = ${study} AND v.file_id = ${target} AND v.number < ${version}
      AND v.file_id <> ${from} AND ${latestOnly(study)} AND ${hasArrived}`
    const changed = sql`revision = revision + 1, updated_at = ${now}`

    const [who, , , , , , , , , rows, targets, hindrances] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement(
        withWho(
          caller,
          sql`UPDATE versions AS v INDEXED BY versions_number SET file_id = ${target}
            WHERE ${here} AND v.file_id = ${from} AND EXISTS (SELECT 1 FROM who CROSS JOIN files f CROSS JOIN files t
              WHERE f.study_id = ${study} AND f.id = ${from} AND t.study_id = ${study} AND t.number = ${to}
                AND t.draft = 0 AND t.id <> f.id AND t.owner = f.owner AND NOT ${isLast} AND NOT ${isLate(study)}
                AND ${allows(rule, targetFile('f'))} AND ${allows(rule, targetFile('t'))})`,
        ),
      ),
      record(caller, {
        action: 'version.move',
        owner: sql`(SELECT t.owner FROM files t WHERE t.study_id = ${study} AND t.number = ${to})`,
        object: sql`(SELECT v.id FROM ${named})`,
      }),
      statement(
        sql`UPDATE files AS f SET (${current}) = (SELECT ${factsOf('n')} FROM versions n INDEXED BY versions_file
            WHERE n.study_id = ${study} AND n.file_id = ${from} ORDER BY n.number DESC LIMIT 1), ${changed}
          WHERE f.study_id = ${study} AND f.id = ${from} AND f.version_number = ${version} AND ${hasLeft}`,
      ),
      // What was to be had by a link was this file's.
      statement(
        sql`UPDATE download_tokens AS t INDEXED BY download_tokens_file SET revoked_at = ${now}
          WHERE t.study_id = ${study} AND t.file_id = ${from} AND t.revoked_at IS NULL
            AND t.version_id = (SELECT v.id FROM ${named} AND v.file_id <> ${from})`,
      ),
      statement(
        sql`DELETE FROM files AS f WHERE f.study_id = ${study} AND f.id = ${from} AND f.draft = 1
          AND f.version_id IS NULL AND ${hasLeft} AND NOT EXISTS (SELECT 1 FROM uploads u INDEXED BY uploads_file
            WHERE u.study_id = ${study} AND u.file_id = ${from})`,
      ),
      statement(
        sql`UPDATE files AS f SET (${current}) = (SELECT ${factsOf('v')} FROM ${named}),
            listed_at = coalesce(f.listed_at, ${now}), ${changed}
          WHERE f.study_id = ${study} AND f.id = ${target} AND ${hasArrived}
            AND (f.version_number IS NULL OR f.version_number < ${version})`,
      ),
      dropObjects(
        caller.now,
        sql`SELECT v.study_id, v.object_key, NULL AS multipart_id, f.owner, v.url_expires_at
          FROM versions v INDEXED BY versions_file CROSS JOIN files f ON f.study_id = v.study_id AND f.id = v.file_id
          WHERE ${superseded}`,
      ),
      statement(sql`DELETE FROM versions AS v INDEXED BY versions_file WHERE ${superseded}`),
      numberedStatement(caller, version),
      statement<FileRow>(
        sql`SELECT ${fileColumns('f')}, ${grantedToCaller(caller, 'f')} FROM files f WHERE ${isNamed(caller, { number: to })}`,
      ),
      statement<{ hindrance: Hindrance | null }>(
        sql`SELECT CASE WHEN ${isLast} THEN 'last' WHEN ${isLate(study)} THEN 'late' END AS hindrance
          FROM versions v INDEXED BY versions_number CROSS JOIN files f CROSS JOIN files t
          WHERE ${here} AND f.study_id = ${study} AND f.id = v.file_id AND t.study_id = ${study} AND t.number = ${to}`,
      ),
    )
    const [row, targetRow] = [first(rows), first(targets)]
    return {
      principal: principalOf(first(who), study),
      found: row && versionOfFileRow(row),
      target: targetRow && fileOfRow(targetRow),
      hindrance: first(hindrances)?.hindrance ?? undefined,
    }
  },
})
