import type { ProblemCode } from './wire.ts'

/** What went wrong without the service having said so. */
export type LinkCode =
  /** Nothing came back, or not all of it. */
  | 'network'
  /** Nothing came back in time. */
  | 'timeout'
  /** The caller's own signal. */
  | 'aborted'
  /** The object storage refused bytes, or had none. */
  | 'storage'
  /** An answer that is not the service's: of something on the way, most likely. */
  | 'unexpected_answer'
  /** What is to be sent is not what was begun. */
  | 'source_changed'
  /** What is being downloaded is no longer what it was. */
  | 'content_changed'

export type CarrelErrorCode = ProblemCode | LinkCode

type Facts = Readonly<{
  code: CarrelErrorCode
  status?: number | undefined
  errors?: readonly FieldError[] | undefined
  requestId?: string | undefined
  retryAfterSeconds?: number | undefined
}>
export type FieldError = Readonly<{ pointer: string; message: string }>

const PASSING: readonly CarrelErrorCode[] = ['network', 'timeout', 'rate_limited', 'overloaded', 'internal', 'storage']
const PASSING_STATUS: readonly number[] = [408, 429, 502, 503, 504]

/** Whatever goes wrong. Neither the message nor anything else in it tells a key or a URL. */
export class CarrelError extends Error {
  override readonly name = 'CarrelError'
  /** For programs; those of the service's problems are stable. */
  readonly code: CarrelErrorCode
  /** Of the answer; undefined where there was none. */
  readonly status: number | undefined
  /** What to change, for people. */
  readonly detail: string
  /** Where in the request something is wrong. */
  readonly errors: readonly FieldError[]
  /** Under which the service knows of it. */
  readonly requestId: string | undefined
  readonly retryAfterSeconds: number | undefined

  constructor(detail: string, facts: Facts) {
    super(`${facts.code}: ${detail}`)
    this.detail = detail
    this.code = facts.code
    this.status = facts.status
    this.errors = facts.errors ?? []
    this.requestId = facts.requestId
    this.retryAfterSeconds = facts.retryAfterSeconds
  }

  /** Whether the same may succeed later. */
  get isTransient(): boolean {
    return PASSING.includes(this.code) || (this.status !== undefined && PASSING_STATUS.includes(this.status))
  }

  /** Whether nobody knows if what was asked was done. */
  get isUnanswered(): boolean {
    return this.code === 'network' || this.code === 'timeout'
  }
}

const LINK: Record<'network' | 'timeout' | 'aborted', string> = {
  network: 'The connection failed.',
  timeout: 'Nothing came in time.',
  aborted: 'It was called off.',
}

/** A system's own word for what happened to a connection, such as `ECONNRESET`; nothing longer is repeated. */
function systemCode(failure: unknown): string | undefined {
  const cause = failure instanceof Error ? failure.cause : undefined
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' && /^[A-Z][A-Z_]{2,40}$/.test(code) ? code : undefined
}

export function linkError(code: keyof typeof LINK, failure?: unknown): CarrelError {
  const system = systemCode(failure)
  return new CarrelError(LINK[code] + (system === undefined ? '' : ` (${system})`), { code })
}

/** In seconds, or until a date. */
function retryAfter(headers: Headers): number | undefined {
  const said = headers.get('Retry-After')
  if (said === null) return undefined
  const seconds = /^\d+$/.test(said) ? Number(said) : (Date.parse(said) - Date.now()) / 1_000
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined
}

type Problem = { code: ProblemCode; detail: string; errors?: FieldError[]; requestId?: string }
const isProblem = (told: unknown): told is Problem =>
  typeof told === 'object' && told !== null && 'code' in told && 'detail' in told

/** What an answer that is no success says. */
export function problemOf(answer: { status: number; headers: Headers }, body: string): CarrelError {
  const { status } = answer
  const told = jsonOr(body)
  const retryAfterSeconds = retryAfter(answer.headers)
  if (!isProblem(told)) {
    return new CarrelError(`The answer was ${status}, and not the service's.`, {
      code: 'unexpected_answer',
      status,
      retryAfterSeconds,
    })
  }
  const { code, detail, errors, requestId } = told
  return new CarrelError(detail, { code, status, errors, requestId, retryAfterSeconds })
}

/** Undefined for what is no JSON: a page of something on the way. */
export function jsonOr(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
