import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { DomainError, type ErrorCode } from '../../model/errors.ts'
import type { AppEnv } from '../../wire/context.ts'
import { judgeFailure, retryAfter } from '../../wire/failures.ts'
import { tell } from './answers.ts'

/** How a refusal is pronounced outside of GraphQL. Without words of its own, the refusal's are told. */
type Word = Readonly<{ status: ContentfulStatusCode; text?: string }>

const NOT_AUTHORIZED: Word = { status: 401, text: 'Not authorized to download the file' }
const NO_FILE: Word = { status: 404, text: 'No file exists with given ID' }
const NO_VERSION: Word = { status: 404, text: 'No version exists with given ID' }
const NO_OBJECT: Word = { status: 404, text: 'Problem finding the file' }
const NOT_FOUND: Word = { status: 404 }
const BAD: Word = { status: 400 }
const TOO_LARGE: Word = { status: 413 }
const FAILED: Word = { status: 500 }
const UNAVAILABLE: Word = { status: 503 }

const WORDS = {
  unauthenticated: NOT_AUTHORIZED,
  forbidden: NOT_AUTHORIZED,
  study_not_found: NOT_AUTHORIZED,
  participant_withdrawn: NOT_AUTHORIZED,
  download_token_not_found: NOT_AUTHORIZED,
  download_token_used: NOT_AUTHORIZED,
  download_token_expired: NOT_AUTHORIZED,
  download_token_revoked: NOT_AUTHORIZED,
  file_not_found: NO_FILE,
  version_not_found: NO_VERSION,
  content_missing: NO_OBJECT,
  route_not_found: NOT_FOUND,
  assertion_refused: NOT_FOUND,
  account_not_found: NOT_FOUND,
  key_not_found: NOT_FOUND,
  member_not_found: NOT_FOUND,
  participant_not_found: NOT_FOUND,
  upload_not_found: NOT_FOUND,
  document_not_found: NOT_FOUND,
  document_schema_not_found: NOT_FOUND,
  enrolment_code_not_found: NOT_FOUND,
  report_not_found: NOT_FOUND,
  report_entry_not_found: NOT_FOUND,
  grant_not_found: NOT_FOUND,
  erasure_not_found: NOT_FOUND,
  method_not_allowed: { status: 405 },
  malformed_json: BAD,
  invalid_request: BAD,
  invalid_body: BAD,
  document_invalid: BAD,
  cursor_invalid: BAD,
  content_type_unsupported: { status: 415 },
  body_too_large: TOO_LARGE,
  file_too_large: TOO_LARGE,
  document_too_large: TOO_LARGE,
  study_exists: BAD,
  participant_exists: BAD,
  member_exists: BAD,
  public_not_allowed: BAD,
  visibility_differs: BAD,
  numbers_exhausted: BAD,
  grants_exhausted: BAD,
  quota_exceeded: BAD,
  idempotency_key_reused: BAD,
  upload_incomplete: BAD,
  upload_size_mismatch: BAD,
  upload_checksum_mismatch: BAD,
  upload_parts_missing: BAD,
  upload_parts_rejected: BAD,
  upload_lost: BAD,
  upload_not_multipart: BAD,
  key_has_no_secret: BAD,
  key_name_taken: BAD,
  version_bound: BAD,
  revision_mismatch: BAD,
  enrolment_code_spent: BAD,
  range_not_satisfiable: { status: 416 },
  rate_limited: { status: 429 },
  prefetch_declined: UNAVAILABLE,
  overloaded: UNAVAILABLE,
  misconfigured: FAILED,
  internal: FAILED,
} as const satisfies Record<ErrorCode, Word>

/** A refusal in words of its own, whatever its code is pronounced as else. */
class Refused extends DomainError {
  readonly word: Word

  constructor(code: ErrorCode, word: Word & { text: string }) {
    super(code, word.text)
    this.word = word
  }
}

/** A file that is not of the study that was named, whether or not there is one. */
export const notInStudy = () =>
  new Refused('file_not_found', { status: 404, text: 'No file exists for given ID and study' })
/** Where a URL is asked for, upstream says it of everybody who may have none. */
export const noUrlFor = ({ code }: DomainError) =>
  new Refused(code, { status: 404, text: 'Not authenticated to generate a url.' })
export const methodNotAllowed = (method: string) =>
  new DomainError('method_not_allowed', `Method ${method} not allowed.`)

/** Whether whoever asked was not let in: they may be by something else that they show. */
export const isNotAuthorized = (failure: unknown): failure is DomainError =>
  failure instanceof DomainError && WORDS[failure.code] === NOT_AUTHORIZED

/** Whatever was thrown, in upstream's words. */
export function renderFailure(failure: unknown, c: Context<AppEnv>): Response {
  const error = judgeFailure(failure, c)
  const { status, text }: Word = error instanceof Refused ? error.word : WORDS[error.code]
  for (const [name, value] of Object.entries(retryAfter(error.code))) c.header(name, value)
  return tell(c, text ?? error.message, status)
}
