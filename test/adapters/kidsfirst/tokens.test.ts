import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { createDownloadKey, deleteDownloadKey, listDownloadKeys } from '../../../src/domain/download-keys.ts'
import { issueDownloadToken } from '../../../src/domain/downloads.ts'
import type { File } from '../../../src/model/entities.ts'
import { aQueue, recorded } from '../../support/audit.ts'
import { type Answer, anonymous, as, operator } from '../../support/client.ts'
import { disturbed, within } from '../../support/faults.ts'
import { aDevToken, pathOf, tokenMaker, withToken } from '../../support/kidsfirst.ts'
import { costOf } from '../../support/meters.ts'
import { idOf, outcomeOf, scopeOf } from '../../support/scopes.ts'
import { saidToBe } from '../../support/tokens.ts'
import { receive } from '../../support/versions.ts'
import { aFile, aParticipant, aStudy, HELLO, ok, type Participant, type Study } from '../../support/world.ts'

const NOT_AUTHORIZED = [401, 'Not authorized to download the file'] as const
/** Where the operator's own are. */
const NO_STUDY = { id: '' }

let study: Study
let other: Study
let participant: Participant
let file: File
let otherFile: File
let privateFile: { number: number; id: string }
let path: string

beforeAll(async () => {
  study = await aStudy({ allowPublic: true })
  other = await aStudy()
  participant = await aParticipant(study)
  file = (await receive(study)).file
  otherFile = (await receive(other)).file
  privateFile = await aFile(participant, study)
  path = pathOf(study, file)
})

const told = ({ status, text }: Answer) => [status, text]
let names = 0
const aName = () => `token ${(names += 1)}`

const list = async (of: Study | undefined) => {
  const maker = await tokenMaker(of)
  return listDownloadKeys(maker.scope, maker.study)
}
const remove = async (of: Study | undefined, name: string) => {
  const maker = await tokenMaker(of)
  return deleteDownloadKey(maker.scope, maker.study, name)
}

