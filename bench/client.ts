import { Agent, type IncomingHttpHeaders, request } from 'node:http'

// One connection's worth of a client, kept alive, that goes to 127.0.0.1 whatever host it asks for.

export type Call = Readonly<{
  method: 'GET' | 'POST' | 'PUT'
  host: string
  path: string
  headers?: Readonly<Record<string, string>>
  /** Text as it is, anything else as JSON. */
  body?: unknown
}>
export type Answer = Readonly<{ status: number; text: string; headers: IncomingHttpHeaders }>
export type Send = (call: Call) => Promise<Answer>

export function clientOf(port: number, connections: number): Send {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  return async ({ method, host, path, headers = {}, body }) => {
    const content = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    return new Promise((resolve, reject) => {
      const sent = request(
        {
          agent,
          host: '127.0.0.1',
          port,
          method,
          path,
          headers: {
            Host: host,
            ...(content === undefined
              ? {}
              : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(content) }),
            ...headers,
          },
        },
        (response) => {
          const chunks: Buffer[] = []
          response.on('data', (chunk: Buffer) => chunks.push(chunk))
          response.on('end', () => {
            const { statusCode: status = 0, headers: told } = response
            resolve({ status, text: Buffer.concat(chunks).toString(), headers: told })
          })
          response.on('error', reject)
        },
      )
      sent.on('error', reject)
      sent.end(content)
    })
  }
}

/** The answer's JSON. @throws Error for one that is not 2xx */
export async function ok<Body>(answer: Promise<Answer>): Promise<Body> {
  const { status, text } = await answer
  if (status >= 300) throw new Error(`${status}: ${text}`)
  return JSON.parse(text) as Body // what asks knows what it asked for
}
