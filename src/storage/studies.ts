import { sql } from 'drizzle-orm'
import type { Changes, Study, StudySettings } from '../model/entities.ts'
import { studyExists } from '../model/errors.ts'
import { MAX_STUDY_NUMBER, NUMBERS_PER_STUDY, type StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { allows, targetOwnedBy } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { columnsOf, type Database, dateOf, first, isUniqueConflict, type Row, statement } from './database.ts'
import { studies } from './schema/people.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

export type StudyChanges = Changes<StudySettings & { name: string }>
export type FoundStudy = Readonly<{ principal: Principal | undefined; study: Study | undefined }>

const studyOfRow = (row: Row<typeof studies>): Study => ({
  id: row.id as StudyId, // what was put in
  number: row.number,
  name: row.name,
  settings: {
    allowPublic: row.allowPublic === 1,
    defaultVisibility: row.defaultVisibility,
    retention: row.retention,
    downloadUrlSeconds: row.downloadUrlSeconds,
    downloadTokenSeconds: row.downloadTokenSeconds,
  },
  numbersLeft: NUMBERS_PER_STUDY - row.nextNumber,
  createdAt: dateOf(row.createdAt),
})

const columns = columnsOf(studies, 's')
const target = (study: StudyId) => targetOwnedBy(sql`${study}`, sql`''`)

export const studyStore = (db: Database) => ({
  /**
   * Takes the next number. Undefined: none is left.
   * @throws DomainError `study_exists`
   */
  async create(study: {
    id: StudyId
    name: string
    settings: StudySettings
    createdAt: Date
  }): Promise<Study | undefined> {
    const { settings } = study
    try {
      const [, rows] = await db.batchOnce(
        statement(
          sql`INSERT INTO studies (id, number, name, allow_public, default_visibility, retention, download_url_seconds,
              download_token_seconds, created_at)
            SELECT ${study.id}, coalesce(max(number), 0) + 1, ${study.name}, ${settings.allowPublic ? 1 : 0},
              ${settings.defaultVisibility}, ${settings.retention}, ${settings.downloadUrlSeconds},
              ${settings.downloadTokenSeconds}, ${study.createdAt.getTime()}
            FROM studies HAVING coalesce(max(number), 0) < ${MAX_STUDY_NUMBER}`,
        ),
        statement<Row<typeof studies>>(sql`SELECT ${columns} FROM studies s WHERE s.id = ${study.id}`),
      )
      const row = first(rows)
      return row && studyOfRow(row)
    } catch (failure) {
      throw isUniqueConflict(failure, 'studies.id') ? studyExists() : failure
    }
  },

  async find(caller: Caller): Promise<FoundStudy> {
    const [who, rows] = await db.batch(
      whoStatement(caller),
      statement<Row<typeof studies>>(sql`SELECT ${columns} FROM studies s WHERE s.id = ${caller.study}`),
    )
    const row = first(rows)
    return { principal: principalOf(first(who), caller.study), study: row && studyOfRow(row) }
  },

  /** The whole service's, by id: for the operator, whose credential is no row. */
  async list(page: PageRequest): Promise<Page<Study>> {
    const after = decodeCursor('studies', page.cursor)
    const [rows] = await db.batch(
      statement<Row<typeof studies>>(
        sql`SELECT ${columns} FROM studies s WHERE s.id > ${after?.[1] ?? ''} ORDER BY s.id LIMIT ${page.limit + 1}`,
      ),
    )
    return pageOf(rows, page.limit, { listing: 'studies', place: (row) => [row.id, row.id], item: studyOfRow })
  },

  async update(
    caller: Caller,
    { rule, changes }: { rule: Rule; changes: StudyChanges },
  ): Promise<FoundStudy & { updated: boolean }> {
    const { name, allowPublic, defaultVisibility, retention, downloadUrlSeconds, downloadTokenSeconds } = changes
    const set = [
      sql`id = id`,
      ...(name === undefined ? [] : [sql`name = ${name}`]),
      ...(allowPublic === undefined ? [] : [sql`allow_public = ${allowPublic ? 1 : 0}`]),
      ...(defaultVisibility === undefined ? [] : [sql`default_visibility = ${defaultVisibility}`]),
      ...(retention === undefined ? [] : [sql`retention = ${retention}`]),
      ...(downloadUrlSeconds === undefined ? [] : [sql`download_url_seconds = ${downloadUrlSeconds}`]),
      ...(downloadTokenSeconds === undefined ? [] : [sql`download_token_seconds = ${downloadTokenSeconds}`]),
    ]
    const [who, updated, rows] = await db.batch(
      whoStatement(caller),
      statement<{ id: string }>(
        withWho(
          caller,
          sql`UPDATE studies SET ${sql.join(set, sql`, `)} WHERE id = ${caller.study}
            AND EXISTS (SELECT 1 FROM who WHERE ${allows(rule, target(caller.study))}) RETURNING id`,
        ),
      ),
      statement<Row<typeof studies>>(sql`SELECT ${columns} FROM studies s WHERE s.id = ${caller.study}`),
    )
    const row = first(rows)
    return {
      principal: principalOf(first(who), caller.study),
      study: row && studyOfRow(row),
      updated: updated.length > 0,
    }
  },
})
