import type { ApiKey } from '../model/entities.ts'
import {
  type DomainError,
  forbidden,
  idempotencyKeyReused,
  invalidBody,
  keyHasNoSecret,
  keyNotFound,
  participantNotFound,
  studyNotFound,
  unauthenticated,
} from '../model/errors.ts'
import { type KeyId, type MemberId, newId, type ParticipantId, type StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal, StudyRole } from '../model/principal.ts'
import { hashSecret, newApiKeySecret } from '../storage/secrets.ts'
import { once } from './idempotency.ts'
import { identify } from './identity.ts'
import { denial, requirePermission, rules } from './policy.ts'
import { callerIn, secondsFrom, type Scope } from './scope.ts'

/** A key, and its secret this once; null where it was told before, and for a public key, which has none. */
export type IssuedKey = Readonly<{ key: ApiKey; secret: string | null }>

/** The study's number is in the secret, so it is read first; a key is issued once in a long while. */
async function numberOf(scope: Scope, study: StudyId): Promise<number> {
  const found = await scope.stores.studies.find(callerIn(scope, study))
  const principal = await identify(scope, found.principal)
  requirePermission(principal, rules.issueKey)
  if (found.study === undefined) throw denial(principal, studyNotFound())
  return found.study.number
}

type WantedKey = {
  role: StudyRole
  participant: ParticipantId | null
  member: MemberId | null
  label: string
  expiresAt: Date | null
  publicKey: string | null
}

/**
 * The operator issues a study's admin keys, and its admins every key.
 * @throws DomainError `participant_not_found`, `invalid_body`, `forbidden`
 */
export const issueApiKey = async (scope: Scope, study: StudyId, wanted: WantedKey): Promise<IssuedKey> =>
  once(scope, study, {
    attempt: async () => issue(scope, study, wanted),
    again: async (made) => {
      const { principal, ...issued } = await issuedBefore(scope, study, made.key)
      requirePermission(principal, rules.issueKey)
      return issued
    },
  })

/** A key that the caller has issued in an earlier request. */
async function issuedBefore(scope: Scope, study: StudyId, id: KeyId): Promise<IssuedKey & { principal: Principal }> {
  const found = await scope.stores.apiKeys.find(callerIn(scope, study), id)
  const principal = await identify(scope, found.principal)
  if (found.key === undefined) throw denial(principal, keyNotFound())
  return { principal, key: found.key, secret: null }
}

async function issue(scope: Scope, study: StudyId, wanted: WantedKey): Promise<IssuedKey> {
  const number = await numberOf(scope, study)
  if (scope.credential.kind === 'operator' && wanted.role !== 'admin') {
    throw forbidden('The operator issues admin keys only; the other keys are issued with one of those.')
  }
  requireHolder(wanted)
  if (wanted.expiresAt !== null && wanted.expiresAt <= scope.now) {
    throw invalidBody([{ pointer: '/expiresAt', message: 'Must lie in the future.' }])
  }
  const made = await newApiKeySecret(number)
  const { publicKey } = wanted
  const credential =
    publicKey === null
      ? { hash: made.hash, hint: made.hint, publicKey }
      : { hash: await hashSecret(publicKey), hint: null, publicKey }
  const found = await scope.stores.apiKeys.issue(callerIn(scope, study), {
    rule: rules.issueKey,
    key: { ...wanted, ...credential, id: newId('key', scope.now) },
  })
  const principal = await identify(scope, found.principal)
  requirePermission(principal, rules.issueKey)
  if (found.key === undefined) throw whyNotIssued(wanted, found.taken)
  return { key: found.key, secret: publicKey === null ? made.secret : null }
}

function whyNotIssued(
  { participant, member }: { participant: ParticipantId | null; member: MemberId | null },
  taken: boolean,
): DomainError {
  if (taken) return invalidBody([{ pointer: '/publicKey', message: 'This public key is a key of the study already.' }])
  if (participant !== null) return participantNotFound()
  return member === null ? studyNotFound() : invalidBody([{ pointer: '/member', message: 'No such member.' }])
}

