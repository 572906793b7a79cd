import { env } from 'cloudflare:workers'
import { accessTo, type Facts, permits, rules } from '../../src/domain/policy.ts'
import type { GrantLevel } from '../../src/model/entities.ts'
import type { ErrorCode } from '../../src/model/errors.ts'
import type { JobMessage } from '../../src/model/job-messages.ts'
import type { Principal } from '../../src/model/principal.ts'
import type { Rule } from '../../src/model/rules.ts'
import type { Answer, Caller } from './client.ts'

// The access matrix: who asks for what of which thing, and how the policy's rules say that it ends. Nothing here knows
// an answer by heart; what a cell expects is worked out from `domain/policy.ts` and the house's way to deny:
// 401 to those who show nothing good, 404 of what is not there or not to be seen, 403 of what is seen and not allowed.

/** Of refusals, which are most of the cells, `npm test` tries one in so many of each row; the slow suite all. */
export const ONE_REFUSAL_IN = env.SLOW ? 1 : 5
export const isTried = (_: unknown, index: number): boolean => index % ONE_REFUSAL_IN === 0

/** Somebody who asks. */
export type Who = Readonly<{
  name: string
  caller: Caller
  shows: 'nothing' | 'a key' | 'a JWT' | 'the operator key'
  /** What the caller's requests have put on the queue. */
  enqueued: JobMessage[]
  /** As whom the two studies know them; undefined: by no good credential. */
  home: Principal | undefined
  elsewhere: Principal | undefined
}>

/** What a path names. */
export type Kind =
  | 'service'
  | 'study'
  | 'participant'
  | 'member'
  | 'key'
  | 'file'
  | 'handle'
  | 'upload'
  | 'document'
  | 'documentSchema'
  | 'participantReport'
  | 'studyReport'
  | 'erasure'
  | 'link'
  | 'enrolment'

/** Something that is asked for, or would be if it were there. */
export type Thing = Readonly<{
  what: string
  /** In whose path it is asked for. */
  place: 'home' | 'elsewhere' | 'absent'
  isThere: boolean
  /** Whether there is anybody or anything that could have it. */
  ownerIsThere: boolean
  ownerWithdrawn: boolean
  facts: Omit<Facts, 'granted'>
  /** Grants that stand. */
  grants: ReadonlyMap<string, GrantLevel>
  names: Readonly<Record<string, string>>
}>

type Draft = Pick<Thing, 'what' | 'names'> & Partial<Omit<Thing, 'facts'>> & { facts?: Partial<Thing['facts']> }

/** Something of the first study's that is there, and nobody's in particular, but for what is said of it. */
export const aThing = ({ facts, ...draft }: Draft): Thing => ({
  place: 'home',
  isThere: true,
  ownerIsThere: true,
  ownerWithdrawn: false,
  grants: new Map(),
  ...draft,
  facts: { owner: null, visibility: 'private', createdBy: null, source: null, ...facts },
})

export type RuleName = keyof typeof rules
/** How a cell ends: with which problem, or by letting the caller through. */
export type Outcome = ErrorCode | 'allowed'

/** The rules that decide an operation. */
export type ByRules = Readonly<{
  /** The rule by which a caller may know that the thing is there; undefined: it is no secret, or there is no thing. */
  sees?: RuleName
  /** The rules by which a caller may do it; all must hold. */
  needs?: readonly RuleName[]
  /** What is said of a thing that is not there or not to be seen. */
  unseen?: ErrorCode
  /** Absence is no refusal: what is not there is made, or the list of what nobody has is empty. */
  absent?: 'made' | 'empty'
}>

/** What decides an operation. */
export type Row = ByRules &
  Readonly<{
    of: Kind
    /** What no rule of the policy says, or not yet where it is asked: comes before the rules, and without them. */
    decide?: (principal: Principal, asked: Readonly<{ thing: Thing; facts: Facts; who: Who }>) => Outcome | undefined
    /** Conflicts that come after access was decided. */
    conflicts?: readonly ErrorCode[]
    /** In place of the documented example. */
    body?: (thing: Thing) => unknown
    /** Reads how it ended from an answer that tells of several things. */
    tells?: (body: Answer['body']) => Outcome
    /** A GET that changes something. */
    changes?: true
    /** It is open to all, whatever credential is shown. */
    open?: true
  }>

const ruleOf = (name: RuleName): Rule => rules[name]

