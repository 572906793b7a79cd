// Carrel as it is from a far edge: each call to what is bound to it takes as long as it would from there, and is counted.
// The Worker inside is the one that is deployed.

import carrel from '../src/index.ts'
import { DELAYS, type Trip, TRIPS_HEADER } from './distances.ts'

type Note = (trip: Trip) => Promise<unknown>

const isRead = (statement: string) => /^\s*(?:WITH\b(?!.*\b(?:INSERT|UPDATE|DELETE)\b)|SELECT\b)/s.test(statement)
/** Which statements a session was asked to prepare only reads. */
const reads = new WeakMap<D1PreparedStatement, boolean>()

/** A session: at a replica for reads once it has a bookmark, its own or what it began with; at the primary for the rest. */
function farSession(session: D1DatabaseSession, { isAtReplica, note }: { isAtReplica: boolean; note: Note }) {
  let mayRead = isAtReplica
  return {
    prepare: (text: string) => {
      const prepared = session.prepare(text)
      const bind = prepared.bind.bind(prepared)
      prepared.bind = (...values) => {
        const bound = bind(...values)
        reads.set(bound, isRead(text))
        return bound
      }
      return prepared
    },
    batch: async (statements: D1PreparedStatement[]) => {
      const atReplica = mayRead && statements.every((statement) => reads.get(statement) === true)
      mayRead = true
      await note(atReplica ? 'replica' : 'primary')
      return session.batch(statements)
    },
    getBookmark: () => session.getBookmark(),
  }
}

/** What this edge has read before, and so has a copy of. */
const copied = new Set<unknown>()
function kvTrip(name: string, [key]: readonly unknown[]): Trip {
  if (name !== 'get') return 'kvWrite'
  if (copied.has(key)) return 'kvHit'
  copied.add(key)
  return 'kvMiss'
}

type Before = (name: string, args: readonly unknown[]) => Promise<unknown>

const slowly = <Binding extends object>(binding: Binding, before: Before): Binding =>
  new Proxy(binding, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function' || name === 'resumeMultipartUpload') return value
      return async (...args: unknown[]) => {
        await before(String(name), args)
        return value.apply(target, args) as unknown
      }
    },
  })

/** Of the request that is under way: here they come one after the other. */
let trips: Trip[] = []
const note: Note = async (trip) => {
  trips.push(trip)
  return scheduler.wait(DELAYS[trip])
}

/** What is bound, from afar; the same with each request, since what an isolate remembers goes by it. */
const distant = new WeakMap<Env, Env>()
function distantOf(env: Env): Env {
  const known = distant.get(env)
  if (known !== undefined) return known
  const far = {
    ...env,
    DB: {
      ...farSession(env.DB.withSession('first-primary'), { isAtReplica: false, note }),
      withSession: (start: string) =>
        farSession(env.DB.withSession(start), { isAtReplica: !start.startsWith('first-'), note }),
    },
    BUCKET: slowly(env.BUCKET, async () => note('r2')),
    TOKENS: slowly(env.TOKENS, async (name, args) => note(kvTrip(name, args))),
  } as unknown as Env // of D1 the Worker uses what is here, and no more
  distant.set(env, far)
  return far
}

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    trips = []
    const response = await carrel.fetch(request, distantOf(env), context)
    const answer = new Response(response.body, response)
    answer.headers.set(TRIPS_HEADER, trips.join(' '))
    return answer
  },
  queue: carrel.queue,
}
