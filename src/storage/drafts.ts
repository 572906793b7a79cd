import { sql } from './sql.ts'
import type { FileDetails } from '../model/entities.ts'
import type { Rule } from '../model/rules.ts'
import { record } from './audit.ts'
import { allows, targetFile } from './conditions.ts'
import { first, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { assignments, isSaid } from './files.ts'
import { type FoundVersion, numberedStatement, versionOfFileRow } from './versions.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

export const draftStore = (db: Databases) => ({
  /**
   * Makes a file of the draft that a version belongs to, if it still is one and the rule lets the caller edit it.
   * `named` is also what an earlier run of this batch, whose answer was lost, has named just so.
   */
  async name(
    caller: Caller,
    version: number,
    { rule, details }: { rule: Rule; details: Partial<FileDetails> },
  ): Promise<FoundVersion & { named: boolean }> {
    const { study } = caller
    const now = caller.now.getTime()
    const file = sql`(SELECT v.file_id FROM versions v INDEXED BY versions_number
      WHERE v.study_id = ${study} AND v.number = ${version})`
    const set = [
      ...assignments(details),
      sql`draft = 0, listed_at = ${now}, revision = revision + 1, updated_at = ${now}`,
    ]
    const [who, named, , rows, done] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<{ id: string }>(
        withWho(
          caller,
          sql`UPDATE files AS f SET ${sql.join(set, ', ')} FROM who
            WHERE f.study_id = ${study} AND f.id = ${file} AND f.draft = 1 AND ${allows(rule, targetFile('f'))}
            RETURNING id`,
        ),
      ),
      record(caller, {
        action: 'file.edit',
        owner: sql`(SELECT f.owner FROM files f WHERE f.study_id = ${study} AND f.id = ${file})`,
        object: file,
      }),
      numberedStatement(caller, version),
      statement<{ id: string }>(
        sql`SELECT f.id FROM files f WHERE f.study_id = ${study} AND f.id = ${file} AND f.draft = 0
          AND f.listed_at = ${now} AND f.updated_at = ${now}${isSaid(details)}`,
      ),
    )
    const row = first(rows)
    return {
      principal: principalOf(first(who), study),
      found: row && versionOfFileRow(row),
      named: named.length > 0 || done.length > 0,
    }
  },
})
