import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { SIDES } from './sides.ts'
import { OPERATIONS } from './operations.ts'
import { startService } from './processes.ts'

// Where the time of an operation goes in the Worker's own code: `npm run bench:profile -- "begin an upload"`.

const INSPECTOR_PORT = 9_339
const WARM_UP = 500
const TIMES = 1_500

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { side: { type: 'string', default: 'carrel' }, files: { type: 'string', default: '10000' } },
})

type Frame = Readonly<{ functionName: string; url: string; lineNumber: number }>
type Profile = Readonly<{
  nodes: readonly { id: number; callFrame: Frame; children?: readonly number[] }[]
  samples: readonly number[]
  timeDeltas: readonly number[]
}>

/** A conversation with the inspector of one Worker. */
async function inspect(worker: string) {
  const socket = new WebSocket(`ws://127.0.0.1:${INSPECTOR_PORT}/core:user:${worker}`)
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve)
    socket.addEventListener('error', reject)
  })
  let last = 0
  const waiting = new Map<number, (result: unknown) => void>()
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown } // the protocol's own form
    if (id !== undefined) waiting.get(id)?.(result)
  })
  const ask = async (method: string, params: object = {}): Promise<unknown> =>
    new Promise((resolve) => {
      last += 1
      waiting.set(last, resolve)
      socket.send(JSON.stringify({ id: last, method, params }))
    })
  return { ask, close: () => socket.close() }
}

function report({ nodes, samples, timeDeltas }: Profile, requests: number): string {
  const own = new Map<number, number>()
  for (const [i, id] of samples.entries()) own.set(id, (own.get(id) ?? 0) + (timeDeltas[i] ?? 0))
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const nameOf = ({ callFrame: { functionName, url, lineNumber } }: Profile['nodes'][number]) =>
    `${functionName || '(anonymous)'} ${url.split('/').at(-1) ?? ''}:${lineNumber}`
  const selfOf = new Map<string, number>()
  const totalOf = new Map<string, number>()
  const walk = (id: number, above: ReadonlySet<string>): number => {
    const node = byId.get(id)
    if (node === undefined) return 0
    const name = nameOf(node)
    const self = own.get(id) ?? 0
    const inside = new Set([...above, name])
    const total = (node.children ?? []).reduce((sum, child) => sum + walk(child, inside), self)
    selfOf.set(name, (selfOf.get(name) ?? 0) + self)
    if (!above.has(name)) totalOf.set(name, (totalOf.get(name) ?? 0) + total)
    return total
  }
  if (nodes[0] !== undefined) walk(nodes[0].id, new Set())
  const top = (of: Map<string, number>) =>
    [...of]
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, 45)
      .map(([name, microseconds]) => `${(microseconds / requests).toFixed(1).padStart(9)} µs  ${name}`)
      .join('\n')
  return `Own time per request\n${top(selfOf)}\n\nWith what it calls\n${top(totalOf)}`
}

const operation = OPERATIONS.find(({ name }) => name.includes(positionals[0] ?? ''))
if (operation === undefined) throw new Error('There is no such operation.')
const side = SIDES.find((each) => each === values.side) ?? 'carrel'
const service = await startService({ inspectorPort: INSPECTOR_PORT })
try {
  await service.order({ do: 'fill', files: Number(values.files) })
  await service.order({ do: 'prepare', operation: operation.name, times: WARM_UP + TIMES })
  await service.order({ do: 'run', side, from: 0, times: WARM_UP })
  const inspector = await inspect(side === 'carrel' ? side : 'reference')
  await inspector.ask('Profiler.enable')
  await inspector.ask('Profiler.setSamplingInterval', { interval: 100 })
  await inspector.ask('Profiler.start')
  await service.order({ do: 'run', side, from: WARM_UP, times: TIMES })
  const { profile } = (await inspector.ask('Profiler.stop')) as { profile: Profile } // the protocol's own form
  inspector.close()
  const folder = join(import.meta.dirname, '../.carrel')
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, 'bench.cpuprofile'), JSON.stringify(profile))
  process.stdout.write(`${operation.name}, ${side}\n${report(profile, TIMES)}\n`)
} finally {
  await service.stop()
}
