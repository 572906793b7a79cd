import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { getContent, readContent } from '../../src/domain/content.ts'
import {
  editVersion,
  getReviewedVersion,
  listStudyVersions,
  listVersionsOf,
  type VersionOfFile,
} from '../../src/domain/versions.ts'
import { recorded } from '../support/audit.ts'
import { anonymous, type Caller } from '../support/client.ts'
import { disturbed } from '../support/faults.ts'
import { idOf, outcomeOf } from '../support/scopes.ts'
import { aDraft, asking, receive, withVersions, wrongs } from '../support/versions.ts'
import { aFile, aParticipant, aStudy, type Participant, type Study } from '../support/world.ts'

let study: Study
let participant: Participant
beforeAll(async () => {
  study = await aStudy({ allowPublic: true })
  participant = await aParticipant(study)
})
afterAll(async () => {
  expect(await wrongs(study)).toEqual([])
})

const admin = async () => asking({ secret: study.admin.key })
const as = async ({ key }: Caller) => asking({ secret: key })
const editing = async (
  caller: Caller,
  version: number,
  changes: Parameters<typeof editVersion>[2]['changes'],
): Promise<VersionOfFile> => editVersion(await as(caller), idOf(study), { version, changes })

/** What was downloaded: a file's content, or that of one of its versions. */
async function read(file: { number: number }, version?: number): Promise<string> {
  const scope = await admin()
  const named = version === undefined ? undefined : { number: version }
  return new Response(await readContent(scope, await getContent(scope, idOf(study), { file, version: named }))).text()
}

describe('a version', () => {
  test('is found by its number alone, of a draft too, with what is said of it', async () => {
    const { file, version } = await receive(study, { text: 'one', name: 'one.csv', mediaType: 'text/csv' })
    const found = await getReviewedVersion(await admin(), idOf(study), version)
    expect(found.file.id).toBe(file.id)
    expect(found.version).toMatchObject({ number: version, name: 'one.csv', size: 3, review: 'PEN', description: null })
    expect(found.version.createdBy).toMatch(/^key:/)
    const draft = await aDraft(study)
    expect((await getReviewedVersion(await admin(), idOf(study), draft.version)).file.draft).toBe(true)
    expect(await outcomeOf(getReviewedVersion(await admin(), idOf(study), version + 500))).toBe('version_not_found')
  })

  test('of a file is its content when it is named by number, the file by id or number', async () => {
    const { file, numbers } = await withVersions(study, 1, { text: 'older' })
    const [older] = numbers
    const newer = await receive(study, { handle: file.handle, text: 'newer' })
    expect(await read(file)).toBe('newer')
    expect([await read(file, older), await read(file, newer.version)]).toEqual(['older', 'newer'])
    const scope = await admin()
    const byId = await getContent(scope, idOf(study), { file: { id: file.id }, version: { number: older ?? 0 } })
    expect(byId.size).toBe(5)
    const other = await receive(study)
    const foreign = getContent(scope, idOf(study), { file: { id: file.id }, version: { number: other.version } })
    expect(await outcomeOf(foreign)).toBe('version_not_found')
    const foreignByNumber = getContent(scope, idOf(study), { file, version: { number: other.version } })
    expect(await outcomeOf(foreignByNumber)).toBe('version_not_found')
  })

  test('is seen, described and reviewed by those who may', async () => {
    const { version } = await receive(study)
    const theirs = await aFile(participant, study)
    const own = theirs.version.number
    const rows: [caller: Caller, number: number, get: string, describe: string, review: string][] = [
      [study.admin, version, 'done', 'done', 'done'],
      [study.staff, version, 'done', 'done', 'forbidden'],
      [study.worker, version, 'done', 'done', 'forbidden'],
      [study.download, version, 'done', 'forbidden', 'forbidden'],
      [participant, version, 'version_not_found', 'version_not_found', 'version_not_found'],
      [anonymous, version, 'unauthenticated', 'unauthenticated', 'unauthenticated'],
      [participant, own, 'done', 'done', 'forbidden'],
      [study.admin, own, 'done', 'forbidden', 'forbidden'],
      [study.staff, own, 'version_not_found', 'version_not_found', 'version_not_found'],
    ]
    for (const [caller, number, ...expected] of rows) {
      const outcomes = [
        await outcomeOf(getReviewedVersion(await as(caller), idOf(study), number)),
        await outcomeOf(editing(caller, number, { description: 'seen' })),
        await outcomeOf(editing(caller, number, { review: 'APP', description: 'judged' })),
      ]
      expect(outcomes).toEqual(expected)
    }
  })

  test('is edited in the parts that are named, and on record each time that it is', async () => {
    const { version } = await receive(study)
    const events = await recorded(study, async () => {
      await editing(study.admin, version, { description: 'first' })
      await editing(study.admin, version, { review: 'CHN' })
      await editing(study.admin, version, {})
      expect(await outcomeOf(editing(study.staff, version, { review: 'APP' }))).toBe('forbidden')
    })
    const { version: edited } = await editing(study.admin, version, {})
    expect(edited).toMatchObject({ description: 'first', review: 'CHN' })
    expect((await editing(study.admin, version, { description: null })).version.description).toBeNull()
    expect(events.map(({ action, object, subject }) => [action, object, subject])).toEqual([
      ['version.edit', edited.id, null],
      ['version.edit', edited.id, null],
    ])
  })

  test('is edited once where the answer was lost', async () => {
    const { version } = await receive(study)
    const { DB, seen } = disturbed({ on: /UPDATE versions/, loses: true })
    const scope = await asking({ secret: study.admin.key, other: { DB } })
    const events = await recorded(study, async () => {
      const edited = await editVersion(scope, idOf(study), { version, changes: { review: 'PRC' } })
      expect(edited.version.review).toBe('PRC')
    })
    expect([seen.times, events.length]).toEqual([2, 1])
  })
})

