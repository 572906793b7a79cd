import { create } from 'content-disposition'

/** Types that a browser shows without running anything in them; everything else is saved, never shown. */
const INERT = new Set([
  'application/pdf',
  'audio/aac',
  'audio/flac',
  'audio/mp4',
  'audio/mpeg',
  'audio/ogg',
  'audio/wav',
  'audio/webm',
  'audio/x-m4a',
  'audio/x-wav',
  'image/avif',
  'image/gif',
  'image/jpeg',
  'image/png',
  'image/webp',
  'text/plain',
  'video/mp4',
  'video/ogg',
  'video/quicktime',
  'video/webm',
])

/**
 * Types that a browser runs, reads as instructions to itself or takes for a question, besides whatever ends in `+xml` or
 * `/xml`, is called HTML or is a JavaScript of long ago.
 */
const ACTIVE = new Set([
  'application/ecmascript',
  'application/java-archive',
  'application/javascript',
  'application/manifest+json',
  'application/unknown',
  'application/wasm',
  'application/x-ecmascript',
  'application/x-javascript',
  'application/x-mimearchive',
  'application/x-shockwave-flash',
  'application/xml-dtd',
  'application/xml-external-parsed-entity',
  'message/rfc822',
  'multipart/related',
  'multipart/x-mixed-replace',
  'text/cache-manifest',
  'text/css',
  'text/ecmascript',
  'text/html',
  'text/javascript',
  'text/jscript',
  'text/livescript',
  'text/vbscript',
  'text/x-ecmascript',
  'text/x-javascript',
  'text/xml-external-parsed-entity',
  'text/xsl',
  'unknown/unknown',
])

// RFC 9110 section 8.3.1, but without commas: browsers split a Content-Type at commas and believe the last type
// (https://fetch.spec.whatwg.org/#concept-header-extract-mime-type), so `image/png;x=,text/html` would be HTML.
const MEDIA_TYPE =
  /^([\w!#$&^.+-]+\/[\w!#$&^.+-]+)(?:[ \t]*;[ \t]*[\w!#$&'*^`|~.+-]+=(?:[\w!#$%&'*^`|~.+-]+|"[\x20\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]*"))*$/

/** `TEXT/HTML; charset=x` is `text/html`; undefined: not a media type at all. */
const essenceOf = (mediaType: string) => MEDIA_TYPE.exec(mediaType.trim())?.[1]?.toLowerCase()

const isActive = (essence: string) => ACTIVE.has(essence) || /[+/]xml$|html|^text\/javascript1\.\d$/.test(essence)

/**
 * What `filename` says to clients that do not read `filename*`, such as curl: letters without their marks, and `_` for
 * what such a client could take for more than a character of a name: path separators, `%41` and `=?UTF-8?Q?…?=` (which
 * browsers decode in it), what Windows refuses, and dots in front (`..`, `.bashrc`). Spaces are never two: in what is
 * signed they are one, so a name that has more of them must be said in full besides.
 */
function asciiName(name: string) {
  const ascii = name
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/[^\x20-\x7e]+/g, '_')
    .replace(/["%*/:<>?\\|]/g, '_')
    .replace(/^\.+/, '_')
    .replace(/ +/g, ' ')
  return ascii === '' ? '_' : ascii
}

/**
 * The Content-Disposition (RFC 6266) of content called `name`: `inline` for types that run nothing, else `attachment`.
 * `filename*` carries the name exactly, path separators included, as RFC 6266 section 4.3 has clients strip them.
 */
export function dispositionOf(name: string, mediaType: string): string {
  const wellFormed = name.toWellFormed() // half a surrogate pair has no UTF-8, and the library throws on it
  const type = INERT.has(essenceOf(mediaType) ?? '') ? 'inline' : 'attachment'
  return create(wellFormed, { type, fallback: asciiName(wellFormed) })
}

/** The Content-Type under which content leaves through the Worker: its own, unless a browser would run it. */
export function servedMediaType(mediaType: string): string {
  const essence = essenceOf(mediaType)
  return essence === undefined || isActive(essence) ? 'application/octet-stream' : mediaType.trim()
}
