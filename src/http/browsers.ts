import { allowBrowsers } from '../wire/browsers.ts'

/** What the browser apps that may call send, and what they may read of an answer. */
export const cors = allowBrowsers({
  allowMethods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
  allowHeaders: [
    'Authorization',
    'Carrel-Bookmark',
    'Content-Type',
    'Idempotency-Key',
    'If-Match',
    'If-None-Match',
    'If-Range',
    'Range',
    'X-Request-Id',
  ],
  exposeHeaders: [
    'Carrel-Bookmark',
    'Content-Disposition',
    'Content-Length',
    'Content-Range',
    'ETag',
    'Idempotency-Replayed',
    'Retry-After',
    'X-Request-Id',
  ],
  maxAge: 3_600,
})
