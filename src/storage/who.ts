import { sql, type SQL } from './sql.ts'
import { ALL_STUDIES, type KeyId, type MemberId, NO_STUDY, type ParticipantId, type StudyId } from '../model/ids.ts'
import type { Idempotency } from '../model/idempotency.ts'
import type { Actor, Claimed, Credential, Door, Principal, Role, Through } from '../model/principal.ts'
import { notErasing } from './conditions.ts'
import { dateOrNull, statement } from './database.ts'

/** Who asks, in which study, when, and through which door: what every batch begins with. */
export type Caller = Readonly<{
  credential: Credential
  study: StudyId
  now: Date
  door: Door
  idempotency?: Idempotency | undefined
  /** Roles that the operation is for; others change nothing by it. Undefined: all. */
  admits?: readonly Role[] | undefined
  /** Whether it is for none who have withdrawn. */
  requiresActive?: boolean | undefined
}>

/** The credential's own row, read in the batch that it is used in. */
export type WhoRow = {
  role: Role | 'application'
  actor: string
  participantId: string | null
  status: 'active' | 'withdrawn' | null
  keyId: string | null
  memberId: string | null
  lastUsedAt: number | null
  readOnly: number
  /** Its `source`, by a name that no file's column has. */
  limitedTo: string | null
}

/**
 * What every row of `who` has besides the credential's own columns: `principal` is whom files are shared with,
 * `audit_actor` and `audit_id` are the caller's names in the audit, `now` is the time of the request; who is
 * `read_only` changes nothing. A participant's session that is limited to files of a `source` has a role of its own,
 * `application`: what does not say that it is for those is not.
 */
const constant = (role: 'anonymous' | 'operator' | 'system', caller: Caller): SQL =>
  sql`SELECT ${sql.raw(`'${role}' AS role, '${role}' AS actor, '${role}' AS audit_actor`)}, NULL AS participant_id,
    NULL AS status, NULL AS audit_id, NULL AS key_id, NULL AS member_id, NULL AS principal, NULL AS last_used_at,
    ${isKeptOut(caller, { role: `'${role}'`, status: 'NULL' })} AS read_only, ${caller.now.getTime()} AS now,
    NULL AS source`

/** Whether the operation is not for a caller of this role and status, each of them an expression. */
function isKeptOut({ admits, requiresActive }: Caller, { role, status }: { role: string; status: string }): SQL {
  const names = admits?.map((each) => `'${each}'`).join(', ')
  const admitted = names === undefined ? '1' : `${role} IN (${names})`
  return sql.raw(requiresActive === true ? `NOT (${admitted} AND ${status} IS NOT 'withdrawn')` : `NOT ${admitted}`)
}

/** A study that a caller is looked for in, and whether it is among some; undefined: they are all. */
type Whereabouts = Readonly<{ study: SQL; isAmong: (studies: readonly StudyId[] | undefined) => SQL }>

const inOne = ({ study }: Caller): Whereabouts => ({
  study: sql`${study}`,
  isAmong: (studies) => (studies === undefined || studies.includes(study) ? sql`1` : sql`0`),
})

/** For a statement that goes through studies. */
export const inEach = (study: SQL): Whereabouts => ({
  study,
  isAmong: (studies) =>
    studies === undefined ? sql`1` : sql`${study} IN (SELECT value FROM json_each(${JSON.stringify(studies)}))`,
})

/** A SELECT of the caller's row in a study, or of none: revoked, expired, unknown or of another study. */
export function whoSql(caller: Caller, whereabouts: Whereabouts = inOne(caller)): SQL {
  const { credential, now } = caller
  const { study } = whereabouts
  switch (credential.kind) {
    case 'anonymous':
    case 'operator':
    case 'system':
      return constant(credential.kind, caller)
    case 'key':
      return sql`SELECT k.role, coalesce('participant:' || k.participant_id, 'key:' || k.id) AS actor,
          coalesce('participant:' || p.audit_id, 'key:' || k.id) AS audit_actor, k.participant_id, p.status, p.audit_id,
          k.id AS key_id, NULL AS member_id, ${keyPrincipal('k')} AS principal, k.last_used_at,
          ${isKeptOut(caller, { role: 'k.role', status: 'p.status' })} AS read_only, ${now.getTime()} AS now,
          NULL AS source
        FROM api_keys k LEFT JOIN participants p ON p.study_id = k.study_id AND p.id = k.participant_id
        WHERE ${isShown(credential, study)} AND k.public_key IS NULL AND ${keyStands('k', now)}
          AND (k.participant_id IS NULL OR p.status IN ('active', 'withdrawn'))`
    case 'session':
      return sql`SELECT CASE WHEN s.source IS NULL THEN s.role ELSE 'application' END AS role,
          coalesce('participant:' || s.participant_id, 'key:' || k.id) AS actor,
          coalesce('participant:' || p.audit_id, 'key:' || k.id) AS audit_actor, s.participant_id, p.status, p.audit_id,
          k.id AS key_id, NULL AS member_id, ${memberOrParticipant('s')} AS principal, k.last_used_at,
          (s.read_only OR ${isKeptOut(caller, { role: 's.role', status: 'p.status' })}) AS read_only, ${now.getTime()} AS now,
          s.source
        FROM sessions s CROSS JOIN api_keys k INDEXED BY api_keys_id ON k.study_id = s.study_id AND k.id = s.key_id
        LEFT JOIN participants p ON p.study_id = s.study_id AND p.id = s.participant_id
        WHERE s.study_id = ${study} AND s.hash = ${credential.hash} AND ${sessionStands('s', caller)}
          AND ${keyStands('k', now)}
          AND (s.participant_id IS NULL OR p.status IN ('active', 'withdrawn'))`
    case 'jwt':
      return credential.claimed === undefined
        ? byMembership(caller, credential, whereabouts)
        : sql`${byMembership(caller, credential, whereabouts)}
            UNION ALL ${byClaim(caller, { ...credential, claimed: credential.claimed }, whereabouts)}`
    default:
      return credential satisfies never
  }
}

