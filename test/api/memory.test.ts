import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { createHash } from 'node:crypto'
import { beforeAll, expect, test } from 'vitest'
import worker from '../../src/index.ts'
import { bytesOf, MIB } from '../support/bytes.ts'
import { ORIGIN } from '../support/client.ts'
import { overriding, within } from '../support/faults.ts'
import { aParticipant, aStudy, begin, objectKeyOf, ok, type Participant, type Study } from '../support/world.ts'

// However large a file is, the Worker's own code holds a chunk of it and no more. The simulator's memory would tell
// nothing, so what is counted is what the bucket's binding has handed out and nobody has taken yet.

const PART_BYTES = 8 * MIB
const SIZE = env.SLOW ? 1024 * MIB : 64 * MIB
/** What the platform hands out at a time is its own affair, as long as it has to do with nothing here. */
const MOST_HELD = MIB

let study: Study
let participant: Participant
let sent: { file: string; upload: string; sha256: string }

beforeAll(async () => {
  study = await aStudy()
  participant = await aParticipant(study)
  const digest = createHash('sha256')
  for (let part = 1; part <= SIZE / PART_BYTES; part += 1) digest.update(bytesOf(part, PART_BYTES))
  const sha256 = digest.digest('hex')
  const { file, upload } = await begin(participant, study, { size: SIZE, sha256, upload: 'multipart' })
  const parts = `${study.path}/uploads/${upload.id}/parts`
  for (let number = 1; number <= SIZE / PART_BYTES; number += 1) {
    const [{ url }] = ok(await participant.post(parts, { parts: [{ number }] })).parts
    const multipart = env.BUCKET.resumeMultipartUpload(
      objectKeyOf(url),
      new URL(url).searchParams.get('uploadId') ?? '',
    )
    const { etag } = await multipart.uploadPart(number, bytesOf(number, PART_BYTES))
    ok(await participant.put(parts, { parts: [{ number, etag }] }))
  }
  sent = { file: file.id, upload: upload.id, sha256 }
}, 600_000)

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

test(`completing ${SIZE / MIB} MiB whose SHA-256 was declared reads them once, and holds a chunk at a time`, async () => {
  const { BUCKET, count } = countingBucket()
  const settings: object = { BUCKET, READ_VERIFY_BYTES: String(SIZE) }
  const completing = await within(settings, participant).post(`${study.path}/uploads/${sent.upload}/complete`)
  expect(ok(completing).version).toMatchObject({ size: SIZE, sha256: sent.sha256, verified: 'read' })
  expect(count).toMatchObject({ handedOut: SIZE, reads: 1 })
  expect(count.largest).toBeLessThanOrEqual(MOST_HELD)
})

test('streaming it in ranges to a slow client holds no more than the client is about to take', async () => {
  const { BUCKET, count } = countingBucket()
  const digest = createHash('sha256')
  const sliceBytes = SIZE / 4 + 7
  let taken = 0
  let mostHeld = 0
  while (taken < SIZE) {
    const context = createExecutionContext()
    const request = new Request(`${ORIGIN}${study.path}/files/${sent.file}/content?delivery=stream`, {
      headers: { Authorization: `Bearer ${participant.key}`, Range: `bytes=${taken}-${taken + sliceBytes - 1}` },
    })
    const slice = await worker.fetch(request, { ...env, BUCKET }, context)
    expect(slice.status).toBe(206)
    // Nothing is fetched ahead of a client that has not begun to read.
    expect(count.handedOut).toBe(taken)
    for await (const chunk of slice.body ?? []) {
      mostHeld = Math.max(mostHeld, count.handedOut - taken)
      digest.update(chunk)
      taken += chunk.length
    }
    await waitOnExecutionContext(context)
  }
  expect([taken, count.handedOut, count.reads]).toEqual([SIZE, SIZE, 4])
  expect(digest.digest('hex')).toBe(sent.sha256)
  expect(mostHeld).toBeLessThanOrEqual(count.largest)
  expect(count.largest).toBeLessThanOrEqual(MOST_HELD)
})

test('a client that goes away in the middle stops the reading', async () => {
  const { BUCKET, count } = countingBucket()
  const context = createExecutionContext()
  const url = `${ORIGIN}${study.path}/files/${sent.file}/content?delivery=stream`
  const request = new Request(url, { headers: { Authorization: `Bearer ${participant.key}` } })
  const { body } = await worker.fetch(request, { ...env, BUCKET }, context)
  const reader = body?.getReader()
  const first = await reader?.read()
  await reader?.cancel()
  await waitOnExecutionContext(context)
  expect(count.handedOut).toBe(first?.value?.length)
})
