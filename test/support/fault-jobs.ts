import { env } from 'cloudflare:workers'
import { arrive, beginLoose, toldOf } from './arrivals.ts'
import { eventsOf } from './audit.ts'
import type { Answer, Caller } from './client.ts'
import { operator } from './client.ts'
import { aDesk } from './desk.ts'
import { eraseQuietly, heldJobs } from './erasures.ts'
import { deliver, sweepAt, within } from './faults.ts'
import type { Expected, Prepared } from './fault-runs.ts'
import { PROJECT } from './openhumans.ts'
import { report, send, small, urlsOf } from './parts.ts'
import { aPerson, signingIn } from './sessions.ts'
import { aFile, aParticipant, begin, objectKeyOf, ok, put } from './world.ts'

// What the cron and the queues find to do, and how it comes again: with a later run, or by the same message.

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
/** Between two runs that a test looks at: what has failed is put off for ten minutes. */
const NEXT_RUN_MS = 11 * MINUTE_MS

type Desk = Awaited<ReturnType<typeof aDesk>>
type Look = Prepared['look']
export type JobFlow = Expected & Readonly<{ isMain?: boolean; prepare: () => Promise<Prepared> }>

const answer = (status: number): Answer => ({ status, body: '', text: '', headers: new Headers() })

/** A run of the cron so many milliseconds from now, and a next one. */
function running(later: number, more: object = {}): Prepared['ask'] {
  let runs = 0
  return async (bindings) => {
    const time = new Date(Date.now() + later + (runs += 1) * NEXT_RUN_MS)
    try {
      await sweepAt(time, { ...bindings, ...more })
      return answer(200)
    } catch {
      return answer(503)
    }
  }
}

/** A batch of messages: those come again that were given back, or of which nothing was heard. */
function bringing(messages: readonly unknown[], queue: Parameters<typeof deliver>[2]): Prepared['ask'] {
  let waiting = messages
  return async (bindings) => {
    const { retried } = await deliver(waiting, bindings, queue)
    waiting = waiting.filter((_, index) => retried.includes(`message-${index}`))
    return answer(retried.length === 0 ? 200 : 503)
  }
}

const countOf = async (sql: string, { study }: Desk) =>
  (await env.DB.prepare(`SELECT count(*) AS n FROM ${sql}`).bind(study.id).first<{ n: number }>())?.n

/** Uploads of each kind: with all bytes, and with none. Answers where the bytes are. */
async function sendAll(desk: Desk): Promise<string[]> {
  const { owner, study } = desk
  const { upload } = await begin(owner, study)
  await put(upload.url)
  const loose = await beginLoose(desk)
  await arrive(loose)
  const { upload: inParts } = await small(desk)
  const [part] = await urlsOf(desk, inParts, 1)
  await report(desk, inParts, await send(part))
  return [objectKeyOf(upload.url), loose.stagingKey]
}
async function sendNothing(desk: Desk) {
  await begin(desk.owner, desk.study)
  await beginLoose(desk)
  await small(desk)
}

/** Bytes that nothing leads to any more. */
async function throwAway(desk: Desk) {
  const { owner, study, at } = desk
  const file = await aFile(owner, study)
  const [{ upload }, { upload: inParts }] = [await begin(owner, study), await small(desk)]
  await put(upload.url)
  await urlsOf(desk, inParts, 1)
  ok(await owner.delete(`${study.path}/files/${file.id}`))
  for (const each of [upload, inParts]) ok(await owner.delete(at(each)))
  const loose = await beginLoose(desk)
  await arrive(loose)
  ok(await owner.delete(at(loose)))
}

/** Somebody of whom there is one of each, and whom nobody has begun to erase. */
async function furnish({ study }: Desk) {
  const ada = await aParticipant(study, { id: 'ada', externalId: 'PT-ada' })
  const file = await aFile(ada, study, { visibility: 'study' })
  const files = `${study.path}/files/${file.id}`
  for (const each of [ada, study.staff]) ok(await each.post(`${files}/download-tokens`, { seconds: 600_000 }))
  ok(await ada.put(`${study.path}/participants/me/documents/preferences`, { theme: 'dark' }))
  ok(await ada.put(`${study.path}/participants/me/reports/steps/entries/2026-11-20`, { steps: 7011 }))
  const { id: member } = ok(
    await study.admin.post(`${study.path}/members`, { issuer: 'i', subject: 's', role: 'staff' }),
  )
  ok(await ada.put(`${files}/grants/member:${member}`, { level: 'content' }))
  await begin(ada, study, { upload: 'multipart' })
  return ada
}
async function eraseAda(desk: Desk) {
  const ada = await furnish(desk)
  return eraseQuietly(ada, `${desk.study.path}/participants/me`)
}
const receiptsOf = async ({ study }: Desk) =>
  (await env.DB.prepare('SELECT state, counts FROM erasures WHERE study_id = ?').bind(study.id).all()).results

/** Ada leaves, and nobody has closed her files yet. */
async function letAdaLeave(desk: Desk) {
  const ada = await furnish(desk)
  const quietly = within({ JOBS: heldJobs().JOBS }, desk.study.admin)
  ok(await quietly.post(`${PROJECT}/remove-members/`, { project_member_ids: [ada.number] }))
  return { kind: 'departure', study: desk.study.id, participant: ada.id }
}
const closedOf =
  (desk: Desk): Look =>
  async () =>
    Promise.all([
      countOf(`files WHERE study_id = ? AND visibility = 'private'`, desk),
      countOf(`grants WHERE study_id = ? AND principal GLOB 'member:*'`, desk),
    ])

