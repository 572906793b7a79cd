import { performance } from 'node:perf_hooks'
import { type Call, clientOf } from './client.ts'
import { TRIPS_HEADER } from './distances.ts'
import { type Asked, type Operation, OPERATIONS } from './operations.ts'
import { type Ran, type Side } from './sides.ts'
import { taughtTo } from './teaching.ts'
import { addFiles, aWorld, carrel, migrate, path, type World } from './world.ts'

// What asks: a process of its own, so that none of what it uses is taken for the service's. It does what it is told.

export type Order =
  | { do: 'furnish'; operatorKey: string }
  | { do: 'fill'; files: number }
  | { do: 'prepare'; operation: string; times: number }
  /** One after the other, from a far edge. */
  | { do: 'go'; times: number }
  /** The `from`th of what was prepared, and so many after it. */
  | { do: 'run'; side: Side; from: number; times: number }

const CONNECTIONS = 8
const send = clientOf(Number(process.argv[2]), CONNECTIONS)

let world: World | undefined
let asking: Readonly<Record<Side, (i: number) => Asked>> | undefined

async function ask(i: number, side: Side): Promise<string | undefined> {
  const asked = asking?.[side](i)
  if (asked === undefined) throw new Error('Nothing was prepared.')
  const first = await send(asked.first)
  if (first.status >= 400) return `${first.status} ${first.text}`
  if (asked.next === undefined) return undefined
  const last = await send(asked.next(first.text))
  return last.status >= 400 ? `${last.status} ${last.text}` : undefined
}

/** Each connection asks again as soon as it was answered. */
async function run({ side, from, times }: Extract<Order, { do: 'run' }>): Promise<Ran> {
  const milliseconds: number[] = []
  const failures: string[] = []
  let next = from
  const begun = performance.now()
  const connection = async () => {
    while (next < from + times) {
      const i = next++
      const at = performance.now()
      const failure = await ask(i, side)
      if (failure === undefined) milliseconds.push(performance.now() - at)
      else failures.push(failure)
    }
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, connection))
  return { milliseconds, wallMilliseconds: performance.now() - begun, failures: failures.slice(0, 3) }
}

/** What one call took: to the answer, and to which places on the way. */
export type Gone = Readonly<{ milliseconds: number; trips: string }>

/** Calls of Carrel, of each of which a client waits for the one before, and reads with the bookmark of what was written. */
async function go(times: number): Promise<Gone[][]> {
  const { headers } = await send(carrel(world?.ada.key ?? '', WRITING))
  const bookmark = String(headers['carrel-bookmark'] ?? '')
  const walks: Gone[][] = []
  for (let i = 0; i < times; i += 1) {
    const walk: Gone[] = []
    const walkTo = async (call: Call): Promise<string> => {
      const begun = performance.now()
      const answer = await send({ ...call, headers: { ...call.headers, 'Carrel-Bookmark': bookmark } })
      if (answer.status >= 400) throw new Error(`${answer.status} ${answer.text}`)
      walk.push({ milliseconds: performance.now() - begun, trips: String(answer.headers[TRIPS_HEADER.toLowerCase()]) })
      return answer.text
    }
    const asked = asking?.carrel(i)
    if (asked === undefined) throw new Error('Nothing was prepared.')
    const told = await walkTo(asked.first)
    if (asked.next !== undefined) await walkTo(asked.next(told))
    walks.push(walk)
  }
  return walks
}
const WRITING = { method: 'PUT', path: `${path}/participants/me/documents/bookmark`, body: {} } as const

async function obey(order: Order): Promise<unknown> {
  if (order.do === 'furnish') {
    await migrate(send)
    world = await aWorld(send, order.operatorKey)
    return undefined
  }
  if (world === undefined) throw new Error('There is no study yet.')
  if (order.do === 'fill') {
    await addFiles(send, { from: world.files + 1, to: order.files })
    world = { ...world, files: order.files }
    return undefined
  }
  if (order.do === 'run') return run(order)
  if (order.do === 'go') return go(order.times)
  const operation = OPERATIONS.find(({ name }) => name === order.operation)
  asking = operation && (await prepared(world, operation, order.times))
  return undefined
}

/** The calls of an operation, of which some more than are run are recorded. */
async function prepared(on: World, operation: Operation, times: number) {
  const { carrel: calls, reference: bare } = await operation.prepare(on, times + 3)
  const recorded = [calls(times), calls(times + 1), calls(times + 2)] as const
  return { carrel: calls, bare, same: await taughtTo(send, operation, { calls, recorded }) }
}

process.on('message', (order: Order) => {
  obey(order).then(
    (done) => process.send?.({ done }),
    (failure: unknown) => process.send?.({ failure: String(failure) }),
  )
})
process.send?.({ done: 'ready' })
