// Bridge's "Participant Data Storage", in its own order: what it says stands above what is done. A phone signs in, and
// sends and fetches its bytes at storage itself, as its client would.

import { beforeAll, describe, expect, test } from 'vitest'
import { bridgeCallers } from '../support/bridge.ts'
import { HELLO, ok, type Study } from '../support/builders.ts'
import type { Caller } from '../support/callers.ts'
import { sharedCarrel } from './support/carrel.ts'

const carrel = await sharedCarrel()

const bridgeAs = bridgeCallers(carrel.as)
const DATA = '/v3/users/self/data'
const FILES = '/v3/participants/self/files'
const FILE = `${FILES}/sample_file_id`

let study: Study
let userId: string
let password: string
let session: string
let phone: Caller
/** Every URL that storage was reached by. */
const urls: string[] = []

beforeAll(async () => {
  study = await carrel.aStudy()
  const participant = await carrel.aParticipant(study, { email: 'ada@example.org', firstName: 'Ada' })
  userId = participant.id
  password = participant.key ?? ''
  const signedIn = await bridgeAs().post('/v4/auth/signIn', { appId: study.id, email: 'ada@example.org', password })
  session = ok(signedIn).sessionToken
  phone = bridgeAs(session)
})

/** What OkHttp and Python's requests do: the redirect is followed with the header that was meant for Bridge. */
async function follow(fileId = FILE): Promise<Response> {
  const { status, headers } = await phone.get(fileId)
  expect(status).toBe(302)
  const location = headers.get('Location') ?? ''
  urls.push(location)
  // The local endpoint would otherwise compress what it answers, and not say how long that is.
  return fetch(location, { headers: { 'Bridge-Session': session, 'Accept-Encoding': 'identity' } })
}

/** A type, and nothing else: no session, no checksum. */
async function send(uploadUrl: string, contentType: string, bytes = HELLO): Promise<Response> {
  urls.push(uploadUrl)
  return fetch(uploadUrl, { method: 'PUT', headers: { 'Content-Type': contentType }, body: bytes })
}

describe('participant data', () => {
  // "Arbitrary JSON data for a participant can be stored under an identifying key"
  test('is stored under an identifying key', async () => {
    const { status, body } = await phone.post(`${DATA}/settings`, { data: { theme: 'dark', limits: [1.1, 2] } })
    expect([status, body.message]).toEqual([201, 'Participant data saved.'])
  })

  // "A list of file identifiers can be retrieved"
  test('is listed', async () => {
    expect(ok(await phone.get(DATA)).items).toEqual(['settings'])
  })

  // "and these can then be used to retrieve JSON under that key"
  test('is retrieved', async () => {
    expect(ok(await phone.get(`${DATA}/settings`))).toEqual({
      identifier: 'settings',
      data: { theme: 'dark', limits: [1.1, 2] },
      type: 'ParticipantData',
    })
  })

  // "Participants can also delete their own files."
  test('is deleted', async () => {
    expect(ok(await phone.delete(`${DATA}/settings`)).message).toBe('Participant data record deleted.')
    expect(ok(await phone.get(DATA)).items).toEqual([])
  })

  // "The data is not available to researchers or study coordinators."
  test('is not to be had by researchers', async () => {
    const at = `/v1/apps/${study.id}/participants/${userId}/data`
    expect((await bridgeAs(study.staff.key).get(at)).status).toBe(403)
    expect((await bridgeAs(study.worker.key).get(at)).status).toBe(200)
  })
})

