import { type Answered, type Asked, type Calls, type Patience, randomText } from './calls.ts'
import { CarrelError } from './errors.ts'
import { type Named, OPERATIONS } from './operations.ts'
import { listOf, type List, type Page } from './pages.ts'
import type { Routes } from './wire.ts'

// Operations as functions: what is named comes first, then what is sent or asked by, then how.

export type CallOptions = Readonly<{
  signal?: AbortSignal
  timeoutSeconds?: number
  /** Where the caller has one of its own, which survives its process; else one is made up for each call. */
  idempotencyKey?: string
  /** Only if it is still at this ETag. Such a call is not repeated by itself: its own success would refuse it. */
  ifMatch?: string
  /** Reading: null if it is still at this ETag. Writing: `*`, only if there is none yet. */
  ifNoneMatch?: string
}>

type Told<Of extends Named> = Of extends { path: infer Path extends keyof Routes; method: infer Method }
  ? Method extends keyof Routes[Path]
    ? Routes[Path][Method]
    : never
  : never
type Ask = { names: unknown; query: unknown; body: unknown; answer: unknown }

type Without<All, Left> = { [Key in keyof All as Key extends Left ? never : Key]: All[Key] }
/** The client knows its study. */
type Names<Of> = Of extends { names: infer All extends object } ? Without<All, 'study'> : object
type IsUnion<Value, Each = Value> = Value extends unknown ? ([Each] extends [Value] ? false : true) : never
/** What one id names is said by it; what several name, by their names. */
type NameArguments<All> = [keyof All] extends [never]
  ? []
  : IsUnion<keyof All> extends true
    ? [names: All]
    : [id: All[keyof All]]

type Sends<Of> = Of extends { bodiless: true }
  ? false
  : Of extends { method: '$post' | '$put' | '$patch' }
    ? true
    : false
/** Left out where it may be empty. */
type Optional<Value> = Partial<Value> extends Value ? [query?: Value] : [query: Value]
type BodyArguments<Op> = Op extends { body: { json: infer Body } }
  ? Partial<Body> extends Body
    ? [body?: Body]
    : [body: Body]
  : []
type QueryArguments<Op> = Op extends { query: infer Query extends object }
  ? // The client reads JSON.
    Optional<Without<Query, 'format'>>
  : []
type InputArguments<Of, Op> = Of extends { value: true }
  ? [value: unknown]
  : Sends<Of> extends true
    ? BodyArguments<Op>
    : Of extends { pages: true } | { asks: true }
      ? QueryArguments<Op>
      : []

type Answer<Of extends Named, Plain> = Of extends { etag: 'within' }
  ? Plain & { etag: string }
  : Of extends { etag: 'beside' }
    ? { value: Plain; etag: string }
    : Plain

type Arguments<Of, Op extends Ask> = [...NameArguments<Names<Op>>, ...InputArguments<Of, Op>]
type Single<Of extends Named, Op extends Ask> = Of extends { method: '$get'; etag: string }
  ? {
      /** Null: it is still at this ETag. */
      (
        ...args: [...Arguments<Of, Op>, options: CallOptions & { ifNoneMatch: string }]
      ): Promise<Answer<Of, Op['answer']> | null>
      (...args: [...Arguments<Of, Op>, options?: CallOptions]): Promise<Answer<Of, Op['answer']>>
    }
  : (...args: [...Arguments<Of, Op>, options?: CallOptions]) => Promise<Answer<Of, Op['answer']>>

type Call<Of extends Named, Op extends Ask> = Of extends { pages: true }
  ? // Some answer with tables too, to who asks for them.
    Extract<Op['answer'], Page<unknown>> extends infer Whole extends Page<unknown>
    ? (...args: [...Arguments<Of, Op>, options?: CallOptions]) => List<Whole['items'][number], Whole>
    : never
  : Single<Of, Op>

type Table = Readonly<Record<string, Readonly<Record<string, Named>>>>
/** The operations of a table as functions. */
export type Bound<Operations extends Table> = {
  readonly [Group in keyof Operations]: {
    readonly [Name in keyof Operations[Group]]: Call<Operations[Group][Name], Told<Operations[Group][Name]>>
  }
}
export type Api = Bound<typeof OPERATIONS>

type Input = Readonly<Record<string, unknown>>

const inputOf = (said: unknown): Input => (typeof said === 'object' && said !== null ? { ...said } : {})

const NAMES = /\/:([a-z]+)/g

