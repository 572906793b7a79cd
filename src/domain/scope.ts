import type { StudyId } from '../model/ids.ts'
import type { Credential } from '../model/principal.ts'
import type { TokenCodec } from '../storage/secrets.ts'
import type { Stores } from '../storage/stores.ts'
import type { Caller } from '../storage/who.ts'
import type { Settings } from '../settings.ts'

/** First argument of every verb: who asks (not looked up yet), what remembers, what is set, and what time it is. */
export type Scope = Readonly<{
  credential: Credential
  stores: Stores
  settings: Settings
  tokens: TokenCodec
  now: Date
  /** Lets work go on after the answer was sent; what it brings is not part of the answer. */
  defer: (work: Promise<unknown>) => void
}>

export const callerIn = (scope: Scope, study: StudyId): Caller => ({
  credential: scope.credential,
  study,
  now: scope.now,
})

export const secondsFrom = (now: Date, seconds: number) => new Date(now.getTime() + seconds * 1000)
