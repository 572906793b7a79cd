import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { type ErrorCode, methodNotAllowed, routeNotFound } from '../model/errors.ts'
import type { AppEnv } from '../wire/context.ts'
import { judgeFailure, retryAfter } from '../wire/failures.ts'

/** How the native API pronounces each refusal. */
export const STATUS = {
  unauthenticated: 401,
  assertion_refused: 401,
  forbidden: 403,
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
  method_not_allowed: 405,
  malformed_json: 400,
  invalid_request: 400,
  cursor_invalid: 400,
  content_type_unsupported: 415,
  body_too_large: 413,
  document_too_large: 413,
  document_invalid: 422,
  invalid_body: 422,
  file_too_large: 422,
  study_exists: 409,
  participant_exists: 409,
  member_exists: 409,
  participant_withdrawn: 403,
  public_not_allowed: 409,
  visibility_differs: 409,
  numbers_exhausted: 409,
  grants_exhausted: 409,
  quota_exceeded: 409,
  idempotency_key_reused: 422,
  upload_incomplete: 409,
  upload_size_mismatch: 409,
  upload_checksum_mismatch: 409,
  upload_parts_missing: 409,
  upload_parts_rejected: 409,
  upload_lost: 409,
  upload_not_multipart: 409,
  key_has_no_secret: 409,
  key_name_taken: 409,
  content_missing: 409,
  version_bound: 409,
  revision_mismatch: 412,
  range_not_satisfiable: 416,
  download_token_used: 410,
  download_token_expired: 410,
  download_token_revoked: 410,
  enrolment_code_spent: 410,
  rate_limited: 429,
  prefetch_declined: 503,
  overloaded: 503,
  misconfigured: 500,
  internal: 500,
} as const satisfies Record<ErrorCode, ContentfulStatusCode>

/** What is answered in foreign protocols only. */
const FOREIGN: readonly string[] = [
  'account_not_found',
  'assertion_refused',
  'key_name_taken',
  'version_bound',
] satisfies ErrorCode[]
/** Every code that the native API has. */
export const CODES = Object.keys(STATUS).filter((code) => !FOREIGN.includes(code))

/** One short sentence for each, the same for every occurrence (RFC 9457 section 3.1.3). */
const titleOf = (code: ErrorCode) => {
  const words = code.replaceAll('_', ' ')
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`
}

/** RFC 9457 problem+json for anything that was thrown. */
export function renderProblem(failure: unknown, c: Context<AppEnv>): Response {
  const error = judgeFailure(failure, c)
  const status = STATUS[error.code]
  return c.body(
    JSON.stringify({
      type: `urn:carrel:problem:${error.code}`,
      title: titleOf(error.code),
      status,
      detail: error.message,
      code: error.code,
      ...(error.errors === undefined ? {} : { errors: error.errors }),
      requestId: c.var.requestId,
    }),
    status,
    {
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
      ...(status === 401 ? { 'WWW-Authenticate': 'Bearer realm="carrel"' } : {}),
      ...retryAfter(error.code),
    },
  )
}

export const renderNotFound = (c: Context<AppEnv>): Response => renderProblem(routeNotFound(), c)

/** A path that is there, by a method that it does not have. */
export function refuseMethod(c: Context<AppEnv>, allowed: string[]): Response {
  const answer = renderProblem(methodNotAllowed(allowed), c)
  answer.headers.set('Allow', allowed.join(', '))
  return answer
}
