// The pages of one-time links as people look at them, in each of their languages.

import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { TEXTS } from '../../src/pages/texts.ts'
import { sharedCarrel } from '../e2e/support/carrel.ts'
import { ok, type Participant, type Study } from '../support/builders.ts'
import { expectGood, LOOK_NAMES, LOOKS } from './support/axe.ts'
import { aPerson, closing, startChromium } from './support/chromium.ts'

const carrel = await sharedCarrel()

let browser: Browser
let study: Study
let ada: Participant
/** By what is the matter with each. */
let links: Readonly<Record<'confirm' | 'used' | 'expired' | 'revoked' | 'unknown', string>>

beforeAll(async () => {
  browser = await startChromium()
  study = await carrel.aStudy()
  ada = await carrel.aParticipant(study)
  const { id } = await carrel.aFile(ada, study)
  const path = `${study.path}/files/${id}/download-tokens`
  const aLink = async (seconds = 3_600) => ok(await ada.post(path, { seconds, confirm: true }))
  const [confirm, used, expired, revoked] = [await aLink(), await aLink(), await aLink(1), await aLink()]
  const claim = await fetch(used.url, { method: 'POST', redirect: 'manual' })
  expect(claim.status).toBe(303)
  ok(await ada.delete(`${path}/${revoked.id}`))
  const looked = async () => fetch(expired.url, { headers: { Accept: 'text/html' } })
  await vi.waitFor(async () => expect((await looked()).status).toBe(410), { timeout: 5_000 })
  links = {
    confirm: confirm.url,
    used: used.url,
    expired: expired.url,
    revoked: revoked.url,
    unknown: `${carrel.origin}/d/nobody-made-this`,
  }
})
afterAll(async () => browser.close())

describe.each(LOOK_NAMES)('in %s', (look) => {
  test.each(Object.entries(TEXTS))(
    'in the language %s every page is good, and says what it is',
    async (locale, texts) => {
      const { page, context, elsewhere } = await aPerson(browser, carrel.origin, { ...LOOKS[look], locale })
      for (const [name, url] of Object.entries(links)) {
        await page.goto(url)
        const title = texts[`${name as keyof typeof links}Title`] // of the object's own keys
        await page.getByRole('heading', { name: title }).waitFor()
        await expectGood(page, `link-${name}-${locale}-${look}`)
      }
      expect(await page.locator('html').getAttribute('dir')).toBe(texts.direction)
      expect(elsewhere).toEqual([])
      await closing(context)
    },
  )
})
