import { sql, type SQL } from './sql.ts'
import type { StudyId } from '../model/ids.ts'
import type { Condition, Rule } from '../model/rules.ts'

/** Where a statement finds the facts of what a rule is about. An expression may be a subquery: it is read if needed. */
export type Target = Readonly<{
  study: SQL
  /** The file that may have been shared; undefined where what a rule is about cannot be. */
  file: SQL | undefined
  /** '' for the study's own. */
  owner: SQL
  visibility: SQL
  createdBy: SQL
  /** Of a file; undefined where what a rule is about is none. */
  source: SQL | undefined
}>

/** A target that is no file: a participant's things, or (owner '') the study's. */
export const targetOwnedBy = (study: SQL, owner: SQL): Target => ({
  study,
  file: undefined,
  owner,
  visibility: sql`'private'`,
  createdBy: sql`NULL`,
  source: undefined,
})

/** What is the study's own and no file: its settings, keys, people. */
export const targetStudy = (study: StudyId): Target => targetOwnedBy(sql`${study}`, sql`''`)

/**
 * Whether an owner is leaving: until their files have become private, one after the other, they all count as that, and
 * are shared with nobody of the team. The table holds only who is: where nobody is, no row is read.
 */
export const isDeparting = (study: SQL, owner: SQL): SQL =>
  sql`EXISTS (SELECT 1 FROM departures d WHERE d.study_id = ${study} AND d.participant_id = ${owner})`

/** The visibility of a file under an alias, as the rules have it. */
export const visibilityNow = (alias: string): SQL =>
  sql`CASE WHEN ${isDeparting(sql.raw(`${alias}.study_id`), sql.raw(`${alias}.owner`))} THEN 'private'
    ELSE ${sql.raw(`${alias}.visibility`)} END`

/** The facts of a file under an alias. */
export const targetFile = (alias: string): Target => ({
  study: sql.raw(`${alias}.study_id`),
  file: sql.raw(`${alias}.id`),
  owner: sql.raw(`${alias}.owner`),
  visibility: visibilityNow(alias),
  createdBy: sql.raw(`${alias}.created_by`),
  source: sql.raw(`${alias}.source`),
})

/** Where a statement finds the facts of who asks. */
export type Asker = Readonly<{
  role: SQL
  participant: SQL
  status: SQL
  actor: SQL
  principal: SQL
  readOnly: SQL
  source: SQL
  now: SQL
}>

/** The statement has `who` among its tables. */
const JOINED: Asker = {
  role: sql`who.role`,
  participant: sql`who.participant_id`,
  status: sql`who.status`,
  actor: sql`who.actor`,
  principal: sql`who.principal`,
  readOnly: sql`who.read_only`,
  source: sql`who.source`,
  now: sql`who.now`,
}

/** For a statement that asks of many rows: each fact is read once, where `who` would be read anew for every row. */
export const READ_ONCE: Asker = {
  role: sql`(SELECT role FROM who)`,
  participant: sql`(SELECT participant_id FROM who)`,
  status: sql`(SELECT status FROM who)`,
  actor: sql`(SELECT actor FROM who)`,
  principal: sql`(SELECT principal FROM who)`,
  readOnly: sql`(SELECT read_only FROM who)`,
  source: sql`(SELECT source FROM who)`,
  now: sql`(SELECT now FROM who)`,
}

export const allowsPublic = (study: SQL): SQL =>
  sql`EXISTS (SELECT 1 FROM studies WHERE studies.id = ${study} AND studies.allow_public = 1)`

/**
 * Whether an owner's erasure has not begun ('': the study's own). From its beginning on nobody sees what of theirs is
 * still there. The index holds only what is under way: where nothing is, no row is read.
 */
export const notErasing = (study: SQL, owner: SQL): SQL =>
  sql`NOT EXISTS (SELECT 1 FROM erasures erasing INDEXED BY erasures_participant
    WHERE erasing.study_id = ${study} AND erasing.participant_id = ${owner})`

