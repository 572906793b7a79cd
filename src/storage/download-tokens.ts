import { sql, type SQL } from 'drizzle-orm'
import { z } from 'zod'
import type { Delivery, DownloadToken } from '../model/entities.ts'
import type { DownloadTokenId, FileId, StudyId, VersionId } from '../model/ids.ts'
import type { Actor } from '../model/principal.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Rule } from '../model/rules.ts'
import { allows, targetFile } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { columnsOf, type Database, dateOf, dateOrNull, first, type Row, statement } from './database.ts'
import { fileColumns, fileOfRow, type FileRow } from './file-rows.ts'
import type { FoundFile } from './files.ts'
import { downloadTokens } from './schema/files.ts'
import { type Caller, keyStands, principalOf, whoStatement, withWho } from './who.ts'

/** A claimed link may be followed again by the one who claimed it, for as long as the URL that it got may live. */
export const CLAIM_REPEAT_SECONDS = 60
/** KV takes no shorter life; the record says itself when it has expired. */
const KV_MIN_SECONDS = 60
/** Used, expired and revoked links are told apart for this long after their expiry. */
const KEPT_MS = 24 * 3_600_000

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

/** What is known of a link without asking who was first: KV's record, or the row where KV has none. */
const KnownLink = z.object({
  study: z.string().transform((id) => id as StudyId), // written by `issue`
  objectKey: z.string(),
  delivery: z.enum(['redirect', 'stream']),
  confirm: z.boolean(),
  expiresAt: z.number().transform((time) => new Date(time)),
})
export type KnownLink = z.infer<typeof KnownLink>

/** What a claim found out; the content's facts are there while its version is. */
export type Claim = Readonly<{
  outcome: 'won' | 'used' | 'expired' | 'revoked' | 'unknown'
  content: { objectKey: string; name: string; mediaType: string; size: number; etag: string } | undefined
}>

type TokenRow = Row<typeof downloadTokens>
/** `won`: how many rows the claim right before it changed. */
type ClaimedRow = TokenRow & {
  won: number
  objectKey: string | null
  name: string
  mediaType: string
  size: number
  etag: string
}
const columns = columnsOf(downloadTokens, 't')
const kvKey = (hash: string) => `download-token/${hash}`

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

/** The issuer of the token `t` as `who`, by its own row at this moment: no row once it was revoked or removed. */
const issuer = (now: Date): SQL => sql`(
  SELECT k.role, k.participant_id, p.status, t.issued_by AS actor
  FROM api_keys k INDEXED BY api_keys_id LEFT JOIN participants p ON p.study_id = k.study_id AND p.id = k.participant_id
  WHERE k.study_id = t.study_id AND k.id = t.key_id AND ${keyStands('k', now)}
    AND (k.participant_id IS NULL OR p.status IN ('active', 'withdrawn'))
  UNION ALL
  SELECT m.role, m.participant_id, p.status, t.issued_by AS actor
  FROM members m INDEXED BY members_id LEFT JOIN participants p ON p.study_id = m.study_id AND p.id = m.participant_id
  WHERE m.study_id = t.study_id AND m.id = t.member_id
    AND (m.participant_id IS NULL OR p.status IN ('active', 'withdrawn'))
) who`

