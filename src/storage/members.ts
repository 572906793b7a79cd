import { sql } from 'drizzle-orm'
import type { Member } from '../model/entities.ts'
import { memberExists } from '../model/errors.ts'
import type { MemberId, ParticipantId, StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { allows, targetOwnedBy } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { columnsOf, type Database, dateOf, first, isUniqueConflict, type Row, statement } from './database.ts'
import { members } from './schema/people.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

/** Its participant, if it has one, must be there. */
export type NewMember = Pick<Member, 'id' | 'issuer' | 'subject' | 'role' | 'participant' | 'contact'>

type MemberRow = Row<typeof members>
const columns = columnsOf(members, 'm')

const memberOfRow = (row: MemberRow): Member => ({
  study: row.studyId as StudyId, // ids are what was put in
  id: row.id as MemberId,
  issuer: row.issuer,
  subject: row.subject,
  role: row.role,
  participant: row.participantId as ParticipantId | null,
  contact: { email: row.email, phone: row.phone, firstName: row.firstName, lastName: row.lastName },
  createdAt: dateOf(row.createdAt),
})

const target = (study: StudyId) => targetOwnedBy(sql`${study}`, sql`''`)

export const memberStore = (db: Database) => ({
  /** @throws DomainError `member_exists` */
  async add(
    caller: Caller,
    { rule, member }: { rule: Rule; member: NewMember },
  ): Promise<{ principal: Principal | undefined; member: Member | undefined }> {
    const { study } = caller
    const { participant, contact } = member
    try {
      const [who, , rows] = await db.batchOnce(
        whoStatement(caller),
        statement(
          withWho(
            caller,
            sql`INSERT INTO members (study_id, issuer, subject, id, role, participant_id, email, phone, first_name,
                last_name, created_at)
              SELECT ${study}, ${member.issuer}, ${member.subject}, ${member.id}, ${member.role}, ${participant},
                ${contact.email}, ${contact.phone}, ${contact.firstName}, ${contact.lastName}, ${caller.now.getTime()}
              FROM who WHERE ${allows(rule, target(study))} AND EXISTS (SELECT 1 FROM studies WHERE id = ${study})
                AND ${
                  participant === null
                    ? sql`1`
                    : sql`EXISTS (SELECT 1 FROM participants WHERE study_id = ${study} AND id = ${participant}
                        AND status <> 'erasing')`
                }`,
          ),
        ),
        statement<MemberRow>(
          sql`SELECT ${columns} FROM members m INDEXED BY members_id
            WHERE m.study_id = ${study} AND m.id = ${member.id}`,
        ),
      )
      const row = first(rows)
      return { principal: principalOf(first(who), study), member: row && memberOfRow(row) }
    } catch (failure) {
      throw isUniqueConflict(failure, 'members.subject') ? memberExists() : failure
    }
  },

  async list(caller: Caller, page: PageRequest): Promise<{ principal: Principal | undefined; page: Page<Member> }> {
    const after = decodeCursor('members', page.cursor)
    const [who, rows] = await db.batch(
      whoStatement(caller),
      statement<MemberRow>(
        sql`SELECT ${columns} FROM members m INDEXED BY members_id
          WHERE m.study_id = ${caller.study} AND m.id > ${after?.[1] ?? ''} ORDER BY m.id LIMIT ${page.limit + 1}`,
      ),
    )
    return {
      principal: principalOf(first(who), caller.study),
      page: pageOf(rows, page.limit, { listing: 'members', place: (row) => [row.id, row.id], item: memberOfRow }),
    }
  },

  async remove(
    caller: Caller,
    { rule, id }: { rule: Rule; id: MemberId },
  ): Promise<{ principal: Principal | undefined; removed: boolean }> {
    const [who, removed] = await db.batch(
      whoStatement(caller),
      statement<{ id: string }>(
        withWho(
          caller,
          sql`DELETE FROM members AS m INDEXED BY members_id WHERE m.study_id = ${caller.study} AND m.id = ${id}
            AND EXISTS (SELECT 1 FROM who WHERE ${allows(rule, target(caller.study))}) RETURNING id`,
        ),
      ),
    )
    return { principal: principalOf(first(who), caller.study), removed: removed.length > 0 }
  },
})
