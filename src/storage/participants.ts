import { sql, type SQL } from './sql.ts'
import type { Changes, Contact, Participant, ParticipantStatus } from '../model/entities.ts'
import { participantExists } from '../model/errors.ts'
import { newAuditId, newId, type ParticipantId, type StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { isOnRecord, record } from './audit.ts'
import { allows, targetOwnedBy } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { columnsOf, dateOf, first, isUniqueConflict, type Row, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { stringsOf } from './file-rows.ts'
import { remember } from './idempotency.ts'
import { participants } from './schema/people.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

export type NewParticipant = Readonly<{
  id: ParticipantId
  /** Undefined: a random one that is free. */
  number: number | undefined
  externalId: string | null
  contact: Contact
  labels: readonly string[]
}>

export type ParticipantChanges = Changes<
  Contact & { externalId: string | null; labels: readonly string[]; status: Exclude<ParticipantStatus, 'erasing'> }
>

/** What people go by besides their id. */
export type ParticipantName =
  | Readonly<{ kind: 'externalId'; externalId: string }>
  | Readonly<{ kind: 'email'; email: string }>

export type FoundParticipant = Readonly<{ principal: Principal | undefined; participant: Participant | undefined }>

export type ParticipantRow = Row<typeof participants>
export const participantColumns = (alias: string): SQL => columnsOf(participants, alias)

export const participantOfRow = (row: ParticipantRow): Participant => ({
  study: row.studyId as StudyId, // ids are what was put in
  id: row.id as ParticipantId,
  number: row.number,
  externalId: row.externalId,
  contact: { email: row.email, phone: row.phone, firstName: row.firstName, lastName: row.lastName },
  labels: stringsOf(row.labels),
  status: row.status,
  createdAt: dateOf(row.createdAt),
})

const columns = participantColumns('p')

/** The participant that is meant: by id, or the one that the caller is. */
const isMeant = (caller: Caller, id: ParticipantId | 'me', alias = 'p'): SQL =>
  sql`${sql.raw(alias)}.study_id = ${caller.study}
    AND ${sql.raw(alias)}.id = ${id === 'me' ? sql`(SELECT participant_id FROM who)` : id}`

const UNIQUE: readonly (readonly [column: string, field: string])[] = [
  ['participants.id', 'id'],
  ['participants.number', 'number'],
  ['participants.external_id', 'externalId'],
  ['participants.email', 'email'],
  ['participants.phone', 'phone'],
]

async function unlessTaken<T>(write: Promise<T>): Promise<T> {
  try {
    return await write
  } catch (failure) {
    const taken = UNIQUE.find(([column]) => isUniqueConflict(failure, column))
    throw taken === undefined ? failure : participantExists(taken[1])
  }
}

/** A number of eight digits that no participant has: the first free one of a few random ones, in one statement. */
const freeNumber = (study: StudyId): SQL => {
  const candidates = Array.from(
    crypto.getRandomValues(new Uint32Array(8)),
    (random) => 10_000_000 + (random % 90_000_000),
  )
  return sql`(SELECT value FROM json_each(${JSON.stringify(candidates)}) WHERE NOT EXISTS (
    SELECT 1 FROM participants p INDEXED BY participants_number WHERE p.study_id = ${study} AND p.number = value) LIMIT 1)`
}

export const participantStore = (db: Databases) => ({
  /** @throws DomainError `participant_exists`, naming the field that another participant has */
  async enrol(
    caller: Caller,
    { rule, participant }: { rule: Rule; participant: NewParticipant },
  ): Promise<FoundParticipant> {
    const { study } = caller
    const { id, contact } = participant
    const [who, , , , rows] = await unlessTaken(
      db.of(caller.study).batchOnce(
        whoStatement(caller),
        statement(
          withWho(
            caller,
            sql`INSERT INTO participants (study_id, id, number, external_id, email, phone, first_name, last_name, labels,
                created_at, audit_id)
              SELECT s.id, ${id}, ${participant.number ?? freeNumber(study)}, ${participant.externalId},
                ${contact.email}, ${contact.phone}, ${contact.firstName}, ${contact.lastName},
                ${JSON.stringify(participant.labels)}, ${caller.now.getTime()}, ${newAuditId()}
              FROM who CROSS JOIN studies s
              WHERE s.id = ${study} AND ${allows(rule, targetOwnedBy(sql`s.id`, sql`''`))}`,
          ),
        ),
        record(caller, { action: 'participant.enrol', owner: sql`${id}`, object: null }),
        remember(caller, { ids: { participant: id }, owner: sql`${id}` }),
        statement<ParticipantRow>(
          withWho(
            caller,
            sql`SELECT ${columns} FROM who CROSS JOIN participants p
              WHERE ${isMeant(caller, id)} AND ${allows(rule, targetOwnedBy(sql`p.study_id`, sql`''`))}`,
          ),
        ),
      ),
    )
    const row = first(rows)
    return { principal: principalOf(first(who), study), participant: row && participantOfRow(row) }
  },

  async find(caller: Caller, id: ParticipantId | 'me'): Promise<FoundParticipant> {
    const database = db.of(caller.study)
    const [who, rows] = await database.batch(
      whoStatement(caller),
      statement<ParticipantRow>(
        withWho(caller, sql`SELECT ${columns} FROM participants p WHERE ${isMeant(caller, id)}`),
      ),
    )
    const row = first(rows)
    return { principal: principalOf(first(who), caller.study), participant: row && participantOfRow(row) }
  },

  /** By what people are called by those who do not go by ids. */
  async findNamed(caller: Caller, name: ParticipantName): Promise<FoundParticipant> {
    const [who, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<ParticipantRow>(
        name.kind === 'externalId'
          ? sql`SELECT ${columns} FROM participants p INDEXED BY participants_external_id
              WHERE p.study_id = ${caller.study} AND p.external_id = ${name.externalId}`
          : sql`SELECT ${columns} FROM participants p INDEXED BY participants_email
              WHERE p.study_id = ${caller.study} AND p.email IN (${name.email}, ${name.email.toLowerCase()}) LIMIT 1`,
      ),
    )
    const row = first(rows)
    return { principal: principalOf(first(who), caller.study), participant: row && participantOfRow(row) }
  },

  /** By id; with an external id, the one who has it. */
  async list(
    caller: Caller,
    { externalId, page }: { externalId: string | undefined; page: PageRequest },
  ): Promise<{ principal: Principal | undefined; page: Page<Participant> }> {
    const after = decodeCursor('participants', page.cursor)
    const [who, rows] = await db.of(caller.study).batch(
      whoStatement(caller),
      statement<ParticipantRow>(
        externalId === undefined
          ? sql`SELECT ${columns} FROM participants p WHERE p.study_id = ${caller.study} AND p.id > ${after?.[1] ?? ''}
              ORDER BY p.id LIMIT ${page.limit + 1}`
          : sql`SELECT ${columns} FROM participants p INDEXED BY participants_external_id
              WHERE p.study_id = ${caller.study} AND p.external_id = ${externalId}`,
      ),
    )
    return {
      principal: principalOf(first(who), caller.study),
      page: pageOf(rows, page.limit, {
        listing: 'participants',
        place: (row) => [row.id, row.id],
        item: participantOfRow,
      }),
    }
  },

  /** @throws DomainError `participant_exists`, naming the field that another participant has */
  async update(
    caller: Caller,
    id: ParticipantId | 'me',
    { rule, changes }: { rule: Rule; changes: ParticipantChanges },
  ): Promise<FoundParticipant & { updated: boolean }> {
    const { externalId, email, phone, firstName, lastName, labels, status } = changes
    const set = [
      sql`id = id`,
      ...(externalId === undefined ? [] : [sql`external_id = ${externalId}`]),
      ...(email === undefined ? [] : [sql`email = ${email}`]),
      ...(phone === undefined ? [] : [sql`phone = ${phone}`]),
      ...(firstName === undefined ? [] : [sql`first_name = ${firstName}`]),
      ...(lastName === undefined ? [] : [sql`last_name = ${lastName}`]),
      ...(labels === undefined ? [] : [sql`labels = ${JSON.stringify(labels)}`]),
      ...(status === undefined ? [] : [sql`status = ${status}`]),
    ]
    const owner = id === 'me' ? sql`who.participant_id` : sql`${id}`
    const event = newId('aud', caller.now)
    const isDone = isOnRecord(caller, event)
    const [who, updated, , rows] = await unlessTaken(
      db.of(caller.study).batch(
        whoStatement(caller),
        statement<{ id: string }>(
          withWho(
            caller,
            sql`UPDATE participants SET ${sql.join(set, ', ')} WHERE ${isMeant(caller, id, 'participants')}
              AND NOT ${isDone} AND status <> 'erasing' AND EXISTS (
                SELECT 1 FROM who WHERE ${allows(rule, targetOwnedBy(sql`participants.study_id`, sql`participants.id`))})
              RETURNING id`,
          ),
        ),
        record(caller, { id: event, action: 'participant.update', owner, object: null }),
        statement<ParticipantRow & { isDone: number }>(
          withWho(
            caller,
            sql`SELECT ${columns}, ${isDone} AS "isDone" FROM participants p WHERE ${isMeant(caller, id)}`,
          ),
        ),
      ),
    )
    const row = first(rows)
    return {
      principal: principalOf(first(who), caller.study),
      participant: row && participantOfRow(row),
      updated: updated.length > 0 || row?.isDone === 1,
    }
  },
})
