import { env } from 'cloudflare:workers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { getContent, readContent } from '../../src/domain/content.ts'
import { nameDraft } from '../../src/domain/drafts.ts'
import { deleteFile } from '../../src/domain/removals.ts'
import { abandonUpload } from '../../src/domain/uploads.ts'
import { editVersion, getReviewedVersion, moveVersion } from '../../src/domain/versions.ts'
import { recorded } from '../support/audit.ts'
import { outbox } from '../support/bucket.ts'
import { anonymous, type Caller } from '../support/client.ts'
import { disturbed, within } from '../support/faults.ts'
import { idOf, outcomeOf } from '../support/scopes.ts'
import { aDraft, asking, beginMore, fileRow, moving, receive, withVersions, wrongs } from '../support/versions.ts'
import { aFile, aParticipant, aStudy, ok, type Participant, replace, type Study } from '../support/world.ts'

const MOVES = /SET file_id = /
const COMPLETES = /INSERT INTO versions/

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

/** What was downloaded: a file's content, or that of one of its versions. */
async function read(file: { number: number }, version?: number): Promise<string> {
  const scope = await admin()
  const named = version === undefined ? undefined : { number: version }
  return new Response(await readContent(scope, await getContent(scope, idOf(study), { file, version: named }))).text()
}

const usage = async (of: { id: string }) =>
  env.DB.prepare('SELECT bytes FROM studies WHERE id = ?').bind(of.id).first<number>('bytes')

describe('a version that is moved', () => {
  test('is the content of its new file if it is the latest there, and its old one has the next', async () => {
    const [source, target] = [
      await withVersions(study, 1, { text: 'source' }),
      await receive(study, { text: 'target' }),
    ]
    const { version } = await receive(study, { handle: source.file.handle, text: 'moved', name: 'moved.txt' })
    const [before, beforeThere] = [await fileRow(study, source.file), await fileRow(study, target.file)]
    const bytes = await usage(study)
    await editVersion(await admin(), idOf(study), { version, changes: { description: 'what it is', review: 'APP' } })
    const events = await recorded(study, async () => {
      const moved = await moving(study, version, target.file.number)
      expect(moved.file).toMatchObject({ id: target.file.id, content: { version: { number: version } } })
      expect(moved.version).toMatchObject({ file: target.file.id, description: 'what it is', review: 'APP' })
      expect(await moving(study, version, target.file.number)).toEqual(moved)
    })
    expect(events.map(({ action, subject }) => [action, subject])).toEqual([['version.move', null]])
    const [after, afterThere] = [await fileRow(study, source.file), await fileRow(study, target.file)]
    const [own = 0] = source.numbers
    expect(after).toMatchObject({ current: own, versions: [own], revision: (before?.revision ?? 0) + 1 })
    expect(afterThere).toMatchObject({
      current: version,
      currentName: 'moved.txt',
      versions: [target.version, version],
    })
    expect(afterThere).toMatchObject({ listedAt: beforeThere?.listedAt, revision: (beforeThere?.revision ?? 0) + 1 })
    expect([await read(source.file), await read(target.file), await read(target.file, target.version)]).toEqual([
      'source',
      'moved',
      'target',
    ])
    expect(await usage(study)).toBe(bytes)
  })

  test('is history where a later one is', async () => {
    const { file: source, numbers } = await withVersions(study, 2)
    const [older = 0, newer = 0] = numbers
    const target = await receive(study)
    const before = await fileRow(study, target.file)
    await moving(study, older, target.file.number)
    expect(await fileRow(study, target.file)).toEqual({ ...before, versions: [older, target.version] })
    expect(await fileRow(study, source)).toMatchObject({ current: newer, versions: [newer] })
  })

  test('takes its draft along, unless something is still coming to it', async () => {
    const target = await receive(study)
    const [done, awaiting] = [await aDraft(study), await aDraft(study)]
    const files = await env.DB.prepare('SELECT files FROM studies WHERE id = ?').bind(study.id).first<number>('files')
    await moving(study, done.version, target.file.number)
    expect(await fileRow(study, done.file)).toBeUndefined()
    const left = await env.DB.prepare('SELECT files FROM studies WHERE id = ?').bind(study.id).first<number>('files')
    expect(left).toBe((files ?? 0) - 1)

    const { upload } = await beginMore(study, awaiting.file)
    await moving(study, awaiting.version, target.file.number)
    expect(await fileRow(study, awaiting.file)).toMatchObject({ current: null, draft: 1, versions: [], listedAt: null })
    expect((await fileRow(study, target.file))?.versions).toEqual([target.version, done.version, awaiting.version])
    await abandonUpload(await admin(), idOf(study), upload)
    expect(await fileRow(study, awaiting.file)).toBeUndefined()
  })

  test('makes a file complete that was waiting for content', async () => {
    const { file: waiting } = ok(
      await study.staff.post(`${study.path}/files`, { name: 'a', mediaType: 'text/plain', size: 3, participant: null }),
    )
    const { version } = await aDraft(study)
    await moving(study, version, waiting.number)
    const found = ok(await study.staff.get(`${study.path}/files/${waiting.id}`))
    expect([found.version.number, found.listedAt === null]).toEqual([version, false])
  })

  test('is no longer given by links that were made when it was of the other file', async () => {
    const [source, target] = [await withVersions(study, 2), await receive(study)]
    const [older = 0, moved = 0] = source.numbers
    const link = async (version: object = {}) =>
      ok(await study.admin.post(`${study.path}/files/${source.file.id}/download-tokens`, version))
    const { id } = (await getReviewedVersion(await admin(), idOf(study), older)).version
    const [first, second, ofOlder] = [await link(), await link(), await link({ version: id })]
    const claimed = async ({ url }: { url: string }) => (await anonymous.get(url)).body.code
    await moving(study, moved, target.file.number)
    expect(await claimed(first)).toBe('download_token_revoked')
    await moving(study, moved, source.file.number)
    expect(await claimed(second)).toBe('download_token_revoked')
    expect((await anonymous.get(ofOlder.url)).status).toBe(302)
  })
})

