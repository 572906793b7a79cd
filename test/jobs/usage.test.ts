import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { aDesk } from '../support/desk.ts'
import { disturbed, sweepAt, within } from '../support/faults.ts'
import { ok, put } from '../support/world.ts'

// What a study holds is counted as it changes. Whatever is done to it, and however often D1's answers are lost: the
// counters are what counting anew would give.

const DAY_MS = 86_400_000
const RUNS = env.SLOW ? 30 : 3
const STEPS = 60

/** Numbers below 1, the same for the same seed (mulberry32). */
function numbers(seed: number) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const usageOf = async (study: { id: string }) => ({
  counted: await env.DB.prepare('SELECT bytes, files, documents FROM studies WHERE id = ?').bind(study.id).first(),
  recounted: await env.DB.prepare(
    `SELECT (SELECT coalesce(sum(size), 0) FROM versions WHERE study_id = ?1)
        + (SELECT coalesce(sum(size), 0) FROM uploads WHERE study_id = ?1) AS bytes,
      (SELECT count(*) FROM files WHERE study_id = ?1) AS files,
      (SELECT count(*) FROM documents WHERE study_id = ?1) AS documents`,
  )
    .bind(study.id)
    .first(),
})

async function aRun(seed: number) {
  const next = numbers(seed)
  const below = (most: number) => Math.floor(next() * most)
  const pick = <Item>(items: readonly Item[]) => items[below(items.length)]
  const { study, owner, at } = await aDesk({ retention: pick(['keep', 'latest']), maxBytes: 400, maxFiles: 8 })
  const uploads: { id: string; url: string; size: number }[] = []
  const files: string[] = []

  /** Every third request's first batch is run twice, since its answer was lost. */
  const caller = () => (below(3) === 0 ? within({ DB: disturbed({ on: /./, loses: 1 }).DB }, owner) : owner)
  const documents = `${study.path}/participants/me/documents`
  const begun = (
    answer: { status: number; body: { file: { id: string }; upload: (typeof uploads)[number] } },
    size: number,
  ) => {
    if (answer.status !== 201) return
    uploads.push({ ...answer.body.upload, size })
    files.push(answer.body.file.id)
  }
  const newFile = () => ({ name: 'a.txt', mediaType: 'text/plain', size: below(60) })
  const complete = async (upload: (typeof uploads)[number] | undefined) => {
    if (upload === undefined) return
    const length = below(5) === 0 ? upload.size + 1 : upload.size // now and then, wrong bytes
    await put(upload.url, 'x'.repeat(length))
    await caller().post(`${at(upload)}/complete`)
  }

  const actions: Record<string, () => Promise<unknown>> = {
    begin: async () => {
      const file = newFile()
      begun(await caller().post(`${study.path}/files`, file), file.size)
    },
    replace: async () => {
      const file = newFile()
      begun(await caller().put(`${study.path}/participants/me/files/handle-${below(3)}`, file), file.size)
    },
    complete: async () => complete(pick(uploads)),
    completeTwo: async () => Promise.all([complete(pick(uploads)), complete(pick(uploads))]),
    abandon: async () => caller().delete(at(pick(uploads) ?? { id: 'upl_0' })),
    deleteFile: async () => caller().delete(`${study.path}/files/${pick(files)}`),
    completeAndDelete: async () =>
      Promise.all([complete(pick(uploads)), owner.delete(`${study.path}/files/${pick(files)}`)]),
    putDocument: async () => caller().put(`${documents}/x-${below(4)}`, { seed }),
    patchDocument: async () => caller().patch(`${documents}/x-${below(4)}`, { seed }),
    deleteDocument: async () => caller().delete(`${documents}/x-${below(4)}`),
    keepOther: async () => study.admin.patch(study.path, { settings: { retention: pick(['keep', 'latest']) } }),
    expire: async () => sweepAt(new Date(Date.now() + (pick([0, 1, 9]) ?? 0) * DAY_MS)),
  }
  const history: string[] = []
  for (let step = 0; step < STEPS; step += 1) {
    const name = pick(Object.keys(actions)) ?? ''
    history.push(name)
    await actions[name]?.()
    const { counted, recounted } = await usageOf(study)
    expect({ seed, history, ...counted }).toEqual({ seed, history, ...recounted })
  }
  return { usage: ok(await study.admin.get(study.path)).usage, ...(await usageOf(study)) }
}

test.each(Array.from({ length: RUNS }, (_, index) => index + 1))(
  'what a study holds is what was counted, whatever happens to it (%i)',
  async (seed) => {
    const { usage, recounted } = await aRun(seed)
    expect(usage).toEqual(recounted)
  },
)
