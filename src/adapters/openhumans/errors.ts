import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { DomainError, type ErrorCode } from '../../model/errors.ts'
import type { AppEnv } from '../../wire/context.ts'
import { judgeFailure, retryAfter } from '../../wire/failures.ts'
import { tell } from './answers.ts'

/** How Open Humans pronounces a refusal: a status and its body. Without one of its own, the refusal's words are told. */
type Word = Readonly<{ status: ContentfulStatusCode; body?: Readonly<Record<string, string>> }>

const INVALID_TOKEN: Word = { status: 401, body: { detail: 'Invalid token.' } }
const NO_MEMBER: Word = { status: 400, body: { project_member_id: 'project_member_id is invalid' } }
const NO_FILE: Word = { status: 400, body: { detail: 'file does not exist' } }
const NOT_FOUND: Word = { status: 404, body: { detail: 'Not found.' } }
const BAD: Word = { status: 400 }
const TOO_LARGE: Word = { status: 413 }
const FAILED: Word = { status: 500 }
const UNAVAILABLE: Word = { status: 503 }

const WORDS = {
  unauthenticated: INVALID_TOKEN,
  assertion_refused: INVALID_TOKEN,
  account_not_found: INVALID_TOKEN,
  study_not_found: INVALID_TOKEN,
  key_not_found: INVALID_TOKEN,
  forbidden: { status: 403, body: { detail: 'You do not have permission to perform this action.' } },
  route_not_found: NOT_FOUND,
  method_not_allowed: { status: 405 },
  participant_not_found: NO_MEMBER,
  participant_withdrawn: NO_MEMBER,
  member_not_found: NO_MEMBER,
  file_not_found: NO_FILE,
  upload_not_found: NO_FILE,
  version_not_found: NO_FILE,
  upload_incomplete: { status: 400, body: { detail: 'file not present' } },
  content_missing: { status: 400, body: { detail: 'file not present' } },
  download_token_not_found: NOT_FOUND,
  document_not_found: NOT_FOUND,
  document_schema_not_found: NOT_FOUND,
  enrolment_code_not_found: NOT_FOUND,
  report_not_found: NOT_FOUND,
  report_entry_not_found: NOT_FOUND,
  grant_not_found: NOT_FOUND,
  erasure_not_found: NOT_FOUND,
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
  upload_size_mismatch: BAD,
  upload_checksum_mismatch: BAD,
  upload_parts_missing: BAD,
  upload_parts_rejected: BAD,
  upload_lost: BAD,
  upload_not_multipart: BAD,
  key_has_no_secret: BAD,
  version_bound: BAD,
  key_name_taken: BAD,
  revision_mismatch: BAD,
  range_not_satisfiable: BAD,
  download_token_used: BAD,
  download_token_expired: BAD,
  download_token_revoked: BAD,
  enrolment_code_spent: BAD,
  rate_limited: { status: 429 },
  prefetch_declined: UNAVAILABLE,
  overloaded: UNAVAILABLE,
  misconfigured: FAILED,
  internal: FAILED,
} as const satisfies Record<ErrorCode, Word>

/** A refusal in Open Humans' own words, whatever its code is pronounced as else. */
export class Refused extends DomainError {
  readonly word: Readonly<{ status: ContentfulStatusCode; body: object }>

  constructor(code: ErrorCode, status: ContentfulStatusCode, body: object) {
    super(code, `Answered with ${status}.`)
    this.word = { status, body }
  }
}

const detail = (code: ErrorCode, status: ContentfulStatusCode, text: string) =>
  new Refused(code, status, { detail: text })

export const noToken = () => detail('unauthenticated', 401, 'Authentication credentials were not provided.')
export const invalidToken = () => detail('unauthenticated', 401, 'Invalid token.')
export const expiredToken = () => detail('unauthenticated', 401, 'Expired token.')
/** `why`: what is wrong with the header itself. */
export const invalidHeader = (why: string) => detail('unauthenticated', 401, `Invalid token header. ${why}`)
export const malformed = (text: string) => detail('malformed_json', 400, text)
export const unsupportedMediaType = (type: string) =>
  detail('content_type_unsupported', 415, `Unsupported media type "${type}" in request.`)
export const methodNotAllowed = (method: string) => detail('method_not_allowed', 405, `Method "${method}" not allowed.`)
export const tooLarge = (maxBytes: number) =>
  detail(
    'body_too_large',
    413,
    `A request may have ${maxBytes} bytes at most. Send large files by project/files/upload/direct/.`,
  )
export const notFound = () => detail('file_not_found', 404, 'Not found.')
export const noSuchFile = () => detail('file_not_found', 400, 'file does not exist')
export const noSuchMember = () =>
  new Refused('participant_not_found', 400, { project_member_id: 'project_member_id is invalid' })

/** What is wrong with each field; of some, upstream says it in a list, of some in one string. */
export type Faults = Readonly<Record<string, string | readonly string[]>>

/** @throws Refused for any fault, with all of them */
export function requireFaultless(faults: Faults): void {
  if (Object.keys(faults).length > 0) throw new Refused('invalid_body', 400, faults)
}

/** Whatever was thrown, in Open Humans' words; a 401 says what it asks for. */
export function renderFailure(failure: unknown, c: Context<AppEnv>): Response {
  const error = judgeFailure(failure, c)
  const { status, body } = error instanceof Refused ? error.word : wordOf(error, c)
  for (const [name, value] of Object.entries(retryAfter(error.code))) c.header(name, value)
  if (status === 401) c.header('WWW-Authenticate', 'Bearer realm="api"')
  return tell(c, body, status)
}

function wordOf(error: DomainError, c: Context<AppEnv>): { status: ContentfulStatusCode; body: object } {
  // Whoever has left has no token any more.
  const isOwn = error.code === 'participant_withdrawn' && c.var.principal?.role === 'participant'
  const { status, body }: Word = isOwn ? INVALID_TOKEN : WORDS[error.code]
  return { status, body: body ?? { detail: error.message } }
}
