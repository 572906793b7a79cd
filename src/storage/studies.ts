import { sql, type SQL } from './sql.ts'
import type { Changes, Study, StudySettings } from '../model/entities.ts'
import { DomainError, studyExists } from '../model/errors.ts'
import { MAX_STUDY_NUMBER, newId, NO_STUDY, NUMBERS_PER_STUDY, type StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { isOnRecord, record } from './audit.ts'
import { allows, targetStudy } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { columnsOf, type Database, dateOf, first, isUniqueConflict, type Row, statement } from './database.ts'
import { type Databases, eachOnce, missing } from './databases.ts'
import type { Placed, Places } from './directory.ts'
import { remember } from './idempotency.ts'
import { studies } from './schema/people.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

export type StudyChanges = Changes<StudySettings & { name: string }>
export type FoundStudy = Readonly<{ principal: Principal | undefined; study: Study | undefined }>

export type StudyRow = Row<typeof studies>
export const studyColumns = (alias: string): SQL => columnsOf(studies, alias)

export const studyOfRow = (row: StudyRow): Study => ({
  id: row.id as StudyId, // what was put in
  number: row.number,
  name: row.name,
  settings: {
    allowPublic: row.allowPublic === 1,
    defaultVisibility: row.defaultVisibility,
    retention: row.retention,
    downloadUrlSeconds: row.downloadUrlSeconds,
    downloadTokenSeconds: row.downloadTokenSeconds,
    maxBytes: row.maxBytes,
    maxFiles: row.maxFiles,
    maxDocuments: row.maxDocuments,
  },
  usage: { bytes: row.bytes, files: row.files, documents: row.documents },
  numbersLeft: NUMBERS_PER_STUDY - row.nextNumber,
  createdAt: dateOf(row.createdAt),
})

const columns = studyColumns('s')
/** One that is being erased is there no more, and neither is what is left of an erased one. */
const isActive = ({ study }: Caller) => sql`s.id = ${study} AND s.status = 'active'`
/** A limit is not set below what the study holds. */
const limitsFit = ({ maxBytes, maxFiles, maxDocuments }: StudyChanges) => sql`(s.bytes <= ${maxBytes ?? null}) IS NOT 0
  AND (s.files <= ${maxFiles ?? null}) IS NOT 0 AND (s.documents <= ${maxDocuments ?? null}) IS NOT 0`

/** Something at least is set, if to what it is. */
function assignments(changes: StudyChanges): SQL {
  const { name, allowPublic, defaultVisibility, retention, downloadUrlSeconds, downloadTokenSeconds } = changes
  const { maxBytes, maxFiles, maxDocuments } = changes
  const set = [
    sql`id = id`,
    ...(name === undefined ? [] : [sql`name = ${name}`]),
    ...(allowPublic === undefined ? [] : [sql`allow_public = ${allowPublic ? 1 : 0}`]),
    ...(defaultVisibility === undefined ? [] : [sql`default_visibility = ${defaultVisibility}`]),
    ...(retention === undefined ? [] : [sql`retention = ${retention}`]),
    ...(downloadUrlSeconds === undefined ? [] : [sql`download_url_seconds = ${downloadUrlSeconds}`]),
    ...(downloadTokenSeconds === undefined ? [] : [sql`download_token_seconds = ${downloadTokenSeconds}`]),
    ...(maxBytes === undefined ? [] : [sql`max_bytes = ${maxBytes}`]),
    ...(maxFiles === undefined ? [] : [sql`max_files = ${maxFiles}`]),
    ...(maxDocuments === undefined ? [] : [sql`max_documents = ${maxDocuments}`]),
  ]
  return sql.join(set, ', ')
}

/** One step into an index each. */
const latest = sql`max(coalesce((SELECT max(number) FROM studies), 0), coalesce((SELECT max(number) FROM placements), 0))`

type NewStudy = Readonly<{ id: StudyId; name: string; settings: StudySettings }>

/** `numbered`: its number, and what comes after that in a SELECT. */
const insertStudy = ({ now }: Caller, { id, name, settings }: NewStudy, numbered: SQL) =>
  statement(
    sql`INSERT INTO studies (id, name, allow_public, default_visibility, retention, download_url_seconds,
        download_token_seconds, max_bytes, max_files, max_documents, created_at, number)
      SELECT ${id}, ${name}, ${settings.allowPublic ? 1 : 0}, ${settings.defaultVisibility}, ${settings.retention},
        ${settings.downloadUrlSeconds}, ${settings.downloadTokenSeconds}, ${settings.maxBytes}, ${settings.maxFiles},
        ${settings.maxDocuments}, ${now.getTime()}, ${numbered}`,
  )

/** The same where there are several databases: first a place and a number, and then the study, which is not there before. */
async function createPlaced(
  { places, all }: Databases & { places: Places },
  caller: Caller,
  study: NewStudy,
): Promise<Study | undefined> {
  const { placed, isThere } = await places.reserve(caller, all.length)
  if (placed === undefined && isThere) throw studyExists()
  const row = placed && (await insertPlaced(all, { caller, study, placed }))
  if (row !== undefined) await places.note(study.id, placed ?? { database: 0 })
  if (row !== undefined || placed === undefined) return row && studyOfRow(row)
  const renumbered = await places.renumber(caller, placed)
  const again = renumbered && (await insertPlaced(all, { caller, study, placed: renumbered }))
  return again && studyOfRow(again)
}

/** Undefined: the number is that of an erased study, which keeps it. @throws DomainError `study_exists` */
async function insertPlaced(
  all: readonly Database[],
  { caller, study, placed: { number, database } }: { caller: Caller; study: NewStudy; placed: Placed },
): Promise<StudyRow | undefined> {
  try {
    const [, , rows] = await (all[database] ?? missing(database)).batchOnce(
      insertStudy(
        caller,
        study,
        sql`${number} WHERE NOT EXISTS (SELECT 1 FROM studies WHERE number = ${number} AND id = ${`~${number}`})`,
      ),
      record(caller, { action: 'study.create', owner: sql`''`, object: null }),
      statement<StudyRow>(sql`SELECT ${columns} FROM studies s WHERE s.id = ${study.id} AND s.number = ${number}`),
    )
    return first(rows)
  } catch (failure) {
    throw isUniqueConflict(failure, 'studies.') ? studyExists() : failure
  }
}

function unlessThere(failure: unknown): undefined {
  if (!(failure instanceof DomainError && failure.code === 'study_exists')) throw failure
}

export const studyStore = (db: Databases) => ({
  /** The study of a number. It is neither changed nor given to another, also when the study is gone. */
  async idOf(number: number): Promise<StudyId | undefined> {
    const [rows] = await db
      .ofNumber(number)
      .batch(statement<{ id: StudyId }>(sql`SELECT id FROM studies WHERE number = ${number}`))
    return first(rows)?.id
  },

  /**
   * Takes the next number. Undefined: none is left.
   * @throws DomainError `study_exists`
   */
  async create(caller: Caller, study: NewStudy): Promise<Study | undefined> {
    const { places } = db
    if (places !== undefined) return createPlaced({ ...db, places }, caller, study)
    try {
      // One that the directory has is not to be made here: there may have been several databases for a moment.
      const [, , , rows] = await db.home.batchOnce(
        insertStudy(
          caller,
          study,
          sql`${latest} + 1 WHERE ${latest} < ${MAX_STUDY_NUMBER}
            AND NOT EXISTS (SELECT 1 FROM placements WHERE study_id = ${study.id})`,
        ),
        record(caller, { action: 'study.create', owner: sql`''`, object: null }),
        remember({ ...caller, study: NO_STUDY }, { ids: { study: study.id }, owner: sql`''` }),
        statement<Row<typeof studies>>(sql`SELECT ${columns} FROM studies s WHERE s.id = ${study.id}`),
      )
      const row = first(rows)
      return row && studyOfRow(row)
    } catch (failure) {
      throw isUniqueConflict(failure, 'studies.id') ? studyExists() : failure
    }
  },

  /** Goes on with a creation that has a place and no row, as one leaves it that died; undefined: there is none such. */
  async finish(caller: Caller, study: NewStudy): Promise<Study | undefined> {
    const { places, all } = db
    const { placed } = (await places?.reserve(caller, all.length)) ?? {}
    const made = placed && (await insertPlaced(all, { caller, study, placed }).catch(unlessThere))
    return made && studyOfRow(made)
  },

  async find(caller: Caller): Promise<FoundStudy> {
    const database = db.of(caller.study)
    const [who, rows] = await database.batch(
      whoStatement(caller),
      statement<Row<typeof studies>>(sql`SELECT ${columns} FROM studies s WHERE ${isActive(caller)}`),
    )
    const row = first(rows)
    return { principal: principalOf(first(who), caller.study), study: row && studyOfRow(row) }
  },

  /** The whole service's, by id: for the operator, whose credential is no row. */
  async list(page: PageRequest): Promise<Page<Study>> {
    const after = decodeCursor('studies', page.cursor)
    const found = await Promise.all(
      db.all.map(async (database) =>
        database.batch(
          statement<Row<typeof studies>>(
            sql`SELECT ${columns} FROM studies s WHERE s.id > ${after?.[1] ?? ''} AND s.status = 'active'${db.shown('s.id')}
              ORDER BY s.id LIMIT ${page.limit + 1}`,
          ),
        ),
      ),
    )
    const each = eachOnce(
      found.flatMap(([those]) => those),
      ({ id }) => id,
    )
    const rows = each.toSorted((one, other) => (one.id < other.id ? -1 : 1))
    return pageOf(rows, page.limit, { listing: 'studies', place: (row) => [row.id, row.id], item: studyOfRow })
  },

  /** Not `updated`: the rule says no, or a limit is below what the study holds. */
  async update(
    caller: Caller,
    { rule, changes }: { rule: Rule; changes: StudyChanges },
  ): Promise<FoundStudy & { updated: boolean }> {
    const event = newId('aud', caller.now)
    const isDone = isOnRecord(caller, event)
    const [who, updated, , rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<{ id: string }>(
        withWho(
          caller,
          sql`UPDATE studies AS s SET ${assignments(changes)} WHERE ${isActive(caller)} AND ${limitsFit(changes)}
            AND NOT ${isDone} AND EXISTS (SELECT 1 FROM who WHERE ${allows(rule, targetStudy(caller.study))}) RETURNING id`,
        ),
      ),
      record(caller, { id: event, action: 'study.update', owner: sql`''`, object: null }),
      statement<Row<typeof studies> & { isDone: number }>(
        sql`SELECT ${columns}, ${isDone} AS "isDone" FROM studies s WHERE ${isActive(caller)}`,
      ),
    )
    const row = first(rows)
    return {
      principal: principalOf(first(who), caller.study),
      study: row && studyOfRow(row),
      updated: updated.length > 0 || row?.isDone === 1,
    }
  },
})
