import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import worker from '../../src/index.ts'
import { openUploads, outbox } from '../support/bucket.ts'
import { bytesOf, hashOf, MIB } from '../support/bytes.ts'
import { ORIGIN } from '../support/client.ts'
import { overriding, sweepAt } from '../support/faults.ts'
import { about, aProject, BOUNDARY, multipart, MULTIPART, type Project, PROJECT } from '../support/openhumans.ts'
import { ok } from '../support/world.ts'

// Files that come in the request itself and are larger than what is held of one: they are never in memory whole, and of
// one that does not arrive nothing is left.

let study: Project['study']
let member: Project['member']
beforeAll(async () => {
  ;({ study, member } = await aProject())
})

/** As small as storage takes them. */
const PART_BYTES = 5 * MIB
const CHUNK_BYTES = 256 * 1024
/** What is read before it is known what to do with it, and three parts. */
const MAX_HELD = 8 * MIB + 3 * PART_BYTES
const DAY = 86_400_000

const text = (said: string) => new TextEncoder().encode(said)
const [BEFORE = '', AFTER = ''] = multipart({}, { filename: 'large.bin', content: '#' }).split('#')
const fieldsOf = () => multipart(about(member)).replace(`--${BOUNDARY}--\r\n`, '')

/** A bucket that counts what is under way: of what has come, what storage has not been given. */
function countingBucket() {
  const count = { come: 0, stored: 0, most: 0, parts: 0 }
  const BUCKET = overriding(env.BUCKET, {
    resumeMultipartUpload: (key, id) => {
      const upload = env.BUCKET.resumeMultipartUpload(key, id)
      return overriding(upload, {
        uploadPart: async (number, value) => {
          count.most = Math.max(count.most, count.come - count.stored)
          const part = await upload.uploadPart(number, value)
          // The simulator holds what it is given for as long as it takes; the Worker's own copy is done with.
          count.stored += (value as Uint8Array).length // what `putPart` gives
          count.parts += 1
          return part
        },
      })
    },
  })
  return { BUCKET, count }
}

/** Variables are typed as what `wrangler.toml` says; here one says something else. */
const environment = (other: Partial<Env>) => ({ ...env, PART_BYTES: String(PART_BYTES), ...other }) as Env

type Sent = {
  size: number
  other?: Partial<Env>
  count?: { come: number }
  breaksAt?: number
  headers?: Record<string, string>
  before?: string
  after?: string
}

/** A file in a request that is made as it is taken. */
async function send({
  size,
  other = {},
  count,
  breaksAt = Infinity,
  headers = {},
  before = fieldsOf(),
  after = AFTER,
}: Sent) {
  const chunk = bytesOf(1, CHUNK_BYTES)
  let made = 0
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(text(before + BEFORE)),
    pull: (controller) => {
      if (made >= breaksAt) return controller.error(new Error('Network connection lost.'))
      const some = chunk.slice(0, Math.min(CHUNK_BYTES, size - made))
      made += some.length
      if (count !== undefined) count.come = made
      controller.enqueue(some.length > 0 ? some : text(after))
      if (some.length === 0) controller.close()
    },
  })
  const context = createExecutionContext()
  const request = new Request(`${ORIGIN}${PROJECT}/files/upload/`, {
    method: 'POST',
    headers: { ...MULTIPART, Authorization: `Bearer ${study.worker.key}`, ...headers },
    body,
  })
  const response = await worker.fetch(request, environment(other), context)
  await waitOnExecutionContext(context)
  return {
    status: response.status,
    body: await response.json<{ id: number; detail?: string; data_file?: string[] }>(),
    made,
  }
}

const contentOf = async (number: number) => {
  const { items } = ok(await study.admin.get(`${study.path}/files`))
  return items.find((file: { number: number }) => file.number === number)?.version
}

