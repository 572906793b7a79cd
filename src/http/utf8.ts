import type { MiddlewareHandler } from 'hono'
import { invalidRequest } from '../model/errors.ts'
import type { AppEnv } from './context.ts'

/**
 * A path and a query are percent-encoded UTF-8. Escapes that are not would be read as the characters that they are
 * written with, and name something that nobody meant.
 */
export const requireUtf8: MiddlewareHandler<AppEnv> = async (c, next) => {
  const { pathname, search } = new URL(c.req.url)
  const errors = [
    { pointer: 'path', text: pathname },
    { pointer: 'query', text: search },
  ]
    .filter(({ text }) => !isEncodedUtf8(text))
    .map(({ pointer }) => ({ pointer, message: 'Must be percent-encoded UTF-8.' }))
  if (errors.length > 0) throw invalidRequest(errors)
  await next()
}

function isEncodedUtf8(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}
