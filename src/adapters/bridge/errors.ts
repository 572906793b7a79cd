import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { DomainError, type ErrorCode, type FieldError } from '../../model/errors.ts'
import type { AppEnv } from '../../wire/context.ts'
import { judgeFailure, retryAfter } from '../../wire/failures.ts'
import { tellText } from './answers.ts'

/** How Bridge pronounces a refusal; without a message of its own it says what the refusal says. */
type Word = Readonly<{ status: ContentfulStatusCode; type: string; message?: string; entityClass?: string }>

const notFound = (entityClass: string): Word => ({
  status: 404,
  type: 'EntityNotFoundException',
  message: `${entityClass} not found.`,
  entityClass,
})

const ACCOUNT = notFound('Account')
const FILE = notFound('ParticipantFile')
const REPORT = notFound('ReportIndex')
const NOT_SIGNED_IN: Word = { status: 401, type: 'NotAuthenticatedException', message: 'Not signed in.' }
const NO_ENDPOINT: Word = { status: 404, type: 'EndpointNotFoundException', message: 'Endpoint not found.' }
const BAD_REQUEST: Word = { status: 400, type: 'BadRequestException' }
const INVALID: Word = { status: 400, type: 'InvalidEntityException' }
const EXISTS: Word = { status: 409, type: 'EntityAlreadyExistsException' }
const FAILED: Word = { status: 500, type: 'BridgeServiceException' }
const UNAVAILABLE: Word = { status: 503, type: 'ServiceUnavailableException' }

const WORDS = {
  unauthenticated: NOT_SIGNED_IN,
  assertion_refused: NOT_SIGNED_IN,
  forbidden: {
    status: 403,
    type: 'UnauthorizedException',
    message: 'Caller does not have permission to access this service.',
  },
  route_not_found: NO_ENDPOINT,
  method_not_allowed: NO_ENDPOINT,
  // Neither a name nor an app can be told from one that is not there.
  study_not_found: ACCOUNT,
  participant_not_found: ACCOUNT,
  member_not_found: ACCOUNT,
  account_not_found: ACCOUNT,
  key_not_found: ACCOUNT,
  file_not_found: FILE,
  version_not_found: FILE,
  upload_not_found: FILE,
  content_missing: FILE,
  download_token_not_found: FILE,
  grant_not_found: FILE,
  document_not_found: notFound('ParticipantData'),
  report_not_found: REPORT,
  report_entry_not_found: REPORT,
  enrolment_code_not_found: ACCOUNT,
  document_schema_not_found: notFound('ParticipantData'),
  erasure_not_found: ACCOUNT,
  malformed_json: INVALID,
  invalid_body: INVALID,
  document_invalid: INVALID,
  invalid_request: BAD_REQUEST,
  cursor_invalid: { ...BAD_REQUEST, message: 'offsetKey was not made by this list. Start again without one.' },
  content_type_unsupported: BAD_REQUEST,
  body_too_large: BAD_REQUEST,
  document_too_large: BAD_REQUEST,
  file_too_large: BAD_REQUEST,
  study_exists: EXISTS,
  participant_exists: EXISTS,
  member_exists: EXISTS,
  participant_withdrawn: BAD_REQUEST,
  public_not_allowed: BAD_REQUEST,
  visibility_differs: BAD_REQUEST,
  numbers_exhausted: BAD_REQUEST,
  grants_exhausted: BAD_REQUEST,
  quota_exceeded: BAD_REQUEST,
  idempotency_key_reused: BAD_REQUEST,
  upload_incomplete: BAD_REQUEST,
  upload_size_mismatch: BAD_REQUEST,
  upload_checksum_mismatch: BAD_REQUEST,
  upload_parts_missing: BAD_REQUEST,
  upload_parts_rejected: BAD_REQUEST,
  upload_lost: BAD_REQUEST,
  upload_not_multipart: BAD_REQUEST,
  key_has_no_secret: BAD_REQUEST,
  version_bound: BAD_REQUEST,
  key_name_taken: BAD_REQUEST,
  range_not_satisfiable: BAD_REQUEST,
  download_token_used: BAD_REQUEST,
  download_token_expired: BAD_REQUEST,
  download_token_revoked: BAD_REQUEST,
  enrolment_code_spent: BAD_REQUEST,
  // A 412 is taken for a consent that is missing.
  revision_mismatch: { status: 409, type: 'ConcurrentModificationException' },
  rate_limited: { status: 429, type: 'LimitExceededException' },
  prefetch_declined: UNAVAILABLE,
  overloaded: UNAVAILABLE,
  misconfigured: FAILED,
  internal: FAILED,
} as const satisfies Record<ErrorCode, Word>

/** A 400 that says what to change. */
export const badRequest = (message: string) => new DomainError('invalid_request', message)

/** A sign-in of a kind that is switched off is forbidden upstream, and says why. */
export class Unsupported extends DomainError {
  constructor(message: string) {
    super('forbidden', message)
  }
}

/** A body that is no JSON, or (`fields`) that has something else than text or an object in a place for it. */
export const unreadable = (fields: readonly string[] = []) =>
  new DomainError(
    'malformed_json',
    fields.length === 0
      ? 'Error parsing JSON in request body: it is not a JSON object in UTF-8.'
      : `Error parsing JSON in request body, fields: ${fields.join(', ')}`,
  )

/** What is wrong with each field, to be read after its name; what is wrong with the whole goes by the name of its type. */
export type Faults = Readonly<Record<string, readonly string[]>>

/** A body that can be read and is not as it should be. `entity` is the JSON text of what was understood of it. */
export class InvalidEntity extends DomainError {
  readonly faults: Faults
  readonly entity: string | undefined

  constructor(type: string, faults: Faults, entity?: string) {
    const named = Object.fromEntries(
      Object.entries(faults).map(([field, texts]) => [field, texts.map((text) => `${field} ${text}`)]),
    )
    super('invalid_body', `${type} is invalid: ${Object.values(named).flat().join('; ')}`)
    this.faults = named
    this.entity = entity
  }
}

/** What a schema of the study's says of a value. */
function faultsOf(errors: readonly FieldError[]): Faults {
  const faults: Record<string, string[]> = {}
  for (const { pointer, message } of errors) {
    const field = `data${pointer.replaceAll('/', '.')}`
    faults[field] = [...(faults[field] ?? []), `${field} ${message}`]
  }
  return faults
}

function moreOf(error: DomainError): [name: string, json: string][] {
  if (error instanceof InvalidEntity) {
    const entity: [string, string][] = error.entity === undefined ? [] : [['entity', error.entity]]
    return [['errors', JSON.stringify(error.faults)], ...entity]
  }
  return error.code === 'document_invalid' ? [['errors', JSON.stringify(faultsOf(error.errors ?? []))]] : []
}

/** Bridge's envelope for anything that was thrown. */
export function renderFailure(failure: unknown, c: Context<AppEnv>): Response {
  const error = judgeFailure(failure, c)
  const { status, type, message, entityClass }: Word = WORDS[error.code]
  const says = error instanceof Unsupported ? error.message : (message ?? error.message)
  const members: [name: string, json: string][] = [
    ['statusCode', String(status)],
    ['message', JSON.stringify(says)],
    ['type', JSON.stringify(type)],
    ...(entityClass === undefined ? [] : [['entityClass', JSON.stringify(entityClass)] satisfies [string, string]]),
    ...moreOf(error),
  ]
  return tellText(c, `{${members.map(([name, json]) => `"${name}":${json}`).join(',')}}`, {
    status,
    headers: retryAfter(error.code),
  })
}
