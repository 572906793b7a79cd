// Where a HAT is asked: its routes, each under all of its prefixes, and what is there of others.

import { beforeAll, describe, expect, test } from 'vitest'
import { aHat, FILES, type Hat, send } from '../support/hat.ts'
import { aParticipant, ok } from '../support/world.ts'

let hat: Hat

beforeAll(async () => {
  hat = await aHat({ owner: { id: 'ada' } })
  await aParticipant(hat.study, { id: 'bob' })
})

const file = (fileId: string) => `${FILES}/file/${fileId}`

describe('under every prefix', () => {
  test.each(['/api/v2', '/api/v2.0', '/api/v2.6'])('%s there are the same files', async (prefix) => {
    const { fileId, contentUrl } = ok(await hat.owner.post(`${prefix}/files/upload`, { name: 'x', source: prefix }))
    await send(contentUrl)
    ok(await hat.owner.put(`${prefix}/files/file/${fileId}/complete`))
    expect(ok(await hat.owner.get(file(fileId))).status.status).toBe('Completed')
    const [at, template] = [`${prefix}/files`, { name: 'y', source: prefix }]
    expect(ok(await hat.owner.put(`${at}/file/${fileId}`, template)).name).toBe('y')
    expect(ok(await hat.owner.get(`${at}/file/${fileId}`)).name).toBe('y')
    expect(ok(await hat.owner.post(`${at}/search`, template))).toHaveLength(1)
    expect((await hat.owner.get(`${at}/content/${fileId}`)).status).toBe(303)
    const shared = { userId: 'bob', contentReadable: false }
    for (const [call, permissions] of [
      [async () => [ok(await hat.owner.get(`${at}/allowAccess/${fileId}/bob`))], [shared]],
      [async () => [ok(await hat.owner.get(`${at}/restrictAccess/${fileId}/bob`))], []],
      [async () => ok(await hat.owner.post(`${at}/allowAccess/bob`, template)), [shared]],
      [async () => ok(await hat.owner.post(`${at}/restrictAccess/bob`, template)), []],
    ] as const) {
      const [told] = await call()
      expect(told.permissions.slice(1)).toEqual(permissions)
    }
    expect(ok(await hat.owner.get(`${at}/allowAccessPublic/${fileId}`)).contentPublic).toBe(true)
    expect(ok(await hat.owner.get(`${at}/restrictAccessPublic/${fileId}`)).contentPublic).toBe(false)
    expect(ok(await hat.owner.delete(`${at}/file/${fileId}`)).status).toEqual({ status: 'Deleted' })
  })

  test('what is not there is not found in the words of HAT', async () => {
    const { status, body } = await hat.owner.get('/api/v2.6/data/rumpel/notes')
    expect([status, body]).toEqual([
      404,
      { error: 'Handler Not Found', message: 'Request handler at GET:/api/v2.6/data/rumpel/notes does not exist' },
    ])
    expect((await hat.owner.put(`${FILES}/upload`, {})).body.error).toBe('Handler Not Found')
  })

  test.each([
    ['post', 'upload'],
    ['put', 'a.png/complete'],
    ['post', 'a.png'],
    ['put', 'a.png'],
    ['delete', 'a.png'],
    ['post', 'a.png/content'],
  ] as const)('contracts are said not to be there: %s %s', async (method, path) => {
    const said = { token: 't', hatName: 'h', contractId: 'c' }
    const at = `/api/v2.6/contract/file/${path}`
    const { status, body } = await (method === 'delete' ? hat.nobody.delete(at) : hat.nobody[method](at, said))
    expect([status, body]).toEqual([400, { message: 'Not supported', cause: expect.stringContaining('contracts') }])
  })
})
