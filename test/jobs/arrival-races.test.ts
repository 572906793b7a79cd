import { env } from 'cloudflare:workers'
import { afterAll, describe, expect, test } from 'vitest'
import { aLoose, arrive, beginLoose, listed, look, type LooseDesk, toldOf } from '../support/arrivals.ts'
import { hollowVersions, isThere, objectKeys, openUploads, outbox, strays } from '../support/bucket.ts'
import { operator } from '../support/client.ts'
import { aDesk } from '../support/desk.ts'
import { eraseQuietly } from '../support/erasures.ts'
import { deliver, disturbed, overriding, sweepAt } from '../support/faults.ts'
import { mortal } from '../support/mortality.ts'
import { outcomeOf } from '../support/scopes.ts'
import { HELLO, ok } from '../support/world.ts'

// Who looks, copies and completes may be interrupted by whoever sends, looks, gives up or deletes, or may die.

const DAY = 24 * 60 * 60_000
const COMPLETES = /INSERT INTO versions/
const later = (milliseconds: number) => new Date(Date.now() + milliseconds)

/** The bytes of the owner's only file are all that was recorded of them. */
async function contentOf(desk: LooseDesk) {
  const files = await listed(desk)
  expect(files).toHaveLength(1)
  const row = await env.DB.prepare('SELECT object_key AS key, size, etag, md5 FROM versions WHERE id = ?')
    .bind(files[0].version.id)
    .first<{ key: string; size: number; etag: string; md5: string }>()
  const object = await env.BUCKET.get(row?.key ?? '')
  const text = await object?.text()
  expect(row).toMatchObject({ size: text?.length, etag: object?.etag, md5: files[0].version.md5 })
  expect(ok(await operator.get(desk.study.path)).usage).toMatchObject({ bytes: text?.length, files: 1 })
  return text
}

/** The bucket, where something else happens just before it is called so for the first time. */
function interrupted(name: 'head' | 'get' | 'put', before: () => Promise<unknown>) {
  const seen = { times: 0 }
  const BUCKET = new Proxy(env.BUCKET, {
    get(target, method) {
      const real: unknown = Reflect.get(target, method)
      if (typeof real !== 'function') return real
      if (method !== name) return real.bind(target)
      return async (...given: unknown[]) => {
        seen.times += 1
        if (seen.times === 1) await before()
        return Reflect.apply(real, target, given) as Promise<unknown>
      }
    },
  })
  return { BUCKET, seen }
}

/** Each place between two steps of a look, and how something else comes there. */
const PLACES = {
  'before it looks': (before: () => Promise<unknown>) => interrupted('head', before),
  'before it reads': (before: () => Promise<unknown>) => interrupted('get', before),
  'before it copies': (before: () => Promise<unknown>) => interrupted('put', before),
  'before it completes': (before: () => Promise<unknown>) => disturbed({ on: COMPLETES, before }),
}
type Place = keyof typeof PLACES
const EVERYWHERE = Object.keys(PLACES) as Place[] // the names above

async function lookInterrupted(desk: LooseDesk, place: Place, before: () => Promise<unknown>) {
  const { seen, ...other } = PLACES[place](before)
  const outcome = await outcomeOf(look(desk, { other }))
  expect(seen.times).toBeGreaterThan(0)
  return outcome
}

afterAll(async () => {
  for (const days of [8, 16]) await sweepAt(later(days * DAY))
  expect(await strays()).toEqual([])
  expect(await hollowVersions()).toEqual([])
})

