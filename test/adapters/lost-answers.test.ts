// Every write of Open Humans' and HAT's calls whose answer D1 loses on its way: it is asked for again, and done once.

import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { anonymous } from '../support/client.ts'
import { disturbed, within } from '../support/faults.ts'
import { aCompleted, aHat, aNew, anAddress, atHat, FILES, send } from '../support/hat.ts'
import { about, aProject, DELETE, form, PROJECT, upload } from '../support/openhumans.ts'
import { aKey, aParticipant, HELLO, ok } from '../support/world.ts'

const losing = (on: RegExp) => {
  const { DB, seen } = disturbed({ on, loses: true })
  return { DB, lost: () => expect(seen.times).toBeGreaterThan(1) }
}
const countOf = async (table: 'files' | 'versions' | 'sessions' | 'grants', study: string): Promise<unknown> =>
  (await env.DB.prepare(`SELECT count(*) AS count FROM ${table} WHERE study_id = ?`).bind(study).first())?.['count']

test('an upload in its request is one file, and is deleted and told of', async () => {
  const { study, member } = await aProject()
  for (const on of [/INSERT INTO uploads/, /INSERT INTO versions/]) {
    const { DB, lost } = losing(on)
    expect((await upload(within({ DB }, study.worker), about(member))).status).toBe(201)
    lost()
  }
  expect([await countOf('files', study.id), await countOf('versions', study.id)]).toEqual([2, 2])
  const { DB, lost } = losing(/DELETE FROM files/)
  const fields = { project_member_id: String(member.number), all_files: 'True' }
  expect((await form(within({ DB }, study.worker), DELETE, fields)).body.ids).toHaveLength(2)
  lost()
  expect(await countOf('files', study.id)).toBe(0)
})

test('a direct upload is begun and completed once', async () => {
  const { study, begin, complete, member } = await aProject()
  const beginning = losing(/INSERT INTO uploads/)
  const { id, url } = ok(await begin(about(member), within({ DB: beginning.DB }, study.worker)))
  beginning.lost()
  await send(url, HELLO)
  const completing = losing(/INSERT INTO versions/)
  const done = await complete(id, member, within({ DB: completing.DB }, study.worker))
  completing.lost()
  expect([done.status, done.body.size]).toEqual([200, HELLO.length])
  expect([await countOf('files', study.id), await countOf('versions', study.id)]).toEqual([1, 1])
})

test('a code is exchanged and renewed, and a member is removed', async () => {
  const { study, member } = await aProject()
  const { key = '' } = await aKey(study, { role: 'worker', label: 'app' })
  const { code } = ok(
    await study.admin.post(`${study.path}/participants/${member.id}/enrolment-codes`, { label: 'phone' }),
  )
  const ask = async (DB: D1Database, fields: Record<string, string>) =>
    form(within({ DB }, anonymous), '/oauth2/token/', { ...fields, client_id: 'app', client_secret: key })
  const exchanging = losing(/INSERT INTO api_keys/)
  const { refresh_token } = ok(await ask(exchanging.DB, { grant_type: 'authorization_code', code }))
  exchanging.lost()
  const renewing = losing(/INSERT INTO sessions/)
  const renewed = ok(await ask(renewing.DB, { grant_type: 'refresh_token', refresh_token }))
  renewing.lost()
  const { status } = await anonymous.get(`${PROJECT}/exchange-member/?access_token=${renewed.access_token}`)
  expect([status, await countOf('sessions', study.id)]).toEqual([200, 3])
  const removing = losing(/UPDATE participants/)
  const fields = { project_member_ids: String(member.number) }
  const removed = await form(within({ DB: removing.DB }, study.admin), `${PROJECT}/remove-members/`, fields)
  removing.lost()
  expect([removed.status, removed.body]).toEqual([200, 'success'])
})

test('of a HAT, a file is completed, shared, made public and deleted once', async () => {
  const hat = await aHat()
  const { id } = await aParticipant(hat.study)
  const { fileId, contentUrl } = await aNew(hat.owner)
  await send(contentUrl, HELLO)
  await aCompleted(hat.owner)
  const at = (DB: D1Database) => atHat(hat.host, hat.person.key, { DB })
  for (const [on, call, expected] of [
    [/INSERT INTO versions/, 'complete', { status: { size: HELLO.length, status: 'Completed' } }],
    [/INSERT INTO grants/, 'allow', { permissions: [expect.anything(), { userId: id, contentReadable: false }] }],
    [/UPDATE files/, 'publish', { contentPublic: true }],
    [/DELETE FROM grants/, 'restrict', { permissions: [expect.anything()] }],
    [/DELETE FROM files/, 'delete', { status: { status: 'Deleted' } }],
  ] as const) {
    const { DB, lost } = losing(on)
    const calls = {
      complete: async () => at(DB).put(`${FILES}/file/${fileId}/complete`),
      allow: async () => at(DB).get(`${FILES}/allowAccess/${fileId}/${id}`),
      publish: async () => at(DB).get(`${FILES}/allowAccessPublic/${fileId}`),
      restrict: async () => at(DB).get(`${FILES}/restrictAccess/${fileId}/${id}`),
      delete: async () => at(DB).delete(`${FILES}/file/${fileId}`),
    }
    const { status, body } = await calls[call]()
    lost()
    expect([call, status, body]).toEqual([call, 200, expect.objectContaining(expected)])
  }
  expect([await countOf('files', hat.study.id), await countOf('grants', hat.study.id)]).toEqual([1, 0])
})

test('signing in to a HAT makes one session', async () => {
  const hat = await aHat({ owner: { id: 'ada' } })
  const { DB, lost } = losing(/INSERT INTO sessions/)
  const headers = { username: 'ada', password: hat.person.key ?? '', 'CF-Connecting-IP': anAddress() }
  const { status, body } = await atHat(hat.host, undefined, { DB }).get('/users/access_token', headers)
  lost()
  expect(status).toBe(200)
  const validated = await atHat(hat.host, body.accessToken).get('/users/access_token/validate')
  expect([validated.status, await countOf('sessions', hat.study.id)]).toEqual([200, 1])
})
