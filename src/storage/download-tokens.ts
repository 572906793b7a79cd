import { sql, type SQL } from './sql.ts'
import type { z } from 'zod'
import type { Delivery, DownloadToken } from '../model/entities.ts'
import { CLAIMED_MEMBERS, type DownloadTokenId, type FileId, type StudyId, type VersionId } from '../model/ids.ts'
import type { Actor } from '../model/principal.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Rule } from '../model/rules.ts'
import { insertEvent, record, subjectOf } from './audit.ts'
import { allows, targetFile } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { columnsOf, dateOf, dateOrNull, first, type Row, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { type KnownLink, kvKey } from './download-claims.ts'
import { fileOfRow, fileStatement } from './file-rows.ts'
import type { FoundFile } from './files.ts'
import { remember } from './idempotency.ts'
import { downloadTokens } from './schema/files.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

/** KV takes no shorter life; the record says itself when it has expired. */
const KV_MIN_SECONDS = 60
/** Used, expired and revoked links are told apart for this long after their expiry. */
const KEPT_MS = 24 * 3_600_000
/** What is longer than this hangs on a row that can be removed: who has none is given no more. */
const CLAIMED_SECONDS = 3_600

export type NewDownloadToken = Readonly<{
  id: DownloadTokenId
  hash: string
  file: FileId
  /** Null: the current one. */
  version: VersionId | null
  delivery: Delivery
  confirm: boolean
  /** Null: the study's own setting, else `defaultSeconds`. */
  seconds: number | null
  defaultSeconds: number
}>

type TokenRow = Row<typeof downloadTokens>
const columns = columnsOf(downloadTokens, 't')

const tokenOfRow = (row: TokenRow): DownloadToken => ({
  study: row.studyId as StudyId, // ids are what was put in
  id: row.id as DownloadTokenId,
  file: row.fileId as FileId,
  version: row.versionId as VersionId,
  delivery: row.delivery,
  confirm: row.confirm === 1,
  issuedBy: row.issuedBy as Actor,
  createdAt: dateOf(row.createdAt),
  expiresAt: dateOf(row.expiresAt),
  claimedAt: dateOrNull(row.claimedAt),
  revokedAt: dateOrNull(row.revokedAt),
})

/** The version that a link is to lead to, and where its bytes are. */
const versionAsked = ({ version }: NewDownloadToken): SQL =>
  version === null ? sql`f.version_id, f.object_key` : sql`v.id, v.object_key`

/** For how long a link is good. */
const secondsAsked = ({ study }: Caller, { seconds, defaultSeconds }: NewDownloadToken): SQL => {
  const asked =
    seconds === null
      ? sql`coalesce((SELECT s.download_token_seconds FROM studies s WHERE s.id = ${study}), ${defaultSeconds})`
      : sql`${seconds}`
  return sql`CASE WHEN who.member_id GLOB ${CLAIMED_MEMBERS} THEN min(${asked}, ${CLAIMED_SECONDS}) ELSE ${asked} END`
}

/**
 * Puts a link on record by its own row, which costs less than the caller's: who issued it is one of the team, or the
 * participant whose file it is.
 */
const recordIssue = (caller: Caller, issued: SQL) =>
  statement(
    insertEvent(caller, {
      study: sql`t.study_id`,
      action: 'link.issue',
      actor: sql`CASE WHEN t.issued_by GLOB 'participant:*' THEN 'participant:' || t.subject ELSE t.issued_by END`,
      through: sql`coalesce(t.key_id, t.member_id)`,
      subject: sql`t.subject`,
      object: sql`t.id`,
      found: sql`FROM download_tokens t WHERE ${issued} AND changes() > 0`,
    }),
  )

export const downloadTokenStore = (db: Databases, kv: KVNamespace) => ({
  /**
   * D1 decides whether there is a link. KV may then hold what a claim wants to know beforehand, or fail to: who asks for
   * that is given the put, for which nobody needs to wait; else a claim asks the row. Undefined: the rules, or a version that is not there, stand in the way.
   */
  async issue(
    caller: Caller,
    {
      rules,
      token,
      knownAhead,
    }: { rules: readonly Rule[]; token: NewDownloadToken; knownAhead?: (putting: Promise<unknown>) => void },
  ): Promise<DownloadToken | undefined> {
    const { study, now } = caller
    const issued = sql`t.study_id = ${study} AND t.hash = ${token.hash}`
    const [, , , rows] = await db.of(caller.study).batch(
      statement(
        withWho(
          caller,
          sql`INSERT INTO download_tokens (study_id, hash, id, file_id, version_id, object_key, owner, subject,
              delivery, confirm, issued_by, key_id, member_id, created_at, expires_at)
            SELECT f.study_id, ${token.hash}, ${token.id}, f.id, ${versionAsked(token)}, f.owner, ${subjectOf(caller, sql`f.owner`)},
              ${token.delivery}, ${token.confirm ? 1 : 0}, who.actor, who.key_id, who.member_id, ${now.getTime()},
              ${now.getTime()} + 1000 * ${secondsAsked(caller, token)}
            FROM who CROSS JOIN files f ${
              token.version === null
                ? sql``
                : sql`CROSS JOIN versions v ON v.study_id = f.study_id AND v.id = ${token.version} AND v.file_id = f.id`
            }
            WHERE f.study_id = ${study} AND f.id = ${token.file} AND f.version_id IS NOT NULL AND ${sql.join(
              rules.map((rule) => allows(rule, targetFile('f'))),
              ' AND ',
            )}
            ON CONFLICT DO NOTHING`,
        ),
      ),
      recordIssue(caller, issued),
      remember(caller, {
        ids: { link: token.id },
        owner: sql`(SELECT f.owner FROM files f WHERE f.study_id = ${study} AND f.id = ${token.file})`,
      }),
      statement<TokenRow>(sql`SELECT ${columns} FROM download_tokens t WHERE ${issued}`),
    )
    const row = first(rows)
    if (row === undefined) return undefined
    if (knownAhead === undefined) return tokenOfRow(row)
    const known: z.input<typeof KnownLink> = {
      study,
      objectKey: row.objectKey,
      delivery: row.delivery,
      confirm: row.confirm === 1,
      expiresAt: row.expiresAt,
    }
    const seconds = Math.ceil((row.expiresAt - now.getTime()) / 1000)
    const life = { expirationTtl: Math.max(KV_MIN_SECONDS, seconds) }
    // The row stands, so the link works: a claim asks D1 for what it does not find here.
    knownAhead(kv.put(kvKey(token.hash), JSON.stringify(known), life).catch(() => undefined))
    return tokenOfRow(row)
  },

  /** One of a file's links. Whether the caller may see it, its file says. */
  async find(caller: Caller, file: FileId, id: DownloadTokenId): Promise<DownloadToken | undefined> {
    const [rows] = await db.of(caller.study).batch(
      statement<TokenRow>(
        sql`SELECT ${columns} FROM download_tokens t INDEXED BY download_tokens_file
          WHERE t.study_id = ${caller.study} AND t.file_id = ${file} AND t.id = ${id}`,
      ),
    )
    return rows.map(tokenOfRow)[0]
  },

  /** A file's links, oldest first; those that ended a day ago are gone. */
  async list(caller: Caller, file: FileId, page: PageRequest): Promise<FoundFile & { page: Page<DownloadToken> }> {
    const listing = `download-tokens:${file}`
    const after = decodeCursor(listing, page.cursor)
    const [who, files, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      fileStatement(caller, file),
      statement<TokenRow>(
        sql`SELECT ${columns} FROM download_tokens t INDEXED BY download_tokens_file
          WHERE t.study_id = ${caller.study} AND t.file_id = ${file} AND t.id > ${after?.[1] ?? ''}
          ORDER BY t.id LIMIT ${page.limit + 1}`,
      ),
    )
    const row = first(files)
    return {
      principal: principalOf(first(who), caller.study),
      file: row && fileOfRow(row),
      page: pageOf(rows, page.limit, { listing, place: (token) => [token.id, token.id], item: tokenOfRow }),
    }
  },

  async revoke(
    caller: Caller,
    { rule, file, id }: { rule: Rule; file: FileId; id: DownloadTokenId },
  ): Promise<FoundFile & { revoked: boolean }> {
    const { study, now } = caller
    const here = sql`t.study_id = ${study} AND t.file_id = ${file} AND t.id = ${id}`
    const [who, files, revoked] = await db.of(caller.study).batch(
      whoStatement(caller),
      fileStatement(caller, file),
      statement<{ hash: string }>(
        withWho(
          caller,
          sql`UPDATE download_tokens AS t INDEXED BY download_tokens_file
            SET revoked_at = coalesce(revoked_at, ${now.getTime()})
            WHERE ${here} AND EXISTS (SELECT 1 FROM who CROSS JOIN files f
              WHERE f.study_id = ${study} AND f.id = ${file} AND ${allows(rule, targetFile('f'))})
            RETURNING hash`,
        ),
      ),
      record(caller, {
        action: 'link.revoke',
        owner: sql`(SELECT f.owner FROM files f WHERE f.study_id = ${study} AND f.id = ${file})`,
        object: id,
      }),
    )
    const hash = first(revoked)?.hash
    // The row decides; a record that stays behind here only leads a claim to it.
    if (hash !== undefined) await kv.delete(kvKey(hash)).catch(() => undefined)
    const row = first(files)
    return {
      principal: principalOf(first(who), study),
      file: row && fileOfRow(row),
      revoked: hash !== undefined,
    }
  },

  /** Forgets links that ended a day ago; answers how many went. */
  async purge(now: Date, limit: number): Promise<number> {
    const gone = await db.swept(now, async (database) => {
      const [rows] = await database.batch(
        statement<{ id: string }>(
          sql`DELETE FROM download_tokens WHERE (study_id, hash) IN (
          SELECT study_id, hash FROM download_tokens INDEXED BY download_tokens_expires
          WHERE expires_at <= ${now.getTime() - KEPT_MS}${db.served('study_id')} ORDER BY expires_at LIMIT ${limit}) RETURNING id`,
        ),
      )
      return rows
    })
    return gone.length
  },
})
