import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { DomainError, ErrorCode } from '../../model/errors.ts'
import type { AppEnv } from '../../wire/context.ts'
import { judgeFailure, retryAfter } from '../../wire/failures.ts'
import { recordRefusal } from '../../wire/refusals.ts'
import { statusOf } from './errors.ts'

/** RFC 6749 section 5.2, and the two that section 4.1.2.1 has for what is not the client's fault. */
type OAuthCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'temporarily_unavailable'
  | 'server_error'

/** A refusal of the token endpoint; `description` says what to change. */
export class OAuthRefusal extends Error {
  override readonly name = 'OAuthRefusal'
  readonly code: OAuthCode
  constructor(code: OAuthCode, description: string) {
    super(description)
    this.code = code
  }
}

/** What refusals of the domain are to an OAuth client; whatever else is wrong is the request. */
const CODES: Partial<Record<ErrorCode, OAuthCode>> = {
  assertion_refused: 'invalid_client',
  unauthenticated: 'invalid_grant',
  forbidden: 'invalid_grant',
  participant_not_found: 'invalid_grant',
  study_not_found: 'invalid_grant',
  rate_limited: 'temporarily_unavailable',
  overloaded: 'temporarily_unavailable',
  internal: 'server_error',
  misconfigured: 'server_error',
}

/** What `token` is not, where it is refused. */
const NO_SERVICE_TOKEN = '`token` must be a service account’s own access token that has not expired.'

const describe = ({ code, message }: DomainError) =>
  code === 'unauthenticated' || code === 'forbidden' ? NO_SERVICE_TOKEN : message

/** Section 5.2: characters outside of printable ASCII, and quotes and backslashes, are not for descriptions. */
const described = (text: string) => text.replaceAll('’', "'").replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?')

/** Section 5.2: 400, and 401 only for a client that tried to be known by a header. */
const statusFor = (c: Context<AppEnv>, code: OAuthCode) =>
  code === 'invalid_client' && c.req.header('Authorization') !== undefined ? 401 : 400

const NO_STORE = { 'Cache-Control': 'no-store', Pragma: 'no-cache' }

function answer(c: Context<AppEnv>, { code, message }: OAuthRefusal, status: ContentfulStatusCode): Response {
  return c.json({ error: code, error_description: described(message) }, status, {
    ...NO_STORE,
    ...(status === 401 ? { 'WWW-Authenticate': 'Basic realm="carrel"' } : {}),
  })
}

/** How the token endpoint says no. */
export function renderOAuthRefusal(failure: unknown, c: Context<AppEnv>): Response {
  if (failure instanceof OAuthRefusal) return answer(c, failure, statusFor(c, failure.code))
  recordRefusal(c, failure)
  const error = judgeFailure(failure, c)
  const code = CODES[error.code] ?? 'invalid_request'
  const isOurs = code === 'temporarily_unavailable' || code === 'server_error'
  const status = isOurs ? statusOf(error.code) : statusFor(c, code)
  const said = answer(c, new OAuthRefusal(code, describe(error)), status)
  for (const [name, value] of Object.entries(retryAfter(error.code))) said.headers.set(name, value)
  return said
}

export type OAuthToken = Readonly<{ token: string; seconds: number; scope: string }>

/** Section 5.1. */
export const tellToken = (c: Context<AppEnv>, { token, seconds, scope }: OAuthToken): Response =>
  c.json({ access_token: token, expires_in: seconds, token_type: 'Bearer', scope }, 200, NO_STORE)
