import { sql, type SQL } from './sql.ts'
import type { ParticipantId } from '../model/ids.ts'
import type { Condition, Rule } from '../model/rules.ts'
import { isDeparting } from './conditions.ts'
import type { Place } from './cursor.ts'
import { type Caller, principalSql } from './who.ts'

// What a query for files comes to: whose shelf is read, in which ranges, and what is asked of each file found there.

export type FileQuery = Readonly<{
  /** Words of its name, title or description, as they are typed; undefined: whatever they are. */
  q?: string | undefined
  status: 'complete' | 'pending'
  participant: { id: ParticipantId } | { externalId: string } | 'me' | undefined
  category: string | undefined
  source: string | undefined
  name: string | undefined
  /** A file must have all of them. */
  tags: readonly string[]
  /** What it is called: its title or, without one, its name. */
  title?: string | undefined
  /** A tag must have this text in it, in any case of its ASCII letters. */
  tagWith?: string | undefined
  /** It has none of these categories. */
  noCategories?: readonly string[] | undefined
  /** First completed at this time or later; of pending files, begun. */
  from: Date | undefined
  /** First completed before this time; of pending files, begun. */
  until: Date | undefined
}>

/** The owner that is asked for, as SQL; undefined: whosever. Reads the participant only for an external id. */
export function ownerAsked(caller: Caller, asked: FileQuery['participant']): SQL | undefined {
  if (asked === undefined) return undefined
  if (asked === 'me') return sql`(SELECT participant_id FROM who)`
  if ('id' in asked) return sql`${asked.id}`
  return sql`(SELECT p.id FROM participants p INDEXED BY participants_external_id
    WHERE p.study_id = ${caller.study} AND p.external_id = ${asked.externalId})`
}

/** What of the shelf a condition opens: the whole, what is not private, or one's own; where asked for, of one owner. */
const SCOPES: Readonly<Partial<Record<Condition, (owner: SQL | undefined) => SQL>>> = {
  any: (owner) => (owner === undefined ? sql`'*'` : sql`'own:' || ${owner}`),
  notPrivate: (owner) => (owner === undefined ? sql`'+'` : sql`'+own:' || ${owner}`),
  own: (owner) =>
    owner === undefined
      ? sql`'own:' || who.participant_id`
      : sql`CASE WHEN ${owner} = who.participant_id THEN 'own:' || who.participant_id END`,
}

export type Arm = readonly [role: string, value: SQL]

/** With what is the participant's for those who act for them on files of one source. */
export const withApplications = (arms: readonly Arm[]): Arm[] =>
  arms.flatMap(([role, value]): Arm[] =>
    role === 'participant'
      ? [
          [role, value],
          ['application', value],
        ]
      : [[role, value]],
  )

/** What the caller's role makes of something, evaluated once; NULL for a role that is not among them. */
export const byRole = (arms: readonly Arm[]): SQL =>
  arms.length === 0
    ? sql`NULL`
    : sql`(SELECT CASE who.role ${sql.join(
        arms.map(([role, value]) => sql`WHEN ${sql.raw(`'${role}'`)} THEN ${value}`),
        ' ',
      )} END FROM who)`

/**
 * The one scope that the caller's role opens, as a subquery that is evaluated once; NULL opens none. It opens more than
 * an application is limited to, to which of everything that is found in it is asked by its source.
 */
export const scopeFor = (rule: Rule, owner: SQL | undefined): SQL => byRole(withApplications(scopesOf(rule, owner)))
/** The same where nothing more is asked of what is found: to an application none. */
export const wholeScopeFor = (rule: Rule, owner: SQL | undefined): SQL => byRole(scopesOf(rule, owner))

const scopesOf = (rule: Rule, owner: SQL | undefined): Arm[] =>
  Object.entries(rule.who).map(([role, conditions]) => {
    const [scope] = conditions.flatMap((condition) => SCOPES[condition] ?? [])
    if (scope === undefined) throw new Error(`no range of the shelf is for ${role}`)
    return [role, scope(owner)]
  })

/**
 * Whether anything was shared with the caller; 1 or NULL. A row of theirs is read, and one that is so. EXISTS would be
 * made a join, in which the condition beside it is asked of every grant.
 */
const isGranted = (caller: Caller): SQL =>
  sql`(SELECT 1 FROM grants g INDEXED BY grants_principal
    WHERE g.study_id = ${caller.study} AND g.principal = ${principalSql(caller)} LIMIT 1)`

/**
 * Under whose name the caller finds what was shared, in the same way; NULL: nothing is to be found so. Nobody is
 * granted what is their own, and applications have nothing to do with what is not. An external id is what the study
 * calls somebody: to the participants it is nobody's.
 */
export function granteeFor(caller: Caller, rule: Rule, asked: FileQuery['participant']): SQL {
  if (asked === 'me') return sql`NULL`
  const isStudysWord = asked !== undefined && 'externalId' in asked
  const roles = Object.entries(rule.who).filter(
    ([role, conditions]) => conditions.includes('granted') && !(isStudysWord && role === 'participant'),
  )
  // Most are granted nothing, and their role need not be asked for.
  return sql`CASE WHEN ${isGranted(caller)} THEN ${byRole(roles.map(([role]): Arm => [role, sql`who.principal`]))} END`
}

