import type { MiddlewareHandler } from 'hono'
import { closed } from '../model/errors.ts'
import { runtimeOf } from '../runtime.ts'
import type { AppEnv } from './context.ts'
import { showsOperatorKey } from './credentials.ts'

/**
 * Where the settings say that nobody is served, which is while a database that was put back is not as it must be yet:
 * at every door, to all but the operator. That the service is there is told all the same.
 */
export const refuseWhileClosed: MiddlewareHandler<AppEnv> = async (c, next) => {
  const isServed = c.req.path === '/health' || runtimeOf(c.env).settings.serves || (await showsOperatorKey(c))
  if (!isServed) throw closed()
  await next()
}
