import type { MiddlewareHandler } from 'hono'
import { invalidRequest } from '../model/errors.ts'
import type { AppEnv } from '../wire/context.ts'
import { placesNotUtf8 } from '../wire/utf8.ts'

export const requireUtf8: MiddlewareHandler<AppEnv> = async (c, next) => {
  const errors = placesNotUtf8(c.req.url)
  if (errors.length > 0) throw invalidRequest(errors)
  await next()
}
