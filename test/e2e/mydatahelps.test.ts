// MyDataHelps' documents on uploaded files, followed in their order by a service account, with files that apps have sent
// as the platform's SDK sends them: real requests, also to storage.

import { beforeAll, describe, expect, test } from 'vitest'
import { bytesOf, hashOf, MIB } from '../support/bytes.ts'
import type { Caller } from '../support/callers.ts'
import { ok } from '../support/builders.ts'
import {
  aKeyPair,
  asking,
  aServiceAccount,
  clientCredentials,
  delegatedParticipant,
  signed,
} from '../support/mydatahelps.ts'
import { sharedCarrel } from './support/carrel.ts'

const carrel = await sharedCarrel()

const ADA = '58b331cc-50ee-460b-8e7e-871e08867687'
const NAME = 'MyDataHelps.8.fetcher'
const OWN = '/api/v1/delegated/files'
/** Whatever must not be in the log. */
const secrets: string[] = []

let service: Caller
let ada: Caller
let bob: Caller
/** Of the project: as the quickstart for Python has it, with a slash too many. */
let files: string

beforeAll(async () => {
  const study = await carrel.aStudy()
  const keys = await aKeyPair()
  await aServiceAccount(study, NAME, keys)
  await carrel.aParticipant(study, { id: ADA, externalId: 'PT-123' })
  const { id: bobsId } = await carrel.aParticipant(study, { externalId: 'PT-124' })
  const ask = asking(carrel.anonymous)
  const assertion = await signed(keys, NAME)
  const token = ok(await ask(clientCredentials(assertion))).access_token
  const delegated = async (id: string) => ok(await ask(delegatedParticipant(token, id))).access_token
  const [adas, bobs] = [await delegated(ADA), await delegated(bobsId)]
  secrets.push(assertion, token, adas, bobs)
  service = carrel.as(token)
  ada = carrel.as(adas)
  bob = carrel.as(bobs)
  files = `${carrel.origin}//api/v1/administration/projects/${study.id}/files`
})

/** As the SDK's `uploadFile` does: two requests, and nothing that says that the bytes are there. */
async function uploadFile(participant: Caller, file: Blob, [category, name]: [category: string, name: string]) {
  const asked = `${OWN}?category=${category}&fileName=${encodeURIComponent(name)}`
  const { preSignedUrl } = ok(await participant.post(asked))
  const sent = await fetch(preSignedUrl, {
    method: 'PUT',
    body: file,
    headers: { 'Content-Type': file.type, 'x-amz-server-side-encryption': 'AES256' },
  })
  expect(sent.status, await sent.text()).toBe(200)
  secrets.push(new URL(preSignedUrl).searchParams.get('X-Amz-Signature') ?? '')
  return preSignedUrl as string
}

const kitty = bytesOf(1, 3 * MIB)

