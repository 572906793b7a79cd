import type { Context } from 'hono'
import type { secureHeaders } from 'hono/secure-headers'
import { runtimeOf } from '../runtime.ts'

/**
 * Which browser apps may call: for the `origin` of hono's CORS middleware. Nothing here goes by cookies, so credentials
 * are never allowed, and the answer to an origin that is not set is one without CORS headers.
 */
export function allowedOrigin(origin: string, c: Context): string | null {
  // The settings of the Worker's own environment: hono's type for this callback does not know which it is.
  const { allowedOrigins } = runtimeOf(c.env as Env).settings
  return allowedOrigins.includes('*') || allowedOrigins.includes(origin) ? origin : null
}

/**
 * Answers are read by apps of other origins, where CORS lets them; nothing of ours is framed or sniffed. What only
 * browsers and plug-ins looked at that are no more, answers go without.
 */
export const SECURE_HEADERS = {
  crossOriginResourcePolicy: 'cross-origin',
  xFrameOptions: 'DENY',
  referrerPolicy: 'no-referrer',
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
} as const satisfies Parameters<typeof secureHeaders>[0]

const PREFETCH_HEADERS = ['Sec-Purpose', 'Purpose', 'X-Purpose', 'X-Moz']

/** Whether a browser looks ahead, and nobody has asked for anything yet: what works once is not for it. */
export const isPrefetch = (headers: Headers): boolean =>
  PREFETCH_HEADERS.some((name) => /\b(prefetch|prerender|preview)\b/i.test(headers.get(name) ?? ''))
