import { AwsClient } from 'aws4fetch'
import { Hono } from 'hono'
import type { Program, Source, Value } from './programs.ts'

// A bare Hono Worker that asks of storage what Carrel does for an operation, word for word, gives the queue the same to do,
// and tells what the database answers. Who asks, whether they may and whether what they send makes sense it does not look
// at, and it signs nothing but where signing is the operation.

type Bound = { Bindings: Pick<Env, 'DB' | 'BUCKET' | 'TOKENS' | 'JOBS'> }
type Row = Record<string, unknown>
type ProgramStep = Program['steps'][number]
type StoreCall = Exclude<ProgramStep, { to: 'd1' }>
const TTL_SECONDS = 60
export const replay = new Hono<Bound>()

const programs = new Map<string, Program>()

replay.put('/programs/:name', async (c) => {
  programs.set(c.req.param('name'), await c.req.json<Program>())
  return c.json({ taught: c.req.param('name') })
})

/** An id keeps what stands before its `_`, and comes after those that were made before it, as ULIDs do. */
function newLike(like: string): string {
  const random = crypto.randomUUID().replaceAll('-', '') + crypto.randomUUID().replaceAll('-', '')
  const start = like.indexOf('_') + 1
  const length = like.length - start
  if (start === 0 || length !== 26) return like.slice(0, start) + random.repeat(2).slice(0, length)
  return like.slice(0, start) + Date.now().toString(32).padStart(10, '0') + random.slice(0, 16)
}

const factsOf = (object: R2Object | null): Row => ({ etag: object?.etag, size: object?.size })

/** One run of a program. */
class Run {
  readonly #env: Bound['Bindings']
  readonly #defer: (work: Promise<unknown>) => void
  readonly #given: readonly string[]
  readonly #now = Date.now()
  readonly #answers: Row[][][] = []
  readonly fresh: string[] = []
  body: ReadableStream | undefined

  constructor(env: Bound['Bindings'], given: readonly string[], defer: (work: Promise<unknown>) => void) {
    this.#env = env
    this.#defer = defer
    this.#given = given
  }

  #from(source: Source): unknown {
    if ('given' in source) return this.#given[source.given]
    if ('now' in source) return this.#now + source.now
    if ('fresh' in source) return (this.fresh[source.fresh] ??= newLike(source.like))
    return this.#answers[source.step]?.[source.statement]?.[0]?.[source.column]
  }

  #of(value: Value): unknown {
    if ('constant' in value) return value.constant
    if (!('pieces' in value)) return this.#from(value)
    return value.pieces.map((piece) => (typeof piece === 'string' ? piece : String(this.#from(piece)))).join('')
  }

  async #callTo({ to, method, args }: StoreCall): Promise<Row> {
    const [key = '', content = ''] = args.map((arg) => String(this.#of(arg)))
    const { TOKENS, BUCKET, JOBS } = this.#env
    if (to === 'queue') {
      this.#defer(JOBS.send(JSON.parse(key)))
      return {}
    }
    if (to === 'kv' && method === 'put') await TOKENS.put(key, content, { expirationTtl: TTL_SECONDS })
    else if (to === 'kv') await TOKENS.get(key, 'json')
    if (to === 'kv') return {}
    if (method === 'head') return factsOf(await BUCKET.head(key))
    const object = await BUCKET.get(key)
    this.body = object?.body
    return factsOf(object)
  }

  async take(step: ProgramStep): Promise<void> {
    if (step.to !== 'd1') {
      this.#answers.push([[await this.#callTo(step)]])
      return
    }
    const asked = step.statements.map(({ sql, params }) =>
      this.#env.DB.prepare(sql).bind(...params.map((param) => this.#of(param))),
    )
    this.#answers.push((await this.#env.DB.batch<Row>(asked)).map(({ results }) => results))
  }

  /** What a list, or whatever was asked, is made of. */
  mostRows(): Row[] {
    return this.#answers.flat().reduce((most, rows) => (rows.length > most.length ? rows : most), [])
  }
}

replay.all('/run/:name', async (c) => {
  const program = programs.get(c.req.param('name'))
  if (program === undefined) return c.notFound()
  if (c.req.method !== 'GET') await c.req.text()
  const run = new Run(c.env, c.req.queries('given') ?? [], (work) => c.executionCtx.waitUntil(work))
  for (const step of program.steps) await run.take(step)
  if (run.body !== undefined) return c.body(run.body)
  const sign = c.req.query('sign')
  if (sign === undefined) return c.json({ rows: run.mostRows(), fresh: run.fresh })
  return c.json({ parts: await signed(new URL(c.req.url).origin, 'bench/ver', Number(sign)) })
})

/** URLs of so many parts, by a well-kept library. */
export async function signed(origin: string, objectKey: string, count: number) {
  const aws = new AwsClient({ accessKeyId: 'local', secretAccessKey: 'local-only-not-a-secret', service: 's3' })
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const number = i + 1
      const url = `${origin}/carrel/${objectKey}?partNumber=${number}&uploadId=a`
      return { number, url: (await aws.sign(url, { method: 'PUT', aws: { signQuery: true } })).url }
    }),
  )
}
