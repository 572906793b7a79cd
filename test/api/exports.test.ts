import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { disturbed, overriding, within } from '../support/faults.ts'
import { aHat, aNew } from '../support/hat.ts'
import { costOf } from '../support/meters.ts'
import { expectProblem } from '../support/problems.ts'
import { seedBulk } from '../support/seed.ts'
import { aFile, aParticipant, aStudy, begin, ok, replace } from '../support/world.ts'

type Item = { kind: string; file: { id: string; name: string }; version: { id: string } | null; url: string | null }
const of = (items: Item[], kind: string) => items.filter((item) => item.kind === kind)
const sorted = (texts: readonly string[]) => texts.toSorted((a, b) => a.localeCompare(b))

/** A table as RFC 4180 has it, read back. */
function cellsOf(text: string): string[][] {
  expect(text.endsWith('\r\n')).toBe(true)
  const lines: string[][] = [[]]
  for (const [, separator, quoted, plain] of text
    .slice(0, -2)
    .matchAll(/(^|,|\r\n)(?:"((?:[^"]|"")*)"|([^",\r\n]*))/g)) {
    if (separator === '\r\n') lines.push([])
    lines.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? '')
  }
  return lines
}

const RECIPE = {
  owner: `''`,
  name: `'name-' || i`,
  category: `'category'`,
  source: `NULL`,
  tags: `'[]'`,
  visibility: `'study'`,
}

