import { env } from 'cloudflare:workers'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import type { Caller } from '../support/client.ts'
import { put, aKey, aParticipant, aStudy, begin, ok, type Participant, type Study } from '../support/world.ts'

// What a search finds is what a model of it finds, in a small world that has been edited, shared and tidied up at random.

type Granted = { principal: string; until: number | null }
type Modelled = {
  id: string
  number: number
  owner: string | null
  isComplete: boolean
  name: string
  title: string | null
  description: string | null
  category: string | null
  tags: string[]
  visibility: 'private' | 'study' | 'public'
  grants: Granted[]
}
type Reader = { caller: Caller; role: 'admin' | 'team' | 'participant'; self: string | null; principal: string | null }

// Few words, so that many files share them; some are parts of others, and some are operators elsewhere.
const LATIN = ['sleep', 'sleepy', 'diary', 'OR', 'NEAR', 'Größe', "o'clock", 'año', 'NOT']
const RUNS = ['東京都庁', '睡眠日記', '京都', 'การนอน', '日記']
const word = fc.constantFrom(...LATIN, ...RUNS)
const texts = fc.array(word, { minLength: 1, maxLength: 4 }).map((words) => words.join(' '))
const maybe = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null })
const details = {
  name: texts,
  title: maybe(texts),
  description: maybe(texts),
  category: maybe(fc.constantFrom('a', 'b')),
  tags: fc.uniqueArray(fc.constantFrom('x', 'y', 'z')),
  visibility: fc.constantFrom('private' as const, 'study' as const, 'public' as const),
}

/** Plain letters for those with an accent, as the index has them. */
const plain = (text: string) => text.toLowerCase().replaceAll('ö', 'o').replaceAll('ñ', 'n')
function hasPart(text: string, part: string): boolean {
  const isRun = !/[a-z]/.test(plain(part))
  // A quote at the end says nothing of how the word goes on.
  const beginning = plain(part).replace(/'$/, '')
  return plain(text)
    .split(' ')
    .some((each) => (isRun ? each.includes(part) : each.startsWith(beginning)))
}
const hasWords = (file: Modelled, q: string) =>
  q.split(' ').every((part) => [file.name, file.title, file.description].some((text) => hasPart(text ?? '', part)))

const isShared = (file: Modelled, { principal }: Reader) =>
  file.grants.some((grant) => grant.principal === principal && (grant.until === null || grant.until > Date.now()))
function mayFind(file: Modelled, reader: Reader): boolean {
  if (reader.role === 'admin') return true
  const mine = reader.role === 'participant' ? file.owner === reader.self : file.visibility !== 'private'
  return mine || isShared(file, reader)
}

type Query = { q: string; status: string; participant: string | null; category: string | null; tags: string[] }
const found = (files: Modelled[], reader: Reader, query: Query) =>
  files
    .filter((file) => mayFind(file, reader) && hasWords(file, query.q))
    .filter((file) => file.isComplete === (query.status === 'complete'))
    .filter((file) => query.participant === null || file.owner === query.participant)
    .filter((file) => query.category === null || file.category === query.category)
    .filter((file) => query.tags.every((tag) => file.tags.includes(tag)))
    .toSorted((a, b) => b.number - a.number)
    .map(({ id }) => id)

let study: Study
let ada: Participant
let readers: Reader[]
let files: Modelled[] = []

/** The study's own files are never private. */
const possible = (owner: string | null, visibility: Modelled['visibility']) =>
  owner === null && visibility === 'private' ? 'study' : visibility

/** Steps of one life of a world, each through the API; the model takes them too. */
async function live(steps: number) {
  const bob = await aParticipant(study)
  const member = ok(await study.admin.post(`${study.path}/members`, { issuer: 'i', subject: 's', role: 'staff' }))
  const sam = await aKey(study, { role: 'staff', member: member.id })
  const team = { role: 'team' as const, self: null }
  readers = [
    { caller: study.admin, role: 'admin', self: null, principal: null },
    { caller: study.staff, ...team, principal: null },
    { caller: sam, ...team, principal: `member:${member.id}` },
    { caller: ada, role: 'participant', self: ada.id, principal: `participant:${ada.id}` },
    { caller: bob, role: 'participant', self: bob.id, principal: `participant:${bob.id}` },
  ]
  const owners = [ada, bob, null]
  const step = fc.record({
    what: fc.constantFrom('begin', 'file', 'file', 'edit', 'edit', 'delete', 'grant', 'grant', 'revoke', 'lapse'),
    owner: fc.nat(2),
    which: fc.nat(),
    whom: fc.constantFrom(...readers.flatMap(({ principal }) => principal ?? [])),
    ...details,
  })
  for (const { what, owner: index, which, whom, ...said } of fc.sample(step, { numRuns: steps, seed: 7 })) {
    const file = files[which % Math.max(files.length, 1)]
    if (what === 'begin' || what === 'file' || file === undefined) {
      files.push(await bring(owners[index] ?? undefined, { said, isComplete: what !== 'begin' }))
      continue
    }
    await change(file, { what, whom, said: { ...said, visibility: possible(file.owner, said.visibility) } })
  }
}

/** A file more, of a participant's or of the study's own. */
async function bring(
  owner: Participant | undefined,
  { said, isComplete }: { said: Pick<Modelled, keyof typeof details>; isComplete: boolean },
): Promise<Modelled> {
  const caller = owner ?? study.admin
  const visibility = possible(owner?.id ?? null, said.visibility)
  const whose = owner === undefined ? { participant: null } : {}
  const { file, upload } = await begin(caller, study, { ...said, ...whose, visibility })
  if (isComplete) {
    await put(upload.url)
    ok(await caller.post(`${study.path}/uploads/${upload.id}/complete`))
  }
  return { ...said, visibility, id: file.id, number: file.number, owner: owner?.id ?? null, isComplete, grants: [] }
}

async function change(
  file: Modelled,
  { what, whom, said }: { what: string; whom: string; said: Partial<Modelled> },
): Promise<void> {
  const path = `${study.path}/files/${file.id}`
  const keeper = readers.find(({ self }) => self === file.owner && self !== null)?.caller ?? study.admin
  const others = file.grants.filter((grant) => grant.principal !== whom)
  const isOwn = whom === `participant:${file.owner}`
  if (what === 'edit') {
    ok(await keeper.patch(path, said))
    Object.assign(file, said)
  } else if (what === 'delete') {
    ok(await keeper.delete(path))
    files = files.filter((each) => each !== file)
  } else if (what === 'grant' && !isOwn) {
    ok(await keeper.put(`${path}/grants/${whom}`, { level: 'metadata' }))
    file.grants = [...others, { principal: whom, until: null }]
  } else if (what === 'lapse') {
    await env.DB.prepare('UPDATE grants SET expires_at = 1 WHERE file_id = ? AND principal = ?')
      .bind(file.id, whom)
      .run()
    file.grants = file.grants.map((grant) => (grant.principal === whom ? { ...grant, until: 1 } : grant))
  } else if (what === 'revoke' && isShared(file, { principal: whom } as Reader)) {
    ok(await keeper.delete(`${path}/grants/${whom}`))
    file.grants = others
  }
}

beforeAll(async () => {
  study = await aStudy({ allowPublic: true })
  ada = await aParticipant(study)
  await live(env.SLOW ? 400 : 160)
}, 120_000)

async function walk({ caller }: Reader, query: object): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const page = ok(await caller.post(`${study.path}/files/search`, { ...query, limit: 7, ...(cursor && { cursor }) }))
    ids.push(...page.items.map(({ id }: { id: string }) => id))
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  return ids
}

