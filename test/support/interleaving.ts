import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import worker from '../../src/index.ts'
import { type Caller, callersOf } from './callers.ts'
import { ORIGIN } from './client.ts'
import { heldJobs } from './erasures.ts'
import { overriding } from './faults.ts'

// Clients that ask at once, and whose calls to storage go on one at a time, in an order that is made up beforehand: the
// same order gives the same interleaving. fast-check's own scheduler takes whatever has come by the time it looks, and
// how soon a call to a real binding comes is the machine's affair; this one waits until everybody waits.

/**
 * A batch whose answer is lost, `times` times over; three are as often as it is tried, and the client hears of it.
 * - `unheard`: it takes effect first
 * - `late`: it takes effect after that, when its turn comes, as if it had been under way all the time. Only of one that
 *   was never answered can that be: had another attempt been refused, nobody could take that back
 */
export type Loss = Readonly<{ step: number }> &
  (Readonly<{ times: 1 | 3; way: 'unheard' }> | Readonly<{ times: 3; way: 'late' }>)

/** `order`: who goes on next, of those who wait; when it comes to its end the first of them does. */
export type Schedule = Readonly<{ order: readonly number[]; losses: readonly Loss[] }>

/** In the place of a client: nobody, for a batch that is late, which nobody waits for. */
const NOBODY = Infinity
type Waiting = { client: number; go: () => Promise<unknown> }
type Statements = D1PreparedStatement[]

const lost = () => new Error('D1_ERROR: Network connection lost.')

export function interleaved({ order, losses }: Schedule) {
  const waiting: Waiting[] = []
  /** Clients that are under way; nobody goes on before all of them wait or are done. */
  const busy = new Set<number>()
  /** How often the answer of a batch is still to be lost; one that is repeated is the same statements. */
  const meant = new WeakMap<Statements, { left: number; way: Loss['way'] }>()
  const trace: number[] = []
  /** How many answers each client has lost. */
  const lostBy = new Map<number, number>()
  let settled = Promise.withResolvers<void>()
  let step = 0

  function rest(client: number): void {
    busy.delete(client)
    if (busy.size === 0) settled.resolve()
  }

  /** Waits for its turn, and is then done. */
  async function pass<Result>(client: number, make: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      waiting.push({ client, go: async () => make().then(resolve, reject) })
      rest(client)
    })
  }

  /** A batch whose turn has come, with what becomes of its answer. */
  async function batch<Row>(client: number, statements: Statements): Promise<D1Result<Row>[]> {
    const make = async () => env.DB.batch<Row>(statements)
    const loss = losses.find((each) => each.step === step)
    if (loss !== undefined && !meant.has(statements)) meant.set(statements, { left: loss.times, way: loss.way })
    const fault = meant.get(statements)
    if (fault === undefined || fault.left === 0) return make()
    fault.left -= 1
    lostBy.set(client, (lostBy.get(client) ?? 0) + 1)
    // What is late may find that it cannot be done any more, and nobody hears of that either.
    if (fault.way === 'late') waiting.push({ client: NOBODY, go: async () => make().catch(() => undefined) })
    else await make()
    throw lost()
  }

  const bindingsOf = (client: number) => ({
    DB: overriding(env.DB, {
      batch: async <Row>(statements: Statements) => pass(client, async () => batch<Row>(client, statements)),
    }),
    BUCKET: overriding<R2Bucket>(env.BUCKET, {
      get: async (key: string, options?: R2GetOptions) => pass(client, async () => env.BUCKET.get(key, options)),
      head: async (key) => pass(client, async () => env.BUCKET.head(key)),
    }),
    TOKENS: overriding<KVNamespace>(env.TOKENS, {
      // What is kept is read as JSON only, which is one of many ways.
      get: (async (key: string, type: 'json') =>
        pass(client, async () => env.TOKENS.get(key, type))) as KVNamespace['get'],
      put: async (key, value, options) => pass(client, async () => env.TOKENS.put(key, value, options)),
      delete: async (key) => pass(client, async () => env.TOKENS.delete(key)),
    }),
    JOBS: heldJobs().JOBS,
  })

  /** A client's way to the Worker: what is left to be done after an answer takes its turn too. */
  function through(client: number) {
    const bindings = { ...env, ...bindingsOf(client) }
    const after: ExecutionContext[] = []
    const as = callersOf(
      async (request) => {
        const context = createExecutionContext()
        after.push(context)
        return worker.fetch(request, bindings, context)
      },
      () => ORIGIN,
    )
    return {
      by: ({ key }: Caller): Caller => as(key),
      done: async () => Promise.all(after.splice(0).map(async (context) => waitOnExecutionContext(context))),
    }
  }

  /** One of those who wait, whole: a client that asks for two things at once gets both. */
  function next(): Waiting[] {
    const who = [...new Set(waiting.map(({ client }) => client))].toSorted((a, b) => a - b)
    const chosen = who[(order[step] ?? 0) % who.length]
    const theirs = waiting.filter(({ client }) => client === chosen).slice(0, chosen === NOBODY ? 1 : undefined)
    for (const each of theirs) waiting.splice(waiting.indexOf(each), 1)
    if (chosen !== undefined) trace.push(chosen)
    return theirs
  }

  /** Lets all of them go on until they are done, and whatever is late has come. Once. */
  async function run(clients: readonly ((client: number) => Promise<void>)[]): Promise<void> {
    for (const client of clients.keys()) busy.add(client)
    // One that fails lets the others go on; it is thrown when all are done.
    const ends = Promise.allSettled(clients.map(async (each, client) => each(client).finally(() => rest(client))))
    for (;;) {
      if (busy.size > 0) await settled.promise
      if (waiting.length === 0) break
      settled = Promise.withResolvers()
      const chosen = next()
      for (const { client } of chosen) if (client !== NOBODY) busy.add(client)
      await Promise.all(chosen.map(async ({ go }) => go()))
      step += 1
    }
    for (const end of await ends) if (end.status === 'rejected') throw end.reason
  }

  return { through, run, trace, lostBy: (client: number) => lostBy.get(client) ?? 0 }
}
