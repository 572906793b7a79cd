import { env } from 'cloudflare:workers'
import { afterAll, describe, expect, test, vi } from 'vitest'
import { strays } from '../support/bucket.ts'
import type { Caller } from '../support/client.ts'
import {
  aBusyParticipant,
  eraseQuietly,
  heldJobs,
  namesOf,
  receiptOf,
  sweepUntilDone,
  tracesOf,
} from '../support/erasures.ts'
import { deliver } from '../support/faults.ts'
import { type Cost, meteredBindings } from '../support/meters.ts'
import { aStudy, HELLO, ok, type Study } from '../support/world.ts'

const FULL = { files: 2_000, documents: 500, entries: 10_000 }
const SOME = { files: 130, documents: 60, entries: 1_100 }
const SIZE = env.SLOW ? FULL : SOME
const MINUTE_MS = 60_000

afterAll(async () => {
  expect(await strays()).toEqual([])
})

/** What one invocation may do (docs: D1 and Workers, "Limits"): queries, and calls to KV and R2. */
const MAX_QUERIES = 1_000
const MAX_CALLS = 1_000

/** What each invocation of the queue's consumer costs, until only bytes are left. */
async function costsOfErasing(study: Study, owner: Caller): Promise<Cost[]> {
  const erasure = await eraseQuietly(owner, `${study.path}/participants/me`)
  const jobs = heldJobs()
  jobs.sent.push({ kind: 'erasure', study: study.id, erasure: erasure.id })
  const costs: Cost[] = []
  // Links that were just made are taken when their records have surely been written.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 2 * MINUTE_MS })
  try {
    while (jobs.sent.length > 0) {
      const { cost, bindings } = meteredBindings()
      await deliver(jobs.take(), { ...bindings, JOBS: jobs.JOBS }, 'carrel-jobs')
      costs.push(cost)
    }
  } finally {
    vi.useRealTimers()
  }
  expect((await receiptOf(erasure)).state).toBe('deleting')
  return costs
}

describe('an erasure', () => {
  test('leaves the receipt, and nothing else, in D1, R2 and KV', async () => {
    const study = await aStudy()
    const busy = await aBusyParticipant(study, SIZE)
    const { person, things, auditId } = await namesOf(study, busy)
    const before = await tracesOf([...person, ...things])
    expect(before).toEqual(
      expect.arrayContaining(['participants', 'files', 'versions', 'uploads', 'upload_parts', 'shelf', 'grants', 'KV']),
    )
    expect(before).toEqual(
      expect.arrayContaining([
        'idempotency_keys',
        'report_names',
        'sessions',
        'files_fts_content',
        'files_fts_data',
        'bucket',
      ]),
    )

    const erasure = await eraseQuietly(busy.ada, `${study.path}/participants/me`)
    const done = await sweepUntilDone(erasure)

    expect(await tracesOf(person)).toEqual([])
    // What was done to a thing stays on record by its id; of whom, only a pseudonym says, which nothing leads to.
    expect(await tracesOf(things)).toEqual(['audit_events'])
    expect(await tracesOf([auditId])).toEqual(['audit_events', 'erasures', 'receipt keys'])
    expect(done).toMatchObject({
      kind: 'participant',
      participant: null,
      state: 'done',
      counts: {
        participants: 1,
        files: SIZE.files + 2 + 6,
        versions: SIZE.files + Math.ceil(SIZE.files / 20) + 3,
        uploads: 6,
        links: 4,
        grants: 2,
        documents: SIZE.documents,
        reports: 3,
        entries: SIZE.entries + 1,
        keys: 1,
        members: 1,
        enrolmentCodes: 1,
      },
    })
    const [kept] = (await env.BUCKET.list({ prefix: `erased/${study.id}/` })).objects
    const receipt = await (await env.BUCKET.get(kept?.key ?? ''))?.json()
    const { participant: _none, ...told } = done
    expect(receipt).toEqual(told)
    // What others have is untouched.
    expect(ok(await busy.grace.get(`${study.path}/files`)).items).toHaveLength(1)
    expect(ok(await study.admin.get(study.path)).usage).toEqual({ bytes: HELLO.length, files: 1, documents: 0 })
  })

  test('takes steps, none of which is more than one invocation may do', async () => {
    const study = await aStudy()
    const { ada } = await aBusyParticipant(study, SIZE)
    const costs = await costsOfErasing(study, ada)
    // At most sixteen steps are taken in one invocation, four of each of four erasures; here are four of one.
    for (const { asked, kv, r2 } of costs) {
      expect(asked.length).toBeLessThan(MAX_QUERIES / 4)
      expect(kv.length + r2.length).toBeLessThan(MAX_CALLS / 4)
    }
    expect(costs.length).toBe(Math.ceil((SIZE.files / 100 + 1) / 4))
  })

  test('costs no more where others have much', async () => {
    const [quiet, crowded] = [await aStudy(), await aStudy()]
    const rowsOf = async (study: Study) => {
      const { ada } = await aBusyParticipant(study, { files: 10, documents: 5, entries: 20 })
      return (await costsOfErasing(study, ada)).reduce((sum, { rows }) => sum + rows, 0)
    }
    for (let i = 0; i < 2; i += 1) await aBusyParticipant(crowded, { files: 1_000, documents: 500, entries: 1_000 })
    const alone = await rowsOf(quiet)
    expect(Math.abs((await rowsOf(crowded)) - alone)).toBeLessThan(alone / 20)
  })
})