/** A participant's key says whose it is; the others act for the study, or for a member of its team. */
function requireHolder({
  role,
  participant,
  member,
}: {
  role: StudyRole
  participant: unknown
  member: unknown
}): void {
  if (role === 'participant' && participant === null) {
    throw invalidBody([{ pointer: '/participant', message: 'Say whose key it is.' }])
  }
  if (role !== 'participant' && participant !== null) {
    throw invalidBody([{ pointer: '/participant', message: 'Only a key of role `participant` acts for one.' }])
  }
  if (member !== null && (role === 'participant' || role === 'download')) {
    throw invalidBody([{ pointer: '/member', message: 'Only keys of the team act for a member.' }])
  }
}

/** Newest last, revoked ones too. @throws DomainError `cursor_invalid`; `forbidden` to all but admins */
export async function listApiKeys(
  scope: Scope,
  study: StudyId,
  query: { participant: ParticipantId | undefined; page: PageRequest },
): Promise<Page<ApiKey>> {
  const found = await scope.stores.apiKeys.list(callerIn(scope, study), query)
  requirePermission(await identify(scope, found.principal), rules.manageKeys)
  return found.page
}

/** A session shows no key, though it came of one. */
const isOwnKey = ({ credential }: Scope, { through }: Principal, id: KeyId | 'self'): boolean =>
  credential.kind === 'key' && through !== undefined && 'key' in through && (id === 'self' || through.key === id)

/** A key as an admin, or its own holder, sees it. */
export async function getApiKey(scope: Scope, study: StudyId, id: KeyId | 'self'): Promise<ApiKey> {
  const found = await scope.stores.apiKeys.find(callerIn(scope, study), id)
  const principal = await identify(scope, found.principal)
  if (!isOwnKey(scope, principal, id)) requirePermission(principal, rules.manageKeys)
  if (found.key === undefined) throw denial(principal, keyNotFound())
  return found.key
}

/** Ends a key, and with it the links that it issued; from the next request on. */
export async function revokeApiKey(scope: Scope, study: StudyId, id: KeyId | 'self'): Promise<ApiKey> {
  const found = await scope.stores.apiKeys.revoke(callerIn(scope, study), { rule: rules.manageKeys, id })
  const principal = await identify(scope, found.principal)
  if (!isOwnKey(scope, principal, id)) requirePermission(principal, rules.manageKeys)
  if (found.key === undefined) throw denial(principal, keyNotFound())
  return found.key
}

/**
 * The holder's own: a new secret under a new id. The old one goes on for `graceSeconds`, so that a holder whose answer
 * was lost on the way is not locked out.
 * @throws DomainError `key_not_found` to anyone but the holder
 */
export async function rotateApiKey(
  scope: Scope,
  study: StudyId,
  { id, graceSeconds }: { id: KeyId | 'self'; graceSeconds: number },
): Promise<IssuedKey> {
  if (scope.credential.kind === 'anonymous') throw unauthenticated()
  if (scope.credential.kind !== 'key') throw keyHasNoSecret()
  const { secret, hash, hint } = await newApiKeySecret(scope.credential.studyNumber)
  return once(scope, study, {
    attempt: async () => {
      const found = await scope.stores.apiKeys.rotate(callerIn(scope, study), id, {
        id: newId('key', scope.now),
        hash,
        hint,
        until: secondsFrom(scope.now, graceSeconds),
      })
      // Without grace the old key is nobody's when a batch whose answer was lost runs again: what it has made decides.
      if (found.key !== undefined) return { key: found.key, secret }
      throw denial(await identify(scope, found.principal), keyNotFound())
    },
    again: async (made) => {
      const { principal, ...issued } = await issuedBefore(scope, study, made.key)
      // `self` in the path is another key with another of the participant's keys.
      if (!isOwnKey(scope, principal, made.predecessor)) throw idempotencyKeyReused()
      return issued
    },
  })
}
