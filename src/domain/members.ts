import type { Member } from '../model/entities.ts'
import { memberNotFound, participantNotFound } from '../model/errors.ts'
import { type MemberId, newId, type StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { NewMember } from '../storage/members.ts'
import { once } from './idempotency.ts'
import { identify } from './identity.ts'
import { denial, requirePermission, rules } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

/** @throws DomainError `member_exists`, `participant_not_found` */
export async function addMember(scope: Scope, study: StudyId, member: Omit<NewMember, 'id'>): Promise<Member> {
  return once(scope, study, {
    attempt: async () => {
      const found = await scope.stores.members.add(callerIn(scope, study), {
        rule: rules.manageMembers,
        member: { ...member, id: newId('mem', scope.now) },
      })
      const principal = await identify(scope, found.principal)
      requirePermission(principal, rules.manageMembers)
      if (found.member === undefined) throw denial(principal, participantNotFound())
      return found.member
    },
    again: async (made) => getMember(scope, study, made.member),
  })
}

async function getMember(scope: Scope, study: StudyId, id: MemberId): Promise<Member> {
  const found = await scope.stores.members.find(callerIn(scope, study), id)
  const principal = await identify(scope, found.principal)
  requirePermission(principal, rules.manageMembers)
  if (found.member === undefined) throw denial(principal, memberNotFound())
  return found.member
}

/** Newest last. @throws DomainError `cursor_invalid`; `forbidden` to all but admins */
export async function listMembers(scope: Scope, study: StudyId, page: PageRequest): Promise<Page<Member>> {
  const found = await scope.stores.members.list(callerIn(scope, study), page)
  requirePermission(await identify(scope, found.principal), rules.manageMembers)
  return found.page
}

/** @throws DomainError `member_not_found` */
export async function removeMember(scope: Scope, study: StudyId, id: MemberId): Promise<void> {
  const found = await scope.stores.members.remove(callerIn(scope, study), { rule: rules.manageMembers, id })
  const principal = await identify(scope, found.principal)
  requirePermission(principal, rules.manageMembers)
  if (!found.removed) throw denial(principal, memberNotFound())
}
