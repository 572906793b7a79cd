// Reads multipart/form-data (RFC 7578) as it arrives: of content only what has come and may yet turn out to be the
// beginning of a delimiter is held back. The parsers that there are keep whole parts in memory, or take a chunk that ends
// within a delimiter for a broken body.

/** What a body consists of: a part begins, then come its bytes. */
export type MultipartEvent =
  | Readonly<{ kind: 'part'; name: string; filename: string | undefined; mediaType: string | undefined }>
  | Readonly<{ kind: 'bytes'; bytes: Uint8Array }>

/** The body is no multipart/form-data, or breaks off. */
export class MultipartError extends Error {
  override readonly name = 'MultipartError'
}

const CR = 13
const LF = 10
const MAX_HEADER_BYTES = 16 * 1024
/** A line that is longer than that after its delimiter is none. */
const MAX_PADDING = 64
/** How many fields a form has at most: so many upstream's framework takes, and no client has more than a few. */
export const MAX_FIELDS = 1_000

const BOUNDARY = /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70})(?=[\s;]|$))/i

/** What separates the parts, by the Content-Type; undefined: it is no multipart/form-data, or does not say. */
export function boundaryOf(contentType: string): string | undefined {
  const [, quoted, bare] = BOUNDARY.exec(contentType) ?? []
  return quoted ?? bare
}

const PARAMETER = /;\s*([\w*-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]*))/g

