import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { delegatedParticipant } from '../support/mydatahelps.ts'
import { anonymous } from '../support/client.ts'
import { overriding, within } from '../support/faults.ts'
import { aFile, aParticipant, aStudy, ok, put } from '../support/world.ts'

const ON = { SERVER_TIMING: 'on' }
const METRIC = /^(\w+);dur=\d+\.\d(?:;desc="(\d+ calls?)")?$/
/** What was waited for, by its name: how often. */
const waitsIn = (headers: Headers) =>
  Object.fromEntries(
    (headers.get('Server-Timing') ?? '').split(', ').map((metric) => {
      const [, name = metric, calls] = METRIC.exec(metric) ?? []
      return [name, calls]
    }),
  )

test('answers tell what was waited for, where the setting says so, and nothing else', async () => {
  const study = await aStudy()
  const ada = await aParticipant(study)
  const { upload } = ok(await ada.post(`${study.path}/files`, { name: 'hello.txt', mediaType: 'text/plain', size: 11 }))
  await put(upload.url)
  const complete = await within(ON, ada).post(`${study.path}/uploads/${upload.id}/complete`)
  expect(waitsIn(complete.headers)).toEqual({ d1: '2 calls', r2: '1 call', total: undefined })
  const { id } = complete.body
  const issue = await within(ON, ada).post(`${study.path}/files/${id}/download-tokens`, {})
  expect(waitsIn(issue.headers)).toEqual({ d1: '1 call', kv: '1 call', total: undefined })
  const claim = await within(ON, anonymous).get(new URL(issue.body.url).pathname)
  expect([claim.status, waitsIn(claim.headers)]).toEqual([302, { d1: '1 call', kv: '1 call', total: undefined }])
})

test('so do refusals, and other tongues', async () => {
  const study = await aStudy()
  const refused = await within(ON, study.admin).get(`${study.path}/files/fil_00000000000000000000000000`)
  expect([refused.status, waitsIn(refused.headers)]).toEqual([404, expect.objectContaining({ d1: '1 call' })])
  const token = await within(ON, anonymous).post('/identityserver/connect/token', delegatedParticipant('x', 'y'))
  expect(waitsIn(token.headers)).toHaveProperty('total')
  const health = await within(ON, anonymous).get('/health')
  expect(waitsIn(health.headers)).toEqual({ total: undefined })
})

test('what takes long is told as long', async () => {
  const study = await aStudy()
  const ada = await aParticipant(study)
  const file = await aFile(ada, study)
  const batch: D1Database['batch'] = async (statements) => {
    await scheduler.wait(30)
    return env.DB.batch(statements)
  }
  const { headers } = await within({ ...ON, DB: overriding(env.DB, { batch }) }, ada).get(
    `${study.path}/files/${file.id}`,
  )
  const [, milliseconds] = /d1;dur=([\d.]+)/.exec(headers.get('Server-Timing') ?? '') ?? []
  expect(Number(milliseconds)).toBeGreaterThanOrEqual(29)
})

test('where the setting is off nothing is told', async () => {
  const study = await aStudy()
  expect((await study.admin.get(study.path)).headers.has('Server-Timing')).toBe(false)
})
