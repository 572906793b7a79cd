import type { Context, MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { AppEnv } from '../../wire/context.ts'

/** Nobody on the way keeps what is said of people, as upstream has it. */
export const neverCache: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next()
  c.res.headers.set('Cache-Control', 'max-age=0, no-cache, no-store, must-revalidate, private')
  c.res.headers.set('X-Content-Type-Options', 'nosniff')
  c.res.headers.set('Referrer-Policy', 'no-referrer')
}

/** Any browser app may call: nothing goes by cookies, and a token is all that lets it in. */
export const allowBrowsers = cors({
  origin: '*',
  allowMethods: ['GET', 'HEAD', 'POST', 'OPTIONS', 'PUT', 'PATCH', 'DELETE'],
  maxAge: 86_400,
})

/** What is not JSON yet: `undefined` in it is left out. */
export const tell = (c: Context<AppEnv>, body: unknown, status: ContentfulStatusCode = 200): Response =>
  c.body(JSON.stringify(body), status, { 'Content-Type': 'application/json' })

/** The words that upstream's pages are made of, in their own tags and nothing around. */
export const tellHtml = (c: Context<AppEnv>, html: string, status: ContentfulStatusCode = 200): Response =>
  c.body(html, status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  })
