import { noteTold } from './leaks.ts'

/** An answer of the Worker; `body` is parsed where it is JSON, else it is the text, which is always there as it came. */
// oxlint-disable-next-line typescript/no-explicit-any -- tests look into bodies that they assert on
export type Answer = { status: number; body: any; text: string; headers: Headers }

type Asked = { key: string | undefined; body?: unknown; headers?: Record<string, string> | undefined }
type Named = Record<string, string>

/** Guesses are counted by where they come from, and other tests ask the same Worker: each request is from elsewhere. */
const anyAddress = () =>
  `2001:db8::${Array.from(crypto.getRandomValues(new Uint16Array(3)), (group) => group.toString(16)).join(':')}`

/**
 * Callers of a Worker that is reached by `send`, in this process or over HTTP. Redirects are not followed. `inspect`
 * throws if it does not like an answer.
 */
export const callersOf = (
  send: (request: Request) => Promise<Response>,
  origin: () => string,
  inspect?: (request: Request, answer: Answer) => Promise<void>,
) => {
  async function ask(method: string, path: string, { key, body, headers = {} }: Asked): Promise<Answer> {
    const url = path.startsWith('http') ? path : origin() + path
    const request = new Request(url, {
      method,
      redirect: 'manual',
      headers: {
        'CF-Connecting-IP': anyAddress(),
        ...(key === undefined ? {} : { Authorization: `Bearer ${key}` }),
        ...(body === undefined || typeof body === 'string' ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const response = await send(request)
    // The platform warns when the text of what is no text is asked for.
    const text = new TextDecoder().decode(await response.arrayBuffer())
    const isJson = /json/.test(response.headers.get('Content-Type') ?? '')
    const parsed = isJson && text !== '' ? JSON.parse(text) : text
    const answer = { status: response.status, body: parsed, text, headers: response.headers }
    noteTold({ url, headers: request.headers, body }, answer)
    await inspect?.(request, answer)
    return answer
  }

  /** A caller: with a key, or nobody in particular. A body that is a string is sent as it is. */
  return (key?: string) => ({
    key,
    get: async (path: string, headers?: Named) => ask('GET', path, { key, headers }),
    head: async (path: string, headers?: Named) => ask('HEAD', path, { key, headers }),
    options: async (path: string, headers?: Named) => ask('OPTIONS', path, { key, headers }),
    post: async (path: string, body?: unknown, headers?: Named) => ask('POST', path, { key, body, headers }),
    put: async (path: string, body?: unknown, headers?: Named) => ask('PUT', path, { key, body, headers }),
    patch: async (path: string, body?: unknown, headers?: Named) => ask('PATCH', path, { key, body, headers }),
    delete: async (path: string, headers?: Named) => ask('DELETE', path, { key, headers }),
  })
}

export type As = ReturnType<typeof callersOf>
export type Caller = ReturnType<As>