/**
 * Where the row of a key is: with its study. One of all studies is with none, and opens each that stands as a download
 * key of that study would.
 */
const isShown = ({ studyNumber, hash }: Extract<Credential, { kind: 'key' }>, study: SQL): SQL =>
  studyNumber === ALL_STUDIES
    ? sql`k.study_id = ${NO_STUDY} AND k.hash = ${hash} AND k.role = 'download'
        AND EXISTS (SELECT 1 FROM studies opened WHERE opened.id = ${study} AND opened.status = 'active')`
    : sql`k.study_id = ${study} AND k.hash = ${hash}`

type Jwt = Extract<Credential, { kind: 'jwt' }>

/** Where a member's row is. */
const isMember = ({ issuer, subject }: Jwt, study: SQL): SQL =>
  sql`m.study_id = ${study} AND m.issuer = ${issuer} AND m.subject = ${subject}`

const byMembership = (caller: Caller, jwt: Jwt, { study, isAmong }: Whereabouts): SQL =>
  sql`SELECT m.role, coalesce('participant:' || m.participant_id, 'member:' || m.id) AS actor,
      coalesce('participant:' || p.audit_id, 'member:' || m.id) AS audit_actor, m.participant_id, p.status,
      p.audit_id, NULL AS key_id, m.id AS member_id, ${memberPrincipal('m')} AS principal, NULL AS last_used_at,
      ${isKeptOut(caller, { role: 'm.role', status: 'p.status' })} AS read_only, ${caller.now.getTime()} AS now,
      NULL AS source
    FROM members m LEFT JOIN participants p ON p.study_id = m.study_id AND p.id = m.participant_id
    WHERE ${isMember(jwt, study)} AND ${isAmong(jwt.studies)} AND ${studyStands('m')}
      AND (m.participant_id IS NULL OR p.status IN ('active', 'withdrawn'))`

/**
 * By what their token says alone. Whoever has a row is what that makes of them, also where it opens nothing: it is the
 * study's own word. Files are shared with nobody who has none.
 */
function byClaim(caller: Caller, jwt: Jwt & { claimed: Claimed }, { study, isAmong }: Whereabouts): SQL {
  const { member, role, studies } = jwt.claimed
  const actor = `member:${member}`
  return sql`SELECT ${role}, ${actor}, ${actor}, NULL, NULL, NULL, NULL, ${member}, NULL, NULL,
      ${isKeptOut(caller, { role: `'${role}'`, status: 'NULL' })}, ${caller.now.getTime()}, NULL
    FROM studies claimed WHERE claimed.id = ${study} AND claimed.status = 'active' AND ${isAmong(jwt.studies)}
      AND ${isAmong(studies)} AND NOT EXISTS (SELECT 1 FROM members m WHERE ${isMember(jwt, study)})`
}

/** Whom a file is shared with, where a key or a member asks. A key of the team that acts for no member is nobody. */
const memberOrParticipant = (alias: string): SQL =>
  sql.raw(`coalesce('participant:' || ${alias}.participant_id, 'member:' || ${alias}.member_id)`)
export const keyPrincipal = memberOrParticipant
export const memberPrincipal = (alias: string): SQL =>
  sql.raw(`coalesce('participant:' || ${alias}.participant_id, 'member:' || ${alias}.id)`)

/**
 * The condition under which a key lets anyone in. One that was rotated is revoked from a time to come; one that acts
 * for a member ends with the membership, and all of a study's end as soon as its erasure begins.
 */
export const keyStands = (alias: string, now: Date): SQL =>
  sql`(${sql.raw(alias)}.revoked_at IS NULL OR ${sql.raw(alias)}.revoked_at > ${now.getTime()})
    AND (${sql.raw(alias)}.expires_at IS NULL OR ${sql.raw(alias)}.expires_at > ${now.getTime()})
    AND (${sql.raw(alias)}.member_id IS NULL OR EXISTS (SELECT 1 FROM members acting INDEXED BY members_id
      WHERE acting.study_id = ${sql.raw(alias)}.study_id AND acting.id = ${sql.raw(alias)}.member_id))
    AND ${studyStands(alias)}`

