import { expect } from 'vitest'
import { ADAPTERS } from '../../src/app.ts'
import { type Facts, permits, rules } from '../../src/domain/policy.ts'
import type { Door, Principal, Role } from '../../src/model/principal.ts'
import type { Answer } from './callers.ts'
import type { Kept } from './kept.ts'
import {
  aThing,
  type ByRules,
  isTried,
  type Outcome,
  outcomeByRules,
  principalOf,
  type RuleName,
  type Thing,
} from './matrix.ts'

// The access matrix of a foreign tongue: each of its routes, asked by everyone of everything. What a cell expects is
// worked out from `domain/policy.ts` and whom the protocol lets ask at all; how a refusal is pronounced, from a small
// table of the tongue's.

/** Somebody who asks, and by which secret. */
export type Asker = Readonly<{
  name: string
  secret: string | undefined
  /** As whom the two studies know them; undefined: by no good credential. */
  home: Principal | undefined
  elsewhere: Principal | undefined
  /** By which name files are shared with them. */
  grantee?: string | undefined
  /** Of the key that they show, or that was theirs. */
  keyId?: string | undefined
}>

/** `abroad`: what the same names lead to in the other study. `names.canary` is a text that nothing else has. */
export type DoorThing = Thing & Readonly<{ abroad?: Thing }>

export type Asked = Readonly<{ asker: Asker; thing: DoorThing }>

/** What decides an operation of a tongue, how it is asked, and what is shown to whom it is open. */
export type DoorRow = ByRules &
  Readonly<{
    of: string
    /** Whom the protocol lets ask at all; undefined: whoever shows something good. */
    admits?: readonly Role[]
    /** The protocol has nothing for who has withdrawn. */
    requiresActive?: true
    /** The names mean what of the caller's own has the same `names.address`. */
    own?: true
    /** Who shows nothing is not asked in first: the rules decide. */
    anyone?: true
    /** What is shown is not looked at: the rules decide as for nobody in particular. */
    asNobody?: true
    /** What no rule of the policy says: comes before the rules, and without them. */
    decide?: (principal: Principal | undefined, asked: Asked) => Outcome | undefined
    ask: (asked: Asked) => Promise<Answer>
    /** The canaries in an answer to whom it is open: no more and no fewer; else none. */
    shows?: (principal: Principal | undefined, asked: Asked) => readonly string[]
    /** Whether an answer to whom it is open leads to bytes; undefined: that is not looked at. */
    opens?: (principal: Principal | undefined, asked: Asked) => boolean
    /** It changes something: that may be done again and again, once to each thing, or stands in the way of all else. */
    changes?: 'always' | 'once' | 'alone'
    /** Where it pronounces an end otherwise than its tongue does. */
    says?: Partial<Record<Outcome, number>>
  }>

export type DoorRows = Readonly<Record<string, DoorRow>>

/** How a tongue says how a cell ends, and where the study of a request is read. */
export type Tongue = Readonly<{
  door: Door
  /** Its study is that of what is shown, so that the same names mean other things to other studies. */
  isByCredential?: true
  /** What those are told who have no place in the study that is named; undefined: whatever the rules have for them. */
  stranger?: Outcome
  /** What those are told whom an operation is not for, where that is not simply forbidden. */
  notAdmitted?: Outcome
  says: Partial<Record<Outcome, number>>
  /** Where that depends on who is told. */
  saysTo?: (outcome: Outcome, principal: Principal | undefined, row: DoorRow) => number | undefined
  /** Reads the status from what is told in another way. */
  statusOf?: (answer: Answer) => number
}>

export type DoorMatrix = Readonly<{
  tongue: Tongue
  rows: DoorRows
  askers: readonly Asker[]
  things: Readonly<Record<string, readonly DoorThing[]>>
  /** What participants have, where names mean the caller's own. */
  owned?: readonly Thing[]
  kept: Kept
}>

/** All routes of a tongue but those around others; where clients may leave out the slash at the end, each once. */
export async function routesOf(door: Door): Promise<string[]> {
  const adapter = ADAPTERS.find((each) => each.door === door)
  const { routes } = (await adapter?.load())?.create() ?? { routes: [] }
  const named = routes.filter(({ method }) => !['ALL', 'HEAD', 'OPTIONS'].includes(method))
  return [...new Set(named.map(({ method, path }) => `${method} ${path.replace(/(.)\/$/, '$1')}`))]
}

