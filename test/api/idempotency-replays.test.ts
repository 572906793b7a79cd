import { env } from 'cloudflare:workers'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { openUploads } from '../support/bucket.ts'
import type { Caller } from '../support/client.ts'
import { aDesk, versionOf } from '../support/desk.ts'
import { disturbed, overriding, within } from '../support/faults.ts'
import { costOf } from '../support/meters.ts'
import { complete, report, send, urlsOf } from '../support/parts.ts'
import { expectProblem } from '../support/problems.ts'
import { aFile, aKey, aParticipant, aStudy, HELLO, ok, put } from '../support/world.ts'

// What the same request is answered, by what has become of the thing that the first one made, and of who asks.

const FILE = { name: 'hello.txt', mediaType: 'text/plain', size: HELLO.length }
const keyed = () => ({ 'Idempotency-Key': crypto.randomUUID() })

/** A way to begin one file again and again. */
async function aRepeatedBegin(file: object = {}) {
  const desk = await aDesk()
  const path = `${desk.study.path}/files`
  const header = keyed()
  const repeat = async (caller: Caller = desk.owner) => caller.post(path, { ...FILE, ...file }, header)
  return { ...desk, desk, path, header, repeat }
}

describe('a file that is begun again', () => {
  test('is the same file with a fresh URL, until its bytes are there', async () => {
    const { study, owner, at, repeat } = await aRepeatedBegin({ tags: ['diary'] })
    const first = ok(await repeat())
    const minute = 60_000
    await env.DB.prepare(
      'UPDATE uploads SET url_expires_at = url_expires_at - ?, due_at = due_at - ? WHERE study_id = ?',
    )
      .bind(minute, minute, study.id)
      .run()
    const again = ok(await repeat())
    expect(again.file).toEqual(first.file)
    expect(again.upload).toMatchObject({ id: first.upload.id, kind: 'single', expiresAt: first.upload.expiresAt })
    expect(again.upload.urlExpiresAt >= first.upload.urlExpiresAt).toBe(true)
    // What may write the object is known to live as long as the URL does.
    const [open] = await openUploads(study)
    expect(open?.dueAt).toBeGreaterThanOrEqual(Date.parse(again.upload.urlExpiresAt))

    await put(again.upload.url)
    const file = ok(await owner.post(`${at(first.upload)}/complete`))
    expect(ok(await repeat())).toEqual({ file, upload: { id: first.upload.id, kind: 'settled' } })
    expect(file.version.id).toBe(versionOf(first.upload))
  })

  test('is not there when it was abandoned or deleted, and is not begun anew', async () => {
    for (const gone of ['uploads', 'files']) {
      const { study, owner, repeat } = await aRepeatedBegin()
      const { file, upload } = ok(await repeat())
      const path = `${study.path}/${gone}/${gone === 'files' ? file.id : upload.id}`
      expect((await owner.delete(path)).status).toBe(204)
      expectProblem(await repeat(), 'file_not_found')
      expect(await openUploads(study)).toEqual([])
    }
  })

  test('opens its multipart upload where the first attempt died before it could, and tells of parts', async () => {
    const { desk, repeat } = await aRepeatedBegin({ upload: 'multipart' })
    const BUCKET = overriding(env.BUCKET, {
      createMultipartUpload: async () => {
        throw new Error('R2 is away.')
      },
    })
    expectProblem(await repeat(within({ BUCKET }, desk.owner)), 'overloaded')
    expect(await openUploads(desk.study)).toMatchObject([{ multipartId: null }])
    const again = ok(await repeat())
    expect(await openUploads(desk.study)).toMatchObject([{ id: again.upload.id, multipartId: expect.any(String) }])

    const [part] = await urlsOf(desk, again.upload, 1)
    const sent = await send(part)
    await report(desk, again.upload, sent)
    expect(ok(await repeat()).upload.parts).toEqual([{ ...sent, bytes: HELLO.length }])
    expect((await complete(desk, again.upload)).status).toBe(200)
  })

  test('answers in the same request when only the last of several answers was lost for good', async () => {
    const { study, owner, repeat } = await aRepeatedBegin()
    const { DB } = disturbed({ on: /INSERT INTO uploads/, loses: 3 })
    const answer = await repeat(within({ DB }, owner))
    expect([answer.status, answer.headers.get('Idempotency-Replayed')]).toEqual([201, 'true'])
    expect(await openUploads(study)).toHaveLength(1)
  })

  test('counts once against a limit, and is told of when the limit is reached', async () => {
    const { study, repeat } = await aRepeatedBegin()
    await env.DB.prepare('UPDATE studies SET max_files = 1 WHERE id = ?').bind(study.id).run()
    const first = ok(await repeat())
    expect(ok(await repeat()).file.id).toBe(first.file.id)
    const { files, bytes } = ok(await study.admin.get(study.path)).usage
    expect([files, bytes]).toEqual([1, HELLO.length])
  })

  test('is told of to the worker who began it for its owner, private as it is', async () => {
    const { study, owner, at } = await aDesk()
    const header = keyed()
    const repeat = async () => study.worker.post(`${study.path}/files`, { ...FILE, participant: owner.id }, header)
    const { file, upload } = ok(await repeat())
    expect((await study.worker.get(`${study.path}/files/${file.id}`)).status).toBe(404)
    expect(ok(await repeat()).upload.id).toBe(upload.id)
    await put(upload.url)
    ok(await study.worker.post(`${at(upload)}/complete`))
    expect(ok(await repeat()).upload.kind).toBe('settled')
  })

  test('costs no more trips the first time than without a key', async () => {
    const { owner, path } = await aRepeatedBegin()
    ok(await owner.get(`${path}?limit=1`))
    const plain = await costOf(owner, async (caller) => caller.post(path, FILE))
    const header = keyed()
    const first = await costOf(owner, async (caller) => caller.post(path, FILE, header))
    const again = await costOf(owner, async (caller) => caller.post(path, FILE, header))
    expect(plain.cost.asked.some(({ sql }) => sql.includes('idempotency_keys'))).toBe(false)
    expect([plain.cost.trips, first.cost.trips, again.cost.trips]).toEqual([1, 1, 4])
    expect(first.cost.rows - plain.cost.rows).toBeLessThanOrEqual(2)
  })
})

