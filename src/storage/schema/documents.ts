import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

// Conventions: see people.ts.

/** What is known of a document; its body stands apart, so that a list of 100 does not drag 100 MiB along. */
export const documents = sqliteTable(
  'documents',
  {
    studyId: text().notNull(),
    participantId: text().notNull(),
    identifier: text().notNull(),
    /** Made anew with every write. */
    etag: text().notNull(),
    /** Bytes in UTF-8. */
    size: integer().notNull(),
    createdAt: integer().notNull(),
    updatedAt: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.studyId, table.participantId, table.identifier] })],
)

export const documentBodies = sqliteTable(
  'document_bodies',
  {
    studyId: text().notNull(),
    participantId: text().notNull(),
    identifier: text().notNull(),
    /** JSON, byte for byte as it was sent. */
    data: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.studyId, table.participantId, table.identifier] })],
)

/** What documents of an identifier must look like, where a study says so. */
export const documentSchemas = sqliteTable(
  'document_schemas',
  {
    studyId: text().notNull(),
    identifier: text().notNull(),
    /** A JSON Schema. */
    schema: text().notNull(),
    updatedAt: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.studyId, table.identifier] })],
)
