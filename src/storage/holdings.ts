import { sql } from './sql.ts'
import type { Document, Report } from '../model/entities.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Rule } from '../model/rules.ts'
import { allows, READ_ONCE, targetOwnedBy } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { first, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { documentColumns, documentOfRow, type DocumentRow } from './document-rows.ts'
import { reportColumns, reportOfRow, type ReportRow, targetReport } from './report-rows.ts'
import { type Caller, withWho } from './who.ts'

/** How many documents are looked at for those of a time: past that a page is short, and has a next one. */
const CANDIDATES = 1_000

/** What a whole study holds besides files, a stretch at a time, for those whom the rules show it to. */
export const holdingStore = (db: Databases) => ({
  /** Documents by participant and identifier, last written from `from` on and before `until`. */
  async documents(
    caller: Caller,
    { rule, from, until, page }: { rule: Rule; from: Date | undefined; until: Date | undefined; page: PageRequest },
  ): Promise<Page<Document>> {
    const listing = 'study-documents'
    const [participant, identifier] = decodeCursor(listing, page.cursor) ?? ['', '']
    const range = sql`FROM documents d WHERE d.study_id = ${caller.study}
      AND (d.participant_id, d.identifier) > (${participant}, ${identifier}) ORDER BY d.participant_id, d.identifier`
    const [rows, ends] = await db.of(caller.study).batch(
      statement<DocumentRow>(
        withWho(
          caller,
          sql`SELECT ${documentColumns} FROM (SELECT * ${range} LIMIT ${CANDIDATES}) d
            WHERE ${from === undefined ? sql`1` : sql`d.updated_at >= ${from.getTime()}`}
              AND ${until === undefined ? sql`1` : sql`d.updated_at < ${until.getTime()}`}
              AND ${allows(rule, targetOwnedBy(sql`d.study_id`, sql`d.participant_id`), READ_ONCE)}
            ORDER BY d.participant_id, d.identifier LIMIT ${page.limit + 1}`,
        ),
      ),
      statement<{ participant: string; identifier: string }>(
        sql`SELECT d.participant_id AS participant, d.identifier ${range} LIMIT 1 OFFSET ${CANDIDATES - 1}`,
      ),
    )
    const end = first(ends)
    return pageOf(rows, page.limit, {
      listing,
      place: (row) => [row.participantId, row.identifier],
      item: documentOfRow,
      end: end && [end.participant, end.identifier],
    })
  },

  /** Reports by owner and identifier, the study's own first. */
  async reports(caller: Caller, { rule, page }: { rule: Rule; page: PageRequest }): Promise<Page<Report>> {
    const listing = 'study-reports'
    const [owner, identifier] = decodeCursor(listing, page.cursor) ?? ['', '']
    const [rows] = await db.of(caller.study).batch(
      statement<ReportRow>(
        withWho(
          caller,
          sql`SELECT ${reportColumns} FROM reports r WHERE r.study_id = ${caller.study}
              AND (r.owner, r.identifier) > (${owner}, ${identifier}) AND ${allows(rule, targetReport('r'), READ_ONCE)}
            ORDER BY r.owner, r.identifier LIMIT ${page.limit + 1}`,
        ),
      ),
    )
    return pageOf(rows, page.limit, { listing, place: (row) => [row.owner, row.identifier], item: reportOfRow })
  },
})
