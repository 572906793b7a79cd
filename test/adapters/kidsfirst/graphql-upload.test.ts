import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { beforeAll, describe, expect, test } from 'vitest'
import worker from '../../../src/index.ts'
import { openUploads } from '../../support/bucket.ts'
import { bytesOf, hashOf, MIB } from '../../support/bytes.ts'
import { anonymous, ORIGIN } from '../../support/client.ts'
import { overriding } from '../../support/faults.ts'
import {
  CREATE_VERSION,
  FORM,
  FORM_BOUNDARY,
  formOf,
  type FormPart,
  inFrontOf,
  mutate,
  outcome,
  partOf,
  upload,
} from '../../support/kidsfirst-mutations.ts'
import { aStudy, ok, type Study } from '../../support/world.ts'

// Files that come with an operation. They are never in memory whole, and of one that is refused nothing is left.

let study: Study
beforeAll(async () => {
  study = await aStudy()
})

const operation = () => ({ query: CREATE_VERSION, variables: { study: study.id, file: null } })
const FILE: FormPart = { name: '1', filename: 'data.csv', content: 'a,b\r\n' }

/** What there is of the study's: nothing that was refused is among it. */
async function stored() {
  const { results } = await env.DB.prepare(
    `SELECT (SELECT count(*) FROM versions WHERE study_id = ?1) AS versions, (SELECT count(*) FROM files WHERE study_id = ?1) AS files`,
  )
    .bind(study.id)
    .all<{ versions: number; files: number }>()
  return { ...results[0], open: await openUploads(study) }
}

async function leavingNothing(deed: () => Promise<unknown>) {
  const before = await stored()
  await deed()
  expect(await stored()).toEqual(before)
}

describe('the name of a file that is sent', () => {
  test.each([
    ['plain', { filename: 'manifest 1.xlsx' }, 'manifest 1.xlsx'],
    ['as it is, in UTF-8', { filename: 'größe ✓ 测试.csv' }, 'größe ✓ 测试.csv'],
    ['with a quote, as browsers escape it', { filename: 'a%22b.csv' }, 'a"b.csv'],
    ['with a quote, as others do', { filename: String.raw`a\"b.csv` }, 'a"b.csv'],
    ['with line breaks, as browsers escape them', { filename: 'a%0D%0Ab.csv' }, 'a%0D%0Ab.csv'],
    ['with a folder of Windows', { filename: String.raw`C:\data\a.csv` }, 'a.csv'],
    ['with a folder', { filename: '../../etc/passwd' }, 'passwd'],
    [
      'as RFC 5987 has it',
      { disposition: `form-data; name="1"; filename="x"; filename*=UTF-8''gr%C3%B6%C3%9Fe%20%22.csv` },
      'größe ".csv',
    ],
    ['that reads the other way round', { filename: 'a\u202Evsc.exe' }, 'a\u202Evsc.exe'],
  ])('is told: %s', async (_, part, name) => {
    const { version } = ok(await upload(study.staff, { study: study.id }, part)).data.createVersion
    expect(version.fileName).toBe(name)
  })

  test.each([
    ['of a folder', { filename: 'data/' }, 'that of a folder'],
    ['of dots', { filename: 'data/..' }, 'that of a folder'],
    ['with NUL', { filename: 'a\0b.csv' }, 'Control characters'],
    ['with line breaks', { disposition: `form-data; name="1"; filename*=UTF-8''a%0D%0Ab.csv` }, 'Control characters'],
    ['too long', { filename: `${'x'.repeat(252)}.csv` }, 'at most 255 characters (it has 256)'],
  ])('is refused: %s', async (_, part, why) => {
    await leavingNothing(async () => {
      const answer = await upload(study.staff, { study: study.id }, part)
      expect([answer.status, outcome(answer), answer.body.data]).toEqual([
        200,
        expect.stringContaining(why),
        { createVersion: null },
      ])
    })
  })
})

