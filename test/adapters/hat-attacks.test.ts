// Whatever is sent to a HAT is answered, and never by a failure of ours.

import { beforeAll, expect, test } from 'vitest'
import { operator } from '../support/client.ts'
import { disturbed } from '../support/faults.ts'
import { aCompleted, aHat, aNew, atHat, FILES, type Hat, send } from '../support/hat.ts'
import { aParticipant, ok } from '../support/world.ts'

let hat: Hat
let fileId: string
let other: string

beforeAll(async () => {
  hat = await aHat({ owner: { id: 'ada' } })
  ;({ fileId } = await aCompleted(hat.owner))
  other = (await aParticipant(hat.study)).key ?? ''
})

const LONE = '\ud800'
const BODIES = [
  '',
  'null',
  '0',
  '"text"',
  '[]',
  '[[[[]]]]',
  '{}',
  '{"name":"x","source":"y"',
  '{"name":"x","source":"y","name":null}',
  '{"name":"\\u0000","source":"\\u0000"}',
  '{"name":"\\ud800","source":"x"}',
  '{"name":"\\u202e\\u200b","source":"\\ufeff"}',
  '{"name":"a\\"*^:(){}","source":"NEAR(a b)","title":"\\"","description":"* AND"}',
  '{"name":"x","source":"y","tags":[null]}',
  '{"name":"x","source":"y","tags":{"a":1},"status":[],"permissions":7,"dateCreated":-1e308}',
  '{"name":"x","source":"y","dateCreated":"0000-00-00","fileId":{},"contentType":"text/html\\r\\nX: y"}',
  '{"__proto__":{"name":"x"},"constructor":{},"source":"y"}',
  JSON.stringify({ name: 'x'.repeat(10_000), source: 'y'.repeat(10_000) }),
  JSON.stringify({ name: 'word '.repeat(50), source: '', title: 'other '.repeat(160), tags: ['a', 'b'] }),
  `{"name":"${'['.repeat(100_000)}`,
  JSON.stringify({ name: 'x', source: 'y', description: 'z'.repeat(300_000) }),
]
const IDS = [
  '.',
  '..',
  '%2e%2e',
  '%00',
  '%FF',
  '%',
  'a%2Fb',
  LONE,
  'x'.repeat(2_000),
  'me',
  'self',
  "' OR 1=1 --",
  '🎈',
  '%F0%9F',
]

test('of bodies: each by every call that takes one', async () => {
  for (const [method, path] of [
    ['post', `${FILES}/upload`],
    ['post', `${FILES}/search`],
    ['put', `${FILES}/file/${fileId}`],
    ['put', `${FILES}/file/${fileId}/complete`],
    ['post', `${FILES}/allowAccess/bob`],
    ['post', `${FILES}/restrictAccess/bob`],
    ['post', '/api/v2.6/contract/file/upload'],
  ] as const) {
    const answers = await Promise.all(BODIES.map(async (body) => hat.owner[method](path, body)))
    for (const { status, text } of answers) expect([path, status < 500, text]).toEqual([path, true, text])
  }
})

test('of paths and queries: each by every call that has one', async () => {
  const paths = IDS.flatMap((id) => [
    `${FILES}/file/${id}`,
    `${FILES}/content/${id}`,
    `${FILES}/allowAccess/${fileId}/${id}`,
    `${FILES}/allowAccess/${id}/bob`,
    `${FILES}/restrictAccess/${fileId}/${id}`,
    `${FILES}/allowAccessPublic/${id}`,
    `${FILES}/allowAccess/${fileId}/bob?content=${id}`,
    `/users/${id}`,
  ])
  for (const client of [hat.owner, atHat(hat.host, other)]) {
    const answers = await Promise.all(paths.map(async (path) => ({ path, ...(await client.get(path)) })))
    for (const { path, status, text } of answers) expect([path, status < 500, text]).toEqual([path, true, text])
  }
})

test('an upload whose answer is lost on its way from D1 is begun once', async () => {
  const source = 'lost'
  const { DB, seen } = disturbed({ on: /INSERT INTO uploads/, loses: true })
  const begun = await aNew(atHat(hat.host, hat.person.key, { DB }), { name: 'a.txt', source })
  expect([begun.fileId, seen.times]).toEqual(['losta.txt', 2])
  expect((await hat.owner.post(`${FILES}/search`, { name: '', source })).body).toHaveLength(1)
  expect((await aNew(hat.owner, { name: 'a.txt', source })).fileId).toBe('losta-1.txt')
})

test('of tokens: each is nobody, or refused', async () => {
  for (const token of ['a'.repeat(20_000), 'a.b.c', '.....', 'e30.e30.e30', `${hat.person.key}x`, ' ', 'Bearer x']) {
    const { status } = await atHat(hat.host, token).get(`${FILES}/file/${fileId}`)
    expect(status).toBe(401)
  }
})

test('what is more than the study may hold is refused in the words of HAT, and is kept to nobody’s cost', async () => {
  const full = await aHat()
  ok(await operator.patch(full.study.path, { settings: { maxBytes: 5 } }))
  const { fileId: large, contentUrl } = await aNew(full.owner)
  await send(contentUrl)
  const { status, body } = await full.owner.put(`${FILES}/file/${large}/complete`)
  expect([status, body]).toEqual([400, { message: 'Error uploading file', cause: expect.stringContaining('maxBytes') }])
  expect((await full.owner.get(`${FILES}/content/${large}`)).status).toBe(404)
  expect((await aCompleted(full.owner, {}, 'small')).status).toEqual({ status: 'Completed', size: 5 })
})

test('a body that is too long is refused in the words of HAT', async () => {
  const { status, body } = await hat.owner.post(
    `${FILES}/upload`,
    JSON.stringify({ name: 'x'.repeat(300_000), source: '' }),
  )
  expect([status, body]).toEqual([
    413,
    { error: 'Request Entity Too Large', message: expect.stringContaining('bytes') },
  ])
})
