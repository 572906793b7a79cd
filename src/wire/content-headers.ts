import { type Content, servedMediaTypeOf } from '../domain/content.ts'

/**
 * What is told of bytes that come from here. To a browser: nothing in them may run, whatever they are. The sandbox would
 * also keep a browser's own PDF viewer from running, so a PDF that is streamed is saved instead. To what is on their way:
 * they are not to be packed, which would take their length and the strong ETag that a broken download goes on by.
 */
export const contentHeaders = (
  content: Content,
  caching: 'private, no-cache' | 'no-store',
): Record<string, string> => ({
  'Content-Type': servedMediaTypeOf(content),
  'Content-Disposition': /^application\/pdf\b/i.test(content.mediaType)
    ? content.disposition.replace(/^inline/, 'attachment')
    : content.disposition,
  'Content-Security-Policy': "sandbox; default-src 'none'",
  'X-Content-Type-Options': 'nosniff',
  ETag: `"${content.etag}"`,
  'Cache-Control': `${caching}, no-transform`,
})