describe.each(EVERYWHERE)('a look that is interrupted %s', (place) => {
  test('by other bytes, and another look at them, completes some, and tells of them what they are', async () => {
    const desk = await aLoose({ bytes: HELLO })
    const outcome = await lookInterrupted(desk, place, async () => {
      await arrive(desk.loose, 'other bytes of another size')
      await look(desk)
    })
    expect(outcome).toBe('done')
    await look(desk)
    expect(await contentOf(desk)).toBe('other bytes of another size')
    expect(await openUploads(desk.study)).toEqual([])
  })

  test('by other bytes alone completes these, or those that it saw, and tells of them what they are', async () => {
    const desk = await aLoose({ bytes: HELLO })
    await lookInterrupted(desk, place, async () => arrive(desk.loose, 'other bytes', 'text/html'))
    await look(desk)
    const isInTime = place === 'before it looks' || place === 'before it reads'
    expect(await contentOf(desk)).toBe(isInTime ? 'other bytes' : HELLO)
    expect((await listed(desk))[0].version.mediaType).toBe(isInTime ? 'text/html' : 'text/plain')
  })

  test('by another look at the same, or storage’s word of it, completes once', async () => {
    const desk = await aLoose({ bytes: HELLO })
    await lookInterrupted(desk, place, async () => deliver([toldOf(desk.loose.stagingKey)]))
    expect(await contentOf(desk)).toBe(HELLO)
    expect((await outbox(desk.study)).map(({ objectKey }) => objectKey)).toEqual([desk.loose.stagingKey])
  })

  test.each<[what: string, how: (desk: Awaited<ReturnType<typeof aLoose>>) => Promise<unknown>]>([
    ['the deletion of the file', async ({ owner, path }) => ok(await owner.delete(path))],
    ['giving up', async ({ owner, study, loose }) => ok(await owner.delete(`${study.path}/uploads/${loose.id}`))],
    ['an erasure', async ({ owner, study }) => eraseQuietly(owner, `${study.path}/participants/me`)],
    ['the erasure of the study', async ({ study }) => eraseQuietly(operator, study.path)],
  ])('by %s brings nothing back, and leaves no bytes', async (_, giveUp) => {
    const desk = await aLoose({ bytes: HELLO })
    await lookInterrupted(desk, place, async () => giveUp(desk))
    await arrive(desk.loose, 'again')
    // Its rows may go by steps, and its bytes for as long as its URL lives and a day longer.
    for (const time of [later(120_000), later(240_000), later(2 * DAY), later(4 * DAY), later(6 * DAY)])
      await sweepAt(time)
    const ofStudy = (await objectKeys()).filter(
      (key) => key.includes(`${desk.study.id}/`) && !key.startsWith('erased/'),
    )
    expect([ofStudy, await openUploads(desk.study), await outbox(desk.study)]).toEqual([[], [], []])
    const versions = await env.DB.prepare('SELECT id FROM versions WHERE id = ?').bind(desk.loose.version).all()
    expect(versions.results).toEqual([])
  })

  test('by who withdraws completes nothing', async () => {
    const desk = await aLoose({ bytes: HELLO })
    const { study, owner } = desk
    await lookInterrupted(desk, place, async () =>
      ok(await study.admin.patch(`${study.path}/participants/${owner.id}`, { status: 'withdrawn' })),
    )
    expect(ok(await study.admin.get(desk.path)).version).toBeNull()
    expect(ok(await operator.get(study.path)).usage).toMatchObject({ bytes: 0 })
  })
})

