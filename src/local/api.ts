import { z } from 'zod'

const Problem = z.object({ code: z.string(), detail: z.string() })

/** The service said no. The message has its words, and never the key that was sent. */
export class Refused extends Error {
  override readonly name = 'Refused'
  readonly status: number
  readonly code: string | undefined

  constructor(request: string, status: number, body: string) {
    const problem = readProblem(body)
    super(`${request} was answered ${status}: ${problem?.detail ?? body.slice(0, 200)}`)
    this.status = status
    this.code = problem?.code
  }
}

/** The native API of a running service, as its clients see it: `connect(url)(key).get('/v1/studies')`. */
export const connect = (url: string, signal: AbortSignal) => (key: string) => {
  const exchange = async (method: string, path: string, body?: object): Promise<unknown> => {
    const answer = await fetch(url + path, {
      method,
      signal,
      headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Refused(`${method} ${path}`, answer.status, text)
    return JSON.parse(text)
  }
  return {
    get: (path: string) => exchange('GET', path),
    post: (path: string, body: object = {}) => exchange('POST', path, body),
    put: (path: string, body: object) => exchange('PUT', path, body),
  }
}
export type Connection = ReturnType<typeof connect>

export function readProblem(body: string) {
  try {
    return Problem.parse(JSON.parse(body))
  } catch {
    return undefined
  }
}
