import { sql } from './sql.ts'
import type { DocumentSchema } from '../model/entities.ts'
import type { Identifier } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { record } from './audit.ts'
import { allows, targetStudy } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { columnsOf, dateOf, first, type Row, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { documentSchemas } from './schema/documents.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

export type FoundSchema = Readonly<{ principal: Principal | undefined; schema: DocumentSchema | undefined }>

type SchemaRow = Row<typeof documentSchemas>
const columns = columnsOf(documentSchemas, 's')

const schemaOfRow = (row: SchemaRow): DocumentSchema => ({
  identifier: row.identifier as Identifier, // what was put in
  schema: row.schema,
  updatedAt: dateOf(row.updatedAt),
})

const schemaStatement = (caller: Caller, identifier: Identifier) =>
  statement<SchemaRow>(
    sql`SELECT ${columns} FROM document_schemas s WHERE s.study_id = ${caller.study} AND s.identifier = ${identifier}`,
  )

export const documentSchemaStore = (db: Databases) => ({
  async find(caller: Caller, identifier: Identifier): Promise<FoundSchema> {
    const [who, rows] = await db.of(caller.study).batch(whoStatement(caller), schemaStatement(caller, identifier))
    const row = first(rows)
    return { principal: principalOf(first(who), caller.study), schema: row && schemaOfRow(row) }
  },

  async list(
    caller: Caller,
    page: PageRequest,
  ): Promise<{ principal: Principal | undefined; page: Page<DocumentSchema> }> {
    const after = decodeCursor('document-schemas', page.cursor)
    const [who, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<SchemaRow>(
        sql`SELECT ${columns} FROM document_schemas s WHERE s.study_id = ${caller.study}
          AND s.identifier > ${after?.[1] ?? ''} ORDER BY s.identifier LIMIT ${page.limit + 1}`,
      ),
    )
    return {
      principal: principalOf(first(who), caller.study),
      page: pageOf(rows, page.limit, {
        listing: 'document-schemas',
        place: (row) => [row.identifier, row.identifier],
        item: schemaOfRow,
      }),
    }
  },

  /** Its time always moves on, so that no value is taken for one that was held against it. */
  async put(
    caller: Caller,
    { rule, identifier, schema }: { rule: Rule; identifier: Identifier; schema: string },
  ): Promise<FoundSchema> {
    const { study } = caller
    const [who, , , rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement(
        withWho(
          caller,
          sql`INSERT INTO document_schemas (study_id, identifier, schema, updated_at)
            SELECT ${study}, ${identifier}, ${schema}, ${caller.now.getTime()} FROM who WHERE ${allows(rule, targetStudy(study))}
            ON CONFLICT (study_id, identifier) DO UPDATE
            SET schema = excluded.schema, updated_at = max(excluded.updated_at, document_schemas.updated_at + 1)`,
        ),
      ),
      record(caller, { action: 'document_schema.put', owner: sql`''`, object: null }),
      schemaStatement(caller, identifier),
    )
    const row = first(rows)
    return { principal: principalOf(first(who), study), schema: row && schemaOfRow(row) }
  },

  async remove(
    caller: Caller,
    { rule, identifier }: { rule: Rule; identifier: Identifier },
  ): Promise<{ principal: Principal | undefined; removed: boolean }> {
    const [who, removed] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<{ identifier: string }>(
        withWho(
          caller,
          sql`DELETE FROM document_schemas WHERE study_id = ${caller.study} AND identifier = ${identifier}
            AND EXISTS (SELECT 1 FROM who WHERE ${allows(rule, targetStudy(caller.study))}) RETURNING identifier`,
        ),
      ),
      record(caller, { action: 'document_schema.delete', owner: sql`''`, object: null }),
    )
    return { principal: principalOf(first(who), caller.study), removed: removed.length > 0 }
  },
})
