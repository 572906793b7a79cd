import type { Contact, Member, Participant, Study } from '../model/entities.ts'
import { accountNotFound, forbidden, unauthenticated } from '../model/errors.ts'
import { newId, type ParticipantId, type StudyId } from '../model/ids.ts'
import type { ForeignDoor, Principal } from '../model/principal.ts'
import type { Session } from '../model/sessions.ts'
import { hashSecret, newRenewalSecret, parseSessionSecret } from '../storage/secrets.ts'
import type { FoundAccount, FoundRenewal, NewSecret } from '../storage/sessions.ts'
import { credentialOfKey } from './credentials.ts'
import { identify } from './identity.ts'
import { factsOf, permits, rules } from './policy.ts'
import { callerIn, type Scope, secondsFrom } from './scope.ts'

// Foreign protocols sign people in by a name and a password. Carrel has no passwords: a password is an API key, the name
// must be that of the person whom the key acts for, and what is given for both is a session that dies with the key.

/** What a person goes by in a foreign sign-in. */
export type AccountName =
  | Readonly<{ kind: 'email'; email: string }>
  /** As people write it: digits are compared, from the end. */
  | Readonly<{ kind: 'phone'; phone: string }>
  | Readonly<{ kind: 'externalId'; externalId: string }>
  /** What Carrel or the study calls them. */
  | Readonly<{ kind: 'id'; id: string }>

/** Whom a key or session acts for, with what only they themselves are told. */
export type Account = Readonly<{
  principal: Principal
  study: Study
  participant: Participant | undefined
  member: Member | undefined
}>

/** `token` opens and `renewal` renews; both are told this once, and rest as hashes. */
export type SignedIn = Readonly<{ account: Account; session: Session; token: string; renewal: string }>

/** The person's own contact fields; of a key that acts for nobody in particular, none. */
export const contactOf = ({ participant, member }: Account): Contact =>
  (participant ?? member)?.contact ?? { email: null, phone: null, firstName: null, lastName: null }

/** A number that is too short for that is nobody's. */
const MIN_PHONE_DIGITS = 7
const digitsOf = (phone: string) => phone.replaceAll(/\D/g, '').replace(/^0+/, '')

function isCalled(account: Account, name: AccountName): boolean {
  const { email, phone } = contactOf(account)
  switch (name.kind) {
    case 'email':
      return email !== null && email.toLowerCase() === name.email.trim().toLowerCase()
    case 'phone': {
      const asked = digitsOf(name.phone)
      // With the country or without it.
      return phone !== null && asked.length >= MIN_PHONE_DIGITS && digitsOf(phone).endsWith(asked)
    }
    case 'externalId':
      return account.participant?.externalId === name.externalId
    case 'id':
      return (account.participant ?? account.member)?.id === name.id
    default:
      return name satisfies never
  }
}

/** @throws DomainError `account_not_found` for all that is not somebody's key in this study */
export async function requireAccount(scope: Scope, found: FoundAccount): Promise<Account> {
  if (found.principal === undefined || found.study === undefined) throw accountNotFound()
  return { ...found, principal: await identify(scope, found.principal), study: found.study }
}

/**
 * Who the caller is, by the key or session that they show.
 * @throws DomainError `unauthenticated`
 */
export async function getAccount(scope: Scope, study: StudyId): Promise<Account> {
  const found = await scope.stores.sessions.account(callerIn(scope, study))
  const principal = await identify(scope, found.principal)
  if (found.study === undefined || principal.role === 'stranger' || principal.role === 'anonymous') {
    throw unauthenticated()
  }
  return { ...found, principal, study: found.study }
}

/**
 * A session for who knows the name of an account and a key of it; the one that the key had at this door ends.
 * @throws DomainError `account_not_found`, whichever of the two is wrong
 */
export async function signIn(
  scope: Scope,
  study: StudyId,
  { name, password }: { name: AccountName; password: string },
): Promise<SignedIn> {
  const credential = await credentialOfKey(password)
  if (credential === undefined) throw accountNotFound()
  const asKey = { ...scope, credential }
  const account = await requireAccount(asKey, await scope.stores.sessions.account(callerIn(asKey, study)))
  if (!isCalled(account, name)) throw accountNotFound()
  return openSession(asKey, account, scope.settings.sessionSeconds)
}

/**
 * A session of the key that is shown, which lives for so long, and a secret to renew it with.
 * @throws DomainError `account_not_found` where the key has just ended
 */
export async function openSession(asKey: Scope, account: Account, seconds: number): Promise<SignedIn> {
  const { study } = account
  const [access, renewal] = await Promise.all([
    newAccessOf(asKey, { studyNumber: study.number, seconds }),
    newRenewal(asKey, account),
  ])
  const session = await asKey.stores.sessions.open(callerIn(asKey, study.id), {
    access: access.kept,
    renewal: renewal.kept,
  })
  if (session === undefined) throw accountNotFound()
  return { account, session, token: access.secret, renewal: renewal.secret }
}

/**
 * The same for a protocol whose sessions stand beside each other and live for as long as they are used: `names` is all
 * that what was typed may mean.
 * @throws DomainError `account_not_found`
 */
export async function beginSession(
  scope: Scope,
  study: StudyId,
  { names, password, lives }: { names: readonly AccountName[]; password: string; lives: SessionLives },
): Promise<Omit<SignedIn, 'renewal'>> {
  const credential = await credentialOfKey(password)
  if (credential === undefined) throw accountNotFound()
  const asKey = { ...scope, credential }
  const account = await requireAccount(asKey, await scope.stores.sessions.account(callerIn(asKey, study)))
  if (!names.some((name) => isCalled(account, name))) throw accountNotFound()
  const seconds = Math.min(lives.idleSeconds, lives.seconds)
  const access = await newAccessOf(scope, { studyNumber: account.study.number, seconds })
  const session = await scope.stores.sessions.begin(callerIn(asKey, study), access.kept)
  if (session === undefined) throw accountNotFound()
  return { account, session, token: access.secret }
}

