// The local service, killed again and again while people use it, and started again on what it has stored. What each of
// them was told is written down here, outside of it, and held against what is there then: `CARREL_KILLS=50
// CARREL_SEED=1 npm run test:crash`. The seed decides what is done and how long it goes on; the rest is chance.

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { brokenIn, leftIn } from '../support/none-of.ts'
import { onDisk } from './support/disk.ts'
import type { Entry, Wrong } from './support/journal.ts'
import { randomOf } from './support/random.ts'
import { aPlace, type Service, startService } from './support/service.ts'
import { sweep, sweepForDays, type World, worldsOf } from './support/world.ts'

const KILLS = Number(process.env['CARREL_KILLS'] ?? 50)
const SEED = Number(process.env['CARREL_SEED'] ?? Date.now() % 1_000_000)
/** How often one study lives through it. */
const KILLS_OF_A_STUDY = 4
/** Every so many starts are `npm start` from its first step on. */
const STARTS_BY_NPM = 5
const MAX_WORK_MS = 2_000

const random = randomOf(SEED)
const began = Date.now()
const totals = { kills: 0, acknowledged: 0, compared: 0 }
const wrongs: (Wrong | Readonly<{ kind: 'violation' | 'failure'; what: string }>)[] = []
const settled: World[] = []

let place: Awaited<ReturnType<typeof aPlace>>
let origin: string
let service: Service
let aWorld: Awaited<ReturnType<typeof worldsOf>>

beforeAll(async () => {
  place = await aPlace()
  origin = place.origin
  service = await startService(place, 'npm')
  const note = () => (totals.acknowledged += 1)
  aWorld = await worldsOf({ origin, record: join(place.persistTo, 'demo.json'), note })
})

afterAll(async () => {
  await service.kill()
  await rm(place.root, { recursive: true })
})

test(
  `of what was acknowledged nothing is lost in ${KILLS} kills`,
  async () => {
    let world: World | undefined
    while (totals.kills < KILLS) {
      world ??= await aWorld(random.below(2 ** 30))
      await workUntilKilled(world)
      await walk(world)
      service = await startService(place, totals.kills % STARTS_BY_NPM === 0 ? 'npm' : 'again')
      // What was acknowledged is there before a sweep has mended anything, and after it.
      if (random.below(2) === 0) await sweep(origin)
      await compare(world)
      if (totals.kills % KILLS_OF_A_STUDY !== 0 && totals.kills < KILLS) continue
      await finish(world)
      settled.push(world)
      world = undefined
    }
    for (const each of settled) await compare(each)
    await service.kill()
    await walk()
    process.stdout.write(`${summary()}\n`)
    expect(wrongs, `CARREL_SEED=${SEED}`).toEqual([])
  },
  KILLS * 60_000,
)

/** Everybody works, and at any moment there is nothing to work with. */
async function workUntilKilled({ clients }: World) {
  const { kill, isKilled } = service
  const work = clients.map(async (client) => {
    try {
      await client.work()
    } catch (failure) {
      // As long as it runs, nothing may fail.
      if (!isKilled()) tellOf(failure)
    }
  })
  await sleep(random.below(MAX_WORK_MS))
  await kill()
  await Promise.all(work)
  totals.kills += 1
}

const tellOf = (failure: unknown) => wrongs.push({ kind: 'failure', what: String(failure) })

/** Walks through what is stored while nothing runs: of what is not settled, only what holds at any moment is there. */
async function walk(world?: World) {
  const found = await onDisk(place.persistTo, async (look) => [
    ...(world === undefined ? [] : await brokenIn(look, world.study.id)),
    ...(await Promise.all(settled.map(async ({ study }) => leftIn(look, study.id)))).flat(),
  ])
  wrongs.push(...found.map((what) => ({ kind: 'violation' as const, what })))
}

const compare = async (world: World) =>
  eachOf(world, async (entry) => {
    totals.compared += 1
    wrongs.push(...(await entry.wrongs()))
  })

/** What was cut off is sent again; then there is all of it, once, and the sweeps leave nothing else. */
async function finish(world: World) {
  await eachOf(world, async (entry) => entry.goOn())
  await compare(world)
  for (const client of world.clients) wrongs.push(...(await client.unlisted()))
  await sweepForDays(origin)
}

/** One after the other of each client's, of all clients at once. */
async function eachOf({ entries }: World, look: (entry: Entry) => Promise<void>) {
  await Promise.all(
    entries().map(async (ofOne) => {
      for (const entry of ofOne) await look(entry).catch(tellOf)
    }),
  )
}

function summary() {
  const count = (...kinds: string[]) => wrongs.filter(({ kind }) => kinds.includes(kind)).length
  const minutes = ((Date.now() - began) / 60_000).toFixed(1)
  return [
    `${totals.kills} kills in ${minutes} minutes (seed ${SEED}): ${totals.acknowledged} writes acknowledged`,
    `${totals.compared} entries compared, ${count('lost', 'back')} losses, ${count('twice')} double deliveries`,
    `${count('violation')} violations, ${count('failure')} failures`,
  ].join(', ')
}
