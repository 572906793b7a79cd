// Uploads over links that drop, stall and reorder, to a real service behind a real port.

import { createHash } from 'node:crypto'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { SavedUpload } from '../../src/client/index.ts'
import { bytesOf, hashOf, MIB } from '../support/bytes.ts'
import { ok, type Participant, type Study } from '../support/builders.ts'
import { sharedCarrel } from '../e2e/support/carrel.ts'
import { SLOW } from '../e2e/support/parts.ts'
import { aClient, noted, type Sent } from './support/client.ts'
import { aLink, type Fates, numbersOf } from './support/link.ts'

const carrel = await sharedCarrel()

const PART_BYTES = 8 * MIB
const SIZE = SLOW ? 64 * MIB : 16 * MIB
const COUNT = SIZE / PART_BYTES
const whole = bytesOf(7, SIZE)
const sha256 = hashOf('sha256', whole)

let study: Study
let participant: Participant
beforeAll(async () => {
  study = await carrel.aStudy()
  participant = await carrel.aParticipant(study)
})

const open: { stop: () => Promise<void> }[] = []
async function aBadLink(fateOf: Fates) {
  const link = await aLink(carrel.origin, fateOf)
  open.push(link)
  return link
}
afterEach(async () => {
  await Promise.all(open.splice(0).map(async (link) => link.stop()))
})

async function sha256Of(id: string): Promise<string> {
  const { headers } = await participant.get(`${study.path}/files/${id}/content`)
  const response = await fetch(headers.get('Location') ?? '')
  return createHash('sha256')
    .update(new Uint8Array(await response.arrayBuffer()))
    .digest('hex')
}

const partOf = ({ method, url }: Sent) => (method === 'PUT' ? url.searchParams.get('partNumber') : null)
const partsOf = (sent: readonly Sent[]) => sent.flatMap((one) => partOf(one) ?? [])
/** Parts that were sent again although storage had said that it has them. */
const sentAgain = (sent: readonly Sent[]) =>
  sent.filter(
    (one, at) =>
      partOf(one) !== null && sent.slice(0, at).some((other) => partOf(other) === partOf(one) && other.status === 200),
  )

const CUTS = SLOW ? 30 : 12
describe(`a link that is cut ${CUTS} times`, () => {
  test(`brings ${SIZE / MIB} MiB, and no part that has arrived is sent again`, async () => {
    const number = numbersOf(30)
    // Until then every connection is: before a request is through, in the middle of a part, or before the answer.
    const link = await aBadLink((connections, cuts) => {
      if (cuts >= CUTS) return {}
      return connections % 10 === 9
        ? { cutDownAt: 1 + number() * 50 }
        : { cutUpAt: 1 + number() ** 4 * (SLOW ? PART_BYTES : MIB) }
    })
    const { fetch, sent } = noted()
    const client = aClient(study, participant, { url: link.origin, fetch })
    const file = await client.files.upload(whole, {
      name: 'scan.bin',
      sha256,
      upload: 'multipart',
      partsAtOnce: 3,
    })

    expect(link.told.cuts).toBeGreaterThanOrEqual(CUTS)
    expect(file).toMatchObject({ name: 'scan.bin', version: { size: SIZE, sha256 } })
    expect(await sha256Of(file.id)).toBe(sha256)
    expect(new Set(partsOf(sent)).size).toBe(COUNT)
    expect(partsOf(sent).length).toBeGreaterThan(COUNT)
    expect(sentAgain(sent)).toEqual([])
    // However often it was asked, it was begun once.
    const keys = sent
      .filter(({ method, url }) => method === 'POST' && url.pathname.endsWith('/files'))
      .map(({ headers }) => headers.get('Idempotency-Key'))
    expect(new Set(keys).size).toBe(1)
    expect(ok(await participant.get(`${study.path}/files?status=pending`)).items).toEqual([])
  })
})

