// What foreign protocols have of their own that gives content out is on record, like any other reading.

import { expect, test } from 'vitest'
import { aQueue, auditIdOf, recorded } from '../support/audit.ts'
import { bridgeAs } from '../support/bridge-client.ts'
import { within } from '../support/faults.ts'
import { projectOf } from '../support/mydatahelps-files.ts'
import { aParticipant, aStudy, ok } from '../support/world.ts'

test('a Bridge redirect to a file whose bytes are still to come', async () => {
  const study = await aStudy()
  const ada = await aParticipant(study)
  const path = '/v3/participants/self/files/x'
  ok(await bridgeAs(ada.key).post(path, { mimeType: 'text/plain' }))
  const [begun] = await recorded(study, async () => ok(await bridgeAs(ada.key).post(path, { mimeType: 'text/plain' })))
  const queue = aQueue()
  const shown = { 'Bridge-Session': ada.key ?? '' }
  const events = await recorded(study, async () => {
    const asking = within({ JOBS: queue.JOBS }, { ...ada, key: undefined })
    expect((await asking.head(path, shown)).status).toBe(302)
    expect((await asking.get(path, shown)).status).toBe(302)
    await queue.bring()
  })
  expect(events).toEqual([
    expect.objectContaining({
      door: 'bridge',
      action: 'file.read',
      outcome: 'done',
      subject: await auditIdOf(study, ada),
      object: begun?.object,
    }),
  ])
  expect(begun).toMatchObject({ action: 'file.begin', object: expect.stringMatching(/^ver_/) })
})

test('a MyDataHelps table of files, and none that was refused', async () => {
  const study = await aStudy()
  const queue = aQueue()
  const table = `${projectOf(study)}/files/UploadedFiles.csv`
  const events = await recorded(study, async () => {
    for (const [caller, status] of [
      [study.worker, 200],
      [study.staff, 403],
    ] as const) {
      expect((await within({ JOBS: queue.JOBS }, caller).get(table)).status).toBe(status)
    }
    await queue.bring()
  })
  expect(events.map(({ door, action, outcome }) => [door, action, outcome])).toEqual([
    ['mydatahelps', 'access.deny', 'denied'],
    ['mydatahelps', 'study.export', 'done'],
  ])
})
