import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { DomainError, type ErrorCode } from '../../../model/errors.ts'
import type { AppEnv } from '../../../wire/context.ts'
import { judgeFailure } from '../../../wire/failures.ts'

/**
 * How GraphQL pronounces a refusal. The status is that of a request of which nothing can be answered: what is refused to
 * one of its fields is told in the answer, and that is a 200. Without words of its own, the refusal's are told.
 * Clients compare the words: what there is to say besides is a hint.
 */
type Word = Readonly<{ status: ContentfulStatusCode; message?: string; hint?: string }>

const BAD: Word = { status: 400 }
const NOT_ALLOWED: Word = { status: 200, message: 'Not allowed' }
const NO_STUDY: Word = { status: 200, message: 'Study was not found' }
const NO_FILE: Word = { status: 200, message: 'File was not found' }
const NO_VERSION: Word = { status: 200, message: 'Version was not found' }
const TOO_LARGE: Word = {
  status: 413,
  message: 'File is too large.',
  hint: 'Larger files go straight to storage: begin an upload with POST /v1/studies/{study}/files.',
}
const NOT_SAVED: Word = { status: 400, message: 'Failed to save file' }
const FAILED: Word = { status: 500, message: 'Something went wrong here. It was noted.' }

const WORDS = {
  unauthenticated: NOT_ALLOWED,
  assertion_refused: NOT_ALLOWED,
  account_not_found: NOT_ALLOWED,
  forbidden: NOT_ALLOWED,
  participant_withdrawn: NOT_ALLOWED,
  public_not_allowed: NOT_ALLOWED,
  study_not_found: NO_STUDY,
  file_not_found: NO_FILE,
  upload_not_found: NO_FILE,
  content_missing: NO_VERSION,
  version_not_found: NO_VERSION,
  key_not_found: { status: 200, message: 'Token does not exist.' },
  key_name_taken: { status: 200, message: 'Token with this name already exists.' },
  route_not_found: { status: 404 },
  participant_not_found: BAD,
  member_not_found: BAD,
  download_token_not_found: BAD,
  document_not_found: BAD,
  enrolment_code_not_found: BAD,
  document_schema_not_found: BAD,
  report_not_found: BAD,
  report_entry_not_found: BAD,
  grant_not_found: BAD,
  erasure_not_found: BAD,
  method_not_allowed: { status: 405 },
  malformed_json: BAD,
  invalid_request: BAD,
  invalid_body: BAD,
  cursor_invalid: { status: 400, message: '`after` must be a cursor that this connection has told, unchanged.' },
  content_type_unsupported: { status: 415 },
  body_too_large: { status: 413 },
  file_too_large: TOO_LARGE,
  document_too_large: BAD,
  document_invalid: BAD,
  study_exists: BAD,
  participant_exists: BAD,
  member_exists: BAD,
  visibility_differs: BAD,
  numbers_exhausted: BAD,
  grants_exhausted: BAD,
  quota_exceeded: BAD,
  idempotency_key_reused: BAD,
  upload_incomplete: NOT_SAVED,
  upload_size_mismatch: NOT_SAVED,
  upload_checksum_mismatch: NOT_SAVED,
  upload_parts_missing: NOT_SAVED,
  upload_parts_rejected: NOT_SAVED,
  upload_lost: NOT_SAVED,
  upload_not_multipart: NOT_SAVED,
  key_has_no_secret: BAD,
  revision_mismatch: BAD,
  version_bound: BAD,
  range_not_satisfiable: BAD,
  download_token_used: BAD,
  download_token_expired: BAD,
  download_token_revoked: BAD,
  enrolment_code_spent: BAD,
  rate_limited: { status: 429 },
  prefetch_declined: { status: 503 },
  overloaded: { status: 503 },
  misconfigured: FAILED,
  internal: FAILED,
} as const satisfies Record<ErrorCode, Word>

/** A refusal in Kids First's own words, whatever its code is pronounced as else. */
export class Refused extends DomainError {}

/** The same code, in the words that one operation has for it. */
export type Sayings = Readonly<Partial<Record<ErrorCode, string>>>

/** What a verb answers; its refusals are in the words of the operation that asks, where it has any. */
export async function saying<Answer>(words: Sayings, answer: Promise<Answer>): Promise<Answer> {
  try {
    return await answer
  } catch (failure) {
    if (!(failure instanceof DomainError) || failure instanceof Refused) throw failure
    const message = words[failure.code]
    throw message === undefined ? failure : new Refused(failure.code, message, { cause: failure })
  }
}

/** What is wrong with what a client asks, in words that say what to change. */
export const askedWrongly = (message: string) => new Refused('invalid_body', message)

export type Judged = Readonly<{
  code: ErrorCode
  status: ContentfulStatusCode
  message: string
  hint: string | undefined
}>

/** What any failure is to the client; one of our own is written to the log, and told without what it was about. */
export function judge(failure: unknown, c: Context<AppEnv>): Judged {
  const error = judgeFailure(failure, c)
  const { status, message, hint }: Word = WORDS[error.code]
  const told = error instanceof Refused ? error.message : (message ?? error.message)
  return { code: error.code, status, message: told, hint }
}