describe("a developer's token", () => {
  test.each([
    ['a study', (): Study | undefined => study],
    ['all studies', () => undefined],
  ])('of %s downloads as often as it is shown, in the query or the header', async (_, of) => {
    const token = await aDevToken(of(), aName())
    for (const shown of [`${path}?token=${token}`, `${path}?token=${token}`]) {
      expect(told(await anonymous.get(shown))).toEqual([200, HELLO])
      expect(told(await anonymous.get(path, withToken(token)))).toEqual([200, HELLO])
    }
    expect(told(await as(token).get(path))).toEqual([200, HELLO])
    const missing = await anonymous.get(`${pathOf(study, { number: file.number + 1_000_000 })}?token=${token}`)
    expect(told(missing)).toEqual([404, 'No file exists with given ID'])
  })

  test('of a study opens that study, and one of all of them each', async () => {
    const [ofOne, ofAll] = [await aDevToken(study, aName()), await aDevToken(undefined, aName())]
    const there = pathOf(other, otherFile)
    expect(told(await anonymous.get(`${there}?token=${ofOne}`))).toEqual(NOT_AUTHORIZED)
    expect(told(await anonymous.get(`${there}?token=${ofAll}`))).toEqual([200, HELLO])
    expect(ofAll).toMatch(/^crl_0_[\w-]{43}$/)
    expect(told(await anonymous.get(`${pathOf(study, otherFile)}?token=${ofAll}`))).toEqual([
      404,
      'No file exists for given ID and study',
    ])
    expect(told(await anonymous.get(`${pathOf({ id: 'nowhere' }, file)}?token=${ofAll}`))).toEqual(NOT_AUTHORIZED)
  })

  test('opens what the team may read, and nothing that is private', async () => {
    for (const token of [await aDevToken(study, aName()), await aDevToken(undefined, aName())]) {
      const shared = await aFile(participant, study, { visibility: 'study' })
      expect(told(await anonymous.get(`${pathOf(study, shared)}?token=${token}`))).toEqual([200, HELLO])
      const hidden = await anonymous.get(`${pathOf(study, privateFile)}?token=${token}`)
      expect(told(hidden)).toEqual([404, 'No file exists with given ID'])
    }
  })

  test('makes no URL, and is the only key that is taken for one', async () => {
    const token = await aDevToken(undefined, aName())
    const refused = [404, 'Not authenticated to generate a url.']
    expect(told(await anonymous.get(path.replace('/download', '/signed-url'), withToken(token)))).toEqual(refused)
    expect(told(await as(token).get(path.replace('/download', '/signed-url')))).toEqual(refused)
    for (const { key = '' } of [study.admin, study.staff, participant, operator]) {
      expect(told(await anonymous.get(`${path}?token=${encodeURIComponent(key)}`))).toEqual(NOT_AUTHORIZED)
    }
    // What a bearer lets in is not kept out by a token that is none.
    expect(told(await study.staff.get(`${path}?token=${study.admin.key}`))).toEqual([200, HELLO])
  })

  test('of all studies is natively what a download key of the study would be', async () => {
    const key = as(await aDevToken(undefined, aName()))
    const content = `${study.path}/files/${file.id}/content?delivery=stream`
    expect(told(await key.get(content))).toEqual([200, HELLO])
    const link = `${study.path}/files/${file.id}/download-tokens`
    for (const [asked, status, code] of [
      [key.get(`${study.path}/files/${privateFile.id}`), 404, 'file_not_found'],
      [key.get(`${study.path}/files`), 403, 'forbidden'],
      [key.get(study.path), 403, 'forbidden'],
      [key.get('/v1/studies'), 403, 'forbidden'],
      [key.get('/v1/studies/nowhere'), 404, 'study_not_found'],
      [key.post(link, {}), 403, 'forbidden'],
      [key.get(`${study.path}/keys/self`), 404, 'key_not_found'],
      [key.post(`${study.path}/keys/self/rotate`, {}), 404, 'key_not_found'],
      [key.delete(`${study.path}/keys/self`), 404, 'key_not_found'],
    ] as const) {
      const answer = await asked
      expect([answer.status, answer.body.code]).toEqual([status, code])
    }
    const scope = await scopeOf({ secret: key.key })
    const wanted = { file: file.id, version: null, delivery: 'stream', confirm: false, seconds: 60 } as const
    expect(await outcomeOf(issueDownloadToken(scope, idOf(study), wanted))).toBe('forbidden')
  })

  test('ends with the next request after it is deleted, wherever it is shown', async () => {
    for (const of of [study, undefined]) {
      const name = aName()
      const token = await aDevToken(of, name)
      expect((await anonymous.get(`${path}?token=${token}`)).status).toBe(200)
      await remove(of, name)
      expect(told(await anonymous.get(`${path}?token=${token}`))).toEqual(NOT_AUTHORIZED)
      expect(told(await as(token).get(path))).toEqual(NOT_AUTHORIZED)
      expect((await as(token).get(`${study.path}/files/${file.id}`)).status).toBe(401)
      expect(await outcomeOf(remove(of, name))).toBe('key_not_found')
    }
  })

  test('of all studies opens none that is being erased, and goes with none', async () => {
    const doomed = await aStudy()
    const { file: theirs } = await receive(doomed)
    const token = await aDevToken(undefined, aName())
    expect((await anonymous.get(`${pathOf(doomed, theirs)}?token=${token}`)).status).toBe(200)
    ok(await operator.delete(doomed.path))
    expect(told(await anonymous.get(`${pathOf(doomed, theirs)}?token=${token}`))).toEqual(NOT_AUTHORIZED)
    expect((await anonymous.get(`${path}?token=${token}`)).status).toBe(200)
  })

  test('costs one trip, however often', async () => {
    for (const token of [await aDevToken(study, aName()), await aDevToken(undefined, aName())]) {
      ok(await anonymous.get(`${path}?token=${token}`))
      const { cost, answer } = await costOf(anonymous, async (caller) => caller.get(`${path}?token=${token}`))
      expect([answer.status, cost]).toMatchObject([200, { trips: 1, r2: ['get'], kv: [] }])
      expect(cost.rows).toBeLessThanOrEqual(5)
    }
  })
})

