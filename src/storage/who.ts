import { sql, type SQL } from 'drizzle-orm'
import type { KeyId, MemberId, ParticipantId, StudyId } from '../model/ids.ts'
import type { Actor, Credential, Principal, Role, Through } from '../model/principal.ts'
import { dateOrNull, statement } from './database.ts'

/** Who asks, in which study, and when: what every batch begins with. */
export type Caller = Readonly<{ credential: Credential; study: StudyId; now: Date }>

/** The credential's own row, read in the batch that it is used in. */
export type WhoRow = {
  role: Exclude<Role, 'stranger'>
  actor: string
  participantId: string | null
  status: 'active' | 'withdrawn' | null
  keyId: string | null
  memberId: string | null
  lastUsedAt: number | null
}

const constant = (role: 'anonymous' | 'operator' | 'system'): SQL =>
  sql`SELECT ${sql.raw(`'${role}' AS role, '${role}' AS actor`)},
    NULL AS participant_id, NULL AS status, NULL AS key_id, NULL AS member_id, NULL AS last_used_at`

/** A SELECT of the caller's row in this study, or of none: revoked, expired, unknown or of another study. */
function whoSql({ credential, study, now }: Caller): SQL {
  switch (credential.kind) {
    case 'anonymous':
    case 'operator':
    case 'system':
      return constant(credential.kind)
    case 'key':
      return sql`SELECT k.role, coalesce('participant:' || k.participant_id, 'key:' || k.id) AS actor, k.participant_id,
          p.status, k.id AS key_id, NULL AS member_id, k.last_used_at
        FROM api_keys k LEFT JOIN participants p ON p.study_id = k.study_id AND p.id = k.participant_id
        WHERE k.study_id = ${study} AND k.hash = ${credential.hash} AND k.public_key IS NULL AND ${keyStands('k', now)}
          AND (k.participant_id IS NULL OR p.status IN ('active', 'withdrawn'))`
    case 'jwt':
      return sql`SELECT m.role, coalesce('participant:' || m.participant_id, 'member:' || m.id) AS actor,
          m.participant_id, p.status, NULL AS key_id, m.id AS member_id, NULL AS last_used_at
        FROM members m LEFT JOIN participants p ON p.study_id = m.study_id AND p.id = m.participant_id
        WHERE m.study_id = ${study} AND m.issuer = ${credential.issuer} AND m.subject = ${credential.subject}
          AND ${credential.studies === undefined || credential.studies.includes(study) ? sql`1` : sql`0`}
          AND (m.participant_id IS NULL OR p.status IN ('active', 'withdrawn'))`
    default:
      return credential satisfies never
  }
}

/**
 * The condition under which a key lets anyone in. One that was rotated is revoked from a time to come; one that acts
 * for a member ends with the membership.
 */
export const keyStands = (alias: string, now: Date): SQL =>
  sql`(${sql.raw(alias)}.revoked_at IS NULL OR ${sql.raw(alias)}.revoked_at > ${now.getTime()})
    AND (${sql.raw(alias)}.expires_at IS NULL OR ${sql.raw(alias)}.expires_at > ${now.getTime()})
    AND (${sql.raw(alias)}.member_id IS NULL OR EXISTS (SELECT 1 FROM members acting INDEXED BY members_id
      WHERE acting.study_id = ${sql.raw(alias)}.study_id AND acting.id = ${sql.raw(alias)}.member_id))`

/** Puts the caller before a statement, as the table `who` of one row or none. */
export const withWho = (caller: Caller, body: SQL): SQL => sql`WITH who AS (${whoSql(caller)}) ${body}`

export const whoStatement = (caller: Caller) =>
  statement<WhoRow>(
    withWho(
      caller,
      sql`SELECT role, actor, participant_id AS "participantId", status, key_id AS "keyId", member_id AS "memberId",
        last_used_at AS "lastUsedAt" FROM who`,
    ),
  )

const throughOf = (row: WhoRow): Through => {
  // Ids of rows are what their columns hold.
  if (row.keyId !== null) return { key: row.keyId as KeyId, lastUsedAt: dateOrNull(row.lastUsedAt) }
  return row.memberId === null ? undefined : { member: row.memberId as MemberId }
}

/** The principal that a row tells of; undefined: this credential has no place in this study. */
export function principalOf(row: WhoRow | undefined, study: StudyId): Principal | undefined {
  if (row === undefined) return undefined
  const actor = row.actor as Actor // composed by whoSql
  switch (row.role) {
    case 'anonymous':
    case 'operator':
    case 'system':
      return { role: row.role, actor, through: undefined }
    case 'participant':
      return row.participantId === null || row.status === null
        ? undefined
        : {
            role: 'participant',
            study,
            participant: row.participantId as ParticipantId, // a participant's row joined it
            status: row.status,
            actor,
            through: throughOf(row),
          }
    case 'staff':
    case 'worker':
    case 'admin':
    case 'download':
      return { role: row.role, study, actor, through: throughOf(row) }
    default:
      return row.role satisfies never
  }
}
