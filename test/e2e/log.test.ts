// What the service writes to its log, while everything happens that it does: a line for each request, made of what may
// be known to whoever reads logs, and nothing of secrets, people and their files.

import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { HELLO, ok } from '../support/builders.ts'
import { SECRETS } from '../support/secrets.ts'
import { mustSend, send, startCarrel } from './support/carrel.ts'

const carrel = await startCarrel()
afterAll(carrel.stop)

/** Nothing that holds one of these may be logged. */
const told: Record<string, string> = {
  ...SECRETS,
  'a name': 'Ada-Lovelace-diary.txt',
  'a new name': 'renamed-by-ada.txt',
  'a title': 'Nights-in-November',
  'a tag': 'private-matter',
  'a handle': 'adas-handle',
  'an external id': 'PT-ada-001',
  'an address': 'ada@example.org',
  'a phone number': '+441632960961',
  content: HELLO,
  'a query': 'search-for-this',
  'a garbage token': 'garbage-token-in-a-path',
  'a garbage key': 'crl_1_garbage',
  'a broken body': 'broken-body-text',
}
// S3's access key is `local`, a word like others.
delete told['S3_ACCESS_KEY_ID']

let lines: string[]
/** Those that were written when clients had hung up. */
const afterHangUps: string[] = []

beforeAll(async () => {
  const { as, anonymous } = carrel
  const study = await carrel.aStudy({ allowPublic: true })
  const participant = await carrel.aParticipant(study, {
    externalId: told['an external id'],
    email: told['an address'],
    phone: told['a phone number'],
    firstName: 'Augusta',
  })
  told['a participant’s key'] = participant.key ?? ''
  told['an admin’s key'] = study.admin.key ?? ''
  told['a first name'] = 'Augusta'
  told['a participant’s id'] = participant.id

  const details = { name: told['a name'], title: told['a title'], tags: [told['a tag']] }
  const { file, upload } = await carrel.begin(participant, study, details)
  told['an upload’s signature'] = signatureIn(upload.url)
  told['an object’s key'] = new URL(upload.url).pathname.split('/').at(-1) ?? ''
  await participant.post(`${study.path}/uploads/${upload.id}/complete`)
  await mustSend(upload)
  await send(upload)
  ok(await participant.post(`${study.path}/uploads/${upload.id}/complete`))
  told['a file’s id'] = file.id
  ok(
    await participant.put(`${study.path}/participants/me/files/${told['a handle']}`, {
      ...details,
      mediaType: 'text/plain',
      size: 1,
    }),
  )

  const path = `${study.path}/files/${file.id}`
  ok(await participant.get(`${study.path}/files?tag=${told['a tag']}&name=${told['a name']}`))
  ok(await participant.patch(path, { name: told['a new name'] }))
  ok(await participant.get(`${path}/content?delivery=stream`))
  const { headers } = await participant.get(`${path}/content`)
  told['a download’s signature'] = signatureIn(headers.get('Location') ?? '')

  for (const link of [{}, { delivery: 'stream' }, { confirm: true }]) {
    const { url, id } = ok(await participant.post(`${path}/download-tokens`, link))
    told[`a token of ${JSON.stringify(link)}`] = new URL(url).pathname.slice('/d/'.length)
    told[`a link of ${JSON.stringify(link)}`] = id
    await anonymous.get(url, { Accept: 'text/html' })
    await anonymous.post(url, 'nonce=search-for-this', { 'Content-Type': 'application/x-www-form-urlencoded' })
    await anonymous.get(`${url}?q=${told['a query']}`)
  }

  // What is refused, and what fails.
  await anonymous.get(`/d/${told['a garbage token']}`)
  await anonymous.get(`/d/${told['a garbage token']}`, { 'Sec-Purpose': 'prefetch' })
  await anonymous.get(`/no/such/${told['a garbage token']}?q=${told['a query']}`)
  await as(told['a garbage key']).get(path)
  await participant.get(`${study.path}/files?q=${told['a query']}`)
  await participant.post(`${study.path}/files`, `{"${told['a broken body']}`, { 'Content-Type': 'application/json' })
  await participant.post(`${study.path}/files`, { ...details, size: -1 })
  // Clients that hang up while they send, at each door that takes a body whole.
  const asJson = 'Content-Type: application/json'
  const asParticipant = `Authorization: Bearer ${participant.key}\r\n${asJson}`
  for (const head of [
    `POST ${study.path}/files HTTP/1.1\r\n${asParticipant}`,
    `PUT ${study.path}/participants/me/documents/${told['a handle']} HTTP/1.1\r\n${asParticipant}`,
    `POST /v3/users/self/data/answers HTTP/1.1\r\nBridge-Session: ${participant.key}\r\n${asJson}`,
    'POST /identityserver/connect/token HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded',
  ]) {
    await hangUp(head, told['a broken body'] ?? '')
  }
  await carrel.sweep()
  // A fault that nobody foresaw, whose message is full of SQL and of what was asked.
  const { DB } = await carrel.bindings()
  await DB.prepare('ALTER TABLE download_tokens RENAME TO elsewhere').run()
  const failed = await participant.post(`${path}/download-tokens`, {})
  expect([failed.status, failed.body.code]).toEqual([500, 'internal'])
  lines = carrel.logLines()
})

