// Names and types that somebody chose to do harm with, in every tongue: each is refused in words that say what to change,
// or comes back as it was sent, in headers, pages, tables and links in which it is a name and nothing else.

import { env } from 'cloudflare:workers'
import { beforeAll, expect, test } from 'vitest'
import type { Caller } from '../support/callers.ts'
import { aTarget, DOORS, type Given, type Target } from '../support/hostile-doors.ts'
import { expectExchanged, expectFoundByHat, expectListed, linesOf, LISTS, PLACE } from '../support/hostile-lists.ts'
import { hostile, type Hostile, NAME_KINDS, TYPE_KINDS } from '../support/hostile.ts'
import { expectHarmlessName, expectSoundHeaders, type Promised } from '../support/hostile-told.ts'
import { filesOf } from '../support/mydatahelps-files.ts'
import { expectProblem } from '../support/problems.ts'
import { SEEDED_SINCE, seededId, seedFiles } from '../support/seed.ts'
import { ok, put } from '../support/world.ts'

const SEED = 20_261_122
const COUNT = env.SLOW ? 10_000 : 300
/** Of so many one is sent whole, with its bytes, and goes through a door; of the others, rows are all that is looked at. */
const ONE_OF = env.SLOW ? 5 : 1
const LANES = 8
/** JSON, which some of them are said to be. */
const BYTES = '{"a":"bcd"}'
const LOT = 500

