import type { MiddlewareHandler } from 'hono'
import { runtimeOf } from '../runtime.ts'
import { newWaits } from '../domain/scope.ts'
import type { AppEnv } from './context.ts'

/**
 * Where a request spent its time, as `Server-Timing` has it: `d1;dur=12.4;desc="1 call"`, and all of it as `total`. A
 * Worker's clock stands still while it computes, so what is told is what was waited for.
 */
export const tellWaits: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (!runtimeOf(c.env).settings.tellsWaits) return next()
  const waits = newWaits()
  c.set('waits', waits)
  const begun = performance.now()
  await next()
  const metrics = Object.entries(waits)
    .filter(([, { calls }]) => calls > 0)
    .map(([name, { calls, milliseconds }]) => metric(name, milliseconds, `${calls} ${calls === 1 ? 'call' : 'calls'}`))
  c.header('Server-Timing', [...metrics, metric('total', performance.now() - begun)].join(', '))
  return undefined
}

const metric = (name: string, milliseconds: number, description?: string): string =>
  `${name};dur=${milliseconds.toFixed(1)}${description === undefined ? '' : `;desc="${description}"`}`
