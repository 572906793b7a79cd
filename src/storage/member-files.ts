import { sql, type SQL } from './sql.ts'
import type { File, Participant } from '../model/entities.ts'
import type { FileId, KeyId, ParticipantId, StudyId, UploadId } from '../model/ids.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { allows, notErasing, targetStudy } from './conditions.ts'
import { first, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { fileColumns, fileOfRow, type FileRow, grantedToCaller } from './file-rows.ts'
import { participantColumns, participantOfRow, type ParticipantRow } from './participants.ts'
import { isOpen, wholeScopeFor } from './shelf-ranges.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

// What a project is told of its members, for a protocol that knows people and files by their numbers and asks for pages
// by how many come before. Members are those who take part now.

/** How many of something are passed over, and how many are told. */
export type Stretch = Readonly<{ limit: number; offset: number }>

/** A file with its metadata as JSON text, in which every number has the digits that it was sent with. */
export type ListedFile = Readonly<{ file: File; metadata: string | null }>

export type ListedMember = Readonly<{ participant: Participant; fileCount: number; files: readonly ListedFile[] }>

/** Of so many files is a member shown with the others; past that many characters of metadata there are fewer. */
const FILES_SHOWN = 10
const METADATA_SHOWN = 8_000_000

const listedOf = (row: FileRow): ListedFile => ({ file: fileOfRow(row), metadata: row.metadata })

/** Where the shelf has an owner's files, of those that the rule lets the caller see. */
const onShelf = ({ study }: Caller, rule: Rule, owner: SQL): SQL =>
  sql`FROM shelf s WHERE s.study_id = ${study} AND s.scope = ${wholeScopeFor(rule, owner)} AND s.term = ''
    AND ${isOpen(sql`s.scope`, { study: sql`${study}`, owner })}`

const activeMembers = ({ study }: Caller, rule: Rule): SQL =>
  sql`FROM who CROSS JOIN participants p INDEXED BY participants_number
    WHERE p.study_id = ${study} AND p.status = 'active' AND ${allows(rule, targetStudy(study))}`

export const memberFileStore = (db: Databases) => ({
  /** The participant whom the caller is, else the one of a number; whatever has become of them. */
  async member(
    caller: Caller,
    number: number | undefined,
  ): Promise<{ principal: Principal | undefined; participant: Participant | undefined }> {
    const columns = participantColumns('p')
    const [who, self, named] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<ParticipantRow>(
        withWho(
          caller,
          sql`SELECT ${columns} FROM who CROSS JOIN participants p
            WHERE p.study_id = ${caller.study} AND p.id = who.participant_id`,
        ),
      ),
      number === undefined
        ? undefined
        : statement<ParticipantRow>(
            withWho(
              caller,
              sql`SELECT ${columns} FROM who CROSS JOIN participants p INDEXED BY participants_number
                WHERE p.study_id = ${caller.study} AND p.number = ${number} AND who.participant_id IS NULL`,
            ),
          ),
    )
    const row = first(self) ?? first(named)
    return { principal: principalOf(first(who), caller.study), participant: row && participantOfRow(row) }
  },

  /** How many take part. */
  async count(caller: Caller): Promise<{ principal: Principal | undefined; count: number }> {
    const database = db.of(caller.study)
    const [who, rows] = await database.batch(
      whoStatement(caller),
      statement<{ count: number }>(
        sql`SELECT count(*) AS count FROM participants p WHERE p.study_id = ${caller.study} AND p.status = 'active'`,
      ),
    )
    return { principal: principalOf(first(who), caller.study), count: first(rows)?.count ?? 0 }
  },

  /** A participant's complete files in the order in which they were completed, and how many there are in all. */
  async list(
    caller: Caller,
    owner: ParticipantId,
    { rule, stretch }: { rule: Rule; stretch: Stretch },
  ): Promise<{ principal: Principal | undefined; files: ListedFile[]; count: number }> {
    const { study } = caller
    const range = onShelf(caller, rule, sql`${owner}`)
    const [who, counted, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<{ count: number }>(withWho(caller, sql`SELECT count(*) AS count ${range}`)),
      statement<FileRow>(
        withWho(
          caller,
          sql`SELECT ${fileColumns('f', sql`${study}`)}, ${grantedToCaller(caller, 'f')}
            FROM (SELECT s.listed_at, s.file_id ${range} ORDER BY s.listed_at, s.file_id
              LIMIT ${stretch.limit} OFFSET ${stretch.offset}) s
            CROSS JOIN files f ON f.study_id = ${study} AND f.id = s.file_id
            WHERE ${notErasing(sql`${study}`, sql`f.owner`)} ORDER BY s.listed_at, s.file_id`,
        ),
      ),
    )
    return {
      principal: principalOf(first(who), study),
      files: rows.map(listedOf),
      count: first(counted)?.count ?? 0,
    }
  },

  /** Members by number with how many files each has and the first of them, in one trip. */
  async listMembers(
    caller: Caller,
    { rules, stretch }: { rules: { members: Rule; files: Rule }; stretch: Stretch },
  ): Promise<{ principal: Principal | undefined; members: ListedMember[]; count: number }> {
    const { study } = caller
    const active = activeMembers(caller, rules.members)
    const page = sql`SELECT p.* ${active} ORDER BY p.number LIMIT ${stretch.limit} OFFSET ${stretch.offset}`
    const theirs = onShelf(caller, rules.files, sql`p.id`)
    const [who, counted, people, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<{ count: number }>(withWho(caller, sql`SELECT count(*) AS count ${active}`)),
      statement<ParticipantRow & { fileCount: number }>(
        withWho(
          caller,
          sql`SELECT ${participantColumns('p')}, (SELECT count(*) ${theirs}) AS "fileCount" FROM (${page}) p
            ORDER BY p.number`,
        ),
      ),
      statement<FileRow>(
        withWho(
          caller,
          sql`, shown AS MATERIALIZED (SELECT p.number, (SELECT json_group_array(first.file_id) FROM (
                SELECT s.file_id ${theirs} ORDER BY s.listed_at, s.file_id LIMIT ${FILES_SHOWN}) first) AS ids
              FROM (${page}) p),
            weighed AS (SELECT f.*, shown.number AS member, each.key AS place,
                sum(coalesce(length(f.metadata), 0)) OVER (ORDER BY shown.number, each.key) AS weight
              FROM shown CROSS JOIN json_each(shown.ids) each
              CROSS JOIN files f ON f.study_id = ${study} AND f.id = each.value)
            SELECT ${fileColumns('f', sql`${study}`)} FROM weighed f WHERE f.weight <= ${METADATA_SHOWN}
            ORDER BY f.member, f.place`,
        ),
      ),
    )
    const files = Map.groupBy(rows, ({ owner }) => owner)
    return {
      principal: principalOf(first(who), study),
      members: people.map((row) => ({
        participant: participantOfRow(row),
        fileCount: row.fileCount,
        files: (files.get(row.id) ?? []).map(listedOf),
      })),
      count: first(counted)?.count ?? 0,
    }
  },

  /** A file by its number, and the newest upload to it that is open. */
  async find(
    caller: Caller,
    number: number,
  ): Promise<{ principal: Principal | undefined; file: File | undefined; upload: UploadId | undefined }> {
    const { study } = caller
    const [who, rows, uploads] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<FileRow>(
        sql`SELECT ${fileColumns('f')}, ${grantedToCaller(caller, 'f')} FROM files f INDEXED BY files_number
          WHERE f.study_id = ${study} AND f.number = ${number} AND ${notErasing(sql`f.study_id`, sql`f.owner`)}`,
      ),
      statement<{ id: UploadId }>(
        sql`SELECT u.id FROM files f INDEXED BY files_number CROSS JOIN uploads u INDEXED BY uploads_file
            ON u.study_id = f.study_id AND u.file_id = f.id
          WHERE f.study_id = ${study} AND f.number = ${number} ORDER BY u.id DESC LIMIT 1`,
      ),
    )
    const row = first(rows)
    return { principal: principalOf(first(who), study), file: row && fileOfRow(row), upload: first(uploads)?.id }
  },

  /** What a file key leads to: its study, the hash of the key that issued it, and the file, if its owner takes part. */
  async opened(
    studyNumber: number,
    { file, issuer }: { file: number; issuer: KeyId },
  ): Promise<{ study: StudyId; keyHash: string | null; file: FileId | null; isMembers: boolean } | undefined> {
    const [rows] = await db.ofNumber(studyNumber).batch(
      statement<{ study: StudyId; keyHash: string | null; file: FileId | null; status: string | null }>(
        sql`SELECT t.id AS study, k.hash AS "keyHash", f.id AS file, p.status
          FROM studies t LEFT JOIN api_keys k INDEXED BY api_keys_id ON k.study_id = t.id AND k.id = ${issuer}
          LEFT JOIN files f INDEXED BY files_number ON f.study_id = t.id AND f.number = ${file}
          LEFT JOIN participants p ON p.study_id = f.study_id AND p.id = f.owner
          WHERE t.number = ${studyNumber}`,
      ),
    )
    const row = first(rows)
    return row && { study: row.study, keyHash: row.keyHash, file: row.file, isMembers: row.status === 'active' }
  },

  /** Whether a credential was good at this door until its time was over. */
  async hasExpired({ credential, door, now }: Pick<Caller, 'credential' | 'door' | 'now'>): Promise<boolean> {
    if (credential.kind !== 'key' && credential.kind !== 'session') return false
    const shown =
      credential.kind === 'key'
        ? sql`api_keys k ON k.study_id = t.id AND k.hash = ${credential.hash} AND k.revoked_at IS NULL
          AND k.expires_at <= ${now.getTime()}`
        : sql`sessions s ON s.study_id = t.id AND s.hash = ${credential.hash} AND s.kind = 'access' AND s.door = ${door}
          AND s.expires_at <= ${now.getTime()}`
    const [rows] = await db
      .ofNumber(credential.studyNumber)
      .batch(
        statement<{ expired: number }>(
          sql`SELECT 1 AS expired FROM studies t CROSS JOIN ${shown} WHERE t.number = ${credential.studyNumber}`,
        ),
      )
    return rows.length > 0
  },
})
