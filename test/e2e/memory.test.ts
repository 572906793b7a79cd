// A file that no Worker could hold goes in by parts and comes out through the Worker, in ranges. That the Worker holds
// nothing of it is counted in `test/api/memory.test.ts`; here it is only much, and arrives.

import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { ok } from '../support/builders.ts'
import { bytesOf, MIB } from '../support/bytes.ts'
import { sharedCarrel } from './support/carrel.ts'
import { sendPart, SLOW } from './support/parts.ts'

const carrel = await sharedCarrel()

const PART_BYTES = 8 * MIB
const SIZE = SLOW ? 1024 * MIB : 32 * MIB
/** No multiple of a part, nor of the whole. */
const SLICE_BYTES = 13 * MIB + 7

test(`${SIZE / MIB} MiB go in by parts and come out in ranges, through the Worker, as they were sent`, async () => {
  const study = await carrel.aStudy()
  const participant = await carrel.aParticipant(study)
  const { file, upload } = await carrel.begin(participant, study, { size: SIZE, upload: 'multipart' })
  const path = `${study.path}/uploads/${upload.id}`
  const sent = createHash('sha256')
  for (let number = 1; number <= SIZE / PART_BYTES; number += 1) {
    const bytes = bytesOf(number, PART_BYTES)
    sent.update(bytes)
    await sendPart(participant, path, { number, bytes })
  }
  expect(ok(await participant.post(`${path}/complete`)).version.size).toBe(SIZE)

  const received = createHash('sha256')
  let from = 0
  while (from < SIZE) {
    const slice = await fetch(`${carrel.origin}${study.path}/files/${file.id}/content?delivery=stream`, {
      headers: { Authorization: `Bearer ${participant.key}`, Range: `bytes=${from}-${from + SLICE_BYTES - 1}` },
    })
    const until = Math.min(from + SLICE_BYTES, SIZE)
    expect([slice.status, slice.headers.get('Content-Range')]).toEqual([206, `bytes ${from}-${until - 1}/${SIZE}`])
    for await (const chunk of slice.body ?? []) {
      received.update(chunk)
      from += chunk.length
    }
    expect(from).toBe(until)
  }
  expect(received.digest('hex')).toBe(sent.digest('hex'))
})
