import { env } from 'cloudflare:workers'
import { beforeAll, expect, test } from 'vitest'
import type { Answer, Caller } from '../support/client.ts'
import { costOf } from '../support/meters.ts'
import { aKey, aParticipant, aStudy, ok } from '../support/world.ts'

// Rows that D1 reads for a document without a schema, with the caller's own and the audit's: the same with a few
// documents and with 20,000.

const MANY = 20_000

type Role = 'participant' | 'admin' | 'member'
const callers = {} as Record<Role, Caller>
let studyId: string
let owner: string
let theirs: string
let mine: string

beforeAll(async () => {
  const study = await aStudy()
  const participant = await aParticipant(study)
  const issuer = 'https://id.example.org'
  const member = ok(await study.admin.post(`${study.path}/members`, { issuer, subject: 'sam', role: 'worker' }))
  callers.participant = participant
  callers.admin = study.admin
  callers.member = await aKey(study, { role: 'worker', member: member.id })
  studyId = study.id
  owner = participant.id
  theirs = `${study.path}/participants/${owner}/documents`
  mine = `${study.path}/participants/me/documents`
  for (const caller of Object.values(callers)) await caller.get(theirs) // a key's first use is noted, once
})

const seed = async (from: number, to: number) =>
  env.DB.batch(
    [
      ['documents (study_id, participant_id, identifier, etag, size, created_at, updated_at)', `'etag', 1, 0, 0`],
      ['document_bodies (study_id, participant_id, identifier, data)', `'1'`],
    ].map(([table, values]) =>
      env.DB.prepare(
        `INSERT INTO ${table} WITH RECURSIVE series(i) AS (SELECT ?3 UNION ALL SELECT i + 1 FROM series WHERE i < ?4)
         SELECT ?1, ?2, 'seeded-' || i, ${values} FROM series`,
      ).bind(studyId, owner, from, to),
    ),
  )

type Rows = Readonly<Record<'participant' | 'me' | 'admin' | 'member', number>>

/**
 * The owner names themselves in the path, or says `me`, which is looked up again by each of the two statements that
 * write; an admin's key, and one of a worker that acts for a member, name the owner.
 */
const BUDGETS: Record<string, Rows> = {
  create: { participant: 7, me: 9, admin: 7, member: 9 },
  'create only': { participant: 7, me: 9, admin: 7, member: 9 },
  replace: { participant: 7, me: 9, admin: 7, member: 9 },
  'replace at an ETag': { participant: 8, me: 10, admin: 8, member: 10 },
  get: { participant: 4, me: 4, admin: 3, member: 4 },
  patch: { participant: 10, me: 13, admin: 10, member: 12 },
  delete: { participant: 8, me: 10, admin: 8, member: 6 }, // a worker may not
  'list 100': { participant: 105, me: 105, admin: 103, member: 105 },
}

/** Rows of tables and of their indexes that are written, by whomever; what is not here writes none. */
const WRITTEN: Readonly<Record<string, number>> = {
  create: 8,
  'create only': 8,
  replace: 6,
  'replace at an ETag': 6,
  patch: 6,
  delete: 7,
}

let round = 0

async function measure(caller: Caller, path: string): Promise<Record<string, [trips: number, rows: number]>> {
  const at = `${path}/document-${(round += 1)}`
  const measured: Record<string, [number, number]> = {}
  const note = async (operation: string, ask: (caller: Caller) => Promise<Answer>) => {
    const { cost, answer } = await costOf(caller, ask)
    expect([200, 204, 403], answer.text).toContain(answer.status)
    measured[operation] = [cost.trips, cost.rows]
    expect(cost.written, `rows written: ${operation}`).toBeLessThanOrEqual(WRITTEN[operation] ?? 0)
    return answer
  }
  await note('create', async (c) => c.put(at, { theme: 'dark' }))
  await note('create only', async (c) => c.put(`${at}-once`, { theme: 'dark' }, { 'If-None-Match': '*' }))
  const { headers } = await note('replace', async (c) => c.put(at, { theme: 'light' }))
  const isSame = { 'If-Match': headers.get('ETag') ?? '' }
  await note('replace at an ETag', async (c) => c.put(at, { theme: 'dark' }, isSame))
  await note('get', async (c) => c.get(at))
  await note('patch', async (c) => c.patch(at, { language: 'pt' }))
  await note('delete', async (c) => c.delete(at))
  await note('list 100', async (c) => c.get(`${path}?limit=100`))
  return measured
}

const measureAll = async () => ({
  participant: await measure(callers.participant, theirs),
  me: await measure(callers.participant, mine),
  admin: await measure(callers.admin, theirs),
  member: await measure(callers.member, theirs),
})

test('every operation on a document keeps its budget, among 120 and among 20,000', async () => {
  await seed(1, 120)
  const few = await measureAll()
  await seed(121, MANY)
  expect(await measureAll()).toEqual(few)
  const measured = Object.keys(BUDGETS).map((operation) => [
    operation,
    Object.fromEntries(Object.entries(few).map(([who, costs]) => [who, costs[operation]])),
  ])
  const promised = Object.entries(BUDGETS).map(([operation, rows]) => [
    operation,
    Object.fromEntries(Object.entries(rows).map(([who, most]) => [who, [1, most]])),
  ])
  expect(measured).toEqual(promised)
})
