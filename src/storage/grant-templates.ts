import { sql, type SQL } from './sql.ts'
import { type FileId, newId } from '../model/ids.ts'
import type { Principal, PrincipalName } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { recordFirst } from './audit.ts'
import { allows, grantOn, READ_ONCE, targetFile } from './conditions.ts'
import { first, statement } from './database.ts'
import type { Databases } from './databases.ts'
import {
  dropGrants,
  type GrantRules,
  isFull,
  isLeaving,
  isSomebody,
  isTheirs,
  type NewGrant,
  putGrants,
} from './grants.ts'
import { foundAt, searched } from './search.ts'
import { drivenBy, type FileQuery, ownerAsked, scopeFor, within } from './shelf-ranges.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'
import { matchOf } from './words.ts'

/**
 * How much one call shares, or shares no longer: each file is written anew in the index of words, which takes as long as
 * it has text (measured: up to 6 µs a character), and whoever else asks meanwhile has to wait.
 */
export const MOST_AT_ONCE = { files: 1_000, characters: 400_000 }
/** Room for a place up to that in an event's id. */
const PLACE_DIGITS = 4

/**
 * What became of it: `files` were shared, or are shared no longer. Else nothing was changed: nobody goes by that name as
 * far as the caller may know, one of the files is shared with as many as can be, or too much would have to be changed.
 */
type TemplateOutcome = { outcome: 'done'; files: number } | { outcome: 'unknown' | 'full' | 'too_much' }
export type FoundTemplate = Readonly<{ principal: Principal | undefined }> & TemplateOutcome

/** What is to be changed: how many files, and how much of the index. NULL: of none. */
type Tally = { changing: number | null; characters: number | null }
const isTooMuch = ({ changing, characters }: Tally) =>
  (changing ?? 0) > MOST_AT_ONCE.files || (characters ?? 0) > MOST_AT_ONCE.characters

/** What the index has of the file `f`, in characters. */
export const INDEXED = sql`(length(coalesce(f.name_words, f.name)) + coalesce(length(coalesce(f.title_words, f.title)), 0)
  + coalesce(length(coalesce(f.description_words, f.description)), 0))`

/** SQLite's word for no limit. */
const ALL = -1

/** Which files: those that a template means, or just these. */
export type Meant = FileQuery | Readonly<{ ids: readonly FileId[] }>

/** The complete files `f` that a template means, or the files that are named, and the rule lets the caller share, whatever their order. */
function meant(caller: Caller, { query, rule }: { query: Meant; rule: Rule }): SQL {
  if ('ids' in query) {
    return sql`FROM json_each(${JSON.stringify(query.ids)}) asked CROSS JOIN files f
      ON f.study_id = ${caller.study} AND f.id = asked.value
      WHERE ${allows(rule, targetFile('f'), READ_ONCE)}`
  }
  if (query.q !== undefined) {
    const words = matchOf(query.q)
    if (words === undefined) return sql`FROM files f WHERE 0`
    return foundAt(caller, searched(caller, { query, rule }, { words, limit: ALL }))
  }
  const { term, others } = drivenBy(query)
  const conditions = [allows(rule, targetFile('f'), READ_ONCE), ...others.map((filter) => filter.residual)]
  return sql`FROM shelf s CROSS JOIN files f ON f.study_id = s.study_id AND f.id = s.file_id
    WHERE s.study_id = ${caller.study} AND s.scope = ${scopeFor(rule, ownerAsked(caller, query.participant))}
      AND s.term = ${term} AND ${within(query, { time: sql`s.listed_at`, id: sql`s.file_id` }, undefined)}
      AND ${sql.join(conditions, ' AND ')}`
}

/**
 * Puts each of the chosen files on record before anything is done to it, if they are not too much at once and all
 * `ready`; what follows hangs on that. `recorded` are those that have just been: a batch that is repeated because its
 * answer was lost records none, and leaves what others have shared otherwise since. `count` has those of its first run.
 */
