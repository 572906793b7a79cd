import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { NUMBERS_PER_STUDY } from '../../src/model/ids.ts'
import type { Caller } from '../support/client.ts'
import { costOf } from '../support/meters.ts'
import { type Seed, seedFiles, type SeedGrant, seedGrants, seededId, SEEDED_SINCE } from '../support/seed.ts'
import { aKey, aParticipant, aStudy, ok, type Participant, type Study } from '../support/world.ts'

type Query = {
  status: 'complete' | 'pending'
  participant: string | undefined
  externalId: string | undefined
  name: string | undefined
  tags: string[]
  source: string | undefined
  category: string | undefined
  after: number | undefined
  before: number | undefined
}

type Reader = {
  caller: Caller
  role: 'admin' | 'staff' | 'worker' | 'participant'
  self: string | undefined
  /** As whom files are shared with them. */
  name?: string
}

type World = { files: readonly Seed[]; grants: readonly SeedGrant[]; externalIds: Map<string, string> }

/** What a list has to answer, newest first. */
function modelled({ files, grants, externalIds }: World, { role, self, name }: Reader, query: Query): string[] {
  const isPending = query.status === 'pending'
  const timeOf = (file: Seed) => (isPending ? file.createdAt : (file.listedAt ?? 0))
  const owner = query.externalId === undefined ? query.participant : (externalIds.get(query.externalId) ?? 'nobody')
  const asked = owner === 'me' ? (self ?? 'nobody') : owner
  const mayFind = (file: Seed) => {
    if (role === 'participant') return file.owner === self
    return role === 'admin' || file.visibility !== 'private'
  }
  // Participants find nobody else's by the name that the study has for them.
  const mayBeShared = !isPending && !(role === 'participant' && query.externalId !== undefined)
  const isShared = (file: Seed) =>
    grants.some(
      ({ file: id, principal, until }) => id === file.id && principal === name && (until ?? Infinity) > Date.now(),
    )
  return files
    .filter((file) => (file.listedAt === null) === isPending && (mayFind(file) || (mayBeShared && isShared(file))))
    .filter((file) => asked === undefined || file.owner === asked)
    .filter((file) => query.name === undefined || file.name === query.name)
    .filter((file) => query.tags.every((tag) => file.tags.includes(tag)))
    .filter((file) => query.source === undefined || file.source === query.source)
    .filter((file) => query.category === undefined || file.category === query.category)
    .filter((file) => query.after === undefined || timeOf(file) >= query.after)
    .filter((file) => query.before === undefined || timeOf(file) < query.before)
    .toSorted((a, b) => timeOf(b) - timeOf(a) || (a.id < b.id ? 1 : -1))
    .map(({ id }) => id)
}

function searchOf(query: Query): URLSearchParams {
  const { status, tags, after, before, participant, externalId, name, source, category } = query
  const said = Object.entries({
    status,
    participant,
    externalId,
    name,
    source,
    category,
    uploadedAfter: after === undefined ? undefined : new Date(after).toISOString(),
    uploadedBefore: before === undefined ? undefined : new Date(before).toISOString(),
  })
  const pairs = said.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]))
  return new URLSearchParams([...pairs, ...tags.map((tag) => ['tag', tag])])
}

/** The ids of every page, to the end. */
async function walk(caller: Caller, path: string, search: URLSearchParams): Promise<string[][]> {
  const pages: string[][] = []
  let cursor: string | null = null
  do {
    const query = new URLSearchParams(search)
    if (cursor !== null) query.set('cursor', cursor)
    const { status, body } = await caller.get(`${path}/files?${query.toString()}`)
    expect(status, JSON.stringify(body)).toBe(200)
    pages.push(body.items.map(({ id }: { id: string }) => id))
    cursor = body.nextCursor
  } while (cursor !== null && pages.length < 1_000)
  return pages
}

// Each of them like something that a term, JSON or SQL is made of.
const WORDS = ['a', 'b', 'A', 't:a', 'c:', ',', 'a,', '","', '"', '\\', "it's", '%', 'größe', '漢字', '1', '[]']
const word = fc.constantFrom(...WORDS)
const TIMES = 40

