import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import worker from '../../src/index.ts'
import { type Answer, type Caller, callersOf } from './callers.ts'
import { ORIGIN } from './client.ts'

/** A statement as D1 was asked it. */
export type Asked = Readonly<{ sql: string; params: readonly unknown[] }>

/** What requests cost, counted at the bindings: trips to D1, rows that it read and wrote, and calls by name. */
export type Cost = { trips: number; rows: number; written: number; kv: string[]; r2: string[]; asked: Asked[] }

type Counted = Pick<D1Database, 'batch'> & { prepare: (sql: string) => Pick<D1PreparedStatement, 'bind'> }

/** D1 that counts, in sessions too. Whatever else of it there is would go uncounted, so it is not there. */
function meteredDatabase(cost: Cost): D1Database {
  const texts = new WeakMap<D1PreparedStatement, Asked>()
  const counting = (real: D1Database | D1DatabaseSession): Counted => ({
    prepare: (sql) => ({
      bind: (...params: unknown[]) => {
        const bound = real.prepare(sql).bind(...params)
        texts.set(bound, { sql, params })
        return bound
      },
    }),
    batch: async <Row>(statements: D1PreparedStatement[]) => {
      cost.trips += 1
      cost.asked.push(...statements.flatMap((each) => texts.get(each) ?? []))
      const results = await real.batch<Row>(statements)
      cost.rows += results.reduce((sum, { meta }) => sum + meta.rows_read, 0)
      cost.written += results.reduce((sum, { meta }) => sum + meta.rows_written, 0)
      return results
    },
  })
  const withSession = (start?: string) => {
    const session = env.DB.withSession(start)
    return { ...counting(session), getBookmark: () => session.getBookmark() } as D1DatabaseSession
  }
  return { ...counting(env.DB), withSession } as D1Database
}

/** A binding that works as ever and writes down what it is asked. */
const metered = <Binding extends object>(binding: Binding, calls: string[]): Binding =>
  new Proxy(binding, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name)
      if (typeof method !== 'function') return method
      return (...given: unknown[]): unknown => {
        calls.push(String(name))
        return Reflect.apply(method, target, given)
      }
    },
  })

/** The bindings, and what is asked of them from now on. */
export function meteredBindings() {
  const cost: Cost = { trips: 0, rows: 0, written: 0, kv: [], r2: [], asked: [] }
  const bindings = {
    DB: meteredDatabase(cost),
    BUCKET: metered(env.BUCKET, cost.r2),
    TOKENS: metered(env.TOKENS, cost.kv),
  }
  return { cost, bindings }
}

/** What a request costs, with all that it leaves to be done after its answer. */
export async function costOf(
  { key }: { key: string | undefined },
  ask: (caller: Caller) => Promise<Answer>,
): Promise<{ cost: Cost; answer: Answer }> {
  const { cost, bindings } = meteredBindings()
  const context = createExecutionContext()
  const as = callersOf(
    async (request) => worker.fetch(request, { ...env, ...bindings }, context),
    () => ORIGIN,
  )
  const answer = await ask(as(key))
  await waitOnExecutionContext(context)
  return { cost, answer }
}
