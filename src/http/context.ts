import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { TrieRouter } from 'hono/router/trie-router'
import type { Credential, Door, Principal } from '../model/principal.ts'
import type { Scope } from '../domain/scope.ts'
import { isBookmark } from '../model/bookmark.ts'
import type { Idempotency } from '../model/idempotency.ts'
import { openScope } from '../runtime.ts'
import { refuseInvalid } from './validation.ts'

export type AppEnv = {
  Bindings: Env
  Variables: {
    requestId: string
    credential: Credential
    now: Date
    idempotency?: Idempotency
    session?: D1DatabaseSession
    /** Who asks, once a verb has found out. */
    principal?: Principal
  }
}

const isRead = (method: string) => method === 'GET' || method === 'HEAD'

/**
 * A router whose invalid requests end as problems, like everything else that goes wrong. Paths are matched a segment at a
 * time: to Hono's default router the colon of `files:delete` begins a parameter, which any text after `files` would fill.
 */
export const newRouter = () => new OpenAPIHono<AppEnv>({ defaultHook: refuseInvalid, router: new TrieRouter() })

/**
 * The request's own session with the database: at the primary, but for a read that says how far a replica must have come.
 * A link has none: whether it was used is the primary's to say.
 */
function sessionOf(c: Context<AppEnv>): D1DatabaseSession {
  const bookmark = isRead(c.req.method) ? (c.req.header('Carrel-Bookmark') ?? '') : ''
  const session = c.var.session ?? c.env.DB.withSession(isBookmark(bookmark) ? bookmark : 'first-primary')
  c.set('session', session)
  return session
}

/** First argument of every verb, for this request. */
export function scopeOf(c: Context<AppEnv>, door: Door = 'native'): Scope {
  const { idempotency } = c.var
  return openScope(c.env, {
    credential: c.var.credential,
    door,
    origin: new URL(c.req.url).origin,
    now: c.var.now,
    context: c.executionCtx,
    session: door === 'link' ? undefined : sessionOf(c),
    identified: (principal) => c.set('principal', principal),
    idempotency: idempotency && { ...idempotency, onReplay: () => c.header('Idempotency-Replayed', 'true') },
  })
}
