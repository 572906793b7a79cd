import { sql, type SQL } from './sql.ts'
import type { Changes, Report } from '../model/entities.ts'
import { newId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { isOnRecord, record } from './audit.ts'
import { allows, allowsPublic, READ_ONCE } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { first, statement } from './database.ts'
import type { Databases } from './databases.ts'
import {
  askedReportOf,
  askedReportStatement,
  isNamed,
  ownerOf,
  reportColumns,
  type ReportName,
  reportOfRow,
  type ReportOwner,
  type ReportRow,
  reportStatement,
  targetReport,
} from './report-rows.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

/** Not `public` is for the team alone; `participants`: as it was for the study's participants, and public no more. */
export type ReportChanges = Changes<{ public: boolean | 'participants'; labels: Report['labels'] }>

/** `report`: if the caller may read it. */
export type FoundReport = Readonly<{ principal: Principal | undefined; report: Report | undefined }>

/** A rule that reads, which says what is shown, and one that writes. */
export type ReadAndWrite = Readonly<{ reading: Rule; writing: Rule }>

function readersOf(isPublic: boolean | 'participants' | undefined): SQL[] {
  switch (isPublic) {
    case undefined:
      return []
    case true:
      return [sql`public = 1`]
    case 'participants':
      return [sql`public = 0`]
    case false:
      return [sql`public = 0`, sql`opened = 0`]
    default:
      return isPublic satisfies never
  }
}

const isAllowedTo = (writing: Rule) => sql`EXISTS (SELECT 1 FROM who WHERE ${allows(writing, targetReport('r'))})`

export const reportStore = (db: Databases) => ({
  async find(caller: Caller, name: ReportName, reading: Rule): Promise<FoundReport> {
    const [rows] = await db.of(caller.study).batch(askedReportStatement(caller, name, reading))
    return askedReportOf(first(rows), caller.study)
  },

  /** By identifier, in the order of code points. */
  async list(
    caller: Caller,
    owner: ReportOwner,
    { reading, page }: { reading: Rule; page: PageRequest },
  ): Promise<{ principal: Principal | undefined; page: Page<Report> }> {
    const listing = 'reports'
    const after = decodeCursor(listing, page.cursor)
    const [who, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<ReportRow>(
        withWho(
          caller,
          sql`SELECT ${reportColumns} FROM reports r
            WHERE r.study_id = ${caller.study} AND r.owner = ${ownerOf(owner)} AND r.identifier > ${after?.[1] ?? ''}
              AND ${allows(reading, targetReport('r'), READ_ONCE)}
            ORDER BY r.identifier LIMIT ${page.limit + 1}`,
        ),
      ),
    )
    return {
      principal: principalOf(first(who), caller.study),
      page: pageOf(rows, page.limit, {
        listing,
        place: (row) => [row.identifier, row.identifier],
        item: reportOfRow,
      }),
    }
  },

  /** `updated` is false where nothing was changed: by the rule, or for want of a study that allows public ones. */
  async update(
    caller: Caller,
    name: ReportName,
    { reading, writing, changes }: ReadAndWrite & { changes: ReportChanges },
  ): Promise<FoundReport & { updated: boolean }> {
    const set = [
      sql`identifier = identifier`,
      ...readersOf(changes.public),
      ...(changes.labels === undefined ? [] : [sql`labels = ${JSON.stringify(changes.labels)}`]),
    ]
    const isPossible = changes.public === true ? allowsPublic(sql`r.study_id`) : sql`1`
    const event = newId('aud', caller.now)
    const isDone = isOnRecord(caller, event)
    const [who, updated, , rows, [done]] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<{ identifier: string }>(
        withWho(
          caller,
          sql`UPDATE reports AS r SET ${sql.join(set, ', ')}
            WHERE ${isNamed(caller, name, 'r')} AND ${isAllowedTo(writing)} AND ${isPossible} AND NOT ${isDone}
            RETURNING identifier`,
        ),
      ),
      record(caller, { id: event, action: 'report.change', owner: ownerOf(name.owner), object: null }),
      reportStatement(caller, name, reading),
      statement<{ isDone: number }>(sql`SELECT ${isDone} AS "isDone"`),
    )
    const row = first(rows)
    return {
      principal: principalOf(first(who), caller.study),
      report: row && reportOfRow(row),
      updated: updated.length > 0 || done?.isDone === 1,
    }
  },

  /** A report with all its entries; `report` is what there was. */
  async remove(
    caller: Caller,
    name: ReportName,
    { reading, writing }: ReadAndWrite,
  ): Promise<FoundReport & { removed: boolean }> {
    const [who, before, removed] = await db.of(caller.study).batch(
      whoStatement(caller),
      reportStatement(caller, name, reading),
      statement<{ identifier: string }>(
        withWho(
          caller,
          sql`DELETE FROM reports AS r
            WHERE ${isNamed(caller, name, 'r')} AND ${isAllowedTo(writing)}
            RETURNING identifier`,
        ),
      ),
      record(caller, { action: 'report.delete', owner: ownerOf(name.owner), object: null }),
      // Of a report that is not there, nothing is: whether it went now or in the same batch before its answer was lost.
      statement(
        withWho(
          caller,
          sql`DELETE FROM report_entries AS e WHERE ${isNamed(caller, name, 'e')}
            AND NOT EXISTS (SELECT 1 FROM reports r WHERE ${isNamed(caller, name, 'r')})`,
        ),
      ),
    )
    const row = first(before)
    return {
      principal: principalOf(first(who), caller.study),
      report: row && reportOfRow(row),
      removed: removed.length > 0,
    }
  },
})
