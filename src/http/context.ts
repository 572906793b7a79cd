import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Credential } from '../model/principal.ts'
import type { Scope } from '../domain/scope.ts'
import { openScope } from '../runtime.ts'
import { refuseInvalid } from './validation.ts'

export type AppEnv = { Bindings: Env; Variables: { requestId: string; credential: Credential; now: Date } }

/** A router whose invalid requests end as problems, like everything else that goes wrong. */
export const newRouter = () => new OpenAPIHono<AppEnv>({ defaultHook: refuseInvalid })

/** First argument of every verb, for this request. */
export const scopeOf = (c: Context<AppEnv>): Scope =>
  openScope(c.env, {
    credential: c.var.credential,
    origin: new URL(c.req.url).origin,
    now: c.var.now,
    context: c.executionCtx,
  })
