import { type Call, ok, type Send } from './client.ts'
import { TO_RECORDING } from './hosts.ts'
import type { Asked, Operation } from './operations.ts'
import { programOf, valuesOf } from './programs.ts'
import type { Recording } from './recording.ts'
import { reference } from './world.ts'

// How the bare Worker learns what Carrel asks of storage for an operation: by two times that it is recorded.

async function record(send: Send, call: Call): Promise<Recording> {
  const recording = await ok<Recording>(send({ ...call, headers: { ...call.headers, ...TO_RECORDING } }))
  if (recording.status >= 400) throw new Error(`${recording.status} ${recording.text}`)
  return recording
}

const teach = async (send: Send, name: string, program: object) =>
  ok(send(reference({ method: 'PUT', path: `/programs/${name}`, body: program })))

const queryOf = (name: string, values: readonly string[]) =>
  values.map((value) => `${name}=${encodeURIComponent(value)}`).join('&')

type Calls = Readonly<{ calls: (i: number) => Asked; recorded: readonly [Asked, Asked, Asked] }>

/** The same operation, as it is asked of the bare Worker. */
export async function taughtTo(
  send: Send,
  { name, signs = 0 }: Operation,
  { calls, recorded: [noted, a, b] }: Calls,
): Promise<(i: number) => Asked> {
  // That a key is used is noted once in a while: by now.
  await record(send, noted.first)
  const first = [await record(send, a.first), await record(send, b.first)] as const
  const made = programOf(
    { recording: first[0], given: valuesOf(a.first) },
    { recording: first[1], given: valuesOf(b.first) },
  )
  const at = encodeURIComponent(name)
  await teach(send, at, made.program)
  const sign = signs === 0 ? '' : `&sign=${signs}`
  if (a.next !== undefined && b.next !== undefined) {
    const last = [await record(send, a.next(first[0].text)), await record(send, b.next(first[1].text))] as const
    const next = programOf({ recording: last[0], given: made.fresh[0] }, { recording: last[1], given: made.fresh[1] })
    await teach(send, `${at}-next`, next.program)
  }
  return (i) => {
    const { first: call, next } = calls(i)
    const { method, body } = call
    const path = `/run/${at}?${queryOf('given', valuesOf(call))}${sign}`
    const asked = reference({ method, path, ...(body === undefined ? {} : { body }) })
    if (next === undefined) return { first: asked }
    return {
      first: asked,
      next: (told) => {
        const { fresh } = JSON.parse(told) as { fresh: string[] } // as `replay.ts` answers
        return reference({ method: 'GET', path: `/run/${at}-next?${queryOf('given', fresh)}` })
      },
    }
  }
}
