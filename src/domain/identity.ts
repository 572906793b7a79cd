import { forbidden, participantWithdrawn, studyNotFound, unauthenticated } from '../model/errors.ts'
import type { Actor, Principal } from '../model/principal.ts'
import type { Scope } from './scope.ts'

const HOUR_MS = 3_600_000

/**
 * Who asks, from what the batch found. A good credential that has no place in this study makes a stranger of its
 * holder; only then is it looked for elsewhere.
 * @throws DomainError `unauthenticated` for a credential that is unknown, expired or revoked; `forbidden`,
 * `participant_withdrawn`, `study_not_found` where the operation, as its protocol has it, is not for this caller
 */
export async function identify(scope: Scope, found: Principal | undefined): Promise<Principal> {
  if (found === undefined) {
    if (!(await scope.stores.apiKeys.isGood(scope))) throw unauthenticated()
    // An operation that is for some roles is for nobody from outside, not even what everyone may read elsewhere.
    if (scope.admits !== undefined) throw studyNotFound()
    return { role: 'stranger', actor: 'stranger' as Actor, through: undefined } // a stranger creates nothing
  }
  scope.identified(found)
  noteUse(scope, found)
  requireAdmitted(scope, found)
  return found
}

/** That nothing is changed for whom an operation does not admit, the statements see to themselves. */
function requireAdmitted({ admits, requiresActive }: Scope, principal: Principal): void {
  if (admits !== undefined && !admits.includes(principal.role)) {
    throw principal.role === 'anonymous' ? unauthenticated() : forbidden()
  }
  const isWithdrawn = principal.role === 'participant' && principal.status === 'withdrawn'
  if (requiresActive && isWithdrawn) throw participantWithdrawn()
}

/** A key's last use is noted to the hour, after the answer. */
function noteUse(scope: Scope, { through }: Principal): void {
  if (through === undefined || !('key' in through) || scope.credential.kind !== 'key') return
  const usedAt = through.lastUsedAt?.getTime() ?? 0
  if (scope.now.getTime() - usedAt < HOUR_MS) return
  // Failing to note it harms nothing: the next request tries again.
  scope.defer(scope.stores.apiKeys.noteUse(scope.credential, scope.now).catch(() => undefined))
}

/** Whether what the caller shows was good at this door, until its time was over. */
export const hasExpired = async (scope: Scope): Promise<boolean> => scope.stores.memberFiles.hasExpired(scope)
