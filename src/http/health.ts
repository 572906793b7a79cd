import { z } from '@hono/zod-openapi'
import { answer, operation } from './operation.ts'
import { newRouter } from './router.ts'

const Health = z.object({ status: z.literal('ok') }).openapi('Health', { example: { status: 'ok' } })

const get = operation(
  {
    method: 'get',
    path: '/health',
    operationId: 'getHealth',
    summary: 'Whether the service answers',
    tags: ['Service'],
    responses: { 200: answer('It does.', Health) },
  },
  { problems: [], door: 'link' },
)

export const health = newRouter().openapi(get, (c) => c.json({ status: 'ok' } as const, 200))