describe('a form', () => {
  test.each<[string, string, object, string]>([
    ['without a boundary', formOf([]), { 'Content-Type': 'multipart/form-data' }, 'boundary='],
    ['of another boundary', formOf([]), { 'Content-Type': 'multipart/form-data; boundary=x' }, 'last delimiter'],
    ['of another kind', formOf([]), { 'Content-Type': 'multipart/mixed; boundary=x' }, 'application/json'],
    ['with nothing in it', '', FORM, 'last delimiter'],
    ['that is none', 'hello', FORM, 'last delimiter'],
    ['of 10,000 parts', formOf(Array.from({ length: 10_000 }, () => FILE)), FORM, 'in this order'],
  ])('%s is refused', async (_, body, headers, why) => {
    const answer = await study.staff.post('/graphql', body, headers as Record<string, string>)
    expect([answer.status, outcome(answer)]).toEqual([expect.toBeOneOf([400, 415]), expect.stringContaining(why)])
  })

  test.each<[string, (parts: readonly FormPart[]) => string, string]>([
    ['that ends early', (parts) => parts.map(partOf).join(''), 'last delimiter'],
    [
      'whose boundary goes on',
      (parts) => formOf(parts).replaceAll(`${FORM_BOUNDARY}--`, `${FORM_BOUNDARY}x--`),
      'last delimiter',
    ],
    ['with another file', (parts) => formOf([...parts, { ...FILE, name: '2' }]), 'the last part'],
    ['with 10,000 more', (parts) => formOf([...parts, ...Array.from({ length: 10_000 }, () => FILE)]), 'the last part'],
  ])('%s is refused, and nothing of its file is kept', async (_, bodyOf, why) => {
    await leavingNothing(async () => {
      const answer = await study.staff.post('/graphql', bodyOf([...inFrontOf(operation()), FILE]), FORM)
      expect([answer.status, outcome(answer)]).toEqual([200, expect.stringContaining(why)])
    })
  })

  test('brings its file to one field only', async () => {
    const query = `mutation ($file: Upload!, $study: ID) {
      one: createVersion(file: $file, study: $study) { success }
      two: createVersion(file: $file, study: $study) { success }
    }`
    const answer = await study.staff.post('/graphql', formOf([...inFrontOf({ ...operation(), query }), FILE]), FORM)
    expect([answer.body.data, outcome(answer)]).toEqual([
      { one: { success: true }, two: null },
      expect.stringContaining('once in a request'),
    ])
  })

  test('may have anything as its file, also what looks like its boundary, and nothing', async () => {
    for (const content of ['', `\r\n--${FORM_BOUNDARY.slice(1)}\r\n--${FORM_BOUNDARY}x\r\n`]) {
      const { version } = ok(await upload(study.staff, { study: study.id }, { content })).data.createVersion
      expect(version.size).toBe(content.length)
    }
  })

  test('is the only way to send a file', async () => {
    const file = { filename: 'a.csv', bytes: 'x' }
    const answer = await study.staff.post('/graphql', { query: CREATE_VERSION, variables: { study: study.id, file } })
    expect([answer.status, outcome(answer)]).toEqual([400, expect.stringContaining('multipart/form-data')])
  })

  test.each(['"a.csv"', '7', '{filename: "a.csv"}', '[]', '$name'])(
    '%s written in its place is no file',
    async (file) => {
      const query = `mutation ($name: String) { createVersion(file: ${file}, study: "${study.id}") { success } }`
      const answer = await mutate(study.staff, query, { name: 'a.csv' })
      expect([answer.status, outcome(answer)]).toEqual([400, expect.stringContaining('Upload')])
    },
  )
})

const PART_BYTES = 5 * MIB
const CHUNK_BYTES = 256 * 1024
const SIZE = 40 * MIB + 12_345

/** A bucket that counts of what has come (`sent.made`) what storage has not been given yet. */
function countingBucket(sent: { made: number }) {
  const count = { stored: 0, most: 0 }
  const BUCKET = overriding(env.BUCKET, {
    resumeMultipartUpload: (key, id) => {
      const multipart = env.BUCKET.resumeMultipartUpload(key, id)
      return overriding(multipart, {
        uploadPart: async (number, value) => {
          count.most = Math.max(count.most, sent.made - count.stored)
          const part = await multipart.uploadPart(number, value)
          count.stored += (value as Uint8Array).length // what `putPart` gives
          return part
        },
      })
    },
  })
  return { BUCKET, count }
}

type Sending = {
  key?: string | undefined
  size?: number
  other?: object
  breaksAt?: number
  headers?: Record<string, string>
}

