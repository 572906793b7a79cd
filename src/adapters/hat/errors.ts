import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { DomainError, type ErrorCode } from '../../model/errors.ts'
import type { AppEnv } from '../../wire/context.ts'
import { judgeFailure, retryAfter } from '../../wire/failures.ts'
import { recordRefusal } from '../../wire/refusals.ts'
import { tell } from './answers.ts'

/** What HAT's framework says: of routes, credentials, and bodies that it cannot read. */
type Framework = Readonly<{ status: ContentfulStatusCode; error: string; message?: string }>
/** What its operations say; without a cause of its own, what the refusal says. */
type Controller = Readonly<{ status: ContentfulStatusCode; title: string; cause?: string }>
type Word = Framework | Controller

const NOT_AUTHENTICATED: Word = { status: 401, error: 'Not Authenticated', message: 'Not Authenticated' }
const DENIED: Word = { status: 403, error: 'Forbidden', message: 'Access Denied' }
const BAD_REQUEST = { status: 400, error: 'Bad Request' } as const satisfies Word
const NO_FILE = { status: 404, title: 'No such file' } as const satisfies Word
const NO_USER = { status: 404, title: 'No such user' } as const satisfies Word
const NOT_UPLOADED: Word = {
  status: 400,
  title: 'File not available',
  cause: 'Not fully uploaded file can not be completed',
}
const NOT_POSSIBLE: Word = { status: 400, title: 'Request could not be fulfilled' }
const NO_HANDLER = { status: 404, error: 'Handler Not Found' } as const satisfies Word
const FAILED = { error: 'Internal Server error' }

const WORDS = {
  unauthenticated: NOT_AUTHENTICATED,
  account_not_found: NOT_AUTHENTICATED,
  assertion_refused: NOT_AUTHENTICATED,
  forbidden: DENIED,
  // Somebody else's HAT: who may begin nothing there is told no more.
  participant_not_found: DENIED,
  participant_withdrawn: { status: 403, error: 'Forbidden' },
  study_not_found: NOT_AUTHENTICATED,
  route_not_found: NO_HANDLER,
  method_not_allowed: NO_HANDLER,
  file_not_found: NO_FILE,
  version_not_found: NO_FILE,
  upload_not_found: NO_FILE,
  download_token_not_found: NO_FILE,
  document_not_found: NO_FILE,
  report_not_found: NO_FILE,
  report_entry_not_found: NO_FILE,
  document_schema_not_found: NO_FILE,
  content_missing: { status: 404, title: 'File not available' },
  member_not_found: NO_USER,
  key_not_found: NO_USER,
  enrolment_code_not_found: NO_USER,
  erasure_not_found: NO_USER,
  grant_not_found: NO_USER,
  malformed_json: BAD_REQUEST,
  invalid_body: BAD_REQUEST,
  invalid_request: BAD_REQUEST,
  document_invalid: BAD_REQUEST,
  cursor_invalid: BAD_REQUEST,
  content_type_unsupported: BAD_REQUEST,
  body_too_large: { status: 413, error: 'Request Entity Too Large' },
  document_too_large: NOT_POSSIBLE,
  upload_incomplete: NOT_UPLOADED,
  upload_size_mismatch: NOT_UPLOADED,
  upload_checksum_mismatch: NOT_UPLOADED,
  upload_parts_missing: NOT_UPLOADED,
  upload_parts_rejected: NOT_UPLOADED,
  upload_lost: NOT_UPLOADED,
  upload_not_multipart: NOT_UPLOADED,
  file_too_large: { status: 400, title: 'File not available' },
  quota_exceeded: { status: 400, title: 'Error uploading file' },
  numbers_exhausted: { status: 400, title: 'Error uploading file' },
  public_not_allowed: { status: 400, title: 'File can not be made public' },
  grants_exhausted: { status: 400, title: 'Could not grant access' },
  study_exists: NOT_POSSIBLE,
  participant_exists: NOT_POSSIBLE,
  member_exists: NOT_POSSIBLE,
  visibility_differs: NOT_POSSIBLE,
  idempotency_key_reused: NOT_POSSIBLE,
  key_has_no_secret: NOT_POSSIBLE,
  version_bound: NOT_POSSIBLE,
  key_name_taken: NOT_POSSIBLE,
  revision_mismatch: NOT_POSSIBLE,
  range_not_satisfiable: NOT_POSSIBLE,
  download_token_used: NOT_POSSIBLE,
  download_token_expired: NOT_POSSIBLE,
  download_token_revoked: NOT_POSSIBLE,
  enrolment_code_spent: NOT_POSSIBLE,
  prefetch_declined: DENIED,
  rate_limited: { status: 429, title: 'Request rate exceeded' },
  overloaded: { status: 503, ...FAILED },
  misconfigured: { status: 500, ...FAILED },
  internal: { status: 500, ...FAILED },
} as const satisfies Record<ErrorCode, Word>

/** A refusal that HAT words in its own way where it happens. */
export class HatRefusal extends DomainError {
  readonly word: Word

  constructor(code: ErrorCode, word: Framework | Required<Controller>) {
    super(code, 'error' in word ? (word.message ?? word.error) : word.cause)
    this.word = word
  }
}

/** A body that can be read, and what is wrong with it by where that is. */
export class InvalidBody extends DomainError {
  readonly faults: Readonly<Record<string, readonly string[]>>

  constructor(faults: Readonly<Record<string, readonly string[]>>) {
    super('invalid_body', 'The body is not as it should be.')
    this.faults = faults
  }
}

/** Nobody has the host that the request came to. */
export const hatUnavailable = () =>
  new HatRefusal('route_not_found', { status: 404, error: 'Not Found', message: 'HAT unavailable' })
export const noSuchFile = (fileId: string) =>
  new HatRefusal('file_not_found', { ...NO_FILE, cause: `File ${fileId} not found` })
export const noSuchUser = (userId: string) =>
  new HatRefusal('participant_not_found', { ...NO_USER, cause: `User ${userId} not found` })
export const badRequest = (message: string) => new HatRefusal('invalid_request', { ...BAD_REQUEST, message })
export const unsupported = (cause: string) =>
  new HatRefusal('invalid_request', { status: 400, title: 'Not supported', cause })

/** What the framework says more than one thing of is told as an object. */
const faultsAsPlay = ({ faults }: InvalidBody) =>
  Object.fromEntries(
    Object.entries(faults).map(([place, msg]) => [place, msg.map((each) => ({ msg: [each], args: [] }))]),
  )

function messageOf(error: DomainError, word: Framework, c: Context<AppEnv>): unknown {
  if (error instanceof InvalidBody) return faultsAsPlay(error)
  if (word.status >= 500) return `Server error occurred: ${c.var.requestId}`
  if (word.error === NO_HANDLER.error) return `Request handler at ${c.req.method}:${c.req.path} does not exist`
  return word.message ?? error.message
}

/** HAT's envelope for anything that was thrown. */
export function renderFailure(failure: unknown, c: Context<AppEnv>): Response {
  const error = judgeFailure(failure, c)
  const word: Word = error instanceof HatRefusal ? error.word : WORDS[error.code]
  const body =
    'error' in word
      ? { error: word.error, message: messageOf(error, word, c) }
      : { message: word.title, cause: word.cause ?? error.message }
  return tell(c, body, { status: word.status, headers: retryAfter(error.code) })
}

/** The same; that a known caller was refused goes on record. */
export function renderRefusal(failure: unknown, c: Context<AppEnv>): Response {
  recordRefusal(c, failure)
  return renderFailure(failure, c)
}
