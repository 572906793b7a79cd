import { createRoute, type RouteConfig, z } from '@hono/zod-openapi'
import type { ErrorCode } from '../model/errors.ts'
import { refuseAnonymous } from './authenticate.ts'
import { BookmarkSent, BookmarkTold, lookNearby, tellBookmark } from './bookmarks.ts'
import { IdempotencyKey, Replayed, takeIdempotencyKey } from './idempotency.ts'
import { CODES, STATUS } from './problem.ts'

const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string().openapi({ enum: CODES }),
    errors: z
      .array(
        z.object({
          pointer: z.string().openapi({
            description: 'Into the body (RFC 6901), or `query/…`, `path/…`, `header/…`.',
          }),
          message: z.string(),
        }),
      )
      .optional(),
    requestId: z.string(),
  })
  .openapi('Problem', {
    description: 'RFC 9457. `code` is for programs, `detail` says what to change, `errors` where.',
    example: {
      type: 'urn:carrel:problem:file_not_found',
      title: 'File not found',
      status: 404,
      detail: 'No such file.',
      code: 'file_not_found',
      requestId: '6f1c2d1e-5f0a-4f63-9d5e-0f5a6b7c8d9e',
    },
  })

/** What every operation may answer. */
const ALWAYS: readonly ErrorCode[] = ['invalid_request', 'internal', 'overloaded']
/** A body that nobody asked for is read all the same, and has to be JSON. */
const ANY_BODY: readonly ErrorCode[] = ['malformed_json', 'content_type_unsupported', 'body_too_large']

/** One response for each status, naming the codes that share it. */
function problemResponses(codes: readonly ErrorCode[]) {
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of new Set(codes)) byStatus.set(STATUS[code], [...(byStatus.get(STATUS[code]) ?? []), code])
  return Object.fromEntries(
    [...byStatus].map(([status, sharing]) => [
      status,
      {
        description: sharing.map((code) => `\`${code}\``).join(', '),
        content: { 'application/problem+json': { schema: Problem } },
      },
    ]),
  )
}

/** How one may call: with a bearer, with or without one, or by a link that carries its own right. */
type Door = 'bearer' | 'anyone' | 'link'
const SECURITY: Record<Door, Record<string, string[]>[]> = {
  bearer: [{ bearer: [] }],
  anyone: [{ bearer: [] }, {}],
  link: [],
}

const where = <Item>(holds: boolean, ...items: Item[]): Item[] => (holds ? items : [])

type Operation = RouteConfig & { operationId: string; summary: string; tags: string[] }

/**
 * An operation of the native API: what it takes and answers, validated and documented from the same schemas.
 * `problems` are those of its own; what any operation may answer is added. One that `creates` takes an Idempotency-Key; one
 * that `looksFirst` asks nothing of the primary before it writes, where the caller says how far a replica must have come.
 */
export function operation<const Config extends Operation>(
  config: Config,
  {
    problems,
    door = 'bearer',
    creates = false,
    looksFirst = false,
  }: { problems: readonly ErrorCode[]; door?: Door; creates?: boolean; looksFirst?: boolean },
) {
  const { request, method } = config
  const takesBody = request?.body !== undefined
  const reads = method === 'get' && door !== 'link'
  const writes = method !== 'get' && door !== 'link'
  const codes = [
    ...ALWAYS,
    ...where<ErrorCode>(door !== 'link', 'unauthenticated', 'rate_limited'),
    ...where<ErrorCode>(writes || (method !== 'get' && takesBody), ...ANY_BODY),
    ...where<ErrorCode>(takesBody, 'invalid_body'),
    ...where<ErrorCode>(creates, 'idempotency_key_reused'),
    ...problems,
  ]
  // The problems are thrown, never returned: they belong to the document and not to the handler's type. The same goes
  // for the headers of no operation in particular: no handler has to know of them.
  const documented: Pick<RouteConfig, 'security' | 'request' | 'responses' | 'middleware'> = {
    security: SECURITY[door],
    // Nobody is told what is wrong with a request that nobody in particular may make.
    middleware: [
      ...where(door === 'bearer', refuseAnonymous),
      ...where(writes, tellBookmark),
      ...where(creates, takeIdempotencyKey),
      ...where(looksFirst, lookNearby),
      ...[config.middleware ?? []].flat(),
    ],
    request: withHeaders(request ?? {}, [
      ...where(creates, IdempotencyKey),
      ...where(reads || looksFirst, BookmarkSent),
    ]),
    responses: {
      ...problemResponses(codes),
      ...answersWith(config.responses, [...where(creates, Replayed), ...where(writes, BookmarkTold)]),
    },
  }
  const route = createRoute(config)
  Object.assign(route, documented)
  return route
}

/** A request or an answer with more headers than its own. */
function withHeaders<Told extends object>(told: Told, more: readonly z.ZodObject[]): Told {
  const own = 'headers' in told && told.headers instanceof z.ZodObject ? [told.headers] : []
  const shapes = [...own, ...more].map(({ shape }) => shape)
  return shapes.length === 0 ? told : { ...told, headers: z.object(Object.assign({}, ...shapes)) }
}

const answersWith = (responses: RouteConfig['responses'], more: readonly z.ZodObject[]): RouteConfig['responses'] =>
  Object.fromEntries(Object.entries(responses).map(([status, response]) => [status, withHeaders(response, more)]))

/** A JSON answer. */
export const answer = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  content: { 'application/json': { schema } },
})

/** Content, of whatever type it is. */
export const bytes = (description: string) => ({
  description,
  content: { '*/*': { schema: z.string().openapi({ format: 'binary' }) } },
})

/** A redirect, which has no body. */
export const redirect = (description: string) => ({
  description,
  headers: z.object({ Location: z.string().openapi({ description: 'Where the content is.', format: 'uri' }) }),
})

/** A JSON body that must be there. */
export const jsonBody = <Schema extends z.ZodType>(schema: Schema, example: z.input<Schema>) => ({
  required: true,
  content: { 'application/json': { schema, example } },
})
