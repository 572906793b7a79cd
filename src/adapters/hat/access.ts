import type { Context, Handler, MiddlewareHandler } from 'hono'
import { credentialOfKey, credentialOfSession } from '../../domain/credentials.ts'
import { findHost, type FoundHost } from '../../domain/hosts.ts'
import type { Scope } from '../../domain/scope.ts'
import { keepSession } from '../../domain/sessions.ts'
import { forbidden, routeNotFound, unauthenticated } from '../../model/errors.ts'
import type { HostName, ParticipantId, StudyId } from '../../model/ids.ts'
import { runtimeOf } from '../../runtime.ts'
import { allowedOrigin } from '../../wire/browsers.ts'
import { type AppEnv, scopeOf } from '../../wire/context.ts'
import { HostText } from '../../wire/shapes.ts'
import { hatUnavailable } from './errors.ts'
import { openToken, signToken, type Token } from './tokens.ts'

const DAY_SECONDS = 86_400
/** How long a session lives: clients take a token of three days ago for expired, whatever it says. */
export const LIVES = { idleSeconds: 3 * DAY_SECONDS, seconds: 30 * DAY_SECONDS }
const RENEWED_AFTER_MS = 3_600_000

export const TOKEN_HEADER = 'X-Auth-Token'

/** Where the request came to, which is not yet anybody's. */
const hostOf = (c: Context<AppEnv>): string => new URL(c.req.url).host

/**
 * A token of this host, or a key in place of one; anything else is nobody. A token is used up by time alone, so who comes
 * with one that is an hour old is given a newer one for the same session.
 */
export const authenticate: MiddlewareHandler<AppEnv> = async (c, next) => {
  const shown = c.req.header(TOKEN_HEADER)?.trim() ?? ''
  const { settings } = runtimeOf(c.env)
  const token = await openToken(settings, shown, { host: hostOf(c), now: c.var.now })
  const credential = token === undefined ? await credentialOfKey(shown) : await credentialOfSession(token.session)
  if (credential !== undefined) c.set('credential', credential)
  await next()
  if (token !== undefined) await renew(c, token)
}

async function renew(c: Context<AppEnv>, token: Token): Promise<void> {
  const { principal, now } = c.var
  // Of who was not let in, nothing is renewed.
  if (principal === undefined || !('study' in principal)) return
  if (now.getTime() - token.issuedAt.getTime() < RENEWED_AFTER_MS) return
  keepSession(scopeOf(c), principal.study, LIVES)
  c.header(TOKEN_HEADER, await signToken(runtimeOf(c.env).settings, { ...token, issuedAt: now }))
}

/** A request as an operation has it: the caller, judged where the scope is first used, and whose HAT it came to. */
export type Call = Readonly<{ scope: Scope; study: StudyId; owner: ParticipantId; host: HostName }>
type Verb = (c: Context<AppEnv>, call: Call) => Promise<Response>

/** @throws DomainError HAT's word for a host that is nobody's */
async function callOf(c: Context<AppEnv>): Promise<Call> {
  const host = HostText.safeParse(hostOf(c))
  const found: FoundHost | undefined = host.success ? await findHost(scopeOf(c), host.data) : undefined
  if (!host.success || found === undefined) throw hatUnavailable()
  const { credential } = c.var
  // Whoever is of another study is nobody here.
  if ('studyNumber' in credential && credential.studyNumber !== found.studyNumber) {
    c.set('credential', { kind: 'anonymous' })
  }
  return { scope: scopeOf(c), study: found.study, owner: found.participant, host: host.data }
}

/** An operation for who shows something good. */
export const operation =
  (verb: Verb): Handler<AppEnv> =>
  async (c) => {
    const call = await callOf(c)
    if (c.var.credential.kind === 'anonymous') throw unauthenticated()
    return verb(c, call)
  }

/** An operation for anyone. */
export const open =
  (verb: Verb): Handler<AppEnv> =>
  async (c) =>
    verb(c, await callOf(c))

const PREFETCH = /prefetch|prerender/i

/**
 * For what a GET changes: it is done for a program that means it, and neither for a browser that looks ahead nor for a
 * page that is not let call. Nothing here goes by cookies, so such a page has no token to show either.
 */
export const deliberate: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (c.req.method === 'HEAD') throw routeNotFound()
  const header = (name: string) => c.req.header(name)
  const purpose = `${header('Sec-Purpose') ?? ''} ${header('Purpose') ?? ''} ${header('X-Purpose') ?? ''}`
  if (PREFETCH.test(purpose) || !comesFromWhereItMay(c)) throw forbidden()
  await next()
}

function comesFromWhereItMay(c: Context<AppEnv>): boolean {
  const origin = c.req.header('Origin')
  if (origin === undefined) return c.req.header('Sec-Fetch-Site') !== 'cross-site'
  return origin === new URL(c.req.url).origin || allowedOrigin(origin, c) !== null
}
