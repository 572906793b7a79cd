import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { AppEnv } from '../../wire/context.ts'

type Told = Readonly<{ status?: ContentfulStatusCode; headers?: Readonly<Record<string, string>> }>

/** JSON text as it stands. It is about people's health, so nobody on the way keeps it. */
export const tellText = (c: Context<AppEnv>, json: string, { status = 200, headers = {} }: Told = {}): Response =>
  c.body(json, status, {
    'Content-Type': 'application/json;charset=UTF-8',
    'Cache-Control': 'no-store',
    ...headers,
  })

/** An object with the name of its type, without what in it is null. */
export const tell = (
  c: Context<AppEnv>,
  body: Readonly<{ type: string; [member: string]: unknown }>,
  told?: Told,
): Response =>
  tellText(
    c,
    JSON.stringify(body, (_, value: unknown) => (value === null ? undefined : value)),
    told,
  )

/** What was done, in words that clients compare. */
export const tellMessage = (c: Context<AppEnv>, message: string, status: 200 | 201 = 200): Response =>
  tell(c, { message, type: 'StatusMessage' }, { status })