/** What has a time, and whose time is over soon. */
async function letExpire({ study, owner }: Desk) {
  const file = await aFile(owner, study)
  const files = `${study.path}/files/${file.id}`
  const expiresAt = new Date(Date.now() + DAY_MS).toISOString()
  const grace = await aParticipant(study, { id: 'grace' })
  ok(await owner.put(`${files}/grants/participant:${grace.id}`, { level: 'content', expiresAt }))
  ok(await owner.post(`${files}/download-tokens`, { seconds: 600 }, { 'Idempotency-Key': 'once' }))
  ok(await study.admin.post(`${study.path}/participants/${owner.id}/enrolment-codes`, { label: 'phone' }))
  const person = await aPerson(study)
  await signingIn(study, person)
}

/** A run of the cron over what was made for it. */
const sweeping = (
  later: number,
  make: (desk: Desk) => Promise<unknown>,
  { look, settings, ...expected }: Expected & { isMain?: boolean; look?: (desk: Desk) => Look; settings?: object } = {},
): JobFlow => ({
  ...expected,
  prepare: async () => {
    const desk = await aDesk()
    await make(desk)
    const seen = look?.(desk)
    return { study: desk.study.id, ask: running(later, settings), ...(seen !== undefined && { look: seen }) }
  },
})

const everything = async (desk: Desk) => {
  await sendAll(desk)
  await sendNothing(desk)
  await throwAway(desk)
  await letExpire(desk)
  await eraseAda(desk)
  const gone = await aParticipant(desk.study)
  await aFile(gone, desk.study, { visibility: 'study' })
  const quietly = within({ JOBS: heldJobs().JOBS }, desk.study.admin)
  ok(await quietly.post(`${PROJECT}/remove-members/`, { project_member_ids: [gone.number] }))
}
const listed =
  (desk: Desk): Look =>
  async () =>
    ok(await desk.owner.get(`${desk.study.path}/files`)).items.map(
      ({ version }: { version: { size: number } }) => version.size,
    )

const byCron = {
  'uploads that have arrived unsaid': sweeping(2 * 60 * MINUTE_MS, sendAll, { look: listed, isMain: true }),
  'uploads whose time is over': sweeping(
    8 * DAY_MS,
    async (desk) => {
      await sendAll(desk)
      await sendNothing(desk)
    },
    { look: listed, isMain: true },
  ),
  'bytes that are to be deleted': sweeping(0, throwAway, { isMain: true }),
  'bytes that are deleted for the last time': sweeping(3 * DAY_MS, throwAway),
  'an erasure': sweeping(2 * MINUTE_MS, eraseAda, {
    goesOn: true,
    look: (desk) => async () => receiptsOf(desk),
    isMain: true,
  }),
  'a departure': sweeping(2 * MINUTE_MS, letAdaLeave, { goesOn: true, look: closedOf, isMain: true }),
  'what has expired': sweeping(100 * DAY_MS, letExpire, { settings: { AUDIT_DAYS: '50' }, isMain: true }),
  'everything at once': sweeping(8 * DAY_MS, everything, {
    goesOn: true,
    look: (desk) => async () => [await receiptsOf(desk), await listed(desk)?.()],
  }),
} satisfies Record<string, JobFlow>

/** A batch with what was made for it. */
const bringingOf = (
  queue: 'carrel-object-events' | 'carrel-jobs',
  make: (desk: Desk) => Promise<readonly unknown[]>,
  { look, ...expected }: Expected & { isMain?: boolean; look: (desk: Desk) => Look },
): JobFlow => ({
  ...expected,
  prepare: async () => {
    const desk = await aDesk()
    const ask = bringing(await make(desk), queue)
    const seen = look(desk)
    return { study: desk.study.id, ask, ...(seen !== undefined && { look: seen }) }
  },
})

/** What requests have put off while something was done. */
async function putOff(caller: Caller, deed: (caller: Caller) => Promise<unknown>): Promise<readonly unknown[]> {
  const { JOBS, sent } = heldJobs()
  await deed(within({ JOBS }, caller))
  return sent
}
const eventsSeen =
  (desk: Desk): Look =>
  async () =>
    (await eventsOf(desk.study)).map(({ action, outcome }) => [action, outcome])

const byQueue = {
  "storage's word that bytes have arrived": bringingOf(
    'carrel-object-events',
    async (desk) => (await sendAll(desk)).map(toldOf),
    { look: listed, isMain: true },
  ),
  'reads and refusals that were witnessed': bringingOf(
    'carrel-jobs',
    async ({ study, owner }) => {
      const file = await aFile(owner, study, { visibility: 'study' })
      return [
        ...(await putOff(study.staff, async (staff) => staff.get(`${study.path}/files/${file.id}/content`))),
        ...(await putOff(study.staff, async (staff) => staff.delete(`${study.path}/files/${file.id}`))),
      ]
    },
    { look: eventsSeen, isMain: true },
  ),
  'a departure that is gone on with': bringingOf('carrel-jobs', async (desk) => [await letAdaLeave(desk)], {
    look: closedOf,
    goesOn: true,
    isMain: true,
  }),
  'an erasure that is gone on with': bringingOf(
    'carrel-jobs',
    async (desk) => {
      const { study, id } = await eraseAda(desk)
      return [{ kind: 'erasure', study, erasure: id }]
    },
    { look: (desk) => async () => receiptsOf(desk), goesOn: true },
  ),
  "a study's erasure that is gone on with": bringingOf(
    'carrel-jobs',
    async (desk) => {
      await furnish(desk)
      await sendAll(desk)
      const { study, id } = await eraseQuietly(operator, desk.study.path)
      return [{ kind: 'erasure', study, erasure: id }]
    },
    { look: (desk) => async () => receiptsOf(desk), goesOn: true },
  ),
} satisfies Record<string, JobFlow>

export const JOBS: Readonly<Record<string, JobFlow>> = { ...byCron, ...byQueue }
