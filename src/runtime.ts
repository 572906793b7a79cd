import { createJwtVerifier, type JwtVerifier } from './http/jwt.ts'
import type { Credential, Door } from './model/principal.ts'
import type { Scope } from './domain/scope.ts'
import { readSettings, type Settings } from './settings.ts'
import { createTokenCodec, type TokenCodec } from './storage/secrets.ts'
import { openStores } from './storage/stores.ts'

type Runtime = Readonly<{ settings: Settings; tokens: TokenCodec; verifyJwt: JwtVerifier }>

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
    idempotency,
    identified = () => undefined,
  }: {
    credential: Credential
    door: Door
    origin: string | undefined
    now: Date
    context: Pick<ExecutionContext, 'waitUntil'>
    /** Undefined: the primary answers everything. */
    session?: D1DatabaseSession | undefined
    idempotency?: Scope['idempotency']
    identified?: Scope['identified']
  },
): Scope {
  const { settings, tokens } = runtimeOf(env)
  return {
    credential,
    door,
    settings,
    tokens,
    now,
    idempotency,
    identified,
    stores: openStores({ DB: session ?? env.DB, BUCKET: env.BUCKET, TOKENS: env.TOKENS }, settings, origin),
    defer: (work) => context.waitUntil(work),
    enqueue: async (message) => {
      await env.JOBS.send(message)
    },
  }
}
