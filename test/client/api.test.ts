// The operations as a client's functions: all of them, with pages, bookmarks, conditions and failures.

import { beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { CarrelError, createCarrel } from '../../src/client/index.ts'
import { type Named, OPERATIONS } from '../../src/client/operations.ts'
import { ok, type Participant, type Study } from '../support/builders.ts'
import { sharedCarrel } from '../e2e/support/carrel.ts'
import { aClient, noted } from './support/client.ts'
import { aLink } from './support/link.ts'

const carrel = await sharedCarrel()

let study: Study
let participant: Participant
beforeAll(async () => {
  study = await carrel.aStudy()
  participant = await carrel.aParticipant(study)
})
const mine = (options: object = {}) => aClient(study, participant, { url: carrel.origin, ...options })
const admins = (options: object = {}) => aClient(study, study.admin, { url: carrel.origin, ...options })

describe('of what the OpenAPI document has', () => {
  const Document = z.object({
    paths: z.record(
      z.string(),
      z.record(z.string(), z.object({ parameters: z.array(z.object({ name: z.string() })).default([]) })),
    ),
  })
  /** `files.download` and `links.open` are these. */
  const BYTES = /\/content$|^\/d\//

  test('every operation is there, and what creates has an Idempotency-Key', async () => {
    const { paths } = Document.parse(await (await fetch(`${carrel.origin}/openapi.json`)).json())
    const documented = Object.entries(paths).flatMap(([path, methods]) =>
      BYTES.test(path)
        ? []
        : Object.entries(methods).map(([method, { parameters }]) => {
            const creates = parameters.some(({ name }) => name === 'idempotency-key')
            return `${method} ${path.replace(/^\/v1/, '')}${creates ? ' creates' : ''}`
          }),
    )
    const groups: Record<string, Record<string, Named>> = OPERATIONS
    const known = Object.values(groups)
      .flatMap((group) => Object.values(group))
      .map(({ method, path, creates = false }) => {
        const written = path.replaceAll(/\/:([a-z]+)/g, '/{$1}')
        return `${method.slice(1)} ${written}${creates ? ' creates' : ''}`
      })
    expect(known.toSorted()).toEqual(documented.toSorted())
  })
})

test('lists are gone through page by page, and on from a cursor', async () => {
  const names = Array.from({ length: 7 }, (_, index) => `page-${index}.txt`)
  for (const name of names) await mine().files.upload(new Blob(['x']), { name, category: 'pages' })
  const { fetch, sent } = noted()
  const client = mine({ fetch })
  const found: string[] = []
  for await (const { name } of client.files.list({ participant: 'me', category: 'pages', limit: 3 })) found.push(name)
  expect(found).toEqual(names.toReversed())
  expect(sent).toHaveLength(3)

  for await (const page of client.files.list({ category: 'pages', limit: 3 }).pages()) {
    const rest = await client.files.list({ category: 'pages', cursor: page.nextCursor ?? '' }).all()
    expect([page.items.length, rest.map(({ name }) => name)]).toEqual([3, found.slice(3)])
    break
  }
  expect(await client.files.search({ q: 'page', tags: [], category: 'pages', limit: 2 }).all()).toHaveLength(7)
  const everything = await client.participants.export('me').all()
  expect(everything.filter(({ kind }) => kind === 'file').length).toBeGreaterThanOrEqual(7)
})

test('the bookmark of the last write goes with the reads of its study, and survives the client', async () => {
  const first = mine()
  await first.documents.put({ participant: 'me', identifier: 'marked' }, { on: true })
  const bookmarks = first.bookmarks.export()
  expect(Object.keys(bookmarks)).toEqual([study.id])

  const { fetch, sent } = noted()
  const second = mine({ fetch, bookmarks })
  expect((await second.documents.get({ participant: 'me', identifier: 'marked' })).value).toEqual({ on: true })
  await second
    .inStudy('another')
    .files.list()
    .all()
    .catch(() => undefined)
  expect(sent.map(({ headers }) => headers.get('Carrel-Bookmark'))).toEqual([bookmarks[study.id], null])
  // What is older than what is known changes nothing.
  second.bookmarks.import({ [study.id]: '00000000-00000000-00000000-00000000000000000000000000000000' })
  expect(second.bookmarks.export()).toEqual(bookmarks)
})

test('documents and files are read and written by their ETags', async () => {
  const client = mine()
  const name = { participant: 'me', identifier: 'preferences' }
  const { etag } = await client.documents.put(name, { theme: 'dark' }, { ifNoneMatch: '*' })
  expect(await client.documents.get(name)).toEqual({ value: { theme: 'dark' }, etag })
  expect(await client.documents.get(name, { ifNoneMatch: etag })).toBeNull()
  const patched = await client.documents.patch(name, { language: 'pt' }, { ifMatch: etag })
  expect(patched.etag).not.toBe(etag)
  await expect(client.documents.put(name, null, { ifMatch: etag })).rejects.toMatchObject({ code: 'revision_mismatch' })
  await client.documents.put(name, null)
  expect((await client.documents.get(name)).value).toBeNull()
  expect(await client.documents.delete(name)).toBeUndefined()

  const { id } = await client.files.upload(new Blob(['x']), { name: 'x.txt' })
  const file = await client.files.get(id)
  const edited = await client.files.update(id, { title: 'Week one' }, { ifMatch: file.etag })
  expect([edited.title, edited.etag === file.etag]).toEqual(['Week one', false])
})

test('reports, grants, links, keys and the audit are called as what they are', async () => {
  const steps = { participant: 'me', identifier: 'steps' }
  await mine().reports.put({ ...steps, at: '2026-11-20' }, { steps: 8_211 })
  await mine().reports.add(steps, { entries: [{ at: '2026-11-21', data: { steps: 12 } }] })
  const entries = await mine().reports.entries(steps, { from: '2026-11-01', until: '2026-11-30' }).all()
  expect(entries.map(({ at, data }) => [at, data])).toEqual([
    ['2026-11-20', { steps: 8_211 }],
    ['2026-11-21', { steps: 12 }],
  ])
  const { buckets } = await mine().reports.rollUp(steps, { period: 'month', from: '2026-11-01', until: '2026-11-30' })
  expect(buckets).toHaveLength(1)

  const { id } = await mine().files.upload(new Blob(['x']), { name: 'shared.txt' })
  const friend = await carrel.aParticipant(study)
  const principal = `participant:${friend.id}`
  await mine().grants.grant({ file: id, principal }, { level: 'content' })
  expect((await mine().grants.list(id).all()).map((grant) => grant.principal)).toEqual([principal])
  const theirs = aClient(study, friend, { url: carrel.origin })
  expect(await (await theirs.files.download(id)).text()).toBe('x')

  const key = await admins().keys.issue({ role: 'staff', label: 'new' })
  expect(
    (await createCarrel({ url: carrel.origin, study: study.id, key: key.secret ?? '' }).keys.rotate(key.id)).secret,
  ).toMatch(/^crl_/)
  const touched = await admins().audit.list({ participant: participant.id, limit: 100 }).all()
  expect(touched.length).toBeGreaterThan(5)
  expect((await createCarrel({ url: carrel.origin }).service.health()).status).toBe('ok')
})

describe('what goes wrong', () => {
  test('is one class, with the code of the problem and nothing secret', async () => {
    const failure = await admins()
      .files.get('fil_01k9z3m8qe5w7v2n4h6j8k0r2t')
      .catch((error: unknown) => error)
    if (!(failure instanceof CarrelError)) throw new Error('another failure')
    expect(failure).toMatchObject({ code: 'file_not_found', status: 404, detail: 'No such file.', isTransient: false })
    expect(failure.requestId).toMatch(/^[\w-]{8,}$/)
    expect(`${failure.stack ?? ''}${JSON.stringify(failure)}`).not.toMatch(/crl_|http:\/\/127/)

    const invalid = mine().participants.update('me', { labels: [''] })
    await expect(invalid).rejects.toMatchObject({ code: 'invalid_body', errors: [{ pointer: '/labels/0' }] })
    const nowhere = createCarrel({ url: 'http://127.0.0.1:1', retry: { attempts: 1 } }).service.health()
    await expect(nowhere).rejects.toMatchObject({ code: 'network', status: undefined, isTransient: true })
    await expect(mine().files.get('')).rejects.toMatchObject({ code: 'invalid_request' })
  })

  test('and passes is waited for as long as the service says', async () => {
    const asked: number[] = []
    const client = mine({
      fetch: async (url: string, init: RequestInit) => {
        asked.push(Date.now())
        if (asked.length > 1) return fetch(url, init)
        return new Response('', { status: 503, headers: { 'Retry-After': '1' } })
      },
    })
    await client.files.list({ limit: 1 }).all()
    expect((asked[1] ?? 0) - (asked[0] ?? 0)).toBeGreaterThanOrEqual(990)
  })

  test('without an answer is repeated only where that is safe', async () => {
    const link = await aLink(carrel.origin, () => ({ cutDownAt: 1 }))
    const asked = async (work: (client: ReturnType<typeof mine>) => Promise<unknown>) => {
      const { fetch, sent } = noted()
      await work(mine({ url: link.origin, fetch, retry: { attempts: 3 } })).catch(() => undefined)
      return sent.length
    }
    const document = { participant: 'me', identifier: 'safe' }
    const times = {
      get: await asked(async (client) => client.files.get('fil_01k9z3m8qe5w7v2n4h6j8k0r2t')),
      put: await asked(async (client) => client.documents.put(document, 1)),
      create: await asked(async (client) => client.files.begin({ name: 'a', mediaType: 'text/plain', size: 1 })),
      conditional: await asked(async (client) => client.documents.put(document, 1, { ifNoneMatch: '*' })),
      patch: await asked(async (client) => client.documents.patch(document, { a: 1 })),
      deleteMany: await asked(async (client) => client.files.deleteMany({ ids: ['fil_01k9z3m8qe5w7v2n4h6j8k0r2t'] })),
    }
    await link.stop()
    expect(times).toEqual({ get: 3, put: 3, create: 3, conditional: 1, patch: 1, deleteMany: 1 })
    // Though no answer came, it was done each time, and once.
    const begun = ok(await participant.get(`${study.path}/files?status=pending&name=a`)).items
    expect(begun).toHaveLength(1)
  })

  test('after it was deleted, though nobody heard of it, is nothing', async () => {
    const { id } = await mine().files.upload(new Blob(['x']), { name: 'x.txt' })
    const link = await aLink(carrel.origin, (connection) => (connection === 0 ? { cutDownAt: 1 } : {}))
    expect(await mine({ url: link.origin }).files.delete(id)).toBeUndefined()
    expect(link.told.connections).toBe(2)
    await link.stop()
    await expect(mine().files.delete(id)).rejects.toMatchObject({ code: 'file_not_found' })
  })
})

test('a key is asked for with each request, so one that was exchanged is used at once', async () => {
  let key = 'crl_1_bm90LWEta2V5LW5vdC1hLWtleS1ub3QtYS1rZXktbm90'
  const client = createCarrel({ url: carrel.origin, study: study.id, key: async () => key })
  await expect(client.files.list().all()).rejects.toMatchObject({ code: 'unauthenticated', status: 401 })
  key = participant.key ?? ''
  expect((await client.participants.get('me')).id).toBe(participant.id)
})

test("whatever else the service has is asked for by its path, with headers of one's own", async () => {
  const path = `/v1/studies/${study.id}/participants/me/documents/plain`
  const headers = { 'Content-Type': 'application/json', 'If-None-Match': '*' }
  const put = async () => (await mine().request(path, { method: 'PUT', headers, body: '1.50' })).status
  expect([await put(), await put()]).toEqual([200, 412])
  expect(await (await mine().request(path)).text()).toBe('1.50')
})

test.each(['.', '..'])("%s is nobody's name, for it leads to something else", async (name) => {
  const { fetch, sent } = noted()
  const client = admins({ fetch })
  const asked = [
    async () => client.participants.erase(name),
    async () => client.handles.delete({ participant: 'me', handle: name }),
    async () => client.documents.delete({ participant: name, identifier: 'preferences' }),
  ]
  for (const ask of asked) await expect(ask()).rejects.toMatchObject({ code: 'invalid_request' })
  expect(sent).toEqual([])
})
