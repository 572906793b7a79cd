import { env, exports } from 'cloudflare:workers'

/** An answer of the Worker; `body` is parsed where it is JSON, else the text. */
// oxlint-disable-next-line typescript/no-explicit-any -- tests look into bodies that they assert on
export type Answer = { status: number; body: any; headers: Headers }

export const ORIGIN = 'http://localhost'

async function ask(method: string, path: string, { key, body, headers = {} }: Asked): Promise<Answer> {
  const url = path.startsWith('http') ? path : ORIGIN + path
  const response = await exports.default.fetch(
    new Request(url, {
      method,
      redirect: 'manual',
      headers: {
        ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
        ...(body === undefined || typeof body === 'string' ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    }),
  )
  const text = await response.text()
  const isJson = /json/.test(response.headers.get('Content-Type') ?? '')
  return { status: response.status, body: isJson && text !== '' ? JSON.parse(text) : text, headers: response.headers }
}

type Asked = { key: string | undefined; body?: unknown; headers?: Record<string, string> }
type Headers_ = Record<string, string>

/** A caller: with a key, or nobody in particular. A body that is a string is sent as it is. */
export const as = (key?: string) => ({
  key,
  get: async (path: string, headers?: Headers_) => ask('GET', path, { key, ...(headers && { headers }) }),
  head: async (path: string, headers?: Headers_) => ask('HEAD', path, { key, ...(headers && { headers }) }),
  post: async (path: string, body?: unknown, headers?: Headers_) =>
    ask('POST', path, { key, body, ...(headers && { headers }) }),
  put: async (path: string, body?: unknown, headers?: Headers_) =>
    ask('PUT', path, { key, body, ...(headers && { headers }) }),
  patch: async (path: string, body?: unknown, headers?: Headers_) =>
    ask('PATCH', path, { key, body, ...(headers && { headers }) }),
  delete: async (path: string, headers?: Headers_) => ask('DELETE', path, { key, ...(headers && { headers }) }),
})
export type Caller = ReturnType<typeof as>

export const anonymous = as()
export const operator = as(env.OPERATOR_KEY)
