import type { Context, MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import { METHOD_NAME_ALL } from 'hono/router'
import { log } from '../log.ts'
import type { AppEnv } from './context.ts'

/**
 * A path holds tokens and handles, so what is logged is the route's template; of what no route was there for, the most
 * particular pattern that it fell under.
 */
function templateOf(c: Context<AppEnv>): string {
  const matched = matchedRoutes(c)
  const route = matched.findLast(({ method }) => method !== METHOD_NAME_ALL)
  return route?.path ?? matched.map(({ path }) => path).reduce((a, b) => (b.length >= a.length ? b : a), '')
}

/** One line per request. */
export const logRequest: MiddlewareHandler<AppEnv> = async (c, next) => {
  const startedAt = performance.now()
  await next()
  log({
    at: c.get('now').toISOString(),
    requestId: c.get('requestId'),
    method: c.req.method,
    route: templateOf(c),
    status: c.res.status,
    credential: c.get('credential').kind,
    milliseconds: Math.round(performance.now() - startedAt),
  })
}
