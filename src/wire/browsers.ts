import type { Context, MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import type { secureHeaders } from 'hono/secure-headers'
import { runtimeOf } from '../runtime.ts'
import type { AppEnv } from './context.ts'

/**
 * Which browser apps may call. Nothing here goes by cookies, so credentials are never allowed, and the answer to an origin
 * that is not set is one without CORS headers.
 */
export function allowedOrigin(origin: string, c: Context): string | null {
  // The settings of the Worker's own environment: hono's type for this callback does not know which it is.
  const { allowedOrigins } = runtimeOf(c.env as Env).settings
  return allowedOrigins.includes('*') || allowedOrigins.includes(origin) ? origin : null
}

/**
 * CORS for the apps of these origins, by hono. Who says no origin is no such app: hono would begin an answer for them all
 * the same, and copy it with what comes later.
 */
export function allowBrowsers(options: Omit<Parameters<typeof cors>[0] & object, 'origin'>): MiddlewareHandler<AppEnv> {
  const answer = cors({ ...options, origin: allowedOrigin })
  return async (c, next) => {
    if (c.req.header('Origin') !== undefined || c.req.method === 'OPTIONS') return answer(c, next)
    await next()
    // What a cache keeps of this is not for an app, which would miss the headers.
    c.res.headers.append('Vary', 'Origin')
  }
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
