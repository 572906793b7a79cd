// Downloads over links that drop and stall, and links that work once.

import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { bytesOf, hashOf, MIB } from '../support/bytes.ts'
import { HELLO, type Participant, type Study } from '../support/builders.ts'
import { sharedCarrel } from '../e2e/support/carrel.ts'
import { aClient, noted } from './support/client.ts'
import { aLink, type Fates, numbersOf } from './support/link.ts'

const carrel = await sharedCarrel()

const SIZE = 3 * MIB + 17
const whole = bytesOf(11, SIZE)
const sha256 = hashOf('sha256', whole)

let study: Study
let participant: Participant
let file: string
beforeAll(async () => {
  study = await carrel.aStudy()
  participant = await carrel.aParticipant(study)
  const mine = aClient(study, participant, { url: carrel.origin })
  file = (await mine.files.upload(whole, { name: 'Überblick "1".bin' })).id
})

const open: { stop: () => Promise<void> }[] = []
async function aBadLink(fateOf: Fates) {
  const link = await aLink(carrel.origin, fateOf)
  open.push(link)
  return link
}
afterEach(async () => {
  await Promise.all(open.splice(0).map(async (link) => link.stop()))
})

describe.each(['stream', 'redirect'] as const)('a download by %s', (delivery) => {
  test('goes on byte for byte where its connection was cut, or stalled', async () => {
    const number = numbersOf(delivery.length)
    const link = await aBadLink((connection) => {
      if (connection > 12) return {}
      const at = 2_000 + number() * MIB
      return connection % 4 === 3 ? { stallDownAt: at } : { cutDownAt: at }
    })
    const { fetch, sent } = noted()
    const client = aClient(study, participant, { url: link.origin, fetch, timeoutSeconds: 0.4 })
    const told: number[] = []
    const coming = await client.files.download(file, {
      delivery,
      onProgress: ({ receivedBytes }) => told.push(receivedBytes),
    })
    expect([coming.name, coming.size]).toEqual(['Überblick "1".bin', SIZE])
    expect(hashOf('sha256', await coming.bytes())).toBe(sha256)
    expect(link.told.cuts).toBeGreaterThan(3)
    expect(sent.filter(({ headers }) => headers.has('Range')).length).toBeGreaterThan(3)
    // Each byte came once.
    expect(told).toEqual(told.toSorted((one, other) => one - other))
    expect(told.at(-1)).toBe(SIZE)
  })

  test('goes on from what was there already, even if that is all of it', async () => {
    const client = aClient(study, participant, { url: carrel.origin })
    const { etag = '' } = await client.files.download(file, { delivery })
    const from = SIZE - 1_000
    const rest = await client.files.download(file, { delivery, from, etag })
    expect([rest.from, rest.size]).toEqual([from, SIZE])
    expect(await rest.bytes()).toEqual(whole.slice(from))
    const nothing = await client.files.download(file, { delivery, from: SIZE, etag })
    expect(await nothing.bytes()).toEqual(new Uint8Array())
  })

  test('that is called off ends so', async () => {
    const client = aClient(study, participant, { url: carrel.origin })
    const stop = new AbortController()
    const coming = await client.files.download(file, { delivery, signal: stop.signal })
    stop.abort()
    await expect(coming.bytes()).rejects.toMatchObject({ code: 'aborted' })
  })
})

test('what has changed is not mixed with what it was', async () => {
  const client = aClient(study, participant, { url: carrel.origin })
  const { id } = await client.files.upload(whole.slice(0, 100), { name: 'a.bin', handle: 'changing' })
  const { etag = '' } = await client.files.download(id)
  await client.files.upload(whole.slice(100, 300), { name: 'a.bin', handle: 'changing' })
  const going = client.files.download(id, { from: 50, etag })
  await expect(going).rejects.toMatchObject({ code: 'content_changed', isTransient: false })
})

test('the body is a stream, text and a blob', async () => {
  const client = aClient(study, participant, { url: carrel.origin })
  const { id } = await client.files.upload(new Blob([HELLO], { type: 'text/plain' }), { name: 'hello.txt' })
  expect(await new Response((await client.files.download(id)).body).text()).toBe(HELLO)
  expect(await (await client.files.download(id)).text()).toBe(HELLO)
  const blob = await (await client.files.download(id)).blob()
  expect([blob.type, await blob.text()]).toEqual(['text/plain', HELLO])
})

describe('a link that works once', () => {
  const link = async (delivery: 'stream' | 'redirect', at: string) => {
    const issued = await aClient(study, participant, { url: carrel.origin }).links.issue(file, { delivery })
    return (issued.url ?? '').replace(carrel.origin, at)
  }

  test('goes on at storage when its connection is cut', async () => {
    const bad = await aBadLink((connection) => (connection < 3 ? { cutDownAt: 900_000 } : {}))
    const { fetch, sent } = noted()
    const anyone = aClient(study, {}, { url: bad.origin, fetch })
    const coming = await anyone.links.open(await link('redirect', bad.origin))
    expect(hashOf('sha256', await coming.bytes())).toBe(sha256)
    expect(bad.told.cuts).toBeGreaterThan(0)
    expect(sent.filter(({ url }) => url.pathname.startsWith('/d/'))).toHaveLength(1)
  })

  test.each(['stream', 'redirect'] as const)(
    'by %s is not opened again when nobody knows if it was',
    async (delivery) => {
      const bad = await aBadLink(() => ({ cutDownAt: 1 }))
      const { fetch, sent } = noted()
      const anyone = aClient(study, {}, { url: bad.origin, fetch })
      await expect(anyone.links.open(await link(delivery, bad.origin))).rejects.toMatchObject({ code: 'network' })
      expect(sent).toHaveLength(1)
    },
  )

  test('that is streamed and cut is not opened again', async () => {
    const bad = await aBadLink(() => ({ cutDownAt: MIB }))
    const { fetch, sent } = noted()
    const coming = await aClient(study, {}, { url: bad.origin, fetch }).links.open(await link('stream', bad.origin))
    await expect(coming.bytes()).rejects.toMatchObject({ code: 'download_token_used' })
    expect(sent).toHaveLength(1)
  })
})
