import { expect, test } from 'vitest'
import { anonymous, operator } from '../support/client.ts'
import { within } from '../support/faults.ts'
import { aFile, aParticipant, aStudy, ok } from '../support/world.ts'

const CLOSED = { SERVING: 'off' }

test('a closed service serves nobody but the operator, by any door', async () => {
  const study = await aStudy()
  const ada = await aParticipant(study)
  const file = await aFile(ada, study)
  const { url } = ok(await ada.post(`${study.path}/files/${file.id}/download-tokens`, { seconds: 600 }))
  for (const ask of [
    async () => within(CLOSED, ada).get(`${study.path}/files/${file.id}`),
    async () => within(CLOSED, study.admin).get(study.path),
    async () => within(CLOSED, anonymous).get(new URL(url).pathname),
    async () => within(CLOSED, anonymous).get('/'),
    async () => within(CLOSED, anonymous).post('/v3/auth/signIn', {}),
    async () => within(CLOSED, ada).get('/api/direct-sharing/project/exchange-member/'),
    async () => within(CLOSED, study.admin).post('/graphql', { query: '{ myProfile { id } }' }),
    async () => within(CLOSED, ada).get('/v1/nope'),
  ]) {
    const { status, headers, body } = await ask()
    expect([status, headers.get('Retry-After'), body.code]).toEqual([503, '2', 'overloaded'])
  }
  expect((await within(CLOSED, anonymous).get('/health')).body).toEqual({ status: 'ok' })
  expect((await within(CLOSED, operator).get(study.path)).status).toBe(200)
  expect((await within(CLOSED, operator).post('/v1/erasures:replay', {})).status).toBe(200)
  // Nothing was done meanwhile.
  expect((await anonymous.get(new URL(url).pathname)).status).toBe(302)
})