/** A request with a large file, which is made as it is taken. */
function sending({ key = study.staff.key, size = SIZE, breaksAt = Infinity, headers = {} }: Sending) {
  const text = (told: string) => new TextEncoder().encode(told)
  const [before = '', after = ''] = formOf([...inFrontOf(operation()), { ...FILE, content: '#' }]).split('#')
  const chunk = bytesOf(1, CHUNK_BYTES)
  const sent = { made: 0 }
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(text(before)),
    pull: (controller) => {
      if (sent.made >= breaksAt) return controller.error(new Error('Network connection lost.'))
      const some = chunk.slice(0, Math.min(CHUNK_BYTES, size - sent.made))
      sent.made += some.length
      controller.enqueue(some.length > 0 ? some : text(after))
      if (some.length === 0) controller.close()
    },
  })
  const request = new Request(`${ORIGIN}/graphql`, {
    method: 'POST',
    headers: { ...FORM, ...(key === '' ? {} : { Authorization: `Bearer ${key}` }), ...headers },
    body,
  })
  return { sent, request }
}

async function answered({ request }: { request: Request }, other: object = {}) {
  const context = createExecutionContext()
  const response = await worker.fetch(request, { ...env, PART_BYTES: String(PART_BYTES), ...other } as Env, context)
  await waitOnExecutionContext(context)
  const body = await response.json<{ data?: object; errors?: { message: string; extensions?: { hint?: string } }[] }>()
  return { status: response.status, body, said: body.errors?.[0] }
}

describe('a large file', () => {
  test('is held a few parts at a time, and arrives whole', async () => {
    const sending40 = sending({})
    const { BUCKET, count } = countingBucket(sending40.sent)
    const { body } = await answered(sending40, { BUCKET })
    expect(body.data).toMatchObject({ createVersion: { success: true, version: { size: SIZE } } })
    expect(count).toMatchObject({ stored: SIZE })
    expect(count.most).toBeLessThanOrEqual(3 * PART_BYTES)
    const chunk = bytesOf(1, CHUNK_BYTES)
    const whole = new Uint8Array(SIZE)
    for (let at = 0; at < SIZE; at += CHUNK_BYTES) whole.set(chunk.subarray(0, SIZE - at), at)
    const md5 = env.DB.prepare('SELECT md5 FROM versions WHERE study_id = ? AND size = ?').bind(study.id, SIZE)
    expect(await md5.first<string>('md5')).toBe(hashOf('md5', whole))
  })

  test.each([
    ['breaks off', { breaksAt: 11 * MIB }, {}, 'The body broke off.'],
    ['finds storage failing', {}, { uploadPart: 2 }, 'Failed to save file'],
  ])('that %s leaves nothing', async (_, how, failing, why) => {
    const BUCKET = overriding(env.BUCKET, {
      resumeMultipartUpload: (key, id) => {
        const multipart = env.BUCKET.resumeMultipartUpload(key, id)
        return overriding(multipart, {
          uploadPart: async (number, value) => {
            if ('uploadPart' in failing && number === failing.uploadPart) {
              throw new Error('put: We encountered an internal error. Please try again. (10001)')
            }
            return multipart.uploadPart(number, value)
          },
        })
      },
    })
    await leavingNothing(async () => {
      expect((await answered(sending({ size: 13 * MIB, ...how }), { BUCKET })).said?.message).toBe(why)
    })
  })

  test.each([
    ['nobody', () => ''],
    ['a worker', () => study.worker.key],
  ])('of %s is taken to its end and forgotten, so that they learn why', async (_, keyOf) => {
    const refused = sending({ key: keyOf() })
    await leavingNothing(async () => {
      const { status, body, said } = await answered(refused)
      expect([status, body.data, said?.message]).toEqual([200, { createVersion: null }, 'Not allowed'])
      expect(refused.sent.made).toBe(SIZE)
    })
  })

  test('that is too large by what is said of it is refused before it has come, with another way', async () => {
    const refused = sending({ headers: { 'Content-Length': String(2 ** 29 + 4 * MIB) } })
    await leavingNothing(async () => {
      const { status, said } = await answered(refused)
      expect([status, said?.message]).toEqual([200, 'File is too large.'])
      expect(said?.extensions?.hint).toContain('/v1/studies/')
      expect(refused.sent.made).toBeLessThan(MIB)
    })
  })
})

test('a page elsewhere that has a browser send a form is nobody', async () => {
  const headers = { ...FORM, Origin: 'https://evil.example', Cookie: 'session=1' }
  const answer = await anonymous.post('/graphql', formOf([...inFrontOf(operation()), FILE]), headers)
  expect([answer.status, outcome(answer)]).toEqual([200, 'Not allowed'])
})