describe('files that participants upload', () => {
  test('are there as soon as they are sent, whatever was said of their type', async () => {
    await uploadFile(ada, new Blob([kitty], { type: 'image/jpeg' }), ['images', 'Kitty.jpg'])
    expect(ok(await ada.get(`${OWN}?category=images`)).files).toEqual([
      expect.objectContaining({ fileName: 'Kitty.jpg', contentType: 'image/jpeg', size: kitty.length }),
    ])
    await uploadFile(ada, new Blob(['llama']), ['workout-videos', 'Llama & friends #1 100%.jpg'])
    expect(ok(await ada.get(OWN)).files).toHaveLength(2)
    await uploadFile(bob, new Blob([''], { type: 'text/plain' }), ['images', 'empty.txt'])
    expect(ok(await bob.get(OWN)).files).toEqual([
      expect.objectContaining({ fileName: 'empty.txt', contentType: 'text/plain', size: 0 }),
    ])
  })

  // GET api/v1/administration/projects/:projectID/files: queries the file store for uploaded files.
  // "To get files for all participants": omit participantID, participantIdentifier and category.
  test('are queried by a service account, newest first, with all that the documents name', async () => {
    const { files: found, nextPageID } = ok(await service.get(files))
    expect(nextPageID).toBeNull()
    const at = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`
    expect(found.slice(1)).toEqual([
      {
        participantID: ADA,
        participantIdentifier: 'PT-123',
        key: expect.stringMatching(`^${ADA}/workout-videos/${at}_Llama _ friends _1 100_\\.jpg$`),
        category: 'workout-videos',
        fileName: 'Llama & friends #1 100%.jpg',
        lastModified: expect.stringMatching(`^${at}$`),
        size: 5,
        contentType: 'application/octet-stream',
        md5: hashOf('md5', new TextEncoder().encode('llama')),
      },
      {
        participantID: ADA,
        participantIdentifier: 'PT-123',
        key: expect.stringMatching(`^${ADA}/images/${at}_Kitty\\.jpg$`),
        category: 'images',
        fileName: 'Kitty.jpg',
        lastModified: expect.stringMatching(`^${at}$`),
        size: kitty.length,
        contentType: 'image/jpeg',
        md5: hashOf('md5', kitty),
      },
    ])
  })

  const names = async (query: string) =>
    ok(await service.get(`${files}?${query}`)).files.map(({ fileName }: { fileName: string }) => fileName)

  // "To get all files for a single participant": specify either participantID or participantIdentifier.
  test('are queried for one participant', async () => {
    for (const one of [`participantID=${ADA}`, 'participantIdentifier=PT-123']) {
      expect(await names(one)).toEqual(['Llama & friends #1 100%.jpg', 'Kitty.jpg'])
      // "To get files of a specific type for a single participant": specify category and either of them.
      expect(await names(`${one}&category=images`)).toEqual(['Kitty.jpg'])
    }
  })

  // "Querying for files of a specific type across all participants is not currently supported." Here it is.
  test('are queried by their type across all participants', async () => {
    expect(await names('category=images')).toEqual(['empty.txt', 'Kitty.jpg'])
  })

  // uploadedAfter: "Queries files uploaded after this date." uploadedBefore: "Queries files uploaded before this date."
  test('are queried by when they were uploaded', async () => {
    expect(await names('uploadedAfter=2024-05-12')).toHaveLength(3)
    expect(await names('uploadedAfter=2024-05-12&uploadedBefore=2024-05-13')).toEqual([])
  })

  // "Each page of results will return a nextPageID if there are additional pages." null: there is no next page.
  test('are queried page by page', async () => {
    const found: string[] = []
    let pageID: string | null = 'undefined'
    while (pageID !== null) {
      const page: { files: { fileName: string }[]; nextPageID: string | null } = ok(
        await service.get(`${files}?limit=1&pageID=${pageID}`),
      )
      found.push(...page.files.map(({ fileName }) => fileName))
      pageID = page.nextPageID
    }
    expect(found).toEqual(['empty.txt', 'Llama & friends #1 100%.jpg', 'Kitty.jpg'])
  })

  // GET api/v1/administration/projects/:projectID/files/download?key=…: returns a pre-signed URL. "The time the URL
  // expires is embedded in the URL in the Expires query parameter."
  test('are downloaded by a link, as often as it is followed, by whoever has it', async () => {
    const [{ key }] = ok(await service.get(`${files}?participantID=${ADA}&category=images`)).files
    for (const answer of [
      await service.get(`${files}/download?key=${key}`),
      await ada.get(`${OWN}/download?key=${key}`),
    ]) {
      const { preSignedUrl } = ok(answer)
      const { searchParams } = new URL(preSignedUrl)
      secrets.push(searchParams.get('X-Amz-Signature') ?? '')
      expect(Number(searchParams.get('Expires')) * 1000).toBeGreaterThan(Date.now() + 3_500_000)
      const whole = await fetch(preSignedUrl)
      expect([whole.status, whole.headers.get('Content-Type')]).toEqual([200, 'image/jpeg'])
      expect(hashOf('md5', await whole.bytes())).toBe(hashOf('md5', kitty))
      const part = await fetch(preSignedUrl, { headers: { Range: 'bytes=0-9' } })
      expect([part.status, (await part.bytes()).length]).toEqual([206, 10])
      // When it ends is part of what was signed.
      const longer = new URL(preSignedUrl)
      longer.searchParams.set('Expires', '9999999999')
      expect((await fetch(longer)).status).toBe(403)
    }
  })

  test('stay as they are where their upload’s URL is used again', async () => {
    const preSignedUrl = await uploadFile(bob, new Blob(['first']), ['once', 'x.txt'])
    const [{ key }] = ok(await bob.get(`${OWN}?category=once`)).files
    const again = async (headers: Record<string, string>) =>
      (await fetch(preSignedUrl, { method: 'PUT', body: bytesOf(2, 6), headers })).status
    expect(await again({ 'x-amz-server-side-encryption': 'AES256' })).toBe(200)
    // Nothing else than what was signed: every client sends this.
    expect(await again({})).toBe(403)
    expect(await again({ 'x-amz-server-side-encryption': 'aws:kms' })).not.toBe(200)
    expect(ok(await bob.get(`${OWN}?category=once`)).files).toHaveLength(1)
    const link = ok(await bob.get(`${OWN}/download?key=${key}`)).preSignedUrl
    expect(await (await fetch(link)).text()).toBe('first')
  })

  test('are deleted by who has sent them', async () => {
    const [{ key }] = ok(await ada.get(`${OWN}?category=workout-videos`)).files
    expect((await bob.delete(`${OWN}?key=${key}`)).status).toBe(404)
    expect((await ada.delete(`${OWN}?key=${key}`)).status).toBe(204)
    expect(await names(`participantID=${ADA}`)).toEqual(['Kitty.jpg'])
  })

  test('are told of in a table', async () => {
    const { text } = await service.get(`${files}/UploadedFiles.csv`)
    expect(text.split('\r\n').map((line) => line.split(',')[0])).toEqual([
      'FileName',
      'x.txt',
      'empty.txt',
      'Kitty.jpg',
      '',
    ])
  })
})

test('the log has neither tokens nor signatures in it, nor keys of files', () => {
  const log = carrel.logLines().join('\n')
  expect(log).toContain('/api/v1/administration/projects/:projectID/files/download')
  expect(secrets.filter((secret) => secret === '' || log.includes(secret))).toEqual([])
  expect(log).not.toMatch(/Kitty|PT-12|X-Amz|cr[sl]_\d|58b331cc/)
})
