// Somebody who has never seen Carrel: from `npm start` to 200 MB in the console, shared by a link, and opened with another
// browser. They read what is printed and what is on the screen, and nothing else.

import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, open as openFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startsIn } from '../local/support/start.ts'
import { freePort } from '../support/free-port.ts'
import { aPerson, closing, startChromium } from './support/chromium.ts'
import { heading, open, uploadOf } from './support/console.ts'

const SIZE_BYTES = 200_000_000
const MINUTES_AT_MOST = 3

let browser: Browser
let root: string
let carrel: ReturnType<typeof startsIn>
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'carrel-walk-'))
  carrel = startsIn(root)
  browser = await startChromium()
})
afterAll(async () => {
  await browser.close()
  await carrel.stopAll()
  await rm(root, { recursive: true })
})

async function aLargeFile(): Promise<string> {
  const path = join(root, 'sleep study.bin')
  const file = await openFile(path, 'w')
  const piece = randomBytes(1_000_000)
  for (let at = 0; at < SIZE_BYTES; at += piece.length) await file.write(piece)
  await file.close()
  return path
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer) // a stream without an encoding
  return hash.digest('hex')
}

test(
  'somebody new shares 200 MB by a link that opens once, by what is on the screen, in under three minutes',
  async () => {
    const path = await aLargeFile()
    const begun = performance.now()
    const { port, printed } = await carrel.startCarrel(await freePort())
    const origin = `http://127.0.0.1:${port}`
    const [, address = '', key = ''] = /open this page.*\n#\s+(\S+)\n#\s+(\S+)\n/.exec(printed()) ?? []

    const person = await aPerson(browser, origin)
    const { page } = person
    await page.goto(address)
    await page.getByLabel('Key').fill(key)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await heading(page, 'Files')
    const choosing = page.waitForEvent('filechooser')
    await page.getByRole('button', { name: 'Upload files' }).click()
    await (await choosing).setFiles(path)
    await open(page, 'Uploads')
    const upload = uploadOf(page, 'sleep study.bin')
    await upload.getByText(/^Done/).waitFor({ timeout: MINUTES_AT_MOST * 60_000 })
    await upload.getByRole('link').click()
    await heading(page, 'sleep study.bin')
    await page.getByRole('button', { name: 'Share by a link' }).click()
    await page.getByRole('button', { name: 'Make the link' }).click()
    const link = await page.getByLabel('Link', { exact: true }).inputValue()

    const friend = await aPerson(browser, origin)
    await friend.page.goto(link)
    const saved = friend.page.waitForEvent('download')
    await friend.page.getByRole('button', { name: 'Download' }).click()
    const received = await (await saved).path()
    const seconds = (performance.now() - begun) / 1_000

    expect((await saved).suggestedFilename()).toBe('sleep study.bin')
    expect(await hashOf(received)).toBe(await hashOf(path))
    await friend.page.goto(link)
    await friend.page.getByRole('heading', { name: 'This link has been used' }).waitFor()
    console.info(`From npm start to the bytes in another browser: ${seconds.toFixed(1)} s`)
    expect(seconds).toBeLessThan(MINUTES_AT_MOST * 60)
    await closing(person.context, friend.context)
  },
  MINUTES_AT_MOST * 60_000,
)
