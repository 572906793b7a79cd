// Open Humans' documents, replayed over real HTTP: their examples in their order, each under the sentence that it is an
// example of, as httpie sends them. What the documents leave open (host, token, member, the file's id) is filled in.

import { connect } from 'node:net'
import { gunzipSync } from 'node:zlib'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Participant, Study } from '../support/builders.ts'
import { ok } from '../support/builders.ts'
import { bytesOf, hashOf, MIB } from '../support/bytes.ts'
import { sharedCarrel } from './support/carrel.ts'
import { SLOW } from './support/parts.ts'

const carrel = await sharedCarrel()

/** More than a part, and no multiple of one. */
const LARGE = SLOW ? 95 * MIB + 7 : 17 * MIB + 7

let study: Study
let member: Participant
let token: string
let memberId: string
beforeAll(async () => {
  study = await carrel.aStudy()
  member = await carrel.aParticipant(study)
  token = study.worker.key ?? ''
  memberId = String(member.number)
})

type Raw = { status: number; body: string }

/** Sends a request as it is written, with the length that its body has. */
async function raw(head: string, body: string): Promise<Raw> {
  const { hostname, port, host } = new URL(carrel.origin)
  const lines = head
    .replace('Host: www.openhumans.org', `Host: ${host}`)
    .replace('Connection: keep-alive', 'Connection: close')
    .replace(/Content-Length: \d+/, `Content-Length: ${Buffer.byteLength(body)}`)
  const answer = await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = []
    const socket = connect(Number(port), hostname, () =>
      socket.write(`${lines.trim().replaceAll('\n', '\r\n')}\r\n\r\n${body}`),
    )
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.on('end', () => resolve(Buffer.concat(chunks)))
    socket.on('error', reject)
  })
  const end = answer.indexOf('\r\n\r\n')
  const headers = answer.subarray(0, end).toString()
  const sent = answer.subarray(end + 4)
  const whole = /transfer-encoding: chunked/i.test(headers) ? withoutChunks(sent) : sent
  const said = /content-encoding: gzip/i.test(headers) ? gunzipSync(whole) : whole
  return { status: Number(headers.split(' ')[1]), body: said.toString() }
}

function withoutChunks(sent: Buffer): Buffer {
  const line = sent.indexOf('\r\n')
  const length = Number.parseInt(sent.subarray(0, line).toString(), 16)
  const from = line + 2
  return length > 0
    ? Buffer.concat([sent.subarray(from, from + length), withoutChunks(sent.subarray(from + length + 2))])
    : Buffer.alloc(0)
}

const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString()
const FORM_HEAD = (path: string) => `
POST ${path}?access_token=${token} HTTP/1.1
Accept: */*
Accept-Encoding: gzip, deflate
Connection: keep-alive
Content-Length: 0
Content-Type: application/x-www-form-urlencoded; charset=utf-8
Host: www.openhumans.org
User-Agent: HTTPie/0.9.3`

const JSON_HEAD = (path: string) => `
POST ${path}?access_token=${token} HTTP/1.1
Accept: application/json
Accept-Encoding: gzip, deflate
Connection: keep-alive
Content-Length: 51
Content-Type: application/json
Host: www.openhumans.org
User-Agent: HTTPie/0.9.3`

type Listed = { count: number; data: { id: number; basename: string; download_url: string }[] }

/** What there is of the member's. */
async function listed(): Promise<Listed> {
  const path = `/api/direct-sharing/project/exchange-member/?project_member_id=${memberId}&access_token=${token}`
  return ok(await carrel.anonymous.get(path))
}