const isName = (name: string) => /^[^\p{Cc}\p{Cs}]{1,255}$/u.test(name)
/** What any media type is at least. */
const MAY_BE_TYPE = /^(?=[ -~]{3,255}$)[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?: *;[^,]*(?:"[^"]*"[^,]*)*)?$/

const tried = hostile(SEED, COUNT)
const sent: (Given & Readonly<{ of: string }>)[] = []
const rows: Promised[] = []
const escapes: string[] = []
const counts = { refused: 0, taken: 0, told: 0, deliveries: 0 }

let target: Target
/** Where what is not sent whole is begun. */
let aside: Target

async function attempt(about: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (escape) {
    escapes.push(`${about}: ${String(escape).slice(0, 600)}`)
  }
}

/** All of them, so many side by side. */
async function each<Item>(items: readonly Item[], work: (item: Item, index: number) => Promise<void>): Promise<void> {
  const queue = items.entries()
  const lane = async () => {
    for (const [index, item] of queue) await work(item, index)
  }
  await Promise.all(Array.from({ length: LANES }, lane))
}

type Begun = { file: Given; upload: { id: string; url: string } }
type Verdict = { refused: string[]; begun: Begun | undefined }

/** What of the two is refused, by what the refusal says, or what was begun. */
async function begin({ study, person }: { study: { path: string }; person: Caller }, file: Promised): Promise<Verdict> {
  const { name, type } = file
  const said = { name, mediaType: type, size: BYTES.length, visibility: 'study' }
  const answer = await person.post(`${study.path}/files`, said)
  expectSoundHeaders(answer)
  expect(answer.headers.get('X-Content-Type-Options')).toBe('nosniff')
  if (answer.status !== 201) {
    expectProblem(answer, 'invalid_body')
    const errors: { pointer: string; message: string }[] = answer.body.errors
    for (const { message } of errors) expect(message).toMatch(/^\w.{10,}$/)
    return { refused: [...new Set(errors.map(({ pointer }) => pointer))].toSorted(), begun: undefined }
  }
  const { headers } = answer.body.upload
  expect(answer.body.file.name).toBe(name)
  expect(headers['content-type']).toBe(type.replaceAll(/ +/g, ' '))
  expectHarmlessName(headers['content-disposition'], file)
  return { refused: [], begun: answer.body }
}

async function complete({ file, upload }: Begun, one: Promised & { of: string }): Promise<void> {
  await put(upload.url, BYTES)
  const { version } = ok(await target.person.post(`${target.study.path}/uploads/${upload.id}/complete`))
  sent.push({ ...one, id: file.id, number: file.number, version })
}

/** What is refused of a name or of a type is tried again without: the other one may do its harm. */
async function send({ name, type, of }: Hostile, index: number): Promise<void> {
  const isWhole = index % ONE_OF === 0
  const where = isWhole ? target : aside
  const first = await begin(where, { name, type })
  const { refused } = first
  counts[refused.length === 0 ? 'taken' : 'refused'] += 1
  expect(refused.includes('/name')).toBe(!isName(name))
  if (refused.length === 0) expect(type).toMatch(MAY_BE_TYPE)
  if (refused.length > 1) return
  const harmless = {
    name: refused.includes('/name') ? `harmless ${index}.bin` : name,
    type: refused.includes('/mediaType') ? 'text/plain' : type,
  }
  const { begun } = refused.length === 0 ? first : await begin(where, harmless)
  if (begun === undefined) throw new Error('refused without what was wrong with it')
  if (isWhole) await complete(begun, { ...harmless, of })
  else rows.push(harmless)
}

/** The others, as if they had been completed. */
async function seed(): Promise<Map<string, Promised & { source: string }>> {
  const files = rows.map((row, index) => ({
    ...row,
    id: seededId(index + 1),
    source: `lot ${Math.floor(index / LOT)}`,
  }))
  for (let from = 0; from < files.length; from += LOT) {
    const some = files.slice(from, from + LOT).map(({ id, name, type, source }, index) => ({
      id,
      name,
      source,
      mediaType: type,
      owner: target.person.id,
      category: null,
      tags: [],
      visibility: 'study' as const,
      createdAt: SEEDED_SINCE + from + index,
      listedAt: SEEDED_SINCE + from + index,
    }))
    await seedFiles(target.study, some)
  }
  return new Map(files.map((file) => [file.id, file]))
}

let seeded: Awaited<ReturnType<typeof seed>>
beforeAll(async () => {
  ;[target, aside] = await Promise.all([aTarget(), aTarget()])
  await each(tried, async (one, index) => attempt(JSON.stringify(one), async () => send(one, index)))
  seeded = await seed()
}, 600_000)

test('every kind of name and of type is tried', () => {
  const named = Map.groupBy(tried, ({ of }) => of)
  const typed = Map.groupBy(tried, ({ typeOf }) => typeOf)
  expect([...named.keys()].toSorted()).toEqual(NAME_KINDS.toSorted())
  expect([...typed.keys()].toSorted()).toEqual(TYPE_KINDS.toSorted())
  for (const some of [...named.values(), ...typed.values()]) expect(some.length).toBeGreaterThanOrEqual(5)
  expect([tried.length, counts.refused + counts.taken]).toEqual([COUNT, COUNT])
  expect(sent.length + rows.length).toBeGreaterThan(COUNT * 0.8)
  expect(escapes).toEqual([])
})

test.each(Object.entries(LISTS))('in %s everything is called what it was called', async (name, list) => {
  const all = new Map<string, Promised>(seeded)
  for (const file of sent) all.set(file.id, file)
  const ids = await expectListed(list(target), all)
  counts.told += ids.size
  // What is read of versions is not there of what has none.
  const due = /export|study/.test(name) ? sent.map(({ id }) => id) : [...all.keys()]
  expect(due.filter((id) => !ids.has(id))).toEqual([])
})

test("in HAT's search and Open Humans' lists everything is called what it was called", async () => {
  const sources = new Set([...seeded.values()].map(({ source }) => source))
  let found = 0
  for (const source of sources) found += await expectFoundByHat(target, source, seeded)
  expect(found).toBe(seeded.size)
  expect(await expectExchanged(target, new Map(sent.map((file) => [file.number, file])))).toBe(sent.length)
  counts.told += found + sent.length
})

test('what is taken comes out of every door under its own name, and runs nowhere', async () => {
  const doors = Object.entries(DOORS)
  const ways = new Set<string>()
  // Each kind goes through one door after the other.
  await each(
    [...Map.groupBy(sent, ({ of }) => of).values()].flatMap((some, kind) =>
      some.map((file, turn) => [file, kind + turn] as const),
    ),
    async ([file, turn]) => {
      const [name = '', door] = doors[turn % doors.length] ?? []
      ways.add(`${file.of} ${name}`)
      counts.deliveries += 1
      await attempt(`${name}, ${JSON.stringify(file)}`, async () => door?.(target, file))
    },
  )
  console.info(
    `Seed ${SEED}: ${tried.length} names tried, ${counts.refused} refused as they were, ${counts.told} told in lists, ` +
      `${counts.deliveries} delivered, escapes ${escapes.length}`,
  )
  expect(escapes.slice(0, 20)).toEqual([])
  expect(ways.size).toBeGreaterThan(doors.length * NAME_KINDS.length * (env.SLOW ? 0.95 : 0.8))
}, 600_000)

test('a file that its owner calls like a place in an export leads nowhere else there', async () => {
  const { study, person } = await aTarget()
  const time = '2026-11-22T08:30:00.000Z_'
  const handles = [
    `../${time}a`,
    `a/${time}../../b`,
    `.../${time}a`,
    `a\\..\\b/${time}c`,
    `a/${time}b\\..\\c`,
    `a/${time}`,
  ]
  for (const handle of handles) {
    const path = `${study.path}/participants/me/files/${encodeURIComponent(handle)}`
    const { upload } = ok(
      await person.put(path, { name: handle, mediaType: 'text/plain', size: BYTES.length, visibility: 'study' }),
    )
    await put(upload.url, BYTES)
    ok(await person.post(`${study.path}/uploads/${upload.id}/complete`))
  }
  const places = linesOf(await study.worker.get(`${filesOf(study)}/UploadedFiles.csv`)).map(
    (line) => line['ExportFilePath'],
  )
  expect(places).toHaveLength(handles.length + 1)
  for (const place of places) expect(place).toMatch(PLACE)
})
