import { env } from 'cloudflare:workers'
import { expect, test } from 'vitest'
import { within } from '../support/faults.ts'
import { aParticipant, aStudy } from '../support/world.ts'

/** The platform's own counter, at a figure that a test can reach. */
const LIMITED = { RATE_LIMITS: 'on', CALLER_RATE: env.ENROLMENT_RATE }
const MORE_THAN_ALLOWED = 25

test('a caller who asks too often is told to wait, and nobody else is', async () => {
  const study = await aStudy()
  const [hasty, calm] = [await aParticipant(study), await aParticipant(study)]
  const ask = async () => within(LIMITED, hasty).get(`${study.path}/files`)
  const answers = await Promise.all(Array.from({ length: MORE_THAN_ALLOWED }, ask))
  const limited = answers.filter((answer) => answer.status === 429)
  expect(limited.length).toBeGreaterThan(0)
  expect(limited[0]?.body.code).toBe('rate_limited')
  expect(limited[0]?.headers.get('Retry-After')).toBe('60')
  expect((await within(LIMITED, calm).get(`${study.path}/files`)).status).toBe(200)
})

test('callers are not counted where the settings do not say so', async () => {
  const study = await aStudy()
  const participant = await aParticipant(study)
  const ask = async () => within({ ...LIMITED, RATE_LIMITS: 'off' }, participant).get(`${study.path}/files`)
  const answers = await Promise.all(Array.from({ length: MORE_THAN_ALLOWED }, ask))
  expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([200]))
})
