import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { isThere } from '../support/bucket.ts'
import { anonymous } from '../support/client.ts'
import { aDesk } from '../support/desk.ts'
import { sweepAt } from '../support/faults.ts'
import { aFile, aParticipant, begin, objectKeyOf, put } from '../support/world.ts'

/** A desk with one complete file. */
async function aFiledDesk(settings: object = {}, file: object = {}) {
  const desk = await aDesk(settings)
  const filed = await aFile(desk.owner, desk.study, file)
  return { ...desk, file: filed, path: `${desk.study.path}/files/${filed.id}` }
}

test('a name that is changed before the bytes have come stays, and is found', async () => {
  const { owner, study } = await aDesk()
  const { file, upload } = await begin(owner, study, { name: 'notes.txt' })
  await owner.patch(`${study.path}/files/${file.id}`, { name: 'renamed.txt', title: 'Week one' })
  await put(upload.url)
  const completed = await owner.post(`${study.path}/uploads/${upload.id}/complete`)
  expect(completed.body).toMatchObject({ name: 'renamed.txt', title: 'Week one', version: { name: 'notes.txt' } })
  expect((await owner.get(`${study.path}/files?q=renamed`)).body.items).toHaveLength(1)
  expect((await owner.get(`${study.path}/files?q=notes`)).body.items).toEqual([])
})

describe('an ETag', () => {
  test('changes with every edit, and spares a reader what it has', async () => {
    const { owner, path, file } = await aFiledDesk()
    const read = await owner.get(path)
    const etag = read.headers.get('ETag') ?? ''
    for (const known of [etag, `W/${etag}`, `"r0", ${etag}`, '*']) {
      const again = await owner.get(path, { 'If-None-Match': known })
      expect([again.status, again.text, again.headers.get('ETag')]).toEqual([304, '', etag])
    }
    const edited = await owner.patch(path, { title: 'Week one' })
    expect(edited.body).toEqual({ ...file, title: 'Week one', updatedAt: edited.body.updatedAt })
    expect(edited.headers.get('ETag')).not.toBe(etag)
    expect((await owner.get(path, { 'If-None-Match': etag })).body.title).toBe('Week one')
  })

  test('keeps two editors from overwriting each other', async () => {
    const { owner, path } = await aFiledDesk()
    const etag = (await owner.get(path)).headers.get('ETag') ?? ''
    const both = await Promise.all(
      ['one', 'two'].map(async (title) => owner.patch(path, { title }, { 'If-Match': etag })),
    )
    const [won, lost] = both.toSorted((a, b) => a.status - b.status)
    expect([won?.status, lost?.status]).toEqual([200, 412])
    expect((await owner.get(path)).body).toEqual(won?.body)
    expect((await owner.delete(path, { 'If-Match': etag })).body.code).toBe('revision_mismatch')
    expect((await owner.patch(path, { title: 'any' }, { 'If-Match': '*' })).status).toBe(200)
    expect((await owner.delete(path, { 'If-Match': '*' })).status).toBe(204)
    expect((await owner.patch(path, { title: 'any' }, { 'If-Match': '*' })).status).toBe(404)
  })

  test('is what it was when something on the way has packed the answer, and made it a weak one', async () => {
    const { owner, path } = await aFiledDesk()
    const etag = (await owner.get(path)).headers.get('ETag') ?? ''
    expect((await owner.patch(path, { title: 'one' }, { 'If-Match': `W/${etag}` })).status).toBe(200)
    expect((await owner.patch(path, { title: 'two' }, { 'If-Match': `W/${etag}` })).body.code).toBe('revision_mismatch')
    for (const other of [`w/${etag}`, `W/ ${etag}`, `W/W/${etag}`, `${etag}, ${etag}`, 'W/*']) {
      expect((await owner.patch(path, { title: 'two' }, { 'If-Match': other })).status).toBe(400)
    }
    expect((await owner.get(path)).body.title).toBe('one')
  })

  test('of a file that is deleted at the revision that was read', async () => {
    const { owner, path } = await aFiledDesk()
    const etag = (await owner.get(path)).headers.get('ETag') ?? ''
    expect((await owner.delete(path, { 'If-Match': etag })).status).toBe(204)
    expect((await owner.get(path)).status).toBe(404)
  })
})

