// Derived from the routes themselves: each is asked before the participant withdrew and after, of what is theirs.

import { beforeAll, describe, expect, test } from 'vitest'
import type { Answer, Caller } from '../support/client.ts'
import { keepRows } from '../support/kept.ts'
import { aFurnishedStudy, type DescribedOperation, operations, pathOf } from '../support/operations.ts'
import { aFile, aKey, begin, ok } from '../support/world.ts'

type Outcome = { status: number; code: string | undefined; changed: string[] }
type Outcomes = Map<string, Outcome>

/** Where the document's own example would do nothing, or not to what is theirs. */
const BODIES: Record<string, unknown> = {
  deleteFiles: { participant: 'ada', all: true },
  beginFile: { name: 'notes.txt', mediaType: 'text/plain', size: 11, participant: 'ada' },
}

async function ask(caller: Caller, { id, method, body }: DescribedOperation, path: string): Promise<Answer> {
  const example = BODIES[id] ?? body?.example
  const type = body && { 'Content-Type': body.type }
  switch (method) {
    case 'GET':
      return caller.get(path)
    case 'DELETE':
      return caller.delete(path)
    case 'POST':
      return caller.post(path, example, type)
    case 'PUT':
      return caller.put(path, example, type)
    case 'PATCH':
      return caller.patch(path, example, type)
    default:
      throw new Error(`nobody asks by ${method}`)
  }
}

const before: Record<string, Outcomes> = {}
const after: Record<string, Outcomes> = {}

beforeAll(async () => {
  const { study, participant, names } = await aFurnishedStudy()
  const asked = (await operations()).filter(({ template }) => template.includes('{study}'))
  const shared = await aFile(participant, study, { visibility: 'study' })
  const own = ok(await participant.get(`${study.path}/participants/ada/files/${shared.id}`))
  const { upload } = await begin(participant, study, { visibility: 'study' })
  const entries = `${study.path}/participants/ada/reports/preferences/entries`
  ok(await participant.put(`${entries}/2026-11-21`, { steps: 1 }))
  const callers: Record<string, Caller> = { participant, staff: study.staff, worker: study.worker, admin: study.admin }
  const key = await aKey(study, { role: 'participant', participant: 'ada' })
  const named = { ...names, file: own.id, version: own.version.id, upload: upload.id, at: '2026-11-21', key: key.id }

  async function askAll(outcomes: Record<string, Outcomes>): Promise<void> {
    for (const [role, caller] of Object.entries(callers)) {
      const kept = await keepRows(study)
      const found: Outcomes = new Map()
      for (const operation of asked) {
        const { status, body } = await ask(caller, operation, pathOf(operation, named))
        const changed = await kept.changed()
        found.set(operation.id, { status, code: body?.code, changed })
        if (changed.length > 0) await kept.restore()
      }
      outcomes[role] = found
    }
  }
  await askAll(before)
  ok(await study.admin.patch(`${study.path}/participants/ada`, { status: 'withdrawn' }))
  await askAll(after)
}, 300_000)

const writesOf = (outcomes: Outcomes | undefined) =>
  [...(outcomes ?? [])].filter(([, { changed }]) => changed.length > 0).map(([id]) => id)
const sorted = (texts: readonly string[]) => texts.toSorted((a, b) => a.localeCompare(b))

/** What an upload on its way says of itself is part of sending it. */
const SENDING = ['getUpload']

/** What is still done after it: what is theirs stays to be read, to be taken along and to go; the study goes on. */
const KEPT: Record<string, string[]> = {
  participant: ['eraseParticipant', 'issueDownloadToken'],
  staff: ['issueDownloadToken', 'addStudyReportEntries', 'putStudyReportEntry'],
  worker: ['issueDownloadToken', 'addStudyReportEntries', 'putStudyReportEntry', 'revokeEnrolmentCode'],
}

describe.each(['participant', 'staff', 'worker', 'admin'])('after a participant withdrew, %s', (role) => {
  test('reads what was to be read before', () => {
    const reads = [...(before[role] ?? [])].filter(([, { status, changed }]) => status < 400 && changed.length === 0)
    expect(reads.length).toBeGreaterThan(10)
    const asked = reads.filter(([id]) => id.startsWith('get') || id.startsWith('list') || id.startsWith('export'))
    for (const [id, { status }] of asked.filter(([each]) => !SENDING.includes(each))) {
      expect([id, after[role]?.get(id)?.status]).toEqual([id, status])
    }
  })

  test('writes nothing of theirs, and is told why', () => {
    const [then, now] = [writesOf(before[role]), writesOf(after[role])]
    // Nothing becomes possible.
    expect(now.filter((id) => !then.includes(id))).toEqual([])
    const closed = then.filter((id) => !now.includes(id))
    const codes = new Set(closed.map((id) => after[role]?.get(id)?.code))
    // The team may go on with uploads that it can see: there is none of theirs any more.
    codes.delete(role === 'participant' ? undefined : 'upload_not_found')
    expect([...codes]).toEqual(['participant_withdrawn'])
    if (role in KEPT) expect(sorted(now)).toEqual(sorted(KEPT[role] ?? []))
  })
})

test('an admin keeps what is about the study and about the participant, and nothing of what is theirs', () => {
  const THEIRS = /File|Upload|Parts|Document$|Participant(Report|Reports)|grantAccess|applyGrants|issueEnrolmentCode/
  expect(writesOf(before['admin']).filter((id) => THEIRS.test(id)).length).toBeGreaterThan(10)
  expect(writesOf(after['admin']).filter((id) => THEIRS.test(id))).toEqual([])
})