test('a list finds what a model of it finds, whatever it is filtered by, to its last page', async () => {
  const study = await aStudy({ allowPublic: true })
  const ada = await aParticipant(study, { externalId: 'X-1' })
  const bob = await aParticipant(study, { externalId: "X'2" })
  const externalIds = new Map([
    ['X-1', ada.id],
    ["X'2", bob.id],
  ])
  const sam = ok(await study.admin.post(`${study.path}/members`, { issuer: 'i', subject: 'sam', role: 'staff' }))
  const readers: Reader[] = [
    { caller: study.admin, role: 'admin', self: undefined },
    { caller: study.staff, role: 'staff', self: undefined },
    { caller: study.worker, role: 'worker', self: undefined },
    { caller: ada, role: 'participant', self: ada.id, name: `participant:${ada.id}` },
    { caller: bob, role: 'participant', self: bob.id, name: `participant:${bob.id}` },
    {
      caller: await aKey(study, { role: 'staff', member: sam.id }),
      role: 'staff',
      self: undefined,
      name: `member:${sam.id}`,
    },
  ]
  const seed = fc.record({
    owner: fc.constantFrom('', ada.id, ada.id, bob.id, 'cyd'),
    name: word,
    category: fc.option(fc.constantFrom('a', 'b', 'c:')),
    source: fc.option(fc.constantFrom('a', 'b')),
    tags: fc.uniqueArray(word, { maxLength: 5 }),
    visibility: fc.constantFrom('private' as const, 'study' as const, 'public' as const),
    listed: fc.boolean(),
    at: fc.nat(TIMES),
    sharedWith: fc.uniqueArray(fc.constantFrom(...readers.flatMap(({ name }) => name ?? [])), { maxLength: 2 }),
    until: fc.option(fc.constantFrom(SEEDED_SINCE, Date.now() + 3_600_000)),
  })
  const [drawn = []] = fc.sample(fc.array(seed, { minLength: 300, maxLength: 300 }), { numRuns: 1, seed: 42 })
  const files = drawn.map(({ listed, at, sharedWith: _with, until: _until, ...file }, index): Seed => ({
    ...file,
    id: seededId(NUMBERS_PER_STUDY + index),
    visibility: file.owner === '' && file.visibility === 'private' ? 'study' : file.visibility,
    createdAt: SEEDED_SINCE + at,
    listedAt: listed ? SEEDED_SINCE + TIMES - at : null,
  }))
  await seedFiles(study, files)
  const grants = files.flatMap(({ id: file, owner }, index) =>
    (drawn[index]?.sharedWith ?? [])
      .filter((principal) => principal !== `participant:${owner}`)
      .map((principal): SeedGrant => ({ file, principal, level: 'content', until: drawn[index]?.until ?? null })),
  )
  await seedGrants(study, grants)

  const sometimes = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: undefined, freq: 2 })
  const time = sometimes(fc.nat(TIMES + 2).map((at) => SEEDED_SINCE + at))
  const query: fc.Arbitrary<Query> = fc.record({
    status: fc.constantFrom('complete', 'complete', 'pending'),
    participant: sometimes(fc.constantFrom('me', ada.id, bob.id, 'cyd', 'nobody', '*')),
    externalId: sometimes(fc.constantFrom('X-1', "X'2", 'X-3')),
    name: fc.option(word, { nil: undefined, freq: 1 }),
    tags: fc.array(word, { maxLength: 3, size: 'xsmall' }),
    source: sometimes(fc.constantFrom('a', 'b', 'c')),
    category: sometimes(fc.constantFrom('a', 'b', 'c:')),
    after: time,
    before: time,
  })
  let found = 0
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...readers), query, fc.constantFrom(7, 40, 100), async (reader, asked, limit) => {
      const one = asked.externalId === undefined ? asked : { ...asked, participant: undefined }
      const search = searchOf(one)
      search.set('limit', String(limit))
      const pages = await walk(reader.caller, study.path, search)
      const expected = modelled({ files, grants, externalIds }, reader, one)
      expect(pages.flat()).toEqual(expected)
      expect(pages.every((ids) => ids.length <= limit)).toBe(true)
      found += expected.length
    }),
    // The same queries each time, so that how much they find is no matter of luck.
    env.SLOW ? { numRuns: 3_000 } : { numRuns: 120, seed: 1 },
  )
  expect(found).toBeGreaterThan(env.SLOW ? 6_000 : 430)
})

