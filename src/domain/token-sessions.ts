import { accountNotFound } from '../model/errors.ts'
import type { StudyId } from '../model/ids.ts'
import type { ForeignDoor } from '../model/principal.ts'
import { hashSecret, parseSessionSecret } from '../storage/secrets.ts'
import { credentialOfKey } from './credentials.ts'
import { callerIn, type Scope } from './scope.ts'
import { openSession, requireAccount, type SignedIn } from './sessions.ts'

// Sessions for protocols in which a token is renewed by getting another one, and what renews it too.

/**
 * A session for who shows a key itself.
 * @throws DomainError `account_not_found`, `participant_withdrawn`
 */
export async function beginSession(
  scope: Scope,
  study: StudyId,
  { key, seconds }: { key: string; seconds: number },
): Promise<SignedIn> {
  const credential = await credentialOfKey(key)
  if (credential === undefined) throw accountNotFound()
  const asKey: Scope = { ...scope, credential, requiresActive: true }
  const found = await scope.stores.sessions.account(callerIn(asKey, study))
  // It is not noted as a use of the key: who has just made it may then still ask for it again.
  const asked: Scope = { ...asKey, credential: scope.credential }
  return openSession(asKey, await requireAccount(asked, found), seconds)
}

/**
 * Another session and another secret in place of those that were given last. The secret that was shown is good until its
 * successor is used, in case that never arrived; those before it are not.
 * @throws DomainError `account_not_found`, `participant_withdrawn`
 */
export async function rotateSession(
  scope: Scope & { door: ForeignDoor },
  study: StudyId,
  { secret, seconds }: { secret: string; seconds: number },
): Promise<SignedIn> {
  const { sessions } = scope.stores
  const parsed = parseSessionSecret(secret)
  if (parsed?.kind !== 'renewal') throw accountNotFound()
  const hash = await hashSecret(secret)
  const found = await sessions.findRenewal({ study, hash, door: scope.door, now: scope.now })
  if (found === undefined) throw accountNotFound()
  const { studyNumber } = parsed
  const asKey: Scope = {
    ...scope,
    credential: { kind: 'key', studyNumber, hash: found.keyHash },
    requiresActive: true,
  }
  const caller = callerIn(asKey, study)
  const account = await requireAccount(asKey, await sessions.account(caller))
  await sessions.forgetOlder(caller, hash)
  return openSession(asKey, account, seconds)
}
