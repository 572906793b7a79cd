import type { MiddlewareHandler } from 'hono'
import { MAX_DOCUMENT_BYTES } from '../domain/documents.ts'
import { contentTypeUnsupported, malformedJson } from '../model/errors.ts'
import { limitBytes, MAX_BODY_BYTES } from '../wire/body.ts'
import type { AppEnv } from '../wire/context.ts'
import { isUtf8 } from '../wire/utf8.ts'

const usual = limitBytes(MAX_BODY_BYTES)
const document = limitBytes(MAX_DOCUMENT_BYTES)

const DOCUMENT_PATH = /^\/v1\/studies\/[^/]+\/participants\/[^/]+\/documents\/[^/]+$/

/** A document is a body of its own, and may be larger than what is said about other things. */
export const limitBody: MiddlewareHandler<AppEnv> = async (c, next) =>
  DOCUMENT_PATH.test(c.req.path) ? document(c, next) : usual(c, next)

const JSON_TYPE = /^application\/(?:[a-z-]+\+)?json *(?:;|$)/i

/** A body, where there is one, is JSON in UTF-8 and says so. */
export const requireJson: MiddlewareHandler<AppEnv> = async (c, next) => {
  const bytes = c.req.raw.body === null ? new ArrayBuffer(0) : await c.req.arrayBuffer()
  if (bytes.byteLength > 0) {
    if (!JSON_TYPE.test(c.req.header('Content-Type') ?? '')) throw contentTypeUnsupported()
    if (!isUtf8(bytes)) throw malformedJson()
  }
  await next()
}
