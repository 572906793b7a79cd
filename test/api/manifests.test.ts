import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { disturbed, overriding, within } from '../support/faults.ts'
import { costOf } from '../support/meters.ts'
import { expectProblem } from '../support/problems.ts'
import { seedBulk, SEEDED_SINCE } from '../support/seed.ts'
import { aFile, aKey, aParticipant, aStudy, begin, ok, replace } from '../support/world.ts'

type Item = { kind: string; identifier?: string; participant?: string | null } & {
  file: { id: string }
  version: { id: string }
  url: string | null
}
const of = (items: Item[], kind: string) => items.filter((item) => item.kind === kind)
const filesOf = (items: Item[]) => [...new Set(of(items, 'file').map(({ file }) => file.id))]
const sorted = (texts: readonly string[]) => texts.toSorted((a, b) => a.localeCompare(b))

/** A study with something of everything, of two participants and of its own. */
async function aFullStudy() {
  const study = await aStudy()
  const [ada, bob] = [await aParticipant(study), await aParticipant(study)]
  const hidden = await aFile(ada, study)
  const shared = await aFile(bob, study, { visibility: 'study' })
  const own = await aFile(study.admin, study, { participant: null, visibility: 'study' })
  await begin(bob, study, { visibility: 'study' })
  for (const [index, caller] of [ada, bob].entries()) {
    ok(await caller.put(`${study.path}/participants/me/documents/preferences`, { index }))
    ok(await caller.put(`${study.path}/participants/me/reports/steps/entries/2026-11-2${index}`, index))
  }
  ok(await study.admin.put(`${study.path}/reports/weather/entries/2026-11-21`, { sky: 'rain' }))
  return { study, ada, bob, hidden, shared, own, path: `${study.path}/manifest` }
}

