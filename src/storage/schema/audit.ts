import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'
import { AUDIT_ACTIONS } from '../../model/audit.ts'
import { DOORS } from '../../model/principal.ts'

// Conventions: see people.ts.

/** Append-only, but for what is past its time. Participants are their pseudonyms in it. */
export const auditEvents = sqliteTable(
  'audit_events',
  {
    studyId: text().notNull(),
    /** Sorts by time, so events are found and forgotten by it. */
    id: text().notNull(),
    at: integer().notNull(),
    door: text({ enum: DOORS }).notNull(),
    action: text({ enum: AUDIT_ACTIONS }).notNull(),
    outcome: text({ enum: ['done', 'denied'] }).notNull(),
    actor: text().notNull(),
    /** The key, member or link that the actor acted through. */
    through: text(),
    /** The audit id of the participant whose thing it is. */
    subject: text(),
    object: text(),
  },
  (table) => [
    primaryKey({ columns: [table.studyId, table.id] }),
    index('audit_events_subject')
      .on(table.studyId, table.subject, table.id)
      .where(sql`subject IS NOT NULL`),
    index('audit_events_actor').on(table.studyId, table.actor, table.id),
    index('audit_events_action').on(table.studyId, table.action, table.id),
  ],
)
