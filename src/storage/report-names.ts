import { sql, type SQL } from './sql.ts'
import { type Identifier, newId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import type { Indexing, SharedName } from '../model/report-names.ts'
import type { Rule } from '../model/rules.ts'
import { recordFirst } from './audit.ts'
import { allows, targetOwnedBy, targetStudy } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { columnsOf, dateOf, first, type Row, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { stringsOf } from './file-rows.ts'
import { isNamed, type ReportName } from './report-rows.ts'
import { reportNames } from './schema/reports.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

type NameRow = Row<typeof reportNames>
const columns = columnsOf(reportNames, 'n')

const nameOfRow = (row: NameRow): SharedName => ({
  identifier: row.identifier as Identifier, // what was put in
  labels: stringsOf(row.labels),
  createdAt: dateOf(row.createdAt),
})

/** A JSON array of strings as a set: two that hold the same are the same text. */
const asSet = (json: SQL): SQL =>
  sql`(SELECT json_group_array(value ORDER BY value) FROM (SELECT DISTINCT value FROM json_each(${json})))`
const joined = (json: SQL, part: string | undefined): SQL =>
  part === undefined ? json : sql`json_insert(${json}, '$[#]', ${part})`

/** Of a new report of the study's, or a new name: which parts of the study it is for. */
export const labelsOf = ({ labels = [], part }: Indexing): SQL =>
  labels.length === 0 && part === undefined ? sql`'[]'` : asSet(joined(sql`${JSON.stringify(labels)}`, part))

/** Whether what is said of a report does not differ from what was said of it first. */
export function isAsSaid(caller: Caller, name: ReportName, { labels, part }: Indexing): SQL {
  if (labels === undefined) return sql`1`
  const said = joined(sql`${JSON.stringify(labels)}`, part)
  const known =
    name.owner === null
      ? sql`reports x WHERE ${isNamed(caller, name, 'x')}`
      : sql`report_names x WHERE x.study_id = ${caller.study} AND x.identifier = ${name.identifier}`
  return sql`NOT EXISTS (SELECT 1 FROM ${known} AND ${asSet(joined(sql`x.labels`, part))} <> ${asSet(said)})`
}

/** Right after a statement that hangs on the put of a participant's entries: their word for the report is known. */
export const putName = ({ study, now }: Caller, identifier: Identifier, indexing: Indexing | undefined) => {
  const part = indexing?.part
  const otherwise =
    part === undefined
      ? sql`DO NOTHING`
      : sql`DO UPDATE SET labels = ${asSet(joined(sql`report_names.labels`, part))}
          WHERE NOT EXISTS (SELECT 1 FROM json_each(report_names.labels) WHERE value = ${part})`
  return statement(
    sql`INSERT INTO report_names (study_id, identifier, labels, created_at)
      SELECT ${study}, ${identifier}, ${indexing === undefined ? sql`'[]'` : labelsOf(indexing)}, ${now.getTime()}
      WHERE changes() > 0 ON CONFLICT (study_id, identifier) ${otherwise}`,
  )
}

/** The names that the rule shows to the caller: all of them, or those of the caller's own reports. */
const visibleNames = (caller: Caller, rule: Rule, { is, limit }: { is: (alias: string) => SQL; limit: SQL }): SQL =>
  sql`SELECT * FROM (SELECT ${columns} FROM who CROSS JOIN report_names n
      WHERE n.study_id = ${caller.study} AND ${is('n')} AND ${allows(rule, targetStudy(caller.study))}
      ORDER BY n.identifier ${limit})
    UNION ALL SELECT * FROM (SELECT ${columns} FROM who CROSS JOIN reports r
      ON r.study_id = ${caller.study} AND r.owner = who.participant_id
      CROSS JOIN report_names n ON n.study_id = r.study_id AND n.identifier = r.identifier
      WHERE ${is('r')} AND ${allows(rule, targetOwnedBy(sql`r.study_id`, sql`r.owner`))}
      ORDER BY r.identifier ${limit})`

export type FoundName = Readonly<{ principal: Principal | undefined; name: SharedName | undefined }>

const nameStatement = (caller: Caller, identifier: Identifier, rule: Rule) =>
  statement<NameRow>(
    withWho(
      caller,
      visibleNames(caller, rule, {
        is: (alias) => sql`${sql.raw(alias)}.identifier = ${identifier}`,
        limit: sql``,
      }),
    ),
  )

export const reportNameStore = (db: Databases) => ({
  async find(caller: Caller, identifier: Identifier, rule: Rule): Promise<FoundName> {
    const [who, rows] = await db.of(caller.study).batch(whoStatement(caller), nameStatement(caller, identifier, rule))
    const row = first(rows)
    return { principal: principalOf(first(who), caller.study), name: row && nameOfRow(row) }
  },

  /** In the order of code points. */
  async list(
    caller: Caller,
    { rule, page }: { rule: Rule; page: PageRequest },
  ): Promise<{ principal: Principal | undefined; page: Page<SharedName> }> {
    const listing = 'report-names'
    const after = decodeCursor(listing, page.cursor)?.[1] ?? ''
    const [who, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<NameRow>(
        withWho(
          caller,
          visibleNames(caller, rule, {
            is: (alias) => sql`${sql.raw(alias)}.identifier > ${after}`,
            limit: sql`LIMIT ${page.limit + 1}`,
          }),
        ),
      ),
    )
    return {
      principal: principalOf(first(who), caller.study),
      page: pageOf(rows, page.limit, {
        listing,
        place: (row) => [row.identifier, row.identifier],
        item: nameOfRow,
      }),
    }
  },

  /** Reports of this name stay; `name` is what there was. */
  async remove(
    caller: Caller,
    identifier: Identifier,
    { reading, writing }: { reading: Rule; writing: Rule },
  ): Promise<FoundName & { removed: boolean }> {
    const { study, now } = caller
    const id = newId('aud', now)
    const isMeant = sql`study_id = ${study} AND identifier = ${identifier}`
    const [who, before, , , removed] = await db.of(caller.study).batch(
      whoStatement(caller),
      nameStatement(caller, identifier, reading),
      // It decides: a batch that is repeated finds by this event that it has removed, and removes nothing more.
      recordFirst(
        caller,
        { action: 'report.change', owner: sql`''`, object: null, id },
        sql`WHERE ${allows(writing, targetStudy(study))} AND EXISTS (SELECT 1 FROM report_names WHERE ${isMeant})`,
      ),
      statement(sql`DELETE FROM report_names WHERE ${isMeant} AND changes() > 0`),
      statement<{ id: string }>(sql`SELECT id FROM audit_events WHERE study_id = ${study} AND id = ${id}`),
    )
    const row = first(before)
    return {
      principal: principalOf(first(who), caller.study),
      name: row && nameOfRow(row),
      removed: removed.length > 0,
    }
  },
})
