import { describe, expect, test } from 'vitest'
import { anonymous } from '../support/client.ts'
import { aFile, aParticipant, aStudy, begin, HELLO_MD5, put } from '../support/world.ts'

describe('a file', () => {
  test('goes in, and is read by its owner', async () => {
    const study = await aStudy()
    const participant = await aParticipant(study)
    const { file, upload } = await begin(participant, study, { md5: HELLO_MD5, tags: ['diary'] })
    expect(file).toMatchObject({ participant: participant.id, visibility: 'private', version: null, listedAt: null })

    await put(upload.url)
    const complete = await participant.post(`${study.path}/uploads/${upload.id}/complete`)
    expect(complete.status).toBe(200)
    expect(complete.body.version).toMatchObject({ size: 11, md5: HELLO_MD5, verified: 'storage' })

    const listed = await participant.get(`${study.path}/files?tag=diary`)
    expect(listed.body).toEqual({ items: [complete.body], nextCursor: null })
  })

  test('is not there for anybody else', async () => {
    const study = await aStudy()
    const [owner, other] = [await aParticipant(study), await aParticipant(study)]
    const { id } = await aFile(owner, study)
    expect((await anonymous.get(`${study.path}/files/${id}`)).status).toBe(401)
    for (const caller of [other, study.staff, study.worker, study.download]) {
      expect((await caller.get(`${study.path}/files/${id}`)).body.code).toBe('file_not_found')
    }
  })
})