describe('an export', () => {
  test('names everything of a participant, with links to every version', async () => {
    const study = await aStudy()
    const [ada, bob] = [await aParticipant(study, { externalId: 'PT-1' }), await aParticipant(study)]
    const theirs = await aFile(bob, study, { name: 'of-bob.txt' })
    const file = await aFile(ada, study, { name: 'one.txt' })
    await begin(ada, study, { name: 'pending.txt' })
    const handle = `${study.path}/participants/me/files/notes`
    for (const text of ['one', 'two']) {
      ok(await ada.post(`${study.path}/uploads/${(await replace(ada, handle, text)).id}/complete`))
    }
    ok(await ada.put(`${study.path}/participants/me/documents/preferences`, { theme: 'dark' }))
    ok(await ada.put(`${study.path}/participants/me/reports/steps/entries/2026-11-21`, 4_200))
    ok(await ada.put(`${study.path}/files/${file.id}/grants/participant:${bob.id}`, { level: 'metadata' }))
    ok(await bob.put(`${study.path}/files/${theirs.id}/grants/participant:${ada.id}`, { level: 'content' }))

    const path = `${study.path}/participants/me/export`
    const { body } = await ada.get(path)
    expect(body.participant).toMatchObject({ id: ada.id, externalId: 'PT-1', email: null })
    expect(body.nextCursor).toBeNull()
    const items: Item[] = body.items
    const files = of(items, 'file').map((item) => [item.file.name, item.version !== null, item.url !== null].join())
    expect(sorted(files)).toEqual([
      'hello.txt,true,true',
      'hello.txt,true,true',
      'one.txt,true,true',
      'pending.txt,false,false',
    ])
    expect(of(items, 'file').filter(({ url }) => url?.includes('X-Amz-Signature'))).toHaveLength(3)
    expect(of(items, 'document')).toMatchObject([{ participant: ada.id, identifier: 'preferences', size: 16 }])
    expect(of(items, 'report')).toMatchObject([{ identifier: 'steps', entries: 1, last: '2026-11-21' }])
    expect(of(items, 'grant')).toMatchObject([{ file: file.id, principal: `participant:${bob.id}`, level: 'metadata' }])
    expect(of(items, 'shared')).toMatchObject([{ file: theirs.id, level: 'content' }])
    expect(items).toHaveLength(8)

    // Whatever it names by a path is there.
    for (const item of [...of(items, 'document'), ...of(items, 'report'), ...of(items, 'shared')]) {
      expect((await ada.get((item as Item & { path: string }).path)).status).toBe(200)
    }
    const table = cellsOf((await ada.get(`${path}?format=csv`)).text)
    expect(sorted(table.slice(1).map(([kind]) => kind ?? ''))).toEqual(
      sorted(['participant', ...items.map(({ kind }) => kind), 'end']),
    )
    expect(new Set(table.map((cells) => cells.length))).toEqual(new Set([12]))
    expect(table.at(-1)?.[0]).toBe('end')
    const [, profile] = table
    expect((await ada.get(profile?.at(-1) ?? '')).body.id).toBe(ada.id)
  })

  test('is for its participant, also after they withdrew, and for admins, without links to what is private', async () => {
    const study = await aStudy()
    const [ada, bob] = [await aParticipant(study), await aParticipant(study)]
    const hidden = await aFile(ada, study)
    const shared = await aFile(ada, study, { visibility: 'study' })
    for (const { id } of [hidden, shared]) {
      ok(await ada.put(`${study.path}/files/${id}/grants/participant:${bob.id}`, { level: 'content' }))
    }
    const path = `${study.path}/participants/${ada.id}/export`
    const items: Item[] = (await study.admin.get(path)).body.items
    const linked = of(items, 'file').map(({ file, url }) => [file.id, url !== null])
    expect(Object.fromEntries(linked)).toEqual({ [hidden.id]: false, [shared.id]: true })
    // With whom what is private is shared is the participant's own affair.
    expect(of(items, 'grant').map(({ file }) => file)).toEqual([shared.id])
    for (const caller of [study.staff, study.worker, study.download, bob]) {
      expectProblem(await caller.get(path), 'participant_not_found')
    }
    ok(await study.admin.patch(`${study.path}/participants/${ada.id}`, { status: 'withdrawn' }))
    expect(of((await ada.get(path)).body.items, 'file').every(({ url }) => url !== null)).toBe(true)
  })

  test('tells what only a foreign protocol knows of a file', async () => {
    const { study, person, owner } = await aHat()
    const said = { dateCreated: 1_487_871_142_325, sourceURL: 'https://example.org/a' }
    await aNew(owner, { name: 'a.png', ...said })
    await aFile(person, study, { name: 'native.txt' })
    const items: (Item & { foreign: unknown })[] = (await person.get(`${study.path}/participants/me/export`)).body.items
    const foreign = Object.fromEntries(items.map((item) => [item.file.name, item.foreign]))
    expect(foreign).toEqual({ 'a.png': { hat: said }, 'native.txt': null })
  })

  test('does not name what is shared until a time that has passed', async () => {
    const study = await aStudy()
    const [ada, bob] = [await aParticipant(study), await aParticipant(study)]
    const file = await aFile(ada, study)
    ok(await ada.put(`${study.path}/files/${file.id}/grants/participant:${bob.id}`, { level: 'content' }))
    await env.DB.prepare('UPDATE grants SET expires_at = 1 WHERE study_id = ?').bind(study.id).run()
    for (const caller of [ada, bob]) {
      const items: Item[] = (await caller.get(`${study.path}/participants/me/export`)).body.items
      expect(items.filter(({ kind }) => kind !== 'file')).toEqual([])
    }
  })

  test('of two thousand files is one, and whole', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study)
    await seedBulk(study, { from: 1, to: 2_000, recipe: { ...RECIPE, owner: `'${ada.id}'` } })
    const { cost, answer } = await costOf(ada, async (caller) => caller.get(`${study.path}/participants/me/export`))
    const items: Item[] = answer.body.items
    expect(new Set(items.map(({ file }) => file.id)).size).toBe(2_000)
    expect(answer.body.nextCursor).toBeNull()
    // A thousand statements is what the platform allows one request.
    expect(cost.asked.length).toBeLessThan(200)
  })

  test('of more than one request can gather goes on in another, in either format', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study)
    await seedBulk(study, { from: 1, to: 5_130, recipe: { ...RECIPE, owner: `'${ada.id}'` } })
    ok(await ada.put(`${study.path}/participants/me/documents/preferences`, { theme: 'dark' }))
    const path = `${study.path}/participants/me/export`
    const first = (await ada.get(path)).body
    expect(first.items).toHaveLength(5_000)
    const rest = (await ada.get(`${path}?cursor=${first.nextCursor}`)).body
    expect(rest.nextCursor).toBeNull()
    expect(of(rest.items, 'document')).toHaveLength(1)
    const ids = [...first.items, ...of(rest.items, 'file')].map((item: Item) => item.file.id)
    expect(new Set(ids).size).toBe(5_130)

    const table = cellsOf((await ada.get(`${path}?format=csv`)).text)
    const [kind, next] = [table.at(-1)?.[0], table.at(-1)?.at(-1) ?? '']
    expect([table.length, kind]).toEqual([1 + 1 + 5_000 + 1, 'next'])
    const more = cellsOf((await ada.get(next)).text)
    expect([more.length, more.at(-1)?.[0]]).toEqual([1 + 131 + 1, 'end'])
  })

  test('names every version of a file that has very many', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study)
    const [file, other] = [await aFile(ada, study), await aFile(ada, study)]
    await env.DB.prepare(
      `WITH RECURSIVE series(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM series WHERE i < 2100)
       INSERT INTO versions (study_id, id, file_id, number, object_key, name, media_type, size, verified, etag, created_by,
         created_at, completed_at, url_expires_at)
       SELECT study_id, 'ver_' || printf('%026d', i), file_id, number + 1000 + i, object_key || i, name, media_type, 0,
         verified, etag, created_by, created_at, completed_at, url_expires_at
       FROM versions CROSS JOIN series WHERE study_id = ? AND file_id = ?`,
    )
      .bind(study.id, file.id)
      .run()
    const items: Item[] = (await ada.get(`${study.path}/participants/me/export`)).body.items
    const versions = items.map(({ version }) => version?.id)
    expect(new Set(versions).size).toBe(2_102)
    expect(of(items, 'file').filter((item) => item.file.id === other.id)).toHaveLength(1)
  })

  test('is refused with a cursor that none of its own ended with', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study)
    const path = `${study.path}/participants/me/export`
    const encoded = (...place: unknown[]) => btoa(JSON.stringify(place)).replaceAll('=', '')
    for (const cursor of [
      'x',
      encoded('manifest', 'nothing', ''),
      encoded('manifest', 'files', 'x'),
      encoded('files', 1, 'x'),
    ]) {
      expectProblem(await ada.get(`${path}?cursor=${cursor}`), 'cursor_invalid')
    }
    expectProblem(await ada.get(`${path}?format=xml`), 'invalid_request')
  })

  test('is on record', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study)
    const sent: unknown[] = []
    const JOBS = overriding(env.JOBS, { send: async (message: unknown) => void sent.push(message) as never })
    ok(await within({ JOBS }, study.admin).get(`${study.path}/participants/${ada.id}/export`))
    expect(sent).toMatchObject([{ kind: 'witnessed', action: 'participant.export', owner: ada.id, outcome: 'done' }])
  })
})

