import { expect, test } from 'vitest'
import { aFile, aParticipant, aStudy, begin, put } from '../support/world.ts'

type Item = {
  kind: string
  identifier?: string
  file?: { name: string }
  version?: { id: string } | null
  url?: string | null
}

test('an export names everything of a participant, with links to every version', async () => {
  const study = await aStudy()
  const [participant, other] = [await aParticipant(study, { externalId: 'PT-1' }), await aParticipant(study)]
  await aFile(other, study)
  await aFile(participant, study, { name: '=1+1.txt' })
  await begin(participant, study, { name: 'pending.txt' })
  const handle = `${study.path}/participants/me/files/notes`
  for (const round of [1, 2]) {
    const { upload } = (
      await participant.put(handle, { name: `notes-${round}.txt`, mediaType: 'text/plain', size: 11 })
    ).body
    await put(upload.url)
    await participant.post(`${study.path}/uploads/${upload.id}/complete`)
  }
  await participant.put(`${study.path}/participants/me/documents/preferences`, { theme: 'dark' })

  await participant.put(`${study.path}/participants/me/reports/steps/entries/2026-11-21`, 4_200)

  const path = `${study.path}/participants/me/export`
  const { status, body } = await participant.get(path)
  expect(status).toBe(200)
  expect(body.participant).toMatchObject({ id: participant.id, externalId: 'PT-1' })
  const items: Item[] = body.items
  const files = items
    .filter((item) => item.kind === 'file')
    .map((item) => [item.file?.name, item.version?.id !== undefined])
  expect(files.toSorted((a, b) => String(a).localeCompare(String(b)))).toEqual([
    ['=1+1.txt', true],
    ['notes-2.txt', true],
    ['notes-2.txt', true],
    ['pending.txt', false],
  ])
  expect(items.filter((item) => item.version).every((item) => item.url?.includes('X-Amz-Signature'))).toBe(true)
  expect(items.filter((item) => item.kind === 'document').map((item) => item.identifier)).toEqual(['preferences'])

  expect(items.find((item) => item.kind === 'report')).toMatchObject({ identifier: 'steps', entries: 1 })

  const csv = await participant.get(`${path}?format=csv`)
  const lines = csv.text.trimEnd().split('\r\n')
  expect(lines).toHaveLength(1 + 4 + 1 + 1)
  expect(csv.text).toContain(",'=1+1.txt,")
})

test('an export is for its participant, also after they withdrew, and for admins, without links to what is private', async () => {
  const study = await aStudy()
  const [participant, other] = [await aParticipant(study), await aParticipant(study)]
  await aFile(participant, study)
  await aFile(participant, study, { visibility: 'study' })
  const path = `${study.path}/participants/${participant.id}/export`
  const urls = (await study.admin.get(path)).body.items.map((item: Item) => typeof item.url)
  expect(urls.toSorted((a: string, b: string) => a.localeCompare(b))).toEqual(['object', 'string'])
  for (const caller of [study.staff, study.worker, study.download, other]) {
    expect((await caller.get(path)).body.code).toBe('participant_not_found')
  }
  await study.admin.patch(`${study.path}/participants/${participant.id}`, { status: 'withdrawn' })
  expect((await participant.get(path)).status).toBe(200)
})

test('an export of many files is whole', async () => {
  const study = await aStudy()
  const participant = await aParticipant(study)
  await Promise.all(
    Array.from({ length: 230 }, async (_, index) => begin(participant, study, { name: `${index}.txt` })),
  )
  const items: Item[] = (await participant.get(`${study.path}/participants/me/export`)).body.items
  expect(new Set(items.map((item) => item.file?.name)).size).toBe(230)
})
