import rangeParser from 'range-parser'

/** What of a representation an answer carries: 200, 206, 304 or 416. */
export type ByteRange =
  | Readonly<{ kind: 'whole' }>
  | Readonly<{ kind: 'part'; offset: number; length: number }>
  | Readonly<{ kind: 'notModified' }>
  | Readonly<{ kind: 'unsatisfiable' }>

/** `etag` is strong and in its quotes, as the ETag header has it. */
export type Representation = Readonly<{ etag: string; size: number }>

const WHOLE: ByteRange = { kind: 'whole' }

// RFC 9110 section 14.1: unit names are case-insensitive. One range only: a server may ignore a Range header, and does
// so here for lists (14.2), which no download client needs and multipart/byteranges would cost.
const SINGLE_RANGE = /^bytes=(\d*)-(\d*)$/i

/** Decides by RFC 9110 section 13.2.2: If-None-Match first, then Range, where If-Range lets it count. */
export function byteRange(request: Pick<Request, 'method' | 'headers'>, { etag, size }: Representation): ByteRange {
  const { headers } = request
  if (namesTag(headers.get('If-None-Match'), etag)) return { kind: 'notModified' }

  const range = headers.get('Range')
  // Section 14.2: Range means something for GET only.
  if (range === null || request.method !== 'GET') return WHOLE
  // Section 13.1.5, strong comparison: a weak tag never matches, nor does a date, since no Last-Modified is ever sent.
  const ifRange = headers.get('If-Range')
  if (ifRange !== null && ifRange !== etag) return WHOLE
  return parseRange(range, size)
}

/** The headers that say what an answer carries; status, ETag and body are the caller's. */
export function rangeHeaders(range: ByteRange, size: number): Record<string, string> {
  switch (range.kind) {
    case 'whole':
      return { 'Accept-Ranges': 'bytes', 'Content-Length': `${size}` }
    case 'part':
      return {
        'Accept-Ranges': 'bytes',
        'Content-Length': `${range.length}`,
        'Content-Range': `bytes ${range.offset}-${range.offset + range.length - 1}/${size}`,
      }
    case 'unsatisfiable':
      return { 'Accept-Ranges': 'bytes', 'Content-Range': `bytes */${size}` }
    case 'notModified':
      return {}
    default:
      return range satisfies never
  }
}

/** Section 13.1.2, weak comparison: the `W/` before a tag says nothing. A tag may have commas inside its quotes. */
function namesTag(ifNoneMatch: string | null, etag: string) {
  if (ifNoneMatch === null) return false
  if (ifNoneMatch.trim() === '*') return true
  return ifNoneMatch.match(/"[\x21\x23-\x7e\x80-\xff]*"/g)?.includes(etag) ?? false
}

function parseRange(range: string, size: number): ByteRange {
  const [, first = '', last = ''] = SINGLE_RANGE.exec(range) ?? []
  // Section 14.1.1: `5-2` is as invalid as no number at all, and an invalid Range may be ignored (14.2).
  const malformed = first === '' ? last === '' : last !== '' && Number(last) < Number(first)
  // Clients that put a Range on every request are better served with nothing than with 416 where there is nothing.
  if (malformed || size === 0) return WHOLE

  // Section 14.1.2: a suffix longer than the content is all of it; the library takes it for unsatisfiable.
  const suffix = `bytes=-${Math.min(Number(last), size)}`
  const parsed = rangeParser(size, first === '' ? suffix : range)
  if (parsed === -1) return { kind: 'unsatisfiable' }
  const part = parsed === -2 ? undefined : parsed[0]
  return part === undefined ? WHOLE : { kind: 'part', offset: part.start, length: part.end - part.start + 1 }
}
