// The console as a person uses it, in a real Chromium: `CHROMIUM_PATH=/usr/bin/chromium npm run test:browser`.

import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sharedCarrel } from '../e2e/support/carrel.ts'
import { ok } from '../support/builders.ts'
import { aPerson, bytesOf, closing, startChromium } from './support/chromium.ts'
import {
  aText,
  choose,
  type Chosen,
  drop,
  expectDone,
  expectNoKey,
  find,
  heading,
  keyOf,
  open,
  signedIn,
  signIn,
  uploadOf,
} from './support/console.ts'

const carrel = await sharedCarrel()
const MIB = 1024 * 1024

let browser: Browser
beforeAll(async () => {
  browser = await startChromium()
})
afterAll(async () => browser.close())

async function aSignedIn() {
  const study = await carrel.aStudy({ allowPublic: true })
  const ada = await carrel.aParticipant(study)
  const person = await signedIn(browser, { origin: carrel.origin, study, key: keyOf(ada) })
  return { study, ada, person, page: person.page }
}

const bytesAs = (size: number) => Buffer.from(Array.from({ length: size }, (_, at) => (at * 31) % 251))
const scan: Chosen = { name: 'scan.bin', mimeType: 'application/octet-stream', buffer: bytesAs(12 * MIB) }

test('many files are dropped, one is paused, and goes on after a reload where it was', async () => {
  const { study, ada, page, person } = await aSignedIn()
  const parts: string[] = []
  await page.route(/partNumber=/, async (route) => {
    const number = new URL(route.request().url()).searchParams.get('partNumber') ?? ''
    parts.push(number)
    // The last part is on a link that is down, until the page is loaded anew.
    if (number === '2' && parts.filter((one) => one === '2').length === 1) return
    await route.continue()
  })
  await drop(page, [aText('monday.txt', 'slept well'), scan, aText('tuesday.txt', 'slept')])
  await open(page, 'Uploads')
  await expectDone(page, 'monday.txt', 'tuesday.txt')
  await uploadOf(page, 'scan.bin')
    .getByText(/^Uploading · 66 %/)
    .waitFor()
  await uploadOf(page, 'scan.bin').getByRole('button', { name: 'Pause scan.bin' }).click()
  await uploadOf(page, 'scan.bin')
    .getByText(/^Paused/)
    .waitFor()

  await page.reload()
  await heading(page, 'Uploads')
  await uploadOf(page, 'scan.bin')
    .getByText(/^Interrupted.* 66 %/)
    .waitFor()
  expect(ok(await ada.get(`${study.path}/files`)).items).toHaveLength(2)
  await drop(page, [scan])
  await expectDone(page, 'scan.bin')
  expect(parts.toSorted()).toEqual(['1', '2', '2'])

  const { items } = ok(await ada.get(`${study.path}/files?name=scan.bin`))
  expect(items).toHaveLength(1)
  const content = await fetch(`${carrel.origin}${study.path}/files/${items[0].id}/content?delivery=stream`, {
    headers: { Authorization: `Bearer ${ada.key}` },
  })
  expect(Buffer.compare(Buffer.from(await content.arrayBuffer()), scan.buffer)).toBe(0)
  await closing(person.context)
})

test('a file is found, looked at, renamed and shared by a link that opens once elsewhere', async () => {
  const { page, person } = await aSignedIn()
  await choose(page, [aText('sleep diary.txt', 'Slept well, and dreamt of libraries.')])
  await open(page, 'Uploads')
  await expectDone(page, 'sleep diary.txt')
  await find(page, 'diary', 'sleep diary.txt')
  await page.getByText('dreamt of libraries').waitFor()

  await page.getByText('Name, category, tags and visibility').click()
  await page.getByLabel('Name', { exact: true }).fill('diary of a week.txt')
  await page.getByLabel('Tags').fill('sleep, week one')
  await page.getByRole('button', { name: 'Save' }).click()
  await heading(page, 'diary of a week.txt')
  await page.getByText('sleep, week one').waitFor()

  await page.getByRole('button', { name: 'Share by a link' }).click()
  await page.getByRole('button', { name: 'Make the link' }).click()
  await page.getByRole('img', { name: /QR code/ }).waitFor()
  const url = await page.getByLabel('Link', { exact: true }).inputValue()
  await page.getByRole('button', { name: 'Close' }).click()
  await page.getByText(/^Good until/).waitFor()

  const friend = await aPerson(browser, carrel.origin)
  await friend.page.goto(url)
  await friend.page.getByRole('button', { name: 'Download' }).click()
  await expect.poll(async () => friend.page.evaluate('document.body.innerText')).toContain('dreamt of libraries')
  await friend.page.goto(url)
  await friend.page.getByRole('heading', { name: 'This link has been used' }).waitFor()
  await page.reload()
  await page.getByText(/^Used/).waitFor()
  await closing(person.context, friend.context)
})

