import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { MAX_DOCUMENT_BYTES } from '../domain/documents.ts'
import { bodyTooLarge, contentTypeUnsupported, malformedJson } from '../model/errors.ts'
import type { AppEnv } from './context.ts'

/** Of a JSON request. Content goes to an upload URL and is never in one. */
const MAX_BODY_BYTES = 256 * 1024

const limit = (maxSize: number): MiddlewareHandler<AppEnv> =>
  bodyLimit({
    maxSize,
    onError: () => {
      throw bodyTooLarge(maxSize)
    },
  })
const usual = limit(MAX_BODY_BYTES)
const document = limit(MAX_DOCUMENT_BYTES)

const DOCUMENT_PATH = /^\/v1\/studies\/[^/]+\/participants\/[^/]+\/documents\/[^/]+$/

/** A document is a body of its own, and may be larger than what is said about other things. */
export const limitBody: MiddlewareHandler<AppEnv> = async (c, next) =>
  DOCUMENT_PATH.test(c.req.path) ? document(c, next) : usual(c, next)

const JSON_TYPE = /^application\/(?:[a-z-]+\+)?json *(?:;|$)/i
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/**
 * A body, where there is one, is JSON in UTF-8 and says so. Bytes that are no UTF-8 would be replaced without a word
 * when the body is read as text, and a name would be stored that nobody sent.
 */
export const requireJson: MiddlewareHandler<AppEnv> = async (c, next) => {
  const bytes = c.req.raw.body === null ? new ArrayBuffer(0) : await c.req.arrayBuffer()
  if (bytes.byteLength > 0) {
    if (!JSON_TYPE.test(c.req.header('Content-Type') ?? '')) throw contentTypeUnsupported()
    try {
      utf8.decode(bytes)
    } catch {
      throw malformedJson()
    }
  }
  await next()
}