describe('who asks', () => {
  test('is the same participant by any of their keys, as long as it stands', async () => {
    const { study, owner, repeat } = await aRepeatedBegin()
    const phone = await aKey(study, { role: 'participant', participant: owner.id })
    const first = ok(await repeat())
    expect(ok(await repeat(phone)).file.id).toBe(first.file.id)
    ok(await owner.delete(`${study.path}/keys/self`))
    expectProblem(await repeat(), 'unauthenticated')
    expect(ok(await repeat(phone)).file.id).toBe(first.file.id)
  })

  test('has keys of their own: others of the study, and the same in another', async () => {
    const { study, path, header, repeat } = await aRepeatedBegin()
    const first = ok(await repeat())
    const other = await aParticipant(study)
    const theirs = await repeat(other)
    expect([theirs.status, theirs.headers.get('Idempotency-Replayed')]).toEqual([201, null])
    expect(theirs.body.file.id).not.toBe(first.file.id)

    const elsewhere = await aStudy()
    const stranger = await repeat(elsewhere.admin)
    expectProblem(stranger, 'study_not_found')
    const there = await elsewhere.admin.post(
      path.replace(study.id, elsewhere.id),
      { ...FILE, participant: null },
      header,
    )
    expect([there.status, there.headers.get('Idempotency-Replayed')]).toEqual([201, null])
  })

  test('is told why, having left the study', async () => {
    const { study, owner, repeat } = await aRepeatedBegin()
    ok(await repeat())
    ok(await study.admin.patch(`${study.path}/participants/${owner.id}`, { status: 'withdrawn' }))
    expectProblem(await repeat(), 'participant_withdrawn')
    expectProblem(await owner.post(`${study.path}/files`, FILE, keyed()), 'participant_withdrawn')
  })

  test('cannot use one key for two operations, nor for two places', async () => {
    const { study } = await aDesk()
    const header = keyed()
    ok(await study.admin.post(`${study.path}/participants`, { externalId: 'PT-9' }, header))
    const body = { role: 'staff', label: 'laptop' }
    expectProblem(await study.admin.post(`${study.path}/keys`, body, header), 'idempotency_key_reused')

    const codes = async (id: string) =>
      study.worker.post(`${study.path}/participants/${id}/enrolment-codes`, { label: 'phone' }, header)
    const [ada, bob] = [await aParticipant(study), await aParticipant(study)]
    ok(await codes(ada.id))
    expectProblem(await codes(bob.id), 'idempotency_key_reused')
    expect(ok(await study.worker.get(`${study.path}/participants/${bob.id}/enrolment-codes`)).items).toEqual([])
  })
})

