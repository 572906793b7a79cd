import type { Context, MiddlewareHandler } from 'hono'
import type { Credential, Door, Principal, Role } from '../model/principal.ts'
import type { Scope, Waits } from '../domain/scope.ts'
import { bookmarkFor } from '../model/bookmark.ts'
import type { Idempotency } from '../model/idempotency.ts'
import { openScope, type Queryable } from '../runtime.ts'

export type AppEnv = {
  Bindings: Env
  Variables: {
    requestId: string
    credential: Credential
    now: Date
    /** The tongue that the request speaks: native, unless whatever the path belongs to says otherwise. */
    door: Door
    idempotency?: Idempotency
    /** With each database that was asked, by its number: at the primary, or where the caller's bookmark is. */
    sessions?: Map<number, D1DatabaseSession>
    /** A write that may look around at a replica, as a read may. */
    looksNearby?: true
    /** What is waited for, where that is told. */
    waits?: Waits
    /** Who asks, once a verb has found out. */
    principal?: Principal
  }
}

/** What every tongue knows of a request before it looks at it. */
export const beginRequest: MiddlewareHandler<AppEnv> = async (c, next) => {
  c.set('now', new Date())
  c.set('credential', { kind: 'anonymous' })
  c.set('door', 'native')
  await next()
}

/** Says by which door the requests for a path come in. */
export const comingBy =
  (door: Door): MiddlewareHandler<AppEnv> =>
  async (c, next) => {
    c.set('door', door)
    await next()
  }

const mayLookNearby = (c: Context<AppEnv>) =>
  c.req.method === 'GET' || c.req.method === 'HEAD' || c.get('looksNearby') === true

/**
 * The request's own session with a database: at the primary, but for a read that says how far a replica must have come.
 * What such a session writes goes to the primary, and what it reads after that knows of it (docs: D1, "Sessions").
 * What was said of another database is of no use to this one.
 */
function sessionWith(c: Context<AppEnv>, database: D1Database, number: number): D1DatabaseSession {
  const sessions = c.get('sessions') ?? new Map<number, D1DatabaseSession>()
  const bookmark = mayLookNearby(c) ? bookmarkFor(number, c.req.header('Carrel-Bookmark') ?? '') : undefined
  const session = sessions.get(number) ?? database.withSession(bookmark ?? 'first-primary')
  c.set('sessions', sessions.set(number, session))
  return session
}

/** One that begins with the first question. */
const sessionWhenAsked = (c: Context<AppEnv>, database: D1Database, number: number): Queryable => ({
  prepare: (query) => sessionWith(c, database, number).prepare(query),
  batch: async <Row>(statements: D1PreparedStatement[]) => sessionWith(c, database, number).batch<Row>(statements),
})

/**
 * First argument of every verb, for this request. `admits`: the roles that a foreign operation lets in; undefined: all.
 * `requiresActive`: a participant who has withdrawn is refused, also when reading.
 */
export function scopeOf(
  c: Context<AppEnv>,
  { admits, requiresActive = false }: { admits?: readonly Role[] | undefined; requiresActive?: boolean } = {},
): Scope {
  const idempotency = c.get('idempotency')
  return openScope(c.env, {
    credential: c.get('credential'),
    door: c.get('door'),
    origin: new URL(c.req.url).origin,
    now: c.get('now'),
    context: c.executionCtx,
    // A link has none: whether it was used is the primary's to say.
    sessionWith: (database, number) => (c.get('door') === 'link' ? database : sessionWhenAsked(c, database, number)),
    waits: c.get('waits'),
    identified: (principal) => c.set('principal', principal),
    idempotency: idempotency && { ...idempotency, onReplay: () => c.header('Idempotency-Replayed', 'true') },
    admits,
    requiresActive,
  })
}
