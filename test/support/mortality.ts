import { env } from 'cloudflare:workers'
import { heldJobs } from './erasures.ts'

/** When a process dies: at which of its calls to what is bound to it, and whether that call still takes effect. */
export type Death = Readonly<{ at: number; takesEffect: boolean }>

/**
 * Bindings of a process that dies at one of its calls: that one may still take effect, but nobody hears of it, and none
 * comes after it. `calls` says how many were made, so that a test knows whether it came so far. `further`: databases
 * beside the first.
 */
export function mortal({ at, takesEffect }: Death, further: Readonly<Record<string, D1Database>> = {}) {
  const life = { calls: 0 }
  const jobs = heldJobs()
  async function call<Result>(make: () => Promise<Result>): Promise<Result> {
    life.calls += 1
    if (life.calls < at) return make()
    if (life.calls === at && takesEffect) await make()
    throw new Error('the process is dead')
  }
  const dying = <Binding extends object>(binding: Binding, methods: readonly string[]): Binding =>
    new Proxy(binding, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name)
        if (typeof method !== 'function') return method
        if (name === 'withSession') {
          // What a session is asked is asked of the database.
          return (...given: unknown[]) => dying(Reflect.apply(method, target, given) as object, methods)
        }
        if (!methods.includes(String(name))) return method.bind(target)
        return async (...given: unknown[]) => call(async () => Reflect.apply(method, target, given) as Promise<unknown>)
      },
    })
  const bindings = {
    DB: dying(env.DB, ['batch']),
    ...Object.fromEntries(Object.entries(further).map(([name, database]) => [name, dying(database, ['batch'])])),
    BUCKET: dying(env.BUCKET, ['put', 'delete', 'head', 'get']),
    TOKENS: dying(env.TOKENS, ['put', 'delete', 'get']),
    JOBS: dying(jobs.JOBS, ['send']),
  }
  return { bindings, life }
}