describe('a version stays where it is', () => {
  test('if it is the last of a file, or the other file is another’s, or none yet', async () => {
    const [only, two, theirs] = [
      await receive(study),
      await withVersions(study, 2),
      await aFile(participant, study, { visibility: 'study' }),
    ]
    const [first = 0] = two.numbers
    expect(await outcomeOf(moving(study, only.version, two.file.number))).toBe('version_bound')
    expect(await outcomeOf(moving(study, first, theirs.number))).toBe('version_bound')
    expect(await outcomeOf(moving(study, first, first + 900))).toBe('file_not_found')
    const draft = await aDraft(study)
    expect(await outcomeOf(moving(study, first, draft.file.number))).toBe('file_not_found')
    expect((await fileRow(study, draft.file))?.versions).toEqual([draft.version])
    expect(await outcomeOf(moving(study, first + 900, only.file.number))).toBe('version_not_found')
    expect((await fileRow(study, only.file))?.versions).toEqual([only.version])
    expect((await fileRow(study, two.file))?.versions).toEqual(two.numbers)
  })

  test('if whoever asks may not edit both files', async () => {
    const aPair = async (doorVisibility: 'study' | 'private') =>
      withVersions(study, 2, { owner: { kind: 'caller' }, secret: person.key, doorVisibility })
    const person = await aParticipant(study)
    const [shown, hidden, other] = [await aPair('study'), await aPair('private'), await aPair('study')]
    const all = [shown, hidden, other]
    const rows = async () => Promise.all(all.map(async ({ file }) => fileRow(study, file)))
    const before = await rows()
    const attempt = async (
      { key }: Caller,
      { numbers }: { numbers: number[] },
      { file }: { file: { number: number } },
    ) =>
      outcomeOf(moveVersion(await asking({ secret: key }), idOf(study), { version: numbers[0] ?? 0, to: file.number }))
    expect(await attempt(study.staff, shown, other)).toBe('forbidden')
    expect(await attempt(study.staff, hidden, other)).toBe('version_not_found')
    expect(await attempt(study.staff, shown, hidden)).toBe('file_not_found')
    expect(await attempt(study.admin, shown, hidden)).toBe('forbidden')
    expect(await attempt(study.admin, hidden, other)).toBe('forbidden')
    expect(await attempt(anonymous, shown, other)).toBe('unauthenticated')
    expect(await rows()).toEqual(before)
    expect(await attempt(person, hidden, shown)).toBe('done')
    expect(await attempt(study.admin, shown, other)).toBe('done')
    ok(await study.admin.patch(`${study.path}/participants/${person.id}`, { status: 'withdrawn' }))
    expect(await attempt(study.admin, other, shown)).toBe('participant_withdrawn')
  })

  test('if only the latest is kept and a later one is there; where it is the latest, what was there goes', async () => {
    const latest = await aStudy({ retention: 'latest' })
    const [early, target] = [await aDraft(latest), await receive(latest)]
    const late = await aDraft(latest, { text: 'late' })
    expect(await outcomeOf(moving(latest, early.version, target.file.number))).toBe('version_bound')
    expect((await fileRow(latest, early.file))?.versions).toEqual([early.version])
    expect(await outbox(latest)).toEqual([])
    await moving(latest, late.version, target.file.number)
    expect(await fileRow(latest, target.file)).toMatchObject({ current: late.version, versions: [late.version] })
    expect(await outbox(latest)).toHaveLength(1)
    expect(await wrongs(latest)).toEqual([])
  })

  test('with what is older of its file, where a move comes to nothing', async () => {
    const kept = await aStudy()
    const { file, numbers } = await withVersions(kept, 3)
    ok(
      await kept.admin.patch(
        kept.path,
        { settings: { retention: 'latest' } },
        { 'Content-Type': 'application/merge-patch+json' },
      ),
    )
    expect(await outcomeOf(moving(kept, numbers.at(-1) ?? 0, file.number))).toBe('done')
    expect((await fileRow(kept, file))?.versions).toEqual(numbers)
  })
})

describe('of what happens at once', () => {
  test('a move whose answer was lost is done once', async () => {
    const [source, target] = [await withVersions(study, 2), await receive(study)]
    const before = await fileRow(study, source.file)
    const { DB, seen } = disturbed({ on: MOVES, loses: true })
    const [first = 0, second = 0] = source.numbers
    const events = await recorded(study, async () => {
      const { file } = await moving(study, second, target.file.number, { DB })
      expect(file.id).toBe(target.file.id)
    })
    expect([seen.times, events.length]).toEqual([2, 1])
    expect(await fileRow(study, source.file)).toMatchObject({ current: first, revision: (before?.revision ?? 0) + 1 })
  })

  test('two moves of one version leave it in one file', async () => {
    const [draft, one, two] = [await aDraft(study), await receive(study), await receive(study)]
    await Promise.all([moving(study, draft.version, one.file.number), moving(study, draft.version, two.file.number)])
    const rows = [await fileRow(study, one.file), await fileRow(study, two.file)]
    expect(rows.flatMap((row) => row?.versions ?? []).filter((number) => number === draft.version)).toHaveLength(1)

    const [, third = 0] = (await withVersions(study, 2)).numbers
    const { DB, seen } = disturbed({ on: MOVES, before: async () => moving(study, third, one.file.number) })
    expect((await moving(study, third, two.file.number, { DB })).file.id).toBe(two.file.id)
    expect(seen.times).toBe(2)
    expect((await fileRow(study, one.file))?.versions).not.toContain(third)
    expect(await wrongs(study)).toEqual([])
  })

  test.each(['target', 'source'] as const)(
    'a move to or from a file that is just deleted moves nothing: the %s',
    async (which) => {
      const [source, target] = [await withVersions(study, 2), await receive(study)]
      const [first = 0] = source.numbers
      const gone = which === 'target' ? target.file : source.file
      const remove = async () => deleteFile(await admin(), idOf(study), { name: { id: gone.id }, revision: undefined })
      const { DB, seen } = disturbed({ on: MOVES, before: remove })
      const outcome = await outcomeOf(moving(study, first, target.file.number, { DB }))
      expect([outcome, seen.times]).toEqual([which === 'target' ? 'file_not_found' : 'version_not_found', 1])
      const left = which === 'target' ? await fileRow(study, source.file) : await fileRow(study, target.file)
      expect(left?.versions).toEqual(which === 'target' ? source.numbers : [target.version])
    },
  )

  test('a draft that is just named keeps its only version', async () => {
    const [draft, target] = [await aDraft(study), await receive(study)]
    const details = { title: 'Named', description: null, category: null, tags: [] }
    const { DB } = disturbed({
      on: MOVES,
      before: async () => nameDraft(await admin(), idOf(study), { version: draft.version, details }),
    })
    expect(await outcomeOf(moving(study, draft.version, target.file.number, { DB }))).toBe('version_bound')
    expect(await fileRow(study, draft.file)).toMatchObject({ draft: 0, versions: [draft.version] })
  })

  test('a version that is moved while it is completed once more is not brought back', async () => {
    const path = `${study.path}/participants/me/files/${crypto.randomUUID()}`
    const complete = async (upload: { id: string }, caller: Caller = participant) =>
      ok(await caller.post(`${study.path}/uploads/${upload.id}/complete`))
    const source = await complete(await replace(participant, path))
    const target = await aFile(participant, study)
    const upload = await replace(participant, path, 'newer')
    const move = async () => {
      const { version } = await complete(upload)
      const scope = await asking({ secret: participant.key })
      await moveVersion(scope, idOf(study), { version: version.number, to: target.number })
    }
    const { DB, seen } = disturbed({ on: COMPLETES, before: move })
    const answered = await complete(upload, within({ DB }, participant))
    expect([answered.id, seen.times > 0]).toEqual([target.id, true])
    expect(await fileRow(study, source)).toMatchObject({ current: source.version.number })
  })
})
