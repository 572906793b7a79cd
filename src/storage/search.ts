import { sql, type SQL } from './sql.ts'
import type { File } from '../model/entities.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Condition, Rule } from '../model/rules.ts'
import { allows, READ_ONCE, targetFile } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { first, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { fileColumns, fileOfRow, type FileRow, grantedToCaller } from './file-rows.ts'
import type { FoundFiles } from './shelf.ts'
import {
  type Arm,
  byRole,
  type FileQuery,
  filtersOf,
  granteeFor,
  ownerAsked,
  within,
  withApplications,
} from './shelf-ranges.ts'
import { type Caller, principalOf, sourceSql, whoStatement, withWhoOnce } from './who.ts'
import { matchOf } from './words.ts'

/**
 * How many files that the index names are looked at for one page: past that it is short, and has a next one. A row is
 * read for each in the index, of the file, of a grant that has expired, and once more to tell where they end.
 */
const MAX_CANDIDATES = 800

const LISTING = 'search'

/** What of the index a condition opens, as a token of `who` after the study's own. */
const TOKENS: Readonly<Partial<Record<Condition, SQL>>> = {
  any: sql`''`,
  notPrivate: sql`'p'`,
  own: sql`'o' || hex(who.participant_id)`,
}

const tokenFor = (rule: Rule): SQL =>
  byRole(
    withApplications(
      Object.entries(rule.who).map(([role, conditions]): Arm => {
        const [token] = conditions.flatMap((condition) => TOKENS[condition] ?? [])
        if (token === undefined) throw new Error(`no token of the index is for ${role}`)
        return [role, token]
      }),
    ),
  )

/**
 * What is asked of the index: a token of who may find it, and the words, each in its own columns, so that neither is
 * taken for the other. It is never NULL, which FTS5 takes for a query that it cannot read: for whoever may find nothing
 * it is a token that no file has.
 */
function matchFor(caller: Caller, { query, rule }: { query: FileQuery; rule: Rule }, words: string): SQL {
  const study = sql`(SELECT 's' || studies.number FROM studies WHERE studies.id = ${caller.study})`
  const owner = ownerAsked(caller, query.participant)
  const shared = sql`coalesce(' OR ' || ${study} || 't' || nullif(hex(${granteeFor(caller, rule, query.participant)}), ''), '')`
  const owned = owner === undefined ? sql`''` : sql`' AND who : ' || ${study} || 'o' || hex(${owner})`
  return sql`coalesce('who : (' || ${study} || ${tokenFor(rule)} || ${shared} || ')' || ${owned}
    || ${` AND {name title description} : (${words})`}, 'who : nobody')`
}

/**
 * The files `f` that a query with words finds for the caller, as they stand in the index, the latest begun first, with
 * what is asked of each. `who` of the index is where to look; what the rule says of the file itself decides.
 */
export function searched(
  caller: Caller,
  asked: { query: FileQuery; rule: Rule },
  { words, before, limit }: { words: string; before?: string | number | undefined; limit: number },
): { places: SQL; residual: SQL } {
  const { query, rule } = asked
  const places = sql`SELECT rowid AS number FROM files_fts WHERE files_fts MATCH ${matchFor(caller, asked, words)}
    ${before === undefined ? sql`` : sql`AND rowid < ${before}`} ORDER BY rowid DESC LIMIT ${limit}`
  const owner = ownerAsked(caller, query.participant)
  const isPending = query.status === 'pending'
  const time = isPending ? sql`f.created_at` : sql`f.listed_at`
  const residual = sql.join(
    [
      isPending ? sql`f.listed_at IS NULL AND f.draft = 0` : sql`f.listed_at IS NOT NULL`,
      ...(owner === undefined ? [] : [sql`f.owner = ${owner}`]),
      ...filtersOf(query).map((filter) => filter.residual),
      within(query, { time, id: sql`f.id` }, undefined),
      allows(rule, targetFile('f'), READ_ONCE),
    ],
    ' AND ',
  )
  return { places, residual }
}

/** The files at such places, with what is asked of each. */
export const foundAt = (caller: Caller, { places, residual }: ReturnType<typeof searched>): SQL =>
  sql`FROM (${places}) s CROSS JOIN files f INDEXED BY files_number
    ON f.study_id = ${caller.study} AND f.number = s.number WHERE ${residual}`

/** Whether all but what is pending, and what has just changed, is said by the index. */
const isSaidByIndex = (caller: Caller, query: FileQuery): boolean =>
  query.status === 'complete' &&
  query.from === undefined &&
  query.until === undefined &&
  filtersOf(query).length === 0 &&
  sourceSql(caller) === undefined

export const searchStore = (db: Databases) => ({
  /**
   * A page of files with the words of `query.q`, the latest begun first: that is the order in which the index is read,
   * no further than to the end of the page. One trip. Nothing is found by a `q` without a word.
   */
  async search(
    caller: Caller,
    query: FileQuery & { q: string },
    { rule, page: { limit, cursor } }: { rule: Rule; page: PageRequest },
  ): Promise<FoundFiles> {
    const after = decodeCursor(LISTING, cursor, 'number')
    const words = matchOf(query.q)
    if (words === undefined) {
      const [who] = await db.of(caller.study).batch(whoStatement(caller))
      return { principal: principalOf(first(who), caller.study), page: { items: [], nextCursor: null } }
    }
    const isSaid = isSaidByIndex(caller, query)
    const asked = { words, before: after?.[0], limit: isSaid ? limit + 1 : MAX_CANDIDATES }
    const { places, residual } = searched(caller, { query, rule }, asked)
    const columns = sql`s.number AS place, ${fileColumns('f', sql`${caller.study}`)}, ${grantedToCaller(caller, 'f')}`
    // Each place, and the file that is there: without any, it is stepped over.
    const placed = sql`SELECT ${columns} FROM (${places}) s LEFT JOIN files f INDEXED BY files_number
      ON f.study_id = ${caller.study} AND f.number = s.number AND ${residual} ORDER BY s.number DESC`
    const page = sql`SELECT ${columns} ${foundAt(caller, { places, residual })} ORDER BY s.number DESC LIMIT ${limit + 1}`
    // Where the candidates ended, if there were as many as are looked at: a place, and no file.
    const last = sql`SELECT ${columns} FROM (SELECT * FROM (${places}) LIMIT 1 OFFSET ${MAX_CANDIDATES - 1}) s
      LEFT JOIN files f ON f.study_id = ${caller.study} AND f.id = ''`
    const [who, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<PlacedRow>(
        withWhoOnce(
          caller,
          // The end is looked for only if the page is not full without it.
          isSaid ? placed : sql`SELECT * FROM (${page}) UNION ALL SELECT * FROM (${last}) LIMIT ${limit + 1}`,
        ),
      ),
    )
    const lastPlace = rows.length > limit ? rows[limit - 1] : undefined
    const end = isSaid ? lastPlace : rows.find((row) => row.id === null)
    return {
      principal: principalOf(first(who), caller.study),
      page: pageUpTo(isSaid ? rows.slice(0, limit) : rows, end, limit),
    }
  },
})

/** A file of the page, or (without any) where the candidates ended. */
type PlacedRow = (FileRow | { [Column in keyof FileRow]: null }) & { place: number }

const pageUpTo = (rows: readonly PlacedRow[], end: PlacedRow | undefined, limit: number): Page<File> =>
  pageOf(
    rows.filter((row) => row.id !== null),
    limit,
    { listing: LISTING, place: (row) => [row.number, row.id], item: fileOfRow, end: end && [end.place, ''] },
  )
