import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

// Conventions: see people.ts.

/** Receipts of what was erased, or is being: a participant, or the whole study. */
export const erasures = sqliteTable(
  'erasures',
  {
    studyId: text().notNull(),
    id: text().notNull(),
    kind: text({ enum: ['participant', 'study'] }).notNull(),
    /** Whose; '' for the study's own, as owners are; null as soon as it is done, whosever it was. */
    participantId: text(),
    /** The participant's pseudonym, or of a study's erasure one of its own: the name of the receipt's object. */
    auditId: text().notNull(),
    state: text({ enum: ['erasing', 'deleting', 'done'] }).notNull(),
    /** JSON: how many of what went so far. */
    counts: text().notNull().default('{}'),
    requestedAt: integer().notNull(),
    /** When the sweep looks at it next; null once it is done. */
    dueAt: integer(),
    doneAt: integer(),
  },
  (table) => [
    primaryKey({ columns: [table.studyId, table.id] }),
    uniqueIndex('erasures_participant')
      .on(table.studyId, table.participantId)
      .where(sql`participant_id IS NOT NULL`),
    index('erasures_due')
      .on(table.dueAt)
      .where(sql`due_at IS NOT NULL`),
  ],
)
