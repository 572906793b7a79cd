import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { type ErrorCode, methodNotAllowed, routeNotFound } from '../../model/errors.ts'
import type { AppEnv } from '../../wire/context.ts'
import { judgeFailure, retryAfter } from '../../wire/failures.ts'
import { recordRefusal } from '../../wire/refusals.ts'
import { namesOf } from './keys.ts'
import { isDelegated, rawKeyOf, searchOf } from './queries.ts'

/** How MyDataHelps pronounces each refusal: what is wrong with a request is 400, whatever part of it. */
const STATUS = {
  unauthenticated: 401,
  assertion_refused: 401,
  forbidden: 403,
  participant_withdrawn: 403,
  route_not_found: 404,
  study_not_found: 404,
  participant_not_found: 404,
  member_not_found: 404,
  account_not_found: 404,
  key_not_found: 404,
  file_not_found: 404,
  version_not_found: 404,
  upload_not_found: 404,
  download_token_not_found: 404,
  document_not_found: 404,
  enrolment_code_not_found: 404,
  document_schema_not_found: 404,
  report_not_found: 404,
  report_entry_not_found: 404,
  grant_not_found: 404,
  erasure_not_found: 404,
  // To these clients a file is there once its bytes are.
  content_missing: 404,
  method_not_allowed: 405,
  malformed_json: 400,
  invalid_request: 400,
  invalid_body: 400,
  cursor_invalid: 400,
  document_invalid: 400,
  content_type_unsupported: 415,
  body_too_large: 413,
  document_too_large: 413,
  file_too_large: 413,
  study_exists: 409,
  participant_exists: 409,
  member_exists: 409,
  public_not_allowed: 409,
  visibility_differs: 409,
  numbers_exhausted: 409,
  grants_exhausted: 409,
  quota_exceeded: 409,
  idempotency_key_reused: 409,
  upload_incomplete: 409,
  upload_size_mismatch: 409,
  upload_checksum_mismatch: 409,
  upload_parts_missing: 409,
  upload_parts_rejected: 409,
  upload_lost: 409,
  upload_not_multipart: 409,
  key_has_no_secret: 409,
  version_bound: 409,
  key_name_taken: 409,
  revision_mismatch: 409,
  download_token_used: 410,
  download_token_expired: 410,
  download_token_revoked: 410,
  enrolment_code_spent: 410,
  range_not_satisfiable: 416,
  rate_limited: 429,
  prefetch_declined: 503,
  overloaded: 503,
  misconfigured: 500,
  internal: 500,
} as const satisfies Record<ErrorCode, ContentfulStatusCode>

export const statusOf = (code: ErrorCode) => STATUS[code]

/** What is called otherwise here. */
const WORDS: Partial<Record<ErrorCode, string>> = {
  unauthenticated: 'Send a valid access token as `Authorization: Bearer ...`.',
  forbidden: 'The token does not allow this. For files, ask for the scope `Files:read`, `Files:write` or `api`.',
  study_not_found: 'No such project.',
  cursor_invalid: 'This `pageID` was not made by this query. Start again without one.',
}

/** What may stand in the first line of an answer. */
const printable = (text: string) => text.replaceAll(/[^\x20-\x7e]+/g, '?')

/**
 * The reason as JSON and, for the SDK shows nothing else, in the answer's first line, where HTTP has one: from version 2
 * on it has none.
 */
export function renderFailure(failure: unknown, c: Context<AppEnv>): Response {
  const { code, message, errors } = judgeFailure(failure, c)
  const status = STATUS[code]
  const words = WORDS[code] ?? message
  const body = { message: words, code, ...(errors === undefined ? {} : { errors }), requestId: c.var.requestId }
  const answer = c.json(body, status, {
    'Cache-Control': 'no-store',
    ...(status === 401 ? { 'WWW-Authenticate': 'Bearer realm="carrel"' } : {}),
    ...retryAfter(code),
  })
  return new Response(answer.body, { status, statusText: printable(words), headers: answer.headers })
}

/** Whose thing a request is about, and which: what a key names or, without one, the participant's own. */
function aboutOf(c: Context<AppEnv>) {
  const [named] = namesOf(rawKeyOf(searchOf(c)) ?? '')
  const own = isDelegated(c) ? ('me' as const) : undefined
  return { participant: named?.owner ?? own, values: named === undefined ? [] : [named.handle] }
}

/** Puts a refusal on record before it is told. */
export function renderRefusal(failure: unknown, c: Context<AppEnv>): Response {
  recordRefusal(c, failure, aboutOf(c))
  return renderFailure(failure, c)
}

export const renderNotFound = (c: Context<AppEnv>): Response => renderFailure(routeNotFound(), c)

/** A path that is there, by a method that it does not have. */
export function refuseMethod(c: Context<AppEnv>, allowed: string[]): Response {
  const answer = renderFailure(methodNotAllowed(allowed), c)
  answer.headers.set('Allow', allowed.join(', '))
  return answer
}
