// The console's documents, reports, participants, keys and audit, as people use them.

import { readFile } from 'node:fs/promises'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedCarrel } from '../e2e/support/carrel.ts'
import { ok, type Participant, type Study } from '../support/builders.ts'
import { closing, type Person, startChromium } from './support/chromium.ts'
import { heading, keyOf, open, signedIn } from './support/console.ts'

const carrel = await sharedCarrel()

let browser: Browser
beforeAll(async () => {
  browser = await startChromium()
})
afterAll(async () => browser.close())

async function aWorld() {
  const study = await carrel.aStudy()
  const ada = await carrel.aParticipant(study, { externalId: 'PT-001' })
  return { study, ada }
}
const asAdmin = async (study: Study): Promise<Person> =>
  signedIn(browser, { origin: carrel.origin, study, key: keyOf(study.admin) })
const asParticipant = async (study: Study, who: Participant): Promise<Person> =>
  signedIn(browser, { origin: carrel.origin, study, key: keyOf(who) })

const content = (page: Page) => page.getByLabel('Content')
const save = async (page: Page) => page.getByRole('button', { name: 'Save', exact: true }).click()
const said = async (page: Page, text: string | RegExp) => page.getByRole('status').getByText(text).waitFor()

test('a document is made, and what is no JSON or not what the study wants is told where it is', async () => {
  const { study, ada } = await aWorld()
  ok(
    await study.admin.put(`${study.path}/document-schemas/preferences`, {
      type: 'object',
      properties: { theme: { enum: ['light', 'dark'] } },
    }),
  )
  const { page, context } = await asParticipant(study, ada)
  await open(page, 'Documents')
  await page.getByLabel('Document').fill('preferences')
  await page.getByRole('button', { name: 'Open' }).click()
  await heading(page, 'preferences')

  await content(page).fill('{\n  "language": "pt",\n  "theme" "pink"\n}')
  await save(page)
  await page.getByRole('alert').getByText('This is no JSON.').waitFor()
  await page.getByRole('button', { name: 'Line 3' }).click()
  expect(await selection(page)).toContain('"theme" "pink"')

  await content(page).fill('{ "language": "pt", "theme": "pink" }')
  await save(page)
  await page.getByRole('button', { name: 'Line 3' }).last().click()
  expect(await selection(page)).toBe('  "theme": "pink"')
  expect((await ada.get(`${study.path}/participants/me/documents/preferences`)).status).toBe(404)

  await content(page).fill('{ "language": "pt", "theme": "dark" }')
  await save(page)
  await said(page, 'It is saved.')
  expect(ok(await ada.get(`${study.path}/participants/me/documents/preferences`))).toEqual({
    language: 'pt',
    theme: 'dark',
  })
  await closing(context)
})

const selection = async (page: Page) =>
  page.evaluate(
    `(() => { const area = document.querySelector('textarea'); return area.value.slice(area.selectionStart, area.selectionEnd) })()`,
  )

test('a document that was changed elsewhere meanwhile is not written over unasked', async () => {
  const { study, ada } = await aWorld()
  const path = `${study.path}/participants/me/documents/notes`
  ok(await ada.put(path, { by: 'first' }))
  const { page, context } = await asParticipant(study, ada)
  await open(page, 'Documents')
  await page.getByRole('link', { name: 'notes' }).click()
  await content(page).fill('{ "by": "mine" }')
  ok(await ada.put(path, { by: 'theirs' }))
  await save(page)
  await page.getByText('yours is not saved').waitFor()
  await page.locator('pre').getByText('"theirs"').waitFor()
  expect(ok(await ada.get(path))).toEqual({ by: 'theirs' })
  await page.getByRole('button', { name: 'Save mine over it' }).click()
  await said(page, 'It is saved.')
  expect(ok(await ada.get(path))).toEqual({ by: 'mine' })

  ok(await ada.put(path, { by: 'theirs again' }))
  await content(page).fill('{ "by": "mine again" }')
  await save(page)
  await page.getByRole('button', { name: 'Take theirs' }).click()
  await expect.poll(async () => content(page).inputValue()).toContain('theirs again')

  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await page.getByRole('button', { name: 'Delete it' }).click()
  await page.getByText('There are no documents yet.').waitFor()
  expect((await ada.get(path)).status).toBe(404)
  await closing(context)
})

test('entries of a report are drawn, told in words and in a table, and added', async () => {
  const { study, ada } = await aWorld()
  const entries = [7, 6.5, 8].map((hours, day) => ({ at: `2026-11-1${day}`, data: { hours, mood: 'calm' } }))
  ok(await ada.post(`${study.path}/participants/me/reports/sleep/entries`, { entries }))
  const { page, context } = await asParticipant(study, ada)
  await open(page, 'Reports')
  await page.getByRole('link', { name: 'sleep' }).click()
  await page.getByRole('img', { name: 'hours: 3 values from 2026-11-10 to 2026-11-12, between 6.5 and 8' }).waitFor()
  expect(await page.getByRole('table').getByRole('rowheader').allTextContents()).toEqual([
    '2026-11-12',
    '2026-11-11',
    '2026-11-10',
  ])
  await page.getByText('Add an entry').click()
  await page.getByLabel('Date').fill('2026-11-13')
  await page.getByLabel('Value', { exact: true }).fill('{ hours')
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByRole('alert').getByText('The value is no JSON').waitFor()
  await page.getByLabel('Value', { exact: true }).fill('{ "hours": 9 }')
  await page.getByRole('button', { name: 'Add', exact: true }).click()
  await page.getByRole('img', { name: /^hours: 4 values .* between 6.5 and 9$/ }).waitFor()
  expect(ok(await ada.get(`${study.path}/participants/me/reports/sleep/entries/2026-11-13`))).toEqual({ hours: 9 })
  await closing(context)
})

