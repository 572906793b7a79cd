// MyDataHelps' lists of files: a project's for its service accounts, and participants' own.

import { beforeAll, describe, expect, test } from 'vitest'
import { filesOf, list, type Listed, namesIn, OWN, upload } from '../support/mydatahelps-files.ts'
import { aFile, aParticipant, aStudy, ok, type Participant, type Study } from '../support/world.ts'

describe('a list', () => {
  let own: Study
  let one: Participant
  let two: Participant
  let files: string
  beforeAll(async () => {
    own = await aStudy()
    one = await aParticipant(own, { externalId: 'PT-1' })
    two = await aParticipant(own, { externalId: 'PT 2&b' })
    files = filesOf(own)
    for (const [caller, category, name] of [
      [one, 'images', '1.jpg'],
      [two, 'images', '2.jpg'],
      [one, 'workout-videos', '3.mp4'],
      [two, 'a+b', '4.txt'],
      [one, 'images', '5.jpg'],
    ] as const) {
      await upload(caller, category, name)
      await list(caller)
    }
    await aFile(own.admin, own, { participant: null, name: 'study-owned.txt', category: 'images' })
  })

  const QUERIES: [query: () => string, names: string[]][] = [
    [() => '', ['5.jpg', '4.txt', '3.mp4', '2.jpg', '1.jpg']],
    [() => `?participantID=${one.id}`, ['5.jpg', '3.mp4', '1.jpg']],
    [() => '?participantIdentifier=PT-1', ['5.jpg', '3.mp4', '1.jpg']],
    [() => '?participantIdentifier=PT+2%26b', ['4.txt', '2.jpg']],
    [() => `?participantID=${one.id}&category=images`, ['5.jpg', '1.jpg']],
    [() => '?participantIdentifier=PT-1&category=workout-videos', ['3.mp4']],
    [() => '?category=images', ['5.jpg', '2.jpg', '1.jpg']],
    [() => '?category=a%2Bb', ['4.txt']],
    [() => `?participantID=${one.id}&participantIdentifier=PT-1`, ['5.jpg', '3.mp4', '1.jpg']],
    [() => `?participantID=${two.id}&participantIdentifier=PT-1`, []],
    [() => '?participantID=nobody', []],
    [() => '?participantIdentifier=nobody', []],
    [() => '?category=nothing', []],
    [() => '?category=%00', []],
    [
      () => '?category=undefined&limit=null&pageID=undefined&participantID=null&uploadedAfter=undefined',
      ['5.jpg', '4.txt', '3.mp4', '2.jpg', '1.jpg'],
    ],
    [
      () => '?uploadedAfter=2020-01-01&uploadedBefore=9999-12-31T23:59:59Z',
      ['5.jpg', '4.txt', '3.mp4', '2.jpg', '1.jpg'],
    ],
    [() => '?uploadedAfter=9999-01-01', []],
    [() => '?uploadedBefore=2020-01-01 10:00:00', []],
    [() => '?uploadedBefore=2020-01-01T10:00:00.123456 02:00', []],
    [() => '?limit=100000&unknown=1', ['5.jpg', '4.txt', '3.mp4', '2.jpg', '1.jpg']],
  ]
  test.each(QUERIES)('of a project %#', async (query, names) => {
    expect(await namesIn(own.worker, query(), files), query()).toEqual(names)
  })

  test('goes on page by page, until there is no next one', async () => {
    for (const limit of [1, 2, 5]) {
      const seen: string[] = []
      let page = ''
      do {
        const { files: found, nextPageID } = ok(await own.worker.get(`${files}?limit=${limit}${page}`))
        seen.push(...found.map(({ fileName }: Listed) => fileName))
        page = nextPageID === null ? '' : `&pageID=${nextPageID}`
      } while (page !== '')
      expect(seen, String(limit)).toEqual(['5.jpg', '4.txt', '3.mp4', '2.jpg', '1.jpg'])
    }
  })

  test('names each one’s participant, also where the study calls them nothing', async () => {
    expect(
      new Map((await list(own.worker, '', files)).map((file) => [file.participantID, file.participantIdentifier])),
    ).toEqual(
      new Map([
        [one.id, 'PT-1'],
        [two.id, 'PT 2&b'],
      ]),
    )
    expect(ok(await one.get(OWN)).files[0].participantIdentifier).toBe('PT-1')
  })

  test('begins at a time, and ends before one', async () => {
    const [, , third] = await list(own.worker, '', files)
    const at = third?.lastModified ?? ''
    expect(await namesIn(own.worker, `?uploadedAfter=${at}`, files)).toEqual(['5.jpg', '4.txt', '3.mp4'])
    expect(await namesIn(own.worker, `?uploadedBefore=${at}`, files)).toEqual(['2.jpg', '1.jpg'])
    expect(await namesIn(one, `?uploadedBefore=${at}`)).toEqual(['1.jpg'])
  })

  test('of a participant is of their own, whatever they ask for', async () => {
    const asked = `?participantID=${two.id}&participantIdentifier=PT%202%26b`
    expect(await namesIn(one, asked)).toEqual(['5.jpg', '3.mp4', '1.jpg'])
    expect(await namesIn(one, '?category=images&limit=1')).toEqual(['5.jpg'])
  })

  const WRONG = ['limit=0', 'limit=-1', 'limit=1.5', 'limit=ten', 'pageID=garbage', 'uploadedAfter=yesterday']
  test.each([...WRONG, 'uploadedBefore=2024-02-30', 'uploadedAfter=-1', 'participantID=a%00b', 'participantID=me'])(
    'is refused for %s, and the answer says where',
    async (query) => {
      const { status, body } = await own.worker.get(`${files}?${query}`)
      expect([status, body.errors.length]).toEqual([400, 1])
    },
  )
})