describe("a study's manifest", () => {
  test('names what its reader may read, with links to all versions of what may be downloaded', async () => {
    const { study, ada, bob, hidden, shared, own, path } = await aFullStudy()
    const readers = { staff: study.staff, worker: study.worker, admin: study.admin }
    for (const [role, reader] of Object.entries(readers)) {
      const items: Item[] = ok(await reader.get(path)).items
      const seen = role === 'admin' ? [hidden, shared, own] : [shared, own]
      expect(sorted(filesOf(items)), role).toEqual(sorted(seen.map(({ id }) => id)))
      for (const { file, url } of of(items, 'file')) {
        expect(url?.includes('X-Amz-Signature') ?? false, role).toBe(file.id !== hidden.id)
      }
      const documents = of(items, 'document').map(({ participant }) => participant)
      expect(documents, role).toHaveLength(role === 'staff' ? 0 : 2)
      const reports = of(items, 'report').map(({ participant, identifier }) => `${participant} ${identifier}`)
      expect(sorted(reports), role).toEqual(sorted([`${ada.id} steps`, `${bob.id} steps`, 'null weather']))
      for (const item of items.filter(({ kind }) => kind !== 'file')) {
        expect((await reader.get((item as Item & { path: string }).path)).status).toBe(200)
      }
      const { text } = await reader.get(`${path}?format=csv`)
      expect(text.trimEnd().split('\r\n'), role).toHaveLength(1 + items.length + 1)
      expect(text.endsWith('end,,,,,,,,,,,\r\n'), role).toBe(true)
    }
  })

  test('has every version of a file', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study)
    const path = `${study.path}/participants/me/files/diary`
    for (const text of ['one', 'two', 'three']) {
      ok(await ada.post(`${study.path}/uploads/${(await replace(ada, path, text)).id}/complete`))
    }
    ok(await ada.patch(path, { visibility: 'study' }))
    const items: Item[] = (await study.staff.get(`${study.path}/manifest`)).body.items
    expect(new Set(items.map(({ version }) => version.id)).size).toBe(3)
  })

  test('names private files that were shared with a member of the team to that member', async () => {
    const { study, ada, hidden, shared, own, path } = await aFullStudy()
    const member = ok(await study.admin.post(`${study.path}/members`, { issuer: 'i', subject: 's', role: 'staff' }))
    const reader = await aKey(study, { role: 'staff', member: member.id })
    const grant = `${study.path}/files/${hidden.id}/grants/member:${member.id}`
    for (const [level, linked] of [
      ['metadata', false],
      ['content', true],
    ] as const) {
      ok(await ada.put(grant, { level }))
      const items: Item[] = (await reader.get(path)).body.items
      expect(sorted(filesOf(items))).toEqual(sorted([hidden.id, shared.id, own.id]))
      expect(items.find(({ file }) => file?.id === hidden.id)?.url !== null).toBe(linked)
    }
    ok(await ada.delete(grant))
    expect(filesOf((await reader.get(path)).body.items)).not.toContain(hidden.id)
  })

  test('is of a range of time, from its first moment and without its last', async () => {
    const study = await aStudy()
    const at = (index: number) => new Date(SEEDED_SINCE + index * 1000).toISOString()
    const recipe = {
      owner: `''`,
      name: `'name'`,
      category: `NULL`,
      source: `NULL`,
      tags: `'[]'`,
      visibility: `'study'`,
    }
    await seedBulk(study, { from: 1, to: 350, recipe })
    const count = async (query: string) =>
      filesOf((await study.worker.get(`${study.path}/manifest?${query}`)).body.items).length
    expect(await count('')).toBe(350)
    expect(await count(`uploadedAfter=${at(101)}`)).toBe(250)
    expect(await count(`uploadedBefore=${at(101)}`)).toBe(100)
    expect(await count(`uploadedAfter=${at(101)}&uploadedBefore=${at(103)}`)).toBe(2)
    expect(await count(`uploadedAfter=${at(103)}&uploadedBefore=${at(101)}`)).toBe(0)

    const ada = await aParticipant(study)
    for (const identifier of ['a', 'b', 'c'])
      ok(await ada.put(`${study.path}/participants/me/documents/${identifier}`, 1))
    await env.DB.prepare(`UPDATE documents SET updated_at = ? WHERE study_id = ? AND identifier = 'b'`)
      .bind(SEEDED_SINCE, study.id)
      .run()
    const { items } = (await study.worker.get(`${study.path}/manifest?uploadedBefore=${at(1)}`)).body
    expect(of(items, 'document').map(({ identifier }) => identifier)).toEqual(['b'])
    expectProblem(await study.worker.get(`${study.path}/manifest?uploadedAfter=yesterday`), 'invalid_request')
  })

  test('of more than one request can gather goes on in another, within what one may ask of D1', async () => {
    const study = await aStudy()
    const recipe = { owner: `'o'`, name: `'n'`, category: `NULL`, source: `NULL`, tags: `'[]'`, visibility: `'study'` }
    await seedBulk(study, { from: 1, to: 5_250, recipe })
    await env.DB.prepare(
      `WITH RECURSIVE series(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 2500)
       INSERT INTO documents (study_id, participant_id, identifier, etag, size, created_at, updated_at)
       SELECT ?1, 'o', 'document-' || i, 'e', 1, ?2, CASE i WHEN 2400 THEN ?2 + 1 ELSE ?2 END FROM series`,
    )
      .bind(study.id, SEEDED_SINCE)
      .run()
    const found: Item[] = []
    let cursor: string | null = ''
    let answers = 0
    while (cursor !== null) {
      const query: string = cursor === '' ? '' : `?cursor=${cursor}`
      const { cost, answer } = await costOf(study.worker, async (caller) =>
        caller.get(`${study.path}/manifest${query}`),
      )
      expect(cost.asked.length).toBeLessThan(1_000)
      found.push(...answer.body.items)
      cursor = answer.body.nextCursor
      answers += 1
    }
    expect([answers, filesOf(found).length, of(found, 'document').length]).toEqual([2, 5_250, 2_500])
    const late = (
      await study.worker.get(
        `${study.path}/manifest?uploadedAfter=2026-01-01T00:00:00.001Z&uploadedBefore=2026-01-01T00:00:00.002Z`,
      )
    ).body
    expect(late.items.map(({ identifier }: Item) => identifier)).toEqual(['document-2400'])
  })

  test("is the team's alone", async () => {
    const { study, ada, path } = await aFullStudy()
    const other = await aStudy()
    for (const caller of [ada, study.download]) expectProblem(await caller.get(path), 'forbidden')
    expectProblem(await other.admin.get(path), 'study_not_found')
    for (const cursor of ['x', btoa(JSON.stringify(['manifest', 'documents', 'x']))]) {
      expectProblem(await study.staff.get(`${path}?cursor=${cursor}`), 'cursor_invalid')
    }
  })

  test('leaves out who is being erased', async () => {
    const { study, bob, shared, path } = await aFullStudy()
    ok(await study.admin.delete(`${study.path}/participants/${bob.id}`))
    for (const reader of [study.staff, study.worker, study.admin]) {
      const items: Item[] = (await reader.get(path)).body.items
      expect(filesOf(items)).not.toContain(shared.id)
      expect(items.some(({ participant }) => participant === bob.id)).toBe(false)
    }
  })

  test('breaks off where it fails on the way, and is not to be taken for whole', async () => {
    const { study, path } = await aFullStudy()
    for (const format of ['json', 'csv']) {
      const before = async () => {
        throw new Error('D1_ERROR: D1 DB is overloaded. Too many requests queued.')
      }
      const { DB } = disturbed({ on: /FROM reports r/, before })
      await expect(within({ DB }, study.worker).get(`${path}?format=${format}`)).rejects.toThrow()
    }
  })

  test('is on record', async () => {
    const { study, path } = await aFullStudy()
    const sent: unknown[] = []
    const JOBS = overriding(env.JOBS, { send: async (message: unknown) => void sent.push(message) as never })
    ok(await within({ JOBS }, study.staff).get(path))
    expect(sent).toMatchObject([{ kind: 'witnessed', action: 'study.export', outcome: 'done' }])
  })
})