export const downloadTokenStore = (db: Database, kv: KVNamespace) => ({
  /**
   * D1 decides whether there is a link; KV then holds what a claim wants to know beforehand, and may fail to.
   * Undefined: the rules, or a version that is not there, stand in the way.
   */
  async issue(
    caller: Caller,
    { rules, token }: { rules: readonly Rule[]; token: NewDownloadToken },
  ): Promise<DownloadToken | undefined> {
    const { study, now } = caller
    const [, rows] = await db.batch(
      statement(
        withWho(
          caller,
          sql`INSERT INTO download_tokens (study_id, hash, id, file_id, version_id, delivery, confirm, issued_by, key_id,
              member_id, created_at, expires_at)
            SELECT f.study_id, ${token.hash}, ${token.id}, f.id, ${token.version ?? sql`f.version_id`},
              ${token.delivery}, ${token.confirm ? 1 : 0}, who.actor, who.key_id, who.member_id, ${now.getTime()},
              ${now.getTime()} + 1000 * ${
                token.seconds ??
                sql`coalesce((SELECT s.download_token_seconds FROM studies s WHERE s.id = ${study}), ${token.defaultSeconds})`
              }
            FROM who CROSS JOIN files f WHERE f.study_id = ${study} AND f.id = ${token.file}
              AND f.version_id IS NOT NULL AND ${sql.join(
                rules.map((rule) => allows(rule, targetFile('f'))),
                sql` AND `,
              )} AND ${
                token.version === null
                  ? sql`1`
                  : sql`EXISTS (SELECT 1 FROM versions v
                      WHERE v.study_id = ${study} AND v.id = ${token.version} AND v.file_id = f.id)`
              }
            ON CONFLICT DO NOTHING`,
        ),
      ),
      statement<TokenRow & { objectKey: string }>(
        sql`SELECT ${columns}, v.object_key AS "objectKey" FROM download_tokens t CROSS JOIN versions v
            ON v.study_id = t.study_id AND v.id = t.version_id
          WHERE t.study_id = ${study} AND t.hash = ${token.hash}`,
      ),
    )
    const row = first(rows)
    if (row === undefined) return undefined
    const known: z.input<typeof KnownLink> = {
      study,
      objectKey: row.objectKey,
      delivery: row.delivery,
      confirm: row.confirm === 1,
      expiresAt: row.expiresAt,
    }
    const seconds = Math.ceil((row.expiresAt - now.getTime()) / 1000)
    try {
      await kv.put(kvKey(token.hash), JSON.stringify(known), { expirationTtl: Math.max(KV_MIN_SECONDS, seconds) })
    } catch {
      // The row stands, so the link works: a claim then asks D1 for what it would have found here.
    }
    return tokenOfRow(row)
  },

  /** What is known of a link before it is claimed: from KV, which may be behind, else from its row. */
  async know({ studyNumber, hash }: { studyNumber: number; hash: string }): Promise<KnownLink | undefined> {
    const record = KnownLink.safeParse(await kv.get(kvKey(hash), 'json').catch(() => null))
    if (record.success) return record.data
    const [rows] = await db.batch(
      statement<{ study: StudyId; objectKey: string | null; delivery: Delivery; confirm: number; expiresAt: number }>(
        sql`SELECT s.id AS study, v.object_key AS "objectKey", t.delivery, t.confirm, t.expires_at AS "expiresAt"
          FROM studies s CROSS JOIN download_tokens t ON t.study_id = s.id AND t.hash = ${hash}
          LEFT JOIN versions v ON v.study_id = t.study_id AND v.id = t.version_id
          WHERE s.number = ${studyNumber}`,
      ),
    )
    const row = first(rows)
    return (
      row && {
        study: row.study,
        // Of a version that is gone there are no bytes: the claim says so.
        objectKey: row.objectKey ?? '',
        delivery: row.delivery,
        confirm: row.confirm === 1,
        expiresAt: dateOf(row.expiresAt),
      }
    )
  },

  /**
   * The one statement that decides who was first. The same nonce wins again for a minute, so that a request whose
   * answer from D1 was lost, or a second press of the same button, is not taken for somebody else.
   * A claim asks the rule of its issuer anew: a link never outlives what its issuer may see.
   */
  async claim(
    { study, hash, nonce, now }: { study: StudyId; hash: string; nonce: string; now: Date },
    rule: Rule,
  ): Promise<Claim> {
    const time = now.getTime()
    const [, rows] = await db.batch(
      statement(
        sql`UPDATE download_tokens AS t SET claimed_at = coalesce(claimed_at, ${time}), claimed_by = ${nonce}
          WHERE t.study_id = ${study} AND t.hash = ${hash} AND t.revoked_at IS NULL
            AND ((t.claimed_by = ${nonce} AND t.claimed_at > ${time - CLAIM_REPEAT_SECONDS * 1000})
              OR (t.claimed_by IS NULL AND t.expires_at > ${time}))
            AND EXISTS (SELECT 1 FROM ${issuer(now)} CROSS JOIN files f CROSS JOIN versions v
              WHERE f.study_id = t.study_id AND f.id = t.file_id AND v.study_id = t.study_id AND v.id = t.version_id
                AND v.file_id = f.id AND ${allows(rule, targetFile('f'))})`,
      ),
      statement<ClaimedRow>(
        sql`SELECT ${columns}, changes() AS won, v.object_key AS "objectKey", v.media_type AS "mediaType", v.size, v.etag,
            coalesce((SELECT f.name FROM files f WHERE f.study_id = t.study_id AND f.id = t.file_id
              AND f.version_id = t.version_id), v.name) AS name
          FROM download_tokens t LEFT JOIN versions v ON v.study_id = t.study_id AND v.id = t.version_id
          WHERE t.study_id = ${study} AND t.hash = ${hash}`,
      ),
    )
    const row = first(rows)
    if (row === undefined) return { outcome: 'unknown', content: undefined }
    const { objectKey, name, mediaType, size, etag } = row
    const content = objectKey === null ? undefined : { objectKey, name, mediaType, size, etag }
    if (row.won > 0) return { outcome: 'won', content }
    if (row.claimedBy !== null) return { outcome: 'used', content: undefined }
    // Its file, its issuer or its revocation ended it before its time did.
    return { outcome: row.expiresAt <= time ? 'expired' : 'revoked', content: undefined }
  },

  /** A file's links, oldest first; those that ended a day ago are gone. */
  async list(caller: Caller, file: FileId, page: PageRequest): Promise<FoundFile & { page: Page<DownloadToken> }> {
    const listing = `download-tokens:${file}`
    const after = decodeCursor(listing, page.cursor)
    const [who, files, rows] = await db.batch(
      whoStatement(caller),
      statement<FileRow>(
        sql`SELECT ${fileColumns('f')} FROM files f WHERE f.study_id = ${caller.study} AND f.id = ${file}`,
      ),
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
  ): Promise<FoundFile & { token: DownloadToken | undefined; revoked: boolean }> {
    const { study, now } = caller
    const here = sql`t.study_id = ${study} AND t.file_id = ${file} AND t.id = ${id}`
    const [who, files, revoked, rows] = await db.batch(
      whoStatement(caller),
      statement<FileRow>(sql`SELECT ${fileColumns('f')} FROM files f WHERE f.study_id = ${study} AND f.id = ${file}`),
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
      statement<TokenRow>(sql`SELECT ${columns} FROM download_tokens t INDEXED BY download_tokens_file WHERE ${here}`),
    )
    const hash = first(revoked)?.hash
    // The row decides; a record that stays behind here only leads a claim to it.
    if (hash !== undefined) await kv.delete(kvKey(hash)).catch(() => undefined)
    const row = first(files)
    const token = first(rows)
    return {
      principal: principalOf(first(who), study),
      file: row && fileOfRow(row),
      token: token && tokenOfRow(token),
      revoked: hash !== undefined,
    }
  },

  /** Forgets links that ended a day ago; answers how many went. */
  async purge(now: Date, limit: number): Promise<number> {
    const [rows] = await db.batch(
      statement<{ id: string }>(
        sql`DELETE FROM download_tokens WHERE (study_id, hash) IN (
          SELECT study_id, hash FROM download_tokens INDEXED BY download_tokens_expires
          WHERE expires_at <= ${now.getTime() - KEPT_MS} ORDER BY expires_at LIMIT ${limit}) RETURNING id`,
      ),
    )
    return rows.length
  },
})
