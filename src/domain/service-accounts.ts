import { decodeJwt, errors, importSPKI, jwtVerify } from 'jose'
import { assertionRefused, DomainError, participantNotFound, unauthenticated } from '../model/errors.ts'
import type { ParticipantId } from '../model/ids.ts'
import type { ForeignDoor } from '../model/principal.ts'
import type { Reach, Session } from '../model/sessions.ts'
import { hashSecret } from '../storage/secrets.ts'
import type { ServiceKey } from '../storage/service-accounts.ts'
import { identify } from './identity.ts'
import { denial, requirePermission, rules } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'
import { newAccessOf } from './sessions.ts'

// A service account is a key of the study that is a public key: whoever has the private one signs an assertion of a few
// minutes (RFC 7523), which is exchanged for a session, once.

const SKEW_SECONDS = 60
/** An assertion that is good for longer would have to be remembered for longer. */
const MAX_ASSERTION_SECONDS = 3_600
const MAX_NAME_CHARACTERS = 255
const EXPIRED = 'The assertion has expired. `exp` is in seconds since 1970.'

/** What is given for an assertion or by a service account: `token` is told this once. */
export type GivenToken = Readonly<{ token: string; seconds: number }>

type Claims = Readonly<{ name: string; jti: string; expiresAt: Date }>

/** What an assertion says of itself, before any of it is believed. Times may be fractions of a second. */
function claimsOf(assertion: string, now: Date): Claims {
  const claims = decoded(assertion)
  const { iss, sub, jti, exp } = claims
  if (typeof iss !== 'string' || iss === '' || iss.length > MAX_NAME_CHARACTERS || sub !== iss) {
    throw assertionRefused('`iss` and `sub` must both be the name of the service account.')
  }
  if (typeof jti !== 'string' || jti === '') throw assertionRefused('`jti` must be there, and new each time.')
  if (typeof exp !== 'number') throw assertionRefused('`exp` must be there, in seconds since 1970.')
  const left = exp - now.getTime() / 1000
  if (left > MAX_ASSERTION_SECONDS + SKEW_SECONDS) {
    throw assertionRefused(`\`exp\` must lie within ${MAX_ASSERTION_SECONDS} seconds; it is in seconds since 1970.`)
  }
  if (left < -SKEW_SECONDS) throw assertionRefused(EXPIRED)
  return { name: iss, jti, expiresAt: new Date(Math.ceil(exp * 1000) + SKEW_SECONDS * 1000) }
}

function decoded(assertion: string) {
  try {
    return decodeJwt(assertion)
  } catch {
    throw assertionRefused('The assertion is not a JWT.')
  }
}

/** Whether a key has signed an assertion that is meant for here; the algorithm is never the token's to choose. */
async function isSignedBy(
  { publicKey }: ServiceKey,
  { assertion, audiences, now }: { assertion: string; audiences: readonly string[]; now: Date },
): Promise<boolean> {
  try {
    await jwtVerify(assertion, await importSPKI(publicKey, 'RS256'), {
      algorithms: ['RS256'],
      audience: [...audiences],
      currentDate: now,
      clockTolerance: SKEW_SECONDS,
    })
    return true
  } catch (failure) {
    // Claims are looked at once the signature was found to be good.
    if (failure instanceof errors.JWTClaimValidationFailed || failure instanceof errors.JWTExpired) {
      throw assertionRefused(whyNotClaimed(failure.claim))
    }
    // Another key's signature, or a key of another kind.
    return false
  }
}

function whyNotClaimed(claim: string): string {
  if (claim === 'aud') return '`aud` must be the address of the token endpoint.'
  return claim === 'exp' ? EXPIRED : `\`${claim}\` is not as it must be for now.`
}

/**
 * A session for a signed assertion, in every study that has the account's key. An assertion is taken once.
 * @throws DomainError `assertion_refused`
 */
export async function exchangeAssertion(
  scope: Scope & { door: ForeignDoor },
  { assertion, audiences }: { assertion: string; audiences: readonly string[] },
): Promise<GivenToken> {
  const { now, door, settings } = scope
  const { name, jti, expiresAt } = claimsOf(assertion, now)
  const known = await scope.stores.serviceAccounts.keys(name, now)
  const signed = await Promise.all(known.map(async (key) => isSignedBy(key, { assertion, audiences, now })))
  const keys = known.filter((_, index) => signed[index])
  const [first] = keys
  if (first === undefined) throw assertionRefused('No key of a service account of this name has signed it.')
  const seconds = settings.serviceTokenSeconds
  const access = await newAccessOf(scope, { studyNumber: first.studyNumber, seconds })
  const studies = await scope.stores.serviceAccounts.exchange(keys, {
    assertion: { hash: await hashSecret(jti), expiresAt },
    session: access.kept,
    door,
    now,
  })
  if (studies.length === 0) throw assertionRefused('The assertion was used already. Sign one with another `jti`.')
  return { token: access.secret, seconds }
}

/**
 * A token that acts for a participant, given to a service account that shows its own session or a key of the team.
 * @throws DomainError `unauthenticated`, `forbidden`, `participant_not_found`; `invalid_request` where there is more than
 * one whom this may mean
 */
export async function actForParticipant(
  scope: Scope,
  { participant, reach }: { participant: ParticipantId; reach: Reach },
): Promise<GivenToken> {
  const { stores, settings } = scope
  const place = await placeOf(scope, participant)
  const seconds = settings.delegatedTokenSeconds
  const access = await newAccessOf(scope, { studyNumber: place.number, seconds })
  const given = await stores.serviceAccounts.actFor(callerIn(scope, place.study), {
    rule: rules.actFor,
    participant,
    reach,
    session: access.kept,
  })
  const principal = await identify(scope, given.principal)
  requirePermission(principal, rules.actFor)
  if (given.session === undefined) throw denial(principal, participantNotFound())
  return { token: access.secret, seconds: secondsLeft(given.session, scope.now) }
}

/**
 * A session of a service account may open several studies; a key opens its own. Where the participant is in none of
 * them, who asks is found out in the one that the credential names, and is told no more than they may know. Where several
 * have one of this id, none is guessed: any study can take up a public key and an id, and would be sent another's files.
 */
async function placeOf({ credential, stores, now, door }: Scope, participant: ParticipantId) {
  if (credential.kind !== 'session' && credential.kind !== 'key') throw unauthenticated()
  const [found, another] =
    credential.kind === 'session'
      ? await stores.serviceAccounts.studiesOfParticipant(credential, participant, { now, door })
      : []
  if (another !== undefined) {
    throw new DomainError('invalid_request', 'Several studies have a participant of this id. Ask with a key of one.')
  }
  if (found !== undefined) return found
  const study = await stores.studies.idOf(credential.studyNumber)
  if (study === undefined) throw unauthenticated()
  return { study, number: credential.studyNumber }
}

const secondsLeft = ({ expiresAt }: Session, now: Date) => Math.floor((expiresAt.getTime() - now.getTime()) / 1000)
