import { sql } from 'drizzle-orm'
import { check, index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

// Times are integer milliseconds since 1970. Booleans are 0 and 1. Every primary key starts with the study, so that
// one study can move to a database of its own. What drizzle-kit cannot say (STRICT, WITHOUT ROWID, the shelf's view
// and triggers) is finished by hand in the migration; README.md here describes every table.

export const studies = sqliteTable(
  'studies',
  {
    id: text().primaryKey(),
    /** 1 to 65,535; in every key and token that the study's callers hold. */
    number: integer().notNull().unique(),
    name: text().notNull(),
    /** Of the next file or version; 24 bits. */
    nextNumber: integer().notNull().default(1),
    allowPublic: integer().notNull().default(0),
    defaultVisibility: text({ enum: ['private', 'study', 'public'] }),
    retention: text({ enum: ['keep', 'latest'] })
      .notNull()
      .default('keep'),
    downloadUrlSeconds: integer(),
    downloadTokenSeconds: integer(),
    createdAt: integer().notNull(),
    /** An erased study's row stays, empty, so that its number is not given out again. */
    status: text({ enum: ['active', 'erasing', 'erased'] })
      .notNull()
      .default('active'),
    // What the study holds, moved in the batch that adds or removes, and what it may hold; null: no limit.
    bytes: integer().notNull().default(0),
    files: integer().notNull().default(0),
    documents: integer().notNull().default(0),
    maxBytes: integer(),
    maxFiles: integer(),
    maxDocuments: integer(),
    /** Everyone who has a row, kept by triggers. */
    participants: integer().notNull().default(0),
  },
  (table) => [
    check('studies_number_16_bits', sql`${table.number} BETWEEN 1 AND 65535`),
    check('studies_numbers_24_bits', sql`${table.nextNumber} BETWEEN 1 AND 16777216`),
    check('studies_bytes_limited', sql`${table.bytes} <= ${table.maxBytes}`),
    check('studies_files_limited', sql`${table.files} <= ${table.maxFiles}`),
    check('studies_documents_limited', sql`${table.documents} <= ${table.maxDocuments}`),
  ],
)

export const participants = sqliteTable(
  'participants',
  {
    studyId: text().notNull(),
    id: text().notNull(),
    number: integer().notNull(),
    externalId: text(),
    email: text(),
    phone: text(),
    firstName: text(),
    lastName: text(),
    /** A JSON array of strings. */
    labels: text().notNull().default('[]'),
    status: text({ enum: ['active', 'withdrawn', 'erasing'] })
      .notNull()
      .default('active'),
    createdAt: integer().notNull(),
    /** The participant's pseudonym in the audit: random, from the first event on, gone with the row. */
    auditId: text().notNull().default(''),
  },
  (table) => [
    primaryKey({ columns: [table.studyId, table.id] }),
    uniqueIndex('participants_number').on(table.studyId, table.number),
    uniqueIndex('participants_external_id')
      .on(table.studyId, table.externalId)
      .where(sql`external_id IS NOT NULL`),
    uniqueIndex('participants_email')
      .on(table.studyId, table.email)
      .where(sql`email IS NOT NULL`),
    uniqueIndex('participants_phone')
      .on(table.studyId, table.phone)
      .where(sql`phone IS NOT NULL`),
    index('participants_audit_id').on(table.studyId, table.auditId),
  ],
)

export const members = sqliteTable(
  'members',
  {
    studyId: text().notNull(),
    issuer: text().notNull(),
    subject: text().notNull(),
    id: text().notNull(),
    role: text({ enum: ['participant', 'staff', 'worker', 'admin'] }).notNull(),
    participantId: text(),
    email: text(),
    phone: text(),
    firstName: text(),
    lastName: text(),
    createdAt: integer().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.studyId, table.issuer, table.subject] }),
    uniqueIndex('members_id').on(table.studyId, table.id),
    index('members_participant')
      .on(table.studyId, table.participantId)
      .where(sql`participant_id IS NOT NULL`),
    // A JWT tells no study: where its subject has a place is asked across all of them.
    index('members_subject').on(table.issuer, table.subject, table.studyId),
  ],
)

/** Of the study `''` are the operator's own: download keys of all studies. */
export const apiKeys = sqliteTable(
  'api_keys',
  {
    studyId: text().notNull(),
    /** SHA-256 of the secret in hex; of the PEM for a public key, which no bearer can therefore show. */
    hash: text().notNull(),
    id: text().notNull(),
    role: text({ enum: ['participant', 'staff', 'worker', 'admin', 'download'] }).notNull(),
    participantId: text(),
    memberId: text(),
    label: text().notNull(),
    hint: text(),
    publicKey: text(),
    createdAt: integer().notNull(),
    expiresAt: integer(),
    revokedAt: integer(),
    /** To the hour. */
    lastUsedAt: integer(),
    /** The actor who made it; null: made before that was kept. */
    issuedBy: text(),
  },
  (table) => [
    primaryKey({ columns: [table.studyId, table.hash] }),
    uniqueIndex('api_keys_id').on(table.studyId, table.id),
    index('api_keys_participant')
      .on(table.studyId, table.participantId)
      .where(sql`participant_id IS NOT NULL`),
    // The one look-up that begins with no study: an assertion tells the name of a service account and nothing else.
    index('api_keys_service_accounts')
      .on(table.label, table.studyId, table.id)
      .where(sql`public_key IS NOT NULL`),
    index('api_keys_download')
      .on(table.studyId, table.label)
      .where(sql`role = 'download'`),
  ],
)

/**
 * Members whose leaving closes what the study's team had of theirs: from its row on the team sees nothing of their
 * files, which become private step by step; then the row goes.
 */
export const departures = sqliteTable(
  'departures',
  {
    studyId: text().notNull(),
    participantId: text().notNull(),
    leftAt: integer().notNull(),
    /** When the sweep looks at it next. */
    dueAt: integer().notNull(),
  },
  (table) => [primaryKey({ columns: [table.studyId, table.participantId] }), index('departures_due').on(table.dueAt)],
)