/** The route that a row is of; a route with several rows has them apart by what comes after a comma. */
export const routeIn = (rowName: string): string => rowName.split(', ', 1)[0] ?? ''

export const factsFor = ({ asker, thing }: { asker: Asker; thing: Thing }): Facts => ({
  ...thing.facts,
  granted: thing.grants.get(asker.grantee ?? '') ?? null,
})

export const NOBODY: Principal = { role: 'anonymous', actor: 'anonymous' as Principal['actor'], through: undefined } // as it is named

type Met = Readonly<{ principal: Principal | undefined; thing: Thing }>

/** As whom a caller is judged, and what they find by the names that they say. */
function met({ tongue, owned = [] }: DoorMatrix, row: DoorRow, { asker, thing }: Asked): Met {
  if (row.asNobody) return { principal: NOBODY, thing }
  if (tongue.isByCredential === undefined) return { principal: principalOf(asker, thing), thing }
  const isFromHere = asker.home?.role !== 'stranger'
  const principal = isFromHere ? asker.home : asker.elsewhere
  if (row.own && principal?.role === 'participant') return { principal, thing: ownOf(principal, owned, thing) }
  const { abroad = { ...thing, isThere: false, ownerIsThere: false } } = thing
  const found = isFromHere ? thing : abroad
  return { principal, thing: row.own ? { ...found, isThere: false } : found }
}

/** What a participant has under the same names, or that they have nothing. */
function ownOf({ participant, study, status }: Participating, owned: readonly Thing[], { what, names }: Thing): Thing {
  const isIt = (each: Thing) => each.facts.owner === participant && each.names['study'] === study
  const own = owned.find((each) => isIt(each) && each.names['address'] === names['address'])
  const facts = { owner: participant, visibility: 'private' } as const
  return own ?? aThing({ what, names, facts, isThere: false, ownerWithdrawn: status === 'withdrawn' })
}
type Participating = Extract<Principal, { role: 'participant' }>

const isWithdrawn = (principal: Principal) => principal.role === 'participant' && principal.status === 'withdrawn'

/** What those from outside are told, where it is not for the rules to say. */
function outcomeOutside({ stranger }: Tongue, { admits, anyone }: DoorRow, { role }: Principal): Outcome | undefined {
  if (anyone !== undefined) return undefined
  if (role === 'anonymous') return 'unauthenticated'
  if (role !== 'stranger') return undefined
  return stranger ?? (admits === undefined ? undefined : 'study_not_found')
}

/** Why the protocol lets somebody ask nothing at all. */
function outcomeByDoor(tongue: Tongue, row: DoorRow, principal: Principal): Outcome | undefined {
  const outside = outcomeOutside(tongue, row, principal)
  if (outside !== undefined) return outside
  const { admits, requiresActive } = row
  if (admits !== undefined && !admits.includes(principal.role)) return tongue.notAdmitted ?? 'forbidden'
  return requiresActive && isWithdrawn(principal) ? 'participant_withdrawn' : undefined
}

/** How a cell ends, as the protocol and the policy have it. */
function outcomeOf(matrix: DoorMatrix, row: DoorRow, asked: Asked): Outcome {
  const { principal, thing } = met(matrix, row, asked)
  const decided = row.decide?.(principal, { asker: asked.asker, thing })
  if (decided !== undefined) return decided
  if (principal === undefined) return 'unauthenticated'
  const asker = row.asNobody ? { ...asked.asker, grantee: undefined } : asked.asker
  const refused = outcomeByDoor(matrix.tongue, row, principal)
  return refused ?? outcomeByRules(row, principal, { thing, facts: factsFor({ asker, thing }) })
}

/** What of things a rule lets an asker see. */
export const seenBy =
  (rule: RuleName, things: readonly DoorThing[]) =>
  (asker: Asker): DoorThing[] =>
    things.filter((thing) => {
      const principal = principalOf(asker, thing)
      return principal !== undefined && permits(rules[rule], principal, factsFor({ asker, thing }))
    })

export const canaryOf = ({ names }: Thing): string => names['canary'] ?? ''
type Shows = NonNullable<DoorRow['shows']>
export const itself: Shows = (_, { thing }) => [canaryOf(thing)]

const CANARY = /canary-[a-z0-9-]+[a-z0-9]/g
/** What nobody may be shown who is refused, besides. */
const OPENS = /X-Amz-Signature|\?token=|crs_\d/

const textOf = ({ text, headers }: Answer) => `${text} ${headers.get('Location') ?? ''}`
const canariesIn = (text: string): string[] => [...new Set(text.match(CANARY))].toSorted()

