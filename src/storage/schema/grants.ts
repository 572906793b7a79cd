import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

// Conventions: see people.ts.

/** Files shared with somebody of their study. Triggers keep the shelf and the search index in step. */
export const grants = sqliteTable(
  'grants',
  {
    studyId: text().notNull(),
    fileId: text().notNull(),
    /** `participant:<id>` or `member:<id>`. */
    principal: text().notNull(),
    level: text({ enum: ['metadata', 'content'] }).notNull(),
    expiresAt: integer(),
    createdAt: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.studyId, table.fileId, table.principal] }),
    index('grants_principal').on(table.studyId, table.principal, table.expiresAt),
    index('grants_expires')
      .on(table.expiresAt)
      .where(sql`expires_at IS NOT NULL`),
  ],
)
