import { type Content, servedMediaTypeOf } from '../domain/content.ts'

/**
 * What a browser is told of bytes that come from here: nothing in them may run, whatever they are. The sandbox would
 * also keep a browser's own PDF viewer from running, so a PDF that is streamed is saved instead.
 */
export const contentHeaders = (content: Content): Record<string, string> => ({
  'Content-Type': servedMediaTypeOf(content),
  'Content-Disposition': /^application\/pdf\b/i.test(content.mediaType)
    ? content.disposition.replace(/^inline/, 'attachment')
    : content.disposition,
  'Content-Security-Policy': "sandbox; default-src 'none'",
  'X-Content-Type-Options': 'nosniff',
  ETag: `"${content.etag}"`,
})
