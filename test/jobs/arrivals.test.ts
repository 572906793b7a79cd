import { env } from 'cloudflare:workers'
import { afterAll, describe, expect, test } from 'vitest'
import { settleArrived } from '../../src/domain/arrivals.ts'
import type { ParticipantId } from '../../src/model/ids.ts'
import { aLoose, arrive, beginLoose, listed, look, type LooseDesk, toldOf } from '../support/arrivals.ts'
import { hollowVersions, isThere, openUploads, outbox, strays } from '../support/bucket.ts'
import { anonymous, operator } from '../support/client.ts'
import { aDesk } from '../support/desk.ts'
import { deliver, sweepAt, within } from '../support/faults.ts'
import { meteredBindings } from '../support/meters.ts'
import { idOf, outcomeOf, scopeOf } from '../support/scopes.ts'
import { aParticipant, aStudy, HELLO, HELLO_MD5, ok } from '../support/world.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const after = (time: Date, milliseconds: number) => new Date(time.getTime() + milliseconds)

/** What the file's URL leads to. */
async function textOf(file: { version: { id: string } }) {
  const key = await env.DB.prepare('SELECT object_key AS key FROM versions WHERE id = ?')
    .bind(file.version.id)
    .first<string>('key')
  return (await env.BUCKET.get(key ?? ''))?.text()
}

const usageOf = async (study: { path: string }) => ok(await operator.get(study.path)).usage

afterAll(async () => {
  for (const days of [8, 16, 24]) await sweepAt(new Date(Date.now() + days * DAY))
  expect(await strays()).toEqual([])
  expect(await hollowVersions()).toEqual([])
  for (const table of ['uploads', 'object_deletions']) {
    expect([table, (await env.DB.prepare(`SELECT * FROM ${table}`).all()).results]).toEqual([table, []])
  }
})

