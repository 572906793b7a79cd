import { env } from 'cloudflare:workers'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { hollowVersions, strays } from '../support/bucket.ts'
import type { Caller } from '../support/client.ts'
import { eraseQuietly, heldJobs, namesOf, receiptOf, sweepUntilDone, tracesOf } from '../support/erasures.ts'
import { deliver, disturbed, overriding, sweepAt, within } from '../support/faults.ts'
import { type Death, mortal } from '../support/mortality.ts'
import { aFile, aKey, aParticipant, aStudy, begin, ok, put, type Study } from '../support/world.ts'

const MINUTE_MS = 60_000
const at = (study: { path: string }, id: string) => `${study.path}/participants/${id}`

afterAll(async () => {
  expect(await strays()).toEqual([])
  expect(await hollowVersions()).toEqual([])
})

/** Somebody with one of what is in D1, in R2 and in KV. */
async function aModest(study: Study) {
  const mark = crypto.randomUUID().replaceAll('-', '')
  const ada = await aParticipant(study, { id: `ada-${mark}` })
  const file = await aFile(ada, study)
  ok(await ada.post(`${study.path}/files/${file.id}/download-tokens`, { seconds: 600_000 }))
  ok(await ada.put(`${at(study, 'me')}/documents/preferences`, { mark }))
  return { ada, mark, file, path: at(study, ada.id), names: await namesOf(study, { ada, mark }) }
}
type Modest = Awaited<ReturnType<typeof aModest>>

async function expectGone({ names }: Modest, erasure: { study: string; id: string }) {
  const { counts } = await sweepUntilDone(erasure)
  expect(await tracesOf(names.person)).toEqual([])
  expect(await tracesOf(names.things)).toEqual(['audit_events'])
  expect(counts).toMatchObject({ participants: 1, files: 1, versions: 1, links: 1, documents: 1, keys: 1 })
}

/** Later than any link was made that may still be on its way. */
async function later<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * MINUTE_MS })
  try {
    return await work()
  } finally {
    vi.useRealTimers()
  }
}
const messageOf = ({ study, id }: { study: string; id: string }) => ({ kind: 'erasure', study, erasure: id })
const eraseOn = async (erasure: { study: string; id: string }, other: object = {}) =>
  later(async () => deliver([messageOf(erasure)], { JOBS: heldJobs().JOBS, ...other }, 'carrel-jobs'))

