// The console's records in every look: axe finds nothing, texts that are made to do harm are texts, and keys alone are
// enough.

import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sharedCarrel } from '../e2e/support/carrel.ts'
import { ok, type Participant, type Study } from '../support/builders.ts'
import { expectGood, LOOK_NAMES } from './support/axe.ts'
import { closing, PAYLOAD, startChromium } from './support/chromium.ts'
import { heading, keyOf, signedIn } from './support/console.ts'

const carrel = await sharedCarrel()
const HOSTILE = `"><img src=x onerror="${PAYLOAD}"><script>${PAYLOAD}</script>`

let browser: Browser
let study: Study
let ada: Participant

/** A study in which every text that somebody chose is made to do harm. */
beforeAll(async () => {
  browser = await startChromium()
  study = await carrel.aStudy()
  ada = await carrel.aParticipant(study, { externalId: HOSTILE, labels: [HOSTILE.slice(0, 100)] })
  ok(await study.admin.post(`${study.path}/keys`, { role: 'staff', label: HOSTILE }))
  const own = `${study.path}/participants/me`
  ok(await ada.put(`${own}/documents/${encodeURIComponent(HOSTILE)}`, { [HOSTILE]: HOSTILE }))
  const entries = [8, 7, 9].map((hours, day) => ({ at: `2026-11-2${day}`, data: { [HOSTILE]: hours, said: HOSTILE } }))
  ok(await ada.post(`${own}/reports/${encodeURIComponent(HOSTILE)}/entries`, { entries }))
})
afterAll(async () => browser.close())

const named = encodeURIComponent(HOSTILE)
/** Where each view is, and what is on it once it has come. */
const ADMINS = () => ({
  participants: ['#/participants', 'table'],
  participant: [`#/participants/${ada.id}`, '#deeds'],
  keys: ['#/keys', 'table'],
  audit: ['#/audit?action=document.put', 'table'],
  documents: [`#/documents/${ada.id}`, 'table'],
  document: [`#/documents/${ada.id}/${named}`, 'textarea'],
  reports: [`#/reports?participant=${ada.id}`, 'table'],
  report: [`#/reports/${named}?participant=${ada.id}`, '.chart'],
})
const THEIRS = () => ({
  me: ['#/me', '#deeds'],
  'own-documents': ['#/documents', 'table'],
  'own-document': [`#/documents/me/${named}`, 'textarea'],
  'own-reports': ['#/reports', 'table'],
  'own-report': [`#/reports/${named}`, '.chart'],
  'own-audit': ['#/audit', 'table'],
})

/** What has run. What is asked of the service has the names that were chosen in it, and only as names. */
const ran = (canaries: readonly string[]) =>
  canaries.filter((canary) => !canary.startsWith(`request ${carrel.origin}${study.path}/`))

/** From a view with nothing on it, so that what is waited for is not what was there before. */
async function arrive(page: Page, [address = '', awaited = '']: readonly string[]): Promise<void> {
  await page.evaluate(`location.hash = '#/uploads'`)
  await heading(page, 'Uploads')
  await page.evaluate(`location.hash = ${JSON.stringify(address)}`)
  await page.locator(`main ${awaited}`).first().waitFor()
}

describe.each(LOOK_NAMES)('in %s', (look) => {
  test.each([
    ['an admin', ADMINS, () => keyOf(study.admin)],
    ['a participant', THEIRS, () => keyOf(ada)],
  ] as const)('%s finds no view that axe finds anything wrong with, or that runs what it shows', async (_, of, key) => {
    const { page, context, canaries, elsewhere } = await signedIn(browser, {
      origin: carrel.origin,
      study,
      key: key(),
      look,
    })
    const complaints: string[] = []
    page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
    for (const [name, place] of Object.entries(of())) {
      await arrive(page, place)
      await expectGood(page, `${name}-${look}`)
      expect(await page.getByRole('alert').count(), name).toBe(0)
      expect(await page.locator('h1').count()).toBe(1)
    }
    expect({ ran: ran(canaries), elsewhere, complaints }).toEqual({ ran: [], elsewhere: [], complaints: [] })
    await closing(context)
  })

  test('its dialogs are as good', async () => {
    const { page, context, canaries } = await signedIn(browser, {
      origin: carrel.origin,
      study,
      key: keyOf(study.admin),
      look,
    })
    const asked = async (place: readonly string[], button: string) => {
      await arrive(page, place)
      await page.getByRole('button', { name: button }).first().click()
      await page.getByRole('dialog').waitFor()
      const [deed] = button.split(' ')
      await expectGood(page, `dialog-${deed}-${look}`)
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'detached' })
    }
    const { keys, participant, document } = ADMINS()
    await asked(keys, 'Make a key')
    await asked(keys, 'Revoke ">')
    await asked(participant, 'Withdraw')
    await asked(participant, 'Erase')
    await asked(document, 'Delete')
    expect(ran(canaries)).toEqual([])
    await closing(context)
  })
})

/** Goes on by Tab until what has the focus is called so, as somebody does who has no mouse. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 60; presses += 1) {
    await page.keyboard.press('Tab')
    const focused = await page.evaluate<string>(
      `(() => { const it = document.activeElement; return it.getAttribute('aria-label') ?? it.labels?.[0]?.textContent ?? it.textContent })()`,
    )
    if (focused.trim() === name) return
  }
  throw new Error(`Tab does not lead to ${name}.`)
}

/** A view that has come takes the focus, so that Tab begins in it. */
const arrived = async (page: Page) => page.locator('main:focus').waitFor()

test('a document is made and a key is issued and revoked without a mouse', async () => {
  const { page, context } = await signedIn(browser, { origin: carrel.origin, study, key: keyOf(study.admin) })
  await tabTo(page, 'Documents')
  await page.keyboard.press('Enter')
  await arrived(page)
  await tabTo(page, 'Participant')
  await page.keyboard.type(ada.id)
  await page.keyboard.press('Enter')
  await arrived(page)
  await tabTo(page, 'Document')
  await page.keyboard.type('plan')
  await page.keyboard.press('Enter')
  await arrived(page)
  await heading(page, 'plan')
  await tabTo(page, 'Content')
  await page.keyboard.press('Control+a')
  await page.keyboard.type('[1]')
  await tabTo(page, 'Save')
  await page.keyboard.press('Enter')
  await page.getByRole('status').getByText('It is saved.').waitFor()
  expect(ok(await ada.get(`${study.path}/participants/me/documents/plan`))).toEqual([1])

  await page.getByRole('link', { name: 'Keys' }).press('Enter')
  await arrived(page)
  await tabTo(page, 'Make a key')
  await page.keyboard.press('Enter')
  await tabTo(page, 'Name')
  await page.keyboard.type('by hand')
  await page.keyboard.press('Enter')
  await page.getByLabel('Secret').waitFor()
  await page.keyboard.press('Escape')
  await tabTo(page, 'Revoke by hand')
  await page.keyboard.press('Enter')
  await tabTo(page, 'Revoke it')
  await page.keyboard.press('Enter')
  await page.getByText(/^Revoked /).waitFor()
  await closing(context)
})