/** A path with its names in it. */
const pathOf = (path: string, names: Input): string =>
  path.replace(NAMES, (_, name: string) => {
    const said = names[name]
    if (typeof said !== 'string' || said === '') throw new CarrelError(`Say the ${name}.`, { code: 'invalid_request' })
    // Encoded or not, it would lead up to something else, which is then read, or deleted.
    if (/^\.\.?$/.test(said)) throw new CarrelError(`No ${name} is called so.`, { code: 'invalid_request' })
    return `/${encodeURIComponent(said)}`
  })

/** What one id names, by its name. */
function namesOf(path: string, said: unknown): Input {
  if (typeof said === 'object') return inputOf(said)
  const [name = ''] = [...path.matchAll(NAMES)].map(([, found = '']) => found).filter((found) => found !== 'study')
  return { [name]: said }
}

type Taken = Readonly<{ path: string; input: unknown; options: CallOptions }>

/** What a call says, taken apart by what its operation wants to be told, which the types of the functions tell too. */
function taken(operation: Named, args: readonly unknown[], study: string | undefined): Taken {
  const rest = [...args]
  const isNamed = [...operation.path.matchAll(NAMES)].some(([, name]) => name !== 'study')
  const names = isNamed ? namesOf(operation.path, rest.shift()) : {}
  const takesInput = sends(operation) || operation.pages === true || operation.asks === true
  const input = takesInput ? rest.shift() : undefined
  return { path: pathOf(operation.path, { study, ...names }), input, options: rest[0] ?? {} }
}

const sends = ({ method, bodiless = false }: Named): boolean => !bodiless && method.startsWith('$p')

function repeatable({ method, creates = false, repeats = false }: Named, { ifMatch, ifNoneMatch }: CallOptions) {
  if (method === '$get' || creates || repeats) return true
  return /^\$(?:put|delete)$/.test(method) && (ifMatch ?? ifNoneMatch) === undefined
}

function headersOf(operation: Named, options: CallOptions) {
  const { mediaType = 'application/json', creates = false } = operation
  return {
    'If-Match': options.ifMatch,
    'If-None-Match': options.ifNoneMatch,
    'Content-Type': sends(operation) ? mediaType : undefined,
    'Idempotency-Key': creates ? (options.idempotencyKey ?? randomText()) : undefined,
  }
}

function bodyOf({ value = false }: Named, input: unknown): string {
  if (input !== undefined) return JSON.stringify(input)
  if (value) throw new CarrelError('Say the value; it may be null.', { code: 'invalid_body' })
  return '{}'
}

type Manner = Readonly<{ study: string | undefined; patience: Patience }>

function askedOf(operation: Named, { path, input, options }: Taken, { study, patience }: Manner): Asked {
  return {
    method: operation.method.slice(1).toUpperCase(),
    path: path === '/health' ? path : `/v1${path}`,
    study: operation.path.startsWith('/studies/:study') ? study : undefined,
    headers: headersOf(operation, options),
    ...(sends(operation) ? { body: bodyOf(operation, input) } : { query: inputOf(input) }),
    repeatable: repeatable(operation, options),
    removes: operation.removes ?? false,
    signal: options.signal,
    timeoutSeconds: options.timeoutSeconds,
    patience,
  }
}

function answerOf({ etag }: Named, { status, headers, json }: Answered): unknown {
  if (status === 304) return null
  const tag = headers.get('ETag') ?? ''
  if (etag === 'beside') return { value: json, etag: tag }
  return etag === 'within' && typeof json === 'object' ? { ...json, etag: tag } : json
}

function bound(calls: Calls, operation: Named, manner: Manner) {
  const ask = async (call: Taken) => answerOf(operation, await calls.ask(askedOf(operation, call, manner)))
  if (operation.pages !== true) return async (...args: unknown[]) => ask(taken(operation, args, manner.study))
  return (...args: unknown[]) => {
    const call = taken(operation, args, manner.study)
    const input: { cursor?: string } = inputOf(call.input)
    // The operation answers with pages, as the table says.
    const page = async (cursor: string | undefined) =>
      (await ask({ ...call, input: { ...input, cursor } })) as Page<unknown>
    return listOf(page, input.cursor)
  }
}

const mapped = <Value, Result>(from: Readonly<Record<string, Value>>, change: (value: Value) => Result) =>
  Object.fromEntries(Object.entries(from).map(([name, value]) => [name, change(value)]))

/** All operations as functions of a client. */
export const apiOf = (calls: Calls, manner: Manner): Api =>
  // Made from the same table as its type.
  mapped<Table[string], unknown>(OPERATIONS, (group) => mapped(group, (one) => bound(calls, one, manner))) as Api