test('a participant is found, withdrawn, taken back, exported, and erased once their number is typed', async () => {
  const { study, ada } = await aWorld()
  await carrel.aFile(ada, study, { name: 'diary.txt' })
  const { page, context } = await asAdmin(study)
  await open(page, 'Participants')
  await page.getByText('Enrol somebody').click()
  await page.getByLabel('The study’s own name for the new one').fill('PT-002')
  await page.getByRole('button', { name: 'Enrol', exact: true }).click()
  await page.getByRole('link', { name: 'PT-002' }).waitFor()
  await page.getByLabel('Find by name').fill('PT-001')
  await page.getByRole('button', { name: 'Find' }).click()
  await expect.poll(async () => page.getByRole('link', { name: /^PT-/ }).allTextContents()).toEqual(['PT-001'])
  await page.getByRole('link', { name: 'PT-001' }).click()
  await heading(page, 'PT-001')

  const statusOf = async () => ok(await study.admin.get(`${study.path}/participants/${ada.id}`)).status
  await page.getByRole('button', { name: 'Withdraw' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Withdraw' }).click()
  await page.getByText('Withdrawn', { exact: true }).waitFor()
  expect(await statusOf()).toBe('withdrawn')
  await page.getByRole('button', { name: 'Take back' }).click()
  await page.getByRole('button', { name: 'Withdraw' }).waitFor()
  expect(await statusOf()).toBe('active')

  const saved = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Export' }).click()
  const exported = JSON.parse(await readFile(await (await saved).path(), 'utf8'))
  expect(exported.participant.id).toBe(ada.id)
  expect(exported.items.map(({ kind }: { kind: string }) => kind)).toEqual(['file'])

  await page.getByRole('button', { name: 'Erase' }).click()
  const number = page.getByLabel(`To go on, type the number ${ada.number}`)
  await number.fill('10000000')
  await page.getByRole('button', { name: 'Erase everything' }).click()
  await page.getByText('Nothing was erased.').waitFor()
  expect(await statusOf()).toBe('active')
  await number.fill(String(ada.number))
  await page.getByRole('button', { name: 'Erase everything' }).click()
  await page.getByRole('heading', { name: 'The erasure has begun' }).waitFor()
  expect((await ada.get(`${study.path}/participants/me`)).status).toBe(401)
  await closing(context)
})

test('a key is made, shown once, works, and is revoked', async () => {
  const { study } = await aWorld()
  const { page, context } = await asAdmin(study)
  await open(page, 'Keys')
  await page.getByRole('button', { name: 'Make a key' }).click()
  await page.getByLabel('Name').fill('desk')
  await page.getByRole('button', { name: 'Make the key' }).click()
  const secret = await page.getByLabel('Secret').inputValue()
  expect(secret).toMatch(/^crl_/)
  const desk = carrel.as(secret)
  expect(ok(await desk.get(`${study.path}/keys/self`))).toMatchObject({ role: 'staff', label: 'desk' })

  await page.getByRole('button', { name: 'Close' }).click()
  await page.getByRole('button', { name: 'Revoke desk' }).waitFor()
  expect(await page.content()).not.toContain(secret)
  await page.getByRole('button', { name: 'Revoke desk' }).click()
  await page.getByRole('button', { name: 'Revoke it' }).click()
  await page.getByText(/^Revoked /).waitFor()
  expect((await desk.get(`${study.path}/keys/self`)).status).toBe(401)
  await closing(context)
})

test('the audit is looked through by what was done and to whom; participants are told it in words', async () => {
  const { study, ada } = await aWorld()
  const grace = await carrel.aParticipant(study, { externalId: 'PT-002' })
  await carrel.aFile(ada, study, { name: 'a.txt' })
  await carrel.aFile(grace, study, { name: 'b.txt' })
  const admin = await asAdmin(study)
  await open(admin.page, 'Audit')
  await admin.page.getByLabel('What', { exact: true }).fill('file.complete')
  await admin.page.getByLabel('Whose').fill(ada.id)
  await admin.page.getByRole('button', { name: 'Show', exact: true }).click()
  const rows = admin.page.getByRole('table').getByRole('rowheader')
  await expect.poll(async () => rows.count()).toBe(1)
  await admin.page.getByRole('cell', { name: 'file.complete' }).waitFor()

  const { page, context } = await asParticipant(study, ada)
  await open(page, 'Audit')
  await page.getByRole('rowheader', { name: /^You / }).first().waitFor()
  expect(await page.getByRole('link', { name: 'Keys' }).count()).toBe(0)
  await closing(context, admin.context)
})