describe('participant files', () => {
  let created: { uploadUrl: string; createdOn: string; expiresOn: string }

  // "The list is in the form of a ForwardCursorPagedResourceList."
  test('are listed', async () => {
    const { items, type } = ok(await phone.get(FILES))
    expect([items, type]).toEqual([[], 'ForwardCursorPagedResourceList'])
  })

  // "The request must include the MIME type of the file in the body" … "The presigned URL can be used until the timestamp
  // returned in the `expiresOn` field is reached, 24 hours after the initial request."
  test('are created with their MIME type', async () => {
    const { status, body } = await phone.post(
      FILE,
      `{
    "mimeType":"text/plain"
}`,
    )
    expect(status).toBe(201)
    expect(body).toEqual({
      fileId: 'sample_file_id',
      userId,
      createdOn: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      mimeType: 'text/plain',
      appId: study.id,
      uploadUrl: expect.stringMatching(/^http/),
      expiresOn: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      type: 'ParticipantFile',
    })
    expect(Date.parse(body.expiresOn) - Date.parse(body.createdOn)).toBe(86_400_000)
    created = body
  })

  test('are told before they are there, and storage says that it has nothing', async () => {
    expect(ok(await phone.get(FILES)).items).toHaveLength(1)
    expect((await follow()).status).toBe(404)
  })

  // "This URL can subsequently be used to send the file contents to S3 through a PUT request."
  test('are sent with the type that they were created with, and no other', async () => {
    for (const type of ['text/html', 'text/plain; charset=utf-8']) {
      const refused = await send(created.uploadUrl, type)
      expect([refused.status, /<Code>(\w+)<\/Code>/.exec(await refused.text())?.[1]]).toEqual([
        403,
        'SignatureDoesNotMatch',
      ])
    }
    expect((await follow()).status).toBe(404)
    const sent = await send(created.uploadUrl, 'text/plain')
    expect(sent.status, await sent.text()).toBe(200)
  })

  // "If successful, it will respond with a 302 redirect to an S3 presigned URL for retrieving the file."
  test('are had by a redirect', async () => {
    const answer = await follow()
    expect([answer.status, answer.headers.get('Content-Type')]).toEqual([200, 'text/plain'])
    expect([answer.headers.get('Content-Length'), await answer.text()]).toEqual([String(HELLO.length), HELLO])
    expect(ok(await phone.get(FILES)).items).toEqual([
      {
        fileId: 'sample_file_id',
        userId,
        appId: study.id,
        mimeType: 'text/plain',
        createdOn: created.createdOn,
        type: 'ParticipantFile',
      },
    ])
  })

  test('are not changed by a URL that was used before', async () => {
    expect((await send(created.uploadUrl, 'text/plain', 'something else')).status).toBe(200)
    expect(await (await follow()).text()).toBe(HELLO)
  })

  // "If a file already exists with the requested `fileId`, the previous ParticipantFile and related S3 file will be
  // deleted and replaced without warning." Here that is when the new one has come.
  test('are replaced without warning, once the new one has come', async () => {
    const { uploadUrl } = ok(await phone.post(FILE, { mimeType: 'application/json' }))
    expect(await (await follow()).text()).toBe(HELLO)
    expect((await send(uploadUrl, 'application/json', '{"new":true}')).status).toBe(200)
    const answer = await follow()
    expect([await answer.text(), answer.headers.get('Content-Type')]).toEqual(['{"new":true}', 'application/json'])
  })

  // "deletes both the ParticipantFile record and the S3 storage related to the `fileId` requested"
  test('are deleted, record and bytes', async () => {
    const held = (await phone.get(FILE)).headers.get('Location') ?? ''
    expect(ok(await phone.delete(FILE)).message).toBe('Participant file deleted.')
    expect((await phone.get(FILE)).body.entityClass).toBe('ParticipantFile')
    expect(ok(await phone.get(FILES)).items).toEqual([])
    await carrel.sweep()
    expect((await fetch(held)).status).toBe(404)
  })

  test('may be empty', async () => {
    const { uploadUrl } = ok(await phone.post(`${FILES}/empty`, { mimeType: 'text/plain' }))
    expect((await send(uploadUrl, 'text/plain', '')).status).toBe(200)
    const answer = await follow(`${FILES}/empty`)
    expect([answer.status, await answer.text()]).toEqual([200, ''])
  })
})

test('the log has nothing of a session, a key, a URL of storage, or what a person calls their own', async () => {
  await bridgeAs('garbage-session').get(FILES)
  expect((await phone.post('/v4/auth/signOut')).status).toBe(200)
  const log = carrel.logLines().join('\n')
  const signatures = urls.map((url) => new URL(url).searchParams.get('X-Amz-Signature') ?? '')
  expect(signatures.length).toBeGreaterThan(5)
  const secrets = [session, password, userId, 'ada@example.org', 'garbage-session', 'sample_file_id', ...signatures]
  expect(secrets.filter((secret) => secret === '' || log.includes(secret))).toEqual([])
  expect(log).not.toMatch(/X-Amz|\/cdn-cgi\/|crs_\d|crn_\d/)
  expect(log).toContain('"route":"/v3/participants/self/files/:fileId"')
})
