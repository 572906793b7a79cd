/** Every way to say no. Each tongue has a table over this union, so a new code does not compile until all speak it. */
export type ErrorCode =
  | 'unauthenticated'
  | 'forbidden'
  | 'route_not_found'
  | 'study_not_found'
  | 'participant_not_found'
  | 'member_not_found'
  | 'account_not_found'
  | 'assertion_refused'
  | 'key_not_found'
  | 'file_not_found'
  | 'version_not_found'
  | 'upload_not_found'
  | 'download_token_not_found'
  | 'document_not_found'
  | 'enrolment_code_not_found'
  | 'document_schema_not_found'
  | 'report_not_found'
  | 'report_entry_not_found'
  | 'grant_not_found'
  | 'erasure_not_found'
  | 'method_not_allowed'
  | 'malformed_json'
  | 'invalid_request'
  | 'invalid_body'
  | 'cursor_invalid'
  | 'content_type_unsupported'
  | 'body_too_large'
  | 'study_exists'
  | 'participant_exists'
  | 'member_exists'
  | 'participant_withdrawn'
  | 'public_not_allowed'
  | 'visibility_differs'
  | 'file_too_large'
  | 'numbers_exhausted'
  | 'grants_exhausted'
  | 'quota_exceeded'
  | 'idempotency_key_reused'
  | 'upload_incomplete'
  | 'upload_size_mismatch'
  | 'upload_checksum_mismatch'
  | 'upload_parts_missing'
  | 'upload_parts_rejected'
  | 'upload_lost'
  | 'upload_not_multipart'
  | 'key_has_no_secret'
  | 'key_name_taken'
  | 'revision_mismatch'
  | 'content_missing'
  | 'version_bound'
  | 'document_too_large'
  | 'document_invalid'
  | 'range_not_satisfiable'
  | 'download_token_used'
  | 'download_token_expired'
  | 'download_token_revoked'
  | 'enrolment_code_spent'
  | 'rate_limited'
  | 'prefetch_declined'
  | 'overloaded'
  | 'misconfigured'
  | 'internal'

/** Where in the request something is wrong: a JSON pointer into the body, or `query/limit`, `path/file`, `header/range`. */
export type FieldError = Readonly<{ pointer: string; message: string }>

export class DomainError extends Error {
  override readonly name = 'DomainError'
  readonly code: ErrorCode
  readonly errors: readonly FieldError[] | undefined

  /** `detail` is shown to the caller: it says what to change, and holds no secret, no name and nothing of others. */
  constructor(code: ErrorCode, detail: string, more: { errors?: readonly FieldError[]; cause?: unknown } = {}) {
    super(detail, { cause: more.cause })
    this.code = code
    this.errors = more.errors
  }
}

/** Whether something was refused, and for one of these reasons. */
export const failedWith = (failure: unknown, ...codes: readonly ErrorCode[]): failure is DomainError =>
  failure instanceof DomainError && codes.includes(failure.code)

export const unauthenticated = () =>
  new DomainError('unauthenticated', 'Send a valid key or token as `Authorization: Bearer …`.')
export const forbidden = (detail = 'Your role does not allow this.') => new DomainError('forbidden', detail)
export const routeNotFound = () => new DomainError('route_not_found', 'There is nothing at this path.')
export const studyNotFound = () => new DomainError('study_not_found', 'No such study.')
export const participantNotFound = () => new DomainError('participant_not_found', 'No such participant.')
/** Of a foreign sign-in: which of name and password was wrong is not told. */
export const accountNotFound = () => new DomainError('account_not_found', 'No account has this name and password.')
/** `why`: what the client that signed it has to change. */
export const assertionRefused = (why: string) => new DomainError('assertion_refused', why)
export const memberNotFound = () => new DomainError('member_not_found', 'No such member.')
export const keyNotFound = () => new DomainError('key_not_found', 'No such key.')
export const fileNotFound = () => new DomainError('file_not_found', 'No such file.')
export const versionNotFound = () => new DomainError('version_not_found', 'No such version.')
export const uploadNotFound = () => new DomainError('upload_not_found', 'No such upload, or it was given up.')
export const downloadTokenNotFound = () => new DomainError('download_token_not_found', 'No such download link.')
export const methodNotAllowed = (allowed: readonly string[]) =>
  new DomainError('method_not_allowed', `This path takes ${allowed.join(', ')}.`)
