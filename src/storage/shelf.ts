import { sql, type SQL } from 'drizzle-orm'
import type { File } from '../model/entities.ts'
import type { FileId, ParticipantId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import type { Condition, Rule } from '../model/rules.ts'
import { allows, READ_ONCE, targetFile } from './conditions.ts'
import { decodeCursor, encodeCursor, pageOf, type Place } from './cursor.ts'
import { type Database, first, statement } from './database.ts'
import { fileColumns, fileOfRow, type FileRow } from './file-rows.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

/** How many places of the driving range are looked at for one page: past that it is short, and has a next one. */
const MAX_CANDIDATES = 1_000

export type FileQuery = Readonly<{
  status: 'complete' | 'pending'
  participant: { id: ParticipantId } | { externalId: string } | 'me' | undefined
  category: string | undefined
  source: string | undefined
  name: string | undefined
  /** A file must have all of them. */
  tags: readonly string[]
  /** First completed at this time or later; of pending files, begun. */
  from: Date | undefined
  /** First completed before this time; of pending files, begun. */
  until: Date | undefined
}>

export type FoundFiles = Readonly<{ principal: Principal | undefined; page: Page<File> }>

/** The owner that is asked for, as SQL; undefined: whosever. Reads the participant only for an external id. */
function ownerAsked(caller: Caller, asked: FileQuery['participant']): SQL | undefined {
  if (asked === undefined) return undefined
  if (asked === 'me') return sql`(SELECT participant_id FROM who)`
  if ('id' in asked) return sql`${asked.id}`
  return sql`(SELECT p.id FROM participants p INDEXED BY participants_external_id
    WHERE p.study_id = ${caller.study} AND p.external_id = ${asked.externalId})`
}

/** What of the shelf a condition opens: the whole, what is not private, or one's own; where asked for, of one owner. */
function scopeOf(condition: Condition, owner: SQL | undefined): SQL {
  switch (condition) {
    case 'any':
      return owner === undefined ? sql`'*'` : sql`'own:' || ${owner}`
    case 'notPrivate':
      return owner === undefined ? sql`'+'` : sql`'+own:' || ${owner}`
    case 'own':
      return owner === undefined
        ? sql`'own:' || who.participant_id`
        : sql`CASE WHEN ${owner} = who.participant_id THEN 'own:' || who.participant_id END`
    case 'studyOwned':
    case 'participantOwned':
    case 'public':
    case 'createdByCaller':
      throw new Error(`no listing is by ${condition}`)
    default:
      return condition satisfies never
  }
}

/** The one scope that the caller's role opens, as a subquery that is evaluated once; NULL opens none. */
function scopeFor(rule: Rule, owner: SQL | undefined): SQL {
  const arms = Object.entries(rule.who).map(([role, conditions]) => {
    const [only] = conditions
    if (only === undefined || conditions.length !== 1) throw new Error('a listing has one condition for each role')
    return sql`WHEN ${sql.raw(`'${role}'`)} THEN ${scopeOf(only, owner)}`
  })
  return sql`(SELECT CASE who.role ${sql.join(arms, sql` `)} END FROM who)`
}

type Filter = Readonly<{ term: string; residual: SQL }>

/** One row, however many tags the file has. */
const tagOnShelf = (tag: string): SQL =>
  sql`SELECT 1 FROM shelf tagged WHERE tagged.study_id = f.study_id AND tagged.scope = '*'
    AND tagged.term = ${`t:${tag}`} AND tagged.listed_at = f.listed_at AND tagged.file_id = f.id`
/** For files that are on no shelf: a row for each of its tags. */
const tagInFile = (tag: string): SQL => sql`SELECT 1 FROM json_each(f.tags) tag WHERE tag.value = ${tag}`

/** Every filter that a query has: as a term of the shelf, and as a condition on the file. Likely the rarest first. */
const filtersOf = (query: FileQuery): Filter[] => [
  ...(query.name === undefined ? [] : [{ term: `n:${query.name}`, residual: sql`f.name = ${query.name}` }]),
  ...query.tags.map((tag) => ({
    term: `t:${tag}`,
    // A look at the text spares most files the question itself, which costs rows.
    residual: sql`(instr(f.tags, ${JSON.stringify(tag)}) > 0 AND EXISTS (${
      query.status === 'pending' ? tagInFile(tag) : tagOnShelf(tag)
    }))`,
  })),
  ...(query.source === undefined ? [] : [{ term: `s:${query.source}`, residual: sql`f.source = ${query.source}` }]),
  ...(query.category === undefined
    ? []
    : [{ term: `c:${query.category}`, residual: sql`f.category = ${query.category}` }]),
]

const within = (query: FileQuery, { time, id }: { time: SQL; id: SQL }, after: Place | undefined): SQL =>
  sql.join(
    [
      sql`1`,
      ...(query.from === undefined ? [] : [sql`${time} >= ${query.from.getTime()}`]),
      ...(query.until === undefined ? [] : [sql`${time} < ${query.until.getTime()}`]),
      ...(after === undefined ? [] : [sql`(${time}, ${id}) < (${after[0]}, ${after[1]})`]),
    ],
    sql` AND `,
  )

type PlaceRow = { listedAt: number; id: FileId }

export const shelfStore = (db: Database) => ({
  /**
   * A page of complete files, newest first, in one trip. The range is the caller's scope, which says all that the rule
   * does, and one filter's term; the other filters are asked of each file found there.
   */
  async list(
    caller: Caller,
    query: FileQuery,
    { rule, page: { limit, cursor } }: { rule: Rule; page: PageRequest },
  ): Promise<FoundFiles> {
    const listing = 'files'
    const after = decodeCursor(listing, cursor, 'number')
    const [driving, ...others] = filtersOf(query)
    const range = sql`FROM shelf s WHERE s.study_id = ${caller.study}
      AND s.scope = ${scopeFor(rule, ownerAsked(caller, query.participant))} AND s.term = ${driving?.term ?? ''}
      AND ${within(query, { time: sql`s.listed_at`, id: sql`s.file_id` }, after)}
      ORDER BY s.listed_at DESC, s.file_id DESC`
    const isExact = others.length === 0
    const residual = sql.join([sql`1`, ...others.map((filter) => filter.residual)], sql` AND `)

    const [who, rows, ends] = await db.batch(
      whoStatement(caller),
      statement<FileRow>(
        withWho(
          caller,
          sql`SELECT ${fileColumns('f', sql`${caller.study}`)}
            FROM (SELECT s.listed_at, s.file_id ${range} LIMIT ${isExact ? limit + 1 : MAX_CANDIDATES}) s
            CROSS JOIN files f ON f.study_id = ${caller.study} AND f.id = s.file_id
            WHERE ${residual} ORDER BY s.listed_at DESC, s.file_id DESC LIMIT ${limit + 1}`,
        ),
      ),
      // Where the candidates ended, if there were as many as are looked at.
      statement<PlaceRow>(
        isExact
          ? sql`SELECT 1 WHERE 0`
          : withWho(
              caller,
              sql`SELECT s.listed_at AS "listedAt", s.file_id AS id ${range} LIMIT 1 OFFSET ${MAX_CANDIDATES - 1}`,
            ),
      ),
    )
    return {
      principal: principalOf(first(who), caller.study),
      page: pageUpTo(listing, { rows, limit, end: first(ends), place: (row) => row.listedAt }),
    }
  },

  /** A page of files without content, latest begun first, in one trip. */
  async listPending(
    caller: Caller,
    query: FileQuery,
    { rule, page }: { rule: Rule; page: PageRequest },
  ): Promise<FoundFiles> {
    const listing = 'pending'
    const after = decodeCursor(listing, page.cursor, 'number')
    const asked = ownerAsked(caller, query.participant)
    const own = asked ?? sql`(SELECT participant_id FROM who)`
    const ordered = sql`${within(query, { time: sql`f.created_at`, id: sql`f.id` }, after)} AND f.listed_at IS NULL
      ORDER BY f.created_at DESC, f.id DESC`
    // One of the two ranges is empty: whoever is no participant, and asks for no owner, goes through the study.
    const byOwner = sql`FROM files f INDEXED BY files_pending_owner
      WHERE f.study_id = ${caller.study} AND f.owner = ${own} AND ${ordered}`
    const byStudy = sql`FROM files f INDEXED BY files_pending
      WHERE f.study_id = ${asked === undefined ? sql`(SELECT ${caller.study} FROM who WHERE participant_id IS NULL)` : sql`NULL`}
        AND ${ordered}`
    const residual = sql.join(
      [allows(rule, targetFile('f'), READ_ONCE), ...filtersOf(query).map((filter) => filter.residual)],
      sql` AND `,
    )
    const found = (range: SQL) =>
      statement<FileRow>(
        withWho(
          caller,
          sql`SELECT ${fileColumns('f', sql`${caller.study}`)} FROM (SELECT * ${range} LIMIT ${MAX_CANDIDATES}) f WHERE ${residual}
            ORDER BY f.created_at DESC, f.id DESC LIMIT ${page.limit + 1}`,
        ),
      )
    const end = (range: SQL) =>
      statement<PlaceRow>(
        withWho(caller, sql`SELECT f.created_at AS "listedAt", f.id ${range} LIMIT 1 OFFSET ${MAX_CANDIDATES - 1}`),
      )
    const [who, owned, ownedEnd, all, allEnd] = await db.batch(
      whoStatement(caller),
      found(byOwner),
      end(byOwner),
      found(byStudy),
      end(byStudy),
    )
    return {
      principal: principalOf(first(who), caller.study),
      page: pageUpTo(listing, {
        rows: [...owned, ...all],
        limit: page.limit,
        end: first(ownedEnd) ?? first(allEnd),
        place: (row) => row.createdAt,
      }),
    }
  },
})

/** A page that goes on after its last file, or where the candidates ended before it was full. */
function pageUpTo(
  listing: string,
  found: { rows: readonly FileRow[]; limit: number; end: PlaceRow | undefined; place: (row: FileRow) => number | null },
): Page<File> {
  const { rows, limit, end } = found
  const page = pageOf(rows, limit, {
    listing,
    place: (row): Place => [found.place(row) ?? 0, row.id],
    item: fileOfRow,
  })
  if (page.nextCursor !== null || end === undefined) return page
  return { items: page.items, nextCursor: encodeCursor(listing, [end.listedAt, end.id]) }
}
