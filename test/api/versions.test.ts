import { describe, expect, test } from 'vitest'
import { isThere, outbox } from '../support/bucket.ts'
import { aDesk, versionOf } from '../support/desk.ts'
import { sweepAt } from '../support/faults.ts'
import { aFile, aParticipant, begin, HELLO, objectKeyOf, ok, put, replace } from '../support/world.ts'

const FILE = { name: 'diary.txt', mediaType: 'text/plain', size: HELLO.length }
const DETAILS = { title: 'Week one', tags: ['diary'], metadata: { device: 'watch' }, category: 'notes' }

/** A desk with a complete file under the handle `diary`. */
async function aDiary(settings: object = {}, file: object = {}) {
  const desk = await aDesk(settings)
  const path = `${desk.study.path}/participants/me/files/diary`
  const { upload } = ok(await desk.owner.put(path, { ...FILE, ...file }))
  await put(upload.url)
  const complete = async (other: { id: string }) => ok(await desk.owner.post(`${desk.at(other)}/complete`))
  return { ...desk, path, upload, file: await complete(upload), complete }
}

const streamed = '/content?delivery=stream'

describe('a handle', () => {
  test('names a file of its owner, which the first PUT begins', async () => {
    const { study, owner, path, file } = await aDiary()
    expect(file).toMatchObject({ handle: 'diary', participant: owner.id, name: 'diary.txt' })
    expect((await owner.get(path)).body).toEqual(file)
    expect((await owner.get(`${study.path}/participants/${owner.id}/files/diary`)).body).toEqual(file)
    const other = await aParticipant(study)
    expect((await other.get(path)).body.code).toBe('file_not_found')
    const theirs = ok(await other.put(path, FILE))
    expect(theirs.file.id).not.toBe(file.id)
  })

  test('may be any text', async () => {
    const { study, owner, at } = await aDesk()
    const path = `${study.path}/participants/me/files/${encodeURIComponent('a/b ü.txt%2F..')}`
    const upload = await replace(owner, path)
    expect(ok(await owner.post(`${at(upload)}/complete`)).handle).toBe('a/b ü.txt%2F..')
    expect((await owner.get(path)).status).toBe(200)
  })

  test('is not told of to those who may not see the file, nor written by them', async () => {
    const { study, owner, file } = await aDiary()
    const other = await aParticipant(study)
    const path = `${study.path}/participants/${owner.id}/files/diary`
    for (const caller of [other, study.worker, study.staff]) {
      expect((await caller.get(path)).body.code).toBe('file_not_found')
      expect((await caller.patch(path, { name: 'b' })).body.code).toBe('file_not_found')
      expect((await caller.delete(path)).body.code).toBe('file_not_found')
    }
    expect((await study.worker.put(path, FILE)).body.code).toBe('participant_not_found')
    // Who may begin nothing there is told the same, whether the handle is taken or not.
    for (const [caller, code] of [[other, 'participant_not_found'] as const, [study.staff, 'forbidden'] as const]) {
      for (const handle of [path, `${path}-absent`]) expect((await caller.put(handle, FILE)).body.code).toBe(code)
    }
    expect((await owner.get(`${study.path}/files/${file.id}`)).body).toEqual(file)
  })
})

