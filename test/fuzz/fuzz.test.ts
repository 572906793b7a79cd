// Requests that nobody thought of, at every door: whatever is asked is answered as the door's documents say, tells nobody
// what is not theirs, and harms nothing. A seed makes the same requests anew.

import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, type MockInstance, test, vi } from 'vitest'
import { fewRequests, fuzzing } from '../support/fuzz-runs.ts'
import { aShutStudy } from '../support/fuzz-world.ts'

const { requests, seed, path } = env.FUZZ
/** How many come together, at least on the average. */
const FEW = 4

// What is written is looked at; nothing of ours is replaced.
let printed: MockInstance<typeof console.log>
beforeAll(() => {
  printed = vi.spyOn(console, 'log').mockImplementation(() => undefined)
})
afterAll(() => printed.mockRestore())

const taken = () => {
  const lines = printed.mock.calls.map((call) => call.map(String).join(' '))
  printed.mockClear()
  return lines
}

const sentence = "whatever is asked is answered as documented, tells only what is the caller's, and harms nothing"
test(
  sentence,
  async () => {
    const { counts, send, lookAtAll, summary } = fuzzing(await aShutStudy(), taken)
    const isEnough = () => path === '' && counts.sent >= requests
    const property = fc.asyncProperty(await fewRequests(), async (few) => (isEnough() ? undefined : send(few)))
    const result = await fc.check(property, {
      seed,
      numRuns: Math.ceil(requests / FEW),
      ...(path === '' ? {} : { path, endOnFailure: true }),
    })
    console.info(`Seed ${seed}: ${summary()}`)
    if (result.failed) {
      const again = `CARREL_SEED=${seed} CARREL_PATH=${result.counterexamplePath} npm run fuzz`
      const all = `CARREL_SEED=${seed} CARREL_FUZZ=${requests} npm run fuzz`
      throw new Error(
        `${String(result.errorInstance)}\n\nAgain, made smaller ${result.numShrinks} times: ${again}\n` +
          `With all that came before it, which it may take: ${all}`,
      )
    }
    await lookAtAll()
    expect(counts.sent).toBeGreaterThanOrEqual(path === '' ? requests : 1)
    expect(counts.lines).toBeGreaterThanOrEqual(counts.sent)
  },
  60_000 + requests * 20,
)