describe('editing a file', () => {
  test('changes what is said, and leaves the rest', async () => {
    const said = { title: 'a', description: 'b\nc', category: 'd', source: 'e', tags: ['f'], metadata: { g: [1] } }
    const { owner, path, file } = await aFiledDesk({}, said)
    const { body } = await owner.patch(path, { title: null, tags: [], metadata: { h: null } })
    expect(body).toEqual({ ...file, title: null, tags: [], metadata: { h: null }, updatedAt: body.updatedAt })
    const cleared = await owner.patch(path, { metadata: null })
    expect(cleared.body.metadata).toBeNull()
    expect((await owner.get(path)).body).toEqual(cleared.body)
  })

  test('is for those who may replace it', async () => {
    const { study, owner, path } = await aFiledDesk({}, { visibility: 'study' })
    const other = await aParticipant(study)
    const edit = async (caller: typeof study.staff) => (await caller.patch(path, { title: 'a' })).status
    expect(await edit(other)).toBe(404)
    expect(await edit(study.staff)).toBe(403)
    for (const caller of [owner, study.worker, study.admin]) {
      expect((await caller.patch(path, { title: 'b' })).status).toBe(200)
    }
    expect((await study.download.patch(path, { title: 'a' })).status).toBe(403)
    expect((await anonymous.patch(path, { title: 'a' })).status).toBe(401)
  })

  test('of what a withdrawn participant owns is for nobody, and reading is as before', async () => {
    const { study, owner, path, file } = await aFiledDesk({}, { visibility: 'study' })
    await study.admin.patch(`${study.path}/participants/${owner.id}`, { status: 'withdrawn' })
    for (const caller of [owner, study.worker, study.admin]) {
      for (const refused of [await caller.patch(path, { title: 'a' }), await caller.delete(path)]) {
        expect([refused.status, refused.body.code]).toEqual([403, 'participant_withdrawn'])
      }
      expect((await caller.get(path)).body).toEqual(file)
    }
  })
})

describe('visibility', () => {
  test('is set by the owner, or by an admin of a file that the team sees', async () => {
    const { study, owner, path } = await aFiledDesk()
    expect((await study.admin.patch(path, { visibility: 'study' })).body.code).toBe('forbidden')
    expect((await owner.patch(path, { visibility: 'study' })).body.visibility).toBe('study')
    expect((await study.worker.patch(path, { visibility: 'study' })).body.code).toBe('forbidden')
    expect((await study.admin.patch(path, { visibility: 'private' })).status).toBe(200)
    expect((await study.worker.get(path)).status).toBe(404)
  })

  test("of the study's own file is never private", async () => {
    const { study } = await aDesk()
    const { file } = await begin(study.worker, study, { participant: null, visibility: 'private' })
    expect(file).toMatchObject({ participant: null, visibility: 'study' })
    const refused = await study.admin.patch(`${study.path}/files/${file.id}`, { visibility: 'private' })
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/visibility'])
  })

  test('is public only where the study allows it', async () => {
    const { study, owner, path } = await aFiledDesk()
    const refused = await owner.patch(path, { visibility: 'public' })
    expect([refused.status, refused.body.code]).toEqual([409, 'public_not_allowed'])
    const begun = await owner.post(`${study.path}/files`, {
      name: 'a',
      mediaType: 'text/plain',
      size: 1,
      visibility: 'public',
    })
    expect(begun.body.code).toBe('public_not_allowed')
    await study.admin.patch(study.path, { settings: { allowPublic: true } })
    expect((await owner.patch(path, { visibility: 'public' })).body.visibility).toBe('public')
    expect((await anonymous.get(path)).status).toBe(200)
  })

  test('of public files is the study’s again when the study stops allowing them', async () => {
    const { study, owner, path, file } = await aFiledDesk({ allowPublic: true }, { visibility: 'public' })
    const other = await aParticipant(study)
    const content = `${path}/content?delivery=stream`
    for (const caller of [anonymous, other]) expect((await caller.get(content)).status).toBe(200)

    await study.admin.patch(study.path, { settings: { allowPublic: false } })
    for (const asked of [path, content, `${path}/versions`, `${path}/versions/${file.version.id}`]) {
      expect((await anonymous.get(asked)).status).toBe(401)
      expect((await other.get(asked)).status).toBe(404)
      expect((await study.staff.get(asked)).status).toBe(200)
    }
    expect((await owner.get(path)).body.visibility).toBe('study')
    expect((await study.staff.get(`${study.path}/files`)).body.items).toMatchObject([{ id: file.id }])
    await study.admin.patch(study.path, { settings: { allowPublic: true } })
    expect((await anonymous.get(path)).status).toBe(200)
  })
})