describe('versions of files', () => {
  test('are told of many files at once, from either end, with whether there are more', async () => {
    const [three, one] = [await withVersions(study, 3), await withVersions(study, 1)]
    const hidden = await aFile(participant, study)
    const files = [three.file.id, one.file.id, hidden.id]
    const told = async (order: 'oldest' | 'newest', limit: number) =>
      [...(await listVersionsOf(await as(study.staff), idOf(study), { files, limit, order }))].map(
        ([file, { items, more }]) => [file, items.map(({ number }) => number), more],
      )
    const [first = 0, second = 0, third = 0] = three.numbers
    expect(await told('oldest', 2)).toEqual([
      [three.file.id, [first, second], true],
      [one.file.id, one.numbers, false],
      [hidden.id, [], false],
    ])
    expect((await told('newest', 2))[0]).toEqual([three.file.id, [third, second], true])
    expect((await told('newest', 3))[0]).toEqual([three.file.id, [third, second, first], false])
  })

  test('are listed for the whole study or for one file, by pages, and none of drafts', async () => {
    const listing = await aStudy()
    const person = await aParticipant(listing)
    const { file, numbers } = await withVersions(listing, 3)
    const hidden = await aFile(person, listing)
    await aDraft(listing)
    const last = (await receive(listing)).version
    const all = [...numbers, last]
    const list = async ({ key }: Caller, order: 'oldest' | 'newest', more: { file?: typeof file.id } = {}) => {
      const found: number[] = []
      let cursor: string | undefined
      do {
        const asked = { order, ...more, page: { limit: 2, cursor } }
        const page = await listStudyVersions(await asking({ secret: key }), idOf(listing), asked)
        found.push(...page.items.map(({ version }) => version.number))
        cursor = page.nextCursor ?? undefined
      } while (cursor !== undefined)
      return found
    }
    expect(await list(listing.staff, 'oldest')).toEqual(all)
    expect(await list(listing.staff, 'newest')).toEqual(all.toReversed())
    expect(await list(listing.admin, 'newest', { file: file.id })).toEqual(numbers.toReversed())
    expect(await list(listing.admin, 'oldest')).toHaveLength(5)
    expect(await list(person, 'oldest')).toEqual([hidden.version.number])
    expect(await list(listing.staff, 'oldest', { file: hidden.id })).toEqual([])
    expect(await outcomeOf(list(listing.download, 'oldest'))).toBe('forbidden')
    expect(await outcomeOf(list(anonymous, 'oldest'))).toBe('unauthenticated')
  })
})
