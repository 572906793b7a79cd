import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { anonymous } from '../support/client.ts'
import { eraseQuietly, heldJobs, namesOf, sweepUntilDone, tracesOf } from '../support/erasures.ts'
import { deliver, disturbed, overriding, sweepAt, within } from '../support/faults.ts'
import { meteredBindings } from '../support/meters.ts'
import { type Death, mortal } from '../support/mortality.ts'
import { PROJECT } from '../support/openhumans.ts'
import { seedBulk } from '../support/seed.ts'
import { aFile, aKey, aParticipant, aStudy, begin, ok, type Study } from '../support/world.ts'

const MINUTE_MS = 60_000
const REMOVE = `${PROJECT}/remove-members/`
/** Of so many files, more than one invocation closes. */
const MANY = env.SLOW ? 2_000 : 330

const walks = ({ id }: { id: string }) => ({
  owner: `'${id}'`,
  name: `'walk ' || i || '.txt'`,
  category: `'diary'`,
  source: `'phone'`,
  tags: `'["walk","rain"]'`,
  visibility: `CASE i % 3 WHEN 0 THEN 'private' WHEN 1 THEN 'study' ELSE 'public' END`,
})

/**
 * Somebody with one of each that is open to a team: a file on its lists (and of those more than a step closes), one without
 * content, a grant, a link.
 */
async function aMember() {
  const study = await aStudy()
  const mark = crypto.randomUUID().replaceAll('-', '')
  const ada = await aParticipant(study, { id: `ada-${mark}` })
  const sam = ok(await study.admin.post(`${study.path}/members`, { issuer: 'i', subject: 's', role: 'staff' }))
  const colleague = await aKey(study, { role: 'staff', member: sam.id })
  const [shared, granted] = [await aFile(ada, study, { visibility: 'study' }), await aFile(ada, study)]
  await begin(study.worker, study, { participant: ada.id, visibility: 'study' })
  ok(await ada.put(`${study.path}/files/${granted.id}/grants/member:${sam.id}`, { level: 'content' }))
  await seedBulk(study, { from: 1, to: 90, recipe: walks(ada) })
  const { url } = ok(await study.staff.post(`${study.path}/files/${shared.id}/download-tokens`, { seconds: 600_000 }))
  return { study, ada, mark, colleague, url, granted }
}
type Member = Awaited<ReturnType<typeof aMember>>

const removal = ({ ada }: Pick<Member, 'ada'>) => ({ project_member_ids: [ada.number] })
const messageOf = ({ study, ada }: Pick<Member, 'study' | 'ada'>) => ({
  kind: 'departure',
  study: study.id,
  participant: ada.id,
})
const leaveQuietly = async (member: Pick<Member, 'study' | 'ada'>, other: object = {}) =>
  within({ JOBS: heldJobs().JOBS, ...other }, member.study.admin).post(REMOVE, removal(member))

const countOf = async (sql: string, study: Study) =>
  (await env.DB.prepare(`SELECT count(*) AS n FROM ${sql}`).bind(study.id).first<{ n: number }>())?.n
const departures = async (study: Study) => countOf('departures WHERE study_id = ?', study)

/** What of theirs the team finds and may open, by its own keys. */
async function openTo({ study, colleague, url, granted }: Member) {
  const { items } = ok(await colleague.get(`${study.path}/files`))
  const pending = ok(await study.worker.get(`${study.path}/files?status=pending`)).items
  const { status } = await colleague.get(`${study.path}/files/${granted.id}`)
  return { items, pending, granted: status, link: (await anonymous.head(url)).status }
}
const NOTHING = { items: [], pending: [], granted: 404, link: 200 }

async function expectClosed(member: Member) {
  const { study, url } = member
  expect(await departures(study)).toBe(0)
  expect(await countOf(`files WHERE study_id = ? AND visibility <> 'private'`, study)).toBe(0)
  expect(await countOf(`grants WHERE study_id = ? AND principal GLOB 'member:*'`, study)).toBe(0)
  expect(await countOf('download_tokens WHERE study_id = ? AND revoked_at IS NULL', study)).toBe(0)
  expect(await openTo(member)).toEqual(NOTHING)
  expect((await anonymous.get(url)).body.code).toBe('download_token_revoked')
  const shelves = ['shelf', 'shelf_truth'].map(async (name) =>
    env.DB.prepare(`SELECT * FROM ${name} WHERE study_id = ? ORDER BY scope, term, listed_at, file_id`)
      .bind(study.id)
      .all(),
  )
  const [shelf, truth] = await Promise.all(shelves)
  expect(shelf?.results).toEqual(truth?.results)
}

const sweepOn = async (runs = 4) => {
  for (let run = 1; run <= runs; run += 1) {
    await sweepAt(new Date(Date.now() + 2 * run * MINUTE_MS), { JOBS: heldJobs().JOBS })
  }
}

const DEATHS = [true, false].flatMap((takesEffect) => [1, 2, 3, 4].map((calls) => ({ at: calls, takesEffect })))