describe('a replacement', () => {
  test('changes nothing that can be read until it is complete', async () => {
    const { study, owner, path, file, complete } = await aDiary({}, DETAILS)
    const begun = ok(
      await owner.put(path, { ...FILE, name: 'new.md', mediaType: 'text/markdown', size: 3, title: null, tags: ['b'] }),
    )
    expect(begun.file).toEqual(file)
    await put(begun.upload.url, 'new')
    expect((await owner.get(path)).body).toEqual(file)
    expect((await owner.get(`${study.path}/files?tag=diary`)).body.items).toEqual([file])
    expect((await owner.get(`${study.path}/files/${file.id}${streamed}`)).text).toBe(HELLO)

    const after = await complete(begun.upload)
    expect(after).toMatchObject({ id: file.id, name: 'new.md', title: null, tags: ['b'] })
    // What it did not say stays, and so does the file's place in lists.
    expect(after).toMatchObject({ category: 'notes', metadata: { device: 'watch' }, listedAt: file.listedAt })
    expect(after.version).toMatchObject({ id: versionOf(begun.upload), size: 3, mediaType: 'text/markdown' })
    expect((await owner.get(`${study.path}/files/${file.id}${streamed}`)).text).toBe('new')
    expect((await owner.get(`${study.path}/files?tag=diary`)).body.items).toEqual([])
  })

  test.each([
    ['keep', 'in order', [0, 1], 3],
    ['keep', 'the later one first', [1, 0], 3],
    ['latest', 'in order', [0, 1], 1],
    ['latest', 'the later one first', [1, 0], 1],
  ] as const)('begun later ends up current (%s, completed %s)', async (retention, _, order, left) => {
    const { study, owner, at, path, file, upload } = await aDiary({ retention })
    const begun = []
    for (const title of ['first', 'second']) {
      const each = ok(await owner.put(path, { ...FILE, size: title.length, title }))
      await put(each.upload.url, title)
      begun.push(each.upload)
    }
    const answers = []
    for (const index of order) answers.push(ok(await owner.post(`${at(begun[index])}/complete`)))
    expect(answers[1]).toMatchObject({ title: 'second', version: { id: versionOf(begun[1]) } })
    expect((await owner.get(path)).body).toEqual(answers[1])
    expect((await owner.get(`${study.path}/files/${file.id}${streamed}`)).text).toBe('second')

    const { items } = (await owner.get(`${study.path}/files/${file.id}/versions`)).body
    expect(items.map(({ id }: { id: string }) => id)).toEqual(
      [begun[1], begun[0], upload].map(versionOf).slice(0, left),
    )
    await sweepAt(new Date())
    expect(await isThere(objectKeyOf(begun[1].url))).toBe(true)
    for (const older of [upload, begun[0]]) expect(await isThere(objectKeyOf(older.url))).toBe(retention === 'keep')
  })

  test('may say the visibility that the file has, and no other', async () => {
    const { owner, path, file } = await aDiary()
    const differing = await owner.put(path, { ...FILE, visibility: 'study' })
    expect([differing.status, differing.body.code]).toEqual([409, 'visibility_differs'])
    expect((await owner.put(path, { ...FILE, visibility: 'private' })).status).toBe(201)
    expect((await owner.get(path)).body).toEqual(file)
  })

  test('with an ETag begins only if the file is still at it', async () => {
    const { study, owner, path, file } = await aDiary()
    const etag = (await owner.get(path)).headers.get('ETag') ?? ''
    await owner.patch(path, { title: 'meanwhile' })
    const late = await owner.put(path, FILE, { 'If-Match': etag })
    expect([late.status, late.body.code]).toEqual([412, 'revision_mismatch'])
    const now = (await owner.get(path)).headers.get('ETag') ?? ''
    expect((await owner.put(path, FILE, { 'If-Match': now })).body.file.id).toBe(file.id)
    expect((await owner.put(path, FILE, { 'If-Match': '*' })).body.file.id).toBe(file.id)
    for (const condition of ['*', '"r1"']) {
      const absent = await owner.put(`${study.path}/participants/me/files/other`, FILE, { 'If-Match': condition })
      expect([condition, absent.status]).toEqual([condition, 412])
    }
    expect((await owner.put(path, FILE, { 'If-Match': 'r1' })).status).toBe(400)
  })
})

describe("a file's versions", () => {
  test('are listed latest first, page by page, and read one by one', async () => {
    const { study, owner, path, file, upload, complete } = await aDiary()
    const uploads = [upload]
    for (let count = 0; count < 4; count += 1) uploads.unshift(await replace(owner, path))
    for (const each of uploads.toReversed()) await complete(each)

    const seen: { id: string; number: number }[] = []
    let cursor: string | null = ''
    for (let page = 0; cursor !== null && page < 9; page += 1) {
      const { body } = await owner.get(
        `${study.path}/files/${file.id}/versions?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`,
      )
      seen.push(...body.items)
      cursor = body.nextCursor
      // Newer ones that appear meanwhile move nothing.
      if (page === 0) await complete(await replace(owner, path))
    }
    expect(seen.map(({ id }) => id)).toEqual(uploads.map(versionOf))
    for (const version of seen) {
      expect((await owner.get(`${study.path}/files/${file.id}/versions/${version.id}`)).body).toEqual(version)
    }
    const foreign = await owner.get(`${study.path}/files/${(await aFile(owner, study)).id}/versions?cursor=abc`)
    expect([foreign.status, foreign.body.code]).toEqual([400, 'cursor_invalid'])
  })

  test('are there for whoever sees the file, and of this file only', async () => {
    const { study, owner, file } = await aDiary({}, { visibility: 'study' })
    const other = await aFile(owner, study)
    const list = `${study.path}/files/${file.id}/versions`
    expect((await study.staff.get(list)).body.items).toEqual([file.version])
    expect((await study.staff.get(`${study.path}/files/${other.id}/versions`)).body.code).toBe('file_not_found')
    expect((await owner.get(`${list}/${other.version.id}`)).body.code).toBe('version_not_found')
    const read = await owner.get(`${list}/${file.version.id}/content?delivery=stream`)
    expect(read.text).toBe(HELLO)
  })

  test('that is not complete is not there', async () => {
    const { study, owner } = await aDesk()
    const { file, upload } = await begin(owner, study)
    const list = `${study.path}/files/${file.id}/versions`
    expect((await owner.get(list)).body).toEqual({ items: [], nextCursor: null })
    expect((await owner.get(`${list}/${versionOf(upload)}`)).body.code).toBe('version_not_found')
  })

  test('keep the name that they came with', async () => {
    const { owner, path, file } = await aDiary()
    const renamed = ok(await owner.patch(path, { name: 'renamed.txt' }))
    expect(renamed).toMatchObject({ name: 'renamed.txt', version: file.version })
    expect(renamed.version.name).toBe('diary.txt')
  })

  test('that only the latest of is kept leave through the outbox', async () => {
    const { study, owner, path, upload, complete } = await aDiary({ retention: 'latest' })
    await complete(await replace(owner, path))
    expect((await outbox(study)).map((each) => each.objectKey)).toEqual([objectKeyOf(upload.url)])
    await sweepAt(new Date())
    expect(await isThere(objectKeyOf(upload.url))).toBe(false)
  })
})