/**
 * The caller's grant on a file, as a subquery of one column; of no row where there is none, or none that stands: so it is
 * with the team's on files of whoever is leaving.
 */
export const grantOn = (
  { study, file, owner }: { study: SQL; file: SQL; owner: SQL },
  asker: Pick<Asker, 'principal' | 'now'>,
  column: SQL,
): SQL =>
  sql`SELECT ${column} FROM grants granted WHERE granted.study_id = ${study} AND granted.file_id = ${file}
    AND granted.principal = ${asker.principal} AND (granted.expires_at IS NULL OR granted.expires_at > ${asker.now})
    AND (granted.principal NOT GLOB 'member:*' OR NOT ${isDeparting(study, owner)})`

function isGranted({ study, file, owner }: Target, asker: Asker, at: SQL): SQL {
  return file === undefined ? sql`0` : sql`EXISTS (${grantOn({ study, file, owner }, asker, sql`1`)}${at})`
}

function holds(condition: Condition, target: Target, asker: Asker): SQL {
  switch (condition) {
    case 'any':
      return sql`1`
    case 'own':
      return sql`${target.owner} = ${asker.participant}`
    case 'studyOwned':
      return sql`${target.owner} = ''`
    case 'participantOwned':
      return sql`${target.owner} <> ''`
    case 'notPrivate':
      return sql`(${target.visibility}) <> 'private'`
    case 'public':
      return sql`((${target.visibility}) = 'public' AND ${allowsPublic(target.study)})`
    case 'opened':
      return sql`(${target.visibility}) = 'participants'`
    case 'createdByCaller':
      return sql`${target.createdBy} = ${asker.actor}`
    case 'granted':
      return isGranted(target, asker, sql``)
    case 'grantedContent':
      return isGranted(target, asker, sql` AND granted.level = 'content'`)
    default:
      return condition satisfies never
  }
}

/** Nothing of a withdrawn participant's is written, whoever asks. */
const ownerActive = (target: Target, asker: Asker): SQL =>
  sql`CASE WHEN ${target.owner} = '' THEN 1 WHEN ${target.owner} = ${asker.participant} THEN ${asker.status} = 'active'
    ELSE EXISTS (SELECT 1 FROM participants WHERE participants.study_id = ${target.study}
      AND participants.id = ${target.owner} AND participants.status = 'active') END`

/**
 * `domain/policy.ts`'s rule as SQL over `who` (the caller's row) and a target; the property test in
 * `test/domain/policy-sql.test.ts` shows that both say the same.
 */
export function allows(rule: Rule, target: Target, asker: Asker = JOINED): SQL {
  const arms = Object.entries(rule.who).flatMap(([role, conditions]) => {
    const all = conditions.map((condition) => holds(condition, target, asker))
    const held = sql`(${sql.join(all, ' OR ')})`
    const arm = sql`WHEN ${sql.raw(`'${role}'`)} THEN ${held}`
    // Who acts for an application may what the participant may, with their own files of its source.
    if (role !== 'participant' || target.source === undefined) return [arm]
    const isReached = sql`${target.source} IS ${asker.source} AND ${target.owner} = ${asker.participant}`
    return [arm, sql`WHEN 'application' THEN (${isReached} AND ${held})`]
  })
  if (arms.length === 0) return sql`0`
  const mayAsk = sql`CASE ${asker.role} ${sql.join(arms, ' ')} ELSE 0 END`
  const mayChange = rule.changes ? sql` AND NOT ${asker.readOnly}` : sql``
  return rule.writes
    ? sql`(${mayAsk}${mayChange} AND ${asker.status} IS NOT 'withdrawn' AND ${ownerActive(target, asker)})`
    : sql`(${mayAsk}${mayChange} AND ${notErasing(target.study, target.owner)})`
}

/** With `who` among the tables: whoever is limited to a source says no other of a file. Of none that is said, nothing. */
export const keepsSource = (source: string | null | undefined): SQL[] =>
  source === undefined ? [] : [sql`(who.source IS NULL OR who.source IS ${source})`]
