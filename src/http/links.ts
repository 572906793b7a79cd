import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { claimDownload, openDownloadLink, requireUnspent } from '../domain/downloads.ts'
import { type ErrorCode, prefetchDeclined } from '../model/errors.ts'
import { ConfirmPage } from '../pages/confirm.tsx'
import { confirmPageHeaders, pageHeaders } from '../pages/headers.ts'
import { SpentPage, type SpentReason } from '../pages/spent.tsx'
import { languageOf } from '../pages/texts.ts'
import { isPrefetch } from '../wire/browsers.ts'
import { contentHeaders } from '../wire/content-headers.ts'
import { type AppEnv, scopeOf } from '../wire/context.ts'
import { asDomainError } from '../wire/failures.ts'
import { bytes, operation, redirect } from './operation.ts'
import { renderProblem, STATUS } from './problem.ts'
import { newRouter } from './router.ts'

const tags = ['Download links']

// Whatever it is: a token of another shape is as unknown as any other.
const params = z.object({ token: z.string().openapi({ description: 'From the URL of a link.' }) })

const responses = {
  200: bytes('The bytes, or for a browser the page of a link that is to be confirmed.'),
  302: redirect('To a URL that lives a minute.'),
}

const open = operation(
  {
    method: 'get',
    path: '/d/{token}',
    operationId: 'claimDownload',
    summary: 'Use a link up and get its content',
    description:
      'HEAD, OPTIONS and prefetches use nothing up. A browser is answered with pages, a program with problems.',
    tags,
    request: { params },
    responses,
  },
  {
    problems: [
      'download_token_not_found',
      'download_token_used',
      'download_token_expired',
      'download_token_revoked',
      'prefetch_declined',
    ],
    door: 'link',
  },
)

const confirm = operation(
  {
    method: 'post',
    path: '/d/{token}',
    operationId: 'confirmDownload',
    summary: "Use a link up: what the page's button does",
    tags,
    request: { params },
    responses: { 200: bytes('The bytes.'), 303: responses[302] },
  },
  {
    problems: [
      'body_too_large',
      'download_token_not_found',
      'download_token_used',
      'download_token_expired',
      'download_token_revoked',
    ],
    door: 'link',
  },
)

const wantsPage = (c: Context<AppEnv>) => (c.req.header('Accept') ?? '').includes('text/html')

/** The zone of the reader's address, where the platform knows it. */
function timeZoneOf(request: Request): string | undefined {
  const { cf } = request
  return typeof cf?.['timezone'] === 'string' ? cf['timezone'] : undefined
}

const SPENT: Partial<Record<ErrorCode, SpentReason>> = {
  download_token_not_found: 'unknown',
  download_token_used: 'used',
  download_token_expired: 'expired',
  download_token_revoked: 'revoked',
}

/** A person is told kindly what a program is told briefly. */
function tellWhyNot(c: Context<AppEnv>, failure: unknown): Response | Promise<Response> {
  const { code } = asDomainError(failure)
  const reason = SPENT[code]
  if (reason === undefined || !wantsPage(c)) return renderProblem(failure, c)
  return c.html(SpentPage({ reason, language: languageOf(c.req.header('Accept-Language')) }), STATUS[code], {
    ...pageHeaders,
  })
}

const NO_STORE = { 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer', 'X-Robots-Tag': 'noindex' }
const NONCE = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** What the page's button sent along; programs send nothing. */
async function nonceSent(c: Context<AppEnv>): Promise<string | undefined> {
  if (!(c.req.header('Content-Type') ?? '').startsWith('application/x-www-form-urlencoded')) return undefined
  const nonce = new URLSearchParams(await c.req.text()).get('nonce') ?? ''
  return NONCE.test(nonce) ? nonce : undefined
}

async function claim(
  c: Context<AppEnv>,
  { link, nonce, status }: { link: Awaited<ReturnType<typeof openDownloadLink>>; nonce: string; status: 302 | 303 },
): Promise<Response> {
  const claimed = await claimDownload(scopeOf(c), link, nonce)
  if (claimed.delivery === 'redirect') return c.body(null, status, { ...NO_STORE, Location: claimed.url })
  return c.body(claimed.body, 200, {
    ...NO_STORE,
    ...contentHeaders(claimed.content, 'no-store'),
    'Content-Length': String(claimed.content.size),
  })
}

export const links = newRouter()
  .openapi(open, async (c) => {
    try {
      if (isPrefetch(c.req.raw.headers)) throw prefetchDeclined()
      const scope = scopeOf(c)
      const link = await openDownloadLink(scope, c.req.valid('param').token)
      if (c.req.raw.method === 'HEAD') return c.body(null, 200, NO_STORE)
      if (link.known.confirm && wantsPage(c)) {
        await requireUnspent(scope, link)
        const { endpoint } = scope.settings.s3
        const page = ConfirmPage({
          expiresAt: link.known.expiresAt,
          nonce: crypto.randomUUID(),
          timeZone: timeZoneOf(c.req.raw),
          language: languageOf(c.req.header('Accept-Language')),
        })
        return await c.html(page, 200, { ...confirmPageHeaders(endpoint === 'local' ? c.req.url : endpoint) })
      }
      return await claim(c, { link, nonce: crypto.randomUUID(), status: 302 })
    } catch (failure) {
      return tellWhyNot(c, failure)
    }
  })
  .openapi(confirm, async (c) => {
    try {
      const link = await openDownloadLink(scopeOf(c), c.req.valid('param').token)
      // What is streamed is delivered once, whoever asks again.
      const repeatable = link.known.delivery === 'redirect' ? await nonceSent(c) : undefined
      return await claim(c, { link, nonce: repeatable ?? crypto.randomUUID(), status: 303 })
    } catch (failure) {
      return tellWhyNot(c, failure)
    }
  })
