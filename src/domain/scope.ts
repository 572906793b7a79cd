import type { Idempotency } from '../model/idempotency.ts'
import type { StudyId } from '../model/ids.ts'
import type { JobMessage } from '../model/job-messages.ts'
import type { Credential, Door, Principal, Role } from '../model/principal.ts'
import type { TokenCodec } from '../storage/secrets.ts'
import type { Stores } from '../storage/stores.ts'
import type { Caller } from '../storage/who.ts'
import type { Settings } from '../settings.ts'

export { newWaits, type Waits } from '../storage/waits.ts'

/** First argument of every verb: who asks (not looked up yet), what remembers, what is set, and what time it is. */
export type Scope = Readonly<{
  credential: Credential
  /** What the audit calls the way that the request came. */
  door: Door
  /** Who may ask what is asked, by the protocol that it is asked in; undefined: whomever the rules let. */
  admits: readonly Role[] | undefined
  /** Whether one who has withdrawn is refused even what they could read: so some protocols have it. */
  requiresActive: boolean
  stores: Stores
  settings: Settings
  tokens: TokenCodec
  now: Date
  /** What the caller wants to happen once; told when what is answered was made by an earlier request. */
  idempotency: (Idempotency & Readonly<{ onReplay: () => void }>) | undefined
  /** Told who asks, as soon as that is known: a refusal is put on record under their name. */
  identified: (principal: Principal) => void
  /** Lets work go on after the answer was sent; what it brings is not part of the answer. */
  defer: (work: Promise<unknown>) => void
  /** Puts work on the queue of jobs. It may come twice, late or never: what must happen, the sweep finds too. */
  enqueue: (message: JobMessage) => Promise<void>
}>

export const callerIn = (scope: Scope, study: StudyId): Caller => ({
  credential: scope.credential,
  study,
  now: scope.now,
  door: scope.door,
  idempotency: scope.idempotency,
  admits: scope.admits,
  requiresActive: scope.requiresActive,
})

export const secondsFrom = (now: Date, seconds: number) => new Date(now.getTime() + seconds * 1000)
