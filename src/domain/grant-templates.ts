import type { GrantLevel } from '../model/entities.ts'
import { forbidden, invalidBody, participantWithdrawn } from '../model/errors.ts'
import type { StudyId } from '../model/ids.ts'
import type { Principal, PrincipalName } from '../model/principal.ts'
import { type FoundTemplate, type Meant, MOST_AT_ONCE } from '../storage/grant-templates.ts'
import { GRANT_RULES, requireFuture, whyNotWith } from './grants.ts'
import { identify } from './identity.ts'
import { denial, factsOf, permits, rules } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

/**
 * Shares every complete file that a template means, or those that are named, and the caller may share, all or nothing, and answers how many those
 * are, with those that were shared so before.
 * @throws DomainError `forbidden`, `participant_withdrawn`, `grants_exhausted`; `invalid_body` where nobody goes by the
 * name as far as the caller may know, where the template means too much, and for an expiry that is not to come
 */
export async function applyGrants(
  scope: Scope,
  study: StudyId,
  { query, ...grant }: { query: Meant; principal: PrincipalName; level: GrantLevel; expiresAt: Date | null },
): Promise<number> {
  requireFuture(scope, grant.expiresAt)
  const found = await scope.stores.grantTemplates.apply(callerIn(scope, study), { query, grant, rules: GRANT_RULES })
  return filesOf(await identify(scope, found.principal), found)
}

/**
 * Ends what is shared of a template's files with somebody, all or nothing, and answers of how many.
 * @throws DomainError `forbidden`, `participant_withdrawn`; `invalid_body` where the template means too much
 */
export async function revokeGrants(
  scope: Scope,
  study: StudyId,
  { query, principal: name }: { query: Meant; principal: PrincipalName },
): Promise<number> {
  const found = await scope.stores.grantTemplates.revoke(callerIn(scope, study), {
    query,
    principal: name,
    rule: rules.shareFile,
  })
  return filesOf(await identify(scope, found.principal), found)
}

function filesOf(principal: Principal, found: FoundTemplate): number {
  requireSharer(principal)
  if (found.outcome === 'done') return found.files
  if (found.outcome !== 'too_much') throw whyNotWith(found.outcome, '/principal')
  const { files, characters } = MOST_AT_ONCE
  const message =
    `Means too much to be changed at once: ${files} files at most, and ${characters} characters of their names, titles ` +
    'and descriptions. Narrow it, by dates for example.'
  throw invalidBody([{ pointer: '/template', message }])
}

/** Whoever may share nothing is told so; whoever may share some things has had those counted. */
function requireSharer(principal: Principal): void {
  const sharable =
    principal.role === 'participant' ? { ...factsOf(principal.participant), source: principal.source } : undefined
  if (permits(rules.shareFile, principal, sharable)) return
  throw principal.role === 'participant' ? participantWithdrawn() : denial(principal, forbidden())
}
