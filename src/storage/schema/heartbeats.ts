import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'

// Conventions: see people.ts.

/** Signs of life of what runs without a request. They are of the database and of no study: nothing moves with one. */
export const heartbeats = sqliteTable('heartbeats', {
  /** What it is of: the sweep, or a queue of messages that nobody could do anything with. */
  name: text({ enum: ['sweep', 'dead-object-events', 'dead-jobs'] }).primaryKey(),
  at: integer().notNull(),
  /** How many have come so far, of messages. */
  count: integer().notNull().default(0),
})
