// The API reference and the page at `/`, as browsers of all kinds show them.

import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { sharedCarrel } from '../e2e/support/carrel.ts'
import { expectGood, LOOK_NAMES, LOOKS } from './support/axe.ts'
import { aPerson, closing, type Person, startChromium } from './support/chromium.ts'

const carrel = await sharedCarrel()

let browser: Browser
let person: Person
let page: Page
let complaints: string[]

beforeAll(async () => {
  browser = await startChromium()
})
afterAll(async () => browser.close())

/** What a browser refuses to load or run, it tells the console. */
async function openAs(look: keyof typeof LOOKS): Promise<void> {
  person = await aPerson(browser, carrel.origin, LOOKS[look])
  page = person.page
  complaints = []
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
}
afterEach(async () => {
  expect(complaints).toEqual([])
  expect(person.elsewhere).toEqual([])
  await closing(person.context)
})

async function openReference(): Promise<void> {
  await page.goto(`${carrel.origin}/docs/`)
  await page.locator('.opblock').first().waitFor()
}
const operation = (text: string) => page.locator('.opblock').filter({ hasText: text }).first()
const opened = async (text: string) => operation(text).locator('.opblock-summary-control').click()

describe.each(LOOK_NAMES)('the API reference in %s', (look) => {
  beforeEach(async () => {
    await openAs(look)
    await openReference()
  })

  test('shows every operation, and axe finds nothing wrong with it, closed, open, tried or signed in to', async () => {
    const { paths } = (await (await fetch(`${carrel.origin}/openapi.json`)).json()) as { paths: object } // OpenAPI's
    const operations = Object.values(paths).flatMap((path: object) => Object.keys(path))
    expect(await page.locator('.opblock').count()).toBe(operations.length)
    expect(operations.length).toBeGreaterThan(80)
    await expectGood(page, `reference-${look}`)

    await opened('Reserve a file')
    await page.getByRole('button', { name: 'Try it out' }).click()
    await page.getByRole('textbox', { name: 'Request body' }).waitFor()
    await expectGood(page, `reference-tried-${look}`)

    await page.locator('.auth-wrapper .authorize').click()
    await page.getByRole('dialog', { name: 'Authorization' }).getByRole('textbox').waitFor()
    await expectGood(page, `reference-signing-in-${look}`)
  })

  test('has colours to its taste', async () => {
    const [red = 0] = await page.evaluate<number[]>(
      `getComputedStyle(document.querySelector('.swagger-ui')).color.match(/\\d+/g).map(Number)`,
    )
    expect(red > 128).toBe(look === 'dark')
  })

  test('the page at / is one screen, leads there, and axe finds nothing wrong with it', async () => {
    await page.goto(carrel.origin)
    expect(await page.evaluate('document.documentElement.scrollHeight <= innerHeight')).toBe(true)
    await expectGood(page, `landing-${look}`)
    await page.getByRole('link', { name: 'API reference' }).click()
    await page.locator('.opblock').first().waitFor()
    expect(page.url()).toBe(`${carrel.origin}/docs/`)
  })
})

test('an operation is tried with a key, by keys alone, and leaves nothing of the key behind', async () => {
  const study = await carrel.aStudy()
  const ada = await carrel.aParticipant(study)
  await openAs('light')
  await openReference()
  await page.locator('.auth-wrapper .authorize').focus()
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').getByRole('textbox').waitFor()
  await page.getByRole('dialog').getByRole('textbox').focus()
  await page.keyboard.type(ada.key ?? '')
  await page.keyboard.press('Enter')
  await page.getByRole('dialog').getByRole('button', { name: 'Close' }).last().press('Enter')

  await operation('List files').locator('.opblock-summary-control').press('Enter')
  await page.getByRole('button', { name: 'Try it out' }).press('Enter')
  await page.getByPlaceholder('study').fill(study.id)
  await page.getByRole('button', { name: 'Execute' }).press('Enter')
  const answer = page.locator('.live-responses-table tbody')
  await answer.waitFor()
  expect(await answer.innerText()).toContain('"nextCursor": null')
  expect(await page.evaluate('JSON.stringify([localStorage, sessionStorage, document.cookie])')).toBe('[{},{},""]')
})

test('without a slash it is found all the same, and nothing inline runs in it', async () => {
  await openAs('light')
  const answer = await page.goto(`${carrel.origin}/docs`)
  expect(page.url()).toBe(`${carrel.origin}/docs/`)
  const policy = (await answer?.allHeaders())?.['content-security-policy']
  expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; /)
  expect(policy).not.toContain('unsafe')
  await page.evaluate(
    `document.body.append(Object.assign(document.createElement('script'), { text: 'window.ran = true' }))`,
  )
  expect(await page.evaluate('window.ran')).toBeUndefined()
  expect(complaints.splice(0).join()).toContain('Content Security Policy')
})
