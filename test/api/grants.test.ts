import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Caller } from '../support/client.ts'
import { sweepAt } from '../support/faults.ts'
import { expectProblem } from '../support/problems.ts'
import { LOGIN, signedIn } from '../support/tokens.ts'
import {
  aFile,
  aKey,
  aParticipant,
  aStudy,
  begin,
  HELLO,
  ok,
  type Participant,
  put,
  replace,
  type Study,
} from '../support/world.ts'

// What a grant shows to whom, and until when. Who may make one: `grant-rights.test.ts`.

let study: Study
let ada: Participant
let bob: Participant
let file: { id: string; version: { id: string } }

const pathOf = (named = file) => `${study.path}/files/${named.id}`
const grantTo = (principal: string, named = file) => `${pathOf(named)}/grants/${encodeURIComponent(principal)}`
const toBob = () => grantTo(`participant:${bob.id}`)
const listed = async (caller: Caller, query = '') => {
  const { items } = ok(await caller.get(`${study.path}/files?limit=100&${query}`))
  return items.map(({ id, shared }: { id: string; shared: string | null }) => [id, shared])
}
/** What somebody sees of the file, by every way that there is. */
const seen = async (caller: Caller, named = file) => ({
  get: (await caller.get(pathOf(named))).body.shared ?? 'none',
  versions: (await caller.get(`${pathOf(named)}/versions`)).status,
  content: (await caller.get(`${pathOf(named)}/content?delivery=stream`)).status,
  listed: (await listed(caller)).filter(([id]: [string]) => id === named.id),
})
const NOTHING = { get: 'none', versions: 404, content: 404, listed: [] }
const ALL = () => ({ get: 'content', versions: 200, content: 200, listed: [[file.id, 'content']] })

beforeEach(async () => {
  study = await aStudy()
  ada = await aParticipant(study)
  bob = await aParticipant(study)
  file = await aFile(ada, study, { tags: ['walk'], category: 'diary' })
})

