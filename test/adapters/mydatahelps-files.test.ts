// MyDataHelps' downloads and deletions, by a key that is sent as it is.

import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import { aQueue, auditIdOf, recorded } from '../support/audit.ts'
import { anonymous, as } from '../support/client.ts'
import { within } from '../support/faults.ts'
import { asking, delegatedParticipant } from '../support/mydatahelps.ts'
import { arrive, begin, filesOf, linkTo, list, namesIn, OWN, upload } from '../support/mydatahelps-files.ts'
import { aFile, aParticipant, aStudy, HELLO, objectKeyOf, ok, type Participant, type Study } from '../support/world.ts'

let study: Study
let ada: Participant
let bob: Participant

beforeAll(async () => {
  study = await aStudy()
  ada = await aParticipant(study, { externalId: 'PT-123' })
  bob = await aParticipant(study)
})

describe('a download', () => {
  test('is a link that lives an hour, and says so', async () => {
    const key = await upload(ada, 'images', 'Kitty.jpg')
    const before = Math.floor(Date.now() / 1000)
    for (const { status, body } of [await linkTo(ada, key), await linkTo(study.worker, key, filesOf(study))]) {
      expect([status, Object.keys(body)]).toEqual([200, ['preSignedUrl']])
      const { searchParams } = new URL(body.preSignedUrl)
      expect(Number(searchParams.get('Expires')) - before).toBeGreaterThanOrEqual(3_600)
      expect(Number(searchParams.get('Expires')) - before).toBeLessThan(3_630)
      expect(searchParams.get('X-Amz-Expires')).toBe('3600')
      expect(searchParams.get('response-content-disposition')).toBe('inline; filename=Kitty.jpg')
    }
  })

  test('completes what has just arrived', async () => {
    const { preSignedUrl, key } = await begin(bob, 'a', 'quick.txt')
    await arrive(preSignedUrl)
    expect((await linkTo(study.worker, key, filesOf(study))).status).toBe(200)
    expect(await namesIn(bob, '?category=a')).toContain('quick.txt')
  })

  test('of what came by another door goes by its key too, whatever its handle', async () => {
    const participant = await aParticipant(study)
    for (const handle of ['plain', 'a/b', '100%25 & more', '50% #1+2?', '%', 'ends with a space ']) {
      const path = `${study.path}/participants/me/files/${encodeURIComponent(handle)}`
      const { upload: put } = ok(
        await participant.put(path, { name: 'x', mediaType: 'text/plain', size: HELLO.length }),
      )
      await env.BUCKET.put(objectKeyOf(put.url), HELLO)
      ok(await participant.post(`${study.path}/uploads/${put.id}/complete`))
      const [file] = await list(participant)
      const key = file?.key ?? ''
      for (const sent of [key, encodeURIComponent(key)]) {
        expect((await linkTo(participant, sent)).status, `${handle}: ${sent}`).toBe(200)
      }
    }
    const { id } = await aFile(participant, study)
    expect((await list(participant))[0]?.key).toBe(`${participant.id}/${id}`)
  })

  test('of a participant whose id has signs in it goes by the key', async () => {
    const odd = await aParticipant(study, { id: 'site/7&ä #1' })
    const key = await upload(odd, 'a', 'x.txt')
    for (const sent of [key, encodeURIComponent(key)]) {
      expect((await linkTo(odd, sent)).status, sent).toBe(200)
      expect((await linkTo(study.worker, sent, filesOf(study))).status, sent).toBe(200)
    }
  })

  test('is on record', async () => {
    const key = await upload(ada, 'images', 'recorded.jpg')
    await list(ada)
    const { JOBS, bring } = aQueue()
    const events = await recorded(study, async () => {
      ok(await linkTo(within({ JOBS }, study.worker), key, filesOf(study)))
      await bring()
    })
    expect(events).toEqual([expect.objectContaining({ door: 'mydatahelps', action: 'file.read', outcome: 'done' })])
  })

  test('of another’s that is refused is on record, with whose it is', async () => {
    const key = await upload(ada, 'images', 'wanted.jpg')
    const { JOBS, bring } = aQueue()
    const events = await recorded(study, async () => {
      await linkTo(within({ JOBS }, bob), key)
      await linkTo(within({ JOBS }, ada), `${ada.id}/images/none.jpg`)
      await bring()
    })
    expect(events).toEqual([
      expect.objectContaining({
        door: 'mydatahelps',
        action: 'access.deny',
        actor: `participant:${await auditIdOf(study, bob)}`,
        subject: await auditIdOf(study, ada),
      }),
    ])
  })

  test('of what the caller may not read is denied as what is not there', async () => {
    const theirs = await upload(ada, 'secret', 'diary.txt')
    await list(ada)
    const { id } = await aFile(ada, study, { name: 'private.txt' })
    const shared = ok(await ada.get(`${study.path}/files?category=secret`)).items[0].id
    ok(await ada.put(`${study.path}/files/${shared}/grants/participant:${bob.id}`, { level: 'content' }))
    const stranger = await aParticipant(await aStudy())
    const own = await upload(bob, 'own', 'x.txt')
    const absent = (await linkTo(bob, `${ada.id}/a/none.txt`)).body
    for (const answer of [
      await linkTo(bob, theirs),
      await linkTo(bob, `${ada.id}/${id}`),
      await linkTo(bob, theirs.replace(ada.id, bob.id)),
      // A key of another’s, though the handle is the caller’s own.
      await linkTo(bob, own.replace(bob.id, ada.id)),
      await bob.delete(`${OWN}?key=${own.replace(bob.id, ada.id)}`),
      await linkTo(stranger, theirs),
      await linkTo(study.worker, `${ada.id}/${id}`, filesOf(study)),
      await bob.delete(`${OWN}?key=${theirs}`),
      await bob.delete(`${OWN}?key=${ada.id}/${id}`),
    ]) {
      expect([answer.status, answer.body]).toEqual([404, { ...absent, requestId: expect.any(String) }])
    }
    expect(await namesIn(ada, '?category=secret')).toEqual(['diary.txt'])
  })

  const KEYS: [query: string, status: number][] = [
    ['', 400],
    ['?key', 400],
    ['?notkey=a/b', 400],
    ['?key=', 404],
    ['?key=undefined', 404],
    ['?key=nothing', 404],
    ['?key=/', 404],
    ['?key=%00/%00', 404],
    ['?key=me/fil_x', 404],
    ['?key=%FF/%FF%2F%E0%A4', 404],
    [`?key=${'a/'.repeat(3_000)}`, 404],
    ['?key=a/b&key=c/d&&&%%%', 404],
  ]
  test.each(KEYS)('with the query %.30s is refused', async (query, status) => {
    for (const answer of [
      await ada.get(`${OWN}/download${query}`),
      await study.admin.get(`${filesOf(study)}/download${query}`),
    ]) {
      expect(answer.status).toBe(status)
    }
  })
})