const DEATHS: readonly Death[] = env.SLOW
  ? [1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((calls) => [true, false].map((takesEffect) => ({ at: calls, takesEffect })))
  : [
      { at: 1, takesEffect: false },
      { at: 5, takesEffect: true },
    ]

describe('an erasure whose process dies', () => {
  test.each(DEATHS)('as it works (%j) is finished by the next sweeps', async (death: Death) => {
    const study = await aStudy()
    const modest = await aModest(study)
    const erasure = await eraseQuietly(modest.ada, at(study, 'me'))
    const { bindings, life } = mortal(death)
    const { retried } = await eraseOn(erasure, bindings)
    // The last of these deaths come when it has nothing left to do.
    expect(retried).toHaveLength(life.calls >= death.at ? 1 : 0)
    expect(await strays()).toEqual([])
    await expectGone(modest, erasure)
  })

  test.each(DEATHS)('as it ends (%j) is finished by the next sweeps', async (death: Death) => {
    const study = await aStudy()
    const modest = await aModest(study)
    const erasure = await eraseQuietly(modest.ada, at(study, 'me'))
    await eraseOn(erasure)
    const days = (count: number) => new Date(Date.now() + count * 24 * 60 * MINUTE_MS)
    await sweepAt(days(3))
    await env.DB.prepare('UPDATE erasures SET due_at = 1 WHERE id = ? AND due_at IS NOT NULL').bind(erasure.id).run()
    const { bindings } = mortal(death)
    await eraseOn(erasure, bindings)
    await expectGone(modest, erasure)
  })

  test.each([1, 2, 3].flatMap((calls) => [true, false].map((takesEffect) => ({ at: calls, takesEffect }))))(
    'as it begins (%j) has begun or has not, and can be asked for again',
    async (death: Death) => {
      const study = await aStudy()
      const modest = await aModest(study)
      await within(mortal(death).bindings, study.admin).delete(modest.path)
      const { results } = await env.DB.prepare('SELECT status FROM participants WHERE study_id = ? AND id = ?')
        .bind(study.id, modest.ada.id)
        .all()
      const begun = results[0]?.['status'] === 'erasing'
      expect((await modest.ada.get(`${study.path}/files`)).status).toBe(begun ? 401 : 200)
      await expectGone(modest, await eraseQuietly(study.admin, modest.path))
    },
  )
})

describe('an answer that was lost', () => {
  test.each([
    ['of its beginning', /INSERT INTO erasures/],
    ['of a step', /DELETE FROM download_tokens/],
    ['of its end', /SET state = 'done'/],
  ])('%s counts nothing twice', async (_, on) => {
    const study = await aStudy()
    const modest = await aModest(study)
    const { DB, seen } = disturbed({ on, loses: 1 })
    const { JOBS } = heldJobs()
    const { status, body } = await within({ DB, JOBS }, modest.ada).delete(at(study, 'me'))
    expect([status, body.participant]).toEqual([202, modest.ada.id])
    await eraseOn(body, { DB })
    for (const days of [3, 4]) await sweepAt(new Date(Date.now() + days * 24 * 60 * MINUTE_MS), { DB, JOBS })
    expect(seen.times).toBeGreaterThan(1)
    await expectGone(modest, body)
    const { results } = await env.DB.prepare(
      `SELECT 1 FROM audit_events WHERE study_id = ? AND action = 'participant.erase'`,
    )
      .bind(study.id)
      .all()
    expect(results).toHaveLength(1)
  })
})

describe('where storage is out of reach', () => {
  test.each([
    [
      'KV',
      { TOKENS: overriding(env.TOKENS, { delete: async () => Promise.reject(new Error('KV DELETE failed: 500')) }) },
    ],
    ['R2', { BUCKET: overriding(env.BUCKET, { put: async () => Promise.reject(new Error('put: internal (10001)')) }) }],
  ])('(%s) nothing goes whose trace would be lost, and the message comes again', async (_, other) => {
    const study = await aStudy()
    const modest = await aModest(study)
    const erasure = await eraseQuietly(modest.ada, at(study, 'me'))
    expect((await eraseOn(erasure, other)).retried).toEqual(['message-0'])
    expect((await receiptOf(erasure)).counts).toMatchObject({ files: 0, links: 0 })
    await expectGone(modest, erasure)
  })

  test('(the queue) it begins all the same', async () => {
    const study = await aStudy()
    const modest = await aModest(study)
    const JOBS = overriding(env.JOBS, { send: async () => Promise.reject(new Error('Queue send failed')) })
    const { status, body } = await within({ JOBS }, modest.ada).delete(at(study, 'me'))
    expect(status).toBe(202)
    await expectGone(modest, body)
  })
})

describe('side by side', () => {
  test('steps of the queue and of the cron do what one would', async () => {
    const study = await aStudy()
    const modest = await aModest(study)
    const erasure = await eraseQuietly(modest.ada, at(study, 'me'))
    const { JOBS } = heldJobs()
    const message = messageOf(erasure)
    await later(async () =>
      Promise.all([
        deliver([message, message], { JOBS }, 'carrel-jobs'),
        deliver([message], { JOBS }, 'carrel-jobs'),
        sweepAt(new Date(), { JOBS }),
      ]),
    )
    await expectGone(modest, erasure)
  })

  test('more erasures than one invocation may do are put back, and are done by the next ones', async () => {
    const study = await aStudy()
    const all = await Promise.all([1, 2, 3, 4, 5, 6].map(async () => aModest(study)))
    const erasures = await Promise.all(all.map(async ({ ada }) => eraseQuietly(ada, at(study, 'me'))))
    const jobs = heldJobs()
    jobs.sent.push(...erasures.map(messageOf))
    let batches = 0
    await later(async () => {
      for (; jobs.sent.length > 0; batches += 1) {
        expect((await deliver(jobs.take(), { JOBS: jobs.JOBS }, 'carrel-jobs')).retried).toEqual([])
      }
    })
    expect(batches).toBe(2)
    for (const erasure of erasures) expect((await receiptOf(erasure)).state).toBe('deleting')
  })

  test('a step that comes late touches nothing of who was enrolled by the same id since', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study, { id: 'ada' })
    ok(await ada.put(`${at(study, 'me')}/documents/old`, {}))
    const erasure = await eraseQuietly(ada, at(study, 'me'))
    const { DB, seen } = disturbed({
      on: /DELETE FROM download_tokens/,
      before: async () => {
        await sweepUntilDone(erasure)
        const again = await aParticipant(study, { id: 'ada' })
        await aFile(again, study)
        ok(await again.put(`${at(study, 'me')}/documents/new`, {}))
      },
    })
    await eraseOn(erasure, { DB })
    expect(seen.times).toBe(1)
    const key = await aKey(study, { role: 'participant', participant: 'ada' })
    expect(ok(await key.get(`${study.path}/files`)).items).toHaveLength(1)
    expect(ok(await key.get(`${at(study, 'me')}/documents`)).items).toHaveLength(1)
    expect((await deliver([messageOf(erasure)], {}, 'carrel-jobs')).acked).toHaveLength(1)
    expect(ok(await key.get(`${study.path}/files`)).items).toHaveLength(1)
  })

  /** What is under way as it begins: each gets as far as its batch, and is erased or refused. */
  const UNDER_WAY: [
    what: string,
    on: RegExp,
    act: (caller: Caller, study: Study, upload: { id: string }) => Promise<unknown>,
  ][] = [
    [
      'begins',
      /INSERT INTO uploads/,
      async (caller, study) => caller.post(`${study.path}/files`, { name: 'b', mediaType: 'text/plain', size: 1 }),
    ],
    [
      'completes',
      /INSERT INTO versions/,
      async (caller, study, upload) => caller.post(`${study.path}/uploads/${upload.id}/complete`),
    ],
    [
      'puts',
      /INSERT INTO document_bodies/,
      async (caller, study) => caller.put(`${at(study, 'me')}/documents/late`, {}),
    ],
    [
      'adds',
      /INSERT INTO report_entries/,
      async (caller, study) => caller.put(`${at(study, 'me')}/reports/late/entries/2026-11-21`, {}),
    ],
    ['rotates', /INSERT INTO api_keys/, async (caller, study) => caller.post(`${study.path}/keys/self/rotate`, {})],
  ]
  test.each(UNDER_WAY)('what %s as it begins is not there when it is done', async (_, on, act) => {
    const study = await aStudy()
    const modest = await aModest(study)
    const { upload } = await begin(modest.ada, study)
    await put(upload.url)
    let erasure = { study: '', id: '' }
    const { DB, seen } = disturbed({
      on,
      before: async () => {
        erasure = await eraseQuietly(study.admin, modest.path)
      },
    })
    await act(within({ DB }, modest.ada), study, upload)
    expect(seen.times).toBe(1)
    await sweepUntilDone(erasure)
    expect(await tracesOf(modest.names.person)).toEqual([])
    expect(await strays()).toEqual([])
  })

  test('a link whose record is still on its way waits for it', async () => {
    const study = await aStudy()
    const modest = await aModest(study)
    const erasure = await eraseQuietly(modest.ada, at(study, 'me'))
    const [hash = ''] = modest.names.things.filter((name) => /^[0-9a-f]{64}$/.test(name))
    const record = `download-token/${hash}`
    await deliver([messageOf(erasure)], { JOBS: heldJobs().JOBS }, 'carrel-jobs')
    expect(await receiptOf(erasure)).toMatchObject({ state: 'erasing', counts: { files: 1, links: 0 } })
    await env.TOKENS.put(record, '{}')
    await expectGone(modest, erasure)
    expect(await env.TOKENS.get(record)).toBeNull()
  })
})
