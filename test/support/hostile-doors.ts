import { parse } from 'content-disposition'
import { env } from 'cloudflare:workers'
import { expect } from 'vitest'
import { versionIdOf } from '../../src/adapters/kidsfirst/ids.ts'
import { bridgeCallers } from './bridge.ts'
import { type Caller, callersOf } from './callers.ts'
import { ORIGIN } from './client.ts'
import { sendingTo } from './faults.ts'
import { aCompleted, aHat, FILES, type HatClient } from './hat.ts'
import {
  expectHarmlessBytes,
  expectHarmlessRedirect,
  expectHarmlessUrl,
  expectNothingRuns,
  expectSoundHeaders,
  lastOf,
  type Promised,
} from './hostile-told.ts'
import { pathOf } from './kidsfirst.ts'
import { linkTo, upload } from './mydatahelps-files.ts'
import { about, COMPLETE, DIRECT, form } from './openhumans.ts'
import { aFile, HELLO, objectKeyOf, ok, type Participant, type Study } from './world.ts'

// The ways by which a file's bytes and name reach somebody, natively and in each foreign protocol.

type Known = Readonly<{
  study: Study
  /** What natively answers others have held against the document. */
  person: Participant
  anyone: Caller
  bridge: Caller
  owner: HatClient
}>
/** A person, known in every tongue, and what everyone sees before a link of theirs is claimed. */
export type Target = Known & Readonly<{ page: Awaited<ReturnType<typeof seen>> }>

export async function aTarget(): Promise<Target> {
  const { study, person, owner } = await aHat()
  const speaking = callersOf(sendingTo({}), () => ORIGIN)
  const known = {
    study,
    person: { ...person, ...speaking(person.key) },
    anyone: speaking(),
    bridge: bridgeCallers(speaking)(person.key),
    owner,
  }
  const file = await aFile(person, study, { visibility: 'study' })
  return { ...known, page: await seen(known, await aLink(known, file, 'redirect')) }
}

export type Given = Promised & Readonly<{ id: string; number: number; version: { number: number } }>

const atFile = ({ study }: Pick<Target, 'study'>, { id }: { id: string }) => `${study.path}/files/${id}`

async function aLink(
  known: Pick<Known, 'study' | 'person'>,
  file: { id: string },
  delivery: 'redirect' | 'stream',
): Promise<string> {
  const { url } = ok(await known.person.post(`${atFile(known, file)}/download-tokens`, { delivery, confirm: true }))
  return url
}

