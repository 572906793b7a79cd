// Storage is another origin than the console's in production. Here the console is asked for by another address than the
// service has, so that its bytes go from one origin to another, as the bucket's CORS rules let them.

import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { policyFor } from '../../src/local/build-console.ts'
import { sharedCarrel } from '../e2e/support/carrel.ts'
import { ok } from '../support/builders.ts'
import { closing, startChromium } from './support/chromium.ts'
import { drop, expectDone, keyOf, open, signIn } from './support/console.ts'

const carrel = await sharedCarrel()
const MIB = 1024 * 1024

let browser: Browser
let front: Server
let origin: string

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  // What comes in is bytes.
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** The service by another address, under the rules that the console is built with where storage is `storage`. */
const standingFor = (storage: string) =>
  createServer((request, answer) => {
    void (async () => {
      const body = await bodyOf(request)
      const { host: _, connection: __, 'content-length': ___, ...headers } = request.headers
      const sent = await fetch(carrel.origin + (request.url ?? '/'), {
        method: request.method ?? 'GET',
        redirect: 'manual',
        // One value each, for none of those that a browser sends here is said twice.
        headers: headers as Record<string, string>,
        ...(body.length === 0 ? {} : { body: new Uint8Array(body) }),
      })
      const told = new Headers(sent.headers)
      for (const name of ['Content-Encoding', 'Content-Length', 'Transfer-Encoding']) told.delete(name)
      if (told.has('Content-Security-Policy')) told.set('Content-Security-Policy', policyFor(storage))
      answer.writeHead(sent.status, Object.fromEntries(told)).end(Buffer.from(await sent.arrayBuffer()))
    })()
  })

beforeAll(async () => {
  browser = await startChromium()
  front = standingFor(carrel.origin)
  await new Promise<void>((listening) => front.listen(0, '127.0.0.1', listening))
  const address = front.address()
  origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
})
afterAll(async () => {
  await browser.close()
  front.close()
})

test('bytes go from the console straight to storage of another origin, in one piece and in parts', async () => {
  const study = await carrel.aStudy()
  const ada = await carrel.aParticipant(study)
  const context = await browser.newContext()
  const page = await context.newPage()
  const sent: string[] = []
  page.on('request', (request) => {
    if (request.method() === 'PUT' && request.url().includes('X-Amz-Signature'))
      sent.push(new URL(request.url()).origin)
  })
  await page.goto(`${origin}/console/#/?study=${study.id}`)
  await signIn(page, keyOf(ada))
  await drop(page, [
    { name: 'small.txt', mimeType: 'text/plain', buffer: Buffer.from('small') },
    { name: 'large.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(9 * MIB, 7) },
  ])
  await open(page, 'Uploads')
  await expectDone(page, 'small.txt', 'large.bin')
  expect(sent).toEqual([carrel.origin, carrel.origin, carrel.origin])
  expect(carrel.origin).not.toBe(origin)
  const { items } = ok(await ada.get(`${study.path}/files`))
  expect(items.map(({ name }: { name: string }) => name).toSorted()).toEqual(['large.bin', 'small.txt'])
  await closing(context)
})
