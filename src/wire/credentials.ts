import type { Context } from 'hono'
import { credentialOfKey, credentialOfSession, isOperatorKey } from '../domain/credentials.ts'
import { unauthenticated } from '../model/errors.ts'
import type { Credential } from '../model/principal.ts'
import { runtimeOf } from '../runtime.ts'
import type { AppEnv } from './context.ts'

const BEARER = /^bearer +([^\s]+) *$/i
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/

/** The token of an Authorization header; undefined if it is no well-formed bearer. */
export const bearerOf = (header: string): string | undefined => BEARER.exec(header)?.[1]

/** Whether the operator asks, whatever anyone else may show. */
export async function showsOperatorKey(c: Context<AppEnv>): Promise<boolean> {
  const token = bearerOf(c.req.header('Authorization') ?? '')
  return token !== undefined && isOperatorKey(token, runtimeOf(c.env).settings)
}

/**
 * What a token's text shows: a Carrel key, a JWT of an issuer that is set, or the operator's key. It is parsed, and a
 * JWT's signature checked; whether it opens anything is decided where it is used.
 * @throws DomainError `unauthenticated` for any other text
 */
export async function credentialOfToken(token: string, env: Env, now: Date): Promise<Credential> {
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

/** What the text of a foreign protocol's session shows; undefined for any other. A key does wherever a session does. */
export const credentialIn = async (text: string): Promise<Credential | undefined> =>
  (await credentialOfSession(text)) ?? credentialOfKey(text)

/** The same. @throws DomainError `unauthenticated` for any other text */
export async function credentialOfSecret(text: string): Promise<Credential> {
  const credential = await credentialIn(text)
  if (credential === undefined) throw unauthenticated()
  return credential
}
