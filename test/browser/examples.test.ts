// The page of examples/, as an app of another origin has it: CORS lets its browser begin a file, send the bytes to
// storage and complete it, and keeps out an origin that is not set.

import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { basename, join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bundleClient } from '../../src/local/build-client.ts'
import { startCarrel } from '../e2e/support/carrel.ts'
import type { Participant, Study } from '../support/builders.ts'
import { bytesOf } from '../support/bytes.ts'
import { startChromium } from './support/chromium.ts'

const EXAMPLE = join(import.meta.dirname, '../../examples/upload.html')

let carrel: Awaited<ReturnType<typeof startCarrel>>
let study: Study
let ada: Participant
let browser: Browser
const servers: Server[] = []
let app: string
let stranger: string

/** Serves the page with the client beside it, as it is asked for. */
async function serve(modules: ReadonlyMap<string, string>): Promise<string> {
  const page = async () =>
    (await readFile(EXAMPLE, 'utf8'))
      .replaceAll('https://carrel.example.org', carrel.origin)
      .replaceAll('SD_DEM0DEM0', study.id)
  const server = createServer((request, response) => {
    const module = modules.get(request.url ?? '')
    response.setHeader('Content-Type', module === undefined ? 'text/html' : 'text/javascript')
    if (module === undefined) void page().then((text) => response.end(text))
    else response.end(module)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  servers.push(server)
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
}

beforeAll(async () => {
  const { outputFiles } = await bundleClient()
  const modules = new Map(outputFiles.map(({ path, text }) => [`/client/${basename(path)}`, text]))
  app = await serve(modules)
  stranger = await serve(modules)
  carrel = await startCarrel({ ALLOWED_ORIGINS: app })
  study = await carrel.aStudy()
  ada = await carrel.aParticipant(study)
  browser = await startChromium()
})
afterAll(async () => {
  await browser.close()
  await carrel.stop()
  for (const server of servers) server.closeAllConnections()
  await Promise.all(servers.map(async (server) => server[Symbol.asyncDispose]()))
})

/** Presses the button of the page of an origin; `sent` is what else than reading was answered, and by whom. */
async function pressAt(origin: string, file: { name: string; mimeType: string; buffer: Buffer }) {
  const page = await browser.newPage()
  const sent: string[] = []
  page.on('response', (answer) => {
    const method = answer.request().method()
    if (method !== 'GET') sent.push(`${method} ${new URL(answer.url()).origin} ${answer.status()}`)
  })
  const refused = page.waitForEvent('requestfailed').then((request) => request.url())
  await page.goto(origin)
  await page.getByLabel('Key').fill(ada.key ?? '')
  await page.getByLabel('File').setInputFiles(file)
  await page.getByRole('button', { name: 'Upload' }).click()
  return { page, sent, refused }
}

test('an app of an origin that is set uploads a file from a browser', async () => {
  const buffer = Buffer.from(bytesOf(2, 50_000))
  const { page, sent, refused } = await pressAt(app, { name: 'é.bin', mimeType: 'application/octet-stream', buffer })
  refused.catch(() => 'never')
  const status = page.getByRole('status')
  await expect.poll(async () => status.textContent(), { timeout: 20_000 }).toMatch(/^é\.bin is there, as fil_\w+\.$/)
  expect(sent.filter((one) => one.startsWith('PUT'))).toEqual([`PUT ${carrel.origin} 200`])
  const [id = ''] = /fil_\w+/.exec((await status.textContent()) ?? '') ?? []
  const { body } = await ada.get(`${study.path}/files/${id}`)
  expect(body).toMatchObject({ name: 'é.bin', version: { size: 50_000 } })
  await page.close()
})

test('one of another origin is kept from asking, and begins nothing', async () => {
  const pending = `${study.path}/files?status=pending`
  const before = await ada.get(pending)
  const buffer = Buffer.from('a')
  const { page, sent, refused } = await pressAt(stranger, { name: 'a.txt', mimeType: 'text/plain', buffer })
  expect(await refused).toBe(`${carrel.origin}${study.path}/files`)
  expect(sent.filter((one) => !one.startsWith('OPTIONS'))).toEqual([])
  await page.close()
  expect((await ada.get(pending)).body).toEqual(before.body)
})