test('a file that was begun as public is complete as a study file where the study has changed its mind', async () => {
  const { study, owner, at } = await aDesk({ allowPublic: true })
  const { file, upload } = await begin(owner, study, { visibility: 'public' })
  await study.admin.patch(study.path, { settings: { allowPublic: false } })
  await put(upload.url)
  expect((await owner.post(`${at(upload)}/complete`)).body.visibility).toBe('study')
  expect((await anonymous.get(`${study.path}/files/${file.id}`)).status).toBe(401)
})

describe('deleting a file', () => {
  test('takes its versions, its open uploads, its links and its bytes', async () => {
    const { study, owner, at, path, file } = await aFiledDesk()
    const { objects } = await env.BUCKET.list({ prefix: `${study.id}/` })
    const { upload } = await begin(owner, study)
    const link = await owner.post(`${path}/download-tokens`, {})
    await put(upload.url)
    const handle = `${study.path}/participants/me/files/${file.id}`
    const replacement = await owner.put(handle, { name: 'a', mediaType: 'text/plain', size: 1 })
    await put(replacement.body.upload.url, 'a')
    expect((await owner.delete(path)).status).toBe(204)

    for (const gone of [path, handle, `${path}/versions`, `${path}/content`]) {
      expect((await owner.get(gone)).body.code).toBe('file_not_found')
    }
    expect((await owner.get(`${study.path}/files`)).body.items).toEqual([])
    expect((await owner.post(`${at(replacement.body.upload)}/complete`)).body.code).toBe('upload_not_found')
    expect((await owner.delete(path)).body.code).toBe('file_not_found')
    expect((await anonymous.get(link.body.url)).status).toBe(410)
    await sweepAt(new Date())
    expect(await Promise.all(objects.map(async ({ key }) => isThere(key)))).toEqual([false])
    expect(await isThere(objectKeyOf(replacement.body.upload.url))).toBe(false)
    // Another file of theirs is as it was.
    expect((await owner.post(`${at(upload)}/complete`)).status).toBe(200)
  })

  test('is for its owner, and for workers and admins where they may', async () => {
    const { study, owner } = await aDesk()
    const remove = async (caller: typeof study.admin, visibility: string) => {
      const { id } = await aFile(owner, study, { visibility })
      return (await caller.delete(`${study.path}/files/${id}`)).status
    }
    expect(await remove(study.staff, 'study')).toBe(403)
    expect(await remove(study.worker, 'study')).toBe(204)
    expect(await remove(study.worker, 'private')).toBe(404)
    expect(await remove(study.admin, 'private')).toBe(204)
    expect(await remove(await aParticipant(study), 'study')).toBe(404)
    expect(await remove(owner, 'private')).toBe(204)
  })
})