describe('A project can upload files associated with it.', () => {
  // "Raw request example"
  test('Upload is per project member, one file at a time.', async () => {
    const boundary = '60b1416fed664815a28bf8be840458ae'
    const body = [
      `--${boundary}`,
      'Content-Disposition: form-data; name="project_member_id"',
      '',
      memberId,
      `--${boundary}`,
      'Content-Disposition: form-data; name="metadata"',
      '',
      '{"tags": ["survey", "diet", "csv"], "description": "Diet survey questions and responses", "md5": "156da7fc980988c51682374436849943"}',
      `--${boundary}`,
      'Content-Disposition: form-data; name="data_file"; filename="test-file.txt"',
      '',
      'test file data\n',
      `--${boundary}--`,
      '',
    ].join('\r\n')
    const answer = await raw(
      `
POST /api/direct-sharing/project/upload/?access_token=${token} HTTP/1.1
Accept: */*
Accept-Encoding: gzip, deflate
Connection: keep-alive
Content-Length: 491
Content-Type: multipart/form-data; boundary=${boundary}
Host: www.openhumans.org
User-Agent: HTTPie/0.9.3`,
      body,
    )
    // The documents' own MD5 is not that of the documents' own file.
    expect([answer.status, JSON.parse(answer.body)]).toEqual([201, { id: expect.any(Number), md5_matches: false }])
    const { data } = await listed()
    expect(data).toMatchObject([
      {
        basename: 'test-file.txt',
        size: 15,
        metadata: {
          tags: ['survey', 'diet', 'csv'],
          description: 'Diet survey questions and responses',
          md5: '156da7fc980988c51682374436849943',
        },
      },
    ])
  })

  // "The API endpoint for simple file uploads is /api/direct-sharing/project/files/upload/."
  test.each([
    ['the following metadata JSON is valid', '{"tags": [], "description": ""}'],
    [
      "we'd prefer to see some content",
      '{ "tags": ["survey", "diet", "csv"], "description": "Diet survey questions and responses.", "md5": "156da7fc980988c51682374436849943" }',
    ],
  ])('For example, %s', async (_, metadata) => {
    const data = new FormData()
    data.set('project_member_id', memberId)
    data.set('metadata', metadata)
    data.set('data_file', new Blob(['test file data\n']), 'test-file.txt')
    const url = `${carrel.origin}/api/direct-sharing/project/files/upload/?access_token=${token}`
    const answer = await fetch(url, { method: 'POST', body: data })
    expect(answer.status).toBe(201)
  })
})

describe('Uploading large files is similar to the simple file upload API but requires two additional calls.', () => {
  const BYTES = '{"testing": "just testing..."}\n'

  test('You upload your file with a PUT request to the URL and then call the completion endpoint.', async () => {
    // "get a file ID and an upload URL"
    const begun = await raw(
      FORM_HEAD('/api/direct-sharing/project/files/upload/direct/'),
      form({
        project_member_id: memberId,
        metadata: '{"tags": ["survey", "diet", "csv"], "description": "Diet survey questions and responses"}',
        filename: 'test-file.json',
      }),
    )
    expect(begun.status).toBe(201)
    const { id, url } = JSON.parse(begun.body)
    expect(url).toContain('/member-files/direct-sharing-')
    expect(url.split('/').at(-1)).toBe('test-file.json')

    // "actually upload the file, ensuring that we don't send a Content-Type"
    const target = new URL(url)
    const sent = await raw(
      `
PUT ${target.pathname}${target.search} HTTP/1.1
Accept: */*
Accept-Encoding: gzip, deflate
Connection: keep-alive
Content-Length: 31
Host: www.openhumans.org
User-Agent: HTTPie/0.9.3`,
      BYTES,
    )
    expect(sent.status).toBe(200)

    // "notify Open Humans that we've completed the upload"
    const done = await raw(
      FORM_HEAD('/api/direct-sharing/project/files/upload/complete/'),
      form({ project_member_id: memberId, file_id: id }),
    )
    expect([done.status, JSON.parse(done.body)]).toEqual([200, { status: 'ok', size: BYTES.length, md5_matches: null }])
    await expectDownload(id, BYTES)
  })

  // Browsers' clients send one whatever they are told, and the `#` of the URL is theirs to leave out.
  test.each([{}, { 'Content-Type': '' }, { 'Content-Type': 'text/csv' }])(
    'A PUT with the headers %o is taken, too.',
    async (headers) => {
      const begun = await study.worker.post('/api/direct-sharing/project/files/upload/direct/', {
        project_member_id: memberId,
        metadata: '{"tags":[],"description":""}',
        filename: 'b.csv',
      })
      const { id, url } = ok(begun)
      expect((await fetch(url, { method: 'PUT', body: new TextEncoder().encode(BYTES), headers })).status).toBe(200)
      expect(
        (
          await study.worker.post('/api/direct-sharing/project/files/upload/complete/', {
            project_member_id: memberId,
            file_id: String(id),
          })
        ).status,
      ).toBe(200)
      // A URL that is used again changes nothing of what was completed.
      await fetch(url, { method: 'PUT', body: 'other' })
      await expectDownload(id, BYTES)
    },
  )
})