describe('a file that comes in its request', () => {
  const SIZE = (env.SLOW ? 95 : 40) * MIB + 12_345

  test(`of ${Math.round(SIZE / MIB)} MiB is held a few parts at a time, and arrives whole`, async () => {
    const { BUCKET, count } = countingBucket()
    const { status, body } = await send({ size: SIZE, other: { BUCKET }, count })
    expect([status, body]).toEqual([201, { id: expect.any(Number), md5_matches: null }])
    expect(count).toMatchObject({ come: SIZE, stored: SIZE, parts: Math.ceil(SIZE / PART_BYTES) })
    expect(count.most).toBeLessThanOrEqual(MAX_HELD)
    const chunk = bytesOf(1, CHUNK_BYTES)
    const whole = new Uint8Array(SIZE)
    for (let at = 0; at < SIZE; at += CHUNK_BYTES) whole.set(chunk.subarray(0, SIZE - at), at)
    expect(await contentOf(body.id)).toMatchObject({ size: SIZE, md5: hashOf('md5', whole), name: 'large.bin' })
    expect(await openUploads(study)).toEqual([])
    const objectKey = (await outbox(study))[0]?.objectKey ?? ''
    expect(objectKey).toMatch(/^in\//)
    await sweepAt(new Date())
    expect(await env.BUCKET.head(objectKey)).toBeNull()
  })

  test.each<[string, Partial<Sent>, number, string]>([
    ['breaks off', { breaksAt: 10.5 * MIB }, 400, 'The body broke off.'],
    ['has no end', { after: '' }, 400, 'Multipart form parse error - The body ends before its last delimiter.'],
  ])('and %s leaves nothing', async (_, how, status, detail) => {
    const sent = await send({ size: 11 * MIB, ...how })
    expect([sent.status, sent.body]).toEqual([status, { detail }])
    await expectNothingLeft()
  })

  test('and is larger than a request may be is refused before it is read, or where it says nothing of that, then', async () => {
    const refusal = expect.stringMatching(
      /100000000 bytes at most\. Send large files by project\/files\/upload\/direct\//,
    )
    const said = await send({ size: 11 * MIB, headers: { 'Content-Length': '100000001' } })
    expect([said.status, said.body.detail]).toEqual([413, refusal])
    expect(said.made).toBeLessThan(MIB)
    if (!env.SLOW) return
    const unsaid = await send({ size: 101_000_000 })
    expect([unsaid.status, unsaid.body.detail]).toEqual([413, refusal])
    await expectNothingLeft()
  })

  test('and whose storage fails in the middle leaves nothing', async () => {
    const BUCKET = overriding(env.BUCKET, {
      resumeMultipartUpload: (key, id) => {
        const upload = env.BUCKET.resumeMultipartUpload(key, id)
        return overriding(upload, {
          uploadPart: async (number, value) => {
            if (number === 2) throw new Error('put: We encountered an internal error. Please try again. (10001)')
            return upload.uploadPart(number, value)
          },
        })
      },
    })
    expect((await send({ size: 11 * MIB, other: { BUCKET } })).status).toBe(503)
    await expectNothingLeft()
  })

  test('and is too large to be held before its fields is refused, and no more of it is read', async () => {
    const late = fieldsOf()
    const { status, body, made } = await send({ size: 11 * MIB, before: '', after: `\r\n${late}--${BOUNDARY}--\r\n` })
    expect(status).toBe(400)
    expect(body.data_file?.[0]).toContain('after the other fields')
    expect(made).toBeLessThan(10 * MIB)
    const more = await send({ size: 11 * MIB, after: `\r\n${late}--${BOUNDARY}--\r\n` })
    expect([more.status, more.body.data_file?.[0]]).toEqual([400, expect.stringContaining('after the other fields')])
    await expectNothingLeft()
  })

  test('and whose process dies is given up by the sweep, with its parts', async () => {
    const reached = Promise.withResolvers<void>()
    const BUCKET = overriding(env.BUCKET, {
      resumeMultipartUpload: (key, id) =>
        overriding(env.BUCKET.resumeMultipartUpload(key, id), {
          uploadPart: async () => {
            reached.resolve()
            return new Promise<never>(() => undefined)
          },
        }),
    })
    await Promise.race([send({ size: 11 * MIB, other: { BUCKET } }), reached.promise])
    const [{ multipartId, id } = { multipartId: null, id: '' }] = await openUploads(study)
    const row = await env.DB.prepare(
      'SELECT staging_key AS "key", url_expires_at - created_at AS lives FROM uploads WHERE id = ?',
    )
      .bind(id)
      .first<{ key: string; lives: number }>()
    // Nobody has a URL that might still be used, so that nothing is waited for.
    expect(row?.lives).toBeLessThanOrEqual(1_000)
    await sweepAt(new Date(Date.now() + 8 * DAY))
    expect(await openUploads(study)).toEqual([])
    await sweepAt(new Date(Date.now() + 8 * DAY))
    await expect(
      env.BUCKET.resumeMultipartUpload(row?.key ?? '', multipartId ?? '').uploadPart(1, 'x'),
    ).rejects.toThrow('10024')
  })
})

/** Nothing is listed, nothing is open, and once the outbox was seen to, nothing is stored. */
async function expectNothingLeft() {
  expect(await openUploads(study)).toEqual([])
  expect((await study.admin.get(`${study.path}/files?status=pending`)).body.items).toEqual([])
  const left = await env.DB.prepare(
    'SELECT object_key AS "key", multipart_id AS id FROM object_deletions WHERE study_id = ? AND multipart_id IS NOT NULL',
  )
    .bind(study.id)
    .all<{ key: string; id: string }>()
  expect(left.results.length).toBeGreaterThan(0)
  const swept = new Date()
  await sweepAt(swept)
  expect(await dueDeletions(study, swept)).toEqual([])
  for (const { key, id } of left.results) {
    await expect(env.BUCKET.resumeMultipartUpload(key, id).uploadPart(1, 'x')).rejects.toThrow('10024')
  }
  await env.DB.prepare('DELETE FROM object_deletions WHERE study_id = ?').bind(study.id).run()
}

/** What the outbox still has to see to by then: what stays due for ever is in the way of all that comes after it. */
async function dueDeletions(of: { id: string }, by: Date) {
  const { results } = await env.DB.prepare(
    'SELECT object_key AS "key" FROM object_deletions WHERE study_id = ? AND due_at <= ?',
  )
    .bind(of.id, by.getTime())
    .all<{ key: string }>()
  return results
}
