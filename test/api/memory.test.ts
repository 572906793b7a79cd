import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { createHash } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import worker from '../../src/index.ts'
import { bytesOf, MIB } from '../support/bytes.ts'
import { ORIGIN } from '../support/client.ts'
import { overriding, within } from '../support/faults.ts'
import { pathOf } from '../support/kidsfirst.ts'
import { aParticipant, aStudy, begin, objectKeyOf, ok, type Participant, type Study } from '../support/world.ts'

// However large a file is, the Worker's own code holds a chunk of it and no more. The simulator's memory would tell
// nothing, so what is counted is what the bucket's binding has handed out and nobody has taken yet.

const PART_BYTES = 8 * MIB
const LARGE = env.SLOW ? 1024 * MIB : 32 * MIB
const SIZES = [LARGE / 16, LARGE]
/** What the platform hands out at a time is its own affair, as long as it has to do with nothing here. */
const MOST_HELD = MIB

type Sent = Readonly<{ size: number; file: string; number: number; upload: string; sha256: string }>

let study: Study
let participant: Participant
let sent: Sent[]
const sentOf = (size: number) => sent.find((each) => each.size === size) ?? expect.fail('Nothing is of this size.')

beforeAll(async () => {
  study = await aStudy()
  participant = await aParticipant(study)
  sent = [await send(SIZES[0] ?? 0), await send(LARGE)]
}, 600_000)

async function send(size: number): Promise<Sent> {
  const count = Math.ceil(size / PART_BYTES)
  const partOf = (number: number) => bytesOf(number, Math.min(PART_BYTES, size))
  const digest = createHash('sha256')
  for (let number = 1; number <= count; number += 1) digest.update(partOf(number))
  const sha256 = digest.digest('hex')
  const said = { size, sha256, upload: 'multipart', visibility: 'study' }
  const { file, upload } = await begin(participant, study, said)
  const parts = `${study.path}/uploads/${upload.id}/parts`
  for (let number = 1; number <= count; number += 1) {
    const [{ url }] = ok(await participant.post(parts, { parts: [{ number }] })).parts
    const multipart = env.BUCKET.resumeMultipartUpload(
      objectKeyOf(url),
      new URL(url).searchParams.get('uploadId') ?? '',
    )
    const { etag } = await multipart.uploadPart(number, partOf(number))
    ok(await participant.put(parts, { parts: [{ number, etag }] }))
  }
  return { size, file: file.id, number: file.number, upload: upload.id, sha256 }
}

/**
 * The bucket, whose objects are handed out a chunk at a time, only when asked, and each chunk in the memory of the one
 * before. Whoever kept a chunk while asking for the next would find it overwritten: bytes that come out right were let
 * go of in time.
 */
function countingBucket() {
  const count = { handedOut: 0, largest: 0, reads: 0 }
  let memory = new Uint8Array(0)
  const handOut = (body: ReadableStream<Uint8Array>) => {
    const reader = body.getReader()
    return new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          const { done, value } = await reader.read()
          if (done) return controller.close()
          if (value.length > memory.length) memory = new Uint8Array(value.length)
          memory.set(value)
          count.handedOut += value.length
          count.largest = Math.max(count.largest, value.length)
          controller.enqueue(memory.subarray(0, value.length))
        },
        cancel: async (reason) => reader.cancel(reason),
      },
      { highWaterMark: 0 },
    )
  }
  const get = async (key: string, options?: R2GetOptions) => {
    count.reads += 1
    const object = await env.BUCKET.get(key, options ?? {})
    return object === null ? null : overriding(object, { body: handOut(object.body) })
  }
  return { BUCKET: overriding(env.BUCKET, { get }), count }
}

const inMib = SIZES.map((size) => [size / MIB, size] as const)

test.each(inMib)('completing %d MiB whose SHA-256 was declared reads them once, a chunk at a time', async (_, size) => {
  const { upload, sha256 } = sentOf(size)
  const { BUCKET, count } = countingBucket()
  const settings: object = { BUCKET, READ_VERIFY_BYTES: String(size) }
  const completing = await within(settings, participant).post(`${study.path}/uploads/${upload}/complete`)
  expect(ok(completing).version).toMatchObject({ size, sha256, verified: 'read' })
  expect(count).toMatchObject({ handedOut: size, reads: 1 })
  expect(count.largest).toBeLessThanOrEqual(MOST_HELD)
})

type Way = (sent: Sent) => Promise<{ url: string; key: string | undefined; inRanges: boolean }>
const WAYS: Record<string, Way> = {
  'in ranges': async ({ file }) => ({
    url: `${ORIGIN}${study.path}/files/${file}/content?delivery=stream`,
    key: participant.key,
    inRanges: true,
  }),
  'by a link': async ({ file }) => {
    const links = `${study.path}/files/${file}/download-tokens`
    const { url } = ok(await participant.post(links, { delivery: 'stream' }))
    return { url, key: undefined, inRanges: false }
  },
  "at Kids First's path": async (file) => ({
    url: `${ORIGIN}${pathOf(study, file)}`,
    key: study.staff.key,
    inRanges: false,
  }),
}

test.each(Object.entries(WAYS).flatMap(([way, of]) => inMib.map(([mib, size]) => [mib, way, of, size] as const)))(
  'streaming %d MiB %s to a slow client holds no more than the client is about to take',
  async (_, way, of, size) => {
    const whole = sentOf(size)
    const { url, key, inRanges } = await of(whole)
    const { BUCKET, count } = countingBucket()
    const digest = createHash('sha256')
    const sliceBytes = inRanges ? size / 4 + 7 : size
    let [taken, mostHeld] = [0, 0]
    while (taken < size) {
      const context = createExecutionContext()
      const headers = new Headers(key === undefined ? {} : { Authorization: `Bearer ${key}` })
      if (inRanges) headers.set('Range', `bytes=${taken}-${taken + sliceBytes - 1}`)
      const slice = await worker.fetch(new Request(url, { headers }), { ...env, BUCKET }, context)
      expect([way, slice.status]).toEqual([way, inRanges ? 206 : 200])
      // Nothing is fetched ahead of a client that has not begun to read.
      expect(count.handedOut).toBe(taken)
      for await (const chunk of slice.body ?? []) {
        mostHeld = Math.max(mostHeld, count.handedOut - taken)
        digest.update(chunk)
        taken += chunk.length
      }
      await waitOnExecutionContext(context)
    }
    expect([taken, count.handedOut, count.reads]).toEqual([size, size, inRanges ? 4 : 1])
    expect(digest.digest('hex')).toBe(whole.sha256)
    expect(mostHeld).toBeLessThanOrEqual(count.largest)
    expect(count.largest).toBeLessThanOrEqual(MOST_HELD)
  },
)

test('a client that goes away in the middle stops the reading', async () => {
  const { BUCKET, count } = countingBucket()
  const context = createExecutionContext()
  const url = `${ORIGIN}${study.path}/files/${sentOf(LARGE).file}/content?delivery=stream`
  const request = new Request(url, { headers: { Authorization: `Bearer ${participant.key}` } })
  const { body } = await worker.fetch(request, { ...env, BUCKET }, context)
  const reader = body?.getReader()
  const first = await reader?.read()
  await reader?.cancel()
  await waitOnExecutionContext(context)
  expect(count.handedOut).toBe(first?.value?.length)
})