describe('bytes of which nothing was declared', () => {
  test('are a file’s content once somebody looks, and tell of themselves what they are', async () => {
    const desk = await aLoose()
    const { study, owner, loose } = desk
    await look(desk)
    expect([await listed(desk), (await openUploads(study)).length]).toEqual([[], 1])
    await arrive(loose, HELLO, 'text/csv; charset=utf-8')
    expect(await listed(desk)).toEqual([])
    await look(desk)
    const [file] = await listed(desk)
    expect(file.version).toMatchObject({
      id: loose.version,
      size: HELLO.length,
      md5: HELLO_MD5,
      mediaType: 'text/csv; charset=utf-8',
      verified: 'storage',
    })
    expect(await textOf(file)).toBe(HELLO)
    // Where it is kept no URL has ever led.
    expect([await isThere(loose.key), loose.key === loose.stagingKey]).toEqual([true, false])
    expect(await usageOf(study)).toEqual({ bytes: HELLO.length, files: 1, documents: 0 })
    expect((await owner.get(`${study.path}/files/${loose.file}/content`)).status).toBe(302)
    await look(desk)
    expect(await listed(desk)).toEqual([file])
  })

  test.each([
    ['text/plain', 'text/plain'],
    ['a word', 'application/octet-stream'],
    ['', 'application/octet-stream'],
    [`text/${'x'.repeat(300)}`, 'application/octet-stream'],
  ])(
    'are of the type %j that they were sent with, if it is one, else of the one that was declared',
    async (sent, kept) => {
      const desk = await aLoose()
      await arrive(desk.loose, '', sent)
      await look(desk)
      const [file] = await listed(desk)
      expect(file.version).toMatchObject({ mediaType: kept, size: 0 })
      expect((await env.BUCKET.head(desk.loose.key))?.httpMetadata).toMatchObject({
        contentType: kept,
        contentDisposition: expect.stringContaining('walk.txt'),
      })
    },
  )

  test('are noticed by storage’s word of them, also where it comes twice and late', async () => {
    const desk = await aLoose({ bytes: HELLO })
    const { stagingKey, key } = desk.loose
    expect(await deliver([toldOf(stagingKey), toldOf(stagingKey)])).toEqual({
      acked: ['message-0', 'message-1'],
      retried: [],
    })
    const files = await listed(desk)
    expect(files).toMatchObject([{ version: { id: desk.loose.version } }])
    await arrive(desk.loose, 'later')
    // Of the copy there is word, too.
    await deliver([toldOf(key), toldOf(stagingKey)])
    expect(await listed(desk)).toEqual(files)
  })

  test('are noticed by the sweep, when their URL has expired; what never comes is given up', async () => {
    const [desk, other] = [await aLoose({ bytes: HELLO }), await aLoose()]
    await sweepAt(after(desk.loose.urlExpiresAt, 15 * MINUTE))
    expect(await listed(desk)).toMatchObject([{ version: { id: desk.loose.version } }])
    expect(await openUploads(other.study)).toHaveLength(1)
    await sweepAt(other.loose.expiresAt)
    expect([await openUploads(other.study), (await other.owner.get(other.path)).status]).toEqual([[], 404])
    expect((await outbox(other.study)).map(({ objectKey }) => objectKey)).toEqual(
      [other.loose.key, other.loose.stagingKey].toSorted(),
    )
  })

  test('stay what they were where the URL is used again, and what it brought is gone in the end', async () => {
    const desk = await aLoose({ bytes: HELLO })
    await look(desk)
    const files = await listed(desk)
    await arrive(desk.loose, 'HELLO AGAIN', 'text/html')
    await look(desk)
    expect(await listed(desk)).toEqual(files)
    expect(await textOf(files[0])).toBe(HELLO)
    const last = after(desk.loose.urlExpiresAt, DAY)
    for (const time of [new Date(), desk.loose.urlExpiresAt, last]) {
      await arrive(desk.loose, 'HELLO AGAIN')
      await sweepAt(time)
    }
    expect([await isThere(desk.loose.stagingKey), await outbox(desk.study)]).toEqual([false, []])
    expect(await textOf(files[0])).toBe(HELLO)
  })

  test('are those that were sent last, where nobody has looked in between', async () => {
    const desk = await aLoose({ bytes: HELLO })
    await arrive(desk.loose, 'the newest of all')
    await look(desk)
    const [file] = await listed(desk)
    expect([file.version.size, await textOf(file)]).toEqual([17, 'the newest of all'])
  })

  test('are looked for of one owner, of one of their files, or of everyone, by those who may', async () => {
    const study = await aStudy()
    const [ada, bob] = [await aParticipant(study), await aParticipant(study)]
    const desks = { ada: { study, owner: ada }, bob: { study, owner: bob } }
    const begun = [await beginLoose(desks.ada, 'a'), await beginLoose(desks.ada, 'b'), await beginLoose(desks.bob, 'a')]
    await Promise.all(begun.map(async (each) => arrive(each)))
    const looking = async (
      secret: string | undefined,
      of: { owner: ParticipantId | 'me' | undefined; handle?: string },
    ) => outcomeOf(settleArrived(await scopeOf({ secret }), idOf(study), of as Parameters<typeof settleArrived>[2]))
    const count = async () => [(await listed(desks.ada)).length, (await listed(desks.bob)).length]
    const [a, b] = [ada.id as ParticipantId, bob.id as ParticipantId]
    for (const [secret, of, outcome] of [
      [ada.key, { owner: b }, 'done'],
      [study.download.key, { owner: undefined }, 'done'],
      [study.staff.key, { owner: 'me' }, 'done'],
      [(await aStudy()).worker.key, { owner: undefined }, 'done'],
      [undefined, { owner: undefined }, 'done'],
      [`crl_${study.number}_${'A'.repeat(43)}`, { owner: undefined }, 'unauthenticated'],
    ] as const) {
      expect([await looking(secret, of), await count()]).toEqual([outcome, [0, 0]])
    }
    expect(await looking(ada.key, { owner: 'me', handle: 'b' })).toBe('done')
    expect(await count()).toEqual([1, 0])
    expect(await looking(study.staff.key, { owner: a, handle: 'a' })).toBe('done')
    expect(await count()).toEqual([2, 0])
    expect(await looking(study.worker.key, { owner: undefined })).toBe('done')
    expect(await count()).toEqual([2, 1])
  })

  test('that are too many for one round are found in the next, as long as all of a round have come', async () => {
    const desk = await aDesk()
    for (let i = 0; i < 22; i += 1) await arrive(await beginLoose(desk))
    await look(desk)
    expect(await listed(desk)).toHaveLength(22)

    const other = await aDesk()
    await arrive(await beginLoose(other))
    for (let i = 0; i < 20; i += 1) await beginLoose(other)
    await look(other)
    expect(await listed(other)).toEqual([])
  })
})

test('a look costs a trip and a HEAD of each, and one trip more for what has come', async () => {
  const desk = await aDesk()
  let newest = await beginLoose(desk)
  for (let i = 1; i < 25; i += 1) newest = await beginLoose(desk)
  const costOf = async () => {
    const { cost, bindings } = meteredBindings()
    await look(desk, { other: bindings })
    return cost
  }
  const first = await costOf()
  await arrive(newest)
  const second = await costOf()
  expect([first.trips, first.rows <= 28, first.r2]).toEqual([1, true, Array(20).fill('head')])
  expect([second.trips, second.r2.toSorted()]).toEqual([2, ['get', ...Array(20).fill('head'), 'put']])
})

