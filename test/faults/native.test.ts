import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { aFaultyWorld, type Flow, FLOWS, WITHOUT_FLOW } from '../support/fault-flows.ts'
import { type Prepared, tryFaults } from '../support/fault-runs.ts'
import { within } from '../support/faults.ts'
import { type DescribedOperation, operations, pathOf } from '../support/operations.ts'

// Every operation of the native API that changes something, with a fault at each of its calls. `npm test` tries one fault
// of each that moves bytes or lets somebody see them; the slow suite tries all of all.

const described = await operations()
const isRead = ({ method }: DescribedOperation) => method === 'GET' || method === 'HEAD'

async function prepare(name: string, flow: Flow): Promise<Prepared> {
  const operation = described.find(({ id }) => id === name.split(' ')[0])
  if (operation === undefined) throw new Error(`There is no operation ${name}.`)
  const world = await aFaultyWorld()
  const { names, body = flow.body } = (await flow.before?.(world)) ?? {}
  const path = pathOf(operation, { ...world.names, ...names })
  const once = { 'Idempotency-Key': crypto.randomUUID() }
  const ask: Prepared['ask'] = async (bindings) => {
    const caller = within(bindings, flow.caller?.(world) ?? world.participant)
    if (operation.method === 'DELETE') return caller.delete(path)
    if (operation.method === 'PUT') return caller.put(path, body)
    if (operation.method === 'PATCH') return caller.patch(path, body, { 'Content-Type': operation.body?.type ?? '' })
    return caller.post(path, body, once)
  }
  return { study: world.study.id, ask }
}

test('every operation that changes something is tried', () => {
  const changing = described.filter((each) => !isRead(each)).map(({ id }) => id)
  const tried = [...Object.keys(FLOWS).map((name) => name.split(' ', 1).join('')), ...Object.keys(WITHOUT_FLOW)]
  expect([...new Set(tried)].toSorted()).toEqual(changing.toSorted())
})

const OF_BYTES = /[uU]pload|Download|Access/
const tried = Object.entries(FLOWS).filter(([name]) => env.SLOW || OF_BYTES.test(name))
let faults = 0

test.each(tried.map(([name, flow], index) => ({ name, flow, index })))(
  '$name leaves nothing half done, whatever fails once',
  async ({ name, flow, index }) => {
    const only = env.SLOW ? undefined : index * 7
    const { wrong, injected } = await tryFaults(name, {
      prepare: async () => prepare(name, flow),
      expected: flow,
      only,
    })
    faults += injected
    expect(wrong).toEqual([])
  },
)

test('says how many faults there were', () => {
  console.info(`${faults} faults were injected into ${tried.length} flows of the native API.`)
  expect(faults).toBeGreaterThanOrEqual(tried.length)
})
