import { createExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { credentialOfKey, credentialOfSession } from '../../src/domain/credentials.ts'
import type { Scope } from '../../src/domain/scope.ts'
import { DomainError, type ErrorCode } from '../../src/model/errors.ts'
import type { StudyId } from '../../src/model/ids.ts'
import type { ForeignDoor, Role } from '../../src/model/principal.ts'
import { openScope } from '../../src/runtime.ts'

// Domain verbs as an adapter calls them, for what no native operation does.

export type Asking = Readonly<{
  /** An API key or a session's secret; undefined: nobody in particular. */
  secret?: string | undefined
  door?: ForeignDoor
  now?: Date
  admits?: readonly Role[]
  requiresActive?: boolean
  /** Bindings and settings in place of the pool's. */
  other?: object
}>

export async function scopeOf(asking: Asking = {}): Promise<Scope & { door: ForeignDoor }> {
  const { secret, door = 'bridge', now = new Date(), admits, requiresActive = false, other } = asking
  const shown = secret === undefined ? undefined : await credentialOf(secret)
  const scope = openScope(other === undefined ? env : { ...env, ...other }, {
    credential: shown ?? { kind: 'anonymous' },
    door,
    origin: 'http://localhost',
    now,
    context: createExecutionContext(),
    admits,
    requiresActive,
  })
  return { ...scope, door }
}

const credentialOf = async (secret: string) => (await credentialOfSession(secret)) ?? (await credentialOfKey(secret))

/** A study's id as the domain has it. */
export const idOf = (study: { id: string }) => study.id as StudyId // what a study was made with

/** What came of it: `done`, or the code of its refusal. What fails in another way fails the test. */
export async function outcomeOf(doing: Promise<unknown>): Promise<'done' | ErrorCode> {
  try {
    await doing
    return 'done'
  } catch (failure) {
    if (failure instanceof DomainError) return failure.code
    throw failure
  }
}
