import { sql } from './sql.ts'
import { invalidBody } from '../model/errors.ts'
import { type AuditEventId, newId, type ParticipantId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import type { Document } from '../model/entities.ts'
import { recordFirst } from './audit.ts'
import { allows, targetOwnedBy } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { first, type Statement, statement } from './database.ts'
import type { Databases } from './databases.ts'
import {
  documentColumns,
  type DocumentName,
  documentOfRow,
  type DocumentRow,
  foundColumns,
  type FoundDocument,
  foundOfRow,
  type FoundRow,
  isJudgedBy,
  isNamed,
  isNamedBesideWho,
  mayWrite,
  ownerAlone,
  ownerBesideWho,
  theBody,
  type Writing,
  type WrittenDocument,
} from './document-rows.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

export type { DocumentName, FoundDocument, Precondition } from './document-rows.ts'

/** SQLite's JSON functions follow 1,000 levels. */
async function unlessTooDeep<T>(patching: Promise<T>): Promise<T> {
  try {
    return await patching
  } catch (failure) {
    if (!(failure instanceof Error) || !failure.message.includes('malformed JSON')) throw failure
    throw invalidBody([
      { pointer: '', message: 'A patch and what it changes may be nested 1,000 levels deep at most.' },
    ])
  }
}

/**
 * Every write begins by putting itself on record, under the rule and all that must hold. That event decides, and each
 * statement after it hangs on the one before. Its id is made beforehand: a batch that is repeated after its answer was
 * lost records nothing, writes nothing, and finds by it that it has written.
 */
type Write = Readonly<{
  event: AuditEventId
  etag: string
  decide: Statement<never>
  write: Statement<never>
  writeBody: Statement<never>
}>

export const documentStore = (db: Databases) => {
  async function run(caller: Caller, name: DocumentName, asked: Write): Promise<WrittenDocument> {
    const [, , , rows] = await db.of(caller.study).batch(
      asked.decide,
      asked.write,
      asked.writeBody,
      statement<FoundRow & { written: number }>(
        withWho(
          caller,
          sql`SELECT ${foundColumns}, changes() > 0 OR EXISTS (SELECT 1 FROM audit_events e
              WHERE e.study_id = ${caller.study} AND e.id = ${asked.event}) AS written
            FROM who LEFT JOIN documents d ON ${isNamedBesideWho(caller, name)}`,
        ),
      ),
    )
    const row = first(rows)
    const there = foundOfRow(row)
    const written = row?.written === 1
    // Another write may have followed before the batch was repeated: this one's ETag is answered, and no longer holds.
    const document = written && there !== undefined ? { ...there, etag: asked.etag } : there
    return { principal: principalOf(row, caller.study), document, written }
  }

  return {
    async find(caller: Caller, name: DocumentName, rule: Rule): Promise<FoundDocument & { data: string | undefined }> {
      const readable = allows(rule, targetOwnedBy(sql`d.study_id`, sql`d.participant_id`))
      const [rows] = await db.of(caller.study).batch(
        statement<FoundRow & { data: string | null }>(
          withWho(
            caller,
            sql`SELECT ${foundColumns}, b.data FROM who
              LEFT JOIN documents d ON ${isNamedBesideWho(caller, name)} AND ${readable} LEFT JOIN ${theBody}`,
          ),
        ),
      )
      const row = first(rows)
      return { principal: principalOf(row, caller.study), document: foundOfRow(row), data: row?.data ?? undefined }
    },

    /** By identifier, in the order of code points. */
    async list(
      caller: Caller,
      participant: ParticipantId | 'me',
      { prefix, rule, page }: { prefix: string; rule: Rule; page: PageRequest },
    ): Promise<{ principal: Principal | undefined; page: Page<Document> }> {
      const after = decodeCursor('documents', page.cursor)
      const owner = ownerBesideWho({ participant })
      const [who, rows] = await db.of(caller.study).batch(
        whoStatement(caller),
        statement<DocumentRow>(
          withWho(
            caller,
            // Asked of all at once, so that they are read in their order, however `who` is made.
            sql`SELECT ${documentColumns} FROM documents d
              WHERE d.study_id = ${caller.study} AND d.participant_id = (SELECT ${owner} FROM who
                WHERE ${allows(rule, targetOwnedBy(sql`${caller.study}`, owner))})
                AND d.identifier >= ${prefix} AND d.identifier < ${prefix} || char(1114111)
                AND d.identifier > ${after?.[1] ?? ''}
              ORDER BY d.identifier LIMIT ${page.limit + 1}`,
          ),
        ),
      )
      return {
        principal: principalOf(first(who), caller.study),
        page: pageOf(rows, page.limit, {
          listing: 'documents',
          place: (row) => [row.identifier, row.identifier],
          item: documentOfRow,
        }),
      }
    },

    async put(
      caller: Caller,
      name: DocumentName,
      asked: Writing & { data: string; size: number },
    ): Promise<WrittenDocument> {
      const { etag, data, size } = asked
      const { study } = caller
      const now = caller.now.getTime()
      const event = newId('aud', caller.now)
      const owner = ownerAlone(caller, name)
      const deed = { id: event, action: 'document.put', owner: ownerBesideWho(name), object: etag } as const
      return run(caller, name, {
        event,
        etag,
        decide: recordFirst(
          caller,
          deed,
          sql`WHERE ${mayWrite(caller, name, asked)} AND ${isJudgedBy(caller, name, asked.schemaAt)}`,
        ),
        write: statement(
          sql`INSERT INTO documents (study_id, participant_id, identifier, etag, size, created_at, updated_at)
            SELECT ${study}, ${owner}, ${name.identifier}, ${etag}, ${size}, ${now}, ${now} WHERE changes() > 0
            ON CONFLICT (study_id, participant_id, identifier)
            DO UPDATE SET etag = excluded.etag, size = excluded.size, updated_at = excluded.updated_at`,
        ),
        writeBody: statement(
          sql`INSERT INTO document_bodies (study_id, participant_id, identifier, data)
            SELECT ${study}, ${owner}, ${name.identifier}, ${data} WHERE changes() > 0
            ON CONFLICT (study_id, participant_id, identifier) DO UPDATE SET data = excluded.data`,
        ),
      })
    },

    /** RFC 7396, done by SQLite's `json_patch`, which leaves every number that the patch does not touch as it is written. */
    async patch(
      caller: Caller,
      name: DocumentName,
      asked: Writing & { patch: string; maxBytes: number },
    ): Promise<WrittenDocument> {
      const { etag, patch, maxBytes } = asked
      const event = newId('aud', caller.now)
      const named = (alias: string) => isNamed(caller, name, { alias, owner: ownerAlone(caller, name) })
      const deed = { id: event, action: 'document.put', owner: ownerBesideWho(name), object: etag } as const
      return unlessTooDeep(
        run(caller, name, {
          event,
          etag,
          decide: recordFirst(
            caller,
            deed,
            // In this order: only who may write is told that a patch cannot be done.
            sql`CROSS JOIN documents d CROSS JOIN ${theBody} WHERE ${isNamedBesideWho(caller, name)}
              AND CASE WHEN ${mayWrite(caller, name, asked)} AND ${isJudgedBy(caller, name, asked.schemaAt)}
                THEN octet_length(json_patch(b.data, ${patch})) <= ${maxBytes} ELSE 0 END`,
          ),
          write: statement(
            sql`UPDATE documents AS d SET etag = ${etag}, updated_at = ${caller.now.getTime()}, size = octet_length(
                (SELECT json_patch(b.data, ${patch}) FROM document_bodies b WHERE ${named('b')}))
              WHERE ${named('d')} AND changes() > 0`,
          ),
          writeBody: statement(
            sql`UPDATE document_bodies AS b SET data = json_patch(data, ${patch}) WHERE ${named('b')} AND changes() > 0`,
          ),
        }),
      )
    },

    /** What a patch would make of a document, for those who hold it against a schema first. */
    async previewPatch(
      caller: Caller,
      name: DocumentName,
      { rule, patch }: { rule: Rule; patch: string },
    ): Promise<{ etag: string; data: string } | undefined> {
      const owner = ownerBesideWho(name)
      const [rows] = await unlessTooDeep(
        db.of(caller.study).batch(
          statement<{ etag: string; data: string }>(
            withWho(
              caller,
              sql`SELECT d.etag, json_patch(b.data, ${patch}) AS data
                FROM who CROSS JOIN documents d CROSS JOIN ${theBody}
                WHERE ${isNamedBesideWho(caller, name)} AND ${allows(rule, targetOwnedBy(sql`d.study_id`, owner))}`,
            ),
          ),
        ),
      )
      return first(rows)
    },

    /** `document` is what is there where it was not removed. */
    async remove(
      caller: Caller,
      name: DocumentName,
      asked: Pick<Writing, 'rule' | 'precondition'>,
    ): Promise<WrittenDocument> {
      const event = newId('aud', caller.now)
      const named = (alias: string) => isNamed(caller, name, { alias, owner: ownerAlone(caller, name) })
      const deed = { id: event, action: 'document.delete', owner: ownerBesideWho(name), object: sql`d.etag` } as const
      return run(caller, name, {
        event,
        etag: '',
        decide: recordFirst(
          caller,
          deed,
          sql`CROSS JOIN documents d WHERE ${isNamedBesideWho(caller, name)} AND ${mayWrite(caller, name, asked)}`,
        ),
        write: statement(sql`DELETE FROM documents AS d WHERE ${named('d')} AND changes() > 0`),
        writeBody: statement(sql`DELETE FROM document_bodies AS b WHERE ${named('b')} AND changes() > 0`),
      })
    },
  }
}
