import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { contentTypeUnsupported, DomainError, type ErrorCode, malformedJson } from '../model/errors.ts'
import { logFailure } from '../log.ts'
import type { AppEnv } from './context.ts'

/** Tells clients when to come back: these failures pass. */
const RETRY_AFTER_SECONDS: Partial<Record<ErrorCode, number>> = {
  overloaded: 2,
  prefetch_declined: 5,
  rate_limited: 60,
}

/** The Retry-After header of a failure that passes; none of another. */
export function retryAfter(code: ErrorCode): Record<string, string> {
  const seconds = RETRY_AFTER_SECONDS[code]
  return seconds === undefined ? {} : { 'Retry-After': String(seconds) }
}

const UNEXPECTED = new DomainError('internal', 'Something went wrong here. It was noted under this request id.')

/**
 * What the platform throws at whoever reads the body of a client that has hung up. Storage says some of this too, but its
 * failures are judged where they happen, and come here as a DomainError.
 */
const HUNG_UP = /^(?:Network connection lost|Can't read from request stream because client disconnected)\.$/

/** What any failure is to the caller: what was not foreseen tells nothing. */
export function asDomainError(failure: unknown): DomainError {
  if (failure instanceof DomainError) return failure
  // Nobody is there to be told: a body that ends before its end is not the service's failure.
  if (failure instanceof Error && HUNG_UP.test(failure.message)) return malformedJson()
  // Hono throws these for bodies that it cannot parse, and for content types that it does not take for JSON.
  if (failure instanceof HTTPException && failure.status === 400) return malformedJson()
  if (failure instanceof HTTPException && failure.status === 415) return contentTypeUnsupported()
  return UNEXPECTED
}

/** Not the caller's doing, and nothing that is meant to happen. */
const OURS: readonly ErrorCode[] = ['internal', 'misconfigured', 'overloaded']

/** What any failure is to the caller; one of our own is written to the log. */
export function judgeFailure(failure: unknown, c: Context<AppEnv>): DomainError {
  const error = asDomainError(failure)
  if (OURS.includes(error.code)) logFailure(c.var.requestId, failure)
  return error
}
