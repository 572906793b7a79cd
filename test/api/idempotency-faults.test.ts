import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { aStudyToCreateIn, madeBy } from '../support/creations.ts'
import { overriding, within } from '../support/faults.ts'

// The first attempt dies at any of its calls to the database, before or after the call took effect, and everything
// after it fails too. What comes back with the same key finds one thing, or makes it.

const THINGS = [
  'studies',
  'participants',
  'members',
  'api_keys',
  'enrolment_codes',
  'uploads',
  'download_tokens',
  'report_entries',
]
const count = async () =>
  (
    await env.DB.prepare(
      `SELECT ${THINGS.map((table) => `(SELECT count(*) FROM ${table})`).join(' + ')} AS things`,
    ).first<{ things: number }>()
  )?.things ?? 0

/** D1 that goes away at a batch: `heard`, that one takes effect all the same. */
function dyingAt({ batch, heard }: { batch: number; heard: boolean }) {
  let asked = 0
  const dying = {
    batch: async <Row>(statements: D1PreparedStatement[]) => {
      asked += 1
      if (asked < batch) return env.DB.batch<Row>(statements)
      if (asked === batch && heard) await env.DB.batch<Row>(statements)
      throw new Error('D1_ERROR: Network connection lost.')
    },
  }
  return overriding(env.DB, { ...dying, withSession: (from) => overriding(env.DB.withSession(from), dying) })
}

const deaths = [1, 2, 3, 4].flatMap((batch) => [
  { batch, heard: false },
  { batch, heard: true },
])

test.each(deaths)('an attempt that dies at batch $batch (heard: $heard) is finished by the next', async (death) => {
  for (const { name, caller, ask, by } of (await aStudyToCreateIn()).creations) {
    const key = crypto.randomUUID()
    const before = await count()
    const died = await by(within({ DB: dyingAt(death) }, caller))(key)
    // It may have come to its answer before it was to die.
    expect(died.status === 503 || died.status < 300, `${name} ${died.text}`).toBe(true)
    if (death.batch === 1) expect(died.status, name).toBe(503)
    const next = await ask(key)
    expect(next.status, `${name} ${next.text}`).toBeLessThan(300)
    if (died.status < 300) expect(madeBy(next), name).toEqual(madeBy(died))
    expect((await count()) - before, name).toBe(1)
    expect(madeBy(await ask(key)), name).toEqual(madeBy(next))
  }
})

test('of two requests that come at once by the same key, one is done', async () => {
  for (const { name, ask } of (await aStudyToCreateIn()).creations) {
    const key = crypto.randomUUID()
    const before = await count()
    const answers = await Promise.all(Array.from({ length: 8 }, async (_, index) => ask(key, index % 2 === 1)))
    const [evens, odds] = [0, 1].map((rest) => answers.filter((_, index) => index % 2 === rest))
    const [done, refused] = (evens?.[0]?.status ?? 500) < 300 ? [evens, odds] : [odds, evens]
    for (const answer of done ?? []) expect(answer.status, `${name} ${answer.text}`).toBeLessThan(300)
    for (const answer of refused ?? []) expect(answer.body.code, name).toBe('idempotency_key_reused')
    expect((await count()) - before, name).toBe(1)
  }
})
