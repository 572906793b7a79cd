import { sql, type SQL } from 'drizzle-orm'
import type { Document } from '../model/entities.ts'
import { invalidBody } from '../model/errors.ts'
import type { Identifier, ParticipantId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { allows, targetOwnedBy } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { columnsOf, type Database, dateOf, first, type Row, statement } from './database.ts'
import { documents } from './schema/documents.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

/** A document's place: whose it is (`me`: the caller's own) and what they call it. */
export type DocumentName = Readonly<{ participant: ParticipantId | 'me'; identifier: Identifier }>

/** What must be true of what is there for a write to happen. */
export type Precondition = { kind: 'none' } | { kind: 'absent' } | { kind: 'etag'; etag: string } | { kind: 'present' }

/** A write: `schemaAt` is the schema that the value was held against, by its time; null: there was none. */
export type Writing = Readonly<{ rule: Rule; precondition: Precondition; etag: string; schemaAt: Date | null }>

export type FoundDocument = Readonly<{ principal: Principal | undefined; document: Document | undefined }>

type DocumentRow = Row<typeof documents>
const columns = columnsOf(documents, 'd')

const documentOfRow = (row: DocumentRow): Document => ({
  participant: row.participantId as ParticipantId, // ids are what was put in
  identifier: row.identifier as Identifier,
  etag: row.etag,
  size: row.size,
  createdAt: dateOf(row.createdAt),
  updatedAt: dateOf(row.updatedAt),
})

const ownerOf = ({ participant }: Pick<DocumentName, 'participant'>): SQL =>
  participant === 'me' ? sql`(SELECT participant_id FROM who)` : sql`${participant}`

const isNamed = (
  caller: Caller,
  name: DocumentName,
  alias: string,
): SQL => sql`${sql.raw(alias)}.study_id = ${caller.study}
  AND ${sql.raw(alias)}.participant_id = ${ownerOf(name)} AND ${sql.raw(alias)}.identifier = ${name.identifier}`

/** `etag` is what this write makes: a repeated batch finds it there and is satisfied with it. */
function holds(
  caller: Caller,
  name: DocumentName,
  { precondition, etag }: { precondition: Precondition; etag: string },
): SQL {
  const there = (condition: SQL) =>
    sql`EXISTS (SELECT 1 FROM documents d WHERE ${isNamed(caller, name, 'd')} AND ${condition})`
  switch (precondition.kind) {
    case 'none':
      return sql`1`
    case 'absent':
      return sql`NOT ${there(sql`d.etag <> ${etag}`)}`
    case 'present':
      return there(sql`1`)
    case 'etag':
      return there(sql`d.etag IN (${precondition.etag}, ${etag})`)
    default:
      return precondition satisfies never
  }
}

/** The schema that a value was held against must be the one that is there when it is written. */
const isJudgedBy = (caller: Caller, { identifier }: DocumentName, schemaAt: Date | null): SQL =>
  sql`coalesce((SELECT s.updated_at FROM document_schemas s
    WHERE s.study_id = ${caller.study} AND s.identifier = ${identifier}), 0) = ${schemaAt?.getTime() ?? 0}`

const written = (caller: Caller, name: DocumentName, etag: string): SQL =>
  sql`EXISTS (SELECT 1 FROM documents d WHERE ${isNamed(caller, name, 'd')} AND d.etag = ${etag})`

const documentStatement = (caller: Caller, name: DocumentName) =>
  statement<DocumentRow>(withWho(caller, sql`SELECT ${columns} FROM documents d WHERE ${isNamed(caller, name, 'd')}`))

/** SQLite's JSON functions follow 1,000 levels. */
async function unlessTooDeep<T>(patching: Promise<T>): Promise<T> {
  try {
    return await patching
  } catch (failure) {
    if (!(failure instanceof Error) || !failure.message.includes('malformed JSON')) throw failure
    throw invalidBody([
      { pointer: '', message: 'A patch and what it changes may be nested 1,000 levels deep at most.' },
    ])
  }
}

export const documentStore = (db: Database) => ({
  async find(caller: Caller, name: DocumentName, rule: Rule): Promise<FoundDocument & { data: string | undefined }> {
    const [who, rows] = await db.batch(
      whoStatement(caller),
      statement<DocumentRow & { data: string }>(
        withWho(
          caller,
          sql`SELECT ${columns}, b.data FROM who CROSS JOIN documents d CROSS JOIN document_bodies b
              ON b.study_id = d.study_id AND b.participant_id = d.participant_id AND b.identifier = d.identifier
            WHERE ${isNamed(caller, name, 'd')} AND ${allows(rule, targetOwnedBy(sql`d.study_id`, sql`d.participant_id`))}`,
        ),
      ),
    )
    const row = first(rows)
    return { principal: principalOf(first(who), caller.study), document: row && documentOfRow(row), data: row?.data }
  },

  /** By identifier, in the order of code points. */
  async list(
    caller: Caller,
    participant: ParticipantId | 'me',
    { prefix, rule, page }: { prefix: string; rule: Rule; page: PageRequest },
  ): Promise<{ principal: Principal | undefined; page: Page<Document> }> {
    const after = decodeCursor('documents', page.cursor)
    const [who, rows] = await db.batch(
      whoStatement(caller),
      statement<DocumentRow>(
        withWho(
          caller,
          sql`SELECT ${columns} FROM who CROSS JOIN documents d
            WHERE d.study_id = ${caller.study} AND d.participant_id = ${ownerOf({ participant })}
              AND d.identifier >= ${prefix} AND d.identifier < ${prefix} || char(1114111)
              AND d.identifier > ${after?.[1] ?? ''}
              AND ${allows(rule, targetOwnedBy(sql`d.study_id`, sql`d.participant_id`))}
            ORDER BY d.identifier LIMIT ${page.limit + 1}`,
        ),
      ),
    )
    return {
      principal: principalOf(first(who), caller.study),
      page: pageOf(rows, page.limit, {
        listing: 'documents',
        place: (row) => [row.identifier, row.identifier],
        item: documentOfRow,
      }),
    }
  },

  /** `document` is what is there afterwards: with another etag than the one given, nothing was written. */
  async put(
    caller: Caller,
    name: DocumentName,
    asked: Writing & { data: string; size: number },
  ): Promise<FoundDocument> {
    const { rule, etag, data } = asked
    const now = caller.now.getTime()
    const owner = ownerOf(name)
    const [who, , , rows] = await db.batch(
      whoStatement(caller),
      statement(
        withWho(
          caller,
          sql`INSERT INTO documents (study_id, participant_id, identifier, etag, size, created_at, updated_at)
            SELECT ${caller.study}, ${owner}, ${name.identifier}, ${etag}, ${asked.size}, ${now}, ${now}
            FROM who WHERE ${owner} IS NOT NULL AND ${allows(rule, targetOwnedBy(sql`${caller.study}`, owner))}
              AND ${holds(caller, name, asked)} AND ${isJudgedBy(caller, name, asked.schemaAt)}
            ON CONFLICT (study_id, participant_id, identifier)
            DO UPDATE SET etag = excluded.etag, size = excluded.size, updated_at = excluded.updated_at`,
        ),
      ),
      statement(
        withWho(
          caller,
          sql`INSERT INTO document_bodies (study_id, participant_id, identifier, data)
            SELECT ${caller.study}, ${owner}, ${name.identifier}, ${data} WHERE ${written(caller, name, etag)}
            ON CONFLICT (study_id, participant_id, identifier) DO UPDATE SET data = excluded.data`,
        ),
      ),
      documentStatement(caller, name),
    )
    const row = first(rows)
    return { principal: principalOf(first(who), caller.study), document: row && documentOfRow(row) }
  },

  /**
   * RFC 7396, done by SQLite's `json_patch`, which leaves every number that the patch does not touch as it is written.
   * A patch that is applied twice does nothing the second time, so the batch may be repeated.
   */
  async patch(
    caller: Caller,
    name: DocumentName,
    asked: Writing & { patch: string; maxBytes: number },
  ): Promise<FoundDocument> {
    const { rule, etag, patch, maxBytes } = asked
    const patched = sql`(SELECT json_patch(b.data, ${patch}) FROM document_bodies b WHERE ${isNamed(caller, name, 'b')})`
    const [who, , , rows] = await unlessTooDeep(
      db.batch(
        whoStatement(caller),
        statement(
          withWho(
            caller,
            sql`UPDATE documents AS d SET etag = ${etag}, size = octet_length(${patched}), updated_at = ${caller.now.getTime()}
            WHERE ${isNamed(caller, name, 'd')} AND octet_length(${patched}) <= ${maxBytes}
              AND EXISTS (SELECT 1 FROM who WHERE ${allows(rule, targetOwnedBy(sql`d.study_id`, sql`d.participant_id`))})
              AND ${holds(caller, name, asked)} AND ${isJudgedBy(caller, name, asked.schemaAt)}`,
          ),
        ),
        statement(
          withWho(
            caller,
            sql`UPDATE document_bodies AS b SET data = json_patch(data, ${patch})
            WHERE ${isNamed(caller, name, 'b')} AND ${written(caller, name, etag)}`,
          ),
        ),
        documentStatement(caller, name),
      ),
    )
    const row = first(rows)
    return { principal: principalOf(first(who), caller.study), document: row && documentOfRow(row) }
  },

  /** What a patch would make of a document, for those who hold it against a schema first. */
  async previewPatch(
    caller: Caller,
    name: DocumentName,
    patch: string,
  ): Promise<{ etag: string; data: string } | undefined> {
    const [rows] = await unlessTooDeep(
      db.batch(
        statement<{ etag: string; data: string }>(
          withWho(
            caller,
            sql`SELECT d.etag, json_patch(b.data, ${patch}) AS data FROM documents d CROSS JOIN document_bodies b
              ON b.study_id = d.study_id AND b.participant_id = d.participant_id AND b.identifier = d.identifier
            WHERE ${isNamed(caller, name, 'd')}`,
          ),
        ),
      ),
    )
    return first(rows)
  },

  async remove(
    caller: Caller,
    name: DocumentName,
    { rule, precondition }: { rule: Rule; precondition: Precondition },
  ): Promise<FoundDocument & { removed: boolean }> {
    const [who, before, removed] = await db.batch(
      whoStatement(caller),
      documentStatement(caller, name),
      statement<{ etag: string }>(
        withWho(
          caller,
          sql`DELETE FROM documents AS d WHERE ${isNamed(caller, name, 'd')}
            AND EXISTS (SELECT 1 FROM who WHERE ${allows(rule, targetOwnedBy(sql`d.study_id`, sql`d.participant_id`))})
            AND ${holds(caller, name, { precondition, etag: '' })} RETURNING etag`,
        ),
      ),
      statement(
        withWho(
          caller,
          sql`DELETE FROM document_bodies AS b WHERE ${isNamed(caller, name, 'b')}
            AND NOT EXISTS (SELECT 1 FROM documents d WHERE ${isNamed(caller, name, 'd')})`,
        ),
      ),
    )
    const row = first(before)
    return {
      principal: principalOf(first(who), caller.study),
      document: row && documentOfRow(row),
      removed: removed.length > 0,
    }
  },
})