describe('a departure whose process dies', () => {
  test.each(DEATHS)(
    'as it works (%j) is finished by the next sweeps, and closes all the time',
    async (death: Death) => {
      const member = await aMember()
      ok(await leaveQuietly(member))
      expect(await openTo(member)).toEqual(NOTHING)
      const { bindings } = mortal(death)
      await deliver([messageOf(member)], bindings, 'carrel-jobs')
      expect(await openTo(member)).toEqual(NOTHING)
      await sweepOn()
      await expectClosed(member)
    },
  )

  test.each(DEATHS)('as it begins (%j) has begun or has not, and can be asked for again', async (death: Death) => {
    const member = await aMember()
    await within(mortal(death).bindings, member.study.admin).post(REMOVE, removal(member))
    const { status } = ok(await member.study.admin.get(`${member.study.path}/participants/${member.ada.id}`))
    expect(await departures(member.study)).toBe(status === 'withdrawn' ? 1 : 0)
    ok(await leaveQuietly(member))
    await sweepOn()
    await expectClosed(member)
  })
})

describe('an answer that was lost', () => {
  test.each(['the project’s admin', 'the member'])('of its beginning is no refusal to %s', async (by) => {
    const member = await aMember()
    const { DB, seen } = disturbed({ on: /INSERT INTO departures/, loses: 1 })
    const caller = by === 'the member' ? member.ada : member.study.admin
    ok(await within({ DB, JOBS: heldJobs().JOBS }, caller).post(REMOVE, removal(member)))
    expect(seen.times).toBe(2)
    const events = await countOf(`audit_events WHERE study_id = ? AND action = 'participant.update'`, member.study)
    expect(events).toBe(1)
  })

  test('of its beginning undoes no erasure that has begun since', async () => {
    const member = await aMember()
    const { study, ada } = member
    const path = `${study.path}/participants/${ada.id}`
    const { DB: losing } = disturbed({ on: /INSERT INTO departures/, loses: 1 })
    const DB = overriding(losing, {
      prepare: (text) => losing.prepare(text),
      batch: async <Item>(statements: D1PreparedStatement[]) => {
        try {
          return await losing.batch<Item>(statements)
        } catch (lost) {
          await eraseQuietly(study.admin, path)
          throw lost
        }
      },
    })
    await leaveQuietly(member, { DB })
    expect(ok(await study.admin.get(path)).status).toBe('erasing')
  })

  test('of a step, and another beside it, do what one does', async () => {
    const member = await aMember()
    ok(await leaveQuietly(member))
    const { DB, seen } = disturbed({ on: /DELETE FROM departures/, loses: 1 })
    const message = messageOf(member)
    const other = { DB, JOBS: heldJobs().JOBS }
    await Promise.all([deliver([message, message], other, 'carrel-jobs'), deliver([message], other, 'carrel-jobs')])
    expect(seen.times).toBeGreaterThan(1)
    await expectClosed(member)
  })
})

test('many files are closed by bounded steps, which change each of them once', async () => {
  const study = await aStudy({ allowPublic: true })
  const ada = await aParticipant(study)
  await seedBulk(study, { from: 1, to: MANY, recipe: walks(ada) })
  ok(await leaveQuietly({ study, ada }))
  const jobs = heldJobs()
  jobs.sent.push(messageOf({ study, ada }))
  const costs = []
  while (jobs.sent.length > 0) {
    const { cost, bindings } = meteredBindings()
    await deliver(jobs.take(), { ...bindings, JOBS: jobs.JOBS }, 'carrel-jobs')
    costs.push(cost)
    expect(cost.asked.length).toBeLessThanOrEqual(4 * 6)
    // Of a file some hundred and twenty; where the shelf is empty at last, all of them are looked at, some times over.
    expect(cost.rows).toBeLessThan(4 * 50 * 130 + 8 * MANY)
  }
  expect(costs).toHaveLength(Math.ceil((MANY * 2) / 3 / 200))
  expect(await departures(study)).toBe(0)
  const { results } = await env.DB.prepare(
    'SELECT visibility, revision, count(*) AS n FROM files WHERE study_id = ? GROUP BY 1, 2 ORDER BY 2',
  )
    .bind(study.id)
    .all()
  const kept = Math.floor(MANY / 3)
  expect(results).toEqual([
    { visibility: 'private', revision: 1, n: kept },
    { visibility: 'private', revision: 2, n: MANY - kept },
  ])
})

describe('an erasure', () => {
  test('of who has left takes the departure with it', async () => {
    const member = await aMember()
    const { study, ada, mark } = member
    const { person } = await namesOf(study, { ada, mark })
    ok(await leaveQuietly(member))
    // Nobody else takes its row.
    await env.DB.prepare('UPDATE departures SET due_at = 9e15 WHERE study_id = ?').bind(study.id).run()
    const erasure = await eraseQuietly(ada, `${study.path}/participants/me`)
    await sweepUntilDone(erasure)
    expect(await tracesOf(person)).toEqual([])
    // A message that comes late finds nobody.
    expect((await deliver([messageOf(member)], {}, 'carrel-jobs')).acked).toHaveLength(1)
  })
})

test('more departures than one invocation may do are put back, and are done by the next ones', async () => {
  const members = await Promise.all([1, 2, 3, 4, 5, 6].map(aMember))
  for (const member of members) ok(await leaveQuietly(member))
  const jobs = heldJobs()
  jobs.sent.push(...members.map(messageOf))
  let batches = 0
  for (; jobs.sent.length > 0; batches += 1) {
    expect((await deliver(jobs.take(), { JOBS: jobs.JOBS }, 'carrel-jobs')).retried).toEqual([])
  }
  expect(batches).toBe(2)
  for (const member of members) await expectClosed(member)
})
