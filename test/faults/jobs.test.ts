import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { JOBS } from '../support/fault-jobs.ts'
import { tryFaults } from '../support/fault-runs.ts'

// What is done without a request, with a fault at each of its calls. `npm test` tries one fault of most; the slow suite
// tries all of all.

const tried = Object.entries(JOBS).filter(([, { isMain }]) => env.SLOW || isMain === true)
let faults = 0

test.each(tried.map(([name, flow], index) => ({ name, flow, index })))(
  '$name: done in the end, whatever fails once',
  async ({ name, flow: { prepare, ...expected }, index }) => {
    const { wrong, injected } = await tryFaults(name, {
      prepare,
      expected,
      only: env.SLOW ? undefined : (index + 1) * 23,
    })
    faults += injected
    expect(wrong).toEqual([])
  },
)

test('says how many faults there were', () => {
  console.info(`${faults} faults were injected into ${tried.length} kinds of jobs.`)
  expect(faults).toBeGreaterThanOrEqual(tried.length)
})