type Answered = Readonly<{ row: DoorRow; asked: Asked; answer: Answer }>

/** What is wrong with an answer; undefined: nothing. */
function wrongIn(matrix: DoorMatrix, { row, asked, answer }: Answered): string | undefined {
  const { tongue } = matrix
  const outcome = outcomeOf(matrix, row, asked)
  const { principal, thing } = met(matrix, row, asked)
  const expected = row.says?.[outcome] ?? tongue.saysTo?.(outcome, principal, row) ?? tongue.says[outcome]
  const status = tongue.statusOf?.(answer) ?? answer.status
  if (status !== expected) return `${outcome}, which is ${expected}, not ${status} ${answer.text.slice(0, 200)}`
  return outcome === 'allowed'
    ? wronglyShown(principal, { row, answer, asked: { asker: asked.asker, thing } })
    : wronglyTold(answer)
}

function wronglyShown(principal: Principal | undefined, { row, asked, answer }: Answered): string | undefined {
  const told = textOf(answer)
  const [found, shown] = [canariesIn(told), [...new Set(row.shows?.(principal, asked))].toSorted()]
  if (found.join() !== shown.join()) return `shown ${shown.join()}, not ${found.join()}`
  const leads = told.includes('X-Amz-Signature')
  return row.opens !== undefined && row.opens(principal, asked) !== leads ? `leads to bytes: ${leads}` : undefined
}

function wronglyTold(answer: Answer): string | undefined {
  const told = textOf(answer)
  return canariesIn(told).length > 0 || OPENS.test(told) ? `refused, and told ${told}` : undefined
}

const AT_ONCE = 16

async function inChunks<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
  for (let start = 0; start < items.length; start += AT_ONCE) {
    await Promise.all(items.slice(start, start + AT_ONCE).map(work))
  }
}

/** Cells of which no two are of the same thing. */
const rounds = (cells: readonly Asked[]): Asked[][] => {
  const made: Asked[][] = []
  for (const ofOne of Map.groupBy(cells, ({ thing }) => thing).values()) {
    for (const [index, cell] of ofOne.entries()) made[index] = [...(made[index] ?? []), cell]
  }
  return made
}

/** Asks the cells of a row: the refusals first, which change nothing. Answers what is wrong. */
export async function tryDoorRow(matrix: DoorMatrix, name: string): Promise<{ cells: number; wrong: string[] }> {
  const { rows, askers, things, kept } = matrix
  const row = rows[name]
  const asks = row && things[row.of]
  if (row === undefined || asks === undefined) throw new Error(`Nobody knows what ${name} is of.`)
  const cells = asks.flatMap((thing) => askers.map((asker) => ({ asker, thing })))
  const wrong: string[] = []
  const attempt = async (asked: Asked) => {
    const why = wrongIn(matrix, { row, asked, answer: await row.ask(asked) })
    if (why !== undefined) wrong.push(`${asked.asker.name}, of ${asked.thing.what}: ${why}`)
  }
  const isAllowed = (cell: Asked) => outcomeOf(matrix, row, cell) === 'allowed'
  const [allowed, denied] = [cells.filter(isAllowed), cells.filter((cell) => !isAllowed(cell)).filter(isTried)]
  await inChunks(denied, attempt)
  // That somebody read what they may, or was refused, goes on record.
  const changed = denied.length === 0 ? [] : (await kept.changed()).filter((table) => table !== 'audit_events')
  if (row.changes === 'once' || row.changes === 'alone') {
    for (const round of row.changes === 'once' ? rounds(allowed) : allowed.map((each) => [each])) {
      await Promise.all(round.map(attempt))
      await kept.restore()
    }
  } else {
    await inChunks(allowed, attempt)
    if (row.changes === 'always') await kept.restore()
  }
  return {
    cells: allowed.length + denied.length,
    wrong: [...wrong, ...changed.map((table) => `a refusal changed ${table}`)],
  }
}

/** Each route has a row, and each row a route. */
export function expectRowsFor(routes: readonly string[], rows: DoorRows): void {
  expect([...new Set(Object.keys(rows).map(routeIn))].toSorted()).toEqual([...routes].toSorted())
}

/** All of them, as the slow suite tries them: so many as rows have things, for everyone. */
export const cellsOf = ({ rows, askers, things }: DoorMatrix): number =>
  Object.values(rows).reduce((sum, { of }) => sum + (things[of] ?? []).length * askers.length, 0)