export const enrolmentCodeNotFound = () =>
  new DomainError('enrolment_code_not_found', 'No such code. Check it, or ask the study for a new one.')
export const enrolmentCodeSpent = () =>
  new DomainError(
    'enrolment_code_spent',
    'This code was used, has expired or was withdrawn. Ask the study for a new one.',
  )
export const rateLimited = () =>
  new DomainError('rate_limited', 'Too many requests. Wait a minute and go on more slowly.')
export const documentNotFound = () => new DomainError('document_not_found', 'No such document.')
export const documentSchemaNotFound = () =>
  new DomainError('document_schema_not_found', 'Documents of this identifier have no schema.')
export const documentTooLarge = (maxBytes: number) =>
  new DomainError('document_too_large', `A document may have ${maxBytes} bytes at most.`)
export const documentInvalid = (errors: readonly FieldError[]) =>
  new DomainError('document_invalid', 'The document does not fit its schema; see `errors`.', { errors })
export const reportNotFound = () => new DomainError('report_not_found', 'No such report.')
export const reportEntryNotFound = () => new DomainError('report_entry_not_found', 'This report has no such entry.')
export const grantNotFound = () => new DomainError('grant_not_found', 'The file is not shared with them.')
/** `most`: with how many a file can be shared at once. */
export const grantsExhausted = (most: number) =>
  new DomainError('grants_exhausted', `A file can be shared with ${most} at once. Revoke one of its grants first.`)
export const erasureNotFound = () => new DomainError('erasure_not_found', 'No such erasure.')
export const malformedJson = () => new DomainError('malformed_json', 'The body is not valid JSON in UTF-8.')
export const bodyMissing = () =>
  new DomainError('malformed_json', 'This operation takes a body in JSON. Send `{}` to leave everything out.')
/** Something outside the body: path, query or header. */
export const invalidRequest = (errors: readonly FieldError[]) =>
  new DomainError('invalid_request', 'Part of the request is not as this operation needs it; see `errors`.', { errors })
/** The body parsed, but a field is not as it should be. */
export const invalidBody = (errors: readonly FieldError[]) =>
  new DomainError('invalid_body', 'A field of the body is not as this operation needs it; see `errors`.', { errors })
export const cursorInvalid = () =>
  new DomainError('cursor_invalid', 'This cursor was not made by this listing. Start again without one.', {
    errors: [{ pointer: 'query/cursor', message: 'Send `nextCursor` of the page before, unchanged.' }],
  })
export const contentTypeUnsupported = () =>
  new DomainError('content_type_unsupported', 'Send the body as `Content-Type: application/json`.')
export const bodyTooLarge = (maxBytes: number) =>
  new DomainError('body_too_large', `The body may have ${maxBytes} bytes at most. Content is sent to an upload URL.`)
export const studyExists = () => new DomainError('study_exists', 'A study with this id exists.')
export const participantExists = (field: string) =>
  new DomainError('participant_exists', `Another participant of the study has this ${field}.`)
export const memberExists = () => new DomainError('member_exists', 'This subject is a member of the study already.')
export const participantWithdrawn = () =>
  new DomainError('participant_withdrawn', 'The participant has left the study; nothing of theirs can be written.')
export const publicNotAllowed = () =>
  new DomainError('public_not_allowed', 'This study does not allow anything to be public.')
export const visibilityDiffers = () =>
  new DomainError('visibility_differs', 'The file exists with another visibility. Change it with PATCH.')
