import type { MiddlewareHandler } from 'hono'
import { unauthenticated } from '../model/errors.ts'
import type { AppEnv } from '../wire/context.ts'
import { bearerOf, credentialOfToken } from '../wire/credentials.ts'

/** Takes an Authorization header, where there is one, for the bearer that it has to be. */
export const authenticate: MiddlewareHandler<AppEnv> = async (c, next) => {
  const header = c.req.header('Authorization')
  if (header !== undefined) {
    const token = bearerOf(header)
    if (token === undefined) throw unauthenticated()
    c.set('credential', await credentialOfToken(token, c.env, c.var.now))
  }
  await next()
}

/** For what is never public: asked before anything else about the request is judged. */
export const refuseAnonymous: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.var.credential.kind === 'anonymous') throw unauthenticated()
  await next()
}
