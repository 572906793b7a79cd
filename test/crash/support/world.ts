import { readRecord } from '../../../src/local/demo-record.ts'
import { buildersWith, type Bytes, type SingleUpload, type Study } from '../../support/builders.ts'
import { callersOf } from '../../support/callers.ts'
import { aClient, type Client } from './client.ts'
import { aPerson } from './erasures.ts'
import type { Entry } from './journal.ts'
import { randomOf } from './random.ts'

const CLIENTS = 4
const DAY_MS = 86_400_000
/** Until all that was under way is over: the URLs, the uploads, the days that the outbox waits. */
const SWEPT_AFTER_DAYS = [0, 0.01, 3, 8, 10, 12]

/** One study and everybody who does something in it. */
export type World = Readonly<{
  study: Study
  clients: readonly Client[]
  /** All that was noted down, of each of them. */
  entries: () => readonly (readonly Entry[])[]
}>

/** One run of the cron, as if it were then. */
export async function sweep(origin: string, at = new Date()): Promise<void> {
  const query = `cron=${encodeURIComponent('* * * * *')}&time=${at.getTime()}`
  const response = await fetch(`${origin}/cdn-cgi/local/scheduled?${query}`)
  const outcome = await response.text()
  if (!response.ok) throw new Error(`the sweep was answered ${response.status}: ${outcome.slice(0, 300)}`)
}

/** The sweeps of the days to come. */
export async function sweepForDays(origin: string): Promise<void> {
  for (const days of SWEPT_AFTER_DAYS) {
    for (let run = 0; run < 2; run += 1) await sweep(origin, new Date(Date.now() + days * DAY_MS))
  }
}

/** Who makes what there is in a service that has the demo study. */
export async function buildersAt({ origin, record }: { origin: string; record: string }) {
  const demo = await readRecord(record)
  if (demo === undefined) throw new Error('There is no record of the demo study.')
  const as = callersOf(
    async (request) => fetch(request),
    () => origin,
  )
  const operator = as(demo.operatorKey)
  const put = async ({ url, headers }: SingleUpload, body: Bytes) => fetch(url, { method: 'PUT', headers, body })
  return { demo, as, operator, ...buildersWith({ as, operator, put }) }
}

/** How worlds are made in it; `note` takes note of a write that was answered. */
export async function worldsOf({ origin, record, note }: { origin: string; record: string; note: () => void }) {
  const { aStudy, aParticipant } = await buildersAt({ origin, record })

  return async function aWorld(seed: number): Promise<World> {
    const study = await aStudy()
    const person = await aPerson({ study, participant: await aParticipant(study), note }, seed)
    const desks = await Promise.all(
      Array.from({ length: CLIENTS }, async () => ({ study, participant: await aParticipant(study), note })),
    )
    const others = { sweep: async () => sweep(origin), erase: person.erase }
    const clients = desks.map((desk, index) => aClient(desk, { random: randomOf(seed + index), others }))
    return { study, clients, entries: () => [[person], ...clients.map(({ entries }) => entries)] }
  }
}
