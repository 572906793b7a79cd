import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { bodyTooLarge, contentTypeUnsupported, malformedJson } from '../model/errors.ts'
import type { AppEnv } from './context.ts'

/** Of a JSON request. Content goes to an upload URL and is never in one. */
const MAX_BODY_BYTES = 256 * 1024

export const limitBody: MiddlewareHandler<AppEnv> = bodyLimit({
  maxSize: MAX_BODY_BYTES,
  onError: () => {
    throw bodyTooLarge(MAX_BODY_BYTES)
  },
})

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
