import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { arrive, beginLoose } from '../support/arrivals.ts'
import type { Answer, Caller } from '../support/client.ts'
import { type Cost, costOf } from '../support/meters.ts'
import { type Recipe, seedBulk, seededId, SEEDED_SINCE, seedGrants } from '../support/seed.ts'
import {
  aKey,
  aParticipant,
  aStudy,
  HELLO_MD5,
  HELLO_SHA256,
  ok,
  type Participant,
  put,
  type Study,
} from '../support/world.ts'

// What each operation may cost, and does; `--silent=false` shows the table. All is counted twice in one study: when it
// has a page of files and one more, and when it has 100,000.

const SMALL = 101
const LARGE = env.SLOW ? 300_000 : 100_000
/** Of the friend's own, the newest of all; of the others' newest, how many are shared. */
const OWN = 40
const SHARED = 1_500
const MIB = 1024 * 1024

/** `written`: rows of tables and of their indexes; what says nothing of it writes none. */
type Budget = Readonly<{ trips: number; rows: number; written?: number; kv?: string; r2?: string; status?: number }>
const BEGIN = { trips: 1, rows: 14, written: 16 }
const COMPLETE = { trips: 2, rows: 45, written: 33, r2: 'head' }
/** A file that a replacement lists under other terms leaves its old ones, too. */
const RELIST = { ...COMPLETE, rows: 120, written: 57 }
const CLAIM = { trips: 1, rows: 8, written: 1, kv: 'get' }
const LIST_100 = { trips: 1, rows: 220 }
/** What is one's own and what was shared. */
const LIST_SHARED = { trips: 1, rows: 330 }
const OTHER_LIST = { trips: 1, rows: 3_500 }

type Measured = Readonly<{ operation: string; budget: Budget; cost: Cost }>
/** Asks, notes what it cost, and answers with the body. */
type Note = (operation: string, budget: Budget, ask: (caller: Caller) => Promise<Answer>) => Promise<Answer['body']>

let study: Study
let participant: Participant
/** Acts for a member, whose row is read too. */
let staff: Caller
/** With these all of the newest files are shared; the participant has some of their own among them. */
let friend: Participant
let colleague: Caller
let small: Measured[] = []
let large: Measured[] = []

const alike = (owner: string): Recipe => ({
  owner: `'${owner}'`,
  name: `'notes.txt'`,
  category: `'diary'`,
  source: `'phone'`,
  tags: `'["walk","rain"]'`,
  visibility: `CASE i % 2 WHEN 0 THEN 'study' ELSE 'public' END`,
})
/** Of a thousand owners; what the first ones are is common among them, and mixed. */
const mixed = (owner: string): Recipe => ({
  owner: `CASE i % 4 WHEN 0 THEN '${owner}' ELSE 'owner-' || (i % 1000) END`,
  name: `CASE i % 7 WHEN 0 THEN 'notes.txt' ELSE 'name-' || i END`,
  category: `CASE i % 3 WHEN 0 THEN 'diary' ELSE 'category-' || (i % 50) END`,
  source: `CASE i % 5 WHEN 0 THEN 'phone' ELSE 'source-' || (i % 9) END`,
  tags: `CASE i % 11 WHEN 0 THEN '["walk","rain"]' ELSE '["tag-' || (i % 30) || '","walk"]' END`,
  visibility: `CASE i % 13 WHEN 0 THEN 'private' WHEN 1 THEN 'study' ELSE 'public' END`,
})

beforeAll(async () => {
  study = await aStudy({ allowPublic: true })
  participant = await aParticipant(study, { externalId: 'P-1' })
  const issuer = 'https://id.example.org'
  const member = ok(await study.admin.post(`${study.path}/members`, { issuer, subject: 'sam', role: 'staff' }))
  staff = await aKey(study, { role: 'staff', member: member.id })
  friend = await aParticipant(study)
  const other = ok(await study.admin.post(`${study.path}/members`, { issuer, subject: 'kim', role: 'staff' }))
  colleague = await aKey(study, { role: 'staff', member: other.id })
  const share = async (from: number, to: number) => {
    const files = Array.from({ length: to - from + 1 }, (_, index) => seededId(from + index))
    for (const principal of [`participant:${friend.id}`, `member:${other.id}`]) {
      await seedGrants(
        study,
        files.map((file) => ({ file, principal, level: 'content', until: null })),
      )
    }
  }
  await seedBulk(study, { from: 1, to: SMALL, recipe: alike(participant.id) })
  await share(1, SMALL)
  await seedBulk(study, { from: LARGE + 1, to: LARGE + OWN, recipe: alike(friend.id) })
  small = await measureAll()
  await seedBulk(study, { from: SMALL + 1, to: LARGE, recipe: mixed(participant.id) })
  await share(LARGE - SHARED, LARGE)
  large = await measureAll()
}, 300_000)