/** As whom a caller is known where the thing is asked for. */
export function principalOf(
  { home, elsewhere }: Pick<Who, 'home' | 'elsewhere'>,
  { place }: Thing,
): Principal | undefined {
  if (place !== 'absent') return place === 'home' ? home : elsewhere
  // Where there is no study, nobody has a place in it.
  return home !== undefined && 'study' in home ? elsewhere : home
}

/** By which name files are shared with a principal: a key that acts for no person has none. */
function granteeOf(principal: Principal): string | undefined {
  if (principal.role === 'participant') return `participant:${principal.participant}`
  return principal.through !== undefined && 'member' in principal.through
    ? `member:${principal.through.member}`
    : undefined
}

const factsFor = (thing: Thing, principal: Principal): Facts => ({
  ...thing.facts,
  granted: thing.grants.get(granteeOf(principal) ?? '') ?? null,
})

/** How what is not to be seen is told of: strangers learn nothing, the anonymous are asked in. */
export function unseenBy(principal: Principal, code: ErrorCode): ErrorCode {
  if (principal.role === 'anonymous') return 'unauthenticated'
  return principal.role === 'stranger' ? 'study_not_found' : code
}

const isWithdrawn = (principal: Principal) => principal.role === 'participant' && principal.status === 'withdrawn'

/** Why a rule does not let a principal do what it can see. */
export function refusalBy(rule: Rule, principal: Principal, facts: Facts): ErrorCode | undefined {
  if (permits(rule, principal, facts)) return undefined
  return rule.writes && isWithdrawn(principal) ? 'participant_withdrawn' : 'forbidden'
}

export type Cell = Readonly<{ row: Row; who: Who; thing: Thing; security: readonly object[] }>

/** How a cell ends, as the policy has it. */
export function outcomeOf({ row, who, thing, security }: Cell): Outcome {
  const principal = principalOf(who, thing)
  if (row.open) return thing.isThere ? 'allowed' : (row.unseen ?? 'allowed')
  if (principal === undefined) return 'unauthenticated'
  const isBearerOnly = security.length > 0 && security.every((way) => 'bearer' in way)
  if (principal.role === 'anonymous' && isBearerOnly) return 'unauthenticated'
  const facts = factsFor(thing, principal)
  return row.decide?.(principal, { thing, facts, who }) ?? outcomeByRules(row, principal, { thing, facts })
}

/** Where the rule is one to write by, nothing is there to go on with once the owner has withdrawn. */
const isSeenBy = (rule: Rule, principal: Principal, { thing, facts }: { thing: Thing; facts: Facts }) =>
  permits(rule, principal, facts) && !(rule.writes && thing.ownerWithdrawn)

/** The first of the rules that says no, if one does. */
function refusalByRules({ needs = [], sees }: ByRules, principal: Principal, facts: Facts): ErrorCode | undefined {
  const [refusal] = needs.flatMap((name) => refusalBy(ruleOf(name), principal, facts) ?? [])
  return refusal === undefined || sees !== undefined ? refusal : unseenBy(principal, refusal)
}

/** Whether there is nothing to do it to; absence is no refusal of everything. */
const isMissing = ({ absent }: ByRules, { isThere, ownerIsThere }: Thing) =>
  !isThere && !(absent === 'empty' || (absent === 'made' && ownerIsThere))

/** How it ends by the rules alone, whoever else was refused before them. */
export function outcomeByRules(row: ByRules, principal: Principal, asked: { thing: Thing; facts: Facts }): Outcome {
  const { sees, needs = [], unseen = 'study_not_found' } = row
  const { thing, facts } = asked
  const missing = isMissing(row, thing)
  if (sees !== undefined && (missing || !isSeenBy(ruleOf(sees), principal, asked))) return unseenBy(principal, unseen)
  const refusal = refusalByRules(row, principal, facts)
  if (refusal !== undefined) return refusal
  if (missing) return unseenBy(principal, unseen)
  return thing.ownerWithdrawn && needs.some((name) => ruleOf(name).writes) ? 'participant_withdrawn' : 'allowed'
}

/** Those of the files, all of one place, that a caller finds in a list. */
export const listedFor = (who: Who, files: readonly Thing[]): Thing[] =>
  files.filter((file) => {
    const principal = principalOf(who, file)
    return principal !== undefined && permits(rules.listFiles, principal, factsFor(file, principal))
  })

/** Whether a caller may have a file's content. */
export function mayRead(who: Who, file: Thing): boolean {
  const principal = principalOf(who, file)
  return principal !== undefined && accessTo(factsFor(file, principal), principal) === 'content'
}