describe('a replacement', () => {
  const finished = async (desk: LooseDesk) => {
    await look(desk)
    return listed(desk)
  }

  test.each(['keep', 'latest'])('leaves the old content readable until its own has come (%s)', async (retention) => {
    const desk = await aDesk({ retention })
    const first = await beginLoose(desk, 'diary')
    await arrive(first, 'first')
    const before = await finished(desk)
    const second = await beginLoose(desk, 'diary')
    expect(await finished(desk)).toEqual(before)
    expect(await textOf(before[0])).toBe('first')
    await arrive(second, 'second one')
    const [file] = await finished(desk)
    expect([file.id, file.version.id, await textOf(file)]).toEqual([first.file, second.version, 'second one'])
    await sweepAt(new Date())
    expect(await isThere(first.key)).toBe(retention === 'keep')
    expect((await usageOf(desk.study)).bytes).toBe(retention === 'keep' ? 15 : 10)
  })

  test.each(['keep', 'latest'])('that lands late takes nothing from a later one (%s)', async (retention) => {
    const desk = await aDesk({ retention })
    const [older, newer] = [await beginLoose(desk, 'diary'), await beginLoose(desk, 'diary')]
    await arrive(newer, 'newer')
    const files = await finished(desk)
    await arrive(older, 'the older')
    const [file] = await finished(desk)
    expect([file.version, file.name]).toEqual([files[0].version, files[0].name])
    const { items } = ok(await desk.owner.get(`${desk.study.path}/files/${file.id}/versions`))
    expect(items).toHaveLength(retention === 'keep' ? 2 : 1)
    expect((await usageOf(desk.study)).bytes).toBe(retention === 'keep' ? 14 : 5)
    expect(await openUploads(desk.study)).toEqual([])
  })
})

describe('bytes that cannot be taken', () => {
  test('wait while the study has no room for them, and keep nothing from anybody', async () => {
    const desk = await aDesk({ maxBytes: 20 })
    const [first, second] = [await beginLoose(desk), await beginLoose(desk)]
    await Promise.all([arrive(first), arrive(second)])
    expect(await outcomeOf(look(desk))).toBe('done')
    const [file] = await listed(desk)
    expect(await listed(desk)).toHaveLength(1)
    expect(await usageOf(desk.study)).toEqual({ bytes: 11, files: 2, documents: 0 })
    const [left] = [first, second].filter(({ file: id }) => id !== file.id)
    if (left === undefined) throw new Error('both were taken')
    // Storage is not told to say it again, and the sweep goes on to others.
    expect(await deliver([toldOf(left.stagingKey)])).toEqual({ acked: ['message-0'], retried: [] })
    await sweepAt(after(left.urlExpiresAt, 15 * MINUTE))
    expect(await openUploads(desk.study)).toMatchObject([{ id: left.id, dueAt: left.expiresAt.getTime() }])
    const refused = await desk.owner.post(`${desk.study.path}/uploads/${left.id}/complete`)
    expect([refused.status, refused.body.code]).toEqual([409, 'quota_exceeded'])

    expect((await desk.owner.delete(`${desk.study.path}/files/${file.id}`)).status).toBe(204)
    expect((await usageOf(desk.study)).bytes).toBe(0)
    await look(desk)
    expect(await listed(desk)).toMatchObject([{ id: left.file, version: { id: left.version } }])
    expect((await usageOf(desk.study)).bytes).toBe(11)
  })

  test('are given up when their time is over', async () => {
    const desk = await aLoose({ settings: { maxBytes: 5 }, bytes: HELLO })
    await look(desk)
    await sweepAt(desk.loose.expiresAt)
    await sweepAt(desk.loose.expiresAt)
    expect([await openUploads(desk.study), await usageOf(desk.study)]).toEqual([
      [],
      { bytes: 0, files: 0, documents: 0 },
    ])
    expect([await isThere(desk.loose.key), await isThere(desk.loose.stagingKey)]).toEqual([false, false])
  })

  test('are too large, which the client is told, and then sends others elsewhere', async () => {
    const desk = await aLoose({ bytes: HELLO })
    const { study, owner, loose } = desk
    const small = { MAX_FILE_BYTES: '10' }
    await look(desk, { other: small })
    await deliver([toldOf(loose.stagingKey)], small)
    expect([await listed(desk), await isThere(loose.key)]).toEqual([[], false])
    const at = `${study.path}/uploads/${loose.id}`
    const refused = await within(small, owner).post(`${at}/complete`)
    expect([refused.status, refused.body.code]).toEqual([422, 'file_too_large'])
    expect((await outbox(study)).map(({ objectKey }) => objectKey)).toEqual([loose.key, loose.stagingKey].toSorted())
    const { url } = ok(await owner.post(`${at}/url`))
    expect(url).not.toContain(loose.stagingKey)
    await look(desk)
    expect(await listed(desk)).toEqual([])
  })

  test('are those of who has withdrawn: nothing of theirs is written', async () => {
    const desk = await aLoose({ bytes: HELLO })
    const { study, owner, loose } = desk
    ok(await study.admin.patch(`${study.path}/participants/${owner.id}`, { status: 'withdrawn' }))
    await look(desk)
    await deliver([toldOf(loose.stagingKey)])
    await sweepAt(after(loose.urlExpiresAt, 15 * MINUTE))
    expect([(await study.admin.get(desk.path)).body.version, await usageOf(study)]).toEqual([
      null,
      { bytes: 0, files: 1, documents: 0 },
    ])
    expect(await outcomeOf(look(desk, { requiresActive: true }))).toBe('participant_withdrawn')
    expect((await anonymous.get(desk.path)).status).toBe(401)
  })
})