describe('a grant to another participant', () => {
  test('shows the file at once, marked as shared, and ends at once when it is revoked', async () => {
    expect(await seen(bob)).toEqual(NOTHING)
    const made = await ada.put(toBob(), { level: 'content' })
    expect([made.status, made.body]).toEqual([
      201,
      { principal: `participant:${bob.id}`, level: 'content', createdAt: expect.any(String), expiresAt: null },
    ])
    expect(await seen(bob)).toEqual(ALL())
    expect((await bob.get(`${pathOf()}/content?delivery=stream`)).text).toBe(HELLO)
    expect(await listed(ada)).toEqual([[file.id, null]])
    expect((await ada.delete(toBob())).status).toBe(204)
    expect(await seen(bob)).toEqual(NOTHING)
    expectProblem(await ada.delete(toBob()), 'grant_not_found')
  })

  test('of metadata opens no content', async () => {
    ok(await ada.put(toBob(), { level: 'metadata' }))
    expect(await seen(bob)).toEqual({ get: 'metadata', versions: 200, content: 403, listed: [[file.id, 'metadata']] })
    expectProblem(await bob.get(`${pathOf()}/content`), 'forbidden')
    expectProblem(await bob.get(`${pathOf()}/versions/${file.version.id}/content`), 'forbidden')
  })

  test('is changed by the next one, and stays as it was by the same', async () => {
    const { createdAt } = ok(await ada.put(toBob(), { level: 'metadata' }))
    const expiresAt = new Date(Date.now() + 3_600_000).toISOString()
    for (const grant of [{ level: 'content', expiresAt }, { level: 'content', expiresAt }, { level: 'metadata' }]) {
      const { status, body } = await ada.put(toBob(), grant)
      expect([status, body]).toEqual([
        200,
        { principal: `participant:${bob.id}`, createdAt, expiresAt: null, ...grant },
      ])
      expect((await ada.get(`${pathOf()}/grants`)).body).toEqual({ items: [body], nextCursor: null })
      expect((await bob.get(pathOf())).body.shared).toBe(grant.level)
    }
    const { results } = await env.DB.prepare('SELECT object FROM audit_events WHERE study_id = ? AND action = ?')
      .bind(study.id, 'file.grant')
      .all()
    expect(results).toEqual([{ object: file.id }, { object: file.id }, { object: file.id }])
  })

  test('ends by itself at its time, and is then on no list; a new one may follow', async () => {
    const expiresAt = new Date(Date.now() + 3_600_000)
    ok(await ada.put(toBob(), { level: 'content', expiresAt: expiresAt.toISOString() }))
    expect(await seen(bob)).toEqual(ALL())
    vi.useFakeTimers({ toFake: ['Date'], now: expiresAt.getTime() - 1 })
    try {
      expect(await seen(bob)).toEqual(ALL())
      vi.setSystemTime(expiresAt)
      expect(await seen(bob)).toEqual(NOTHING)
      expect((await ada.get(`${pathOf()}/grants`)).body.items).toEqual([])
      expectProblem(await ada.delete(toBob()), 'grant_not_found')
      const anew = await ada.put(toBob(), { level: 'content' })
      expect([anew.status, anew.body.createdAt]).toEqual([201, expiresAt.toISOString()])
      expect(await seen(bob)).toEqual(ALL())
    } finally {
      vi.useRealTimers()
    }
  })

  test('that has expired is swept away, with what it left on the shelf', async () => {
    const carl = await aParticipant(study)
    const expiresAt = new Date(Date.now() + 3_600_000)
    ok(await ada.put(toBob(), { level: 'content', expiresAt: expiresAt.toISOString() }))
    ok(await ada.put(grantTo(`participant:${carl.id}`), { level: 'content' }))
    const left = async () => {
      const of = async (sql: string) => env.DB.prepare(sql).bind(study.id).all()
      const { results: grants } = await of('SELECT principal FROM grants WHERE study_id = ? ORDER BY principal')
      const { results: scopes } = await of(`SELECT DISTINCT scope FROM shelf WHERE study_id = ? AND scope GLOB 'to:*'`)
      return [grants.map(({ principal }) => principal), scopes.map(({ scope }) => scope)]
    }
    const both = [`participant:${bob.id}`, `participant:${carl.id}`].toSorted()
    await sweepAt(new Date(expiresAt.getTime() - 1))
    expect(await left()).toEqual([both, both.map((name) => `to:${name}`)])
    await sweepAt(expiresAt)
    expect(await left()).toEqual([[`participant:${carl.id}`], [`to:participant:${carl.id}`]])
  })

  test('holds for what the file becomes: its versions, its tags, its end', async () => {
    const path = `${study.path}/participants/me/files/diary`
    const upload = await replace(ada, path, 'first')
    const diary = ok(await ada.post(`${study.path}/uploads/${upload.id}/complete`))
    ok(await ada.put(grantTo(`participant:${bob.id}`, diary), { level: 'content' }))
    const again = await replace(ada, path, 'second')
    ok(await ada.post(`${study.path}/uploads/${again.id}/complete`))
    ok(await ada.patch(pathOf(diary), { tags: ['rain'] }))
    expect((await bob.get(`${pathOf(diary)}/content?delivery=stream`)).text).toBe('second')
    expect(await listed(bob, 'tag=rain')).toEqual([[diary.id, 'content']])
    ok(await ada.delete(pathOf(diary)))
    expect(await listed(bob)).toEqual([])
    const count = await env.DB.prepare('SELECT count(*) AS left FROM grants WHERE study_id = ?').bind(study.id).first()
    expect(count).toEqual({ left: 0 })
  })

  test('of a file without content shows it in lists once that has come', async () => {
    const begun = await begin(ada, study)
    ok(await ada.put(grantTo(`participant:${bob.id}`, begun.file), { level: 'content' }))
    expect((await bob.get(pathOf(begun.file))).body.shared).toBe('content')
    expectProblem(await bob.get(`${pathOf(begun.file)}/content`), 'content_missing')
    expect([await listed(bob), await listed(bob, 'status=pending')]).toEqual([[], []])
    await put(begun.upload.url)
    ok(await ada.post(`${study.path}/uploads/${begun.upload.id}/complete`))
    expect(await listed(bob)).toEqual([[begun.file.id, 'content']])
  })

  test('is listed beside what is their own, under every filter, by whom it was shared', async () => {
    const own = await aFile(bob, study, { tags: ['walk', 'rain'], category: 'diary' })
    const carl = await aParticipant(study)
    const carls = await aFile(carl, study, { tags: ['walk', 'rain'], category: 'diary' })
    ok(await ada.put(toBob(), { level: 'metadata' }))
    ok(await carl.put(grantTo(`participant:${bob.id}`, carls), { level: 'content' }))
    const [adas, bobs, others] = [
      [file.id, 'metadata'],
      [own.id, null],
      [carls.id, 'content'],
    ]
    expect(await listed(bob)).toEqual([others, bobs, adas])
    expect(await listed(bob, 'tag=walk&category=diary')).toEqual([others, bobs, adas])
    expect(await listed(bob, 'tag=walk&tag=rain')).toEqual([others, bobs])
    expect(await listed(bob, 'participant=me')).toEqual([bobs])
    expect(await listed(bob, `participant=${ada.id}`)).toEqual([adas])
    expect(await listed(bob, `participant=${carl.id}&tag=walk&tag=rain`)).toEqual([others])
    expect(await listed(carl)).toEqual([[carls.id, null]])
  })
})

