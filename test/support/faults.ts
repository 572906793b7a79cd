import {
  createExecutionContext,
  createMessageBatch,
  createScheduledController,
  getQueueResult,
  waitOnExecutionContext,
} from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import worker from '../../src/index.ts'
import { bound, boundWith, type Other } from './bound.ts'
import { callersOf } from './callers.ts'
import { type Caller, ORIGIN, sendingWith } from './client.ts'

// The Worker's three handlers with other bindings or settings than the pool's, or at another time. What is put around
// a binding here decides when a call fails and what happens just before it; the call itself is the real one.

/**
 * Variables are typed as what `wrangler.toml` says; here they may say something else. With nothing else it is the pool's
 * own: what an isolate remembers is forgotten for that one when storage is emptied, and studies' numbers begin anew.
 */
const environment = (other: Other) => (Object.keys(other).length === 0 ? bound : boundWith(other))

/** All that is sent so has the same bindings: settings are read once for each. */
export const sendingTo = (other: Other) => sendingWith(environment(other))

/** The same caller, with other bindings or settings behind the API. */
export const within = (other: Other, caller: Caller) => callersOf(sendingTo(other), () => ORIGIN)(caller.key)

/** One run of the cron, at any time. */
export async function sweepAt(time: Date, other: Other = {}): Promise<void> {
  const context = createExecutionContext()
  const controller = createScheduledController({ scheduledTime: time, cron: '* * * * *' })
  await worker.scheduled(controller, environment(other), context)
  await waitOnExecutionContext(context)
}

/** One batch of a queue; answers which messages were acknowledged and which are to come again. */
export async function deliver(
  bodies: readonly unknown[],
  other: Other = {},
  queue: `carrel-${'object-events' | 'jobs'}${'' | '-dead'}` = 'carrel-object-events',
) {
  const context = createExecutionContext()
  const batch = createMessageBatch(
    queue,
    bodies.map((body, index) => ({ id: `message-${index}`, timestamp: new Date(), attempts: 1, body })),
  )
  await worker.queue(batch, environment(other), context)
  const result = await getQueueResult(batch, context)
  return { acked: result.explicitAcks, retried: result.retryMessages.map((message) => message.msgId) }
}

/** A binding with some methods of its own; the others are the real ones. D1's are also those of its sessions. */
export const overriding = <Binding extends object>(binding: Binding, own: Partial<Binding>): Binding =>
  new Proxy(binding, {
    get: (target, name) => {
      const value: unknown = Reflect.get(own, name) ?? Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name !== 'withSession' || name in own) return value.bind(target)
      return (start?: string) => overriding<object>(env.DB.withSession(start), own)
    },
  })

type Disturbance = {
  /** Which batch, by the SQL in it. */
  on: RegExp
  /** What others do just before it runs for the first time. */
  before?: () => Promise<unknown>
  /** What others do just after it ran for the first time, before its answer comes. */
  after?: () => Promise<unknown>
  /** D1 does what it is told, and its answer is lost: once, or this many times. */
  loses?: boolean | number
  /** What others do between the first loss and the repetition. */
  meanwhile?: () => Promise<unknown>
}

/** D1 with one disturbed batch. `times` says how often that batch was run, so that a test knows it was. */
export function disturbed({ on, before, after, loses = false, meanwhile }: Disturbance) {
  let prepared: string[] = []
  /** A batch that is repeated is the same statements, prepared once. */
  const meant = new WeakSet<D1PreparedStatement[]>()
  const seen = { times: 0 }
  const DB = overriding(env.DB, {
    prepare: (text) => {
      prepared.push(text)
      return env.DB.prepare(text)
    },
    batch: async <Row>(statements: D1PreparedStatement[]) => {
      if (on.test(prepared.join('\n'))) meant.add(statements)
      const isMeant = meant.has(statements)
      prepared = []
      if (!isMeant) return env.DB.batch<Row>(statements)
      seen.times += 1
      const isFirst = seen.times === 1
      if (isFirst) await before?.()
      const results = await env.DB.batch<Row>(statements)
      if (isFirst) await after?.()
      if (seen.times > Number(loses)) return results
      if (isFirst) await meanwhile?.()
      throw new Error('D1_ERROR: Network connection lost.')
    },
  })
  return { DB, seen }
}
