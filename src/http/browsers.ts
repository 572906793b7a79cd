import type { cors } from 'hono/cors'
import type { secureHeaders } from 'hono/secure-headers'
import { runtimeOf } from '../runtime.ts'

/**
 * Which browser apps may call, and what they may read of an answer. Nothing here goes by cookies, so credentials are
 * never allowed, and the answer to an origin that is not set is one without CORS headers.
 */
export const corsOptions = {
  origin: (origin, c) => {
    // The settings of the Worker's own environment: hono's type for this callback does not know which it is.
    const { allowedOrigins } = runtimeOf(c.env as Env).settings
    return allowedOrigins.includes('*') || allowedOrigins.includes(origin) ? origin : null
  },
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
} satisfies Parameters<typeof cors>[0]

/** Answers are read by apps of other origins, where CORS lets them; nothing of ours is framed or sniffed. */
export const SECURE_HEADERS = {
  crossOriginResourcePolicy: 'cross-origin',
  xFrameOptions: 'DENY',
  referrerPolicy: 'no-referrer',
} as const satisfies Parameters<typeof secureHeaders>[0]