async function measureAll(): Promise<Measured[]> {
  const callers = { participant, admin: study.admin, staff }
  // A key's first use in an hour is noted, after the answer.
  const grantees = { friend, colleague }
  for (const caller of Object.values({ ...callers, ...grantees })) ok(await caller.get(`${study.path}/files?limit=1`))
  const measured: Measured[] = []
  const notedAs =
    (role: string, caller: Caller): Note =>
    async (operation, budget, ask) => {
      const { cost, answer } = await costOf(caller, ask)
      if (budget.status === undefined) expect(answer.status, `${operation}: ${answer.text}`).toBeLessThan(400)
      else expect(answer.status, operation).toBe(budget.status)
      measured.push({ operation: `${operation}, ${role}`, budget, cost })
      return answer.body
    }
  for (const [role, caller] of Object.entries(callers)) {
    const note = notedAs(role, caller)
    if (role !== 'staff') await measureUploads(note)
    // Staff act for a member here: one row more, of a link's budget that is for a key's own row.
    await measureReads(note, role === 'staff' ? 7 : 6)
    await measureLists(note)
  }
  for (const [role, caller] of Object.entries(grantees)) await measureShared(notedAs(role, caller))
  return measured
}

async function measureUploads(note: Note) {
  const files = `${study.path}/files`
  const upload = (id: string) => `${study.path}/uploads/${id}`
  const hello = { name: 'hello.txt', mediaType: 'text/plain', size: 11, visibility: 'study' }
  const details = { category: 'diary', source: 'phone', tags: ['walk', 'rain'], metadata: { device: 'watch' } }
  const theirs = { participant: participant.id, ...hello, ...details }

  const single = await note('begin, single', BEGIN, async (c) => c.post(files, { ...theirs, md5: HELLO_MD5 }))
  await put(single.upload.url)
  await note('complete, bound', COMPLETE, async (c) => c.post(`${upload(single.upload.id)}/complete`))

  const hashed = await note('begin, SHA-256', BEGIN, async (c) => c.post(files, { ...theirs, sha256: HELLO_SHA256 }))
  await put(hashed.upload.url)
  await note('complete, SHA-256 to be read', { ...COMPLETE, r2: 'head get' }, async (c) =>
    c.post(`${upload(hashed.upload.id)}/complete`),
  )

  const loose = await beginLoose({ study, owner: participant })
  await arrive(loose)
  await note('complete, nothing declared', { ...COMPLETE, r2: 'head get put' }, async (c) =>
    c.post(`${upload(loose.id)}/complete`),
  )

  const handle = `${study.path}/participants/${participant.id}/files/${crypto.randomUUID()}`
  const replacements: [what: string, budget: Budget, body: object][] = [
    ['under a handle', COMPLETE, { ...hello, ...details }],
    ['replacing', COMPLETE, { ...hello, metadata: { device: 'phone' } }],
    ['replacing, with other tags', RELIST, { ...hello, tags: ['sun', 'sea'] }],
  ]
  for (const [what, budget, body] of replacements) {
    const begun = await note(`begin, ${what}`, BEGIN, async (c) => c.put(handle, body))
    await put(begun.upload.url)
    await note(`complete, ${what}`, budget, async (c) => c.post(`${upload(begun.upload.id)}/complete`))
  }

  const many = { ...theirs, size: 800 * MIB, upload: 'multipart' }
  const begun = await note(
    'begin, multipart',
    { trips: 2, rows: 14, written: 17, r2: 'createMultipartUpload' },
    async (c) => c.post(files, many),
  )
  const parts = Array.from({ length: 100 }, (_, index) => ({ number: index + 1 }))
  const presigned = await note('presign 100 parts', { trips: 1, rows: 4, written: 2 }, async (c) =>
    c.post(`${upload(begun.upload.id)}/parts`, { parts }),
  )
  expect(presigned.parts).toHaveLength(100)
}

async function measureReads(note: Note, linkRows: number) {
  const file = `${study.path}/files/${seededId(SMALL)}`
  await note('get metadata', { trips: 1, rows: 4 }, async (c) => c.get(file))
  const asking = ok(await participant.post(`${file}/download-tokens`, { confirm: true }))
  const link = await note('issue a link', { trips: 1, rows: linkRows, written: 8, kv: 'put' }, async (c) =>
    c.post(`${file}/download-tokens`, {}),
  )
  await note('the page of a link', { ...CLAIM, written: 0 }, async (c) => c.get(asking.url, { Accept: 'text/html' }))
  await note('claim a link, won', { ...CLAIM, status: 302 }, async (c) => c.get(link.url))
  await note('claim a link, lost', { ...CLAIM, written: 0, status: 410 }, async (c) => c.get(link.url))
}

