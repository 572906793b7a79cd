import { sql } from 'drizzle-orm'
import { check, index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

// Conventions: see people.ts.

/** A participant's series of entries, or (owner '') the study's. */
export const reports = sqliteTable(
  'reports',
  {
    studyId: text().notNull(),
    owner: text().notNull(),
    identifier: text().notNull(),
    public: integer().notNull().default(0),
    /** A JSON array of strings. */
    labels: text().notNull().default('[]'),
    /** How many there are: triggers on the entries keep it, so it is exact whatever is repeated or runs side by side. */
    entries: integer().notNull().default(0),
    createdAt: integer().notNull(),
    /** Whether the study's participants may read it too, for as long as it has no labels. */
    opened: integer().notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.studyId, table.owner, table.identifier] }),
    // Whether anybody else has one of this name.
    index('reports_identifier').on(table.studyId, table.identifier, table.owner),
    check('reports_public_are_the_studys', sql`${table.public} = 0 OR ${table.owner} = ''`),
    check('reports_entries_counted', sql`${table.entries} >= 0`),
  ],
)

/**
 * What the participants of a study call their reports, each name once, for a protocol that has one index of them all. The
 * name goes with the last report that has it.
 */
export const reportNames = sqliteTable(
  'report_names',
  {
    studyId: text().notNull(),
    identifier: text().notNull(),
    /** A JSON array of strings: which parts of the study it is for; none: all. */
    labels: text().notNull().default('[]'),
    createdAt: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.studyId, table.identifier] })],
)

/** Keeps its rowid: values of many kilobytes would make a tree of keys slow to walk. */
export const reportEntries = sqliteTable(
  'report_entries',
  {
    studyId: text().notNull(),
    owner: text().notNull(),
    identifier: text().notNull(),
    kind: text({ enum: ['date', 'instant'] }).notNull(),
    /** `2026-11-21`, or `2026-11-21T08:30:00.000Z`. */
    at: text().notNull(),
    /** JSON, byte for byte as it was sent. */
    data: text().notNull(),
    updatedAt: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.studyId, table.owner, table.identifier, table.kind, table.at] })],
)
