import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import type { AppEnv } from '../../wire/context.ts'

/** Any browser app may call, as upstream has it: what it shows in a header of its own is all that lets it in. */
export const allowBrowsers = cors({ origin: '*', allowMethods: ['GET', 'HEAD', 'POST', 'DELETE'], maxAge: 1_800 })

const HEADERS = {
  // Nothing here is a page.
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  'Strict-Transport-Security': 'max-age=31536000; includeSubDomains',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'X-Permitted-Cross-Domain-Policies': 'none',
  'X-XSS-Protection': '1; mode=block',
}

/** What every answer has. */
export const secure: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next()
  for (const [name, value] of Object.entries(HEADERS)) c.res.headers.set(name, value)
}

/** Tells a client that there is a newer call than the one that it made. */
export const deprecated: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next()
  c.res.headers.set('Bridge-Api-Status', "you're calling a deprecated endpoint")
}