const OWNERS = { '': '', 'of an owner': 'participant=:owner', 'of an external id': 'externalId=P-1' }
const FILTERS = ['', 'category=diary', 'source=phone', 'name=notes.txt', 'tag=walk']
const DATES = ['', 'uploadedAfter=2026-01-01T00:00:00Z&uploadedBefore=2027-01-01T00:00:00Z']
const OTHERS = [
  'tag=walk&tag=rain',
  'tag=walk&tag=rain&category=diary&source=phone&name=notes.txt',
  'tag=walk&tag=nowhere',
  'tag=walk&source=nowhere',
  'participant=:owner&tag=walk&category=nowhere&uploadedAfter=2026-01-01T00:00:00Z',
  'status=pending',
  'status=pending&category=nowhere',
  'status=pending&participant=:owner',
]

async function measureLists(note: Note) {
  const list = async (name: string, budget: Budget, query: string) =>
    note(name, budget, async (c) => c.get(`${study.path}/files?limit=100&${query.replace(':owner', participant.id)}`))
  for (const [whose, owner] of Object.entries(OWNERS)) {
    for (const filter of FILTERS) {
      for (const dates of DATES) {
        const name = ['list 100', whose, filter, dates === '' ? '' : 'dates'].filter((part) => part !== '').join(' ')
        const page = await list(name, LIST_100, [owner, filter, dates].filter((part) => part !== '').join('&'))
        expect([name, page.items.length]).toEqual([name, 100])
      }
    }
  }
  for (const query of OTHERS) await list(`list 100 ${query}`, OTHER_LIST, query)
}

/** What is shared is asked for in the same ways; by owner, each place is looked at. */
async function measureShared(note: Note) {
  const list = async (name: string, budget: Budget, query: string) => {
    const page = await note(name, budget, async (c) => c.get(`${study.path}/files?limit=100&${query}`))
    if (budget === LIST_SHARED) expect([name, page.items.length]).toEqual([name, 100])
  }
  for (const filter of FILTERS) {
    for (const dates of DATES)
      await list(`list 100 shared ${filter} ${dates && 'dates'}`, LIST_SHARED, `${filter}&${dates}`)
  }
  // Nothing of their own is among these: each has its grant read.
  const before = new Date(SEEDED_SINCE + LARGE * 1_000 + 1).toISOString()
  await list('list 100 shared, nothing of one’s own', LIST_SHARED, `uploadedBefore=${before}`)
  for (const query of [...OTHERS, 'participant=:owner', 'participant=:owner&tag=walk']) {
    await list(`list 100 shared ${query}`, OTHER_LIST, query.replace(':owner', participant.id))
  }
}

const callsOf = ({ trips, kv, r2 }: Cost) => ({ trips, kv: kv.join(' '), r2: r2.join(' ') })

describe('every operation keeps its budget', () => {
  test.each([
    ['a page of files and one more', () => small],
    [`${LARGE} files`, () => large],
  ])('in a study of %s', (_size, measured) => {
    expect(measured().length).toBeGreaterThan(100)
    for (const { operation, budget, cost } of measured()) {
      const { trips, kv = '', r2 = '' } = budget
      expect({ operation, ...callsOf(cost) }).toEqual({ operation, trips, kv, r2 })
      expect(cost.rows, `rows read: ${operation}`).toBeLessThanOrEqual(budget.rows)
      expect(cost.written, `rows written: ${operation}`).toBeLessThanOrEqual(budget.written ?? 0)
    }
  })

  test('at the same cost in both, but for what is filtered file by file, or merged of two ranges', () => {
    const fixed = (measured: Measured[]) =>
      measured
        .filter(({ budget }) => budget !== OTHER_LIST && budget !== LIST_SHARED)
        .map(({ operation, cost }) => ({ operation, rows: cost.rows, written: cost.written, ...callsOf(cost) }))
    expect(fixed(large)).toEqual(fixed(small))
  })

  test('without statistics, which nothing relies on', async () => {
    const { results } = await env.DB.prepare(`SELECT name FROM sqlite_schema WHERE name LIKE 'sqlite_stat%'`).all()
    expect(results).toEqual([])
    const files = await env.DB.prepare('SELECT count(*) AS files FROM files').first<number>('files')
    expect(files).toBeGreaterThanOrEqual(LARGE)
  })

  test('as this table says', () => {
    const lines = large.map(({ operation, budget, cost }, index) => {
      const [before, after, most] = [small[index]?.cost.rows, cost.rows, budget.rows].map((rows) => String(rows))
      const written = String(cost.written).padStart(7)
      const calls = [...cost.kv, ...cost.r2].join(' ')
      return `${before?.padStart(5)} ${after?.padStart(5)} ${most?.padStart(6)} ${written} ${cost.trips}  ${calls.padEnd(22)} ${operation}`
    })
    console.log(['rows: small, large, budget; written; D1 trips; KV and R2 calls; operation', ...lines].join('\n'))
    expect(lines).toHaveLength(small.length)
  })
})
