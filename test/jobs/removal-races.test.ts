import { env } from 'cloudflare:workers'
import { describe, expect, test } from 'vitest'
import { openUploads, outbox, strays } from '../support/bucket.ts'
import { disturbed, within } from '../support/faults.ts'
import { deletions, idsOf, NOTHING, remove, rowsOf, sorted } from '../support/removals.ts'
import { aFile, aParticipant, aStudy, begin, ok, put } from '../support/world.ts'

test('who may delete many is asked again in the statement that deletes', async () => {
  const study = await aStudy()
  const ada = await aParticipant(study)
  const file = await aFile(ada, study, { visibility: 'study' })
  const hide = async () => ok(await ada.patch(`${study.path}/files/${file.id}`, { visibility: 'private' }))
  const { DB, seen } = disturbed({ on: /DELETE FROM files WHERE/, before: hide })
  const gone = await remove(within({ DB }, study.worker), study, { ids: [file.id] })
  expect([seen.times, gone.deleted]).toEqual([1, []])
  expect((await rowsOf(study)).files).toBe(1)
  expect(await deletions(study)).toEqual([])
})

describe('two at once', () => {
  test('delete each file once, and only one of them says so', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study)
    const files = await Promise.all(Array.from({ length: 20 }, async () => aFile(ada, study)))
    const ids = files.map(({ id }) => id)
    const both = await Promise.all([
      remove(ada, study, { ids }),
      remove(study.admin, study, { participant: ada.id, all: true }),
      remove(ada, study, { ids: ids.toReversed() }),
    ])
    expect(sorted(both.flatMap(idsOf))).toEqual(sorted(ids))
    expect(await outbox(study)).toHaveLength(20)
    expect(await deletions(study)).toHaveLength(20)
    for (const each of both) expect(each.refused.every(({ code }) => code === 'file_not_found')).toBe(true)
  })

  test('a file that is complete just before it is deleted goes with its version', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study)
    const { file, upload } = await begin(ada, study)
    await put(upload.url)
    const complete = async () => ok(await ada.post(`${study.path}/uploads/${upload.id}/complete`))
    const { DB, seen } = disturbed({ on: /DELETE FROM files WHERE/, before: complete })
    expect(idsOf(await remove(within({ DB }, ada), study, { ids: [file.id] }))).toEqual([file.id])
    expect(seen.times).toBe(1)
    expect(await rowsOf(study)).toEqual(NOTHING)
    expect(await outbox(study)).toHaveLength(1)
  })

  test('a file that is deleted while it completes stays deleted', async () => {
    const study = await aStudy()
    const ada = await aParticipant(study)
    const { file, upload } = await begin(ada, study)
    await put(upload.url)
    const deleted = async () => remove(ada, study, { ids: [file.id] })
    const { DB, seen } = disturbed({ on: /INSERT INTO versions/, before: deleted })
    const late = await within({ DB }, ada).post(`${study.path}/uploads/${upload.id}/complete`)
    expect([seen.times, late.body.code]).toEqual([1, 'upload_not_found'])
    expect(await rowsOf(study)).toEqual(NOTHING)
    expect(await openUploads(study)).toEqual([])
    expect(await strays()).toEqual([])
  })
})

test('a lost answer of D1 is asked for again, and tells the same', async () => {
  const study = await aStudy()
  const ada = await aParticipant(study)
  const files = [await aFile(ada, study), await aFile(ada, study)]
  const { DB, seen } = disturbed({ on: /DELETE FROM files WHERE/, loses: true })
  const gone = await remove(within({ DB }, ada), study, { participant: 'me', all: true })
  expect([seen.times, idsOf(gone)]).toEqual([2, sorted(files.map(({ id }) => id))])
  expect(await outbox(study)).toHaveLength(2)
  expect(await deletions(study)).toHaveLength(2)
})

test('what a study holds goes down by what was deleted', async () => {
  const study = await aStudy()
  const ada = await aParticipant(study)
  await aFile(ada, study)
  await begin(ada, study)
  await remove(ada, study, { participant: 'me', all: true })
  const held = await env.DB.prepare('SELECT bytes, files FROM studies WHERE id = ?').bind(study.id).first()
  expect(held).toEqual({ bytes: 0, files: 0 })
})
