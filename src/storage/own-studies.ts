import { sql, type SQL } from './sql.ts'
import type { Study } from '../model/entities.ts'
import { ALL_STUDIES, type StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Credential, Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { allows, targetOwnedBy } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { type Database, first, statement } from './database.ts'
import { type Databases, eachOnce } from './databases.ts'
import { studyColumns, studyOfRow, type StudyRow } from './studies.ts'
import { type Caller, inEach, principalOf, whoColumns, type WhoRow, whoSql } from './who.ts'

/** A study in which the caller has a place, and whether they may be told more of it than that. */
export type OwnStudy = Study & Readonly<{ isTold: boolean }>

const EVERY = sql`studies own`
const named = (ids: SQL): SQL => sql`(${ids}) named CROSS JOIN studies own ON own.id = named.id`

const numbered = (number: number): SQL => sql`SELECT id FROM studies WHERE number = ${number}`

/** What a JWT may have a place in: all that its issuer is good for, or what it names and wherever it has a member's row. */
function namedBy({ issuer, subject, studies, claimed }: Extract<Credential, { kind: 'jwt' }>): SQL {
  const isEverywhere = claimed !== undefined && claimed.studies === undefined
  if (isEverywhere && studies === undefined) return EVERY
  const told = isEverywhere ? studies : claimed?.studies
  const listed = told === undefined ? [] : [sql`SELECT value AS id FROM json_each(${JSON.stringify(told)})`]
  const joined = sql`SELECT m.study_id AS id FROM members m INDEXED BY members_subject
    WHERE m.issuer = ${issuer} AND m.subject = ${subject}`
  return named(sql.join([...listed, joined], ' UNION '))
}

/** Studies, as `own`, among which are those where the caller has a place. */
function candidatesOf({ credential }: Caller): SQL {
  switch (credential.kind) {
    case 'operator':
      return EVERY
    case 'key':
    case 'session':
      // A key of no study is the operator's, for all of them.
      return credential.studyNumber === ALL_STUDIES ? EVERY : named(numbered(credential.studyNumber))
    case 'jwt':
      return namedBy(credential)
    case 'anonymous':
    case 'system':
      return named(sql`SELECT NULL AS id`)
    default:
      return credential satisfies never
  }
}

/** The row of who shows what one study has given, wherever that is. */
function inItsStudy(caller: Caller) {
  const { credential } = caller
  if (!('studyNumber' in credential) || credential.studyNumber === ALL_STUDIES) return undefined
  const study = sql`(${numbered(credential.studyNumber)})`
  return statement<WhoRow & { study: StudyId }>(
    sql`WITH who AS (${whoSql(caller, inEach(study))}) SELECT ${whoColumns}, ${study} AS study FROM who`,
  )
}

const ownStudyOf = (row: StudyRow & { isTold: number }): OwnStudy => ({ ...studyOfRow(row), isTold: row.isTold === 1 })

/** Whether a rule lets the caller through in the study that is `own`. */
const isTold = (caller: Caller, rule: Rule): SQL =>
  sql`EXISTS (WITH who AS (${whoSql(caller, inEach(sql`own.id`))})
    SELECT 1 FROM who WHERE ${allows(rule, targetOwnedBy(sql`own.id`, sql`''`))})`

/** Of one study only its own database knows; of many, each knows some. */
const databasesOf = (db: Databases, { credential }: Caller): readonly Database[] =>
  'studyNumber' in credential && credential.studyNumber !== ALL_STUDIES ? [db.ofNumber(credential.studyNumber)] : db.all

export const ownStudyStore = (db: Databases) => ({
  /**
   * Where the caller has a place now, by number: of each study that may be among them `who` is asked. `principal`: of a
   * credential that is of one study; `rule`: by which a study is told.
   */
  async list(
    caller: Caller,
    { rule, page }: { rule: Rule; page: PageRequest },
  ): Promise<{ principal: Principal | undefined; page: Page<OwnStudy> }> {
    const listing = 'own-studies'
    const after = decodeCursor(listing, page.cursor, 'number')
    const asked = databasesOf(db, caller).map(async (database) =>
      database.batch(
        inItsStudy(caller),
        statement<StudyRow & { isTold: number }>(
          sql`SELECT ${studyColumns('own')}, ${isTold(caller, rule)} AS "isTold" FROM ${candidatesOf(caller)}
          WHERE own.number > ${after?.[0] ?? 0} AND own.status = 'active'${db.shown('own.id')} AND EXISTS (${whoSql(caller, inEach(sql`own.id`))})
          ORDER BY own.number LIMIT ${page.limit + 1}`,
        ),
      ),
    )
    const found = await Promise.all(asked)
    const own = eachOnce(
      found.flatMap(([, studies]) => studies),
      ({ id }) => id,
    )
    const rows = own.toSorted((one, other) => one.number - other.number)
    const row = first(found.flatMap(([who]) => who))
    return {
      principal: row && principalOf(row, row.study),
      page: pageOf(rows, page.limit, { listing, place: (study) => [study.number, study.id], item: ownStudyOf }),
    }
  },
})
