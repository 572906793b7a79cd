import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { createSchema } from '../../src/adapters/kidsfirst/graphql/schema.ts'
import { ADAPTERS } from '../../src/app.ts'
import type { Door } from '../../src/model/principal.ts'
import { BRIDGE } from '../support/fault-flows-bridge.ts'
import { HAT } from '../support/fault-flows-hat.ts'
import { KIDSFIRST } from '../support/fault-flows-kidsfirst.ts'
import { MYDATAHELPS } from '../support/fault-flows-mydatahelps.ts'
import { OPENHUMANS } from '../support/fault-flows-openhumans.ts'
import { type DoorFlows, tryFaults } from '../support/fault-runs.ts'

// Everything that a foreign protocol's clients change, with a fault at each of its calls. `npm test` tries one fault of
// each door's main ways; the slow suite tries all of all.

/** What a door does by other names than those of its routes. */
const MORE: Readonly<Partial<Record<Door, () => string[]>>> = {
  kidsfirst: () => Object.keys(createSchema().getMutationType()?.getFields() ?? {}).map((name) => `mutation ${name}`),
}

const DOORS: Readonly<Partial<Record<Door, DoorFlows>>> = {
  bridge: BRIDGE,
  mydatahelps: MYDATAHELPS,
  openhumans: OPENHUMANS,
  kidsfirst: KIDSFIRST,
  hat: HAT,
}

let faults = 0
let flows = 0

describe.each(ADAPTERS)('$door', ({ door, load }) => {
  const { flows: all, without } = DOORS[door] ?? { flows: {}, without: {} }

  test('every route is tried, or there is a reason why not', async () => {
    const { routes } = (await load()).create()
    const there = routes
      .filter(({ method }) => !['ALL', 'HEAD', 'OPTIONS'].includes(method))
      // Where clients may leave out the slash at the end, or not.
      .map(({ method, path }) => `${method} ${path.replace(/(.)\/$/, '$1')}`)
    const named = [...Object.values(all).flatMap((flow) => flow.routes), ...Object.values(without).flat()]
    expect([...new Set(named)].toSorted()).toEqual([...new Set([...there, ...(MORE[door]?.() ?? [])])].toSorted())
  })

  const tried = Object.entries(all).filter(([, { isMain }]) => env.SLOW || isMain === true)
  test.each(tried.map(([name, flow], index) => ({ name, flow, index })))(
    '$name: nothing is left half done, whatever fails once',
    async ({ name, flow: { prepare, ...expected }, index }) => {
      const { wrong, injected } = await tryFaults(name, {
        prepare,
        expected,
        only: env.SLOW ? undefined : (index + 1) * 23,
      })
      faults += injected
      flows += 1
      expect(wrong).toEqual([])
    },
  )
})

test('says how many faults there were', () => {
  console.info(`${faults} faults were injected into ${flows} flows of foreign protocols.`)
  expect(faults).toBeGreaterThanOrEqual(flows)
})