test('a file is downloaded under its name, gets another version, and goes', async () => {
  const { page, person, study, ada } = await aSignedIn()
  await carrel.aFile(ada, study, { name: 'a.csv', mediaType: 'text/csv' }, 'first')
  await find(page, '', 'a.csv')
  const saved = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Download', exact: true }).click()
  expect((await saved).suggestedFilename()).toBe('a.csv')
  expect((await bytesOf(await saved)).toString()).toBe('first')

  await page.getByLabel('Upload a new version').setInputFiles(aText('b.csv', 'second'))
  await page
    .getByRole('table', { name: 'Versions' })
    .getByRole('row', { name: /b\.csv/ })
    .waitFor()
  expect(await page.getByRole('table', { name: 'Versions' }).getByRole('row').count()).toBe(3)

  await page.getByRole('button', { name: 'Delete this file' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click()
  await page.getByText('There are no files yet.', { exact: false }).waitFor()
  expect(ok(await ada.get(`${study.path}/files`)).items).toEqual([])
  await closing(person.context)
})

test('a file is shared with another participant, who finds it, and no longer once that is ended', async () => {
  const { page, person, study, ada } = await aSignedIn()
  const grace = await carrel.aParticipant(study)
  await carrel.aFile(ada, study, { name: 'shared.txt', mediaType: 'text/plain' }, 'both of us')
  await find(page, 'shared', 'shared.txt')
  await page.getByText('Share with somebody').click()
  await page.getByLabel('Their id').fill(grace.id)
  await page.getByRole('button', { name: 'Share', exact: true }).click()
  await page.getByRole('button', { name: `Stop sharing with participant:${grace.id}` }).waitFor()

  const other = await signedIn(browser, { origin: carrel.origin, study, key: keyOf(grace) })
  await find(other.page, 'shared', 'shared.txt')
  await other.page.getByText('both of us').waitFor()
  expect(await other.page.getByRole('button', { name: 'Share by a link' }).count()).toBe(0)

  await page.getByRole('button', { name: `Stop sharing with participant:${grace.id}` }).click()
  await page.getByText('With nobody.').waitFor()
  await other.page.reload()
  await other.page.getByRole('alert').waitFor()
  await closing(person.context, other.context)
})

test('a tab that is loaded anew is still signed in, and nothing of the key is left once it is signed out', async () => {
  const { page, person, ada } = await aSignedIn()
  await page.reload()
  await heading(page, 'Files')
  expect(page.url()).not.toContain(keyOf(ada))
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel('Key').waitFor()
  await expectNoKey(page, keyOf(ada))
  await page.reload()
  await page.getByLabel('Key').waitFor()
  await closing(person.context)
})

test('whoever signs in next in the same tab sees nothing of the uploads before', async () => {
  const { page, person, study } = await aSignedIn()
  await page.route(/r2\/s3/, async () => undefined)
  await drop(page, [aText('mine.txt', 'mine')])
  await open(page, 'Uploads')
  await uploadOf(page, 'mine.txt').waitFor()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByRole('button', { name: 'Give up and sign out' }).click()
  const next = await carrel.aParticipant(study)
  await signIn(page, keyOf(next))
  await open(page, 'Uploads')
  await page.getByText('Nothing is on its way.').waitFor()
  await closing(person.context)
})

test('a key that is revoked ends the session, and one that is none begins none', async () => {
  const { page, person, study, ada } = await aSignedIn()
  await open(page, 'Uploads')
  ok(await study.admin.delete(`${study.path}/keys/${ada.keyId}`))
  await page.getByRole('navigation').getByRole('link', { name: 'Files' }).click()
  await page.getByLabel('Key').fill(keyOf(ada))
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('alert').getByText('This key is not good').waitFor()
  await closing(person.context)
})

test('a paused upload goes on in the same page, another file is not taken for it, and one that is given up leaves nothing', async () => {
  const { study, ada, page, person } = await aSignedIn()
  let isDown = true
  await page.route(/r2\/s3/, async (route) => (isDown ? undefined : route.continue()))
  await choose(page, [aText('kept.txt', 'kept'), aText('gone.txt', 'gone')])
  await open(page, 'Uploads')
  for (const name of ['kept.txt', 'gone.txt']) {
    await uploadOf(page, name)
      .getByRole('button', { name: `Pause ${name}` })
      .click()
    await uploadOf(page, name)
      .getByText(/^Paused/)
      .waitFor()
  }
  await uploadOf(page, 'gone.txt').getByRole('button', { name: 'Give up gone.txt' }).click()
  await uploadOf(page, 'gone.txt').waitFor({ state: 'detached' })

  await page.reload()
  const choosing = page.waitForEvent('filechooser')
  await uploadOf(page, 'kept.txt').getByText('Choose the file again', { exact: true }).click()
  await (await choosing).setFiles(aText('kept.txt', 'other bytes'))
  await uploadOf(page, 'kept.txt').getByRole('alert').getByText('This is not the file').waitFor()
  await uploadOf(page, 'kept.txt').getByRole('button', { name: 'Give up kept.txt' }).click()
  await page.getByText('Nothing is on its way.').waitFor()
  expect(ok(await ada.get(`${study.path}/files?status=pending`)).items).toEqual([])

  await choose(page, [aText('paused.txt', 'paused')])
  await uploadOf(page, 'paused.txt').getByRole('button', { name: 'Pause paused.txt' }).click()
  isDown = false
  await uploadOf(page, 'paused.txt').getByRole('button', { name: 'Go on: paused.txt' }).click()
  await expectDone(page, 'paused.txt')
  await closing(person.context)
})

test('a machine of the study uploads for the study and for a participant, and finds no file that is private', async () => {
  const study = await carrel.aStudy()
  const ada = await carrel.aParticipant(study)
  const secret = await carrel.aFile(ada, study, { name: 'private.txt' })
  const person = await signedIn(browser, { origin: carrel.origin, study, key: keyOf(study.worker) })
  const { page } = person
  await choose(page, [aText('protocol.txt', 'ours')])
  await open(page, 'Uploads')
  await expectDone(page, 'protocol.txt')
  await page.getByText('Whose they are, and who may see them').click()
  await page.getByLabel('Participant').fill(ada.id)
  await page.getByLabel('Visibility').selectOption('study')
  await choose(page, [aText('result.txt', 'hers')])
  await expectDone(page, 'result.txt')
  await open(page, 'Files')
  await page.getByRole('link', { name: 'result.txt' }).waitFor()
  expect(await page.getByRole('link', { name: 'private.txt' }).count()).toBe(0)
  await page.goto(`${carrel.origin}/console/#/files/${secret.id}`)
  await page.getByRole('alert').waitFor()

  const { items } = ok(await study.admin.get(`${study.path}/files`))
  const owners = items.map(({ name, participant }: { name: string; participant: string | null }) => [name, participant])
  expect(owners).toContainEqual(['protocol.txt', null])
  expect(owners).toContainEqual(['result.txt', ada.id])
  await closing(person.context)
})

test('a key that only downloads is told to be for programs', async () => {
  const study = await carrel.aStudy()
  const person = await aPerson(browser, carrel.origin)
  await person.page.goto(`${carrel.origin}/console/#/?study=${study.id}`)
  await person.page.getByLabel('Key').fill(keyOf(study.download))
  await person.page.getByRole('button', { name: 'Sign in' }).click()
  await person.page.getByRole('alert').getByText('Sign in with another').waitFor()
  expect(await person.page.evaluate('sessionStorage.length')).toBe(0)
  await closing(person.context)
})

test('what one tab sends, another that has the same key leaves to it, until that one is closed', async () => {
  const { study, ada, page, person } = await aSignedIn()
  await page.route(/r2\/s3/, async () => undefined)
  await choose(page, [aText('first.txt', 'first')])
  await open(page, 'Uploads')
  await uploadOf(page, 'first.txt')
    .getByText(/^Uploading/)
    .waitFor()
  const other = await person.context.newPage()
  await other.goto(`${carrel.origin}/console/#/?study=${study.id}`)
  await signIn(other, keyOf(ada))
  await open(other, 'Uploads')
  await other.getByText('Nothing is on its way.').waitFor()
  await page.close()
  await other.reload()
  await uploadOf(other, 'first.txt')
    .getByText(/^Interrupted/)
    .waitFor()
  await closing(person.context)
})