/** What is said to a browser, but for when and to whom. */
async function seen({ anyone }: Pick<Known, 'anyone'>, url: string) {
  const page = await anyone.get(url, { Accept: 'text/html' })
  expect(page.status).toBe(200)
  expectSoundHeaders(page)
  const policy = page.headers.get('Content-Security-Policy') ?? ''
  expect(policy).toMatch(/^default-src 'none'; style-src 'sha256-[^']+'; form-action /)
  expect(policy).not.toContain('unsafe')
  return { policy, text: page.text.replace(/<time .*?<\/time>/, '').replace(/ value="[^"]*"/, '') }
}

/** Every second link leads to storage. */
async function throughLink(target: Target, given: Given) {
  const delivery = given.number % 2 === 0 ? 'stream' : 'redirect'
  const url = await aLink(target, given, delivery)
  expect(await seen(target, url)).toEqual(target.page)
  const claimed = await target.anyone.get(url)
  if (delivery === 'stream') expectHarmlessBytes(asSaved(claimed, given), given)
  else expectHarmlessRedirect(claimed, given)
}

/** A PDF that is streamed is saved, whatever the URL of one says. */
function asSaved<Headed extends { headers: Headers }>(answer: Headed, { type }: Promised): Headed {
  if (type.startsWith('application/pdf')) expect(answer.headers.get('Content-Disposition')).toMatch(/^attachment;/)
  return answer
}

async function throughContent({ person, ...target }: Target, given: Given) {
  const path = `${atFile(target, given)}/content`
  expectHarmlessBytes(asSaved(await person.get(`${path}?delivery=stream`), given), given)
  expectHarmlessRedirect(await person.get(path), given)
}

/** Called something else for a while, and then so again. */
async function throughEdits({ person, ...target }: Target, given: Given) {
  const path = atFile(target, given)
  ok(await person.patch(path, { name: 'harmless.txt' }))
  const { name } = ok(await person.patch(path, { name: given.name, title: given.name }))
  expect(name).toBe(given.name)
  const told = ok(await person.get(path))
  expect([told.name, told.title, told.version.name, told.version.mediaType]).toEqual([
    given.name,
    given.name,
    given.name,
    given.type,
  ])
}

/** Found by its name, and nothing else by it. */
async function throughSearch({ study, person }: Target, given: Given) {
  const { items } = ok(await person.post(`${study.path}/files/search`, { name: given.name, limit: 100 }))
  expect(new Set(items.map(({ name }: Given) => name))).toEqual(new Set([given.name]))
  const asked = await person.get(`${study.path}/files?limit=1&name=${encodeURIComponent(given.name)}`)
  expect(ok(asked).items[0].name).toBe(given.name)
}

async function throughKidsFirst({ study, person, anyone }: Target, given: Given) {
  const answer = await anyone.get(pathOf(study, given), { Authorization: `Bearer ${person.key}` })
  expect(answer.status, answer.text).toBe(200)
  expectSoundHeaders(answer)
  expectNothingRuns(answer)
  const disposition = answer.headers.get('Content-Disposition') ?? ''
  expect(disposition).toMatch(/^attachment; filename\*=UTF-8''[A-Za-z0-9_.~/%-]+$/)
  expect(parse(disposition).parameters['filename']).toBe(`${versionIdOf(given.version.number)}_${given.name}`)
  expect(answer.headers.get('Content-Type')).toBe('application/octet-stream')
}

async function throughHat({ owner }: Target, given: Given) {
  const told = ok(await owner.get(`${FILES}/file/${given.id}`))
  expect(told.name).toBe(given.name)
  expectHarmlessUrl(told.contentUrl, given)
  expectHarmlessRedirect(await owner.get(`${FILES}/content/${given.id}`), given)
}

async function throughHatUpload({ owner }: Target, given: Given) {
  const { fileId } = await aCompleted(owner, { name: given.name, source: 'hostile', contentType: given.type })
  expect(fileId).toMatch(/^[a-z0-9_-]+(?:\.[a-z0-9_-]+)?$/)
  const told = ok(await owner.get(`${FILES}/file/${fileId}`))
  expect(told.name).toBe(given.name)
  expectHarmlessUrl(told.contentUrl, given)
}

async function throughMyDataHelps({ person }: Target, given: Given) {
  const { preSignedUrl } = ok(await linkTo(person, `${person.id}/${given.id}`))
  expectHarmlessUrl(preSignedUrl, given)
}

/** There a name becomes part of a key, which clients put into queries and folders as it is. */
async function throughMyDataHelpsUpload({ study, person }: Target, given: Given) {
  const key = await upload(person, 'hostile', given.name)
  expect(key).toMatch(/^[^/]+\/hostile\/[0-9T:.-]+Z_[^\p{Cc}&#+%?/\\]+$/u)
  expect(key).not.toMatch(/ $/)
  const { preSignedUrl } = ok(await linkTo(person, key))
  // What was sent says what it is.
  expectHarmlessUrl(preSignedUrl, { name: given.name, type: 'image/jpeg' })
  const { items } = ok(await person.post(`${study.path}/files/search`, { name: given.name, category: 'hostile' }))
  expect(items[0]?.name).toBe(given.name)
}

/** There a name is the last part of a path. */
async function throughOpenHumansUpload({ study, person }: Target, given: Given) {
  const name = lastOf(given.name)
  const worker = callersOf(sendingTo({}), () => ORIGIN)(study.worker.key)
  const begun = await form(worker, DIRECT, { filename: given.name, ...about(person) })
  expectSoundHeaders(begun)
  // The folder that one is in, or none.
  if (['', '.', '..'].includes(name))
    return expect([begun.status, Object.keys(begun.body)]).toEqual([400, ['filename']])
  const { id, url } = ok(begun)
  await env.BUCKET.put(objectKeyOf(url), HELLO)
  ok(await form(worker, COMPLETE, { project_member_id: String(person.number), file_id: String(id) }))
  const { items } = ok(await worker.post(`${study.path}/files/search`, { name, limit: 100 }))
  const file = items.find(({ number }: Given) => number === id)
  return expectHarmlessRedirect(await worker.get(`${atFile({ study }, file)}/content`), {
    name,
    type: file.version.mediaType,
  })
}

/** There a file goes by its name alone. */
async function throughBridge({ bridge }: Target, given: Given) {
  const path = `/v3/participants/self/files/${encodeURIComponent(given.name)}`
  // These lead elsewhere in any URL, and nothing is called a name of spaces.
  if (/^\.\.?$/.test(given.name)) return
  const begun = await bridge.post(path, { mimeType: given.type })
  expectSoundHeaders(begun)
  if (given.name.trim() === '') return expect(begun.status).toBe(400)
  expect([begun.status, begun.body.fileId, begun.body.mimeType]).toEqual([201, given.name, given.type])
  if (given.number % 2 === 0) await env.BUCKET.put(objectKeyOf(begun.body.uploadUrl), HELLO)
  const got = await bridge.get(path)
  expect(got.body.fileId).toBe(given.name)
  return expectHarmlessRedirect(got, given)
}

export type Door = (target: Target, given: Given) => Promise<unknown>

export const DOORS: Readonly<Record<string, Door>> = {
  content: throughContent,
  'a link': throughLink,
  edits: throughEdits,
  search: throughSearch,
  'Kids First': throughKidsFirst,
  HAT: throughHat,
  'an upload by HAT': throughHatUpload,
  MyDataHelps: throughMyDataHelps,
  'an upload by MyDataHelps': throughMyDataHelpsUpload,
  'an upload by Open Humans': throughOpenHumansUpload,
  Bridge: throughBridge,
}
