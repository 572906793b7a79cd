import { env } from 'cloudflare:workers'
import { expect } from 'vitest'
import type { Answer } from './callers.ts'
import { heldJobs } from './erasures.ts'
import { deliver, sweepAt } from './faults.ts'
import { type Fault, faulty, watchedBucket, type Way, WAYS } from './injection.ts'
import { tally, violations } from './invariants.ts'

// A request with one fault at one of its calls to what is bound to the Worker; then the client comes again, as clients
// do, the sweeps run, and all that must hold is looked at.

const DAY_MS = 24 * 3_600_000
const NEVER: Fault = { at: Infinity, way: 'unmade' }

/** What is asked for, in a study of its own; `look`: what else must be in the end as it is when nothing went wrong. */
export type Prepared = Readonly<{
  study: string
  ask: (bindings: object) => Promise<Answer>
  look?: () => Promise<unknown>
}>

/** What a client may find when it comes again. */
export type Expected = Readonly<{
  /** Tables of which a second request makes another row, as it is a request of its own. */
  makesAnew?: readonly string[]
  /** The same for rows that are gone when the sweeps have run. */
  forAWhile?: readonly string[]
  /** What a second request is told when the first has done it. */
  doneBefore?: readonly number[]
  /** It goes on after its answer: how far is for the sweeps to say. */
  goesOn?: boolean
  /** Of several who ask, one at most is told that it was done. */
  onlyOnce?: boolean
}>

/**
 * A client that does one thing after another, knows what it was answered, and when it comes again begins with what has
 * failed. Whoever comes again has given up what was under way: that goes no further.
 */
export function inSteps(
  ...steps: readonly ((bindings: object, told: readonly Answer[]) => Promise<Answer>)[]
): Prepared['ask'] {
  let told: readonly Answer[] = []
  let asks = 0
  const goOn = async (bindings: object, ask: number): Promise<Answer> => {
    const [step, last] = [steps[told.length], told.at(-1)]
    if (step === undefined) {
      if (last === undefined) throw new Error('There is nothing to do.')
      return last
    }
    const answer = await step(bindings, told)
    if (ask !== asks || answer.status >= 400) return answer
    told = [...told, answer]
    return goOn(bindings, ask)
  }
  return async (bindings) => goOn(bindings, (asks += 1))
}

/** The sweeps of the next days, with the queue's messages in between. */
async function settle(bindings: { JOBS: Queue; BUCKET: R2Bucket }, take: () => unknown[]) {
  for (const days of [0, 0.01, 3, 8, 10, 12]) {
    const messages = take()
    if (messages.length > 0) await deliver(messages, bindings, 'carrel-jobs')
    await sweepAt(new Date(Date.now() + days * DAY_MS), bindings)
  }
}

type Outcome = Readonly<{
  way: Way
  first: Answer
  /** Of the client that came again; the first's, where nothing went wrong. */
  last: Answer
  calls: readonly string[]
  soon: Record<string, number>
  later: Record<string, number>
  seen: string | undefined
  violations: readonly string[]
}>

/**
 * Whether an upload in parts was opened of which no row ever knew: nothing but the bucket's own rule for those that
 * nobody finished can free it.
 */
const isUnknown = ({ at, way }: Fault, calls: readonly string[]): boolean =>
  (calls[at - 1] === 'BUCKET.createMultipartUpload' && (way === 'unheard' || way === 'dead after')) ||
  (calls[at - 2] === 'BUCKET.createMultipartUpload' && way === 'dead before')

async function attempt(prepare: () => Promise<Prepared>, fault: Fault): Promise<Outcome> {
  const { study, ask, look } = await prepare()
  const { BUCKET, open } = await watchedBucket(study)
  const { bindings, calls, reached, release, sent } = faulty(fault, BUCKET)
  const jobs = heldJobs()
  const whole = { JOBS: jobs.JOBS, BUCKET }
  const asked = ask(bindings)
  if (fault.way === 'late') await Promise.race([reached, asked])
  else await asked
  const again = fault.at === Infinity ? undefined : await ask(whole)
  release()
  const first = await asked
  const soon = await tally(study)
  await settle(whole, () => [...sent.splice(0), ...jobs.take()])
  const later = await tally(study)
  const left = [...open].map((id) => `upload ${id} is left in parts`)
  return {
    way: fault.way,
    first,
    last: again ?? first,
    calls,
    soon,
    later,
    seen: JSON.stringify(await look?.()),
    violations: [...(await violations(study)), ...(isUnknown(fault, calls) ? [] : left)],
  }
}

