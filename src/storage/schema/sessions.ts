import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

// Conventions: see people.ts.

/** What a foreign protocol's sign-in made of a key: good at one door, for a while, and only for as long as the key is. */
export const sessions = sqliteTable(
  'sessions',
  {
    studyId: text().notNull(),
    /** SHA-256 of the secret in hex. */
    hash: text().notNull(),
    id: text().notNull(),
    /** `access` opens; `renewal` is exchanged for another `access`. */
    kind: text({ enum: ['access', 'renewal'] }).notNull(),
    door: text({ enum: ['bridge', 'mydatahelps', 'openhumans', 'kidsfirst', 'hat'] }).notNull(),
    keyId: text().notNull(),
    /** `stranger`: what it was asked for is nothing that Carrel has, so it opens nothing. */
    role: text({ enum: ['participant', 'staff', 'worker', 'admin', 'download', 'stranger'] }).notNull(),
    /** Whom it acts for: the key's own participant, or one whom a key of the team acts for. */
    participantId: text(),
    memberId: text(),
    readOnly: integer().notNull().default(0),
    createdAt: integer().notNull(),
    expiresAt: integer().notNull(),
    /** Of an application's: the source that the files have which it is limited to. */
    source: text(),
  },
  (table) => [
    primaryKey({ columns: [table.studyId, table.hash] }),
    index('sessions_key').on(table.studyId, table.keyId, table.door, table.kind, table.id),
    index('sessions_participant')
      .on(table.studyId, table.participantId)
      .where(sql`participant_id IS NOT NULL`),
    index('sessions_expires').on(table.expiresAt),
  ],
)

/** Signed assertions that were exchanged for a session, until they would no longer be taken: none is taken twice. */
export const assertions = sqliteTable(
  'assertions',
  {
    studyId: text().notNull(),
    keyId: text().notNull(),
    /** SHA-256 of its `jti` in hex. */
    hash: text().notNull(),
    /** The session that it was exchanged for. */
    sessionId: text().notNull(),
    expiresAt: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.studyId, table.keyId, table.hash] }),
    index('assertions_expires').on(table.expiresAt),
  ],
)
