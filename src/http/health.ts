import { z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { findLateness, type Lateness } from '../domain/health.ts'
import { type Backlog, type DeadLetters, DUTIES, MOST_COUNTED } from '../model/health.ts'
import { type AppEnv, scopeOf } from '../wire/context.ts'
import { showsOperatorKey } from '../wire/credentials.ts'
import { answer, operation } from './operation.ts'
import { newRouter } from './router.ts'
import { instantOrNull, InstantOut } from './schemas.ts'

const at = '2026-11-21T08:30:00.000Z'

const BacklogOut = z
  .object({
    count: z
      .number()
      .int()
      .openapi({ description: `${MOST_COUNTED} stands for that many or more.` }),
    oldest: InstantOut.nullable().openapi({ description: 'Since when the longest waits.' }),
  })
  .openapi('Backlog', { example: { count: 1, oldest: at } })
const DeadLettersOut = z
  .object({ count: z.number().int(), lastAt: InstantOut.nullable() })
  .openapi('DeadLetters', { example: { count: 0, lastAt: null } })

const told = {
  late: z.array(z.enum(DUTIES)).openapi({ description: 'What has been undone for longer than it may be.' }),
  sweptAt: InstantOut.nullable().openapi({ description: 'When the sweep last ran to its end.' }),
  uploads: BacklogOut,
  outbox: BacklogOut,
  erasures: BacklogOut,
  departures: BacklogOut,
  deadLetters: z.object({ objectEvents: DeadLettersOut, jobs: DeadLettersOut }),
}
const none = { count: 0, oldest: null }
const noneDead = { count: 0, lastAt: null }
const Health = z.object({ status: z.enum(['ok', 'late']), ...z.object(told).partial().shape }).openapi('Health', {
  description: '`status` is `ok` to everyone but the operator, to whom alone the rest is told.',
  example: {
    status: 'ok',
    late: [],
    sweptAt: at,
    uploads: none,
    outbox: { count: 3, oldest: at },
    erasures: { count: 1, oldest: at },
    departures: none,
    deadLetters: { objectEvents: noneDead, jobs: noneDead },
  },
})

const presentBacklog = ({ count, oldest }: Backlog) => ({ count, oldest: instantOrNull(oldest) })
const presentDead = ({ count, lastAt }: DeadLetters) => ({ count, lastAt: instantOrNull(lastAt) })
const presentLateness = ({ health, late }: Lateness): z.infer<typeof Health> => ({
  status: late.length === 0 ? 'ok' : 'late',
  late: [...late],
  sweptAt: instantOrNull(health.sweptAt),
  uploads: presentBacklog(health.uploads),
  outbox: presentBacklog(health.outbox),
  erasures: presentBacklog(health.erasures),
  departures: presentBacklog(health.departures),
  deadLetters: {
    objectEvents: presentDead(health.deadLetters.objectEvents),
    jobs: presentDead(health.deadLetters.jobs),
  },
})

/** Whoever shows something else is nobody in particular here: the service is there all the same. */
const knowOperator: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (await showsOperatorKey(c)) c.set('credential', { kind: 'operator' })
  await next()
}

const get = operation(
  {
    method: 'get',
    path: '/health',
    operationId: 'getHealth',
    summary: 'Whether the service answers, and, to the operator, how late it is',
    description:
      "Sent with the operator's key as bearer, it tells how late the service is with what runs without a request; see " +
      'docs/operations.md. Any other credential is ignored.',
    tags: ['Service'],
    middleware: knowOperator,
    responses: { 200: answer('It does.', Health) },
  },
  { problems: [], door: 'link' },
)

export const health = newRouter().openapi(get, async (c) => {
  const found = await findLateness(scopeOf(c))
  if (found === undefined) return c.json({ status: 'ok' } as const, 200)
  return c.json(presentLateness(found), 200, { 'Cache-Control': 'no-store' })
})