describe('a deletion', () => {
  test('is a participant’s own to make, once', async () => {
    const key = await upload(ada, 'gone', 'a b.jpg')
    await list(ada)
    const gone = await ada.delete(`${OWN}?key=${key}`)
    expect([gone.status, gone.text]).toEqual([204, ''])
    expect(await list(ada, '?category=gone')).toEqual([])
    for (const again of [await ada.delete(`${OWN}?key=${key}`), await linkTo(ada, key)]) {
      expect([again.status, again.body.code]).toEqual([404, 'file_not_found'])
    }
  })

  test('takes what was begun and has not come, and what comes later stays away', async () => {
    const { preSignedUrl, key } = await begin(ada, 'late', 'x.txt')
    expect((await ada.delete(`${OWN}?key=${key}`)).status).toBe(204)
    await arrive(preSignedUrl)
    expect(await list(ada, '?category=late')).toEqual([])
  })

  test('is a service account’s too', async () => {
    const key = await upload(ada, 'by-worker', 'x.txt')
    expect((await study.worker.delete(`${filesOf(study)}?key=${key}`)).status).toBe(204)
    expect(await list(ada, '?category=by-worker')).toEqual([])
  })

  test('is not for who may only read', async () => {
    const key = await upload(ada, 'kept', 'x.txt')
    const form = { ...delegatedParticipant(study.worker.key ?? '', ada.id), scope: 'Files:read' }
    const reader = as(ok(await asking(anonymous)(form)).access_token)
    expect((await linkTo(reader, key)).status).toBe(200)
    expect((await reader.delete(`${OWN}?key=${key}`)).status).toBe(403)
    expect(await namesIn(ada, '?category=kept')).toEqual(['x.txt'])
  })
})