function recording(
  caller: Caller,
  action: 'file.grant' | 'file.revoke',
  { chosen, ready }: { chosen: SQL; ready: SQL },
) {
  const stem = newId('aud', caller.now).slice(0, -PLACE_DIGITS)
  const [from, to] = [stem + '0'.repeat(PLACE_DIGITS), stem + '9'.repeat(PLACE_DIGITS)]
  const events = sql`audit_events e WHERE e.study_id = ${caller.study} AND e.id BETWEEN ${from} AND ${to}`
  const id = sql`${stem} || printf(${`%0${PLACE_DIGITS}d`}, f.place)`
  return {
    record: recordFirst(
      caller,
      { id, action, owner: sql`f.owner`, object: sql`f.id` },
      sql`CROSS JOIN (
          SELECT id, owner, row_number() OVER (ORDER BY id) AS place, count(*) OVER () AS files,
            sum(characters) OVER () AS characters, min(ready) OVER () AS ready
          FROM (SELECT f.id, f.owner, ${INDEXED} AS characters, ${ready} AS ready ${chosen} LIMIT ${MOST_AT_ONCE.files + 1})
        ) f WHERE f.ready AND f.files <= ${MOST_AT_ONCE.files} AND f.characters <= ${MOST_AT_ONCE.characters}
          AND NOT EXISTS (SELECT 1 FROM ${events})`,
    ),
    recorded: sql`f.id IN (SELECT e.object FROM ${events}) AND changes() > 0`,
    count: statement<{ files: number }>(sql`SELECT count(*) AS files FROM ${events}`),
  }
}

export const grantTemplateStore = (db: Databases) => ({
  /**
   * Shares every file that a template means and the caller may share, but what is theirs with whom it is shared: all or
   * nothing, in one batch. `files` counts those that were shared so before, too.
   */
  async apply(
    caller: Caller,
    { query, grant, rules }: { query: Meant; grant: NewGrant; rules: GrantRules },
  ): Promise<FoundTemplate> {
    const { principal, level, expiresAt } = grant
    const sharable = sql`${meant(caller, { query, rule: rules.share })} AND NOT ${isTheirs(principal)}`
    const isSo = sql`EXISTS (SELECT 1 FROM grants g WHERE g.study_id = f.study_id AND g.file_id = f.id
      AND g.principal = ${principal} AND g.level = ${level} AND g.expires_at IS ${expiresAt?.getTime() ?? null})`
    const isKnown = sql`(SELECT ${isSomebody(caller, principal, rules.know)} FROM who)`
    const { record, recorded } = recording(caller, 'file.grant', {
      chosen: sql`${sharable} AND NOT ${isSo} AND ${isKnown} AND NOT ${isLeaving(caller, principal)}`,
      ready: sql`NOT ${isFull(principal)}`,
    })
    const [who, tallies] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<Tally & { known: number | null; files: number; full: number | null }>(
        withWho(
          caller,
          sql`SELECT ${isKnown} AS known, count(*) AS files, sum(NOT so) AS changing, sum(NOT so AND full) AS full,
              sum(CASE WHEN so THEN 0 ELSE characters END) AS characters
            FROM (SELECT so, characters, NOT so AND ${isFull(principal)} AS full
              FROM (SELECT f.study_id, f.id, ${INDEXED} AS characters, ${isSo} AS so ${sharable}) f)`,
        ),
      ),
      record,
      putGrants(caller, { which: recorded, grant, rules }),
    )
    const tally = first(tallies)
    const outcome = (): TemplateOutcome => {
      if (tally?.known !== 1) return { outcome: 'unknown' }
      if (isTooMuch(tally)) return { outcome: 'too_much' }
      return (tally.full ?? 0) > 0 ? { outcome: 'full' } : { outcome: 'done', files: tally.files }
    }
    return { principal: principalOf(first(who), caller.study), ...outcome() }
  },

  /** Ends what is shared of a template's files with a principal: all or nothing, in one batch. */
  async revoke(
    caller: Caller,
    { query, principal, rule }: { query: Meant; principal: PrincipalName; rule: Rule },
  ): Promise<FoundTemplate> {
    const asker = { principal: sql`${principal}`, now: sql`${caller.now.getTime()}` }
    const file = { study: sql`f.study_id`, file: sql`f.id`, owner: sql`f.owner` }
    const isShared = sql`EXISTS (${grantOn(file, asker, sql`1`)})`
    const chosen = sql`${meant(caller, { query, rule })} AND ${isShared}`
    const { record, recorded, count } = recording(caller, 'file.revoke', { chosen, ready: sql`1` })
    const database = db.of(caller.study)
    const [who, tallies, , , counts] = await database.batch(
      whoStatement(caller),
      statement<Tally>(withWho(caller, sql`SELECT count(*) AS changing, sum(${INDEXED}) AS characters ${chosen}`)),
      record,
      dropGrants(caller, { which: recorded, principal, rule }),
      count,
    )
    const tally = first(tallies)
    return {
      principal: principalOf(first(who), caller.study),
      ...(tally !== undefined && isTooMuch(tally)
        ? { outcome: 'too_much' }
        : { outcome: 'done', files: first(counts)?.files ?? 0 }),
    }
  },
})
