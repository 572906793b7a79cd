import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import type { Caller } from '../support/client.ts'
import { aDesk } from '../support/desk.ts'
import { disturbed, overriding, within } from '../support/faults.ts'

// What becomes of a document when D1's answer is lost and its batch runs again, and when others write just then.

async function aDocument() {
  const { study, owner } = await aDesk()
  const path = `${study.path}/participants/me/documents/count`
  const first = await owner.put(path, { count: 0 })
  return { study, owner, path, isSame: { 'If-Match': first.headers.get('ETag') ?? '' } }
}

/** The same caller, whose first batch runs twice; `between` happens after the first time. */
function repeating(caller: Caller, between: () => Promise<unknown> = async () => undefined) {
  let times = 0
  const DB = overriding(env.DB, {
    batch: async <Row>(statements: D1PreparedStatement[]) => {
      const results = await env.DB.batch<Row>(statements)
      times += 1
      if (times > 1) return results
      await between()
      throw new Error('D1_ERROR: Network connection lost.')
    },
  })
  return within({ DB }, caller)
}

const eventsOf = async (study: { id: string }) => {
  const { results } = await env.DB.prepare(
    `SELECT action, object FROM audit_events WHERE study_id = ? AND action IN ('document.put', 'document.delete')
      ORDER BY id`,
  )
    .bind(study.id)
    .all<{ action: string; object: string }>()
  return results
}
const actionsOf = async (study: { id: string }) => (await eventsOf(study)).map(({ action }) => action)

describe('a write whose answer was lost', () => {
  test('is answered as if it had not been, and is on record once, by the ETag of its value', async () => {
    const { study, owner, path, isSame } = await aDocument()
    const put = await repeating(owner).put(path, { count: 1 }, isSame)
    expect([put.status, put.headers.get('ETag')]).toEqual([200, put.body.etag])
    const patched = await repeating(owner).patch(path, { more: 1 }, { 'If-Match': put.body.etag })
    expect(patched.status).toBe(200)
    expect((await owner.get(path)).body).toEqual({ count: 1, more: 1 })
    const created = await repeating(owner).put(`${path}-b`, { b: 1 }, { 'If-None-Match': '*' })
    expect(created.status).toBe(200)
    expect((await repeating(owner).delete(path, { 'If-Match': patched.body.etag })).status).toBe(204)
    expect((await owner.get(path)).status).toBe(404)
    expect(await actionsOf(study)).toEqual([
      'document.put',
      'document.put',
      'document.put',
      'document.put',
      'document.delete',
    ])
    const etags = [put, patched, created, patched].map(({ body }) => body.etag.slice(1, -1))
    expect((await eventsOf(study)).slice(1).map(({ object }) => object)).toEqual(etags)
  })

  test('is not taken for refused, nor for another’s, when that other came between', async () => {
    const { owner, path, isSame } = await aDocument()
    const put = await repeating(owner, async () => owner.put(path, { count: 2 })).put(path, { count: 1 }, isSame)
    const now = await owner.get(path)
    expect([put.status, now.body]).toEqual([200, { count: 2 }])
    // What was written is no more: to go on from it is refused.
    expect(put.body.etag).not.toBe(now.headers.get('ETag'))
    expect((await owner.put(path, { count: 2 }, { 'If-Match': put.body.etag })).status).toBe(412)
  })

  test('counts once for each of 8 who count by If-Match, though every answer is lost', async () => {
    const { owner, path } = await aDocument()
    const increment = async () => {
      for (;;) {
        const read = await owner.get(path)
        const count: number = read.body.count + 1
        const isStill = { 'If-Match': read.headers.get('ETag') ?? '' }
        if ((await repeating(owner).put(path, { count }, isStill)).status === 200) return
      }
    }
    await Promise.all(Array.from({ length: 8 }, increment))
    expect((await owner.get(path)).body).toEqual({ count: 8 })
  })

  test('stays deleted, and stays written, whatever came between', async () => {
    const { owner, path } = await aDocument()
    const gone = await repeating(owner, async () => owner.put(path, { count: 9 })).delete(path)
    expect([gone.status, (await owner.get(path)).body]).toEqual([204, { count: 9 }])
    // It was written, and deleted since: to write it again would bring back what was deleted.
    const put = await repeating(owner, async () => owner.delete(path)).put(path, { count: 10 })
    expect([put.status, (await owner.get(path)).status]).toEqual([404, 404])
  })
})

describe('a write that others are quicker than', () => {
  type Desk = Awaited<ReturnType<typeof aDesk>>
  const withdraw = async ({ study, owner }: Desk) =>
    study.admin.patch(`${study.path}/participants/${owner.id}`, { status: 'withdrawn' })
  const setSchema = async ({ study }: Desk) =>
    study.admin.put(`${study.path}/document-schemas/count`, { type: 'string' })
  const changes = [
    ['the participant is withdrawn', withdraw, 403, 'participant_withdrawn'],
    ['a schema is set that it does not fit', setSchema, 422, 'document_invalid'],
  ] as const

  test.each(changes)('leaves nothing, not even an event, where %s', async (_, change, status, code) => {
    const desk = await aDesk()
    const { study, owner } = desk
    const path = `${study.path}/participants/me/documents/count`
    await owner.put(path, { count: 0 })
    const writes = [
      async (caller: Caller) => caller.put(path, { count: 1 }),
      async (caller: Caller) => caller.patch(path, { count: 1 }),
    ]
    const before = await eventsOf(study)
    for (const write of writes) {
      const { DB, seen } = disturbed({ on: /audit_events/, before: async () => change(desk) })
      expect(await write(within({ DB }, owner))).toMatchObject({ status, body: { code } })
      expect(seen.times).toBeGreaterThan(0)
    }
    expect(await eventsOf(study)).toEqual(before)
    expect((await study.admin.get(`${study.path}/participants/${owner.id}/documents/count`)).body).toEqual({ count: 0 })
  })
})

test('who may not write is not told that a patch goes too deep', async () => {
  const { study, owner, path } = await aDocument()
  const json = { 'Content-Type': 'application/json' }
  await owner.put(path, '['.repeat(2_000) + ']'.repeat(2_000), json)
  const theirs = path.replace('/me/', `/${owner.id}/`)
  const patch = { 'Content-Type': 'application/merge-patch+json' }
  expect((await study.admin.patch(theirs, '{"a":1}', patch)).body.code).toBe('invalid_body')
  const refused = await study.staff.patch(theirs, '{"a":1}', patch)
  expect([refused.status, refused.body.code]).not.toContain('invalid_body')
  expect((await owner.patch(path, '{"a":1}', { ...patch, 'If-Match': '"01k9z3m8qe5w7v2n4h6j8k0r2t"' })).status).toBe(
    412,
  )
})