/** Sends less than was announced, waits for an answer for a moment, and is gone. */
async function giveUp(head: string, begun: string): Promise<void> {
  const { hostname, port, host } = new URL(carrel.origin)
  const socket = connect(Number(port), hostname).setTimeout(100)
  socket.write(`${head}\r\nHost: ${host}\r\nContent-Length: ${begun.length + 9}\r\n\r\n${begun}`)
  await once(socket, 'timeout')
  socket.destroy()
}

/** Until a request that had come so far as to be logged was hung up on. */
async function hangUp(head: string, begun: string): Promise<void> {
  const before = carrel.logLines().length
  const since = () => carrel.logLines().slice(before)
  const isLogged = () => expect(since().join('\n')).toContain('"route"')
  const attempt = async () => {
    await giveUp(head, begun)
    await vi.waitFor(isLogged, 1_000)
  }
  await vi.waitFor(attempt, 20_000)
  afterHangUps.push(...since())
}

const signatureIn = (url: string) => new URL(url).searchParams.get('X-Amz-Signature') ?? ''

type Line = Record<string, string | number | undefined>
const linesWith = (key: string) => lines.map((line): Line => JSON.parse(line)).filter((line) => key in line)

describe('the log', () => {
  test('has nothing in it of what was said, shown or kept', () => {
    const log = lines.join('\n')
    const found = Object.entries(told).filter(([, secret]) => secret === '' || log.includes(secret))
    expect(found).toEqual([])
    expect(log).not.toMatch(/X-Amz|\/cdn-cgi\/|[?&]\w+=|crl_\d|SELECT|INSERT|Bearer/i)
  })

  test('has a line for each request, of these and no other fields, and by the route’s template', () => {
    const requests = linesWith('route')
    expect(requests.length).toBeGreaterThan(30)
    for (const line of requests) {
      expect(Object.keys(line).toSorted()).toEqual([
        'at',
        'credential',
        'method',
        'milliseconds',
        'requestId',
        'route',
        'status',
      ])
    }
    const routes = new Set(requests.map(({ route }) => route))
    expect([...routes].filter((route) => /[A-Z]|\d{3}|_/.test(String(route)))).toEqual([])
    for (const route of ['/d/:token', '/v1/studies/:study/files/:file/content']) expect(routes).toContain(route)
  })

  test('has no more of a client that hung up than the line of its request, and no failure', () => {
    const requests = afterHangUps.map((line): Line => JSON.parse(line)).filter((line) => !('job' in line))
    expect(requests.length).toBeGreaterThanOrEqual(4)
    for (const line of requests) expect(line).toMatchObject({ route: expect.any(String), status: 400 })
  })

  test('says of a failure where it came from, never what it was about', () => {
    const [failure, ...more] = linesWith('failure').filter(({ failure: name }) => name !== 'DomainError')
    expect(more).toEqual([])
    expect(failure).toEqual({
      failure: 'Error',
      cause: 'Error',
      requestId: expect.any(String),
      stack: expect.any(String),
    })
    for (const line of String(failure?.['stack']).split('\n')) expect(line).toMatch(/^ *at /)
    // The caller is told the same request id, and no more.
    expect(linesWith('route').find(({ requestId }) => requestId === failure?.['requestId'])).toMatchObject({
      status: 500,
      route: '/v1/studies/:study/files/:file/download-tokens',
    })
  })
})