/** Whether an owner's place under a scope is still there to be found: the team's end as soon as the owner leaves. */
export const isOpen = (scope: SQL, { study, owner }: { study: SQL; owner: SQL }): SQL =>
  sql`NOT ((${scope} GLOB '+*' OR ${scope} GLOB 'to:member:*') AND ${isDeparting(study, owner)})`

/** Without a `term` there is no range of the shelf for it. */
type Filter = Readonly<{ term: string | undefined; residual: SQL }>

/** One row, however many tags the file has. */
const tagOnShelf = (tag: string): SQL =>
  sql`SELECT 1 FROM shelf tagged WHERE tagged.study_id = f.study_id AND tagged.scope = '*'
    AND tagged.term = ${`t:${tag}`} AND tagged.listed_at = f.listed_at AND tagged.file_id = f.id`
/** For files that are on no shelf: a row for each of its tags. */
const tagInFile = (tag: string): SQL => sql`SELECT 1 FROM json_each(f.tags) tag WHERE tag.value = ${tag}`

/**
 * Whether the file `f` has a tag, by a look at its JSON, which reads no row: there each tag follows a bracket or a comma,
 * and no quote inside of one stands bare. Only the tag `,` looks like what stands between two others, and is looked up.
 */
function hasTag(tag: string, status: FileQuery['status']): SQL {
  const json = JSON.stringify(tag)
  const seen = sql`(instr(f.tags, ${`[${json}`}) = 1 OR instr(f.tags, ${`,${json}`}) > 0)`
  if (tag !== ',') return seen
  return sql`(${seen} AND EXISTS (${status === 'pending' ? tagInFile(tag) : tagOnShelf(tag)}))`
}

/**
 * Whether a tag of the file `f` has a text in it. Its JSON is looked at first, which reads no row, and would also find the
 * text in what stands between two tags.
 */
const hasTagWith = (text: string): SQL =>
  sql`(instr(lower(f.tags), lower(${JSON.stringify(text).slice(1, -1)})) > 0
    AND EXISTS (SELECT 1 FROM json_each(f.tags) tag WHERE instr(lower(tag.value), lower(${text})) > 0))`

/** What is in no category, as none has controls in it. */
const BETWEEN = '\u001F'
/** By a look at a text, which reads no row, where a list would be read for each file. */
const hasNoneOf = (categories: readonly string[]): SQL =>
  sql`(f.category IS NULL
    OR instr(${BETWEEN + categories.join(BETWEEN) + BETWEEN}, ${BETWEEN} || f.category || ${BETWEEN}) = 0)`

/** The filters that no range of the shelf is for. */
const lateFiltersOf = ({ title, tagWith, noCategories }: FileQuery): Filter[] =>
  [
    ...(title === undefined ? [] : [sql`coalesce(f.title, f.name) = ${title}`]),
    ...(tagWith === undefined ? [] : [hasTagWith(tagWith)]),
    ...(noCategories === undefined ? [] : [hasNoneOf(noCategories)]),
  ].map((residual) => ({ term: undefined, residual }))

/** Every filter that a query has: as a term of the shelf, and as a condition on the file `f`. Likely the rarest first. */
export const filtersOf = (query: FileQuery): Filter[] => [
  ...(query.name === undefined ? [] : [{ term: `n:${query.name}`, residual: sql`f.name = ${query.name}` }]),
  ...query.tags.map((tag) => ({ term: `t:${tag}`, residual: hasTag(tag, query.status) })),
  ...(query.source === undefined ? [] : [{ term: `s:${query.source}`, residual: sql`f.source = ${query.source}` }]),
  ...(query.category === undefined
    ? []
    : [{ term: `c:${query.category}`, residual: sql`f.category = ${query.category}` }]),
  ...lateFiltersOf(query),
]

/** The term of the shelf whose range is read, and what is left to ask of each file that is found in it. */
export function drivenBy(query: FileQuery): { term: string; others: readonly Filter[] } {
  const filters = filtersOf(query)
  const [driving] = filters
  return driving?.term === undefined ? { term: '', others: filters } : { term: driving.term, others: filters.slice(1) }
}

/** The dates that are asked for and the cursor, as bounds of a range. */
export const within = (query: FileQuery, { time, id }: { time: SQL; id: SQL }, after: Place | undefined): SQL =>
  sql.join(
    [
      sql`1`,
      ...(query.from === undefined ? [] : [sql`${time} >= ${query.from.getTime()}`]),
      ...(query.until === undefined ? [] : [sql`${time} < ${query.until.getTime()}`]),
      ...(after === undefined ? [] : [sql`(${time}, ${id}) < (${after[0]}, ${after[1]})`]),
    ],
    ' AND ',
  )
