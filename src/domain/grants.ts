import type { Grant, GrantLevel } from '../model/entities.ts'
import {
  type DomainError,
  grantNotFound,
  grantsExhausted,
  invalidBody,
  invalidRequest,
  participantWithdrawn,
} from '../model/errors.ts'
import type { FileId, StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { PrincipalName } from '../model/principal.ts'
import { type GrantOutcome, MAX_GRANTS } from '../storage/grants.ts'
import { identify } from './identity.ts'
import { requireVisible, rules, whyRefused } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

/** Who may share, and who is told whether a participant is there; to all others every participant's name is good. */
export const GRANT_RULES = { share: rules.shareFile, know: rules.listParticipants }

/** @throws DomainError `invalid_body` for a time that is not to come */
export function requireFuture(scope: Scope, expiresAt: Date | null): void {
  if (expiresAt !== null && expiresAt <= scope.now) {
    throw invalidBody([{ pointer: '/expiresAt', message: 'Must be in the future; null for as long as it is wanted.' }])
  }
}

/** Why a file cannot be shared with somebody whom the caller may share with; `pointer`: where they are named. */
export function whyNotWith(outcome: Exclude<GrantOutcome, 'granted' | 'refused'>, pointer: string): DomainError {
  const invalid = pointer.startsWith('/') ? invalidBody : invalidRequest
  switch (outcome) {
    case 'own':
      return invalid([{ pointer, message: 'The file is theirs. Name somebody else.' }])
    case 'unknown':
      return invalid([
        {
          pointer,
          message:
            'Nobody of the study goes by this name. Name a participant who is enrolled, or a member of the team: ' +
            'members who are participants go by their participant.',
        },
      ])
    case 'full':
      return grantsExhausted(MAX_GRANTS)
    default:
      return outcome satisfies never
  }
}

/**
 * Shares a file with somebody of its study, or changes how it is shared. The same again changes nothing.
 * @throws DomainError `file_not_found`, `forbidden`, `participant_withdrawn`, `invalid_body`, `grants_exhausted`;
 * `invalid_request` where it is the owner's name, or nobody's as far as the caller may know
 */
export async function grantAccess(
  scope: Scope,
  study: StudyId,
  { file: id, ...grant }: { file: FileId; principal: PrincipalName; level: GrantLevel; expiresAt: Date | null },
): Promise<{ grant: Grant; isNew: boolean }> {
  requireFuture(scope, grant.expiresAt)
  const found = await scope.stores.grants.put(callerIn(scope, study), { file: id, grant, rules: GRANT_RULES })
  const principal = await identify(scope, found.principal)
  const file = requireVisible(principal, found.file)
  const { outcome = 'refused', createdAt } = found
  if (outcome === 'refused') throw whyRefused(rules.shareFile, principal, file) ?? participantWithdrawn()
  if (outcome !== 'granted') throw whyNotWith(outcome, 'path/principal')
  return { grant: { file: id, ...grant, createdAt }, isNew: createdAt.getTime() === scope.now.getTime() }
}

/**
 * With whom a file is shared; what has expired is on no list.
 * @throws DomainError `file_not_found`, `forbidden`
 */
export async function listGrants(
  scope: Scope,
  study: StudyId,
  { file: id, page }: { file: FileId; page: PageRequest },
): Promise<Page<Grant>> {
  const found = await scope.stores.grants.list(callerIn(scope, study), id, page)
  const principal = await identify(scope, found.principal)
  const refused = whyRefused(rules.readGrants, principal, requireVisible(principal, found.file))
  if (refused !== undefined) throw refused
  return found.page
}

/**
 * Ends what was shared with somebody, from their next request on.
 * @throws DomainError `file_not_found`, `forbidden`, `participant_withdrawn`, `grant_not_found`
 */
export async function revokeAccess(
  scope: Scope,
  study: StudyId,
  { file: id, principal: name }: { file: FileId; principal: PrincipalName },
): Promise<void> {
  const found = await scope.stores.grants.revoke(callerIn(scope, study), {
    file: id,
    principal: name,
    rule: rules.shareFile,
  })
  const principal = await identify(scope, found.principal)
  const file = requireVisible(principal, found.file)
  if (found.outcome === 'revoked') return
  const refused = whyRefused(rules.shareFile, principal, file)
  throw refused ?? (found.outcome === 'standing' ? participantWithdrawn() : grantNotFound())
}

/** Forgets grants that have expired. */
export const purgeGrants = async (scope: Scope, limit: number): Promise<number> =>
  scope.stores.grants.purge(scope.now, limit)
