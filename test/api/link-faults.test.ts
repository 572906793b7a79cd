import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { anonymous, type Caller } from '../support/client.ts'
import { disturbed, overriding, within } from '../support/faults.ts'
import { aFile, aParticipant, aStudy, HELLO, ok, type Participant } from '../support/world.ts'

// KV may fail, lag or hold nonsense, D1's answers may get lost and storage may be out of reach: a link is claimed at
// most once, and nothing is used up by a claim that failed.

let participant: Participant
let links: string

beforeEach(async () => {
  const study = await aStudy()
  participant = await aParticipant(study)
  const { id } = await aFile(participant, study)
  links = `${study.path}/files/${id}/download-tokens`
})

type Link = { id: string; url: string }
const aLink = async (link: object = {}, issuer: Caller = participant): Promise<Link> =>
  ok(await issuer.post(links, link))

const outcome = async ({ url }: Link, caller: Caller = anonymous) => {
  const { status, body } = await caller.get(url)
  return status === 302 || body === HELLO ? 'given' : `${status} ${body.code}`
}

const failing = async () => Promise.reject(new Error('KV GET failed: 500 Internal Server Error'))

/** The one record of KV that was not there before. */
async function recordOf(make: () => Promise<Link>) {
  const names = async () => (await env.TOKENS.list()).keys.map(({ name }) => name)
  const before = await names()
  const link = await make()
  const name = (await names()).find((each) => !before.includes(each)) ?? ''
  return { link, name, record: (await env.TOKENS.get(name)) ?? '' }
}

describe.each(['redirect', 'stream'])('a link by %s is given once', (delivery) => {
  test('though KV could not be written', async () => {
    let times = 0
    const TOKENS = overriding(env.TOKENS, {
      put: async () => {
        times += 1
        return failing()
      },
    })
    const link = await aLink({ delivery }, within({ TOKENS }, participant))
    expect(times).toBe(1)
    expect([await outcome(link), await outcome(link)]).toEqual(['given', '410 download_token_used'])
  })

  test('though KV cannot be read', async () => {
    const link = await aLink({ delivery })
    const caller = within({ TOKENS: overriding<KVNamespace>(env.TOKENS, { get: failing }) }, anonymous)
    expect([await outcome(link, caller), await outcome(link, caller)]).toEqual(['given', '410 download_token_used'])
  })

  test.each([
    ['nothing', undefined],
    ['nonsense', '{"study":'],
    ['a record of another shape', '{"study":"a","delivery":"pigeon"}'],
  ])('though KV holds %s', async (_, held) => {
    const { link, name } = await recordOf(async () => aLink({ delivery }))
    await (held === undefined ? env.TOKENS.delete(name) : env.TOKENS.put(name, held))
    expect([await outcome(link), await outcome(link)]).toEqual(['given', '410 download_token_used'])
  })

  test('though D1’s answer to the claim was lost, to the request that won', async () => {
    const link = await aLink({ delivery })
    const { DB, seen } = disturbed({ on: /UPDATE download_tokens/, loses: 1 })
    expect(await outcome(link, within({ DB }, anonymous))).toBe('given')
    expect(seen.times).toBeGreaterThan(0)
    expect(await outcome(link)).toBe('410 download_token_used')
  })

  test('and to another, who came while D1’s answer was under way, it is not', async () => {
    const link = await aLink({ delivery })
    const others: string[] = []
    const { DB, seen } = disturbed({
      on: /UPDATE download_tokens/,
      before: async () => others.push(await outcome(link)),
    })
    expect(await outcome(link, within({ DB }, anonymous))).toBe('410 download_token_used')
    expect([others, seen.times]).toEqual([['given'], 1])
  })

  test('to one who comes again after D1 was out of reach', async () => {
    const link = await aLink({ delivery })
    const DB = overriding(env.DB, {
      batch: async () => Promise.reject(new Error('D1_ERROR: Network connection lost.')),
    })
    expect(await outcome(link, within({ DB }, anonymous))).toBe('503 overloaded')
    expect([await outcome(link), await outcome(link)]).toEqual(['given', '410 download_token_used'])
  })

  test('but not when D1 says no such thing, and fails as a whole', async () => {
    const link = await aLink({ delivery })
    const DB = overriding(env.DB, {
      batch: async () => Promise.reject(new Error('D1_ERROR: no such table: t: SQLITE_ERROR')),
    })
    expect(await outcome(link, within({ DB }, anonymous))).toBe('500 internal')
    expect(await outcome(link)).toBe('given')
  })
})