test('a process that died goes on from what it had saved, with what has not arrived', async () => {
  const saved: string[] = []
  const before = noted()
  const gone = new AbortController()
  const first = aClient(study, participant, { url: carrel.origin, fetch: before.fetch }).files.upload(whole, {
    name: 'scan.bin',
    upload: 'multipart',
    partsAtOnce: 1,
    signal: gone.signal,
    onUpload: (upload) => {
      saved.push(JSON.stringify(upload))
      // It dies with one part sent, before the next is.
      if (upload.parts.length === 1) gone.abort()
    },
  })
  await expect(first).rejects.toMatchObject({ code: 'aborted' })

  const after = noted()
  const resume: SavedUpload = JSON.parse(saved.at(-1) ?? '')
  const told: number[] = []
  const file = await aClient(study, participant, { url: carrel.origin, fetch: after.fetch }).files.upload(whole, {
    resume,
    onProgress: ({ confirmedBytes }) => told.push(confirmedBytes),
  })
  expect(file.id).toBe(resume.file)
  expect(await sha256Of(file.id)).toBe(sha256)
  expect(partsOf(after.sent)).toHaveLength(COUNT - 1)
  expect(partsOf(after.sent)).not.toContain(String(resume.parts[0]?.number))
  expect([told[0], told.at(-1)]).toEqual([PART_BYTES, SIZE])
  // Once it is complete, the same again is told of the file and sends nothing.
  const again = noted()
  const same = await aClient(study, participant, { url: carrel.origin, fetch: again.fetch }).files.upload(whole, {
    resume,
  })
  expect(same.version).toEqual(file.version)
  expect(partsOf(again.sent)).toEqual([])
  // Other bytes are not what was begun.
  const other = aClient(study, participant, { url: carrel.origin }).files.upload(whole.subarray(1), { resume })
  await expect(other).rejects.toMatchObject({ code: 'source_changed' })
})

test('a link that stalls is given up for another', async () => {
  // The first connections bring half of a part, and then nothing, without an end.
  const link = await aBadLink((connection) => (connection < 3 ? { stallUpAt: 400_000 } : { upMilliseconds: 1 }))
  const client = aClient(study, participant, { url: link.origin, timeoutSeconds: 0.3, slowestBytesPerSecond: 2 ** 30 })
  const bytes = whole.subarray(0, MIB)
  const file = await client.files.upload(bytes, { name: 'scan.bin', upload: 'single' })
  expect(await sha256Of(file.id)).toBe(hashOf('sha256', bytes))
  expect(link.told.connections).toBeGreaterThan(3)
})

test('connections that overtake each other mix nothing up', async () => {
  const number = numbersOf(5)
  const link = await aBadLink(() => ({ upMilliseconds: number() * 20, downMilliseconds: number() * 60 }))
  const client = aClient(study, participant, { url: link.origin })
  const sizes = [0, 1, 70_001, 300_000]
  const files = await Promise.all(
    sizes.map(async (size) => client.files.upload(whole.subarray(0, size), { name: `of-${size}.bin` })),
  )
  const found = await Promise.all(files.map(async ({ id }) => sha256Of(id)))
  expect(found).toEqual(sizes.map((size) => hashOf('sha256', whole.subarray(0, size))))
})

test('a link that is down is waited for without using attempts up, until the deadline', async () => {
  const link = await aBadLink(() => ({}))
  const patient = aClient(study, participant, { url: link.origin, retry: { attempts: 2, offlineSeconds: 60 } })
  const { fetch, sent } = noted()
  const impatient = aClient(study, participant, { url: link.origin, fetch, retry: { attempts: 3, offlineSeconds: 0 } })
  link.down()
  await expect(impatient.files.upload(whole.subarray(0, 9), { name: 'x' })).rejects.toMatchObject({ code: 'network' })
  expect(sent).toHaveLength(3)

  const uploading = patient.files.upload(whole.subarray(0, 9), { name: 'patient.bin' })
  await expect.poll(() => link.told.connections).toBeGreaterThan(10)
  link.up()
  expect((await uploading).version?.size).toBe(9)
})

test('a browser that is offline tries again when it says that it is online', async () => {
  const link = await aBadLink(() => ({}))
  const online: (() => void)[] = []
  vi.stubGlobal('navigator', { onLine: false })
  vi.stubGlobal('addEventListener', (type: string, listener: () => void) => {
    if (type === 'online') online.push(listener)
  })
  link.down()
  // Only what the browser says wakes it in time for this test.
  const client = aClient(study, participant, { url: link.origin, retry: { capMilliseconds: 600_000 } })
  const uploading = client.files.upload(whole.subarray(0, 9), { name: 'offline.bin' })
  await expect.poll(() => online.length).toBe(1)
  vi.unstubAllGlobals()
  link.up()
  for (const listener of online) listener()
  expect((await uploading).version?.size).toBe(9)
})

