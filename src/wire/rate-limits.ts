import type { Context, MiddlewareHandler } from 'hono'
import { rateLimited } from '../model/errors.ts'
import type { Credential } from '../model/principal.ts'
import { runtimeOf } from '../runtime.ts'
import type { AppEnv } from './context.ts'

// The platform counts per location and approximately (docs: Workers, "Rate limiting"): this keeps a runaway client or a
// guesser in check, and is no accounting.

/** Who is counted: a credential, else the address that the platform says a request came from. */
function countedAs(credential: Credential, address: string | undefined): string {
  if (credential.kind === 'key' || credential.kind === 'session') return `${credential.kind}:${credential.hash}`
  if (credential.kind === 'jwt') return `jwt:${credential.issuer} ${credential.subject}`
  return `address:${address ?? ''}`
}

const addressOf = (header: (name: string) => string | undefined) => header('CF-Connecting-IP')

/** Every caller, by whatever they showed, where the settings switch it on. */
export const limitCallers: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (runtimeOf(c.env).settings.limitsCallers) {
    const key = countedAs(
      c.var.credential,
      addressOf((name) => c.req.header(name)),
    )
    if (!(await c.env.CALLER_RATE.limit({ key })).success) throw rateLimited()
  }
  await next()
}

/** Whether an address may still guess at something, each kind counted by itself: so always, whatever the settings say. */
export async function mayGuess(c: Context<AppEnv>, what: 'enrolment' | 'sign-in'): Promise<boolean> {
  const key = `${what}:${addressOf((name) => c.req.header(name)) ?? ''}`
  return (await c.env.ENROLMENT_RATE.limit({ key })).success
}

/** Guesses at enrolment codes: their sixty bits are short enough to be typed. */
export const limitEnrolments: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (!(await mayGuess(c, 'enrolment'))) throw rateLimited()
  await next()
}
