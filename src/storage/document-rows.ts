import { sql, type SQL } from './sql.ts'
import type { Document } from '../model/entities.ts'
import type { Identifier, ParticipantId } from '../model/ids.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { allows, targetOwnedBy } from './conditions.ts'
import { columnsOf, dateOf, type Prefixed, type Row, withoutPrefix } from './database.ts'
import { documents } from './schema/documents.ts'
import { type Caller, participantSql, whoColumns, type WhoRow } from './who.ts'

/** A document's place: whose it is (`me`: the caller's own) and what they call it. */
export type DocumentName = Readonly<{ participant: ParticipantId | 'me'; identifier: Identifier }>

/** What must be true of what is there for a write to happen. */
export type Precondition = { kind: 'none' } | { kind: 'absent' } | { kind: 'etag'; etag: string } | { kind: 'present' }

/** A write: `schemaAt` is the schema that the value was held against, by its time; null: there was none. */
export type Writing = Readonly<{ rule: Rule; precondition: Precondition; etag: string; schemaAt: Date | null }>

export type FoundDocument = Readonly<{ principal: Principal | undefined; document: Document | undefined }>

/** `document` is what was written, or what is there where nothing was. */
export type WrittenDocument = FoundDocument & Readonly<{ written: boolean }>

export type DocumentRow = Row<typeof documents>
export type FoundRow = WhoRow & (Prefixed<DocumentRow, 'd_'> | { [Column in keyof Prefixed<DocumentRow, 'd_'>]: null })

export const documentColumns = columnsOf(documents, 'd')
export const foundColumns = sql`${whoColumns}, ${columnsOf(documents, 'd', 'd_')}`

export const documentOfRow = (row: DocumentRow): Document => ({
  participant: row.participantId as ParticipantId, // ids are what was put in
  identifier: row.identifier as Identifier,
  etag: row.etag,
  size: row.size,
  createdAt: dateOf(row.createdAt),
  updatedAt: dateOf(row.updatedAt),
})

export const foundOfRow = (row: FoundRow | undefined): Document | undefined =>
  row === undefined || row.d_identifier === null
    ? undefined
    : documentOfRow(withoutPrefix<DocumentRow, 'd_'>(row, 'd_'))

/** Whose a document is, in a statement with `who` among its tables. */
export const ownerBesideWho = ({ participant }: Pick<DocumentName, 'participant'>): SQL =>
  participant === 'me' ? sql`who.participant_id` : sql`${participant}`

/** The same in one that hangs on what was decided before it, where `who` would be read again. */
export const ownerAlone = (caller: Caller, { participant }: DocumentName): SQL =>
  participant === 'me' ? participantSql(caller) : sql`${participant}`

export const isNamed = (
  { study }: Caller,
  { identifier }: DocumentName,
  { alias, owner }: { alias: string; owner: SQL },
): SQL =>
  sql`${sql.raw(alias)}.study_id = ${study} AND ${sql.raw(alias)}.participant_id = ${owner}
    AND ${sql.raw(alias)}.identifier = ${identifier}`

export const isNamedBesideWho = (caller: Caller, name: DocumentName) =>
  isNamed(caller, name, { alias: 'd', owner: ownerBesideWho(name) })

export const theBody = sql`document_bodies b ON b.study_id = d.study_id AND b.participant_id = d.participant_id
  AND b.identifier = d.identifier`

function holds(caller: Caller, name: DocumentName, precondition: Precondition): SQL {
  const there = sql`EXISTS (SELECT 1 FROM documents d WHERE ${isNamedBesideWho(caller, name)}`
  switch (precondition.kind) {
    case 'none':
      return sql`1`
    case 'absent':
      return sql`NOT ${there})`
    case 'present':
      return sql`${there})`
    case 'etag':
      return sql`${there} AND d.etag = ${precondition.etag})`
    default:
      return precondition satisfies never
  }
}

/** The schema that a value was held against must be the one that is there when it is written. */
export const isJudgedBy = (caller: Caller, { identifier }: DocumentName, schemaAt: Date | null): SQL =>
  sql`coalesce((SELECT s.updated_at FROM document_schemas s
    WHERE s.study_id = ${caller.study} AND s.identifier = ${identifier}), 0) = ${schemaAt?.getTime() ?? 0}`

export const mayWrite = (
  caller: Caller,
  name: DocumentName,
  { rule, precondition }: Pick<Writing, 'rule' | 'precondition'>,
) => {
  const owner = ownerBesideWho(name)
  return sql`${owner} IS NOT NULL AND ${allows(rule, targetOwnedBy(sql`${caller.study}`, owner))}
    AND ${holds(caller, name, precondition)}`
}