test('bytes that have landed, whose answer was lost, are not sent a third time', async () => {
  let refusals = 0
  const { fetch, sent } = noted()
  const client = aClient(study, participant, {
    url: carrel.origin,
    fetch: async (url, init) => {
      const answer = await fetch(url, init)
      if (init?.method !== 'PUT' || refusals > 0) return answer
      refusals += 1
      throw new TypeError('fetch failed')
    },
  })
  const file = await client.files.upload(new Blob(['hello'], { type: 'text/plain' }), { name: 'hello.txt' })
  expect(file.version).toMatchObject({ size: 5, mediaType: 'text/plain' })
  expect(sent.filter(({ method }) => method === 'PUT').map(({ status }) => status)).toEqual([200, 412])
})

test('a URL that storage no longer takes is asked for again', async () => {
  let isSpoilt = true
  const client = aClient(study, participant, {
    url: carrel.origin,
    fetch: async (url, init) => {
      const spoils = init?.method === 'PUT' && isSpoilt
      if (spoils) isSpoilt = false
      return fetch(spoils ? url.replace(/X-Amz-Date=\d{8}/, 'X-Amz-Date=20200101') : url, init)
    },
  })
  const file = await client.files.upload(whole.subarray(0, 5), { name: 'hello.bin' })
  expect([isSpoilt, file.version?.size]).toEqual([false, 5])
})

test('bytes that were damaged on the way are sent again', async () => {
  let damaged = 0
  const { fetch, sent } = noted()
  const client = aClient(study, participant, {
    url: carrel.origin,
    fetch: async (url, init) => {
      if (init?.method !== 'PUT' || damaged > 0 || !(init.body instanceof Uint8Array)) return fetch(url, init)
      damaged += 1
      return fetch(url, { ...init, body: init.body.map((byte) => byte ^ 1) })
    },
  })
  const bytes = whole.subarray(0, 70_000)
  const hash = hashOf('sha256', bytes)
  const file = await client.files.upload(bytes, { name: 'scan.bin', upload: 'multipart', sha256: hash })
  expect([file.version?.verified, await sha256Of(file.id)]).toEqual(['read', hash])
  expect(partsOf(sent)).toEqual(['1', '1'])
})

test('a single PUT is resumed: what has landed is completed, and what has not is sent', async () => {
  const client = aClient(study, participant, { url: carrel.origin })
  const bytes = whole.subarray(0, 1_000)
  for (const lands of [true, false]) {
    let saved: SavedUpload | undefined
    const dying = aClient(study, participant, {
      url: carrel.origin,
      retry: { attempts: 1, offlineSeconds: 0 },
      fetch: async (url, init) => {
        if (init?.method === 'PUT' && lands) await fetch(url, init)
        if (init?.method === 'PUT') throw new TypeError('fetch failed')
        return fetch(url, init)
      },
    })
    const gone = dying.files.upload(bytes, { name: 'single.bin', onUpload: (upload) => void (saved = upload) })
    await expect(gone).rejects.toMatchObject({ code: 'network' })
    const again = noted()
    if (saved === undefined) throw new Error('nothing was saved')
    const living = aClient(study, participant, { url: carrel.origin, fetch: again.fetch })
    const file = await living.files.upload(bytes, { resume: saved })
    expect(file.version?.size).toBe(1_000)
    expect(again.sent.filter(({ method }) => method === 'PUT')).toHaveLength(lands ? 0 : 1)
  }
  expect((await client.files.list({ name: 'single.bin' }).all()).length).toBe(2)
})

test('a handle is replaced, and a source is anything that can be sliced', async () => {
  const client = aClient(study, participant, { url: carrel.origin })
  const slices: [number, number][] = []
  const source = {
    size: 5,
    slice: async (from: number, to: number) => {
      slices.push([from, to])
      return whole.slice(from, to).buffer
    },
  }
  const file = await client.files.upload(source, { name: 'a.bin', handle: 'mine' })
  const next = await client.files.upload(new File(['new'], 'b.txt'), { handle: 'mine' })
  expect([next.id, next.name, slices]).toEqual([file.id, 'b.txt', [[0, 5]]])
})
