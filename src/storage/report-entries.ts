import { sql, type SQL } from './sql.ts'
import { newId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { EntryKey, EntryKind, EntryOrder, EntryRange, NewEntry, ReportEntry } from '../model/report-entries.ts'
import type { Indexing } from '../model/report-names.ts'
import type { Rule } from '../model/rules.ts'
import { isOnRecord, record, recordFirst } from './audit.ts'
import { allows, READ_ONCE, targetOwnedBy } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { columnsOf, dateOf, first, type Row, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { remember } from './idempotency.ts'
import { isAsSaid, labelsOf, putName } from './report-names.ts'
import {
  askedReportOf,
  askedReportStatement,
  isNamed,
  ownerOf,
  type ReportName,
  reportOfRow,
  reportStatement,
  targetReport,
} from './report-rows.ts'
import type { FoundReport, ReadAndWrite } from './reports.ts'
import { reportEntries } from './schema/reports.ts'
import { type Caller, participantSql, principalOf, whoStatement, withWho } from './who.ts'

/** Of the values on a page: 100 of the largest would be more than a Worker has room for. The page is then shorter. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024

type EntryRow = Row<typeof reportEntries>
const columns = columnsOf(reportEntries, 'e')

const entryOfRow = ({ kind, at, data, updatedAt }: EntryRow): ReportEntry => ({
  kind,
  at,
  data,
  updatedAt: dateOf(updatedAt),
})

/** The entries of a report that the rule shows to the caller. */
const visibleEntries = (caller: Caller, name: ReportName, reading: Rule): SQL =>
  sql`FROM reports r CROSS JOIN report_entries e
      ON e.study_id = r.study_id AND e.owner = r.owner AND e.identifier = r.identifier
    WHERE ${isNamed(caller, name, 'r')} AND ${allows(reading, targetReport('r'), READ_ONCE)}`

type Stretch = { from: string | undefined; until: string | undefined; after: string | undefined; order: EntryOrder }

/** One kind's entries lie side by side in the tree of keys, in order. */
function within(kind: EntryKind, { from, until, after, order }: Stretch): SQL {
  const bounds = [
    sql`e.kind = ${kind}`,
    ...(from === undefined ? [] : [sql`e.at >= ${from}`]),
    ...(until === undefined ? [] : [sql`e.at <= ${until}`]),
    ...(after === undefined ? [] : [order === 'asc' ? sql`e.at > ${after}` : sql`e.at < ${after}`]),
  ]
  return sql.join(bounds, ' AND ')
}

/** `indexing`: what a protocol says of the report, if it is one that says such things. */
type NewEntries = Readonly<{ entries: readonly NewEntry[]; indexing: Indexing | undefined }>

export const reportEntryStore = (db: Databases) => ({
  async find(
    caller: Caller,
    name: ReportName,
    { key, reading }: { key: EntryKey; reading: Rule },
  ): Promise<FoundReport & { entry: ReportEntry | undefined }> {
    const database = db.of(caller.study)
    const [who, reports, entries] = await database.batch(
      whoStatement(caller),
      reportStatement(caller, name, reading),
      statement<EntryRow>(
        withWho(
          caller,
          sql`SELECT ${columns} ${visibleEntries(caller, name, reading)} AND e.kind = ${key.kind} AND e.at = ${key.at}`,
        ),
      ),
    )
    const report = first(reports)
    const entry = first(entries)
    return {
      principal: principalOf(first(who), caller.study),
      report: report && reportOfRow(report),
      entry: entry && entryOfRow(entry),
    }
  },

  /** In the order of their keys' text; of two kinds, the two stretches are merged. */
  async list(
    caller: Caller,
    name: ReportName,
    asked: { reading: Rule; range: EntryRange; order: EntryOrder; page: PageRequest },
  ): Promise<FoundReport & { page: Page<ReportEntry> }> {
    const { reading, range, order, page } = asked
    const listing = `report-entries:${order}`
    const stretch = { from: range.from, until: range.until, order, after: decodeCursor(listing, page.cursor)?.[1] }
    const direction = sql.raw(order)
    const arms = range.kinds.map(
      (kind) => sql`SELECT ${columns} ${visibleEntries(caller, name, reading)} AND ${within(kind, stretch)}`,
    )
    const [who, reports, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      reportStatement(caller, name, reading),
      statement<EntryRow & { bytes: number }>(
        withWho(
          caller,
          sql`SELECT * FROM (SELECT *, sum(octet_length(data))
              OVER (ORDER BY at ${direction} ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS bytes
            FROM (${sql.join(arms, ' UNION ALL ')} ORDER BY "at" ${direction} LIMIT ${page.limit + 1}))
            WHERE bytes - octet_length(data) < ${MAX_PAGE_BYTES}`,
        ),
      ),
    )
    const report = first(reports)
    // They come in this order; to have SQL say so would have it sort them once more, and read each again for that.
    const inOrder = rows.toSorted((one, other) => one.bytes - other.bytes)
    const last = inOrder.at(-1)
    return {
      principal: principalOf(first(who), caller.study),
      report: report && reportOfRow(report),
      page: pageOf(inOrder, page.limit, {
        listing,
        place: (row) => [row.at, row.at],
        item: entryOfRow,
        // Where the bytes end a page, whether more would follow was not looked at.
        end: last !== undefined && last.bytes >= MAX_PAGE_BYTES ? [last.at, last.at] : undefined,
      }),
    }
  },

  /**
   * All of them or none, and the report with the first ones. An entry that has the key of one that is there replaces it,
   * so the batch may be repeated. `differs`: nothing is written, since its report is said to be for other parts of the
   * study than it was.
   */
  async put(
    caller: Caller,
    name: ReportName,
    { reading, writing, entries, indexing }: ReadAndWrite & NewEntries,
  ): Promise<FoundReport & { written: boolean; differs: boolean }> {
    const { study } = caller
    const owner = name.owner === 'me' ? sql`who.participant_id` : ownerOf(name.owner)
    const now = caller.now.getTime()
    const fits = indexing === undefined ? sql`1` : isAsSaid(caller, name, indexing)
    const isAllowed = sql`${owner} IS NOT NULL AND ${allows(writing, targetOwnedBy(sql`${study}`, owner))} AND ${fits}`
    const isIndexed = name.owner === null && indexing !== undefined
    const json = JSON.stringify(entries.map(({ kind, at, data }) => [kind, at, data]))
    // The rule is asked once, by what puts the deed on record. All else hangs on that one after the other, so that a
    // batch that runs again changes nothing: others may have written since.
    const event = newId('aud', caller.now)
    const writer = name.owner === 'me' ? participantSql(caller) : ownerOf(name.owner)
    const [fitting, , , , , , reports, [done]] = await db.of(study).batch(
      indexing?.labels === undefined ? undefined : statement<{ fits: number }>(sql`SELECT ${fits} AS fits`),
      recordFirst(caller, { action: 'report.add', owner, object: null, id: event }, sql`WHERE ${isAllowed}`),
      statement(
        sql`INSERT INTO reports (study_id, owner, identifier, created_at, opened, labels)
          SELECT ${study}, ${writer}, ${name.identifier}, ${now},
            ${isIndexed ? 1 : 0}, ${isIndexed ? labelsOf(indexing) : sql`'[]'`} WHERE changes() > 0
          ON CONFLICT (study_id, owner, identifier) DO UPDATE SET created_at = reports.created_at`,
      ),
      statement(
        sql`INSERT INTO report_entries (study_id, owner, identifier, kind, at, data, updated_at)
          SELECT ${study}, ${writer}, ${name.identifier}, new.value ->> 0, new.value ->> 1, new.value ->> 2, ${now}
          FROM json_each(${json}) new WHERE changes() > 0
          ON CONFLICT (study_id, owner, identifier, kind, at)
          DO UPDATE SET data = excluded.data, updated_at = excluded.updated_at`,
      ),
      remember(caller, { ids: {}, owner }),
      name.owner === null ? undefined : putName(caller, name.identifier, indexing),
      askedReportStatement(caller, name, reading),
      statement<{ isDone: number }>(sql`SELECT ${isOnRecord(caller, event)} AS "isDone"`),
    )
    return {
      ...askedReportOf(first(reports), study),
      written: done?.isDone === 1,
      differs: first(fitting)?.fits === 0,
    }
  },

  /** The report stays, be it empty; or goes with its last entry. */
  async remove(
    caller: Caller,
    name: ReportName,
    { key, reading, writing, leaves }: ReadAndWrite & { key: EntryKey; leaves: 'report' | 'nothing' },
  ): Promise<FoundReport & { removed: boolean }> {
    const [who, removed, , , reports] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<{ at: string }>(
        withWho(
          caller,
          sql`DELETE FROM report_entries AS e
            WHERE ${isNamed(caller, name, 'e')} AND e.kind = ${key.kind} AND e.at = ${key.at}
              AND EXISTS (SELECT 1 FROM who WHERE ${allows(writing, targetOwnedBy(sql`e.study_id`, sql`e.owner`))})
            RETURNING at`,
        ),
      ),
      record(caller, { action: 'report_entry.delete', owner: ownerOf(name.owner), object: null }),
      leaves === 'report'
        ? undefined
        : statement(
            withWho(
              caller,
              sql`DELETE FROM reports AS r WHERE ${isNamed(caller, name, 'r')} AND r.entries = 0 AND changes() > 0`,
            ),
          ),
      reportStatement(caller, name, reading),
    )
    const report = first(reports)
    return {
      principal: principalOf(first(who), caller.study),
      report: report && reportOfRow(report),
      removed: removed.length > 0,
    }
  },
})
