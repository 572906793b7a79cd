import { sql, type SQL } from './sql.ts'
import { z } from 'zod'
import type { Delivery, Version } from '../model/entities.ts'
import {
  CLAIMED_MEMBERS,
  type DownloadTokenId,
  type ParticipantId,
  type StudyId,
  type VersionId,
} from '../model/ids.ts'
import type { Rule } from '../model/rules.ts'
import { allows, targetFile } from './conditions.ts'
import { columnsOf, dateOf, first, type Row, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { versionColumns, versionOfRow, type VersionRow } from './file-rows.ts'
import { downloadTokens } from './schema/files.ts'
import { keyPrincipal, keyStands, memberPrincipal, studyStands } from './who.ts'

// A link as whoever has it comes with it. How it is issued, listed and revoked: download-tokens.ts.

/** A claimed link may be followed again by the one who claimed it, for as long as the URL that it got may live. */
export const CLAIM_REPEAT_SECONDS = 60

/** What is known of a link without asking who was first: KV's record, or the row where KV has none. */
export const KnownLink = z.object({
  study: z.string().transform((id) => id as StudyId), // written by `issue`
  objectKey: z.string(),
  delivery: z.enum(['redirect', 'stream']),
  confirm: z.boolean(),
  expiresAt: z.number().transform((time) => new Date(time)),
})
export type KnownLink = z.infer<typeof KnownLink>

/** How a claim ends. */
export type Outcome = 'won' | 'used' | 'expired' | 'revoked' | 'unknown'

/** What a claim found out; the content's facts are there while its version is. */
export type Claim = Readonly<{
  outcome: Outcome
  /** `again`: the same nonce had won before. */
  link: { id: DownloadTokenId; owner: ParticipantId | null; version: VersionId; again: boolean } | undefined
  content: { objectKey: string; name: string; mediaType: string; size: number; etag: string } | undefined
}>

type TokenRow = Row<typeof downloadTokens>
/** `won`: how many rows the claim right before it changed. */
type ClaimedRow = TokenRow & {
  won: number
  /** Null: the version is gone. */
  storedAs: string | null
  name: string
  mediaType: string
  size: number
  etag: string
}
const columns = columnsOf(downloadTokens, 't')
export const kvKey = (hash: string) => `download-token/${hash}`

/**
 * The issuer of the token `t` as `who`, by its own row at this moment: no row once it was revoked or removed. Who had a
 * place by a JWT's word alone has none: their link, which lives for an hour at most, gives what anyone of the team may
 * see, for as long as the study stands.
 */
const issuer = (now: Date): SQL => sql`(
  SELECT k.role, k.participant_id, p.status, t.issued_by AS actor, ${keyPrincipal('k')} AS principal,
    0 AS read_only, NULL AS source, ${now.getTime()} AS now
  FROM api_keys k INDEXED BY api_keys_id LEFT JOIN participants p ON p.study_id = k.study_id AND p.id = k.participant_id
  WHERE k.study_id = t.study_id AND k.id = t.key_id AND ${keyStands('k', now)}
    AND (k.participant_id IS NULL OR p.status IN ('active', 'withdrawn'))
  UNION ALL
  SELECT m.role, m.participant_id, p.status, t.issued_by AS actor, ${memberPrincipal('m')} AS principal,
    0 AS read_only, NULL AS source, ${now.getTime()} AS now
  FROM members m INDEXED BY members_id LEFT JOIN participants p ON p.study_id = m.study_id AND p.id = m.participant_id
  WHERE m.study_id = t.study_id AND m.id = t.member_id AND ${studyStands('m')}
    AND (m.participant_id IS NULL OR p.status IN ('active', 'withdrawn'))
  UNION ALL
  SELECT 'staff', NULL, NULL, t.issued_by, NULL, 0, NULL, ${now.getTime()}
  FROM studies s WHERE s.id = t.study_id AND s.status = 'active' AND t.member_id GLOB ${CLAIMED_MEMBERS}
) who`

/** A file and one of its versions, by their numbers; undefined: the file's current one. */
export type Destination = Readonly<{ file: number; version: number | undefined }>

const isAt = ({ file, version }: Destination): SQL =>
  sql`f.number = ${file} AND ${version === undefined ? sql`f.version_id = v.id` : sql`v.number = ${version}`}`

/** Whether the token `t` leads to its version, and to where it is looked for, as far as its issuer may see that now. */
const leads = (now: Date, { rule, to }: { rule: Rule; to: Destination | undefined }): SQL =>
  sql`EXISTS (SELECT 1 FROM ${issuer(now)} CROSS JOIN files f CROSS JOIN versions v
    WHERE f.study_id = t.study_id AND f.id = t.file_id AND v.study_id = t.study_id AND v.id = t.version_id
      AND v.file_id = f.id AND ${to === undefined ? sql`1` : isAt(to)} AND ${allows(rule, targetFile('f'))})`

/** Whether a claim of the token `t` by somebody new would win now. */
const stands = (now: Date, leading: { rule: Rule; to: Destination | undefined }): SQL =>
  sql`t.revoked_at IS NULL AND t.claimed_by IS NULL AND t.expires_at > ${now.getTime()} AND ${leads(now, leading)}`

/** Its file, its issuer or its revocation ended a link before its time did: it is revoked. */
function outcomeOf(row: Pick<ClaimedRow, 'won' | 'claimedBy' | 'expiresAt'>, now: Date): Outcome {
  if (row.won > 0) return 'won'
  if (row.claimedBy !== null) return 'used'
  return row.expiresAt <= now.getTime() ? 'expired' : 'revoked'
}

export const downloadClaimStore = (db: Databases, kv: KVNamespace) => ({
  /** What is known of a link before it is claimed: from KV, which may be behind, else from its row. */
  async know({ studyNumber, hash }: { studyNumber: number; hash: string }): Promise<KnownLink | undefined> {
    const record = KnownLink.safeParse(await kv.get(kvKey(hash), 'json').catch(() => null))
    if (record.success) return record.data
    const [rows] = await db.ofNumber(studyNumber).batch(
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

  /** The version that a claim of a link would win now; undefined: it would not, or the link leads elsewhere. */
  async lead(
    { study, hash, now }: { study: StudyId; hash: string; now: Date },
    leading: { rule: Rule; to: Destination },
  ): Promise<Version | undefined> {
    const [rows] = await db.of(study).batch(
      statement<VersionRow>(
        sql`SELECT ${versionColumns('v')} FROM download_tokens t
          CROSS JOIN versions v ON v.study_id = t.study_id AND v.id = t.version_id
          WHERE t.study_id = ${study} AND t.hash = ${hash} AND ${stands(now, leading)}`,
      ),
    )
    return rows.map(versionOfRow)[0]
  },

  /** How a claim of a link by somebody new would end, which changes nothing. */
  async foresee(
    { study, hash, now }: { study: StudyId; hash: string; now: Date },
    { rule }: { rule: Rule },
  ): Promise<Outcome> {
    const [rows] = await db.of(study).batch(
      statement<Pick<ClaimedRow, 'won' | 'claimedBy' | 'expiresAt'>>(
        sql`SELECT ${stands(now, { rule, to: undefined })} AS won, t.claimed_by AS "claimedBy", t.expires_at AS "expiresAt"
          FROM download_tokens t WHERE t.study_id = ${study} AND t.hash = ${hash}`,
      ),
    )
    const row = first(rows)
    return row === undefined ? 'unknown' : outcomeOf(row, now)
  },

  /**
   * The one statement that decides who was first. The same nonce wins again for a minute, so that a request whose
   * answer from D1 was lost, or a second press of the same button, is not taken for somebody else.
   * A claim asks the rule of its issuer anew: a link never outlives what its issuer may see. One that leads elsewhere
   * than `to` says is not used up.
   */
  async claim(
    { study, hash, nonce, now }: { study: StudyId; hash: string; nonce: string; now: Date },
    { rule, to }: { rule: Rule; to?: Destination },
  ): Promise<Claim> {
    const time = now.getTime()
    const [, rows] = await db.of(study).batch(
      statement(
        sql`UPDATE download_tokens AS t SET claimed_at = coalesce(claimed_at, ${time}), claimed_by = ${nonce}
          WHERE t.study_id = ${study} AND t.hash = ${hash} AND t.revoked_at IS NULL
            AND ((t.claimed_by = ${nonce} AND t.claimed_at > ${time - CLAIM_REPEAT_SECONDS * 1000})
              OR (t.claimed_by IS NULL AND t.expires_at > ${time}))
            AND ${leads(now, { rule, to })}`,
      ),
      statement<ClaimedRow>(
        sql`SELECT ${columns}, changes() AS won, v.object_key AS "storedAs", v.media_type AS "mediaType", v.size, v.etag,
            coalesce((SELECT f.name FROM files f WHERE f.study_id = t.study_id AND f.id = t.file_id
              AND f.version_id = t.version_id), v.name) AS name
          FROM download_tokens t LEFT JOIN versions v ON v.study_id = t.study_id AND v.id = t.version_id
          WHERE t.study_id = ${study} AND t.hash = ${hash}`,
      ),
    )
    const row = first(rows)
    if (row === undefined) return { outcome: 'unknown', link: undefined, content: undefined }
    const { storedAs, name, mediaType, size, etag } = row
    const content = storedAs === null ? undefined : { objectKey: storedAs, name, mediaType, size, etag }
    const link = {
      id: row.id as DownloadTokenId, // ids are what was put in
      owner: row.owner === '' ? null : (row.owner as ParticipantId),
      version: row.versionId as VersionId,
      again: row.claimedAt !== time,
    }
    const outcome = outcomeOf(row, now)
    return { outcome, link, content: outcome === 'won' ? content : undefined }
  },
})
