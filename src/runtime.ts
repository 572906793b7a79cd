import type { StudyId } from './model/ids.ts'
import type { Credential, Door, Role } from './model/principal.ts'
import type { Scope } from './domain/scope.ts'
import { readSettings, type Settings } from './settings.ts'
import { createTokenCodec, type TokenCodec } from './storage/secrets.ts'
import { openStores } from './storage/stores.ts'
import { timed, type Waits } from './storage/waits.ts'
import { createJwtVerifier, type JwtVerifier } from './wire/jwt.ts'

type Runtime = Readonly<{
  settings: Settings
  tokens: TokenCodec
  verifyJwt: JwtVerifier
  /** Studies by their numbers, as they came up: a number is one study's for ever. */
  studies: Map<number, StudyId>
}>

/** What is read and made once per isolate: the environment does not change while it lives. */
const runtimes = new WeakMap<Env, Runtime>()

export function runtimeOf(env: Env): Runtime {
  const known = runtimes.get(env)
  if (known !== undefined) return known
  const settings = readSettings(env)
  const made = {
    settings,
    tokens: createTokenCodec(settings.tokenKeys),
    verifyJwt: createJwtVerifier(settings.jwtIssuers),
    studies: new Map<number, StudyId>(),
  }
  runtimes.set(env, made)
  return made
}

/** The scope of one request or job. `origin`: where the request came in; undefined in a job. */
export function openScope(
  env: Env,
  {
    credential,
    door,
    origin,
    now,
    context,
    session,
    waits,
    idempotency,
    identified = () => undefined,
    admits,
    requiresActive = false,
  }: {
    credential: Credential
    door: Door
    origin: string | undefined
    now: Date
    context: Pick<ExecutionContext, 'waitUntil'>
    /** Undefined: the primary answers everything. */
    session?: D1DatabaseSession | undefined
    /** Undefined: what is waited for is not put down. */
    waits?: Waits | undefined
    idempotency?: Scope['idempotency']
    identified?: Scope['identified']
    /** Undefined: whomever the rules let. */
    admits?: readonly Role[] | undefined
    requiresActive?: boolean
  },
): Scope {
  const { settings, tokens } = runtimeOf(env)
  const bindings = { DB: session ?? env.DB, BUCKET: env.BUCKET, TOKENS: env.TOKENS }
  return {
    credential,
    door,
    admits,
    requiresActive,
    settings,
    tokens,
    now,
    idempotency,
    identified,
    stores: openStores(waits === undefined ? bindings : timed(bindings, waits), settings, origin),
    defer: (work) => context.waitUntil(work),
    enqueue: async (message) => {
      await env.JOBS.send(message)
    },
  }
}
