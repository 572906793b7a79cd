import { describe, expect, test } from 'vitest'
import { openUploads } from '../support/bucket.ts'
import { anonymous } from '../support/client.ts'
import { aDesk } from '../support/desk.ts'
import { aFile, aParticipant, begin, put } from '../support/world.ts'

describe('who may go on with an upload', () => {
  test('to a private file: its owner, and nobody else', async () => {
    const { study, owner, at } = await aDesk()
    const other = await aParticipant(study)
    const { upload } = await begin(owner, study)
    await put(upload.url)
    for (const caller of [other, study.staff, study.worker, study.admin, study.download]) {
      for (const step of ['complete', 'url']) {
        const refused = await caller.post(`${at(upload)}/${step}`)
        expect([refused.status, refused.body.code]).toEqual([404, 'upload_not_found'])
      }
      expect((await caller.get(at(upload))).status).toBe(404)
      expect((await caller.delete(at(upload))).status).toBe(404)
    }
    expect((await anonymous.post(`${at(upload)}/complete`)).status).toBe(401)
    expect((await owner.post(`${at(upload)}/complete`)).status).toBe(200)
    for (const caller of [other, study.worker]) {
      expect((await caller.post(`${at(upload)}/complete`)).body.code).toBe('upload_not_found')
    }
  })

  test('to a file that the team sees: its owner, workers and admins, but not staff', async () => {
    const { study, owner, at } = await aDesk()
    for (const [caller, status] of [
      [study.worker, 200],
      [study.admin, 200],
      [study.staff, 404],
    ] as const) {
      const { upload } = await begin(owner, study, { visibility: 'study' })
      await put(upload.url)
      expect((await caller.post(`${at(upload)}/complete`)).status).toBe(status)
    }
  })

  test("to the study's own file: staff, workers and admins", async () => {
    const { study, owner, at } = await aDesk()
    for (const caller of [study.staff, study.worker, study.admin]) {
      const { upload } = await begin(study.admin, study, { participant: null })
      await put(upload.url)
      expect((await owner.post(`${at(upload)}/complete`)).body.code).toBe('upload_not_found')
      expect((await caller.post(`${at(upload)}/complete`)).status).toBe(200)
      expect((await caller.post(`${at(upload)}/complete`)).status).toBe(200)
    }
  })

  test('that a worker began for a participant: both', async () => {
    const { study, owner, at } = await aDesk()
    for (const caller of [study.worker, owner]) {
      const { upload } = await begin(study.worker, study, { participant: owner.id })
      await put(upload.url)
      expect((await caller.post(`${at(upload)}/complete`)).body).toMatchObject({
        participant: owner.id,
        visibility: 'private',
      })
    }
  })

  test('of a participant who has withdrawn: nobody, and nothing becomes visible', async () => {
    const { study, owner, at } = await aDesk()
    const { file, upload } = await begin(owner, study, { visibility: 'study' })
    await put(upload.url)
    await study.admin.patch(`${study.path}/participants/${owner.id}`, { status: 'withdrawn' })
    for (const [caller, code] of [
      [owner, 'participant_withdrawn'],
      [study.worker, 'upload_not_found'],
      [study.admin, 'upload_not_found'],
    ] as const) {
      expect((await caller.post(`${at(upload)}/complete`)).body.code).toBe(code)
      expect((await caller.post(`${at(upload)}/url`)).body.code).toBe(code)
      expect((await caller.get(at(upload))).body.code).toBe(code)
    }
    expect((await study.worker.get(`${study.path}/files/${file.id}`)).body.version).toBeNull()
    const begun = await owner.post(`${study.path}/files`, { name: 'a', mediaType: 'text/plain', size: 1 })
    expect([begun.status, begun.body.code]).toEqual([403, 'participant_withdrawn'])
  })

  test('of another study: nobody, by its file, its upload or its version', async () => {
    const [here, there] = [await aDesk(), await aDesk()]
    const { upload } = await begin(there.owner, there.study, { visibility: 'study' })
    await put(upload.url)
    const file = await aFile(there.owner, there.study, { visibility: 'study' })
    for (const caller of [here.owner, here.study.worker, here.study.admin]) {
      expect((await caller.post(`${here.at(upload)}/complete`)).body.code).toBe('upload_not_found')
      expect((await caller.post(`${there.at(upload)}/complete`)).body.code).toBe('study_not_found')
      expect((await caller.get(`${here.study.path}/files/${file.id}`)).body.code).toBe('file_not_found')
      expect((await caller.patch(`${here.study.path}/files/${file.id}`, { name: 'b' })).body.code).toBe(
        'file_not_found',
      )
      expect((await caller.delete(`${here.study.path}/files/${file.id}`)).body.code).toBe('file_not_found')
      const own = await aFile(here.owner, here.study, { visibility: 'study' })
      const mixed = await caller.get(`${here.study.path}/files/${own.id}/versions/${file.version.id}`)
      expect(mixed.body.code).toBe('version_not_found')
    }
    expect(await openUploads(there.study)).toHaveLength(1)
  })
})

test('a file is begun for somebody who is named, by those who are nobody themselves', async () => {
  const { study } = await aDesk()
  for (const caller of [study.staff, study.worker, study.admin]) {
    const { status, body } = await caller.post(`${study.path}/files`, { name: 'a', mediaType: 'text/plain', size: 1 })
    expect([status, body.code]).toEqual([422, 'invalid_body'])
    const message = "Say whose the file is, or null for the study's own."
    expect(body.errors).toEqual([{ pointer: '/participant', message }])
  }
})
