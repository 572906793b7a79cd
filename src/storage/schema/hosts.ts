import { index, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

// Conventions: see people.ts.

/** Whose a host name is, for a protocol in which everybody has a host of their own. */
export const hosts = sqliteTable(
  'hosts',
  {
    studyId: text().notNull(),
    /** In lower case, with its port unless that is the scheme's own. */
    host: text().notNull(),
    participantId: text().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.studyId, table.host] }),
    // A request tells its host and nothing else.
    uniqueIndex('hosts_host').on(table.host),
    index('hosts_participant').on(table.studyId, table.participantId),
  ],
)
