import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { rotateApiKey } from '../../src/domain/api-keys.ts'
import { putDocument } from '../../src/domain/documents.ts'
import { getContent, redirectToContent } from '../../src/domain/content.ts'
import { issueDownloadToken } from '../../src/domain/downloads.ts'
import { eraseParticipant } from '../../src/domain/erasures.ts'
import { getFile, updateFile } from '../../src/domain/files.ts'
import { grantAccess } from '../../src/domain/grants.ts'
import { deleteFile, deleteOwnedFiles } from '../../src/domain/removals.ts'
import { putReportEntries } from '../../src/domain/report-entries.ts'
import { deleteReport } from '../../src/domain/reports.ts'
import type { Scope } from '../../src/domain/scope.ts'
import { abandonUpload, beginUpload } from '../../src/domain/uploads.ts'
import type { FileId, Identifier, ParticipantId, UploadId } from '../../src/model/ids.ts'
import type { PrincipalName, Role } from '../../src/model/principal.ts'
import { heldJobs } from '../support/erasures.ts'
import { type Kept, keepRows } from '../support/kept.ts'
import { type Asking, idOf, outcomeOf, scopeOf } from '../support/scopes.ts'
import { acting } from '../support/sessions.ts'
import { aFile, aParticipant, aStudy, begin, ok, type Participant, type Study } from '../support/world.ts'

// Whom an operation is not for, as its protocol has it, is refused by it and changes nothing, though the rules would let
// them; so are those who may only read.

let study: Study
let ada: Participant
let bob: Participant
let file: FileId
let upload: UploadId
let kept: Kept

beforeAll(async () => {
  study = await aStudy()
  ada = await aParticipant(study)
  bob = await aParticipant(study)
  file = (await aFile(ada, study, { visibility: 'study' })).id
  upload = (await begin(ada, study)).upload.id
  ok(await ada.put(`${study.path}/participants/me/reports/steps/entries/2026-11-21`, { steps: 1 }))
  kept = await keepRows(study)
})

afterEach(async () => {
  await kept.restore()
})

const CONTENT = { name: 'a.txt', mediaType: 'text/plain', size: 1, md5: null, sha256: null }
const identifier = 'steps' as Identifier // as in the path above

/** What a participant may do to their own things, and the rules let them. */
const DEEDS: Record<string, (scope: Scope) => Promise<unknown>> = {
  'put a document': async (scope) =>
    putDocument(scope, idOf(study), {
      name: { participant: ada.id as ParticipantId, identifier },
      data: '{}',
      precondition: { kind: 'none' },
    }),
  'begin a file': async (scope) =>
    beginUpload(scope, idOf(study), {
      owner: { kind: 'participant', id: ada.id as ParticipantId },
      handle: undefined,
      content: CONTENT,
      details: {},
      visibility: undefined,
      doorVisibility: 'private',
      kind: undefined,
      revision: undefined,
    }),
  'edit a file': async (scope) =>
    updateFile(scope, idOf(study), { name: { id: file }, changes: { title: 'Mine' }, revision: undefined }),
  'abandon an upload': async (scope) => abandonUpload(scope, idOf(study), upload),
  'delete a file': async (scope) => deleteFile(scope, idOf(study), { name: { id: file }, revision: undefined }),
  'delete their files': async (scope) =>
    deleteOwnedFiles(scope, idOf(study), { participant: ada.id as ParticipantId, name: 'hello.txt' }),
  'share a file': async (scope) =>
    grantAccess(scope, idOf(study), {
      file,
      principal: `participant:${bob.id}` as PrincipalName,
      level: 'content',
      expiresAt: null,
    }),
  'issue a link': async (scope) =>
    issueDownloadToken(scope, idOf(study), { file, version: null, delivery: 'redirect', confirm: false, seconds: 60 }),
  'add to a report': async (scope) =>
    putReportEntries(scope, idOf(study), {
      name: { owner: ada.id as ParticipantId, identifier },
      entries: [{ kind: 'date', at: '2026-11-22', data: '{}' }],
    }),
  'delete a report': async (scope) => deleteReport(scope, idOf(study), { owner: ada.id as ParticipantId, identifier }),
  'erase themselves': async (scope) => eraseParticipant(scope, idOf(study), ada.id as ParticipantId),
  'rotate their key': async (scope) => rotateApiKey(scope, idOf(study), { id: 'self', graceSeconds: 60 }),
}

const doing = async (deed: string, asking: Asking) => {
  const scope = await scopeOf({ ...asking, other: { JOBS: heldJobs().JOBS } })
  return outcomeOf(DEEDS[deed]?.(scope) ?? Promise.resolve())
}

describe.each(Object.keys(DEEDS))('to %s', (deed) => {
  test('is not for roles that the operation does not admit', async () => {
    const others: Role[] = ['worker', 'admin', 'staff', 'anonymous', 'operator']
    expect(await doing(deed, { secret: ada.key, admits: others })).toBe('forbidden')
    expect(await doing(deed, { admits: ['participant', 'worker'] })).toBe('unauthenticated')
    expect(await doing(deed, { secret: study.admin.key, admits: ['participant', 'worker'] })).toBe('forbidden')
    expect(await kept.changed()).toEqual([])
    expect(await doing(deed, { secret: ada.key, admits: ['participant', 'worker'] })).toBe('done')
    expect(await kept.changed()).not.toEqual([])
  })

  test('is not for a session that may only read', async () => {
    const token = await acting(study.worker.key ?? '', ada, true)
    expect(await doing(deed, { secret: token })).toBe(deed === 'rotate their key' ? 'key_has_no_secret' : 'forbidden')
    // The session itself is new, and on record.
    expect((await kept.changed()).filter((table) => !['sessions', 'audit_events'].includes(table))).toEqual([])
    const scope = await scopeOf({ secret: token })
    expect((await getFile(scope, idOf(study), { id: file })).id).toBe(file)
  })

  test('is not for who has withdrawn, where the operation wants them active', async () => {
    const path = `${study.path}/participants/${ada.id}`
    ok(await study.admin.patch(path, { status: 'withdrawn' }))
    const then = await keepRows(study)
    expect(await doing(deed, { secret: ada.key, requiresActive: true })).toBe('participant_withdrawn')
    expect(await then.changed()).toEqual([])
    ok(await study.admin.patch(path, { status: 'active' }))
    kept = await keepRows(study)
  })
})

test('who has withdrawn reads nothing where the operation wants them active, and nothing of it is on record', async () => {
  ok(await study.admin.patch(`${study.path}/participants/${ada.id}`, { status: 'withdrawn' }))
  const { JOBS, sent } = heldJobs()
  const reading = async (asking: Asking) => {
    const scope = await scopeOf({ secret: ada.key, other: { JOBS }, ...asking })
    const content = await getContent(scope, idOf(study), { file: { id: file }, version: undefined })
    return redirectToContent(scope, content, { method: 'GET' })
  }
  const then = await keepRows(study)
  expect(await outcomeOf(reading({ requiresActive: true }))).toBe('participant_withdrawn')
  expect([await then.changed(), sent]).toEqual([[], []])
  expect(await outcomeOf(reading({}))).toBe('done')
  expect(sent).toMatchObject([{ kind: 'witnessed', action: 'file.read' }])
})
