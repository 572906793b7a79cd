import type { Context } from 'hono'
import { z } from 'zod'
import { bytesIn } from '../../../wire/body.ts'
import type { AppEnv } from '../../../wire/context.ts'
import { retryAfter } from '../../../wire/failures.ts'
import { runtimeOf } from '../../../runtime.ts'
import { contextOf } from './context.ts'
import { askedWrongly, judge, Refused } from './errors.ts'
import { answerGraphiql } from './graphiql.ts'
import { type Outcome, type Params, run } from './run.ts'
import { answerMultipart } from './upload.ts'

/** Of a request without a file. */
const MAX_BODY_BYTES = 1024 ** 2

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

const malformed = () => new Refused('malformed_json', 'POST body sent invalid JSON.')
const tooLarge = () => new Refused('body_too_large', `A request may have ${MAX_BODY_BYTES} bytes at most.`)

async function bodyOf(c: Context<AppEnv>): Promise<unknown> {
  if (Number(c.req.header('Content-Length') ?? 0) > MAX_BODY_BYTES) throw tooLarge()
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let size = 0
  for await (const bytes of bytesIn(c.req.raw.body, malformed)) {
    size += bytes.length
    if (size > MAX_BODY_BYTES) throw tooLarge()
    chunks.push(bytes.slice())
  }
  try {
    return JSON.parse(utf8.decode(await new Blob(chunks).bytes()))
  } catch {
    throw malformed()
  }
}

/** Clients send null, and an empty name, for none. */
const Operation = z.object(
  {
    query: z.string('Must provide query string.').min(1, 'Must provide query string.'),
    operationName: z
      .string('`operationName` must be a text.')
      .nullish()
      .transform((name) => (name === null || name === '' ? undefined : name)),
    variables: z
      .record(z.string(), z.unknown(), 'Variables are invalid JSON.')
      .nullish()
      .transform((variables) => variables ?? {}),
  },
  'GraphQL params must be a dict.',
)

/** Whether every text in it is one: halves of surrogate pairs would be stored, and compared, as other characters. */
function isWellFormed(value: unknown): boolean {
  const left: unknown[] = [value]
  while (left.length > 0) {
    const each = left.pop()
    if (typeof each === 'string' && !each.isWellFormed()) return false
    if (typeof each === 'object' && each !== null) for (const inside of Object.values(each)) left.push(inside)
  }
  return true
}

/** @throws Refused for a body that is no operation */
function paramsOf(body: unknown): Params {
  if (Array.isArray(body)) throw askedWrongly('Batch GraphQL requests are not enabled.')
  const { success, data, error } = Operation.safeParse(body)
  if (!success) throw askedWrongly(error.issues[0]?.message ?? 'GraphQL params must be a dict.')
  if (!isWellFormed(data.variables)) throw askedWrongly('Variables hold a text that is no Unicode.')
  return data
}

const PLAIN = 'application/json'
const OWN = 'application/graphql-response+json'

function tell(c: Context<AppEnv>, { status, body, passing }: Outcome): Response {
  const type = (c.req.header('Accept') ?? '').includes(OWN) ? OWN : PLAIN
  return c.body(JSON.stringify(body), status, {
    'Content-Type': `${type}; charset=utf-8`,
    ...(passing === undefined ? {} : retryAfter(passing)),
  })
}

const answer = async (c: Context<AppEnv>, body: unknown): Promise<Response> =>
  tell(c, await run(paramsOf(body), contextOf(c), runtimeOf(c.env).settings.graphql))

async function answerPost(c: Context<AppEnv>): Promise<Response> {
  const [type = ''] = (c.req.header('Content-Type') ?? '').split(';')
  switch (type.trim().toLowerCase()) {
    case 'multipart/form-data':
      return answerMultipart(c, async (operation) => answer(c, operation))
    case PLAIN:
    case OWN:
      return answer(c, await bodyOf(c))
    default:
      throw new Refused('content_type_unsupported', 'Send the operation as `Content-Type: application/json`.')
  }
}

/**
 * Answers a request of GraphQL. It comes by POST: what is in an address is logged, kept and followed by whoever sees it.
 * By GET there is a page to try it, where the settings have introspection on.
 */
export async function answerGraphql(c: Context<AppEnv>): Promise<Response> {
  try {
    if (c.req.method === 'POST') return await answerPost(c)
    const page = c.req.method === 'GET' ? answerGraphiql(c) : undefined
    if (page !== undefined) return page
    c.header('Allow', 'POST')
    throw new Refused('method_not_allowed', 'GraphQL only supports POST requests.')
  } catch (failure) {
    const { code, status, message } = judge(failure, c)
    return tell(c, { status: status === 200 ? 400 : status, body: { errors: [{ message }] }, passing: code })
  }
}
