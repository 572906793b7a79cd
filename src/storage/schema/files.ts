import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

// Conventions: see people.ts.

export const files = sqliteTable(
  'files',
  {
    studyId: text().notNull(),
    id: text().notNull(),
    /** A participant's id; '' for the study's own, since NULL would make the handle's index let doubles in. */
    owner: text().notNull(),
    handle: text().notNull(),
    number: integer().notNull(),
    name: text().notNull(),
    category: text(),
    source: text(),
    title: text(),
    description: text(),
    /** A JSON array of strings, each once. */
    tags: text().notNull().default('[]'),
    /** The caller's JSON. */
    metadata: text(),
    visibility: text({ enum: ['private', 'study', 'public'] }).notNull(),
    revision: integer().notNull().default(1),
    createdBy: text().notNull(),
    // The current version's facts are copied here, so that a listing joins nothing.
    versionId: text(),
    versionNumber: integer(),
    versionName: text(),
    mediaType: text(),
    size: integer(),
    md5: text(),
    sha256: text(),
    verified: text({ enum: ['storage', 'read', 'no'] }),
    etag: text(),
    objectKey: text(),
    versionCreatedAt: integer(),
    completedAt: integer(),
    /** First completion: orders lists and never moves. */
    listedAt: integer(),
    createdAt: integer().notNull(),
    updatedAt: integer().notNull(),
    // What search indexes where it is not the text as it stands: the same with a space between its words.
    nameWords: text(),
    titleWords: text(),
    descriptionWords: text(),
    /** JSON by protocol: what is said of it that only one of them knows. */
    foreignData: text(),
    /** Content that nobody has made a file of yet: it is on no list, and has no `listed_at`, until somebody does. */
    draft: integer().notNull().default(0),
  },
  (table) => [
    primaryKey({ columns: [table.studyId, table.id] }),
    uniqueIndex('files_handle').on(table.studyId, table.owner, table.handle),
    uniqueIndex('files_number').on(table.studyId, table.number),
    index('files_pending')
      .on(table.studyId, table.createdAt, table.id)
      .where(sql`listed_at IS NULL`),
    index('files_pending_owner')
      .on(table.studyId, table.owner, table.createdAt, table.id)
      .where(sql`listed_at IS NULL`),
  ],
)

/** Complete ones only, immutable. */
export const versions = sqliteTable(
  'versions',
  {
    studyId: text().notNull(),
    id: text().notNull(),
    fileId: text().notNull(),
    number: integer().notNull(),
    objectKey: text().notNull(),
    name: text().notNull(),
    mediaType: text().notNull(),
    size: integer().notNull(),
    md5: text(),
    sha256: text(),
    verified: text({ enum: ['storage', 'read', 'no'] }).notNull(),
    etag: text().notNull(),
    createdBy: text().notNull(),
    createdAt: integer().notNull(),
    completedAt: integer().notNull(),
    /** When the last URL that could write the object stops working: its deletion must outlast that. */
    urlExpiresAt: integer().notNull(),
    description: text(),
    /** What the study's team thinks of it: pending, approved, changes asked for, processed. */
    review: text({ enum: ['PEN', 'APP', 'CHN', 'PRC'] })
      .notNull()
      .default('PEN'),
  },
  (table) => [
    primaryKey({ columns: [table.studyId, table.id] }),
    uniqueIndex('versions_file').on(table.studyId, table.fileId, table.number),
    uniqueIndex('versions_number').on(table.studyId, table.number),
  ],
)

