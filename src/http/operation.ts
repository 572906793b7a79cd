import { createRoute, type RouteConfig, z } from '@hono/zod-openapi'
import type { ErrorCode } from '../model/errors.ts'
import { STATUS, titleOf } from './problem.ts'

const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string(),
    errors: z.array(z.object({ pointer: z.string(), message: z.string() })).optional(),
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
const WITH_BODY: readonly ErrorCode[] = ['malformed_json', 'content_type_unsupported', 'body_too_large', 'invalid_body']

/** One response for each status, naming the codes that share it. */
function problemResponses(codes: readonly ErrorCode[]) {
  const byStatus = new Map<number, ErrorCode[]>()
  for (const code of new Set(codes)) byStatus.set(STATUS[code], [...(byStatus.get(STATUS[code]) ?? []), code])
  return Object.fromEntries(
    [...byStatus].map(([status, sharing]) => [
      status,
      {
        description: sharing.map((code) => `\`${code}\`: ${titleOf(code).toLowerCase()}`).join('; '),
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

type Operation = RouteConfig & { operationId: string; summary: string; tags: string[] }

/**
 * An operation of the native API: what it takes and answers, validated and documented from the same schemas.
 * `problems` are those of its own; what any operation may answer is added.
 */
export function operation<const Config extends Operation>(
  config: Config,
  { problems, door = 'bearer' }: { problems: readonly ErrorCode[]; door?: Door },
) {
  const { request, method } = config
  const codes = [
    ...ALWAYS,
    ...(door === 'bearer' ? (['unauthenticated'] as const) : []),
    ...(request?.body === undefined && method !== 'post' ? [] : WITH_BODY),
    ...problems,
  ]
  // The problems are thrown, never returned: they belong to the document and not to the handler's type.
  const documented: Pick<RouteConfig, 'security' | 'responses'> = {
    security: SECURITY[door],
    responses: { ...problemResponses(codes), ...config.responses },
  }
  const route = createRoute(config)
  Object.assign(route, documented)
  return route
}

/** A JSON answer. */
export const answer = <Schema extends z.ZodType>(description: string, schema: Schema) => ({
  description,
  content: { 'application/json': { schema } },
})

/** A JSON body that must be there. */
export const jsonBody = <Schema extends z.ZodType>(schema: Schema, example: z.input<Schema>) => ({
  required: true,
  content: { 'application/json': { schema, example } },
})
