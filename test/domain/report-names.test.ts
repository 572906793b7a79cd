import { expect, test } from 'vitest'
import { deleteReportName } from '../../src/domain/report-names.ts'
import type { Identifier } from '../../src/model/ids.ts'
import { recorded } from '../support/audit.ts'
import { disturbed } from '../support/faults.ts'
import { idOf, outcomeOf, scopeOf } from '../support/scopes.ts'
import { aParticipant, aStudy, ok } from '../support/world.ts'

const walks = 'walks' as Identifier // as in the path below

test('a name is deleted once where the answer was lost, and whoever deleted it is told so', async () => {
  const study = await aStudy()
  const ada = await aParticipant(study)
  ok(await ada.put(`${study.path}/participants/me/reports/walks/entries/2026-11-21`, { steps: 1 }))
  const { DB, seen } = disturbed({ on: /DELETE FROM report_names/, loses: 1 })
  const deleting = async (secret: string | undefined, other = {}) =>
    outcomeOf(deleteReportName(await scopeOf({ secret, other }), idOf(study), walks))
  const events = await recorded(study, async () => {
    expect(await deleting(study.worker.key)).toBe('forbidden')
    expect(await deleting(study.admin.key, { DB })).toBe('done')
    expect(await deleting(study.admin.key)).toBe('report_not_found')
  })
  expect(seen.times).toBe(2)
  expect(events.map(({ action, outcome }) => [action, outcome])).toEqual([['report.change', 'done']])
})
