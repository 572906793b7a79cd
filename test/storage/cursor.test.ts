import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeCursor, encodeCursor, pageOf, type Place } from '../../src/storage/cursor.ts'
import type { Caller } from '../support/client.ts'
import { type Seed, seedFiles, seededId, SEEDED_SINCE } from '../support/seed.ts'
import { aParticipant, aStudy, begin } from '../support/world.ts'

const RUNS = env.SLOW ? 120 : 10

const aSeed = (i: number, owner: string, { at, listed }: { at: number; listed: boolean }): Seed => ({
  id: seededId(i),
  owner,
  name: 'notes.txt',
  category: null,
  source: null,
  tags: [],
  visibility: 'study',
  createdAt: SEEDED_SINCE + at,
  listedAt: listed ? SEEDED_SINCE + at : null,
})

const encode = (value: unknown) => {
  const bytes = new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}

const page = async (caller: Caller, path: string, cursor: string | null) =>
  caller.get(cursor === null ? path : `${path}${path.includes('?') ? '&' : '?'}cursor=${encodeURIComponent(cursor)}`)

/** What happens to the study between two pages: files come, at any time of the order, and go. */
const between = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('insert' as const), at: fc.nat(6) }),
    fc.record({ kind: fc.constant('delete' as const), which: fc.nat(1_000) }),
  ),
  { maxLength: 3 },
)

describe.each(['complete', 'pending'] as const)('a walk through %s files, while files come and go,', (status) => {
  test('sees what was there all the time exactly once, and nothing twice', async () => {
    const study = await aStudy()
    const walks = fc.record({
      // Few times for many files: most share theirs with others, so the id has to decide.
      times: fc.array(fc.nat(6), { minLength: 1, maxLength: 14 }),
      limit: fc.integer({ min: 1, max: 4 }),
      changes: fc.array(between, { minLength: 25, maxLength: 25 }),
    })
    let files = 0
    let walk = 0
    await fc.assert(
      fc.asyncProperty(walks, async ({ times, limit, changes }) => {
        const owner = `owner-${(walk += 1)}`
        const listed = status === 'complete'
        const made = times.map((at) => aSeed((files += 1), owner, { at, listed }))
        await seedFiles(study, made)
        const there = new Set(made.map((file) => file.id))
        const staying = new Set(there)
        const seen: string[] = []

        const path = `${study.path}/files?status=${status}&participant=${owner}&limit=${limit}`
        let cursor: string | null = null
        for (const happening of [...changes, []]) {
          const { status: code, body } = await page(study.admin, path, cursor)
          expect(code).toBe(200)
          seen.push(...body.items.map(({ id }: { id: string }) => id))
          cursor = body.nextCursor
          if (cursor === null) break
          for (const change of happening) {
            if (change.kind === 'insert') {
              const file = aSeed((files += 1), owner, { at: change.at, listed })
              await seedFiles(study, [file])
              there.add(file.id)
            } else {
              const id = [...there][change.which % there.size]
              if (id === undefined) continue
              there.delete(id)
              staying.delete(id)
              await env.DB.prepare('DELETE FROM files WHERE study_id = ? AND id = ?').bind(study.id, id).run()
            }
          }
        }
        // Files that come may make the walk longer than the changes are; what is left is walked undisturbed.
        while (cursor !== null) {
          const { body } = await page(study.admin, path, cursor)
          seen.push(...body.items.map(({ id }: { id: string }) => id))
          cursor = body.nextCursor
        }
        expect(new Set(seen).size).toBe(seen.length)
        expect(seen.filter((id) => staying.has(id)).toSorted()).toEqual([...staying].toSorted())
      }),
      { numRuns: RUNS },
    )
  })
})

/** Every listing of a study that has something in each, and a genuine cursor of each that has a second page. */
async function aStudyOfListings() {
  const study = await aStudy()
  const owner = await aParticipant(study)
  const other = await aParticipant(study)
  await seedFiles(
    study,
    [1, 2, 3, 4].map((i) => aSeed(i, owner.id, { at: i, listed: i > 2 })),
  )
  const files = await Promise.all([begin(owner, study), begin(owner, study)])
  const of = (file: { file: { id: string } }) => `${study.path}/files/${file.file.id}`
  const paths = [
    `${study.path}/files`,
    `${study.path}/files?status=pending`,
    `${study.path}/participants`,
    `${study.path}/keys`,
    `${study.path}/members`,
    ...files.map((file) => `${of(file)}/versions`),
    `${of(files[0])}/download-tokens`,
  ]
  const withSecond = paths.slice(0, 4)
  const cursors = await Promise.all(
    withSecond.map(async (path) => {
      const { body } = await study.admin.get(`${path}${path.includes('?') ? '&' : '?'}limit=1`)
      expect(body.nextCursor, path).toEqual(expect.any(String))
      return { path, cursor: body.nextCursor as string }
    }),
  )
  return { study, owner, other, paths, cursors }
}

