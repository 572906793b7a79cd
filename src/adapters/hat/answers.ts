import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { AppEnv } from '../../wire/context.ts'

type Told = Readonly<{ status?: ContentfulStatusCode; headers?: Readonly<Record<string, string>> }>

/** JSON without what in it is undefined. It is about people's health, so nobody on the way keeps it. */
export const tell = (c: Context<AppEnv>, body: unknown, { status = 200, headers = {} }: Told = {}): Response =>
  c.body(JSON.stringify(body), status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers })
