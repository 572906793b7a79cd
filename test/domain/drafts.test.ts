import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DraftDetails, nameDraft } from '../../src/domain/drafts.ts'
import { getFile } from '../../src/domain/files.ts'
import { listOwnFiles } from '../../src/domain/handles.ts'
import { deleteFile } from '../../src/domain/removals.ts'
import { abandonUpload } from '../../src/domain/uploads.ts'
import { getReviewedVersion, listStudyVersions } from '../../src/domain/versions.ts'
import { recorded } from '../support/audit.ts'
import { outbox } from '../support/bucket.ts'
import { anonymous, type Caller, operator } from '../support/client.ts'
import { eraseQuietly, sweepUntilDone } from '../support/erasures.ts'
import { disturbed, sweepAt } from '../support/faults.ts'
import { idOf, outcomeOf } from '../support/scopes.ts'
import { aDraft, asking, beginMore, fileRow, receive, wrongs } from '../support/versions.ts'
import { aParticipant, aStudy, ok, type Participant, type Study } from '../support/world.ts'

const DAY = 86_400_000
const NAMED: DraftDetails = { title: 'Zebrafish', description: 'What swam', category: 'OTH', tags: ['sea'] }

let study: Study
let participant: Participant
beforeAll(async () => {
  study = await aStudy()
  participant = await aParticipant(study)
})
afterAll(async () => {
  expect(await wrongs(study)).toEqual([])
})

const admin = async () => asking({ secret: study.admin.key })
const naming = async (version: number, details: DraftDetails = NAMED, { key }: Caller = study.admin, other = {}) =>
  nameDraft(await asking({ secret: key, other }), idOf(study), { version, details })

/** The ids of all that a list names. */
async function listed(caller: Caller, path: string): Promise<string[]> {
  const { items } = ok(await caller.get(`${study.path}/${path}`))
  return items.flatMap(({ id, file }: { id?: string; file?: { id: string } }) => id ?? file?.id ?? [])
}

const LISTS = [
  'files?limit=100',
  'files?limit=100&status=pending',
  'files?limit=100&name=zebra.txt',
  'files?limit=100&name=zebra.txt&status=pending',
  'files?limit=100&q=zebra',
  'files?limit=100&q=zebra&status=pending',
  'manifest',
]
const MORE = ['files?limit=100&q=more&status=pending', 'files?limit=100&name=more.txt&status=pending']

describe('a draft', () => {
  test('is on no list, with content or without, and found by its id and number', async () => {
    const { file, version } = await aDraft(study, { name: 'zebra.txt' })
    const awaited = await beginMore(study)
    const theirs = await receive(study, {
      owner: { kind: 'caller' },
      secret: participant.key,
      draft: true,
      name: 'zebra.txt',
    })
    for (const caller of [study.staff, study.worker, study.admin]) {
      for (const list of [...LISTS, ...MORE]) expect([list, await listed(caller, list)]).toEqual([list, []])
    }
    for (const list of LISTS.filter((each) => each !== 'manifest')) expect(await listed(participant, list)).toEqual([])
    const scope = await asking({ secret: participant.key })
    expect((await listOwnFiles(scope, idOf(study), { limit: 9, cursor: undefined })).items).toEqual([])
    const versions = await listStudyVersions(await admin(), idOf(study), {
      order: 'oldest',
      page: { limit: 100, cursor: undefined },
    })
    expect(versions.items).toEqual([])

    for (const name of [{ id: file.id }, { number: file.number }]) {
      const found = await getFile(await admin(), idOf(study), name)
      expect(found).toMatchObject({ draft: true, content: { status: 'complete', listedAt: null } })
    }
    expect((await getReviewedVersion(await admin(), idOf(study), version)).file.id).toBe(file.id)
    expect((await getFile(await admin(), idOf(study), awaited.file)).content.status).toBe('pending')
    expect(await outcomeOf(getFile(scope, idOf(study), theirs.file))).toBe('done')
  })

  test('stays one when another version of it comes, and when that one is given up', async () => {
    const draft = await aDraft(study)
    const { version } = await receive(study, { handle: draft.file.handle, name: 'second.txt' })
    expect(await fileRow(study, draft.file)).toMatchObject({ draft: 1, listedAt: null, current: version })
    const { upload } = await beginMore(study, draft.file)
    await abandonUpload(await admin(), idOf(study), upload)
    expect((await fileRow(study, draft.file))?.versions).toEqual([draft.version, version])
    const fresh = await beginMore(study)
    await abandonUpload(await admin(), idOf(study), fresh.upload)
    expect(await fileRow(study, fresh.file)).toBeUndefined()
  })

  test('is deleted with its bytes', async () => {
    const { file, version } = await aDraft(study)
    const found = await getReviewedVersion(await admin(), idOf(study), version)
    await deleteFile(await admin(), idOf(study), { name: { number: file.number }, revision: undefined })
    expect((await outbox(study)).map(({ objectKey }) => objectKey)).toContain(found.version.objectKey)
    expect(await outcomeOf(getReviewedVersion(await admin(), idOf(study), version))).toBe('version_not_found')
  })

  test('survives the sweep that gives up what was to come, and goes with its study', async () => {
    const gone = await aStudy()
    const [draft, fresh] = [await aDraft(gone), await beginMore(gone)]
    await beginMore(gone, draft.file)
    await sweepAt(new Date(Date.now() + 30 * DAY))
    expect((await fileRow(gone, draft.file))?.versions).toEqual([draft.version])
    expect(await fileRow(gone, fresh.file)).toBeUndefined()
    const done = await sweepUntilDone(await eraseQuietly(operator, gone.path))
    expect(done.counts).toMatchObject({ files: 1, versions: 1 })
  })
})

describe('a draft that is named', () => {
  test('is a file from then on, found by what was said of it, under its own numbers', async () => {
    const { file, version } = await aDraft(study, { name: 'shark.txt', details: { title: 'unnamed' } })
    const before = await fileRow(study, file)
    const at = `${study.path}/files/${file.id}`
    ok(await study.admin.put(`${at}/grants/participant:${participant.id}`, { level: 'content' }))
    expect(await listed(participant, 'files')).toEqual([])
    const events = await recorded(study, async () => {
      const named = await naming(version)
      expect(named).toMatchObject({ id: file.id, number: file.number, draft: false, name: 'shark.txt', ...NAMED })
      expect(named.revision).toBe((before?.revision ?? 0) + 1)
    })
    expect(events.map(({ action, object, subject }) => [action, object, subject])).toEqual([
      ['file.edit', file.id, null],
    ])
    for (const list of ['files', 'files?name=shark.txt', 'files?tag=sea', 'files?category=OTH', 'files?q=zebrafish']) {
      expect([list, await listed(study.staff, list)]).toEqual([list, [file.id]])
    }
    expect(await listed(study.staff, 'files?q=unnamed')).toEqual([])
    expect(await listed(participant, 'files')).toEqual([file.id])
    const row = await fileRow(study, file)
    await receive(study, { handle: file.handle, draft: true })
    expect(await fileRow(study, file)).toMatchObject({ draft: 0, listedAt: row?.listedAt })
    expect((await fileRow(study, file))?.versions).toHaveLength(2)
  })

  test('is named by any of its versions, once, by whoever may edit it', async () => {
    const draft = await aDraft(study)
    await receive(study, { handle: draft.file.handle })
    const named = async (caller: Caller, version = draft.version) => outcomeOf(naming(version, NAMED, caller))
    expect(await named(study.download)).toBe('forbidden')
    expect(await named(participant)).toBe('version_not_found')
    expect(await named(anonymous)).toBe('unauthenticated')
    expect(await named(study.staff)).toBe('done')
    expect(await named(study.staff)).toBe('version_bound')
    expect(await named(study.admin, (await receive(study)).version)).toBe('version_bound')
    expect(await named(study.admin, draft.version + 900)).toBe('version_not_found')
    expect(await named(study.worker, (await aDraft(study)).version)).toBe('done')
    const other = await aStudy()
    expect(await named(other.admin)).toBe('study_not_found')
  })

  test('is named by one of two who do it at once', async () => {
    const { file, version } = await aDraft(study)
    const titles = ['one', 'two']
    const outcomes = await Promise.all(titles.map(async (title) => outcomeOf(naming(version, { ...NAMED, title }))))
    expect(outcomes.toSorted()).toEqual(['done', 'version_bound'])
    const { title } = await getFile(await admin(), idOf(study), file)
    expect(title).toBe(titles[outcomes.indexOf('done')])
  })

  test('is named once where the answer was lost, and not at all where it has just gone', async () => {
    const [kept, gone] = [await aDraft(study), await aDraft(study)]
    const lost = disturbed({ on: /draft = 0, listed_at/, loses: true })
    const events = await recorded(study, async () => {
      const named = await naming(kept.version, NAMED, study.admin, { DB: lost.DB })
      expect([named.draft, named.title]).toEqual([false, NAMED.title])
    })
    expect([lost.seen.times, events.length]).toEqual([2, 1])
    const remove = async () =>
      deleteFile(await admin(), idOf(study), { name: { id: gone.file.id }, revision: undefined })
    const { DB } = disturbed({ on: /draft = 0, listed_at/, before: remove })
    expect(await outcomeOf(naming(gone.version, NAMED, study.admin, { DB }))).toBe('version_not_found')
  })
})
