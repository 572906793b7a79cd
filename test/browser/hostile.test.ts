// Files that are made to do harm, in a real Chromium: by a link, by its page and where content is shown, nothing of them
// runs and nothing that is not Carrel's own is a page of its origin. `CHROMIUM_PATH=/usr/bin/chromium npm run
// test:browser`.

import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Download, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { sharedCarrel } from '../e2e/support/carrel.ts'
import { ok, type Participant, type Study } from '../support/builders.ts'
import { aPerson, bytesOf, closing, PAYLOAD, type Person, save, startChromium } from './support/chromium.ts'
import { HOSTILE_FILES, type HostileFile } from './support/hostile-files.ts'

const carrel = await sharedCarrel()

let browser: Browser
let study: Study
let ada: Participant
let person: Person
let page: Page

beforeAll(async () => {
  browser = await startChromium()
  study = await carrel.aStudy({ allowPublic: true })
  ada = await carrel.aParticipant(study)
})
afterAll(async () => browser.close())

beforeEach(async () => {
  person = await aPerson(browser, carrel.origin)
  page = person.page
})
afterEach(async () => {
  expect(person.canaries).toEqual([])
  expect(person.elsewhere).toEqual([])
  await closing(person.context)
})

const aFile = async ({ name, type, bytes }: { name: string; type: string; bytes: string }) =>
  carrel.aFile(ada, study, { name, mediaType: type, visibility: 'public' }, bytes)
const aLink = async ({ id }: { id: string }, link: object = {}): Promise<string> =>
  ok(await ada.post(`${study.path}/files/${id}/download-tokens`, { seconds: 3_600, ...link })).url

const heading = async () => page.locator('h1').textContent()
const pressed = async () => page.getByRole('button', { name: 'Download' }).click()

test('what is not to run is noticed where it does', async () => {
  const other = await aPerson(browser, carrel.origin)
  await other.page.evaluate(PAYLOAD)
  await expect
    .poll(() => new Set(other.canaries.map((canary) => canary.split(' ')[0])))
    .toEqual(new Set(['call', 'console', 'dialog', 'request']))
  expect(other.elsewhere).toEqual(['https://example.org/canary'])
  await closing(other.context)
})

async function expectSaved(download: Download, { saved, bytes }: HostileFile): Promise<void> {
  expect(download.suggestedFilename()).toBe(saved)
  expect((await bytesOf(download)).toString()).toBe(bytes)
}

/** As what it is said to be, and in an origin that is nobody's: it is no page of Carrel's. */
async function expectShown({ type }: HostileFile): Promise<void> {
  expect(await page.evaluate('[document.contentType, self.origin]')).toEqual([type, 'null'])
}

describe.each(HOSTILE_FILES)('$name as $type', (hostile) => {
  const savedOrShown = async (url: string) => {
    if (hostile.shown !== 'always') return expectSaved(await save(page, url), hostile)
    await page.goto(url)
    return expectShown(hostile)
  }

  test('by a link is saved under its name, or shown as what it is', async () => {
    await savedOrShown(await aLink(await aFile(hostile), { delivery: 'stream', confirm: false }))
  })

  test('by a link with a page is that too, and the page says nothing of it', async () => {
    const url = await aLink(await aFile(hostile), { confirm: true })
    await page.goto(url)
    expect(await heading()).toBe('Your file is ready')
    expect(await page.content()).not.toContain(hostile.name)
    if (hostile.shown !== undefined) {
      await pressed()
      await page.waitForURL((at) => at.href !== url)
      expect(await page.evaluate('document.contentType')).toBe(hostile.type)
      return
    }
    const saved = page.waitForEvent('download')
    await pressed()
    await expectSaved(await saved, hostile)
    expect(await heading()).toBe('Your file is ready')
  })

  test('where everyone may see it is that too, and runs in no page that has it within', async () => {
    const { id } = await aFile(hostile)
    const content = `${carrel.origin}${study.path}/files/${id}/content?delivery=stream`
    await savedOrShown(content)
    const tags = ['iframe', 'embed', 'script', 'img'].map((tag) => `<${tag} src="${content}"></${tag}>`)
    await page.goto('about:blank')
    await page.setContent(
      `${tags.join('')}<object data="${content}"></object><link rel="stylesheet" href="${content}">`,
    )
  })
})

test('the page of a file whose name turns round says nothing of it, for a person to look at', async () => {
  const file = await aFile({ name: 'photo\u202egpj.exe', type: 'application/octet-stream', bytes: 'MZ' })
  await page.goto(await aLink(file, { confirm: true }))
  const picture = join(await mkdtemp(join(tmpdir(), 'carrel-browser-')), 'confirm.png')
  await page.screenshot({ path: picture })
  console.info(`The page is in ${picture}`)
  expect(await page.locator('main').innerText()).not.toMatch(/photo|\u202e/)
})

test('a link that a scanner and a browser look at beforehand is there for the person who presses the button', async () => {
  const url = await aLink(await aFile({ name: 'a.csv', type: 'text/csv', bytes: 'a,b' }), { confirm: true })
  const scanner = await aPerson(browser, carrel.origin)
  expect((await scanner.context.request.head(url)).status()).toBe(200)
  expect((await scanner.page.goto(url))?.status()).toBe(200)
  expect(await scanner.page.locator('h1').textContent()).toBe('Your file is ready')
  // As a page in front of it has a browser do.
  const prefetched = scanner.page.waitForResponse(url)
  await scanner.page.goto(`${carrel.origin}/robots-are-here`)
  await scanner.page.setContent(`<link rel="prefetch" href="${url}">`)
  expect((await prefetched).status()).toBe(503)
  await scanner.page.goto(url)

  await page.goto(url)
  const saved = page.waitForEvent('download')
  await pressed()
  expect((await bytesOf(await saved)).toString()).toBe('a,b')
  await scanner.page.getByRole('button', { name: 'Download' }).click()
  await expect.poll(async () => scanner.page.locator('h1').textContent()).toBe('This link has been used')
  await scanner.page.goto(url)
  expect(await scanner.page.locator('h1').textContent()).toBe('This link has been used')
  expect(scanner.canaries).toEqual([])
  await closing(scanner.context)
})

test.each(['redirect', 'stream'])(
  'a link by %s that two people open is given to the first of them',
  async (delivery) => {
    const url = await aLink(await aFile({ name: 'a.csv', type: 'text/csv', bytes: 'a,b' }), {
      delivery,
      confirm: false,
    })
    expect((await bytesOf(await save(page, url))).toString()).toBe('a,b')
    const second = await aPerson(browser, carrel.origin)
    expect((await second.page.goto(url))?.status()).toBe(410)
    expect(await second.page.locator('h1').textContent()).toBe('This link has been used')
    await closing(second.context)
  },
)