describe('a table', () => {
  test.each([
    '=1+1.txt',
    '+1.txt',
    '-1.txt',
    '@SUM(A1).txt',
    '＝1+1.txt',
    'a,"b"',
    '"quoted"',
    '研究.txt',
    "'apostrophe",
    'a;b|c',
  ])('holds the name %s as text', async (name) => {
    const study = await aStudy()
    const ada = await aParticipant(study)
    await aFile(ada, study, { name })
    const table = cellsOf((await ada.get(`${study.path}/participants/me/export?format=csv`)).text)
    const found = table.find(([kind]) => kind === 'file')?.[3] ?? ''
    expect(found).toBe(/^[=+\-@＝]/.test(name) ? `'${name}` : name)
  })
})

describe('an export that fails on the way', () => {
  const MORE = 450
  test.each(['json', 'csv'])('breaks off, and is not to be taken for whole: %s', async (format) => {
    const study = await aStudy()
    const ada = await aParticipant(study)
    await seedBulk(study, { from: 1, to: MORE, recipe: { ...RECIPE, owner: `'${ada.id}'` } })
    const { DB } = disturbed({
      on: /FROM reports r/,
      before: async () => {
        throw new Error('D1_ERROR: D1 DB is overloaded. Too many requests queued.')
      },
    })
    const asked = within({ DB }, ada).get(`${study.path}/participants/me/export?format=${format}`)
    await expect(asked).rejects.toThrow()
  })

  test('is a problem if it fails at once', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study)
    const { DB } = disturbed({
      on: /INDEXED BY files_handle/,
      before: async () => {
        throw new Error('D1_ERROR: D1 DB is overloaded. Too many requests queued.')
      },
    })
    expectProblem(await within({ DB }, ada).get(`${study.path}/participants/me/export`), 'overloaded')
  })

  test('breaks off where the participant goes meanwhile, rather than to end early', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study)
    await seedBulk(study, { from: 1, to: MORE, recipe: { ...RECIPE, owner: `'${ada.id}'` } })
    const before = async () => ok(await study.admin.delete(`${study.path}/participants/${ada.id}`))
    const { DB, seen } = disturbed({ on: /FROM reports r/, before })
    const path = `${study.path}/participants/${ada.id}/export`
    await expect(within({ DB }, study.admin).get(path)).rejects.toThrow()
    expect(seen.times).toBe(1)
    expectProblem(await study.admin.get(path), 'participant_not_found')
  })
})
