// The local service as `npm start` runs it, with many at it at once for a while, and then with half as many for long:
// `CARREL_LOAD_SECONDS=60 CARREL_SOAK_SECONDS=600 npm run test:load`. Whatever anybody is told is looked at; a participant
// is erased after some time, and somebody else comes: what is stored grows by the record of what was done, receipts and
// what waits for its days to be over, all of it on disk, where nobody asks for it. Memory is looked at as Linux tells of it.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { processes } from '../crash/support/processes.ts'
import { aPlace, type Service, startService } from '../crash/support/service.ts'
import { buildersAt, sweep } from '../crash/support/world.ts'
import { ok } from '../support/builders.ts'
import { MIB } from '../support/bytes.ts'
import { aCrowd } from './support/crowd.ts'
import { heldIn, middleBytes, watchMemory } from './support/memory.ts'
import { watchTraffic } from './support/traffic.ts'

const LOAD_SECONDS = Number(process.env['CARREL_LOAD_SECONDS'] ?? 60)
const SOAK_SECONDS = Number(process.env['CARREL_SOAK_SECONDS'] ?? 600)
const SEED = Number(process.env['CARREL_SEED'] ?? Date.now() % 1_000_000)
const SEATS = 64
/**
 * Until then memory grows as code is compiled, statements are prepared and 32 connections are made: with the load before it
 * nothing of that is new but the connections, and by itself each kind of request has been asked for by then.
 */
const WARM_UP_SECONDS = 20
const MAX_GROWTH = 0.1

let place: Awaited<ReturnType<typeof aPlace>>
let service: Service
let at: { origin: string; record: string }
const say = (text: string) => process.stdout.write(`${text}\n`)

beforeAll(async () => {
  place = await aPlace()
  service = await startService(place, 'npm')
  at = { origin: place.origin, record: join(place.persistTo, 'demo.json') }
  // The first comes a minute after the start, and until then the service says that it is late.
  await sweep(place.origin)
})

afterAll(async () => {
  await service.kill()
  await rm(place.root, { recursive: true })
})

/** What was started and does not run any more, though something else may run in its place. */
async function ended() {
  const running = (await processes()).filter(({ isDead }) => !isDead).map(({ pid }) => pid)
  return service.started.filter(({ pid }) => !running.includes(pid))
}

/** What the operator is told of what runs without a request. */
async function health() {
  const { operator } = await buildersAt(at)
  return ok(await operator.get('/health'))
}

/** So many at it for so long, then what all of it came to. */
async function underLoad(seats: number, seconds: number) {
  const crowd = await aCrowd({ ...at, seed: SEED })
  const traffic = watchTraffic()
  await crowd.work(seats, seconds)
  traffic.stop()
  const { acknowledged, deeds, lives } = crowd.counts
  say(
    `${seats} clients for ${seconds} s (seed ${SEED}): ${deeds} deeds, ${lives} people erased, ${acknowledged} writes`,
  )
  say(traffic.table())
  say(JSON.stringify(await health()))
  // Where one is wrong many are, and the first of them say why.
  expect([crowd.wrongs.slice(0, 10), crowd.wrongs.length], `CARREL_SEED=${SEED}`).toEqual([[], 0])
  expect([traffic.refusals.slice(0, 10), traffic.refusals.length]).toEqual([[], 0])
  expect(await ended()).toEqual([])
  expect(await health()).toMatchObject({
    status: 'ok',
    deadLetters: { objectEvents: { count: 0 }, jobs: { count: 0 } },
  })
  // Of each of the lives more was acknowledged than that somebody was there and is gone.
  expect(lives).toBeGreaterThanOrEqual(seats)
  expect(acknowledged).toBeGreaterThan(seats * 2)
}

test(
  `${SEATS} clients at once for ${LOAD_SECONDS} s are answered right, and nothing ends`,
  async () => underLoad(SEATS, LOAD_SECONDS),
  (LOAD_SECONDS + 120) * 1_000,
)

test(
  `half of them hold as much memory in the last minute of ${SOAK_SECONDS} s as in the first`,
  async () => {
    const memory = watchMemory(service.pid)
    await underLoad(SEATS / 2, WARM_UP_SECONDS + SOAK_SECONDS)
    await memory.stop()
    const [from, until] = [WARM_UP_SECONDS, WARM_UP_SECONDS + SOAK_SECONDS]
    const span = Math.min(60, SOAK_SECONDS / 2)
    for (let second = 0; second < until; second += 60) {
      const samples = memory.between(second, Math.min(second + 60, until))
      say(`from second ${second}: ${(middleBytes(samples) / MIB).toFixed(0)} MiB: ${heldIn(samples)}`)
    }
    const [first, last] = [memory.between(from, from + span), memory.between(until - span, until)].map(middleBytes)
    const growth = (last ?? 0) / (first ?? 0) - 1
    say(`${(growth * 100).toFixed(1)} % between the first and the last ${span} s after ${WARM_UP_SECONDS} s`)
    // Less is no harm: Wrangler's own Node tidies up when it likes, some hundred MiB at once.
    expect(growth).toBeLessThan(MAX_GROWTH)
  },
  (WARM_UP_SECONDS + SOAK_SECONDS + 120) * 1_000,
)
