import type { Scope } from '../domain/scope.ts'
import { openScope } from '../runtime.ts'

/** The scope of work that nobody asked for: Carrel's own, at the time that the platform says. */
export const jobScope = (env: Env, { now, context }: { now: Date; context: ExecutionContext }): Scope =>
  openScope(env, { credential: { kind: 'system' }, door: 'job', origin: undefined, now, context })