describe('developer tokens', () => {
  test('go by their names, which those that stand have to themselves', async () => {
    for (const of of [study, undefined]) {
      const name = aName()
      await aDevToken(of, name)
      await expect(aDevToken(of, name)).rejects.toMatchObject({ code: 'key_name_taken' })
      const both = await Promise.allSettled([1, 2].map(async () => aDevToken(of, `${name} twice`)))
      expect(both.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
      await remove(of, name)
      await aDevToken(of, name)
      expect((await list(of)).filter(({ label }) => label === name)).toHaveLength(1)
    }
    // Each study has its own.
    const name = aName()
    await Promise.all([study, other, undefined].map(async (of) => aDevToken(of, name)))
  })

  test.each(['', 'x'.repeat(101), 'a\nb', '\uD800'])('are not called %j', async (name) => {
    await expect(aDevToken(study, name)).rejects.toMatchObject({ code: 'invalid_body' })
  })

  test('are listed by name, with when they were used and by whom they were made, and never in full', async () => {
    const own = await aStudy()
    const [used] = [await aDevToken(own, 'zeta'), await aDevToken(own, 'Ä 1'), await aDevToken(own, 'x'.repeat(100))]
    const { file: theirs } = await receive(own)
    ok(await anonymous.get(`${pathOf(own, theirs)}?token=${used}`))
    const listed = await list(own)
    const key = { study: own.id, role: 'download', participant: null, member: null, revokedAt: null, expiresAt: null }
    expect(listed.filter(({ label }) => label !== 'test')).toMatchObject([
      { ...key, label: 'x'.repeat(100), lastUsedAt: null },
      {
        ...key,
        label: 'zeta',
        lastUsedAt: expect.any(Date),
        hint: used.slice(-4),
        issuedBy: expect.stringMatching(/^key:/),
      },
      { ...key, label: 'Ä 1', lastUsedAt: null },
    ])
    // A native key for downloads is one, too.
    expect(listed.filter(({ label }) => label === 'test')).toHaveLength(1)
    expect(JSON.stringify(listed)).not.toContain(used.slice(0, -4))
  })

  test('that share a name, as natively they may, go together', async () => {
    const issue = async () =>
      ok(await study.admin.post(`${study.path}/keys`, { role: 'download', label: 'shared' })).secret
    const secrets = [await issue(), await issue()]
    await expect(aDevToken(study, 'shared')).rejects.toMatchObject({ code: 'key_name_taken' })
    const events = await recorded(study, async () => remove(study, 'shared'))
    expect(events.map(({ action }) => action)).toEqual(['key.revoke', 'key.revoke'])
    for (const secret of secrets) expect(told(await anonymous.get(`${path}?token=${secret}`))).toEqual(NOT_AUTHORIZED)
  })

  test('end with their name also where they were rotated, and the one before goes on for a while', async () => {
    const name = aName()
    const before = await aDevToken(study, name)
    const { secret } = ok(await as(before).post(`/v1/studies/${study.id}/keys/self/rotate`, { graceSeconds: 3_600 }))
    for (const token of [before, secret]) expect((await anonymous.get(path, withToken(token))).status).toBe(200)
    await remove(study, name)
    for (const token of [before, secret]) expect((await anonymous.get(path, withToken(token))).status).toBe(401)
    await expect(remove(study, name)).rejects.toMatchObject({ code: 'key_not_found' })
  })

  test('note their last use to the hour', async () => {
    const token = await aDevToken(undefined, aName())
    const hint = token.slice(-4)
    const usedAt = async () => (await list(undefined)).find((key) => key.hint === hint)?.lastUsedAt?.getTime()
    expect(await usedAt()).toBeUndefined()
    ok(await anonymous.get(`${path}?token=${token}`))
    const first = await usedAt()
    expect(Math.abs(Date.now() - (first ?? 0))).toBeLessThan(60_000)
    ok(await anonymous.get(`${path}?token=${token}`))
    expect(await usedAt()).toBe(first)
    await env.DB.prepare("UPDATE api_keys SET last_used_at = 1 WHERE study_id = '' AND hint = ?").bind(hint).run()
    ok(await anonymous.get(`${path}?token=${token}`))
    expect(await usedAt()).toBeGreaterThan(1)
  })

  test('are made, listed and deleted by admins and the operator, and those of all studies by the operator alone', async () => {
    const admin = await tokenMaker(study)
    const anyOf = async (scope: typeof admin.scope, of: typeof admin.study) => [
      await outcomeOf(createDownloadKey(scope, of, aName())),
      await outcomeOf(listDownloadKeys(scope, of)),
      await outcomeOf(deleteDownloadKey(scope, of, 'no such name')),
    ]
    const done = ['done', 'done', 'key_not_found']
    expect(await anyOf(admin.scope, idOf(study))).toEqual(done)
    expect(await anyOf((await tokenMaker(undefined)).scope, idOf(study))).toEqual(done)
    expect(await anyOf((await tokenMaker(undefined)).scope, undefined)).toEqual(done)
    for (const caller of [study.staff, study.worker, study.download, participant]) {
      const scope = await scopeOf({ secret: caller.key, door: 'kidsfirst' })
      expect(await anyOf(scope, idOf(study))).toEqual(['forbidden', 'forbidden', 'forbidden'])
    }
    const ofAll = await scopeOf({ secret: await aDevToken(undefined, aName()), door: 'kidsfirst' })
    expect(await anyOf(ofAll, idOf(study))).toEqual(['forbidden', 'forbidden', 'forbidden'])
    for (const scope of [admin.scope, ofAll]) {
      expect(await anyOf(scope, undefined)).toEqual(['study_not_found', 'study_not_found', 'study_not_found'])
    }
    expect(await anyOf(await scopeOf(), undefined)).toEqual(['unauthenticated', 'unauthenticated', 'unauthenticated'])
    expect((await (await saidToBe('robin', { roles: ['ADMIN'] })).get('/v1/studies')).status).toBe(403)
  })

  test('are made once, though the answer of D1 was lost', async () => {
    for (const of of [study, undefined]) {
      const { scope, study: where } = await tokenMaker(of)
      const { DB, seen } = disturbed({ on: /INSERT INTO api_keys/, loses: true })
      const { stores } = await scopeOf({ other: { DB } })
      const name = aName()
      const { key, secret } = await createDownloadKey({ ...scope, stores }, where, name)
      expect([seen.times, key.label]).toEqual([2, name])
      expect(told(await anonymous.get(`${path}?token=${secret}`))).toEqual([200, HELLO])
    }
  })

  test('are on record: where they were made and ended, and each use where the file is', async () => {
    const { JOBS, bring } = aQueue()
    for (const of of [study, undefined]) {
      const name = aName()
      let id = ''
      const events = await recorded(of ?? NO_STUDY, async () => {
        const { scope, study: where } = await tokenMaker(of)
        id = (await createDownloadKey(scope, where, name)).key.id
        await remove(of, name)
      })
      const actor = of === undefined ? 'operator' : expect.stringMatching(/^key:/)
      expect(events).toMatchObject([
        { action: 'key.issue', door: 'kidsfirst', actor, object: id },
        { action: 'key.revoke', door: 'kidsfirst', actor, object: id },
      ])
    }
    const { scope } = await tokenMaker(undefined)
    const { key, secret } = await createDownloadKey(scope, undefined, aName())
    const uses = await recorded(study, async () => {
      await within({ JOBS }, anonymous).get(`${path}?token=${secret}`)
      await bring()
    })
    expect(uses).toMatchObject([{ action: 'file.read', actor: `key:${key.id}`, through: key.id, door: 'kidsfirst' }])
    const { items } = ok(await study.admin.get(`${study.path}/audit?actor=key:${key.id}`))
    expect(items).toMatchObject([{ action: 'file.read' }])
  })
})
