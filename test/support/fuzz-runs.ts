import fc from 'fast-check'
import type { Answer } from './callers.ts'
import { foreignPlans } from './fuzz-doors.ts'
import { nativePlans } from './fuzz-native.ts'
import type { Plan } from './fuzz-plans.ts'
import { curl, requestOf, saidIn, send } from './fuzz-send.ts'
import { doorOf, judge } from './fuzz-verdicts.ts'
import { anOpenStudy, type Audience, type Furnished, mayTell, type Names, namesOf, type Shut } from './fuzz-world.ts'
import { broken } from './invariants.ts'
import { aToken } from './tokens.ts'

// Requests by the thousand, in a world that goes on under them: what must hold is looked at after each.

/** How many are sent side by side, at most. */
const TOGETHER = 8
/** After so many the open study is made anew: by then much of it is gone. */
const PER_WORLD = 500

const OF_PARTICIPANTS = ['⟦shut.bobKey⟧', '⟦shut.goneKey⟧', '⟦shut.session⟧', '⟦shut.hatToken⟧']
/** The keys that let somebody see what of the shut study is not for nobody at all. */
const MAY_SEE: Readonly<Record<Audience, readonly string[]>> = {
  nobody: [],
  download: ['⟦shut.downloadKey⟧'],
  participants: OF_PARTICIPANTS,
  operator: ['⟦operator⟧', '⟦shut.downloadKey⟧', ...OF_PARTICIPANTS],
}

/** What of the shut study is told, and is not for whoever asks. What they have `said` themselves they may hear again. */
function leaked(told: string, { shut, plan, said }: { shut: Shut; plan: string; said: string }): string[] {
  const isFor = (audience: Audience) => MAY_SEE[audience].some((key) => plan.includes(key))
  const words = mayTell(told) ? [...shut.words].flatMap(([word, audience]) => (isFor(audience) ? [] : word)) : []
  return [...shut.secrets, ...words].filter((word) => told.includes(word) && !said.includes(word))
}

type World = Readonly<{ open: Furnished; names: Names }>

/** `printed` answers what has been logged since it was last asked. */
export function fuzzing(shut: Shut, printed: () => readonly string[]) {
  const counts = { sent: 0, worlds: 0, lines: 0 }
  const answered = new Map<string, number>()
  /** What was done in this world, as far as it was about the shut study. */
  const done: string[] = []
  let world: World | undefined
  let left = 0

  /** What must hold of both studies, whatever was asked. */
  async function lookAtAll(): Promise<void> {
    if (!(await shut.isUnharmed())) {
      throw new Error(`What nobody may change was changed, by one of these:\n${done.join('\n')}`)
    }
    const studies = world === undefined ? [shut] : [shut, world.open]
    const wrong = await Promise.all(studies.map(async ({ study }) => broken(study.id)))
    if (wrong.flat().length > 0) throw new Error(`Something does not hold: ${wrong.flat().join('; ')}`)
  }

  async function theWorld(): Promise<World> {
    if (world !== undefined && left > 0) return world
    await lookAtAll()
    if (world !== undefined) await shut.renew()
    const open = await anOpenStudy()
    world = { open, names: { ...namesOf(open, shut), 'open.jwt': await aToken('user-7') } }
    left = PER_WORLD
    counts.worlds += 1
    done.length = 0
    printed()
    return world
  }

  function count(request: Request, { status }: Answer): void {
    counts.sent += 1
    left -= 1
    for (const what of [doorOf(request), status === 503 ? 'prefetches declined' : `${Math.floor(status / 100)}xx`]) {
      answered.set(what, (answered.get(what) ?? 0) + 1)
    }
  }

  async function ask(plan: Plan, { names }: World): Promise<void> {
    const request = requestOf(plan, names)
    const answer = await send(request)
    count(request, answer)
    const written = JSON.stringify(plan)
    if (answer.status < 300 && written.includes('⟦shut.')) done.push(curl(plan))
    await judge({ request, answer })
    const told = `${answer.text}\n${[...answer.headers].join('\n')}`
    const leaks = leaked(told, { shut, plan: written, said: saidIn(plan, names) })
    if (leaks.length > 0) throw new Error(`${leaks.join(', ')} is told in ${told.slice(0, 2_000)}`)
  }

  const wrongInLog = (lines: readonly string[]): string[] =>
    lines.flatMap((line) => {
      if (leaked(line, { shut, plan: '', said: '' }).length > 0) return [`It is logged: ${line}`]
      return line.includes('"failure"') ? [`A failure is logged: ${line}`] : []
    })

  /** Sends these side by side. @throws Error for whatever is not as it must be, with the requests that it was */
  async function sendAll(plans: readonly Plan[]): Promise<void> {
    const here = await theWorld()
    const outcomes = await Promise.allSettled(plans.map(async (plan) => ask(plan, here)))
    const wrong = outcomes.flatMap((outcome, index) => {
      const plan = plans[index]
      return outcome.status === 'rejected' && plan ? [`${String(outcome.reason)}\n${curl(plan)}`] : []
    })
    const lines = printed()
    counts.lines += lines.length
    const logged = wrongInLog(lines)
    const by = logged.length === 0 ? [] : plans.map(curl)
    if (wrong.length + logged.length > 0) throw new Error([...wrong, ...logged, ...by].join('\n'))
  }

  /** What was sent, by door and by kind of answer. */
  const summary = () =>
    `${counts.sent} requests in ${counts.worlds} worlds: ${[...answered]
      .map(([what, times]) => `${what} ${times}`)
      .toSorted((one, other) => one.localeCompare(other))
      .join(', ')}`

  return { counts, send: sendAll, lookAtAll, summary }
}

/** A few requests, of all doors: half of them are native. */
export async function fewRequests(): Promise<fc.Arbitrary<Plan[]>> {
  const [native, foreign] = [await nativePlans(), await foreignPlans()]
  const one = fc.oneof(
    { arbitrary: native, weight: foreign.length },
    ...foreign.map((arbitrary) => ({ arbitrary, weight: 1 })),
  )
  return fc.array(one, { minLength: 1, maxLength: TOGETHER, size: 'max' })
}
