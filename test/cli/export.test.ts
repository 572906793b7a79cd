// Everything of a participant, into a folder that says when it is whole.

import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { beforeAll, expect, test } from 'vitest'
import { bytesOf, hashOf, MIB } from '../support/bytes.ts'
import { ok, type Participant, type Study } from '../support/builders.ts'
import { sharedCarrel } from '../e2e/support/carrel.ts'
import { aLink } from '../client/support/link.ts'
import { linesOf, renew, signedIn } from './support/runs.ts'

const carrel = await sharedCarrel()

let study: Study
let participant: Participant
beforeAll(async () => {
  study = await carrel.aStudy()
  participant = await carrel.aParticipant(study)
})

const whole = bytesOf(9, 3 * MIB)
const LONG = '{"long":12345678901234567890}'

test('an export goes on where it was stopped, and is whole when its manifest is there', async () => {
  const me = `${study.path}/participants/me`
  const scan = await carrel.aFile(participant, study, { name: '../../scan.bin', metadata: { device: 'watch' } }, whole)
  const handle = `${me}/files/diary`
  for (const text of ['first', 'second']) {
    const upload = await carrel.replace(participant, handle, text)
    ok(await participant.post(`${study.path}/uploads/${upload.id}/complete`))
  }
  await carrel.begin(participant, study, { name: 'never-sent.txt' })
  for (const name of ['prefs', 'PREFS', '..%2F..%2Fup'])
    ok(await participant.put(`${me}/documents/${name}`, LONG, JSON_TYPE))
  ok(await participant.put(`${me}/reports/Steps/entries/2026-11-21`, LONG, JSON_TYPE))
  ok(await participant.put(`${me}/reports/Steps/entries/2026-11-22`, '1.50', JSON_TYPE))

  const home = await signedIn(participant, study, carrel.origin)
  let isIll = true
  const link = await aLink(carrel.origin, () => (isIll ? { stallDownAt: MIB } : {}))
  const env = { CARREL_URL: link.origin, CARREL_KEY: participant.key ?? '' }
  const stop = new AbortController()
  const first = home.run(['export', 'mine'], { env, signal: stop.signal })
  const names = async () => readdir(home.path('mine'), { recursive: true }).catch(() => [])
  await expect
    .poll(async () => (await names()).some((name) => name.endsWith('-hello.txt')), {
      timeout: 20_000,
    })
    .toBe(true)
  stop.abort(130)
  expect(await first).toMatchObject({ exit: 130, err: expect.stringContaining('goes on from here') })
  expect(await names()).not.toContain('manifest.jsonl')

  isIll = false
  renew(link)
  const again = await home.run(['export', 'mine', '--json'], { env })
  await link.stop()
  expect([again.exit, linesOf(again)]).toEqual([
    0,
    [{ participant: participant.id, folder: home.path('mine'), saved: 7, failed: 0 }],
  ])
  const lines = (await readFile(home.path('mine/manifest.jsonl'), 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  const [profile, ...items] = lines
  expect(profile).toMatchObject({ kind: 'participant', participant: { id: participant.id } })
  const savedOf = async (saved: string) => readFile(home.path('mine', saved))
  const files = items.filter(({ kind }) => kind === 'file')
  expect(files.filter(({ saved }) => saved === null)).toMatchObject([{ file: { name: 'never-sent.txt' } }])
  const found = files.find(({ file }) => file.id === scan.id)
  expect(found.saved).toBe(`files/${scan.id}/${scan.version.number}-scan.bin`)
  expect(hashOf('sha256', await savedOf(found.saved))).toBe(hashOf('sha256', whole))
  const diary = files.filter(({ file }) => file.handle === 'diary')
  expect((await Promise.all(diary.map(async ({ saved }) => (await savedOf(saved)).toString()))).toSorted()).toEqual([
    'first',
    'second',
  ])
  const documents = items.filter(({ kind }) => kind === 'document')
  expect(documents.map(({ saved }): string => saved).toSorted()).toEqual([
    'documents/%2e%2e%2f%2e%2e%2fup.json',
    'documents/%50%52%45%46%53.json',
    'documents/prefs.json',
  ])
  for (const { saved } of documents) expect((await savedOf(saved)).toString()).toBe(LONG)
  const entries = (await savedOf('reports/%53teps.jsonl')).toString().trimEnd().split('\n')
  expect(entries).toEqual([expect.stringContaining(`"data":${LONG}`), expect.stringContaining('"data":1.50')])

  // No link, which is whoever's that has it, and nothing for others of this machine to read.
  expect(await readFile(home.path('mine/manifest.jsonl'), 'utf8')).not.toMatch(/X-Amz|https?:/)
  for (const name of await names()) {
    const facts = await stat(home.path('mine', name))
    expect(facts.mode & 0o077, name).toBe(0)
  }
  expect((await names()).filter((name) => name.endsWith('.part'))).toEqual([])
})
const JSON_TYPE = { 'Content-Type': 'application/json' }

test("an export is not mixed with another's, nor with what is there", async () => {
  const home = await signedIn(study.admin, study, carrel.origin)
  const other = await carrel.aParticipant(study)
  expect((await home.run(['export', 'theirs', other.id])).exit).toBe(0)
  expect(await home.run(['export', 'theirs', participant.id])).toMatchObject({ exit: 5 })
  await writeFile(home.path('note.txt'), 'mine')
  expect(await home.run(['export', '.', other.id])).toMatchObject({
    exit: 5,
    err: expect.stringContaining('not empty'),
  })
  expect((await home.run(['export', 'nobody', 'nobody'])).exit).toBe(4)
})

test('what may not be read is named without its content', async () => {
  await carrel.aFile(participant, study, { name: 'secret.txt' })
  const home = await signedIn(study.admin, study, carrel.origin)
  const { exit } = await home.run(['export', 'admins', participant.id])
  expect(exit).toBe(0)
  const lines = (await readFile(home.path('admins/manifest.jsonl'), 'utf8')).split('\n')
  expect(lines.filter((line) => line.includes('secret.txt')).map((line) => JSON.parse(line).saved)).toEqual([null])
})
