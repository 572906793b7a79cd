import { sql, type SQL } from './sql.ts'
import type { Member } from '../model/entities.ts'
import { memberExists } from '../model/errors.ts'
import type { MemberId, ParticipantId, StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import type { Rule } from '../model/rules.ts'
import { record } from './audit.ts'
import { allows, targetStudy } from './conditions.ts'
import { decodeCursor, pageOf } from './cursor.ts'
import { columnsOf, dateOf, first, isUniqueConflict, type Row, statement } from './database.ts'
import type { Databases } from './databases.ts'
import { remember } from './idempotency.ts'
import { members } from './schema/people.ts'
import { type Caller, principalOf, whoStatement, withWho } from './who.ts'

/** Its participant, if it has one, must be there. */
export type NewMember = Pick<Member, 'id' | 'issuer' | 'subject' | 'role' | 'participant' | 'contact'>

export type MemberRow = Row<typeof members>
export const memberColumns = (alias: string): SQL => columnsOf(members, alias)
const columns = memberColumns('m')

export const memberOfRow = (row: MemberRow): Member => ({
  study: row.studyId as StudyId, // ids are what was put in
  id: row.id as MemberId,
  issuer: row.issuer,
  subject: row.subject,
  role: row.role,
  participant: row.participantId as ParticipantId | null,
  contact: { email: row.email, phone: row.phone, firstName: row.firstName, lastName: row.lastName },
  createdAt: dateOf(row.createdAt),
})

const memberById = (study: StudyId, id: MemberId) =>
  statement<MemberRow>(
    sql`SELECT ${columns} FROM members m INDEXED BY members_id WHERE m.study_id = ${study} AND m.id = ${id}`,
  )

export const memberStore = (db: Databases) => ({
  /** @throws DomainError `member_exists` */
  async add(
    caller: Caller,
    { rule, member }: { rule: Rule; member: NewMember },
  ): Promise<{ principal: Principal | undefined; member: Member | undefined }> {
    const { study } = caller
    const { participant, contact } = member
    try {
      const [who, , , , rows] = await db.of(caller.study).batchOnce(
        whoStatement(caller),
        statement(
          withWho(
            caller,
            sql`INSERT INTO members (study_id, issuer, subject, id, role, participant_id, email, phone, first_name,
                last_name, created_at)
              SELECT ${study}, ${member.issuer}, ${member.subject}, ${member.id}, ${member.role}, ${participant},
                ${contact.email}, ${contact.phone}, ${contact.firstName}, ${contact.lastName}, ${caller.now.getTime()}
              FROM who WHERE ${allows(rule, targetStudy(study))} AND EXISTS (SELECT 1 FROM studies WHERE id = ${study})
                AND ${
                  participant === null
                    ? sql`1`
                    : sql`EXISTS (SELECT 1 FROM participants WHERE study_id = ${study} AND id = ${participant}
                        AND status <> 'erasing')`
                }`,
          ),
        ),
        record(caller, { action: 'member.add', owner: sql`${participant}`, object: member.id }),
        remember(caller, { ids: { member: member.id }, owner: sql`${participant}` }),
        memberById(study, member.id),
      )
      const row = first(rows)
      return { principal: principalOf(first(who), study), member: row && memberOfRow(row) }
    } catch (failure) {
      throw isUniqueConflict(failure, 'members.subject') ? memberExists() : failure
    }
  },

  async find(caller: Caller, id: MemberId): Promise<{ principal: Principal | undefined; member: Member | undefined }> {
    const [who, rows] = await db.of(caller.study).batch(whoStatement(caller), memberById(caller.study, id))
    const row = first(rows)
    return { principal: principalOf(first(who), caller.study), member: row && memberOfRow(row) }
  },

  async list(caller: Caller, page: PageRequest): Promise<{ principal: Principal | undefined; page: Page<Member> }> {
    const after = decodeCursor('members', page.cursor)
    const [who, rows] = await db.of(caller.study).batch(
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
    const here = sql`m.study_id = ${caller.study} AND m.id = ${id}`
    const [who, , removed] = await db.of(caller.study).batch(
      whoStatement(caller),
      // Before it happens: the row says whose membership it was, and it may be the caller's own.
      record(
        caller,
        {
          action: 'member.remove',
          owner: sql`(SELECT m.participant_id FROM members m INDEXED BY members_id WHERE ${here})`,
          object: id,
        },
        sql`EXISTS (SELECT 1 FROM members m INDEXED BY members_id WHERE ${here})
          AND ${allows(rule, targetStudy(caller.study))}`,
      ),
      statement<{ id: string }>(
        withWho(
          caller,
          sql`DELETE FROM members AS m INDEXED BY members_id WHERE ${here}
            AND EXISTS (SELECT 1 FROM who WHERE ${allows(rule, targetStudy(caller.study))}) RETURNING id`,
        ),
      ),
      // What was shared with them ends with them.
      statement(
        sql`DELETE FROM grants AS g INDEXED BY grants_principal
          WHERE g.study_id = ${caller.study} AND g.principal = ${`member:${id}`}
            AND NOT EXISTS (SELECT 1 FROM members m INDEXED BY members_id WHERE ${here})`,
      ),
    )
    return { principal: principalOf(first(who), caller.study), removed: removed.length > 0 }
  },
})
