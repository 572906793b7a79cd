// Carrel, with each statement that it asks D1, each call to R2 and KV, and each message that it puts on the queue, written
// down and told instead of its answer. The Worker inside is the one that is deployed.

import carrel from '../src/index.ts'

type Cell = string | number | null
/** The first row of each statement's answer, since later ones may be made of it. */
type Row = Readonly<Record<string, Cell>>
export type Step =
  | Readonly<{ to: 'd1'; statements: readonly { sql: string; params: readonly Cell[] }[]; rows: readonly Row[] }>
  | Readonly<{ to: 'kv' | 'r2' | 'queue'; method: string; args: readonly string[]; rows: readonly Row[] }>
export type Recording = Readonly<{ status: number; text: string; at: number; steps: readonly Step[] }>

type Asked = { sql: string; params: readonly Cell[] }

/** What D1 is asked; of it the Worker uses what is here, and no more. */
function recorded(real: D1Database | D1DatabaseSession, steps: Step[]) {
  const asked = new WeakMap<D1PreparedStatement, Asked>()
  return {
    prepare: (sql: string) => ({
      bind: (...params: Cell[]) => {
        const bound = real.prepare(sql).bind(...params)
        asked.set(bound, { sql, params })
        return bound
      },
    }),
    batch: async (statements: D1PreparedStatement[]) => {
      const results = await real.batch<Row>(statements)
      steps.push({
        to: 'd1',
        statements: statements.flatMap((each) => asked.get(each) ?? []),
        rows: results.map((result) => result.results[0] ?? {}),
      })
      return results
    },
  }
}

const NOTED = { kv: ['get', 'put', 'delete'], r2: ['head', 'get', 'put', 'delete'] }

const noting = <Binding extends object>(to: 'kv' | 'r2', binding: Binding, steps: Step[]): Binding =>
  new Proxy(binding, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (!NOTED[to].includes(String(name))) return value.bind(target)
      return async (...args: unknown[]) => {
        const answer: unknown = await Reflect.apply(value, target, args)
        const { etag, size } = (answer ?? {}) as { etag?: string; size?: number } // an R2 object has them
        const texts = args.slice(0, 2).filter((each) => typeof each === 'string')
        steps.push({
          to,
          method: String(name),
          args: texts,
          rows: etag === undefined ? [] : [{ etag, size: size ?? 0 }],
        })
        return answer
      }
    },
  })

export default {
  async fetch(request: Request, env: Env, context: ExecutionContext): Promise<Response> {
    const steps: Step[] = []
    const later: Promise<unknown>[] = []
    const at = Date.now()
    const bindings = {
      ...env,
      DB: {
        ...recorded(env.DB, steps),
        withSession: (start: string) => withBookmark(env.DB.withSession(start), steps),
      },
      BUCKET: noting('r2', env.BUCKET, steps),
      TOKENS: noting('kv', env.TOKENS, steps),
      // Its consumer is sent what is recorded, too, so that both sides give it the same to do.
      JOBS: {
        send: async (message: unknown) => {
          steps.push({ to: 'queue', method: 'send', args: [JSON.stringify(message)], rows: [] })
          await env.JOBS.send(message)
        },
      },
    }
    const waiting = Object.assign(Object.create(context) as ExecutionContext, {
      waitUntil: (work: Promise<unknown>) => later.push(work),
    })
    const answer = await carrel.fetch(request, bindings as unknown as Env, waiting)
    const text = await answer.text()
    await Promise.all(later)
    return Response.json({ status: answer.status, text, at, steps } satisfies Recording)
  },
}

const withBookmark = (session: D1DatabaseSession, steps: Step[]) => ({
  ...recorded(session, steps),
  getBookmark: () => session.getBookmark(),
})
