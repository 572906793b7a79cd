import { existsSync } from 'node:fs'
import { expect } from 'vitest'
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Download,
  type Page,
} from 'playwright-core'

const EXECUTABLE = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'

export async function startChromium(): Promise<Browser> {
  if (!existsSync(EXECUTABLE)) {
    throw new Error(
      `There is no Chromium at ${EXECUTABLE}. On Debian: apt-get install -y chromium. Elsewhere: say where it is in CHROMIUM_PATH.`,
    )
  }
  return chromium.launch({
    executablePath: EXECUTABLE,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}

/** What is called, asked for and shown by whatever runs that should not. */
const CANARY = 'canary'
export const PAYLOAD = `${CANARY}('ran'); console.log('${CANARY}'); fetch('https://example.org/${CANARY}'); alert('${CANARY}')`

/** Somebody with a browser of their own, as it looks; `canaries` is what has run in any of its pages. */
export async function aPerson(browser: Browser, origin: string, look: BrowserContextOptions = {}) {
  const context = await browser.newContext({ acceptDownloads: true, ...look })
  const canaries: string[] = []
  const elsewhere: string[] = []
  await context.exposeFunction(CANARY, (said: string) => canaries.push(`call ${said}`))
  context.on('console', (message) => {
    if (message.text() === CANARY) canaries.push('console')
  })
  context.on('dialog', (dialog) => {
    canaries.push(`dialog ${dialog.message()}`)
    void dialog.dismiss()
  })
  context.on('request', (request) => {
    if (request.url().includes(CANARY)) canaries.push(`request ${request.url()}`)
  })
  // Nothing is asked of anybody else. What Chromium shows a PDF with is its own.
  await context.route(
    (url) => url.protocol.startsWith('http') && url.origin !== origin,
    async (route) => {
      elsewhere.push(route.request().url())
      await route.abort()
    },
  )
  return { context, canaries, elsewhere, page: await context.newPage() }
}
export type Person = Awaited<ReturnType<typeof aPerson>>

/** Follows a link to what is saved, which leaves what was shown before. */
export async function save(page: Page, url: string): Promise<Download> {
  await page.goto('about:blank')
  const saved = page.waitForEvent('download')
  await page.evaluate(`location.href = ${JSON.stringify(url)}`)
  const download = await saved
  expect(page.url()).toBe('about:blank')
  return download
}

export async function bytesOf(download: Download): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of await download.createReadStream()) chunks.push(chunk)
  return Buffer.concat(chunks)
}

export const closing = async (...contexts: readonly BrowserContext[]) =>
  Promise.all(contexts.map(async (context) => context.close()))
