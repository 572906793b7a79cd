import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

// Conventions: see people.ts. What stands here is of databases and not of studies: nothing of it moves with one.

/** The directory, in the first database only: which database has a study. One that is not in it is in the first. */
export const placements = sqliteTable(
  'placements',
  {
    studyId: text().primaryKey(),
    number: integer().notNull(),
    /** Which one serves it. */
    database: integer().notNull(),
    /** How far a move is; `here`: there is none. */
    state: text({ enum: ['here', 'copying', 'clearing'] })
      .notNull()
      .default('here'),
    /** Which one it moves to; while what it has left is cleared, the one that it was in. */
    other: integer(),
    /** Where copying is, as JSON. */
    progress: text(),
    updatedAt: integer().notNull(),
  },
  (table) => [
    uniqueIndex('placements_number').on(table.number),
    index('placements_moving').on(table.state, table.updatedAt),
  ],
)

/** How large each database was, by number, when the sweep last came to it. In the first database only. */
export const spaces = sqliteTable('spaces', {
  database: integer().primaryKey(),
  bytes: integer().notNull(),
  measuredAt: integer().notNull(),
})

/** Which study has a host, so that no two have; whose it is, the study's own row says. In the first database only. */
export const hostPlaces = sqliteTable(
  'host_places',
  {
    host: text().primaryKey(),
    studyId: text().notNull(),
    claimedAt: integer().notNull(),
  },
  (table) => [index('host_places_study').on(table.studyId)],
)

/** Studies that this database has rows of, or had, and does not serve. */
export const absences = sqliteTable('absences', {
  studyId: text().primaryKey(),
  /** `arriving`: it is being copied to here; `frozen`: it is here, and waits to be elsewhere; `left`: it is elsewhere. */
  state: text({ enum: ['arriving', 'frozen', 'left'] }).notNull(),
  /** When a freeze is over by itself; NULL: it is none. */
  until: integer(),
  /** Who copies: what another one began writes no more. */
  driver: text(),
})

/** Studies that are being copied from here: what changes of them is noted. */
export const moves = sqliteTable('moves', { studyId: text().primaryKey(), driver: text().notNull() })

/** What has changed of them, by table and key, as it came. */
export const moveChanges = sqliteTable(
  'move_changes',
  {
    studyId: text().notNull(),
    seq: integer().notNull(),
    name: text().notNull(),
    /** The primary key's columns after the study, as a JSON array. */
    key: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.studyId, table.seq] })],
)
