import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import type { Answer, Caller } from './callers.ts'
import { interleaved, type Loss, type Schedule } from './interleaving.ts'
import { drawn, type History, linearize, type Model, overlapping } from './linearizability.ts'

// Programs for clients that ask at once, made up by the hundred; what the clients were answered must be what the model
// could have answered them, one after another.

/** What a client is about to ask, and the asking; undefined is an answer that was lost. */
export type Attempt<Asked, Told> = Readonly<{ asked: Asked; ask: () => Promise<Told | undefined> }>

/** One of the clients. */
export type Client = Readonly<{
  /** The caller, with the client's own way to storage. */
  by: (caller: Caller) => Caller
  /** What an answer tells; where D1's answers were lost until nothing could be answered, that it tells nothing. */
  hear: <Told>(answer: Answer, tell: (answer: Answer) => Told | undefined) => Told | undefined
  /** Whether an answer of D1 was lost to it since it asked. */
  isDisturbed: () => boolean
}>

/** One thing of a test's own, what clients do at it, and what it ought to be. */
export type Subject<Op, State, Asked, Told> = Readonly<{
  model: Model<State, Asked, Told>
  /** A client does one operation after another, and may remember what it was told. Undefined: there is nothing to ask. */
  client: (client: Client) => (op: Op) => Attempt<Asked, Told> | undefined
  /** What is asked when all is done. */
  after: readonly Op[]
}>

/** What programs are made up of. */
export type Programs<Setting, Op, State, Asked, Told> = Readonly<{
  setting: fc.Arbitrary<Setting>
  op: fc.Arbitrary<Op>
  subject: (setting: Setting) => Promise<Subject<Op, State, Asked, Told>>
}>

type Program<Setting, Op> = Schedule & Readonly<{ setting: Setting; clients: readonly (readonly Op[])[] }>

/** As many calls as most programs make. */
const STEPS = 48

const loss: fc.Arbitrary<Loss> = fc
  .record({ step: fc.nat(STEPS / 3), way: fc.constantFrom('unheard', 'unheard once', 'late') })
  .map(({ step, way }) => (way === 'unheard once' ? { step, way: 'unheard', times: 1 } : { step, way, times: 3 }))

const programs = <Setting, Op>({ setting, op }: { setting: fc.Arbitrary<Setting>; op: fc.Arbitrary<Op> }) =>
  fc.record({
    setting,
    clients: fc.array(fc.array(op, { maxLength: 4, size: 'max' }), { minLength: 3, maxLength: 6, size: 'max' }),
    order: fc.array(fc.nat(5), { maxLength: 2 * STEPS, size: 'max' }),
    // Half of them go undisturbed.
    losses: fc.oneof(fc.constant([]), fc.array(loss, { minLength: 1, maxLength: 4 })),
  })

/** Runs a program, and answers what its clients saw. */
export async function historyOf<Setting, Op, State, Asked, Told>(
  { clients, ...schedule }: Program<Setting, Op>,
  { client: clientOf, after }: Subject<Op, State, Asked, Told>,
): Promise<{ history: History<Asked, Told>; trace: readonly number[] }> {
  const { through, run, trace, lostBy } = interleaved(schedule)
  const history: History<Asked, Told>[number][] = []
  let clock = 0

  async function note(client: number, { asked, ask }: Attempt<Asked, Told>): Promise<void> {
    const called = (clock += 1)
    const answer = await ask()
    const answered = (clock += 1)
    history.push({ client, op: asked, called, answered: answer === undefined ? Infinity : answered, answer })
  }

  const doing = (ops: readonly Op[]) => async (client: number) => {
    const { by, done } = through(client)
    let before = 0
    const isDisturbed = () => lostBy(client) > before
    const hear: Client['hear'] = (answer, tell) => (answer.status === 503 && isDisturbed() ? undefined : tell(answer))
    const attempt = clientOf({ by, isDisturbed, hear })
    for (const op of ops) {
      const made = attempt(op)
      if (made === undefined) continue
      before = lostBy(client)
      await note(client, made)
      await done()
    }
  }
  await run(clients.map(doing))

  // Nothing comes into the way of who looks when all is done.
  const looking = clientOf({ by: (caller) => caller, isDisturbed: () => false, hear: (answer, tell) => tell(answer) })
  for (const op of after) {
    const made = looking(op)
    if (made !== undefined) await note(clients.length, made)
  }
  return { history, trace }
}

/** For a test that tries programs: what does not fit is made smaller before it is told. */
export const TRYING_MS = env.SLOW ? 600_000 : 90_000

/** How many programs, from which seed; `path`: only one of them, in fast-check's words. */
type Runs = Readonly<{ runs: number; seed?: number; path?: string }>

export type Tried = { histories: number; operations: number; overlapping: number; answers: Set<string> }

/**
 * Runs programs and holds what was seen against the model. The first that does not fit is made as small as it gets, and
 * drawn. Under `npm run test:slow` there are ten times as many, from `CARREL_SEED`.
 */
export async function tryPrograms<Setting, Op, State, Asked, Told>(
  name: string,
  all: Programs<Setting, Op, State, Asked, Told>,
  { runs, seed = 1, path }: Runs,
): Promise<Tried> {
  const tried: Tried = { histories: 0, operations: 0, overlapping: 0, answers: new Set() }

  async function tryOne(program: Program<Setting, Op>): Promise<void> {
    const subject = await all.subject(program.setting)
    const { history } = await historyOf(program, subject)
    tried.histories += 1
    tried.operations += history.length
    tried.overlapping += overlapping(history)
    for (const { answer } of history) tried.answers.add(JSON.stringify(answer) ?? '(lost)')
    const verdict = linearize(subject.model, history)
    if (verdict.isLinearizable) return
    throw new Error(
      [
        `No order of these fits (${JSON.stringify(program.setting)}):`,
        drawn(history),
        `${verdict.begun.length} could have come first:`,
        verdict.begun.length === 0 ? '(none)' : drawn(verdict.begun),
        'and then none of these:',
        drawn(verdict.stuck),
      ].join('\n'),
    )
  }

  const details = await fc.check(fc.asyncProperty(programs(all), tryOne), {
    numRuns: env.SLOW ? runs * 10 : runs,
    seed: env.SLOW ? env.FUZZ.seed : seed,
    ...(path === undefined ? {} : { path }),
    // A smaller one is looked for no longer than this.
    interruptAfterTimeLimit: TRYING_MS * 0.8,
  })
  console.info(
    `${name}: ${tried.histories} histories of ${tried.operations} operations, ${tried.overlapping} of which` +
      ` were asked while others were, from seed ${details.seed}`,
  )
  if (!details.failed) return tried
  const { errorInstance, counterexample, counterexamplePath, numShrinks } = details
  const [smallest] = counterexample ?? []
  throw new Error(
    `seed ${details.seed}, path ${counterexamplePath}, made smaller ${numShrinks} times:\n` +
      `${errorInstance instanceof Error ? errorInstance.message : String(errorInstance)}\n` +
      `order ${smallest?.order.join('')}, losses ${JSON.stringify(smallest?.losses)}`,
    { cause: errorInstance },
  )
}