describe('a repeated request', () => {
  test('to issue a key is answered though the key has expired since', async () => {
    const { study } = await aDesk()
    const header = keyed()
    const body = { role: 'staff', label: 'short', expiresAt: new Date(Date.now() + 400).toISOString() }
    const issue = async () => study.admin.post(`${study.path}/keys`, body, header)
    const first = ok(await issue())
    await wait(450)
    expect(ok(await issue())).toEqual({ ...first, secret: null })
  })

  test('to rotate a key is for that key: `self` is another one with another', async () => {
    const { study, owner } = await aDesk()
    const phone = await aKey(study, { role: 'participant', participant: owner.id })
    const header = keyed()
    const rotate = async (caller: Caller) => caller.post(`${study.path}/keys/self/rotate`, {}, header)
    const first = ok(await rotate(owner))
    expect(ok(await rotate(owner))).toEqual({ ...first, secret: null })
    expectProblem(await rotate(phone), 'idempotency_key_reused')
    expect(ok(await phone.get(`${study.path}/keys/self`)).revokedAt).toBeNull()
  })

  test('to add entries takes nothing back that was written since', async () => {
    const { study, owner } = await aDesk()
    const path = `${study.path}/participants/me/reports/steps`
    const header = keyed()
    const entries = [{ at: '2026-11-20', data: 1 }]
    const add = async () => owner.post(`${path}/entries`, { entries }, header)
    ok(await add())
    ok(await owner.put(`${path}/entries/2026-11-20`, 2))
    expect(ok(await add()).entries).toBe(1)
    expect((await owner.get(`${path}/entries/2026-11-20`)).text).toBe('2')
    expect((await owner.delete(path)).status).toBe(204)
    expectProblem(await add(), 'report_not_found')
  })

  test('for a link tells of it while its file may be seen', async () => {
    const { study, owner } = await aDesk()
    const file = await aFile(owner, study, { visibility: 'study' })
    const path = `${study.path}/files/${file.id}`
    const header = keyed()
    const issue = async () => study.staff.post(`${path}/download-tokens`, { seconds: 600 }, header)
    const first = ok(await issue())
    expect(ok(await issue())).toEqual({ ...first, url: null })
    ok(await owner.patch(path, { visibility: 'private' }))
    expectProblem(await issue(), 'file_not_found')
  })

  test('for what is gone makes no other', async () => {
    const { study } = await aDesk()
    const header = keyed()
    const body = { issuer: 'https://login.example.org/', subject: 'user-7', role: 'staff' }
    const add = async () => study.admin.post(`${study.path}/members`, body, header)
    const { id } = ok(await add())
    expect((await study.admin.delete(`${study.path}/members/${id}`)).status).toBe(204)
    expectProblem(await add(), 'member_not_found')
    expect(ok(await study.admin.get(`${study.path}/members`)).items).toEqual([])
  })

  test('is known again when the server signs with a new key, as long as the old one is kept', async () => {
    const { owner, repeat } = await aRepeatedBegin()
    const first = ok(await repeat())
    const TOKEN_KEYS = `2:${'y'.repeat(42)}A`
    expect(ok(await repeat(within({ TOKEN_KEYS: `${TOKEN_KEYS},${env.TOKEN_KEYS}` }, owner))).file.id).toBe(
      first.file.id,
    )
    expectProblem(await repeat(within({ TOKEN_KEYS }, owner)), 'idempotency_key_reused')
  })

  test('is the same to the byte, or it is another one', async () => {
    const { owner, path, header } = await aRepeatedBegin()
    const json = { 'Content-Type': 'application/json', ...header }
    const body = JSON.stringify(FILE)
    const first = ok(await owner.post(path, body, json))
    expect(ok(await owner.post(path, body, json)).file.id).toBe(first.file.id)
    expectProblem(await owner.post(path, `${body} `, json), 'idempotency_key_reused')
    expectProblem(await owner.post(path, { ...FILE, size: -1 }, header), 'invalid_body')
  })
})
