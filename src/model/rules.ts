import type { Role } from './principal.ts'

/**
 * What must hold between a caller and a thing for a rule to let the caller through. Storage says each in SQL
 * (`storage/conditions.ts`), `domain/policy.ts` in TypeScript, and a property test shows that they agree.
 *
 * - `any`: nothing
 * - `own`: it belongs to the participant that the caller is
 * - `studyOwned`: it belongs to the study, not to a participant
 * - `participantOwned`: it belongs to some participant
 * - `notPrivate`: the study's team may see it
 * - `public`: everyone may see it, and the study allows that
 * - `opened`: it is the study's own, and was opened to its participants
 * - `createdByCaller`: the caller began it
 * - `granted`: it was shared with the caller, at any level, and that still stands
 * - `grantedContent`: its content was
 */
export type Condition =
  | 'any'
  | 'own'
  | 'studyOwned'
  | 'participantOwned'
  | 'notPrivate'
  | 'public'
  | 'opened'
  | 'createdByCaller'
  | 'granted'
  | 'grantedContent'

/** For each role, the conditions of which one must hold; a role that is not named may not. */
export type Rule = Readonly<{
  /** A write: a withdrawn participant may not do it, nor may anyone to what a withdrawn participant owns. */
  writes: boolean
  /** Something is different afterwards, as after every write: who may only read may not do it. */
  changes: boolean
  who: Readonly<Partial<Record<Exclude<Role, 'stranger'>, readonly Condition[]>>>
}>
