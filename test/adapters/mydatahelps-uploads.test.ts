// MyDataHelps' uploads as an app asks for them: what the query says, and what the file is then called.

import { beforeAll, describe, expect, test } from 'vitest'
import { anonymous, as } from '../support/client.ts'
import { asking, delegatedParticipant } from '../support/mydatahelps.ts'
import { arrive, begin, filesOf, linkTo, list, namesIn, OWN, upload } from '../support/mydatahelps-files.ts'
import { aParticipant, aStudy, HELLO, HELLO_MD5, ok, type Participant, type Study } from '../support/world.ts'

let study: Study
let ada: Participant

beforeAll(async () => {
  study = await aStudy()
  ada = await aParticipant(study, { externalId: 'PT-123' })
})

describe('an upload', () => {
  test('is answered with where the bytes go, which binds the one header that clients send along', async () => {
    const { status, body, headers } = await ada.post(`${OWN}?category=images&fileName=Kitty.jpg`)
    expect([status, Object.keys(body).toSorted()]).toEqual([200, ['key', 'preSignedUrl']])
    const { searchParams } = new URL(body.preSignedUrl)
    expect(searchParams.get('X-Amz-SignedHeaders')).toBe('host;x-amz-server-side-encryption')
    expect(searchParams.get('X-Amz-Expires')).toBe('86400')
    expect(body.key).toMatch(
      new RegExp(`^${ada.id}/images/\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z_Kitty\\.jpg$`),
    )
    expect(headers.get('Cache-Control')).toBe('no-store')
  })

  test('is listed once its bytes are there, and not before', async () => {
    const participant = await aParticipant(study)
    const { preSignedUrl, key } = await begin(participant, 'images', 'Kitty.jpg')
    expect(await list(participant)).toEqual([])
    expect((await linkTo(participant, key)).status).toBe(404)
    await arrive(preSignedUrl, 'image/jpeg')
    const [file] = await list(participant)
    expect(file).toEqual({
      participantID: participant.id,
      participantIdentifier: null,
      key,
      category: 'images',
      fileName: 'Kitty.jpg',
      lastModified: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      size: HELLO.length,
      contentType: 'image/jpeg',
      md5: HELLO_MD5,
    })
  })

  test('makes a file that the study’s team may read, whatever door it comes by', async () => {
    const key = await upload(ada, 'shared', 'team.txt')
    expect(await namesIn(study.worker, '?category=shared', filesOf(study))).toEqual(['team.txt'])
    const { items } = ok(await study.staff.get(`${study.path}/files?category=shared`))
    expect(items).toEqual([expect.objectContaining({ name: 'team.txt', visibility: 'study', handle: key.slice(37) })])
    const own = await aStudy({ defaultVisibility: 'private' })
    const owner = await aParticipant(own)
    await upload(owner, 'a', 'b.txt')
    expect(await list(own.worker, '', filesOf(own)), 'as the study has it').toEqual([])
    expect(await namesIn(owner)).toEqual(['b.txt'])
  })

  // The query as a client writes it, and what the file is then called. The category is sent as it is, the name encoded.
  const QUERIES: [query: string, category: string | null, name: string][] = [
    ['category=a b&fileName=Kitty%20cat.jpg', 'a b', 'Kitty cat.jpg'],
    ['category=100% & more&fileName=x.txt', '100% & more', 'x.txt'],
    ['category=a+b&fileName=c%2Bd.txt', 'a+b', 'c+d.txt'],
    ['category=a=b&c&fileName=a=b.txt', 'a=b&c', 'a=b.txt'],
    ['category=x&fileName=1.txt&fileName=2.txt', 'x&fileName=1.txt', '2.txt'],
    ['category=%E4%B8%AD 文&fileName=%F0%9F%90%88.jpg', '中 文', '🐈.jpg'],
    ['category=%FF%zz&fileName=%FF.txt', '%FF%zz', '%FF.txt'],
    ['category=undefined&fileName=undefined', null, 'undefined'],
    ['category=null&fileName=a%26b%23c%2Fd%3Fe%25f.txt', null, 'a&b#c/d?e%f.txt'],
    ['category=&fileName=x', null, 'x'],
    ['fileName=first.txt&category=second', 'second', 'first.txt'],
    ['fileName=alone.txt', null, 'alone.txt'],
    ['category=../..&fileName=..', '../..', '..'],
    ['category=surveyresult_1f0c&fileName=%3Cb%3E%22quoted%22%20', 'surveyresult_1f0c', '<b>"quoted" '],
    ['category=__proto__&fileName=constructor', '__proto__', 'constructor'],
  ]
  test.each(QUERIES)(
    'with the query %s keeps names as they came, under a key that survives its way',
    async (query, category, name) => {
      const participant = await aParticipant(study)
      const { preSignedUrl, key } = ok(await participant.post(`${OWN}?${query}`))
      await arrive(preSignedUrl)
      const [file] = await list(participant)
      expect(file).toMatchObject({ key, category, fileName: name, contentType: 'application/octet-stream' })
      expect(key.slice(participant.id.length + 1)).toMatch(/^[^/]+\/[^/]+$/)
      expect(key).not.toMatch(/[&#+%?\\]| $/)
      for (const sent of [key, encodeURIComponent(key), encodeURI(key), `${key}&_=1`]) {
        expect((await linkTo(participant, sent)).status, sent).toBe(200)
      }
    },
  )

  test('with a long name keeps it whole, and has a key that ends in what it is', async () => {
    const name = `${'🐈'.repeat(125)}.jpeg`
    const category = 'c'.repeat(255)
    const participant = await aParticipant(study)
    const key = await upload(participant, category, name)
    expect(await list(participant)).toEqual([expect.objectContaining({ key, category, fileName: name })])
    const handle = key.slice(participant.id.length + 1)
    expect([handle.length <= 255, handle.length > 250, handle.isWellFormed()]).toEqual([true, true, true])
    expect(handle).toMatch(/🐈\.jpeg$/u)
  })

  const REFUSED: [query: string, pointer: string][] = [
    ['', 'query/fileName'],
    ['category=a', 'query/fileName'],
    ['category=a&fileName=', 'query/fileName'],
    ['category=a&filename=x', 'query/fileName'],
    [`category=a&fileName=${'x'.repeat(256)}`, 'query/fileName'],
    [`category=${'x'.repeat(256)}&fileName=x`, 'query/category'],
    ['category=a&fileName=a%00b', 'query/fileName'],
    ['category=a%0Ab&fileName=x', 'query/category'],
  ]
  test.each(REFUSED)('with the query %.40s is refused, and the answer says why', async (query, pointer) => {
    const { status, body } = await ada.post(`${OWN}?${query}`)
    expect([status, body.code, body.errors[0].pointer]).toEqual([400, 'invalid_request', pointer])
    expect(body.message).not.toBe('')
  })

  test('of a name that is there already makes another file, also of several in the same millisecond', async () => {
    const participant = await aParticipant(study)
    const begun = await Promise.all(Array.from({ length: 6 }, async () => begin(participant, 'a', 'same.txt')))
    expect(new Set(begun.map(({ key }) => key)).size).toBe(6)
    await Promise.all(begun.map(async ({ preSignedUrl }) => arrive(preSignedUrl)))
    const files = await list(participant)
    expect(files.map(({ fileName }) => fileName)).toEqual(Array.from({ length: 6 }, () => 'same.txt'))
    // None of them became a version of another one.
    const { items } = ok(await participant.get(`${study.path}/files`))
    expect(new Set(items.map(({ id }: { id: string }) => id)).size).toBe(6)
  })

  test('is not for a token that may only read, nor for who has left, nor past what the study may hold', async () => {
    const form = { ...delegatedParticipant(study.worker.key ?? '', ada.id), scope: 'Files:read' }
    const reader = as(ok(await asking(anonymous)(form)).access_token)
    const refused = await reader.post(`${OWN}?category=a&fileName=b`)
    expect([refused.status, refused.body.code]).toEqual([403, 'forbidden'])
    const full = await aStudy({ maxFiles: 0 })
    const { status, body } = await (await aParticipant(full)).post(`${OWN}?category=a&fileName=b`)
    expect([status, body.code]).toEqual([409, 'quota_exceeded'])
  })
})
