import type { Context, MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { AppEnv } from '../../wire/context.ts'

/** Nobody on the way keeps what is a study's, and no URL with a token in it is told to where a page leads. */
export const neverCache: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next()
  c.res.headers.set('Cache-Control', 'no-store')
  c.res.headers.set('X-Content-Type-Options', 'nosniff')
  c.res.headers.set('Referrer-Policy', 'no-referrer')
}

/** Any browser app may call, with whatever headers: nothing goes by cookies, and a token is all that lets it in. */
export const allowBrowsers = cors({
  origin: '*',
  allowMethods: ['GET', 'HEAD', 'POST', 'OPTIONS'],
  exposeHeaders: [
    'Accept-Ranges',
    'Content-Disposition',
    'Content-Length',
    'Content-Range',
    'ETag',
    'Retry-After',
    'X-Request-Id',
  ],
  maxAge: 86_400,
})

/** Words, as upstream has them: it calls them HTML, and there is none in them. */
export const tell = (c: Context<AppEnv>, text: string, status: ContentfulStatusCode = 200): Response =>
  c.body(text, status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
  })