describe('a link that was revoked', () => {
  test('gives nothing, though its record is still in KV', async () => {
    const { link, name, record } = await recordOf(async () => aLink())
    ok(await participant.delete(`${links}/${link.id}`))
    expect(await env.TOKENS.get(name)).toBeNull()
    // Another place still has the record, for a minute or more.
    await env.TOKENS.put(name, record)
    expect(await outcome(link)).toBe('410 download_token_revoked')
  })

  test('is revoked, though KV could not be told', async () => {
    const link = await aLink()
    const TOKENS = overriding(env.TOKENS, { delete: failing })
    expect((await within({ TOKENS }, participant).delete(`${links}/${link.id}`)).status).toBe(204)
    expect(await outcome(link)).toBe('410 download_token_revoked')
  })

  test('just before the claim, was', async () => {
    const link = await aLink({ delivery: 'stream' })
    const { DB, seen } = disturbed({
      on: /UPDATE download_tokens AS t SET claimed_at/,
      before: async () => participant.delete(`${links}/${link.id}`),
    })
    expect(await outcome(link, within({ DB }, anonymous))).toBe('410 download_token_revoked')
    expect(seen.times).toBe(1)
  })
})

test('a record in KV without a row gives nothing: no link was made', async () => {
  const { link, name, record } = await recordOf(async () => aLink())
  await env.DB.prepare('DELETE FROM download_tokens WHERE id = ?').bind(link.id).run()
  await env.TOKENS.put(name, record)
  expect(await outcome(link)).toBe('404 download_token_not_found')
})

test('there is no link where D1 could not make its row', async () => {
  const { DB } = env
  const broken = overriding(DB, { batch: async () => Promise.reject(new Error('D1_ERROR: Network connection lost.')) })
  const answer = await within({ DB: broken }, participant).post(links, {})
  expect([answer.status, answer.body.code]).toEqual([503, 'overloaded'])
  expect(ok(await participant.get(links)).items).toEqual([])
})

test('one link is made where D1’s answer was lost', async () => {
  const { DB, seen } = disturbed({ on: /INSERT INTO download_tokens/, loses: 1 })
  const link = await aLink({}, within({ DB }, participant))
  expect(seen.times).toBeGreaterThan(0)
  expect(ok(await participant.get(links)).items.map(({ id }: Link) => id)).toEqual([link.id])
  expect(await outcome(link)).toBe('given')
})

test('a link that is streamed is not used up when storage cannot be reached', async () => {
  const link = await aLink({ delivery: 'stream' })
  const BUCKET = overriding<R2Bucket>(env.BUCKET, {
    get: async () => Promise.reject(new Error('get: Unspecified error (0)')),
  })
  expect(await outcome(link, within({ BUCKET }, anonymous))).toBe('503 overloaded')
  expect([await outcome(link), await outcome(link)]).toEqual(['given', '410 download_token_used'])
})

test.each(['redirect', 'stream'])(
  'a link by %s to a version that is gone is refused, without KV too',
  async (delivery) => {
    const { link, name } = await recordOf(async () => aLink({ delivery }))
    ok(await participant.delete(links.replace(/\/download-tokens$/, '')))
    await env.TOKENS.delete(name)
    // Nothing is known of its object any more, and storage is not asked for one.
    const BUCKET = overriding<R2Bucket>(env.BUCKET, {
      get: async () => Promise.reject(new Error('get: The specified object name is not valid. (10020)')),
    })
    expect(await outcome(link, within({ BUCKET }, anonymous))).toBe('410 download_token_revoked')
  },
)

test('a link that is streamed says that it leads nowhere, where storage has lost the bytes', async () => {
  const link = await aLink({ delivery: 'stream' })
  const BUCKET = overriding<R2Bucket>(env.BUCKET, { get: async () => null })
  expect(await outcome(link, within({ BUCKET }, anonymous))).toBe('410 download_token_revoked')
})

test('a link that has expired asks nothing of storage, which may be out of reach', async () => {
  const link = await aLink({ delivery: 'stream' })
  const BUCKET = overriding<R2Bucket>(env.BUCKET, { get: failing })
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 120_000 })
  try {
    expect(await outcome(link, within({ BUCKET }, anonymous))).toBe('410 download_token_expired')
  } finally {
    vi.useRealTimers()
  }
})

test('a link is issued though the file was out of sight for the moment of it', async () => {
  const study = await aStudy()
  const [owner, staff] = [await aParticipant(study), study.staff]
  const file = await aFile(owner, study, { visibility: 'study' })
  const path = `${study.path}/files/${file.id}`
  const show = async (visibility: string) => ok(await owner.patch(path, { visibility }))
  const { DB, seen } = disturbed({
    on: /INSERT INTO download_tokens/,
    before: async () => show('private'),
    after: async () => show('study'),
  })
  const link: Link = ok(await within({ DB }, staff).post(`${path}/download-tokens`, {}))
  expect(seen.times).toBe(2)
  expect(ok(await staff.get(`${path}/download-tokens`)).items.map(({ id }: Link) => id)).toEqual([link.id])
  expect(await outcome(link)).toBe('given')
})
