import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, expect, test } from 'vitest'
import worker from '../../src/index.ts'
import { bytesOf, MIB } from '../support/bytes.ts'
import { ORIGIN } from '../support/client.ts'
import { overriding } from '../support/faults.ts'
import { CREATE_VERSION, FORM, formOf, inFrontOf } from '../support/kidsfirst-mutations.ts'
import { about, aProject, multipart, MULTIPART, type Project, PROJECT } from '../support/openhumans.ts'

// A file that comes through the Worker is held two parts at a time, however large it is: counted is what was taken of the
// request and has not been stored.

/** As small as storage takes them. */
const PART_BYTES = 5 * MIB
const CHUNK_BYTES = 256 * 1024
/** Two parts, what is to become of the chunk that ended the second, and a chunk that waits to be taken. */
const MOST_HELD = 2 * PART_BYTES + 2 * CHUNK_BYTES
/** The larger one is as much as these doors take in one request. */
const SMALL = (env.SLOW ? 5.5 : 2) * MIB
const LARGE = 16 * SMALL

let project: Project
beforeAll(async () => {
  project = await aProject()
})

type Form = Readonly<{ path: string; key: string | undefined; headers: Record<string, string>; text: string }>

/** A request whose file goes where `#` is. */
const DOORS: Record<string, () => Form> = {
  'a form of Open Humans': () => ({
    path: `${PROJECT}/files/upload/`,
    key: project.study.worker.key,
    headers: MULTIPART,
    text: multipart(about(project.member), { filename: 'large.bin', content: '#' }),
  }),
  'an operation of Kids First': () => ({
    path: '/graphql',
    key: project.study.staff.key,
    headers: FORM,
    text: formOf([
      ...inFrontOf({ query: CREATE_VERSION, variables: { study: project.study.id, file: null } }),
      { name: '1', filename: 'large.bin', type: 'application/octet-stream', content: '#' },
    ]),
  }),
}

/** The bucket, and what is held: what has come of a file, without what was stored. */
function countingBucket() {
  const count = { come: 0, stored: 0, most: 0 }
  const comes = (bytes: number) => {
    count.come += bytes
    count.most = Math.max(count.most, count.come - count.stored)
  }
  const BUCKET = overriding(env.BUCKET, {
    put: async (...given: Parameters<R2Bucket['put']>) => {
      const object = await env.BUCKET.put(...given)
      // A stream is what was stored before, on its way to another key.
      if (given[1] instanceof Uint8Array) count.stored += given[1].length
      return object
    },
    resumeMultipartUpload: (key, id) => {
      const upload = env.BUCKET.resumeMultipartUpload(key, id)
      return overriding(upload, {
        uploadPart: async (number, value) => {
          const part = await upload.uploadPart(number, value)
          count.stored += (value as Uint8Array).length // what `putPart` gives
          return part
        },
      })
    },
  })
  return { BUCKET, count, comes }
}

const encoder = new TextEncoder()

/** A file that is made as it is taken, and never ahead of that. */
function madeAsTaken(text: string, size: number, comes: (bytes: number) => void) {
  const [before = '', after = ''] = text.split('#')
  const chunk = bytesOf(1, CHUNK_BYTES)
  let made = 0
  return new ReadableStream<Uint8Array>(
    {
      start: (controller) => controller.enqueue(encoder.encode(before)),
      pull: (controller) => {
        const some = chunk.slice(0, Math.min(CHUNK_BYTES, size - made))
        made += some.length
        comes(some.length)
        controller.enqueue(some.length > 0 ? some : encoder.encode(after))
        if (some.length === 0) controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}

async function send({ path, key, headers, text }: Form, size: number) {
  const { BUCKET, count, comes } = countingBucket()
  const context = createExecutionContext()
  const request = new Request(`${ORIGIN}${path}`, {
    method: 'POST',
    headers: { ...headers, Authorization: `Bearer ${key}` },
    body: madeAsTaken(text, size, comes),
  })
  const bindings = { ...env, BUCKET, PART_BYTES: String(PART_BYTES) } as object as Env // this variable says something else
  const response = await worker.fetch(request, bindings, context)
  expect(response.status, await response.text()).toBeLessThan(300)
  await waitOnExecutionContext(context)
  return count
}

test.each(
  Object.entries(DOORS).flatMap(([door, form]) =>
    [SMALL, LARGE].map((size) => [size / MIB, door, form, size] as const),
  ),
)('%d MiB in %s are held two parts at a time', async (_, door, form, size) => {
  const { come, stored, most } = await send(form(), size)
  expect({ door, come, stored }).toEqual({ door, come: size, stored: size })
  expect(most).toBeLessThanOrEqual(MOST_HELD)
  const kept = env.DB.prepare('SELECT size FROM versions WHERE study_id = ? ORDER BY number DESC').bind(
    project.study.id,
  )
  expect(await kept.first('size')).toBe(size)
})