/**
 * A session beside the one that is shown, for an application of the same person: it is good for their files of one
 * source and for nothing else, and is none to ask for another with.
 * @throws DomainError `unauthenticated`; `forbidden` for all but the owner's own
 */
export async function beginApplicationSession(
  scope: Scope,
  study: StudyId,
  { owner, source, lives }: { owner: ParticipantId; source: string; lives: SessionLives },
): Promise<Pick<SignedIn, 'session' | 'token'>> {
  const account = await getAccount(scope, study)
  const rule = rules.admitApplication
  if (!permits(rule, account.principal, factsOf(owner))) throw forbidden()
  const seconds = Math.min(lives.idleSeconds, lives.seconds)
  const access = await newAccessOf(scope, { studyNumber: account.study.number, seconds })
  const session = await scope.stores.sessions.begin(callerIn(scope, study), access.kept, { owner, source, rule })
  // It was let in a moment ago: the key has just ended.
  if (session === undefined) throw unauthenticated()
  return { session, token: access.secret }
}

/** How long a session lives unused, and at most. */
export type SessionLives = Readonly<{ idleSeconds: number; seconds: number }>

/** Notes, after the answer, that a session is in use. */
export function keepSession(scope: Scope, study: StudyId, { idleSeconds, seconds }: SessionLives): void {
  const kept = scope.stores.sessions.keep(callerIn(scope, study), {
    until: secondsFrom(scope.now, idleSeconds),
    mostMs: seconds * 1_000,
  })
  // Failing to note it harms nothing: the next request tries again.
  scope.defer(kept.catch(() => undefined))
}

/**
 * What `signIn` gives, for a secret that it gave: the session that still lives, so that requests under way go on, or a
 * new one. The secret that was shown goes on for as long as it is among the last few.
 * @throws DomainError `account_not_found`
 */
export async function renewSession(
  scope: Scope & { door: ForeignDoor },
  study: StudyId,
  { name, secret }: { name: AccountName | undefined; secret: string },
): Promise<SignedIn> {
  const { sessions } = scope.stores
  const parsed = parseSessionSecret(secret)
  if (parsed?.kind !== 'renewal') throw accountNotFound()
  const found = await sessions.findRenewal({ study, hash: await hashSecret(secret), door: scope.door, now: scope.now })
  if (found === undefined) throw accountNotFound()
  const { studyNumber } = parsed
  const asKey: Scope = { ...scope, credential: { kind: 'key', studyNumber, hash: found.keyHash } }
  const caller = callerIn(asKey, study)
  const account = await requireAccount(asKey, await sessions.account(caller))
  if (name !== undefined && !isCalled(account, name)) throw accountNotFound()
  const live = await toldAgain(scope, studyNumber, found)
  if (live !== undefined) {
    const renewal = await newRenewal(scope, account)
    if (!(await sessions.addRenewal(caller, renewal.kept))) throw accountNotFound()
    return { account, ...live, renewal: renewal.secret }
  }
  return openSession(asKey, account, scope.settings.sessionSeconds)
}

/** A session that still lives with what opens it, unless the key that it was made with is there no more. */
async function toldAgain(
  { tokens }: Scope,
  studyNumber: number,
  { live, liveHash }: FoundRenewal,
): Promise<Pick<SignedIn, 'session' | 'token'> | undefined> {
  if (live === undefined) return undefined
  const made = await tokens.sessionSecrets(studyNumber, live.id)
  const token = made.find(({ hash }) => hash === liveHash)?.secret
  return token === undefined ? undefined : { session: live, token }
}

/**
 * Ends the session that is shown, and what would renew it; of a key, what it has at this door. Who asks is asked in a
 * trip of its own, so that one that has to be repeated does not find nobody.
 * @throws DomainError `unauthenticated`
 */
export async function signOut(scope: Scope, study: StudyId): Promise<void> {
  const { sessions } = scope.stores
  const caller = callerIn(scope, study)
  const principal = await identify(scope, await sessions.shown(caller))
  const { through } = principal
  if (through === undefined || !('key' in through)) return
  const participant = principal.role === 'participant' ? principal.participant : null
  await sessions.end(caller, { key: through.key, participant })
}

type MadeSecret = Readonly<{ secret: string; kept: NewSecret }>

/** What opens a new session of this study. */
export async function newAccessOf(
  scope: Scope,
  { studyNumber, seconds }: { studyNumber: number; seconds: number },
): Promise<MadeSecret> {
  const id = newId('ses', scope.now)
  const [made] = await scope.tokens.sessionSecrets(studyNumber, id)
  if (made === undefined) throw new Error('There is no token key to make a session with.')
  return { secret: made.secret, kept: { id, hash: made.hash, expiresAt: secondsFrom(scope.now, seconds) } }
}

async function newRenewal(scope: Scope, { study }: Account): Promise<MadeSecret> {
  const { secret, hash } = await newRenewalSecret(study.number)
  const expiresAt = secondsFrom(scope.now, scope.settings.sessionRenewalSeconds)
  return { secret, kept: { id: newId('ses', scope.now), hash, expiresAt } }
}

/** Forgets sessions and assertions that have ended. */
export const purgeSessions = async (scope: Scope, limit: number): Promise<number> =>
  scope.stores.sessions.purge(scope.now, limit)