describe('of more candidates than are looked at for a page', () => {
  const CANDIDATES = 2_600
  const RARE = [1, 1_234, 2_599]
  const isRare = (i: number) => RARE.includes(i)
  let study: Study
  let owner: Participant
  /** With whom all of it is shared; with the other one, it was. */
  let friend: Participant
  let stranger: Participant
  let files: Seed[]

  beforeAll(async () => {
    study = await aStudy()
    owner = await aParticipant(study)
    files = Array.from({ length: 2 * CANDIDATES }, (_, index) => {
      const i = index % CANDIDATES
      return {
        id: seededId(2 * NUMBERS_PER_STUDY + index),
        owner: owner.id,
        name: 'notes.txt',
        category: isRare(i) ? 'rare' : 'usual',
        source: isRare(i) ? 'rare' : null,
        tags: isRare(i) ? ['common', 'rare'] : ['common'],
        visibility: 'study',
        createdAt: SEEDED_SINCE + i,
        listedAt: index < CANDIDATES ? SEEDED_SINCE + i : null,
      }
    })
    await seedFiles(study, files)
    ;[friend, stranger] = [await aParticipant(study), await aParticipant(study)]
    for (const [{ id }, until] of [
      [friend, null],
      [stranger, SEEDED_SINCE],
    ] as const) {
      const grant = { principal: `participant:${id}`, level: 'metadata', until } as const
      await seedGrants(
        study,
        files.map(({ id: file }) => ({ ...grant, file })),
      )
    }
  }, 60_000)

  test.each([
    'tag=common&source=rare',
    'tag=common&tag=rare',
    'name=notes.txt&category=rare',
    'status=pending&category=rare',
  ])('a page of %s is short, and says where to go on', async (filters) => {
    const isPending = filters.startsWith('status=pending')
    const rare = files.filter((file) => file.source === 'rare' && (file.listedAt === null) === isPending)
    const expected = rare.map(({ id }) => id).toReversed()
    for (const caller of [owner, study.staff, study.admin, ...(isPending ? [] : [friend])]) {
      await caller.get(`${study.path}/files?limit=1`)
      const pages = await walk(caller, study.path, new URLSearchParams(`${filters}&limit=100`))
      // From the newest: 2,599 to 1,600, then 1,599 to 600, then the rest.
      expect(pages).toEqual(expected.map((id) => [id]))
      const { cost } = await costOf(caller, async (c) => c.get(`${study.path}/files?${filters}&limit=100`))
      expect(cost.rows).toBeGreaterThan(1_000)
      expect(cost.rows).toBeLessThanOrEqual(3_500)
    }
    const none = await walk(
      study.admin,
      study.path,
      new URLSearchParams(`${filters.replaceAll('rare', 'none')}&limit=1`),
    )
    expect(none).toEqual([[], [], []])
  })

  test.each(['', 'category=usual', 'participant=owner&tag=common'])(
    'what was shared until a time that has passed is stepped over (%s)',
    async (filters) => {
      await stranger.get(`${study.path}/files?limit=1`)
      const query = filters.replace('=owner', `=${owner.id}`)
      // As many places are looked at as a page has, and no more.
      const pages = await walk(stranger, study.path, new URLSearchParams(`${query}&limit=100`))
      expect([pages.length, pages.flat()]).toEqual([CANDIDATES / 100, []])
      const { cost } = await costOf(stranger, async (c) => c.get(`${study.path}/files?${query}&limit=100`))
      expect(cost.rows).toBeLessThanOrEqual(450)
      const shared = await walk(friend, study.path, new URLSearchParams(`${query}&limit=100`))
      expect([shared.length, shared.slice(0, -1).every((page) => page.length === 100)]).toEqual([26, true])
    },
  )

  const UNDER_WAY = {
    'being erased': `INSERT INTO erasures (study_id, id, kind, participant_id, audit_id, state, requested_at)
      VALUES (?, 'era_1', 'participant', ?, '', 'erasing', 0)`,
    leaving: 'INSERT INTO departures (study_id, participant_id, left_at, due_at) VALUES (?, ?, 0, 9e15)',
  }
  test.each(Object.entries(UNDER_WAY))('what is left of somebody who is %s is stepped over', async (_, begin) => {
    const other = await aStudy()
    const [gone, left] = [await aParticipant(other), await aParticipant(other)]
    const those = files.filter(({ listedAt }) => listedAt !== null)
    const old = { ...those[0], id: seededId(1), owner: left.id, listedAt: SEEDED_SINCE - 1 } as Seed
    await seedFiles(other, [...those.map((file) => ({ ...file, owner: gone.id })), old])
    const all = async () => (await walk(other.staff, other.path, new URLSearchParams('limit=100'))).flat()
    expect((await all()).length).toBe(CANDIDATES + 1)
    await env.DB.prepare(begin).bind(other.id, gone.id).run()
    expect(await all()).toEqual([old.id])
  })

  test('a page that is full goes on after its last file', async () => {
    const pages = await walk(owner, study.path, new URLSearchParams('tag=common&category=usual&limit=100'))
    const usual = files.filter((file) => file.category === 'usual' && file.listedAt !== null)
    expect(pages.flat()).toEqual(usual.map(({ id }) => id).toReversed())
    expect(pages.slice(0, -1).every((page) => page.length === 100)).toBe(true)
  })
})
