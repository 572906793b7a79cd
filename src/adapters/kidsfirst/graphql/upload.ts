import type { Context } from 'hono'
import { bytesIn } from '../../../wire/body.ts'
import type { AppEnv } from '../../../wire/context.ts'
import { boundaryOf, type MultipartEvent, MultipartError, readMultipart } from '../../../wire/multipart.ts'
import { FileUpload, malformed, MAX_REQUEST_BYTES, type Operation, readOperation } from './multipart.ts'

// A form needs no preflight: any page may have a browser send one here. But callers are known by their Authorization
// header alone, which no browser adds by itself, so such a request is nobody's. Nothing here may ever go by a cookie.

/** The events of a body that has this content type. @throws DomainError `invalid_body` for one that is none, or ends early */
async function* eventsOf(c: Context<AppEnv>): AsyncGenerator<MultipartEvent, undefined> {
  const boundary = boundaryOf(c.req.header('Content-Type') ?? '')
  if (boundary === undefined) throw malformed('The Content-Type must be `multipart/form-data; boundary=…`.')
  try {
    yield* readMultipart(
      bytesIn(c.req.raw.body, () => malformed('The body broke off.')),
      boundary,
    )
  } catch (failure) {
    throw failure instanceof MultipartError ? malformed(`The form cannot be read: ${failure.message}`) : failure
  }
}

/**
 * Takes what is left of a body and forgets it: most clients read no answer until they have sent everything. Of one that
 * is longer than any may be, the rest is declined.
 */
async function discard(body: ReadableStream<Uint8Array> | null, bytes: number): Promise<void> {
  if (body === null) return
  const reader = body.getReader()
  let left = bytes
  try {
    while (left > 0) {
      const { done, value } = await reader.read()
      if (done) return
      left -= value.length
    }
    await reader.cancel()
  } catch {
    // The client has gone: there is nobody to answer, and nothing left to take.
  } finally {
    reader.releaseLock()
  }
}

/**
 * Answers a request that brings a file, by what `answer` says of its operation. That begins before the file has come;
 * what it has not taken of the file when it is done, nobody will.
 * @throws DomainError `invalid_body` for a form that is none; and whatever `answer` does
 */
export async function answerMultipart(
  c: Context<AppEnv>,
  answer: (operation: Operation) => Promise<Response>,
): Promise<Response> {
  const isTooLarge = Number(c.req.header('Content-Length') ?? 0) > MAX_REQUEST_BYTES
  const events = eventsOf(c)
  try {
    return await answer(await readOperation(events, { isTooLarge }))
  } finally {
    await events.return(undefined)
    await discard(c.req.raw.body, isTooLarge ? 0 : MAX_REQUEST_BYTES)
  }
}

/** The value of a variable of type `Upload`: only a form has one. @throws DomainError `invalid_body` */
export function fileUploadOf(value: unknown): FileUpload {
  if (value instanceof FileUpload) return value
  throw malformed('A file is sent as multipart/form-data, with null in its place: see graphql-multipart-request-spec.')
}