describe('a cursor', () => {
  test('is refused where no listing made it', async () => {
    const { study, paths } = await aStudyOfListings()
    const garbage = [
      '',
      '~~~',
      '=',
      'AAAA',
      '__proto__',
      encode('null'),
      encode('{"__proto__":1}'),
      encode('"files"'),
      ...['files', 'pending', '__proto__', 'constructor'].flatMap((listing) =>
        [
          [listing],
          [listing, 1],
          [listing, 1, 'x', 'y'],
          [listing, 1.5, 'x'],
          [listing, null, 'x'],
          [listing, {}, 'x'],
          [listing, 1, 2],
          [listing, { __proto__: null, toString: 1 }, '__proto__'],
        ].map(encode),
      ),
      encode('["files",1e400,"x"]'),
      encode('["files",9007199254740993,"x"]'),
      encode(`["files",${'9'.repeat(400)},"x"]`),
      // No UTF-8, and what some readers leave out of it.
      btoa('["files",1,"\xff"]'),
      btoa('\xef\xbb\xbf["files",1,"x"]'),
    ]
    for (const path of paths) {
      for (const cursor of garbage) {
        const { status, body } = await page(study.admin, path, cursor)
        expect([path, cursor, status, body.code]).toEqual([path, cursor, 400, 'cursor_invalid'])
      }
    }
  })

  test('is refused with a text where a number belongs, and with a number where a text does', async () => {
    const { study, paths } = await aStudyOfListings()
    const [files, pending, participants, keys, members, versions] = paths
    const wrong: [path: string | undefined, position: unknown[]][] = [
      [files, ['files', 'x', 'x']],
      [pending, ['pending', '1', 'x']],
      [versions, [`versions:${versions?.split('/').at(-2)}`, '', 'x']],
      [participants, ['participants', 1, 'x']],
      [keys, ['keys', 0, 'x']],
      [members, ['members', -1, 'x']],
    ]
    for (const [path = '', position] of wrong) {
      const { body } = await page(study.admin, path, encode(position))
      expect([path, body.code]).toEqual([path, 'cursor_invalid'])
    }
  })

  test('is taken back from a place whose name is as long as a name may be', async () => {
    const study = await aStudy()
    const ids = ['一', '二', '三'].map((last) => '漢'.repeat(254) + last)
    for (const id of ids) await aParticipant(study, { id })
    const seen: string[] = []
    let cursor: string | null = null
    do {
      const { status, body } = await page(study.admin, `${study.path}/participants?limit=1`, cursor)
      expect(status, JSON.stringify(body)).toBe(200)
      seen.push(...body.items.map(({ id }: { id: string }) => id))
      cursor = body.nextCursor
    } while (cursor !== null)
    expect(seen.toSorted()).toEqual(ids.toSorted())
  })

  test('is spelled in what a URL takes as it is, and names the place that it was made of, whatever that is called', () => {
    const places: Place[] = [
      // Of these base64 has both characters that mean something else in a URL, and every padding.
      ...['>>>', '???', '~~~~', 'o?>', '', 'a', 'ab'].map((id): Place => ['ÿ', id]),
      ['漢字', '\u{1F5C4}\uFE0F'],
    ]
    for (const place of places) {
      const cursor = encodeCursor('files', place)
      expect(cursor).toMatch(/^[\w-]+$/)
      expect(decodeCursor('files', cursor)).toEqual(place)
    }
    const spelled = places.map((place) => encodeCursor('files', place)).join('')
    expect(spelled).toContain('-')
    expect(spelled).toContain('_')
  })

  test('begins a page after any item of a page, and after no other', () => {
    const letters = pageOf(['a', 'b', 'c'], 2, { listing: 'letters', place: (row) => [row, row], item: (row) => row })
    expect(letters.items).toEqual(['a', 'b'])
    expect([0, 1].map((index) => letters.cursorAfter?.(index))).toEqual(
      ['a', 'b'].map((row) => encodeCursor('letters', [row, row])),
    )
    expect(letters.nextCursor).toBe(letters.cursorAfter?.(1))
    expect(() => letters.cursorAfter?.(2)).toThrow('a page has no such item')
  })

  test('of one listing is refused by every other', async () => {
    const { study, paths, cursors } = await aStudyOfListings()
    for (const { path: maker, cursor } of cursors) {
      expect((await page(study.admin, maker, cursor)).status).toBe(200)
      for (const path of paths.filter((each) => each !== maker)) {
        expect([path, (await page(study.admin, path, cursor)).body.code]).toEqual([path, 'cursor_invalid'])
      }
    }
  })

  test('that nobody made is never answered with more than a refusal or a page of what the caller may see', async () => {
    const { study, owner, other, paths, cursors } = await aStudyOfListings()
    await aParticipant(study)
    const position = fc.tuple(
      fc.constantFrom('files', 'pending', 'participants', 'keys'),
      fc.oneof(fc.maxSafeInteger(), fc.double(), fc.string({ unit: 'binary' }), fc.constantFrom('\0', '\ud800', '')),
      fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\0', '\ud800', '', '￿'.repeat(200))),
    )
    const edited = fc
      .record({
        from: fc.constantFrom(...cursors),
        at: fc.nat(200),
        by: fc.base64String({ maxLength: 3 }),
        cut: fc.nat(3),
      })
      .map(({ from: { cursor }, at, by, cut }) => {
        const place = at % cursor.length
        return cursor.slice(0, place) + by + cursor.slice(place + cut)
      })
    const tampered = fc.oneof(fc.string({ unit: 'binary' }), fc.json().map(encode), position.map(encode), edited)
    const callers = fc.constantFrom(
      { caller: owner, mine: true },
      { caller: other, mine: false },
      { caller: study.admin, mine: true },
    )
    await fc.assert(
      fc.asyncProperty(
        tampered,
        fc.constantFrom(...paths.slice(0, 4)),
        callers,
        async (cursor, path, { caller, mine }) => {
          const { status, body } = await page(caller, path, cursor.slice(0, 4_096))
          if (status === 200) {
            if (!mine) expect(body.items).toEqual([])
          } else {
            // Participants may not list participants and keys, whatever the cursor.
            expect(['cursor_invalid', 'forbidden']).toContain(body.code)
          }
        },
      ),
      { numRuns: RUNS * 15 },
    )
  })
})
