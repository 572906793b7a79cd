import type { StudyId } from './model/ids.ts'
import type { Credential, Door, Role } from './model/principal.ts'
import type { Scope } from './domain/scope.ts'
import { readSettings, type Settings } from './settings.ts'
import type { Queryable } from './storage/database.ts'
import { openDatabases } from './storage/databases.ts'
import { nothingRemembered, type Remembered } from './storage/directory.ts'
import { createTokenCodec, type TokenCodec } from './storage/secrets.ts'
import { openStores } from './storage/stores.ts'
import { timed, timedDatabase, type Waits } from './storage/waits.ts'
import { createJwtVerifier, type JwtVerifier } from './wire/jwt.ts'

export type { Queryable }

type Runtime = Readonly<{
  settings: Settings
  tokens: TokenCodec
  verifyJwt: JwtVerifier
  /** Studies by their numbers, as they came up: a number is one study's for ever. */
  studies: Map<number, StudyId>
  /** The first of the databases, and those that go by its name and a number. */
  databases: readonly [D1Database, ...D1Database[]]
  remembered: Remembered
}>

/** `DB_1`, `DB_2` and so on, as far as they are bound. */
function databasesIn(env: Env): readonly [D1Database, ...D1Database[]] {
  const further: D1Database[] = []
  for (;;) {
    const binding: unknown = Reflect.get(env, `DB_${further.length + 1}`)
    if (binding === undefined) return [env.DB, ...further]
    further.push(binding as D1Database) // what goes by such a name is one: `[[d1_databases]]` names nothing else
  }
}

/** What is read and made once per isolate: the environment does not change while it lives. */
const runtimes = new WeakMap<Env, Runtime>()

export function runtimeOf(env: Env): Runtime {
  const known = runtimes.get(env)
  if (known !== undefined) return known
  const settings = readSettings(env)
  const remembered = nothingRemembered()
  const made = {
    databases: databasesIn(env),
    remembered,
    settings,
    tokens: createTokenCodec(settings.tokenKeys),
    verifyJwt: createJwtVerifier(settings.jwtIssuers),
    studies: remembered.numbers,
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
    sessionWith = (database) => database,
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
    /** Absent: each database's primary answers everything. */
    sessionWith?: (database: D1Database, number: number) => Queryable
    /** Undefined: what is waited for is not put down. */
    waits?: Waits | undefined
    idempotency?: Scope['idempotency']
    identified?: Scope['identified']
    /** Undefined: whomever the rules let. */
    admits?: readonly Role[] | undefined
    requiresActive?: boolean
  },
): Scope {
  const { settings, tokens, databases: bound, remembered } = runtimeOf(env)
  const { BUCKET, TOKENS } = waits === undefined ? env : timed(env, waits)
  const asked = (database: D1Database, number: number): Queryable => {
    const queryable = sessionWith(database, number)
    return waits === undefined ? queryable : timedDatabase(queryable, waits)
  }
  const [first, ...others] = bound
  const queryables = [asked(first, 0), ...others.map((each, index) => asked(each, index + 1))] as const
  const directory = waits === undefined ? first : timedDatabase(first, waits)
  const databases = openDatabases(queryables, { directory, remembered, kv: TOKENS })
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
    stores: openStores({ databases, BUCKET, TOKENS }, settings, origin),
    defer: (work) => context.waitUntil(work),
    enqueue: async (message) => {
      await env.JOBS.send(message)
    },
  }
}
