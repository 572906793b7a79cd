import { sql, type SQL } from './sql.ts'
import type { File } from '../model/entities.ts'
import type { FileId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { allows, notErasing, READ_ONCE, targetFile } from './conditions.ts'
import { decodeCursor, pageOf, type Place } from './cursor.ts'
import { first, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { fileColumns, fileOfRow, type FileRow, grantedToCaller } from './file-rows.ts'
import {
  drivenBy,
  type FileQuery,
  filtersOf,
  granteeFor,
  isOpen,
  ownerAsked,
  scopeFor,
  within,
} from './shelf-ranges.ts'
import { type Caller, principalOf, sourceSql, whoStatement, withWho, withWhoOnce } from './who.ts'

/** How many places of the ranges are looked at for one page: past that it is short, and has a next one. */
const MAX_CANDIDATES = 1_000

export type FoundFiles = Readonly<{ principal: Principal | undefined; page: Page<File> }>

type PlaceRow = { placeTime: number; placeId: FileId }

/** Where the candidates for a page ended. */
const endOf = (row: PlaceRow | undefined): Place | undefined => row && [row.placeTime, row.placeId]

/** What is asked of a list, and the place after which its page begins. */
type Asked = Readonly<{ query: FileQuery; rule: Rule; after: Place | undefined }>

/**
 * The two ranges that a list is read from, newest first: the caller's scope, which says all that the rule does, and what
 * was shared with the caller. They are merged as they are read, and no file is in both.
 */
function rangesOf(caller: Caller, { query, rule, after }: Asked): SQL {
  const { term } = drivenBy(query)
  const places = (scope: SQL, isShared: 0 | 1): SQL =>
    sql`SELECT s.listed_at, s.file_id, s.until, s.scope, ${sql.raw(String(isShared))} AS shared FROM shelf s
      WHERE s.study_id = ${caller.study} AND s.scope = ${scope} AND s.term = ${term}
        AND ${within(query, { time: sql`s.listed_at`, id: sql`s.file_id` }, after)}`
  return sql`${places(scopeFor(rule, ownerAsked(caller, query.participant)), 0)}
    UNION ALL ${places(sql`'to:' || ${granteeFor(caller, rule, query.participant)}`, 1)}
    ORDER BY 1 DESC, 2 DESC`
}

/**
 * What is asked of each file `f` at a place `s`: the filters that did not drive, of a shared one, that it counts, and of
 * any, that it is of the source that an application is limited to.
 */
function residualOf(caller: Caller, query: FileQuery): SQL {
  const { others } = drivenBy(query)
  const source = sourceSql(caller)
  const owner = ownerAsked(caller, query.participant)
  return sql.join(
    [
      sql`(s.until IS NULL OR s.until > ${caller.now.getTime()})`,
      notErasing(sql`${caller.study}`, sql`f.owner`),
      isOpen(sql`s.scope`, { study: sql`f.study_id`, owner: sql`f.owner` }),
      ...(owner === undefined ? [] : [sql`(s.shared = 0 OR f.owner = ${owner})`]),
      ...(source === undefined ? [] : [sql`(${source} IS NULL OR f.source IS ${source})`]),
      ...others.map((filter) => filter.residual),
    ],
    ' AND ',
  )
}

/** Whether all that a list asks is said by the ranges that it is read from, as far as that lasts. */
const isSaidByRanges = (caller: Caller, query: FileQuery): boolean =>
  drivenBy(query).others.length === 0 && sourceSql(caller) === undefined

/** A place of the ranges, and the file that is there: without any, it is stepped over. */
type PlacedRow = (FileRow | { [Column in keyof FileRow]: null }) & PlaceRow

/**
 * A page of which hardly a place is stepped over, since nothing is asked but what the ranges say. Only where somebody is
 * leaving or being erased, or something was shared for a time, it may be short. It ends where its places do.
 */
function placedStatement(caller: Caller, asked: Asked, limit: number) {
  const { study } = caller
  return statement<PlacedRow>(
    withWhoOnce(
      caller,
      sql`SELECT s.listed_at AS "placeTime", s.file_id AS "placeId", ${fileColumns('f', sql`${study}`)},
          ${grantedToCaller(caller, 'f')}
        FROM (${rangesOf(caller, asked)} LIMIT ${limit + 1}) s
        LEFT JOIN files f ON f.study_id = ${study} AND f.id = s.file_id AND ${residualOf(caller, asked.query)}
        ORDER BY s.listed_at DESC, s.file_id DESC`,
    ),
  )
}

/** A page of which any number of places may be stepped over, up to so many, and where those ended if there were as many. */
function filteredStatements(caller: Caller, asked: Asked, limit: number) {
  const { study } = caller
  return [
    statement<FileRow>(
      withWhoOnce(
        caller,
        sql`SELECT ${fileColumns('f', sql`${study}`)}, ${grantedToCaller(caller, 'f')}
          FROM (${rangesOf(caller, asked)} LIMIT ${MAX_CANDIDATES}) s
          CROSS JOIN files f ON f.study_id = ${study} AND f.id = s.file_id
          WHERE ${residualOf(caller, asked.query)} ORDER BY s.listed_at DESC, s.file_id DESC LIMIT ${limit + 1}`,
      ),
    ),
    statement<PlaceRow>(
      withWhoOnce(
        caller,
        sql`SELECT s.listed_at AS "placeTime", s.file_id AS "placeId"
          FROM (${rangesOf(caller, asked)} LIMIT 1 OFFSET ${MAX_CANDIDATES - 1}) s`,
      ),
    ),
  ] as const
}

const LISTING = 'files'
const placeOf = (row: FileRow): Place => [row.listedAt ?? 0, row.id]

export const shelfStore = (db: Databases) => ({
  /** A page of complete files, newest first, in one trip: the caller's and those that were shared with them. */
  async list(
    caller: Caller,
    query: FileQuery,
    { rule, page: { limit, cursor } }: { rule: Rule; page: PageRequest },
  ): Promise<FoundFiles> {
    const asked = { query, rule, after: decodeCursor(LISTING, cursor, 'number') }
    const { study } = caller
    if (isSaidByRanges(caller, query)) {
      const [who, placed] = await db.of(study).batch(whoStatement(caller), placedStatement(caller, asked, limit))
      return { principal: principalOf(first(who), study), page: placedPage(placed, limit) }
    }
    const [who, rows, ends] = await db
      .of(study)
      .batch(whoStatement(caller), ...filteredStatements(caller, asked, limit))
    return {
      principal: principalOf(first(who), study),
      page: pageOf(rows, limit, { listing: LISTING, place: placeOf, item: fileOfRow, end: endOf(first(ends)) }),
    }
  },

  /**
   * A page of files without content, latest begun first, in one trip. What is shared is found by its id until it has
   * content: these lists are of the caller's own scope only.
   */
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
      AND f.draft = 0 ORDER BY f.created_at DESC, f.id DESC`
    // One of the two ranges is empty: whoever is no participant, and asks for no owner, goes through the study.
    const byOwner = sql`FROM files f INDEXED BY files_pending_owner
      WHERE f.study_id = ${caller.study} AND f.owner = ${own} AND ${ordered}`
    const byStudy = sql`FROM files f INDEXED BY files_pending
      WHERE f.study_id = ${asked === undefined ? sql`(SELECT ${caller.study} FROM who WHERE participant_id IS NULL)` : sql`NULL`}
        AND ${ordered}`
    const residual = sql.join(
      [
        allows(rule, { ...targetFile('f'), file: undefined }, READ_ONCE),
        ...filtersOf(query).map((filter) => filter.residual),
      ],
      ' AND ',
    )
    const found = (range: SQL) =>
      statement<FileRow>(
        withWho(
          caller,
          sql`SELECT ${fileColumns('f', sql`${caller.study}`)}, ${grantedToCaller(caller, 'f')}
            FROM (SELECT * ${range} LIMIT ${MAX_CANDIDATES}) f WHERE ${residual}
            ORDER BY f.created_at DESC, f.id DESC LIMIT ${page.limit + 1}`,
        ),
      )
    const end = (range: SQL) =>
      statement<PlaceRow>(
        withWho(
          caller,
          sql`SELECT f.created_at AS "placeTime", f.id AS "placeId" ${range} LIMIT 1 OFFSET ${MAX_CANDIDATES - 1}`,
        ),
      )
    const database = db.of(caller.study)
    const [who, owned, ownedEnd, all, allEnd] = await database.batch(
      whoStatement(caller),
      found(byOwner),
      end(byOwner),
      found(byStudy),
      end(byStudy),
    )
    return {
      principal: principalOf(first(who), caller.study),
      page: pageOf([...owned, ...all], page.limit, {
        listing,
        place: (row) => [row.createdAt, row.id],
        item: fileOfRow,
        end: endOf(first(ownedEnd) ?? first(allEnd)),
      }),
    }
  },
})

/** What is at the places of a page, and one more place if it goes on after it. */
function placedPage(placed: readonly PlacedRow[], limit: number): Page<File> {
  const onPage = placed.slice(0, limit)
  const rows = onPage.filter((row) => row.id !== null)
  const end = placed.length > limit ? endOf(onPage.at(-1)) : undefined
  return pageOf(rows, limit, { listing: LISTING, place: placeOf, item: fileOfRow, end })
}