test(`A file of ${Math.floor(LARGE / MIB)} MiB is taken in the request itself, too, as it comes.`, async () => {
  const data = new FormData()
  data.set('metadata', '{"tags":[],"description":""}')
  const bytes = bytesOf(7, LARGE)
  data.set('data_file', new Blob([bytes]), 'large.bin')
  const url = `${carrel.origin}/api/direct-sharing/project/files/upload/`
  const answer = await fetch(url, { method: 'POST', body: data, headers: { Authorization: `Bearer ${member.key}` } })
  expect(answer.status).toBe(201)
  const file = (await listed()).data.find(({ basename }) => basename === 'large.bin')
  const found = await fetch(file?.download_url ?? '')
  expect(found.headers.get('Content-Length')).toBe(String(LARGE))
  expect(hashOf('sha256', await found.bytes())).toBe(hashOf('sha256', bytes))
})

/** The bytes come with no token, with their length, under their name. */
async function expectDownload(id: number, bytes: string) {
  const file = (await listed()).data.find((each) => each.id === id)
  const head = await fetch(file?.download_url ?? '', { method: 'HEAD' })
  expect([head.status, head.headers.get('Content-Length')]).toEqual([200, String(bytes.length)])
  const answer = await fetch(file?.download_url ?? '', { headers: { 'Accept-Encoding': 'identity' } })
  expect([answer.status, answer.headers.get('Content-Length'), await answer.text()]).toEqual([
    200,
    String(bytes.length),
    bytes,
  ])
}

describe('A project can delete files that it has uploaded to member profiles.', () => {
  const remove = async (fields: string) => {
    const answer = await raw(JSON_HEAD('/api/direct-sharing/project/files/delete/'), fields)
    return [answer.status, JSON.parse(answer.body)]
  }

  test('There are three ways to delete files', async () => {
    const before = (await listed()).data
    // "deleting a file by its ID"
    const [first] = before
    expect(await remove(`{"project_member_id": "${memberId}", "file_id": ${first?.id}}`)).toEqual([
      200,
      { ids: [first?.id] },
    ])
    // "deleting a file by its name"
    const named = before
      .filter(({ basename, id }) => basename === 'test-file.txt' && id !== first?.id)
      .map(({ id }) => id)
    expect(named).toHaveLength(2)
    const [, removed] = await remove(`{"project_member_id": "${memberId}", "file_basename": "test-file.txt"}`)
    expect(new Set(removed.ids)).toEqual(new Set(named))
    // "deleting all files for a project member": the documents have `True`, which is no JSON; httpie would not send it.
    const rest = (await listed()).data.map(({ id }) => id)
    const [status, all] = await remove(`{"project_member_id": "${memberId}", "all_files": True}`)
    expect([status, new Set(all.ids)]).toEqual([200, new Set(rest)])
    expect((await listed()).count).toBe(0)
    expect(await remove(`{"project_member_id": "${memberId}", "all_files": true}`)).toEqual([200, { ids: [] }])
  })

  // "Raw request example": it has the address of an upload.
  test('A deletion that is sent where files are uploaded is told where to go.', async () => {
    const answer = await raw(
      JSON_HEAD('/api/direct-sharing/project/upload/'),
      `{\n    "file_id": 12345, \n    "project_member_id": "12345678"\n}`,
    )
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.body).detail).toContain('project/files/delete/')
  })
})
