import type { FieldError } from '../model/errors.ts'

/**
 * A path and a query are percent-encoded UTF-8. Escapes that are not would be read as the characters that they are
 * written with, and name something that nobody meant.
 */
export function placesNotUtf8(url: string): FieldError[] {
  const { pathname, search } = new URL(url)
  return [
    { pointer: 'path', text: pathname },
    { pointer: 'query', text: search },
  ]
    .filter(({ text }) => !isEncodedUtf8(text))
    .map(({ pointer }) => ({ pointer, message: 'Must be percent-encoded UTF-8.' }))
}

function isEncodedUtf8(text: string): boolean {
  try {
    decodeURIComponent(text)
    return true
  } catch {
    return false
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

/**
 * Bytes that are no UTF-8 would be replaced without a word when a body is read as text, and a name would be stored that
 * nobody sent.
 */
export function isUtf8(bytes: ArrayBuffer): boolean {
  try {
    utf8.decode(bytes)
    return true
  } catch {
    return false
  }
}