describe('a grant to a member of the team', () => {
  let member: { id: string }
  const toMember = () => grantTo(`member:${member.id}`)
  beforeEach(async () => {
    member = ok(await study.admin.post(`${study.path}/members`, { issuer: LOGIN.issuer, subject: 's', role: 'staff' }))
  })

  test('shows the private file to whoever signs in as them, or has their key', async () => {
    const [user, key] = [await signedIn('s'), await aKey(study, { role: 'staff', member: member.id })]
    for (const caller of [user, key, study.staff]) expect(await seen(caller)).toEqual(NOTHING)
    ok(await ada.put(toMember(), { level: 'content' }))
    for (const caller of [user, key]) expect(await seen(caller)).toEqual(ALL())
    for (const caller of [study.staff, study.worker]) expect(await seen(caller)).toEqual(NOTHING)
    ok(await ada.delete(toMember()))
    for (const caller of [user, key]) expect(await seen(caller)).toEqual(NOTHING)
  })

  test('of what the whole team may see shows it once', async () => {
    const user = await signedIn('s')
    ok(await ada.put(toMember(), { level: 'metadata' }))
    for (const visibility of ['study', 'private', 'study']) {
      ok(await ada.patch(pathOf(), { visibility }))
      const content = visibility === 'study' ? 200 : 403
      expect(await seen(user)).toEqual({ ...ALL(), get: 'metadata', content, listed: [[file.id, 'metadata']] })
    }
    ok(await ada.delete(toMember()))
    expect(await listed(user)).toEqual([[file.id, null]])
    ok(await ada.put(toMember(), { level: 'content' }))
    expect(await listed(user)).toEqual([[file.id, 'content']])
  })

  test('ends with the membership, and is not the next one’s', async () => {
    ok(await ada.put(toMember(), { level: 'content' }))
    ok(await study.admin.delete(`${study.path}/members/${member.id}`))
    expect((await ada.get(`${pathOf()}/grants`)).body.items).toEqual([])
    ok(await study.admin.post(`${study.path}/members`, { issuer: LOGIN.issuer, subject: 's', role: 'staff' }))
    expect(await seen(await signedIn('s'))).toEqual(NOTHING)
    const { results } = await env.DB.prepare(`SELECT * FROM shelf WHERE study_id = ? AND scope GLOB 'to:*'`)
      .bind(study.id)
      .all()
    expect(results).toEqual([])
  })
})

test('with whom a file is shared is told in pages', async () => {
  const names = Array.from({ length: 5 }, (_, index) => `participant:P/${index} ?`)
  for (const name of names) ok(await ada.put(grantTo(name), { level: 'metadata' }))
  const pages: string[][] = []
  let cursor: string | null = null
  do {
    const query: string = cursor === null ? '' : `&cursor=${cursor}`
    const page = ok(await ada.get(`${pathOf()}/grants?limit=2${query}`))
    pages.push(page.items.map(({ principal }: { principal: string }) => principal))
    cursor = page.nextCursor
  } while (cursor !== null)
  expect(pages).toEqual([names.slice(0, 2), names.slice(2, 4), names.slice(4)])
  const other = await aFile(ada, study)
  const { nextCursor } = ok(await ada.get(`${pathOf()}/grants?limit=2`))
  expectProblem(await ada.get(`${pathOf(other)}/grants?cursor=${nextCursor}`), 'cursor_invalid')
})
