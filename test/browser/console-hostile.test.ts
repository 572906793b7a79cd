// What is made to do harm, in every view of the console that shows it: it is text, a picture, or something to save, and
// nothing of it runs.

import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { sharedCarrel } from '../e2e/support/carrel.ts'
import type { Participant, Study } from '../support/builders.ts'
import { bytesOf, closing, PAYLOAD, type Person, startChromium } from './support/chromium.ts'
import { heading, keyOf, open, signedIn } from './support/console.ts'
import { HOSTILE_FILES } from './support/hostile-files.ts'

const carrel = await sharedCarrel()

let browser: Browser
let study: Study
let ada: Participant
let person: Person
let page: Page

beforeAll(async () => {
  browser = await startChromium()
})
afterAll(async () => browser.close())
beforeEach(async () => {
  study = await carrel.aStudy({ allowPublic: true })
  ada = await carrel.aParticipant(study)
})
afterEach(async () => {
  expect(person.canaries).toEqual([])
  expect(person.elsewhere).toEqual([])
  await closing(person.context)
})

async function enter(): Promise<void> {
  person = await signedIn(browser, { origin: carrel.origin, study, key: keyOf(ada) })
  page = person.page
}
/** No page but the console's own; what a picture or a PDF is shown by has nothing of this origin's in it. */
const expectNothingElse = async () => {
  expect(await page.evaluate('location.pathname')).toBe('/console/')
  expect(
    await page.evaluate("document.querySelectorAll('#console script, #console object, #console embed').length"),
  ).toBe(0)
}

describe.each(HOSTILE_FILES)('$name as $type', ({ name, type, bytes }) => {
  test('is listed, looked at and saved', async () => {
    const { id } = await carrel.aFile(
      ada,
      study,
      { name, mediaType: type, title: name, tags: [`<b>${PAYLOAD}`] },
      bytes,
    )
    await enter()
    await page.locator(`a[href="#/files/${id}"]`).click()
    await page.getByRole('heading', { name: 'Versions' }).waitFor()
    expect(await page.locator('h1').textContent()).toBe(name)
    await page.getByRole('heading', { name: 'Preview' }).waitFor()
    await page.locator('.preview').getByText('Fetching…').waitFor({ state: 'detached' })
    await expectNothingElse()
    const saved = page.waitForEvent('download')
    await page.getByRole('button', { name: 'Download', exact: true }).click()
    expect((await bytesOf(await saved)).toString()).toBe(bytes)
    await expectNothingElse()
  })
})

test('a page that says it is a picture is drawn by nobody, and one that says it is text is read', async () => {
  const bytes = `<!doctype html><script>${PAYLOAD}</script>`
  const picture = await carrel.aFile(ada, study, { name: 'a.png', mediaType: 'image/png' }, bytes)
  const text = await carrel.aFile(ada, study, { name: 'a.txt', mediaType: 'text/html; charset=utf-8' }, bytes)
  await enter()
  await page.goto(`${carrel.origin}/console/#/files/${picture.id}`)
  await page.getByText('no picture that this browser can draw').waitFor()
  await page.goto(`${carrel.origin}/console/#/files/${text.id}`)
  expect(await page.getByRole('region', { name: /Text of/ }).textContent()).toBe(bytes)
  await expectNothingElse()
})

test('an address that was made up shows what is wrong, and nothing of itself runs', async () => {
  await enter()
  // The service is asked for what the address names, where it would be taken for something that runs.
  const payload = "self['can'+'ary']('ran')"
  for (const fragment of [
    `/files/${encodeURIComponent(`"><img src=x onerror="${payload}">`)}`,
    `/files?q=${encodeURIComponent(`<img src=x onerror="${payload}">`)}`,
    `/%E0%A4%A`,
    `/javascript:${payload}`,
    `/__proto__/constructor`,
  ]) {
    await page.goto(`${carrel.origin}/console/#${fragment}`)
    await page.locator('h1').waitFor()
    await expectNothingElse()
  }
})

test('a page of the console is let do nothing that its rules do not name, inline least of all', async () => {
  await enter()
  await open(page, 'Uploads')
  await page.evaluate(`{
    const script = document.createElement('script')
    try { script.textContent = ${JSON.stringify(PAYLOAD)} } catch {}
    document.body.append(script)
    try { document.querySelector('h1').innerHTML = '<img src=x onerror="canary(1)">' } catch {}
    try { document.querySelector('h1').setAttribute('onclick', 'canary(2)') } catch {}
  }`)
  await page.locator('h1').click()
  await heading(page, 'Uploads')
})
