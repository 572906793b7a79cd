// The examples of "HAT File Storage", in their order, over HTTP: the Worker as it is served, and storage that checks
// signatures. Of what the document writes, only addresses differ: they are this machine's.

import { beforeAll, expect, test } from 'vitest'
import { type Bytes, HELLO, ok } from '../support/builders.ts'
import { sharedCarrel } from './support/carrel.ts'

let carrel: Awaited<ReturnType<typeof sharedCarrel>>
let owner: { key: string }
let another: { id: string; key: string }

/** What curl sends with each of the examples. */
const call = async (
  method: string,
  path: string,
  { token = owner.key, body }: { token?: string; body?: string } = {},
) =>
  fetch(carrel.origin + path, {
    method,
    redirect: 'manual',
    headers: {
      Accept: 'application/json',
      'X-Auth-Token': token,
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body }),
  })
const json = async (answer: Promise<Response>) => {
  const response = await answer
  const text = await response.text()
  expect(response.status, text).toBe(200)
  return JSON.parse(text)
}
/** `curl -T`, which says nothing of what it sends, and a browser, which does. */
const sendTo = async (url: string, bytes: Bytes, headers: Record<string, string> = {}) =>
  fetch(url, { method: 'PUT', headers: { 'x-amz-server-side-encryption': 'AES256', ...headers }, body: bytes })

const METADATA = {
  name: 'testFile.png',
  source: 'test',
  tags: ['tag1', 'tag2'],
  title: 'test Title',
  description: 'a very interesting test file',
}
const PERMISSIONS = () => [{ userId: expect.any(String), contentReadable: true }]

beforeAll(async () => {
  carrel = await sharedCarrel()
  const study = await carrel.aStudy({ allowPublic: true })
  const [ada, bob] = [await carrel.aParticipant(study), await carrel.aParticipant(study)]
  owner = { key: ada.key ?? '' }
  another = { id: bob.id, key: bob.key ?? '' }
  const { host } = new URL(carrel.origin)
  ok(await carrel.operator.put(`${study.path}/hosts/${host}`, { participant: ada.id }))
})

let begun: { fileId: string; contentUrl: string }

test('uploading metadata is simple: call `POST /api/v2/files/upload` with the file details', async () => {
  // The document has an id with a number: so many are there before.
  for (let number = 0; number < 12; number += 1) {
    await json(call('POST', '/api/v2/files/upload', { body: JSON.stringify(METADATA) }))
  }
  const body = `{
			"name": "testFile.png",
			"source": "test",
			"tags": ["tag1", "tag2"],
			"title": "test Title",
			"description": "a very interesting test file",
		}`
  begun = await json(call('POST', '/api/v2/files/upload', { body }))
  expect(begun).toEqual({
    fileId: 'testtestfile-12.png',
    ...METADATA,
    dateCreated: expect.any(Number),
    lastUpdated: expect.any(Number),
    status: { status: 'New' },
    contentUrl: expect.stringContaining('X-Amz-Signature='),
    contentPublic: false,
    permissions: PERMISSIONS(),
  })
})

test('then uploading itself could be done: the `x-amz-server-side-encryption` header is mandatory', async () => {
  const refused = await fetch(begun.contentUrl, { method: 'PUT', body: HELLO })
  expect(refused.status).toBe(403)
  const sent = await sendTo(begun.contentUrl, HELLO)
  expect([sent.status, await sent.text()]).toEqual([200, ''])
})

test('to mark the file "Completed", call `PUT /api/v2/files/file/:fileId/complete`', async () => {
  const path = `/api/v2/files/file/${begun.fileId}`
  const completed = await json(call('PUT', `${path}/complete`))
  expect(completed).toEqual({
    fileId: begun.fileId,
    ...METADATA,
    dateCreated: expect.any(Number),
    lastUpdated: expect.any(Number),
    status: { size: 11, status: 'Completed' },
    contentPublic: false,
    permissions: PERMISSIONS(),
  })
  // The URL still works, and changes nothing.
  expect((await sendTo(begun.contentUrl, 'something else')).status).toBe(200)
  expect((await json(call('PUT', `${path}/complete`))).status.size).toBe(11)
})

test('`GET api/v2/files/file/:fileId` lists metadata, including a pre-signed temporary URL for the contents', async () => {
  const { contentUrl } = await json(call('GET', `/api/v2/files/file/${begun.fileId}`))
  const content = await fetch(contentUrl)
  expect([content.status, await content.text()]).toEqual([200, HELLO])
})

test('`GET /api/v2/files/content/:fileId` redirects to the contents, or returns 404', async () => {
  const found = await call('GET', `/api/v2/files/content/${begun.fileId}`)
  expect(found.status).toBe(303)
  expect(await (await fetch(found.headers.get('Location') ?? '')).text()).toBe(HELLO)
  const hidden = await fetch(`${carrel.origin}/api/v2/files/content/${begun.fileId}`)
  expect([hidden.status, await hidden.text()]).toEqual([404, ''])
})

