import { sql, type SQL } from './sql.ts'
import type { Report } from '../model/entities.ts'
import type { Identifier, ParticipantId, StudyId } from '../model/ids.ts'
import type { Principal } from '../model/principal.ts'
import { ENTRY_KINDS, type EntryKind } from '../model/report-entries.ts'
import type { Rule } from '../model/rules.ts'
import { allows, allowsPublic, type Target } from './conditions.ts'
import { columnsOf, dateOf, type Row, statement } from './database.ts'
import { stringsOf } from './file-rows.ts'
import { reports } from './schema/reports.ts'
import { type Caller, principalOf, whoColumns, type WhoRow, withWho } from './who.ts'

/** Whose a report is: a participant's (`me`: the caller's own), or (null) the study's. */
export type ReportOwner = ParticipantId | 'me' | null
export type ReportName = Readonly<{ owner: ReportOwner; identifier: Identifier }>

export type ReportRow = Row<typeof reports> & {
  /** As it counts now. */
  isPublic: number
  firstAt: string | null
  lastAt: string | null
}

export const ownerOf = (owner: ReportOwner): SQL =>
  owner === 'me' ? sql`(SELECT participant_id FROM who)` : sql`${owner ?? ''}`

/** The rows that belong to a report, or the report itself, under an alias. */
export const isNamed = (caller: Caller, { owner, identifier }: ReportName, alias: string): SQL =>
  sql`${sql.raw(alias)}.study_id = ${caller.study} AND ${sql.raw(alias)}.owner = ${ownerOf(owner)}
    AND ${sql.raw(alias)}.identifier = ${identifier}`

export const targetReport = (alias: string): Target => ({
  study: sql.raw(`${alias}.study_id`),
  file: undefined,
  owner: sql.raw(`${alias}.owner`),
  // What is opened to participants is open to all of them: one that is for parts of the study is not.
  visibility: sql.raw(`CASE WHEN ${alias}.public = 1 THEN 'public'
    WHEN ${alias}.opened = 1 AND ${alias}.labels = '[]' THEN 'participants' ELSE 'study' END`),
  createdBy: sql`NULL`,
  source: undefined,
})

/** The first or last key of a kind: one step into the tree of keys. */
const outermost = (end: 'min' | 'max', kind: EntryKind): SQL =>
  sql.raw(`SELECT ${end}(e.at) AS at FROM report_entries e WHERE e.study_id = r.study_id AND e.owner = r.owner
    AND e.identifier = r.identifier AND e.kind = '${kind}'`)
const outermostOfAll = (end: 'min' | 'max'): SQL =>
  sql`(SELECT ${sql.raw(end)}(at) FROM (${sql.join(
    ENTRY_KINDS.map((kind) => outermost(end, kind)),
    ' UNION ALL ',
  )}))`

/** What a row of `reports r` is told as. */
export const reportColumns: SQL = sql`${columnsOf(reports, 'r')},
  (r.public = 1 AND ${allowsPublic(sql`r.study_id`)}) AS "isPublic",
  ${outermostOfAll('min')} AS "firstAt", ${outermostOfAll('max')} AS "lastAt"`

export const reportOfRow = (row: ReportRow): Report => ({
  owner: row.owner === '' ? null : (row.owner as ParticipantId), // what was put in, as the identifier is
  identifier: row.identifier as Identifier,
  public: row.isPublic === 1,
  labels: stringsOf(row.labels),
  entries: row.entries,
  first: row.firstAt,
  last: row.lastAt,
  createdAt: dateOf(row.createdAt),
})

/** The report, if the rule shows it to the caller. */
export const reportStatement = (caller: Caller, name: ReportName, rule: Rule) =>
  statement<ReportRow>(
    withWho(
      caller,
      sql`SELECT ${reportColumns} FROM who CROSS JOIN reports r
        WHERE ${isNamed(caller, name, 'r')} AND ${allows(rule, targetReport('r'))}`,
    ),
  )

/** Who asks, and the report with it, if the rule shows it: in one statement, for who is looked up in it anyway. */
export const askedReportStatement = (caller: Caller, { owner, identifier }: ReportName, rule: Rule) =>
  statement<WhoRow & (ReportRow | { [Column in keyof ReportRow]: null })>(
    withWho(
      caller,
      sql`SELECT ${whoColumns}, ${reportColumns} FROM who LEFT JOIN reports r
        ON r.study_id = ${caller.study} AND r.owner = ${owner === 'me' ? sql`who.participant_id` : (owner ?? '')}
          AND r.identifier = ${identifier} AND ${allows(rule, targetReport('r'))}`,
    ),
  )

export function askedReportOf(
  row: (WhoRow & (ReportRow | { [Column in keyof ReportRow]: null })) | undefined,
  study: StudyId,
): { principal: Principal | undefined; report: Report | undefined } {
  return { principal: principalOf(row, study), report: row?.identifier == null ? undefined : reportOfRow(row) }
}
