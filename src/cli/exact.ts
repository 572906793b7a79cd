import { z } from 'zod'
import { CarrelError, problemOf } from '../client/errors.ts'
import { RETRY, retried, within } from '../client/retry.ts'
import type { Desk, Signed } from './desk.ts'

// Values as they were written: JavaScript's own numbers would round what they cannot hold, such as long ids.

/** Of ECMAScript's JSON source text access, which the compiler's library does not know yet. */
type Exactly = {
  parse: (text: string, revive: (key: string, value: unknown, context: { source?: string }) => unknown) => unknown
  rawJSON: (text: string) => object
  isRawJSON: (value: unknown) => value is { rawJSON: string }
}
// It is this platform's, of which the types are behind.
const exactly = JSON as unknown as Exactly

/** @throws SyntaxError */
export const parseExactly = (text: string): unknown =>
  exactly.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && source !== String(value) ? exactly.rawJSON(source) : value,
  )

export const numberOf = (value: unknown): number | undefined => {
  if (typeof value === 'number') return value
  return exactly.isRawJSON(value) ? Number(value.rawJSON) : undefined
}

const Cursor = z.object({ nextCursor: z.string().nullable() })

type Asked = Readonly<{
  method: 'GET' | 'PUT'
  /** Under the study's own; segments are names as they are. */
  path: readonly string[]
  query?: Readonly<Record<string, string>>
  body?: string
  headers?: Readonly<Record<string, string>>
}>
export type Text = Readonly<{ text: string; headers: Headers }>

const SECONDS = 30

function pathOf(study: string, { path, query = {} }: Asked): string {
  // These would lead to something else.
  if (path.some((name) => /^\.{0,2}$/.test(name))) {
    throw new CarrelError('That is no name.', { code: 'invalid_request' })
  }
  const search = new URLSearchParams(query).toString()
  return `/v1/studies/${[study, ...path].map(encodeURIComponent).join('/')}${search === '' ? '' : `?${search}`}`
}

/** Asks for text, or sends it. What has a condition is not repeated by itself. */
export async function exchange({ carrel, study }: Signed, asked: Asked, { signal, terminal }: Desk): Promise<Text> {
  const { method, body, headers = {} } = asked
  const isConditional = 'If-Match' in headers || 'If-None-Match' in headers
  const retry = { ...RETRY, ...terminal.retry, offlineSeconds: 0, signal, ...(isConditional ? { attempts: 1 } : {}) }
  return retried(retry, async () =>
    within({ seconds: SECONDS, signal }, async (inTime) => {
      const response = await carrel.request(pathOf(study, asked), {
        method,
        headers: { ...headers, ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) },
        signal: inTime,
        ...(body === undefined ? {} : { body }),
      })
      const text = await response.text()
      if (!response.ok) throw problemOf(response, text)
      return { text, headers: response.headers }
    }),
  )
}

/** Pages of a list, with their values as they were written. */
export async function* exactPages(
  signed: Signed,
  { path, query = {} }: Pick<Asked, 'path' | 'query'>,
  desk: Desk,
): AsyncGenerator {
  let cursor: string | null | undefined
  do {
    const on: Record<string, string> = typeof cursor === 'string' ? { cursor } : {}
    const { text } = await exchange(signed, { method: 'GET', path, query: { ...query, ...on } }, desk)
    yield parseExactly(text)
    cursor = Cursor.parse(JSON.parse(text)).nextCursor
  } while (cursor !== null)
}