/** The condition under which a session opens, besides its key's. */
export const sessionStands = (alias: string, { now, door }: Pick<Caller, 'now' | 'door'>): SQL =>
  sql`${sql.raw(alias)}.kind = 'access' AND ${sql.raw(alias)}.door = ${door}
    AND ${sql.raw(alias)}.expires_at > ${now.getTime()}${hasLimits(door) ? sql`` : sql` AND ${sql.raw(alias)}.source IS NULL`}`

/** Whether there are sessions at a door that are limited to a source; elsewhere one that were would open nothing. */
const hasLimits = (door: Door): boolean => door === 'hat'

/** The same for a membership. */
export const studyStands = (alias: string): SQL => notErasing(sql.raw(`${alias}.study_id`), sql`''`)

/** Puts the caller before a statement, as the table `who` of one row or none. */
export const withWho = (caller: Caller, body: SQL): SQL => sql`WITH who AS (${whoSql(caller)}) ${body}`

/** The same before one that names it more than once: it is compiled and read once, whatever asks of it. */
export const withWhoOnce = (caller: Caller, body: SQL): SQL => sql`WITH who AS MATERIALIZED (${whoSql(caller)}) ${body}`

/** The columns of a `WhoRow`, for a statement that answers with more than that. */
export const whoColumns: SQL = sql`who.role, who.actor, who.participant_id AS "participantId", who.status,
  who.key_id AS "keyId", who.member_id AS "memberId", who.last_used_at AS "lastUsedAt", who.read_only AS "readOnly",
  who.source AS "limitedTo"`

export const whoStatement = (caller: Caller) => statement<WhoRow>(withWho(caller, sql`SELECT ${whoColumns} FROM who`))

/** Something of the row that the caller's credential leads to: a key's `k`, a session's `s` or a membership's `m`. */
function ofCredential(
  { credential, study }: Caller,
  { key, session, member }: { key: SQL; session: SQL; member: SQL },
): SQL {
  switch (credential.kind) {
    case 'key':
      return sql`(SELECT ${key} FROM api_keys k WHERE k.study_id = ${study} AND k.hash = ${credential.hash})`
    case 'session':
      return sql`(SELECT ${session} FROM sessions s WHERE s.study_id = ${study} AND s.hash = ${credential.hash})`
    case 'jwt':
      return sql`(SELECT ${member} FROM members m WHERE ${isMember(credential, sql`${study}`)})`
    case 'anonymous':
    case 'operator':
    case 'system':
      return sql`NULL`
    default:
      return credential satisfies never
  }
}

/**
 * Whom the caller's credential stands for, with one row read where `who` reads two. Whether it still lets anyone in is
 * for the batch's `who` to say: what this finds is looked at only then.
 */
export const principalSql = (caller: Caller): SQL =>
  ofCredential(caller, { key: keyPrincipal('k'), session: memberOrParticipant('s'), member: memberPrincipal('m') })

/** The participant that it stands for, in the same way. */
export const participantSql = (caller: Caller): SQL =>
  ofCredential(caller, {
    key: sql`k.participant_id`,
    session: sql`s.participant_id`,
    member: sql`m.participant_id`,
  })

/** The source that it is limited to, in the same way; undefined: such a credential never is, or not at this door. */
export const sourceSql = ({ credential, study, door }: Caller): SQL | undefined =>
  credential.kind === 'session' && hasLimits(door)
    ? sql`(SELECT s.source FROM sessions s WHERE s.study_id = ${study} AND s.hash = ${credential.hash})`
    : undefined

const throughOf = (row: WhoRow): Through => {
  // Ids of rows are what their columns hold.
  if (row.keyId !== null) return { key: row.keyId as KeyId, lastUsedAt: dateOrNull(row.lastUsedAt) }
  return row.memberId === null ? undefined : { member: row.memberId as MemberId }
}

function participantOf(row: WhoRow, study: StudyId): Principal | undefined {
  const { participantId, status } = row
  if (participantId === null || status === null) return undefined
  return {
    role: 'participant',
    study,
    participant: participantId as ParticipantId, // a participant's row joined it
    status,
    source: row.limitedTo,
    readOnly: row.readOnly === 1,
    actor: row.actor as Actor, // composed by whoSql
    through: throughOf(row),
  }
}

/** The principal that a row tells of; undefined: this credential has no place in this study. */
export function principalOf(row: WhoRow | undefined, study: StudyId): Principal | undefined {
  if (row === undefined) return undefined
  const actor = row.actor as Actor // composed by whoSql
  switch (row.role) {
    case 'anonymous':
    case 'stranger':
    case 'operator':
    case 'system':
      return { role: row.role, actor, through: undefined }
    case 'participant':
    case 'application':
      return participantOf(row, study)
    case 'staff':
    case 'worker':
    case 'admin':
    case 'download':
      return { role: row.role, study, actor, through: throughOf(row) }
    default:
      return row.role satisfies never
  }
}
