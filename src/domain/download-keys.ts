import type { ApiKey } from '../model/entities.ts'
import { invalidBody, keyNameTaken, keyNotFound, overloaded, studyNotFound } from '../model/errors.ts'
import { ALL_STUDIES, newId, NO_STUDY, type StudyId } from '../model/ids.ts'
import { newApiKeySecret } from '../storage/secrets.ts'
import { identify } from './identity.ts'
import { denial, requirePermission, rules } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

// Keys that download, as developers go by them: by name. They are API keys as any other, of a study; or, where no study
// is said, of the operator: such a one opens in every study what a key of that study would.

const rule = rules.manageDownloadKeys
const NAME = /^[^\p{Cc}\p{Cs}]{1,100}$/u

/** The number that is in its secret; a key is made once in a long while, so it is read first. */
async function numberOf(scope: Scope, study: StudyId | undefined): Promise<number> {
  if (study === undefined) return ALL_STUDIES
  const found = await scope.stores.studies.find(callerIn(scope, study))
  const principal = await identify(scope, found.principal)
  requirePermission(principal, rule)
  if (found.study === undefined) throw denial(principal, studyNotFound())
  return found.study.number
}

/**
 * A key and its secret, which is never to be had again.
 * @throws DomainError `key_name_taken`; `invalid_body` for a name that is none; `study_not_found`, `forbidden`
 */
export async function createDownloadKey(
  scope: Scope,
  study: StudyId | undefined,
  name: string,
): Promise<{ key: ApiKey; secret: string }> {
  const { secret, hash, hint } = await newApiKeySecret(await numberOf(scope, study))
  if (!NAME.test(name)) throw invalidBody([{ pointer: '/name', message: 'Must be 1 to 100 characters of text.' }])
  const found = await scope.stores.downloadKeys.issue(callerIn(scope, study ?? NO_STUDY), {
    rule,
    key: { id: newId('key', scope.now), name, hash, hint },
  })
  requirePermission(await identify(scope, found.principal), rule)
  if (found.key !== undefined) return { key: found.key, secret }
  throw found.taken ? keyNameTaken() : overloaded()
}

/** By name; those that were revoked are on no list. @throws DomainError `forbidden` */
export async function listDownloadKeys(scope: Scope, study: StudyId | undefined): Promise<readonly ApiKey[]> {
  const found = await scope.stores.downloadKeys.list(callerIn(scope, study ?? NO_STUDY))
  requirePermission(await identify(scope, found.principal), rule)
  return found.keys
}

/**
 * Ends a key from the next request on; all that go by the name, where some were issued natively.
 * @throws DomainError `key_not_found`, `forbidden`
 */
export async function deleteDownloadKey(scope: Scope, study: StudyId | undefined, name: string): Promise<void> {
  const caller = callerIn(scope, study ?? NO_STUDY)
  const found = await scope.stores.downloadKeys.named(caller, name)
  const principal = await identify(scope, found.principal)
  requirePermission(principal, rule)
  if (found.ids.length === 0) throw denial(principal, keyNotFound())
  await scope.stores.downloadKeys.revoke(caller, { rule, ids: found.ids })
}