export const fileTooLarge = (maxFileBytes: number) =>
  new DomainError('file_too_large', `A file may have ${maxFileBytes} bytes at most.`)
export const numbersExhausted = () => new DomainError('numbers_exhausted', 'No number is left for another one.')
/** `quota` is what the study's settings call it: `maxBytes`, `maxFiles` or `maxDocuments`. */
export const quotaExceeded = (quota: string, cause?: unknown) =>
  new DomainError('quota_exceeded', `The study may not hold more: its limit \`${quota}\` is reached.`, { cause })
export const idempotencyKeyReused = () =>
  new DomainError(
    'idempotency_key_reused',
    'This Idempotency-Key was used for another request. Send that one unchanged, or choose a new key.',
  )
export const uploadIncomplete = () =>
  new DomainError('upload_incomplete', 'The object is not in storage yet. Send the bytes to the upload URL first.')
export const uploadSizeMismatch = (declared: number, actual: number) =>
  new DomainError(
    'upload_size_mismatch',
    `${declared} bytes were declared, ${actual} arrived. Ask for the upload URL again and send them anew.`,
  )
export const uploadChecksumMismatch = (checksum: 'md5' | 'sha256') =>
  new DomainError(
    'upload_checksum_mismatch',
    `The bytes do not have the declared ${checksum}. Ask for the upload URL again and send them anew.`,
  )
export const uploadPartsMissing = (missing: readonly number[]) =>
  new DomainError('upload_parts_missing', 'Some parts were not reported.', {
    errors: missing
      .slice(0, 100)
      .map((part) => ({ pointer: `parts/${part}`, message: 'Send it and report its ETag.' })),
  })
export const uploadPartsRejected = () =>
  new DomainError(
    'upload_parts_rejected',
    'Storage does not have the parts that were reported. Ask for part URLs again, send them and report their ETags.',
  )
export const uploadLost = () =>
  new DomainError('upload_lost', 'Storage has given this upload up. Ask for part URLs again and send the parts anew.')
export const uploadNotMultipart = (kind: 'single' | 'multipart') =>
  new DomainError(
    'upload_not_multipart',
    kind === 'single'
      ? 'This upload is a single PUT and has no parts. Use its URL.'
      : 'This upload is sent in parts. Presign parts instead.',
  )
export const keyHasNoSecret = () =>
  new DomainError('key_has_no_secret', 'This key is a public key and has no secret to rotate.')
/** Where keys go by their labels. */
export const keyNameTaken = () => new DomainError('key_name_taken', 'Another key has this name.')
export const revisionMismatch = () =>
  new DomainError('revision_mismatch', 'It has changed since you read it. Read it again and repeat with its new ETag.')
/** `why` a version stays where it is. */
export const versionBound = (why: string) => new DomainError('version_bound', why)
export const contentMissing = (detail = 'The file has no content yet.') => new DomainError('content_missing', detail)
export const rangeNotSatisfiable = () =>
  new DomainError('range_not_satisfiable', 'The range lies outside of the content.')
export const downloadTokenUsed = () => new DomainError('download_token_used', 'This link has been used.')
export const downloadTokenExpired = () => new DomainError('download_token_expired', 'This link has expired.')
export const downloadTokenRevoked = () => new DomainError('download_token_revoked', 'This link has been withdrawn.')
export const prefetchDeclined = () =>
  new DomainError('prefetch_declined', 'This link works once and is not given to a prefetch.')
export const overloaded = (cause?: unknown) =>
  new DomainError('overloaded', 'Storage is busy or out of reach. Repeat the request shortly.', { cause })
/** Whatever was asked: the operator has closed the service for a while. */
export const closed = () =>
  new DomainError('overloaded', 'The service is closed for a while. Repeat the request later.')
export const misconfigured = (detail: string) => new DomainError('misconfigured', detail)
