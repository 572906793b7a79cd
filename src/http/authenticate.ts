import type { MiddlewareHandler } from 'hono'
import { credentialOfKey, isOperatorKey } from '../domain/credentials.ts'
import { unauthenticated } from '../model/errors.ts'
import type { Credential } from '../model/principal.ts'
import { runtimeOf } from '../runtime.ts'
import type { AppEnv } from './context.ts'

const BEARER = /^bearer +([^\s]+) *$/i
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/

/**
 * What an Authorization header shows. It is parsed, and a JWT's signature checked; whether it opens anything is
 * decided where it is used.
 * @throws DomainError `unauthenticated` for anything but a well-formed bearer
 */
async function credentialOf(header: string | undefined, env: Env, now: Date): Promise<Credential> {
  if (header === undefined) return { kind: 'anonymous' }
  const token = BEARER.exec(header)?.[1]
  if (token === undefined) throw unauthenticated()
  const key = await credentialOfKey(token)
  if (key !== undefined) return key
  const { settings, verifyJwt } = runtimeOf(env)
  if (JWT.test(token)) {
    const verified = await verifyJwt(token, now)
    if (verified !== undefined) return verified
  } else if (await isOperatorKey(token, settings)) {
    return { kind: 'operator' }
  }
  throw unauthenticated()
}

export const authenticate: MiddlewareHandler<AppEnv> = async (c, next) => {
  c.set('credential', await credentialOf(c.req.header('Authorization'), c.env, c.var.now))
  await next()
}

/** For what is never public: asked before anything else about the request is judged. */
export const refuseAnonymous: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.var.credential.kind === 'anonymous') throw unauthenticated()
  await next()
}