describe('a look that died', () => {
  test('after it had copied leaves the next to complete what was sent since', async () => {
    const desk = await aLoose({ bytes: HELLO })
    const dead = async () => Promise.reject(new Error('D1_ERROR: D1 DB is overloaded. Too many requests queued.'))
    const { DB } = disturbed({ on: COMPLETES, before: dead })
    expect(await outcomeOf(look(desk, { other: { DB } }))).toBe('overloaded')
    expect([await listed(desk), await isThere(desk.loose.key)]).toEqual([[], true])
    await arrive(desk.loose, 'the newest')
    await look(desk)
    expect(await contentOf(desk)).toBe('the newest')
    await sweepAt(new Date())
    expect(await isThere(desk.loose.key)).toBe(false)
    expect(await contentOf(desk)).toBe('the newest')
  })

  test('at any of its calls, which may still have taken effect, is made good by the next, or by the sweep', async () => {
    for (const takesEffect of [false, true]) {
      let at = 1
      for (; at < 10; at += 1) {
        const desk = await aLoose({ bytes: HELLO })
        const { bindings, life } = mortal({ at, takesEffect })
        await look(desk, { other: bindings }).catch(() => undefined)
        if (life.calls < at) break
        if (at % 2 === 0) await sweepAt(new Date(desk.loose.urlExpiresAt.getTime() + 15 * 60_000))
        else await look(desk)
        expect([at, takesEffect, await contentOf(desk)]).toEqual([at, takesEffect, HELLO])
        expect(await openUploads(desk.study)).toEqual([])
      }
      // The list, three calls to storage and the batch.
      expect(at).toBe(6)
    }
  })
})

describe('an answer of D1 that was lost', () => {
  test.each(['keep', 'latest'])('makes one version, which counts once (%s)', async (retention) => {
    const desk = await aLoose({ settings: { retention, maxBytes: HELLO.length }, bytes: HELLO })
    const { DB, seen } = disturbed({ on: COMPLETES, loses: 1 })
    await look(desk, { other: { DB } })
    expect([seen.times, await contentOf(desk)]).toEqual([2, HELLO])
    expect(await outbox(desk.study)).toHaveLength(1)
  })

  test('begins one upload, whose bytes then come', async () => {
    const desk = await aDesk()
    const { DB, seen } = disturbed({ on: /INSERT INTO uploads/, loses: 1 })
    const loose = await beginLoose(desk, 'diary', { other: { DB } })
    expect([seen.times, (await openUploads(desk.study)).length]).toEqual([2, 1])
    await arrive(loose)
    await look(desk)
    expect(await contentOf(desk)).toBe(HELLO)
  })

  test('moves the object of what was sent anew once', async () => {
    const desk = await aLoose({ bytes: HELLO })
    await env.BUCKET.put(desk.loose.key, 'what an earlier look had copied')
    const { DB, seen } = disturbed({ on: /SET attempt = attempt \+ 1, object_key = \?/, loses: 1 })
    await look(desk, { other: { DB } })
    expect([seen.times, await contentOf(desk)]).toEqual([2, HELLO])
  })
})

test('storage that fails at one upload is told of, and keeps nothing that has come from being found later', async () => {
  const desk = await aDesk()
  const [unlucky, lucky] = [await beginLoose(desk), await beginLoose(desk)]
  await Promise.all([arrive(unlucky), arrive(lucky)])
  const BUCKET = overriding(env.BUCKET, {
    head: async (key) => {
      if (key === unlucky.stagingKey)
        throw new Error('head: We encountered an internal error. Please try again. (10001)')
      return env.BUCKET.head(key)
    },
  })
  expect(await outcomeOf(look(desk, { other: { BUCKET } }))).toBe('overloaded')
  await look(desk)
  expect(await listed(desk)).toHaveLength(2)
})

test('of many that have come at once, so many are copied at a time as there are connections for', async () => {
  const desk = await aDesk()
  for (let i = 0; i < 8; i += 1) await arrive(await beginLoose(desk))
  const open = { now: 0, most: 0 }
  const BUCKET = overriding(env.BUCKET, {
    get: async (key: string, options?: R2GetOptions) => {
      open.now += 1
      open.most = Math.max(open.most, open.now)
      return env.BUCKET.get(key, options)
    },
    put: async (key: string, value: ReadableStream, options?: R2PutOptions) => {
      const copied = await env.BUCKET.put(key, value, options)
      open.now -= 1
      return copied
    },
  })
  await look(desk, { other: { BUCKET } })
  expect(await listed(desk)).toHaveLength(8)
  expect(open).toEqual({ now: 0, most: 3 })
})
