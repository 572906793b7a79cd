import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

// Conventions: see people.ts.

/** What an Idempotency-Key has made: ids and a keyed fingerprint of the request, never its body or a secret. */
export const idempotencyKeys = sqliteTable(
  'idempotency_keys',
  {
    /** '' for what is made outside of any study. */
    studyId: text().notNull(),
    /** Who sent it: keys of two callers are two keys. */
    actor: text().notNull(),
    key: text().notNull(),
    fingerprint: text().notNull(),
    /** JSON: the ids of what was made. */
    ids: text().notNull(),
    /** The participant whose things were made, with whom the row goes; '' for none. */
    owner: text().notNull(),
    expiresAt: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.studyId, table.actor, table.key] }),
    index('idempotency_keys_owner').on(table.studyId, table.owner),
    index('idempotency_keys_expires').on(table.expiresAt),
  ],
)
