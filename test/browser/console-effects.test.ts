// What happens between a view being shown and the browser's next frame, when the rest of its work is done.

import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedCarrel } from '../e2e/support/carrel.ts'
import { closing, startChromium } from './support/chromium.ts'
import { aText, choose, expectDone, keyOf, signedIn, uploadOf } from './support/console.ts'

const carrel = await sharedCarrel()

let browser: Browser
beforeAll(async () => {
  browser = await startChromium()
})
afterAll(async () => browser.close())

test('an upload that is done in the moment its view opens is shown as done', async () => {
  const study = await carrel.aStudy()
  const ada = await carrel.aParticipant(study)
  const person = await signedIn(browser, { origin: carrel.origin, study, key: keyOf(ada) })
  const { page } = person
  const { promise: shown, resolve: release } = Promise.withResolvers<undefined>()
  await page.route(/\/complete$/, async (route) => {
    await shown
    await route.continue()
  })
  await choose(page, [aText('protocol.txt', 'ours')])

  // Frames come only when told to: the view is there, and what it does with the next is not done yet.
  await page.clock.install()
  await page.clock.pauseAt(Date.now() + 1000)
  await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: 'Uploads', exact: true }).click()
  const isShown = async () => {
    if (await uploadOf(page, 'protocol.txt').isVisible()) return true
    await page.clock.runFor(20)
    return false
  }
  await expect.poll(isShown, { timeout: 10_000 }).toBe(true)
  const completed = page.waitForResponse(/\/complete$/)
  release(undefined)
  await (await completed).finished()
  await page.clock.resume()

  await expectDone(page, 'protocol.txt')
  await closing(person.context)
})