const without = (counts: Record<string, number>, ...names: readonly (readonly string[])[]) =>
  Object.fromEntries(Object.entries(counts).filter(([name]) => !names.flat().includes(name)))

const differences = (when: string, counts: Record<string, number>, clean: Record<string, number>) =>
  Object.entries(counts)
    .filter(([name, count]) => count !== clean[name])
    .map(([name, count]) => `${when} there are ${count} of ${name} and not ${clean[name]}`)

const isDone = ({ status }: Answer) => status < 400

/** What is wrong with what the two were told. */
function mistold({ doneBefore = [], onlyOnce }: Expected, { way, first, last }: Outcome): string[] {
  const wrong = []
  const isMeant = (answer: Answer, ...others: readonly number[]) =>
    isDone(answer) || [...others, ...doneBefore].includes(answer.status)
  // Who has given up is not there to be told anything.
  const isHeard = way !== 'late' || first.status >= 500
  if (isHeard && !isMeant(first, 503)) wrong.push(`the first was told ${first.status} ${first.text}`)
  if (!isMeant(last)) wrong.push(`the second was told ${last.status} ${last.text}`)
  if (onlyOnce === true && isDone(first) && isDone(last)) wrong.push('both were given it')
  return wrong
}

/** What is wrong with what came of a fault, against what comes of none. */
function wrongs(expected: Expected, clean: Outcome, outcome: Outcome): string[] {
  const { makesAnew = [], forAWhile = [], goesOn } = expected
  const { soon, later, seen } = outcome
  return [
    ...outcome.violations,
    ...mistold(expected, outcome),
    ...(goesOn === true ? [] : differences('at once', without(soon, makesAnew, forAWhile), clean.soon)),
    ...differences('in the end', without(later, makesAnew), clean.later),
    ...(seen === clean.seen ? [] : [`in the end it is ${seen} and not ${clean.seen}`]),
  ]
}

/** What a door's clients do there, each in a study of its own. */
export type DoorFlow = Expected &
  Readonly<{
    /** As `METHOD path`: what it asks, and what else leads to the same handler. */
    routes: readonly string[]
    prepare: () => Promise<Prepared>
    /** Whether it is tried whenever tests are. */
    isMain?: boolean
  }>

/** All of a door: what is tried, and by the reason for it what is not. */
export type DoorFlows = Readonly<{
  flows: Readonly<Record<string, DoorFlow>>
  without: Readonly<Record<string, readonly string[]>>
}>

const everyFault = (calls: number): Fault[] =>
  Array.from({ length: calls }, (_, index) => WAYS.map((way) => ({ at: index + 1, way }))).flat()

/**
 * Every third of them, which is each way and each call; each flow begins with another. `npm run test:faults` tries all.
 */
const manyOf = (all: readonly Fault[], name: string): readonly Fault[] =>
  env.ALL_FAULTS ? all : all.filter((_, index) => (index + name.length) % 3 === 0)

/**
 * Tries a request with many of the faults there are, or with one of them: the `only`th. Answers what was wrong, each in a
 * sentence, and how many faults were injected.
 */
export async function tryFaults(
  name: string,
  { prepare, expected, only }: { prepare: () => Promise<Prepared>; expected: Expected; only: number | undefined },
): Promise<{ wrong: string[]; injected: number }> {
  const clean = await attempt(prepare, NEVER)
  expect(clean.first.status, `${name}: ${clean.first.text}`).toBeLessThan(400)
  expect(clean.violations, name).toEqual([])
  const all = everyFault(clean.calls.length)
  const faults = only === undefined ? manyOf(all, name) : all.filter((_, index) => index === only % all.length)
  const wrong: string[] = []
  for (const fault of faults) {
    const outcome = await attempt(prepare, fault)
    const at = `${name}, ${fault.way} at ${fault.at} (${outcome.calls[fault.at - 1]})`
    if (outcome.calls.length < fault.at) wrong.push(`${at}: never came to it`)
    wrong.push(...wrongs(expected, clean, outcome).map((each) => `${at}: ${each}`))
  }
  return { wrong, injected: faults.length }
}