test('another HAT user can be marked to have access to metadata, or to both metadata and contents', async () => {
  const at = `/api/v2/files/allowAccess/${begun.fileId}/${another.id}`
  await json(call('GET', at))
  const told = await json(call('GET', `/api/v2/files/file/${begun.fileId}`, { token: another.key }))
  expect(told).not.toHaveProperty('contentUrl')
  await json(call('GET', `${at}?content=true`))
  const shown = await json(call('GET', `/api/v2/files/file/${begun.fileId}`, { token: another.key }))
  expect(await (await fetch(shown.contentUrl)).text()).toBe(HELLO)
  await json(call('GET', `/api/v2/files/restrictAccess/${begun.fileId}/${another.id}`))
  expect((await call('GET', `/api/v2/files/file/${begun.fileId}`, { token: another.key })).status).toBe(404)
})

test('calling `POST /api/v2/files/allowAccess/:userId`, sending file template, grants access to a set of files', async () => {
  const body = `{
			"name": "testFile.png",
			"source": "test",
			"status": { "status": "Completed", "size": 0}
		}`
  const granted = await json(call('POST', `/api/v2/files/allowAccess/${another.id}?content=true`, { body }))
  const permissions = [...PERMISSIONS(), { userId: another.id, contentReadable: true }]
  expect(granted).toMatchObject([{ fileId: begun.fileId, permissions }])
  const shown = await call('GET', `/api/v2/files/content/${begun.fileId}`, { token: another.key })
  expect(await (await fetch(shown.headers.get('Location') ?? '')).text()).toBe(HELLO)
  const ended = await json(call('POST', `/api/v2/files/restrictAccess/${another.id}`, { body }))
  expect(ended).toMatchObject([{ fileId: begun.fileId, permissions: PERMISSIONS() }])
  expect((await call('GET', `/api/v2/files/content/${begun.fileId}`, { token: another.key })).status).toBe(404)
})

test('a file can be marked to have its contents publicly accessible', async () => {
  const anyone = async () => fetch(`${carrel.origin}/api/v2/files/content/${begun.fileId}`)
  await json(call('GET', `/api/v2/files/allowAccessPublic/${begun.fileId}`))
  expect(await (await anyone()).text()).toBe(HELLO)
  await json(call('GET', `/api/v2/files/restrictAccessPublic/${begun.fileId}`))
  expect((await anyone()).status).toBe(404)
})

test('to search for files call `POST /api/v2/files/search` sending file template to match against', async () => {
  const body = `{
			"name": "testFile.png",
			"source": "test",
			"tags": ["tag1", "tag2"],
			"title": "test Title",
			"description": "a very interesting test file",
			"status": { "status": "Completed", "size": 0}
		}`
  const found = await json(call('POST', '/api/v2/files/search', { body }))
  expect(found).toMatchObject([{ fileId: begun.fileId, status: { size: 11 } }])
  expect(await json(call('POST', '/api/v2/files/search', { body, token: another.key }))).toEqual([])
})

test('files can be deleted (by *owner* only!) by calling `DELETE /api/v2/files/file/:fileId`', async () => {
  expect((await call('DELETE', `/api/v2/files/file/${begun.fileId}`, { token: another.key })).status).toBe(404)
  const deleted = await json(call('DELETE', `/api/v2/files/file/${begun.fileId}`))
  expect(deleted.status).toEqual({ status: 'Deleted' })
  expect((await call('GET', `/api/v2/files/content/${begun.fileId}`)).status).toBe(404)
})

test('what a page sends with a type of its own is sent, and is what it is served as', async () => {
  const typed = await json(
    call('POST', '/api/v2.6/files/upload', { body: '{"name":"a.jpg","source":"rumpel","contentType":"image/jpeg"}' }),
  )
  expect((await sendTo(typed.contentUrl, HELLO, { 'Content-Type': 'image/png' })).status).toBe(403)
  expect((await sendTo(typed.contentUrl, HELLO, { 'Content-Type': 'image/jpeg' })).status).toBe(200)
  const untyped = await json(call('POST', '/api/v2.6/files/upload', { body: '{"name":"b.png","source":"rumpel"}' }))
  expect((await sendTo(untyped.contentUrl, HELLO, { 'Content-Type': 'image/png' })).status).toBe(200)
  await json(call('PUT', `/api/v2.6/files/file/${untyped.fileId}/complete`))
  const { contentUrl } = await json(call('GET', `/api/v2.6/files/file/${untyped.fileId}`))
  expect((await fetch(contentUrl)).headers.get('Content-Type')).toBe('image/png')
})

test('a URL that is had again for a file that is New takes the bytes', async () => {
  const { fileId } = await json(
    call('POST', '/api/v2.6/files/upload', { body: '{"name":"again.bin","source":"phone"}' }),
  )
  const { contentUrl } = await json(call('GET', `/api/v2.6/files/file/${fileId}`))
  expect((await sendTo(contentUrl, HELLO)).status).toBe(200)
  expect((await json(call('PUT', `/api/v2.6/files/file/${fileId}/complete`))).status.status).toBe('Completed')
})
