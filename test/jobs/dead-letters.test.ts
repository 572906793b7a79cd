import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, expect, type MockInstance, test, vi } from 'vitest'
import { aQueue, eventsOf } from '../support/audit.ts'
import { operator } from '../support/client.ts'
import { deliver, disturbed, within } from '../support/faults.ts'
import { aFile, aParticipant, aStudy, ok } from '../support/world.ts'

// What comes of messages that a queue has given up on.

let printed: MockInstance<typeof console.log>
beforeEach(async () => {
  await env.DB.prepare('DELETE FROM heartbeats').run()
  printed = vi.spyOn(console, 'log')
})
afterEach(() => printed.mockRestore())

const told = async () => ok(await operator.get('/health')).deadLetters
const warnings = () =>
  printed.mock.calls.map(([line]) => String(line)).filter((line) => line.includes('"level":"warn"'))

/** What was put on the queue because somebody read a file. */
async function aReading() {
  const study = await aStudy()
  const ada = await aParticipant(study)
  const file = await aFile(ada, study, { visibility: 'study' })
  const queue = aQueue()
  ok(await within({ JOBS: queue.JOBS }, study.staff).get(`${study.path}/files/${file.id}/content?delivery=stream`))
  const reads = async () => (await eventsOf(study)).filter(({ action }) => action === 'file.read')
  return { study, messages: [...queue.messages], reads }
}
const BROKEN = /INSERT INTO audit_events/
const failing = (on: RegExp) =>
  disturbed({ on, before: async () => Promise.reject(new Error('D1_ERROR: D1 DB is overloaded.')) }).DB

test('a read that could not be put on record is put there after all', async () => {
  const { messages, reads } = await aReading()
  expect(messages).toHaveLength(1)
  expect(await reads()).toEqual([])
  expect(await deliver(messages, {}, 'carrel-jobs-dead')).toEqual({ acked: ['message-0'], retried: [] })
  expect(await reads()).toHaveLength(1)
  expect(await told()).toMatchObject({ jobs: { count: 1, lastAt: expect.any(String) }, objectEvents: { count: 0 } })
})

test('one that cannot be comes again, and keeps nothing from the others', async () => {
  const [first, second] = [await aReading(), await aReading()]
  const messages = [...first.messages, ...second.messages]
  const { acked, retried } = await deliver(messages, { DB: failing(BROKEN) }, 'carrel-jobs-dead')
  expect([acked, retried]).toEqual([['message-1'], ['message-0']])
  expect([await first.reads(), (await second.reads()).length]).toEqual([[], 1])
  await deliver(first.messages, {}, 'carrel-jobs-dead')
  expect(await first.reads()).toHaveLength(1)
})

test('what the sweep does again, and what nobody understands, is counted and goes', async () => {
  const { id } = await aStudy()
  const jobs = [
    { kind: 'erasure', study: id, erasure: 'era_x' },
    { kind: 'departure', study: id, participant: 'ada' },
    'nonsense',
  ]
  expect((await deliver(jobs, {}, 'carrel-jobs-dead')).acked).toHaveLength(3)
  const events = [{ action: 'PutObject', object: { key: 'x/y' } }, null]
  expect((await deliver(events, {}, 'carrel-object-events-dead')).acked).toHaveLength(2)
  expect((await deliver(events, {}, 'carrel-object-events-dead')).acked).toHaveLength(2)
  expect(await told()).toMatchObject({ jobs: { count: 3 }, objectEvents: { count: 4 } })
  expect(ok(await operator.get('/health')).late).toContain('deadLetters')
})

test('all come again where it cannot be put down that they came', async () => {
  const { messages, reads } = await aReading()
  const DB = failing(/INSERT INTO heartbeats/)
  const { acked, retried } = await deliver([...messages, 'nonsense'], { DB }, 'carrel-jobs-dead')
  expect([acked, retried]).toEqual([[], ['message-0', 'message-1']])
  await deliver([...messages, 'nonsense'], {}, 'carrel-jobs-dead')
  expect([(await told()).jobs.count, (await reads()).length]).toEqual([2, 1])
})

test('a batch is one line in the log, which names nobody', async () => {
  const { study, messages } = await aReading()
  printed.mockClear()
  await deliver([...messages, 'nonsense'], {}, 'carrel-jobs-dead')
  expect(warnings()).toEqual(['{"level":"warn","job":"dead-jobs","recorded":1,"leftToSweep":1,"failed":0}'])
  expect(printed.mock.calls.flat().join(' ')).not.toContain(study.id)
})

test('a day after the last one nothing is late any more', async () => {
  await deliver(['nonsense'], {}, 'carrel-jobs-dead')
  await env.DB.prepare(`UPDATE heartbeats SET at = ?`)
    .bind(Date.now() - 86_400_001)
    .run()
  expect(ok(await operator.get('/health')).late).not.toContain('deadLetters')
  expect((await told()).jobs.count).toBe(1)
})