/** Open ones only: the row goes when the upload settles. */
export const uploads = sqliteTable(
  'uploads',
  {
    studyId: text().notNull(),
    id: text().notNull(),
    fileId: text().notNull(),
    owner: text().notNull(),
    number: integer().notNull(),
    attempt: integer().notNull().default(1),
    objectKey: text().notNull(),
    kind: text({ enum: ['single', 'multipart'] }).notNull(),
    /** Null until storage has opened the multipart upload. */
    multipartId: text(),
    partBytes: integer(),
    partCount: integer(),
    name: text().notNull(),
    mediaType: text().notNull(),
    size: integer().notNull(),
    md5: text(),
    sha256: text(),
    /** JSON: what a replacement also changes of its file, once complete. */
    changes: text().notNull().default('{}'),
    createdBy: text().notNull(),
    createdAt: integer().notNull(),
    urlExpiresAt: integer().notNull(),
    expiresAt: integer().notNull(),
    /** When the sweep looks at it next. */
    dueAt: integer().notNull(),
    /**
     * Where the bytes are sent whose client declares nothing of them; they are copied from there once. Null: the URL is
     * bound to what was declared, and leads to the object's own key.
     */
    stagingKey: text(),
  },
  (table) => [
    primaryKey({ columns: [table.studyId, table.id] }),
    index('uploads_file').on(table.studyId, table.fileId, table.id),
    index('uploads_owner').on(table.studyId, table.owner, table.id),
    index('uploads_due').on(table.dueAt),
    index('uploads_staged')
      .on(table.studyId, table.id)
      .where(sql`staging_key IS NOT NULL`),
    index('uploads_staged_owner')
      .on(table.studyId, table.owner, table.id)
      .where(sql`staging_key IS NOT NULL`),
  ],
)

/** Parts that a client reported, of open uploads only. */
export const uploadParts = sqliteTable(
  'upload_parts',
  {
    studyId: text().notNull(),
    uploadId: text().notNull(),
    number: integer().notNull(),
    etag: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.studyId, table.uploadId, table.number] })],
)

/** The outbox: bytes to delete, filled in the same batch as the row's removal. */
export const objectDeletions = sqliteTable(
  'object_deletions',
  {
    studyId: text().notNull(),
    objectKey: text().notNull(),
    multipartId: text(),
    owner: text().notNull(),
    dueAt: integer().notNull(),
    urlExpiresAt: integer().notNull(),
    /** The last deletion, after which the row goes: long past any URL that could bring the bytes back. */
    until: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.studyId, table.objectKey] }),
    index('object_deletions_due').on(table.dueAt),
    index('object_deletions_owner').on(table.studyId, table.owner),
  ],
)

/**
 * Derived by triggers from `files`: who may find a file (scope) and what it is (term), in the order of lists.
 * Every listing of complete files is a range of this one B-tree.
 */
export const shelf = sqliteTable(
  'shelf',
  {
    studyId: text().notNull(),
    /**
     * `*` everything, `own:<participant>` one owner's; `+` and `+own:<participant>`: what of that is not private;
     * `to:<principal>`: what was shared with somebody.
     */
    scope: text().notNull(),
    /** `` every file, `c:<category>`, `s:<source>`, `n:<name>`, `t:<tag>`. */
    term: text().notNull(),
    listedAt: integer().notNull(),
    fileId: text().notNull(),
    /** When it is to be found there no more: a grant's expiry. */
    until: integer(),
  },
  (table) => [primaryKey({ columns: [table.studyId, table.scope, table.term, table.listedAt, table.fileId] })],
)

export const downloadTokens = sqliteTable(
  'download_tokens',
  {
    studyId: text().notNull(),
    /** SHA-256 of the token in hex. */
    hash: text().notNull(),
    id: text().notNull(),
    fileId: text().notNull(),
    versionId: text().notNull(),
    delivery: text({ enum: ['redirect', 'stream'] }).notNull(),
    confirm: integer().notNull(),
    issuedBy: text().notNull(),
    /** The key or member that issued it: the link dies with it. */
    keyId: text(),
    memberId: text(),
    createdAt: integer().notNull(),
    expiresAt: integer().notNull(),
    claimedAt: integer(),
    /** A nonce of the request that won, so that it knows itself again after an ambiguous failure. */
    claimedBy: text(),
    revokedAt: integer(),
    /** The version's, so that issuing reads no more than the file. */
    objectKey: text().notNull().default(''),
    /** Whose the file is; '' for the study's. */
    owner: text().notNull().default(''),
    /** The owner's audit id, so that the link is put on record by its own row. */
    subject: text(),
  },
  (table) => [
    primaryKey({ columns: [table.studyId, table.hash] }),
    index('download_tokens_file').on(table.studyId, table.fileId, table.id),
    index('download_tokens_owner').on(table.studyId, table.owner),
    index('download_tokens_expires').on(table.expiresAt),
  ],
)
