import { createHash } from 'node:crypto'

// What the service calls things is other people's: here it becomes one segment of a path, which leads nowhere else.

/** Of the 255 bytes that file systems have, with room for what is put before and behind. */
const MAX_BYTES = 180
const bytesOf = (text: string) => Buffer.byteLength(text)

const shortened = (name: string, limit: number): string => {
  let kept = ''
  for (const character of name) {
    if (bytesOf(kept + character) > limit) break
    kept += character
  }
  return kept
}

/** What a file is called here: the last part of its name, without what acts, hides or leads elsewhere. */
export function localName(name: string): string {
  const last = name.split(/[/\\]/).findLast((part) => part !== '') ?? ''
  const plain = last
    .replaceAll(/(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '_')
    // Hidden files are obeyed by other programs, and a name that begins so is an option to them.
    .replace(/^[.~-]/, '_')
    .replace(/[. ]$/, '_')
  if (plain === '') return 'file'
  if (bytesOf(plain) <= MAX_BYTES) return plain
  const [, extension = ''] = /(\.[A-Za-z0-9]{1,10})$/.exec(plain) ?? []
  return shortened(plain, MAX_BYTES - bytesOf(extension)) + extension
}

/** One name for each identifier, on file systems too that do not tell case apart. */
export function uniqueName(identifier: string): string {
  const encoded = Array.from(identifier, (character) =>
    /[a-z0-9_-]/.test(character) ? character : encodedBytes(character),
  ).join('')
  if (encoded.length <= MAX_BYTES && encoded !== '') return encoded
  const digest = createHash('sha256').update(identifier).digest('hex')
  return `${encoded.slice(0, MAX_BYTES - digest.length - 1)}~${digest}`
}

const encodedBytes = (character: string) =>
  Array.from(new TextEncoder().encode(character), (byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