test('a search finds what a model of it finds, for everyone, whatever else is asked', async () => {
  const part = fc.oneof(
    fc
      .constantFrom(...LATIN)
      .chain((each) => fc.integer({ min: 1, max: each.length }).map((end) => each.slice(0, end))),
    fc
      .constantFrom(...RUNS)
      .chain((each) =>
        fc
          .nat(each.length - 1)
          .chain((at) => fc.integer({ min: at + 1, max: each.length }).map((end) => each.slice(at, end))),
      ),
  )
  const query = fc.record({
    q: fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join(' ')),
    status: fc.constantFrom('complete', 'complete', 'pending'),
    participant: fc.option(fc.constant(ada.id), { nil: null, freq: 1 }),
    category: fc.option(fc.constantFrom('a', 'b'), { nil: null, freq: 1 }),
    tags: fc.uniqueArray(fc.constantFrom('x', 'y', 'z'), { maxLength: 2 }),
  })
  let total = 0
  await fc.assert(
    fc.asyncProperty(query, async (asked) => {
      const said = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== null))
      for (const reader of readers) {
        const expected = found(files, reader, asked)
        expect([reader.principal, await walk(reader, said)]).toEqual([reader.principal, expected])
        total += expected.length
      }
    }),
    // The same queries each time, so that how much they find is no matter of luck.
    env.SLOW ? { numRuns: 400 } : { numRuns: 60, seed: 3 },
  )
  expect(total).toBeGreaterThan(300)
})

test('the index holds the files that there are, and nothing of others', async () => {
  const { results } = await env.DB.prepare(
    'SELECT rowid AS number FROM files_fts WHERE files_fts MATCH ? ORDER BY rowid',
  )
    .bind(`who : s${study.number}`)
    .all<{ number: number }>()
  expect(results.map(({ number }) => number)).toEqual(files.map(({ number }) => number).toSorted((a, b) => a - b))
  expect(files.length).toBeGreaterThan(30)
})
