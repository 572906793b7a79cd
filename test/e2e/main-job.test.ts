// What Carrel is for, from the first call to the last, over HTTP: nothing here runs in the Worker's own process.

import { createHash } from 'node:crypto'
import { parse } from 'content-disposition'
import { describe, expect, test } from 'vitest'
import { HELLO, HELLO_MD5, HELLO_SHA256, ok } from '../support/builders.ts'
import { mustSend, send, sharedCarrel } from './support/carrel.ts'

const carrel = await sharedCarrel()

const { anonymous, as, operator } = carrel

test('a study is made, a participant enrolled, and their file goes in, is listed, read, downloaded and linked to', async () => {
  // The operator makes a study and its first admin key; the admin enrols a participant and gives them a key.
  const study = ok(await operator.post('/v1/studies', { id: 'sleep', name: 'Sleep study' }))
  const path = `/v1/studies/${study.id}`
  const admin = as(ok(await operator.post(`${path}/keys`, { role: 'admin', label: 'team' })).secret)
  const participant = ok(await admin.post(`${path}/participants`, { externalId: 'PT-001' }))
  const key = ok(await admin.post(`${path}/keys`, { role: 'participant', participant: participant.id, label: 'phone' }))
  const phone = as(key.secret)

  // The phone begins a file, sends its bytes straight to storage, and says that they are there.
  const begun = await phone.post(`${path}/files`, {
    name: 'diary.txt',
    mediaType: 'text/plain; charset=utf-8',
    size: HELLO.length,
    md5: HELLO_MD5,
    sha256: HELLO_SHA256,
    tags: ['diary'],
  })
  expect(begun.status).toBe(201)
  const { file, upload } = begun.body
  expect(upload).toMatchObject({ kind: 'single', method: 'PUT' })
  expect((await phone.post(`${path}/uploads/${upload.id}/complete`)).body.code).toBe('upload_incomplete')
  await mustSend(upload)
  const complete = ok(await phone.post(`${path}/uploads/${upload.id}/complete`))
  expect(complete).toMatchObject({
    id: file.id,
    participant: participant.id,
    version: { size: HELLO.length, md5: HELLO_MD5, sha256: HELLO_SHA256, mediaType: 'text/plain; charset=utf-8' },
  })
  expect(complete.version.verified).not.toBe('no')

  // It is listed and read.
  expect(ok(await phone.get(`${path}/files?tag=diary`))).toEqual({ items: [complete], nextCursor: null })
  expect(ok(await phone.get(`${path}/files/${file.id}`))).toEqual(complete)

  // It comes out again from storage itself, whole and in ranges.
  const redirect = await phone.get(`${path}/files/${file.id}/content`)
  expect(redirect.status).toBe(302)
  const location = redirect.headers.get('Location') ?? ''
  const whole = await fetch(location)
  expect(whole.status).toBe(200)
  expect(whole.headers.get('Content-Type')).toBe('text/plain; charset=utf-8')
  expect(whole.headers.get('Content-Disposition')).toBe('inline; filename=diary.txt')
  expect(await whole.text()).toBe(HELLO)
  const part = await fetch(location, { headers: { Range: 'bytes=6-' } })
  expect([part.status, part.headers.get('Content-Range'), await part.text()]).toEqual([206, 'bytes 6-10/11', 'world'])

  // A link gives it once, to somebody who has no key.
  const link = ok(await phone.post(`${path}/files/${file.id}/download-tokens`, {}))
  expect(link.url).toMatch(new RegExp(`^${carrel.origin}/d/[\\w-]+$`))
  const first = await anonymous.get(link.url)
  expect(first.status).toBe(302)
  expect(await (await fetch(first.headers.get('Location') ?? '')).text()).toBe(HELLO)
  const second = await anonymous.get(link.url)
  expect([second.status, second.body.code]).toEqual([410, 'download_token_used'])
})

test('an upload whose answers were lost is gone on with', async () => {
  const study = await carrel.aStudy()
  const participant = await carrel.aParticipant(study)
  const { file, upload } = await carrel.begin(participant, study)
  await mustSend(upload)
  // The answer to the PUT was lost: sent again it says that it has landed; so does a fresh URL.
  expect((await send(upload)).status).toBe(412)
  const renewed = ok(await participant.post(`${study.path}/uploads/${upload.id}/url`))
  expect((await send(renewed)).status).toBe(412)
  // The answer to complete was lost.
  const complete = ok(await participant.post(`${study.path}/uploads/${upload.id}/complete`))
  expect(ok(await participant.post(`${study.path}/uploads/${upload.id}/complete`))).toEqual(complete)
  expect(complete.id).toBe(file.id)
})

test('an empty file goes in and out', async () => {
  const study = await carrel.aStudy()
  const participant = await carrel.aParticipant(study)
  const { id, version } = await carrel.aFile(participant, study, { name: 'empty.bin' }, '')
  expect(version.size).toBe(0)
  const { headers } = await participant.get(`${study.path}/files/${id}/content`)
  const answer = await fetch(headers.get('Location') ?? '')
  expect([answer.status, (await answer.arrayBuffer()).byteLength]).toEqual([200, 0])
})

const NAMES = [
  ['Latin', 'Zoë Ångström – récit.txt'],
  ['Greek', 'ημερολόγιο.txt'],
  ['Cyrillic', 'дневник сна.txt'],
  ['Arabic', 'مذكرات النوم.txt'],
  ['Hebrew', 'יומן שינה.txt'],
  ['Devanagari', 'नींद डायरी.txt'],
  ['Thai', 'บันทึกการนอน.txt'],
  ['Chinese', '睡眠日记.txt'],
  ['Japanese', '睡眠日誌（夜）.txt'],
  ['Korean', '수면 일기.txt'],
  ['an emoji', '😴 night.txt'],
  ['quotes and separators', `"it's"; a=b, c\\d/e%20f.txt`],
] as const

describe('a name in', () => {
  test.each(NAMES)('%s arrives exactly, from storage and through the Worker', async (_, name) => {
    const study = await carrel.aStudy()
    const participant = await carrel.aParticipant(study)
    const file = await carrel.aFile(participant, study, { name }, HELLO)
    expect(file.name).toBe(name)
    const content = `${study.path}/files/${file.id}/content`
    const stored = await fetch((await participant.get(content)).headers.get('Location') ?? '')
    const streamed = await participant.get(`${content}?delivery=stream`)
    for (const { status, headers } of [stored, streamed]) {
      expect(status).toBe(200)
      expect(parse(headers.get('Content-Disposition') ?? '')).toMatchObject({
        type: 'inline',
        parameters: { filename: name },
      })
    }
    expect(sha256(await stored.text())).toBe(HELLO_SHA256)
  })
})

test('a file that was renamed is downloaded under its new name', async () => {
  const study = await carrel.aStudy()
  const participant = await carrel.aParticipant(study)
  const { id } = await carrel.aFile(participant, study, { name: 'old.txt' })
  ok(await participant.patch(`${study.path}/files/${id}`, { name: 'new.txt' }))
  const { headers } = await participant.get(`${study.path}/files/${id}/content`)
  // The local endpoint knows no `response-content-disposition`: what it would have to answer is asserted here.
  const query = new URL(headers.get('Location') ?? '').searchParams
  expect(query.get('response-content-disposition')).toBe('inline; filename=new.txt')
  const streamed = await participant.get(`${study.path}/files/${id}/content?delivery=stream`)
  expect(streamed.headers.get('Content-Disposition')).toBe('inline; filename=new.txt')
})

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