function parametersOf(header: string): Map<string, string> {
  const found = Array.from(header.matchAll(PARAMETER), ([, name = '', quoted, bare]): [string, string] => [
    name.toLowerCase(),
    // A backslash escapes a quote or itself; old browsers send whole paths with single ones.
    quoted?.replaceAll(/\\(["\\])/g, '$1') ?? bare ?? '',
  ])
  return new Map(found)
}

/** RFC 5987: how names outside of ASCII are told by clients that do not just send them. */
function extendedName(text: string | undefined): string | undefined {
  const [, encoded] = /^utf-8'[^']*'(.*)$/i.exec(text ?? '') ?? []
  try {
    return encoded === undefined ? undefined : decodeURIComponent(encoded)
  } catch {
    throw new MultipartError('The name of a part is not UTF-8.')
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function headersOf(bytes: Uint8Array): Map<string, string> {
  try {
    const lines = utf8.decode(bytes).split('\r\n')
    return new Map(
      lines.flatMap((line): [string, string][] => {
        const colon = line.indexOf(':')
        return colon < 1 ? [] : [[line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()]]
      }),
    )
  } catch {
    throw new MultipartError('The headers of a part are not UTF-8.')
  }
}

function partOf(bytes: Uint8Array): MultipartEvent {
  const headers = headersOf(bytes)
  const disposition = parametersOf(headers.get('content-disposition') ?? '')
  return {
    kind: 'part',
    name: disposition.get('name') ?? '',
    filename: extendedName(disposition.get('filename*')) ?? disposition.get('filename'),
    mediaType: headers.get('content-type'),
  }
}

/** A part's file name without the folders that a client has the file in: old browsers tell them. */
export const baseName = (filename: string): string => filename.replace(/^.*[/\\]/s, '').trim()

const joined = (left: Uint8Array, right: Uint8Array): Uint8Array => {
  if (left.length === 0) return right
  const both = new Uint8Array(left.length + right.length)
  both.set(left)
  both.set(right, left.length)
  return both
}

/** As far as there are bytes; most often the second one is another. */
const isAt = (bytes: Uint8Array, sought: Uint8Array, from: number): boolean =>
  (bytes[from + 1] ?? LF) === LF &&
  sought.subarray(0, bytes.length - from).every((byte, index) => bytes[from + index] === byte)

/** The end of what a delimiter's line has after it, and whether it was the last; `open` while that cannot be told. */
function lineAfter(bytes: Uint8Array, from: number): { end: number; isLast: boolean } | 'open' | 'none' {
  const line = String.fromCharCode(...bytes.subarray(from, from + MAX_PADDING + 2))
  if (line.startsWith('--')) return { end: from + 2, isLast: true }
  const padding = /^[ \t]*(?=\r\n)/.exec(line)
  if (padding !== null) return { end: from + padding[0].length, isLast: false }
  return from + line.length === bytes.length && /^(?:-|[ \t]*\r?)$/.test(line) ? 'open' : 'none'
}

type Found = Readonly<{ at: number; after: { end: number; isLast: boolean } | undefined }>

/** The first delimiter, or what may become one when more has come (`after` is undefined then). */
function findDelimiter(bytes: Uint8Array, delimiter: Uint8Array): Found | undefined {
  for (let at = bytes.indexOf(CR); at !== -1; at = bytes.indexOf(CR, at + 1)) {
    if (!isAt(bytes, delimiter, at)) continue
    if (at + delimiter.length > bytes.length) return { at, after: undefined }
    const after = lineAfter(bytes, at + delimiter.length)
    if (after === 'open') return { at, after: undefined }
    if (after !== 'none') return { at, after }
  }
  return undefined
}

/** Where the empty line is that ends a part's headers: just behind it. Undefined: not there yet. */
function endOfHeaders(bytes: Uint8Array): number | undefined {
  const end = [CR, LF, CR, LF]
  const looked = bytes.subarray(0, MAX_HEADER_BYTES)
  for (let at = looked.indexOf(CR); at !== -1; at = looked.indexOf(CR, at + 1)) {
    if (end.every((byte, index) => looked[at + index] === byte)) return at + end.length
  }
  if (looked.length === MAX_HEADER_BYTES) throw new MultipartError('The headers of a part are too long.')
  return undefined
}

/** What was held back with what follows, as far as it can be told what it is. */
function take(state: State, delimiter: Uint8Array): { events: MultipartEvent[]; goesOn: boolean } {
  const { rest } = state
  if (state.within === 'headers') {
    const end = endOfHeaders(rest)
    if (end === undefined) return { events: [], goesOn: false }
    state.rest = rest.subarray(end)
    state.within = 'content'
    return { events: [partOf(rest.subarray(0, end))], goesOn: true }
  }
  const found = findDelimiter(rest, delimiter)
  const content = rest.subarray(0, found?.at)
  state.rest = found === undefined ? rest.subarray(rest.length) : rest.subarray(found.after?.end ?? found.at)
  const events: MultipartEvent[] =
    state.within === 'content' && content.length > 0 ? [{ kind: 'bytes', bytes: content }] : []
  if (found?.after === undefined) return { events, goesOn: false }
  state.within = found.after.isLast ? 'end' : 'headers'
  return { events, goesOn: !found.after.isLast }
}

type State = { within: 'preamble' | 'headers' | 'content' | 'end'; rest: Uint8Array }

/**
 * The parts of a body, and of each its bytes. What comes after the last delimiter is read and means nothing.
 * @throws MultipartError for a body that is none, or that ends before its last delimiter
 */
export async function* readMultipart(
  body: AsyncIterable<Uint8Array>,
  boundary: string,
): AsyncGenerator<MultipartEvent, undefined> {
  const delimiter = new TextEncoder().encode(`\r\n--${boundary}`)
  // The first delimiter may be the first line.
  const state: State = { within: 'preamble', rest: Uint8Array.of(CR, LF) }
  let parts = 0
  for await (const chunk of body) {
    if (state.within === 'end') continue
    state.rest = joined(state.rest, chunk)
    let goesOn = true
    while (goesOn) {
      const taken = take(state, delimiter)
      if (taken.events[0]?.kind === 'part') parts += 1
      if (parts > MAX_FIELDS) throw new MultipartError(`More than ${MAX_FIELDS} parts.`)
      yield* taken.events
      ;({ goesOn } = taken)
    }
  }
  if (state.within !== 'end') throw new MultipartError('The body ends before its last delimiter.')
}
