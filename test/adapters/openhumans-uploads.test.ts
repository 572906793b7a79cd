import { beforeAll, describe, expect, test } from 'vitest'
import { strays } from '../support/bucket.ts'
import { anonymous, operator } from '../support/client.ts'
import {
  about,
  aProject,
  COMPLETE,
  DELETE,
  form,
  multipart,
  MULTIPART,
  type Project,
  PROJECT,
  upload,
} from '../support/openhumans.ts'
import { aKey, aParticipant, aStudy, HELLO, HELLO_MD5, ok, put } from '../support/world.ts'

let study: Project['study']
let member: Project['member']
let begin: Project['begin']
let complete: Project['complete']
let sent: Project['sent']
let fileOf: Project['fileOf']
beforeAll(async () => {
  ;({ study, member, begin, complete, sent, fileOf } = await aProject())
})

describe('a simple upload', () => {
  test('is complete at once, by both of its addresses', async () => {
    const { id, ...more } = ok(await upload(study.worker, about(member), { filename: 'größe.txt', content: HELLO }))
    expect(more).toEqual({ md5_matches: null })
    expect(await fileOf(id)).toMatchObject({
      name: 'größe.txt',
      version: { size: HELLO.length, md5: HELLO_MD5, verified: 'storage', mediaType: 'application/octet-stream' },
    })
    const again = await study.worker.post(
      `${PROJECT}/upload/`,
      multipart(about(member), { filename: 'b.txt', content: 'x' }),
      MULTIPART,
    )
    expect(again.status).toBe(201)
    expect(await strays()).toEqual([])
  })

  test('is nothing else at the address that only the documents have', async () => {
    const deleting = await study.worker.post(`${PROJECT}/upload/`, {
      project_member_id: String(member.number),
      file_id: 12_345,
    })
    expect([deleting.status, deleting.body.detail]).toEqual([400, expect.stringContaining('files/delete/')])
    expect((await anonymous.post(`${PROJECT}/upload/`, {})).status).toBe(400)
  })

  test.each([
    ['a/b.txt', 'b.txt'],
    [String.raw`C:\tmp\b.txt`, 'b.txt'],
    ['../../b.txt', 'b.txt'],
  ])('of %s is called %s', async (filename, name) => {
    expect((await fileOf(ok(await upload(study.worker, about(member), { filename, content: 'x' })).id)).name).toBe(name)
  })

  test('may have its file before its fields', async () => {
    const file = multipart({}, { filename: 'a', content: 'x' }).replace(/--\w+--\r\n$/, '')
    const body = file + multipart(about(member))
    expect((await study.worker.post(`${PROJECT}/files/upload/`, body, MULTIPART)).status).toBe(201)
  })

  test('has one file: two in one request are not made into one', async () => {
    const files = ['a', 'b'].map((filename) => multipart({}, { filename, content: 'x' }).replace(/--\w+--\r\n$/, ''))
    const body = files.join('') + multipart(about(member))
    const refused = await study.worker.post(`${PROJECT}/files/upload/`, body, MULTIPART)
    expect([refused.status, refused.body]).toEqual([400, { detail: 'One data_file is sent at a time.' }])
  })

  test('that breaks off leaves nothing', async () => {
    const before = (await study.admin.get(`${study.path}/files?status=pending`)).body.items.length
    const body = multipart(about(member), { filename: 'a', content: 'x'.repeat(1_000) })
    const { status, body: said } = await study.worker.post(`${PROJECT}/files/upload/`, body.slice(0, -200), MULTIPART)
    expect([status, said.detail]).toEqual([
      400,
      'Multipart form parse error - The body ends before its last delimiter.',
    ])
    expect((await study.admin.get(`${study.path}/files?status=pending`)).body.items.length).toBe(before)
  })
})

