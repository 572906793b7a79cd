import type { Context, MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import { log } from '../log.ts'
import type { AppEnv } from './context.ts'

/** A path holds tokens and handles, so what is logged is the route's template. */
const templateOf = (c: Context<AppEnv>) => routePath(c, -1)

/** One line per request. */
export const logRequest: MiddlewareHandler<AppEnv> = async (c, next) => {
  const startedAt = performance.now()
  await next()
  log({
    at: c.var.now.toISOString(),
    requestId: c.var.requestId,
    method: c.req.method,
    route: templateOf(c),
    status: c.res.status,
    credential: c.var.credential.kind,
    milliseconds: Math.round(performance.now() - startedAt),
  })
}
