import { sql, type SQL } from './sql.ts'
import type { Grant, GrantLevel } from '../model/entities.ts'
import { type FileId, newId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal, PrincipalName } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { isOnRecord, record, recordFirst } from './audit.ts'
import { allows, targetFile, targetStudy } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { columnsOf, dateOf, dateOrNull, first, type Row, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { fileOfRow, fileStatement } from './file-rows.ts'
import type { FoundFile } from './files.ts'
import { grants } from './schema/grants.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

/** With how many a file can be shared: their names, in full, are one value of the index of words. */
export const MAX_GRANTS = 500
/** How many grants of many files are told at once; of the last of them, not all. */
const MAX_TOLD = 20_000

/** What is to be granted to whom; null: for good. */
export type NewGrant = Readonly<{ principal: PrincipalName; level: GrantLevel; expiresAt: Date | null }>

/** `share`: who may share a file. `know`: who may know which participants there are. */
export type GrantRules = Readonly<{ share: Rule; know: Rule }>

/** What became of it; `refused`: the caller may not share the file, or nothing of its owner's is written any more. */
export type GrantOutcome = 'granted' | 'refused' | 'own' | 'unknown' | 'full'

export type GrantRow = Row<typeof grants>
export const grantColumns = columnsOf(grants, 'g')

export const grantOfRow = (row: GrantRow): Grant => ({
  file: row.fileId as FileId, // ids are what was put in
  principal: row.principal as PrincipalName,
  level: row.level,
  createdAt: dateOf(row.createdAt),
  expiresAt: dateOrNull(row.expiresAt),
})

export const stands = (now: Date): SQL => sql`(g.expires_at IS NULL OR g.expires_at > ${now.getTime()})`

/** A participant's row, where the principal is one: the names of members begin with another word. */
const participantNamed = ({ study }: Caller, principal: PrincipalName): SQL =>
  sql`SELECT 1 FROM participants p WHERE p.study_id = ${study} AND ${principal} = 'participant:' || p.id
    AND p.id = substr(${principal}, length('participant:') + 1)`

/**
 * Whether a name is anyone's with whom files can be shared: of the team, a member; of the participants, one who is not
 * being erased. To a caller who may not know which participants there are, every participant's name is somebody's:
 * sharing would else be a way to find them out. Such a grant waits for its participant, and shows nobody anything until
 * then.
 */
export const isSomebody = (caller: Caller, principal: PrincipalName, know: Rule): SQL =>
  principal.startsWith('member:')
    ? sql`EXISTS (SELECT 1 FROM members m INDEXED BY members_id WHERE m.study_id = ${caller.study}
        AND m.id = ${principal.slice('member:'.length)} AND m.participant_id IS NULL)`
    : sql`(NOT ${allows(know, targetStudy(caller.study))}
        OR EXISTS (${participantNamed(caller, principal)} AND p.status <> 'erasing'))`

/** Whether it is a participant who is being erased: nothing is kept under that name, since it would end with them. */
export const isLeaving = (caller: Caller, principal: PrincipalName): SQL =>
  sql`EXISTS (${participantNamed(caller, principal)} AND p.status = 'erasing')`

/** Whether the file `f` is the principal's own. */
export const isTheirs = (principal: PrincipalName): SQL => sql`'participant:' || f.owner = ${principal}`

/** Whether the file `f` is shared with too many others to be shared with this one. */
export const isFull = (principal: PrincipalName): SQL =>
  sql`(NOT EXISTS (SELECT 1 FROM grants g WHERE g.study_id = f.study_id AND g.file_id = f.id AND g.principal = ${principal})
    AND (SELECT count(*) FROM grants g WHERE g.study_id = f.study_id AND g.file_id = f.id) >= ${MAX_GRANTS})`

/**
 * Shares every file `f` of the study that `which` holds for and that the caller may share. What is shared so already is
 * not changed, so a batch that is repeated changes nothing. Nothing is kept under the name of somebody who is being
 * erased: it would end with them.
 */
export const putGrants = (
  caller: Caller,
  { which, grant, rules }: { which: SQL; grant: NewGrant; rules: GrantRules },
) => {
  const { study } = caller
  const now = caller.now.getTime()
  return statement(
    withWho(
      caller,
      sql`INSERT INTO grants (study_id, file_id, principal, level, expires_at, created_at)
        SELECT f.study_id, f.id, ${grant.principal}, ${grant.level}, ${grant.expiresAt?.getTime() ?? null}, ${now}
        FROM who CROSS JOIN files f WHERE f.study_id = ${study} AND ${which} AND ${allows(rules.share, targetFile('f'))}
          AND NOT ${isTheirs(grant.principal)} AND ${isSomebody(caller, grant.principal, rules.know)}
          AND NOT ${isLeaving(caller, grant.principal)}
          AND NOT ${isFull(grant.principal)}
        ON CONFLICT DO UPDATE SET level = excluded.level, expires_at = excluded.expires_at,
          created_at = CASE WHEN expires_at <= ${now} THEN ${now} ELSE created_at END
        WHERE level <> excluded.level OR expires_at IS NOT excluded.expires_at`,
    ),
  )
}

/** Ends what is shared with a principal of every file `f` that `which` holds for and that the caller may share. */
export const dropGrants = (
  caller: Caller,
  { which, principal, rule }: { which: SQL; principal: PrincipalName; rule: Rule },
) => {
  const { study } = caller
  return statement<{ fileId: string }>(
    withWho(
      caller,
      sql`DELETE FROM grants AS g WHERE g.study_id = ${study} AND g.principal = ${principal} AND ${stands(caller.now)}
        AND g.file_id IN (SELECT f.id FROM who CROSS JOIN files f
          WHERE f.study_id = ${study} AND ${which} AND ${allows(rule, targetFile('f'))})
        RETURNING file_id AS "fileId"`,
    ),
  )
}

export const grantStore = (db: Databases) => ({
  /** Shares a file, or shares it otherwise. `createdAt` is of the grant that stands now. */
  async put(
    caller: Caller,
    { file, grant, rules }: { file: FileId; grant: NewGrant; rules: GrantRules },
  ): Promise<FoundFile & { outcome: GrantOutcome | undefined; createdAt: Date }> {
    const { study, now } = caller
    const id = newId('aud', now)
    const which = sql`f.id = ${file}`
    const [who, , , files, outcomes] = await db.of(caller.study).batch(
      whoStatement(caller),
      putGrants(caller, { which: sql`${which} AND NOT ${isOnRecord(caller, id)}`, grant, rules }),
      record(caller, {
        id,
        action: 'file.grant',
        owner: sql`(SELECT f.owner FROM files f WHERE f.study_id = ${study} AND f.id = ${file})`,
        object: file,
      }),
      fileStatement(caller, file),
      statement<{ outcome: GrantOutcome; createdAt: number | null }>(
        withWho(
          caller,
          sql`SELECT CASE WHEN NOT ${allows(rules.share, targetFile('f'))} THEN 'refused'
              WHEN ${isTheirs(grant.principal)} THEN 'own'
              WHEN NOT ${isSomebody(caller, grant.principal, rules.know)} THEN 'unknown'
              WHEN ${isFull(grant.principal)} THEN 'full' ELSE 'granted' END AS outcome,
            (SELECT g.created_at FROM grants g WHERE g.study_id = f.study_id AND g.file_id = f.id
              AND g.principal = ${grant.principal}) AS "createdAt"
            FROM who CROSS JOIN files f WHERE f.study_id = ${study} AND ${which}`,
        ),
      ),
    )
    const row = first(files)
    const found = first(outcomes)
    return {
      principal: principalOf(first(who), study),
      file: row && fileOfRow(row),
      outcome: found?.outcome,
      createdAt: dateOf(found?.createdAt ?? now.getTime()),
    }
  },

  /** With whom a file is shared, by their names; grants that have expired are gone. */
  async list(caller: Caller, file: FileId, page: PageRequest): Promise<FoundFile & { page: Page<Grant> }> {
    const listing = `grants:${file}`
    const after = decodeCursor(listing, page.cursor)
    const [who, files, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      fileStatement(caller, file),
      statement<GrantRow>(
        sql`SELECT ${grantColumns} FROM grants g WHERE g.study_id = ${caller.study} AND g.file_id = ${file}
          AND g.principal > ${after?.[1] ?? ''} AND ${stands(caller.now)}
          ORDER BY g.principal LIMIT ${page.limit + 1}`,
      ),
    )
    const row = first(files)
    return {
      principal: principalOf(first(who), caller.study),
      file: row && fileOfRow(row),
      page: pageOf(rows, page.limit, {
        listing,
        place: (grant) => [grant.principal, grant.principal],
        item: grantOfRow,
      }),
    }
  },

  /** With whom many files are shared, those of them of which the rule lets the caller know that: by file. */
  async ofFiles(
    caller: Caller,
    files: readonly FileId[],
    rule: Rule,
  ): Promise<{ principal: Principal | undefined; grants: Grant[] }> {
    const [who, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<GrantRow>(
        withWho(
          caller,
          sql`SELECT ${grantColumns} FROM who CROSS JOIN json_each(${JSON.stringify(files)}) asked
            CROSS JOIN files f ON f.study_id = ${caller.study} AND f.id = asked.value
            CROSS JOIN grants g ON g.study_id = f.study_id AND g.file_id = f.id
            WHERE ${stands(caller.now)} AND ${allows(rule, targetFile('f'))}
            ORDER BY asked.key, g.principal LIMIT ${MAX_TOLD}`,
        ),
      ),
    )
    return { principal: principalOf(first(who), caller.study), grants: rows.map(grantOfRow) }
  },

  /** It goes on record first: what is there then was done by this batch, or by its first run if that answer was lost. */
  async revoke(
    caller: Caller,
    { file, principal, rule }: { file: FileId; principal: PrincipalName; rule: Rule },
  ): Promise<FoundFile & { outcome: 'revoked' | 'standing' | 'none' }> {
    const { study, now } = caller
    const id = newId('aud', now)
    const [who, , , files, [told]] = await db.of(caller.study).batch(
      whoStatement(caller),
      recordFirst(
        caller,
        { id, action: 'file.revoke', owner: sql`f.owner`, object: file },
        sql`CROSS JOIN files f CROSS JOIN grants g WHERE f.study_id = ${study} AND f.id = ${file}
          AND g.study_id = ${study} AND g.file_id = ${file} AND g.principal = ${principal} AND ${stands(now)}
          AND ${allows(rule, targetFile('f'))}`,
      ),
      dropGrants(caller, { which: sql`f.id = ${file} AND changes() > 0`, principal, rule }),
      fileStatement(caller, file),
      statement<{ outcome: 'revoked' | 'standing' | 'none' }>(
        sql`SELECT CASE
            WHEN ${isOnRecord(caller, id)} THEN 'revoked'
            WHEN EXISTS (SELECT 1 FROM grants g WHERE g.study_id = ${study} AND g.file_id = ${file}
              AND g.principal = ${principal} AND ${stands(now)}) THEN 'standing'
            ELSE 'none' END AS outcome`,
      ),
    )
    const row = first(files)
    return {
      principal: principalOf(first(who), study),
      file: row && fileOfRow(row),
      outcome: told?.outcome ?? 'none',
    }
  },

  /** Forgets grants that have expired, so that lists need not step over them; answers how many went. */
  async purge(now: Date, limit: number): Promise<number> {
    const gone = await db.swept(now, async (database) => {
      const [rows] = await database.batch(
        statement<{ fileId: string }>(
          sql`DELETE FROM grants WHERE (study_id, file_id, principal) IN (
          SELECT study_id, file_id, principal FROM grants INDEXED BY grants_expires
          WHERE expires_at <= ${now.getTime()}${db.served('study_id')} ORDER BY expires_at LIMIT ${limit}) RETURNING file_id AS "fileId"`,
        ),
      )
      return rows
    })
    return gone.length
  },
})
