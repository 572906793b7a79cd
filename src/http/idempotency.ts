import { z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { runtimeOf } from '../runtime.ts'
import type { AppEnv } from '../wire/context.ts'

/** The header as an operation describes it. Visible ASCII: what every client can send, and nothing on the way changes. */
export const keyHeader = (description: string) =>
  z.object({
    'idempotency-key': z
      .string()
      .regex(/^[\x21-\x7e]{1,255}$/, 'Must be 1-255 visible ASCII characters without spaces.')
      .optional()
      .openapi({ description, example: '8f1d1c9e-5b0e-4a53-9f0a-7d0f7b1f2a3c' }),
  })

export const IdempotencyKey = keyHeader(
  'Chosen by the client, at random, for this request: sent again with the same key within 24 hours, it is done once and ' +
    'answered with the same ids.',
)

/** Of an answer that may tell of what an earlier request has made. */
export const Replayed = z.object({
  'Idempotency-Replayed': z.literal('true').optional().openapi({
    description: 'The request was done before, by the same `Idempotency-Key`. Secrets are not shown again.',
  }),
})

/** Takes the request's fingerprint, where it comes with a key: the method, the path and the body's very bytes. */
export const takeIdempotencyKey: MiddlewareHandler<AppEnv> = async (c, next) => {
  const key = c.req.header('Idempotency-Key')
  if (key !== undefined) {
    const target = `${c.req.method} ${new URL(c.req.url).pathname}`
    const fingerprints = await runtimeOf(c.env).tokens.fingerprints(target, await c.req.arrayBuffer())
    c.set('idempotency', { key, fingerprints })
  }
  await next()
}
