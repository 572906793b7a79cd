import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

// Conventions: see people.ts.

/** Codes that a phone exchanges for its participant's key, once. */
export const enrolmentCodes = sqliteTable(
  'enrolment_codes',
  {
    studyId: text().notNull(),
    /** SHA-256 of the code in hex. */
    hash: text().notNull(),
    id: text().notNull(),
    participantId: text().notNull(),
    /** Of the key that it becomes. */
    label: text().notNull(),
    createdBy: text().notNull(),
    createdAt: integer().notNull(),
    expiresAt: integer().notNull(),
    claimedAt: integer(),
    /** A nonce of the exchange that won, so that one whose answer was lost can be repeated. */
    claimedBy: text(),
    /** The key that it became. */
    keyId: text(),
    revokedAt: integer(),
  },
  (table) => [
    primaryKey({ columns: [table.studyId, table.hash] }),
    index('enrolment_codes_participant').on(table.studyId, table.participantId, table.id),
    index('enrolment_codes_expires').on(table.expiresAt),
  ],
)
