import type { Context, MiddlewareHandler } from 'hono'
import type { Credential, Door, Principal, Role } from '../model/principal.ts'
import type { Scope, Waits } from '../domain/scope.ts'
import { isBookmark } from '../model/bookmark.ts'
import type { Idempotency } from '../model/idempotency.ts'
import { openScope } from '../runtime.ts'

export type AppEnv = {
  Bindings: Env
  Variables: {
    requestId: string
    credential: Credential
    now: Date
    /** The tongue that the request speaks: native, unless whatever the path belongs to says otherwise. */
    door: Door
    idempotency?: Idempotency
    session?: D1DatabaseSession
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

const isRead = (method: string) => method === 'GET' || method === 'HEAD'

/**
 * The request's own session with the database: at the primary, but for a read that says how far a replica must have come.
 * A link has none: whether it was used is the primary's to say.
 */
function sessionOf(c: Context<AppEnv>): D1DatabaseSession | undefined {
  if (c.var.door === 'link') return undefined
  const bookmark = isRead(c.req.method) ? (c.req.header('Carrel-Bookmark') ?? '') : ''
  const session = c.var.session ?? c.env.DB.withSession(isBookmark(bookmark) ? bookmark : 'first-primary')
  c.set('session', session)
  return session
}

/**
 * First argument of every verb, for this request. `admits`: the roles that a foreign operation lets in; undefined: all.
 * `requiresActive`: a participant who has withdrawn is refused, also when reading.
 */
export function scopeOf(
  c: Context<AppEnv>,
  { admits, requiresActive = false }: { admits?: readonly Role[] | undefined; requiresActive?: boolean } = {},
): Scope {
  const { idempotency } = c.var
  return openScope(c.env, {
    credential: c.var.credential,
    door: c.var.door,
    origin: new URL(c.req.url).origin,
    now: c.var.now,
    context: c.executionCtx,
    session: sessionOf(c),
    waits: c.var.waits,
    identified: (principal) => c.set('principal', principal),
    idempotency: idempotency && { ...idempotency, onReplay: () => c.header('Idempotency-Replayed', 'true') },
    admits,
    requiresActive,
  })
}
