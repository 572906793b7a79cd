import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { residentBytesOf } from '../test/support/process-tree.ts'
import { cpuMillisecondsOf } from './cpu.ts'
import type { Order } from './load.ts'

// The processes: the service with its workerd, and what asks it.

const spawn = (name: string, args: readonly string[] = []): ChildProcess =>
  fork(join(import.meta.dirname, name), args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })

/** The next message of a process. @throws Error where it ends instead */
async function told(child: ChildProcess): Promise<unknown> {
  const ended = new AbortController()
  const exit = once(child, 'exit', { signal: ended.signal }).then(([code]) => {
    throw new Error(`A process of the bench ended with ${code}.`)
  })
  try {
    const [message]: unknown[] = await Promise.race([once(child, 'message', { signal: ended.signal }), exit])
    return message
  } finally {
    exit.catch(() => undefined)
    ended.abort()
  }
}

export type Service = Awaited<ReturnType<typeof startService>>

export async function startService({ inspectorPort, isFar = false }: { inspectorPort?: number; isFar?: boolean } = {}) {
  const server = spawn('server.ts', [String(inspectorPort ?? ''), isFar ? 'far' : ''])
  const { port, operatorKey } = (await told(server)) as { port: number; operatorKey: string } // as server.ts sends it
  const load = spawn('load.ts', [String(port)])
  await told(load)
  const order = async (what: Order): Promise<unknown> => {
    load.send(what)
    const answer = (await told(load)) as { done: unknown } | { failure: string } // as load.ts sends it
    if ('failure' in answer) throw new Error(answer.failure)
    return answer.done
  }
  await order({ do: 'furnish', operatorKey })
  const pid = server.pid ?? 0
  return {
    order,
    port,
    cpuMilliseconds: () => cpuMillisecondsOf(pid),
    residentBytes: () => residentBytesOf(pid),
    stop: async () => {
      load.kill()
      server.send('stop')
      await once(server, 'exit')
    },
  }
}