describe('completing', () => {
  test('answers with the size, as often as it is asked, and never before the bytes are there', async () => {
    const { id, url } = ok(await begin(about(member)))
    const listed = async () =>
      (await study.worker.get(`${PROJECT}/exchange-member/?project_member_id=${member.number}`)).body.data.some(
        (file: { id: number }) => file.id === id,
      )
    const early = await complete(id)
    expect([early.status, early.body]).toEqual([400, { detail: 'file not present' }])
    expect(await listed()).toBe(false)
    await put(url)
    for (const file_id of [String(id), id, `${id}.0`]) {
      const { status, body } = await study.worker.post(COMPLETE, { project_member_id: member.number, file_id })
      expect([status, body]).toEqual([200, { status: 'ok', size: HELLO.length, md5_matches: null }])
    }
    expect(await listed()).toBe(true)
  })

  test('says whether the content has the MD5 that was said of it, in either case of letters', async () => {
    const saying = (md5: string) => JSON.stringify({ tags: [], description: '', md5 })
    for (const [md5, matches] of [
      [HELLO_MD5.toUpperCase(), true],
      ['156da7fc980988c51682374436849943', false],
    ] as const) {
      const { id } = await sent(saying(md5))
      expect((await complete(id)).body).toEqual({ status: 'ok', size: HELLO.length, md5_matches: matches })
      expect(
        ok(await upload(study.worker, about(member, saying(md5)), { filename: 'a', content: HELLO })).md5_matches,
      ).toBe(matches)
    }
  })

  test.each([
    ['', { detail: 'file does not exist' }],
    ['0', { detail: 'file does not exist' }],
    ['-1', { detail: 'file does not exist' }],
    ['99999999999999999999', { detail: 'file does not exist' }],
    ['1099511627775', { detail: 'file does not exist' }],
    ['x', { file_id: ['Enter a whole number.'] }],
    ['1.5', { file_id: ['Enter a whole number.'] }],
  ])('of the file %s is refused', async (id, refusal) => {
    const { status, body } = await complete(id)
    expect([status, body]).toEqual([400, refusal])
  })

  test("of another member's file, another study's, or a private one is as if it were not there", async () => {
    const other = await aParticipant(study)
    const elsewhere = await aStudy()
    const stranger = await aParticipant(elsewhere)
    const { id } = await sent()
    const none = { detail: 'file does not exist' }
    expect((await complete(id, other)).body).toEqual(none)
    expect((await form(other, COMPLETE, { file_id: String(id) })).body).toEqual(none)
    expect((await complete(id, stranger, elsewhere.worker)).body).toEqual(none)
    const { upload: own, file } = ok(
      await member.post(`${study.path}/files`, { name: 'a', mediaType: 'text/plain', size: HELLO.length }),
    )
    await put(own.url)
    expect((await complete(file.number)).body).toEqual(none)
    expect((await complete(id)).body.status).toBe('ok')
  })

  test('is the project’s also where the study keeps what members have private', async () => {
    const closed = await aProject({ defaultVisibility: 'private' })
    const { id } = await closed.sent()
    for (const _ of ['the first time', 'and again']) {
      expect(ok(await closed.complete(id))).toMatchObject({ status: 'ok', size: HELLO.length })
    }
    expect((await closed.exchange()).body.count).toBe(0)
    expect((await closed.exchange(closed.member, closed.member)).body.count).toBe(1)
    const another = await aKey(closed.study, { role: 'worker' })
    expect((await closed.complete(id, closed.member, another)).body).toEqual({ detail: 'file does not exist' })
  })

  test('by several at once makes one file, and all are told so', async () => {
    const { id } = await sent()
    const told = await Promise.all([complete(id), complete(id, member, member), complete(id)])
    expect(told.map(({ body }) => body.status)).toEqual(['ok', 'ok', 'ok'])
    const deleted = await Promise.all(
      [1, 2].map(async () => form(study.worker, DELETE, { ...about(member), file_id: String(id) })),
    )
    expect(deleted.flatMap(({ body }) => body.ids)).toEqual([id])
  })

  test('keeps the bytes that were there: the URL changes nothing any more', async () => {
    const { id, url } = ok(await begin(about(member)))
    await put(url)
    ok(await complete(id))
    await put(url, 'hellO world')
    const { id: file } = await fileOf(id)
    expect((await study.worker.get(`${study.path}/files/${file}/content?delivery=stream`)).text).toBe(HELLO)
    expect((await complete(id)).body.size).toBe(HELLO.length)
  })
})

test('a name is told as it was sent but for its folders, and is in no key', async () => {
  const names = ['a/b c?.json', '..\\..\\../.ssh/keys', 'größe#1.csv', "x'&<y>%41.txt", '😀'.repeat(60)]
  for (const given of names) {
    const filename = given.split(/[/\\]/).at(-1) ?? ''
    const { id, url } = ok(await begin({ ...about(member), filename: given }))
    expect(url.endsWith(`/${encodeURIComponent(filename)}`)).toBe(true)
    expect(new URL(url).pathname).toMatch(/\/in\/[\w.-]+\/upl_\w{26}\.[0-9a-f]{32}$/)
    expect(new URL(url).searchParams.get('X-Amz-SignedHeaders')).toBe('host')
    expect(new URL(url).searchParams.get('X-Amz-Expires')).toBe('21600')
    await put(url)
    ok(await complete(id))
    expect((await fileOf(id)).name).toBe(filename)
  }
})

test('what is more than the study may hold is refused, and nothing of it is kept', async () => {
  const full = await aProject()
  ok(await operator.patch(full.study.path, { settings: { maxBytes: 5 } }))
  for (const { status, body } of [
    await upload(full.study.worker, about(full.member)),
    await full.complete((await full.sent()).id),
  ]) {
    expect([status, body]).toEqual([400, { detail: expect.stringContaining('maxBytes') }])
  }
  expect((await full.exchange()).body.count).toBe(0)
  expect((await upload(full.study.worker, about(full.member), { filename: 'a', content: 'small' })).status).toBe(201)
})
