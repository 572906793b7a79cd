// The console as people look at it: axe finds nothing wrong, nothing is wider than a phone, and the keyboard is enough.

import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sharedCarrel } from '../e2e/support/carrel.ts'
import type { Participant, Study } from '../support/builders.ts'
import { expectGood, LOOK_NAMES, LOOKS } from './support/axe.ts'
import { aPerson, closing, startChromium } from './support/chromium.ts'
import { aText, drop, expectDone, find, heading, keyOf, open, signedIn } from './support/console.ts'

const carrel = await sharedCarrel()

let browser: Browser
let study: Study
let ada: Participant

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNk+M9Qz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC',
  'base64',
)

beforeAll(async () => {
  browser = await startChromium()
  study = await carrel.aStudy({ allowPublic: true })
  ada = await carrel.aParticipant(study)
  const long = `${'a-very-long-name-'.repeat(12)}.txt`
  await carrel.aFile(ada, study, { name: long, mediaType: 'text/plain' }, 'long')
  await carrel.aFile(
    ada,
    study,
    { name: 'diary.txt', mediaType: 'text/plain', title: 'Week one', category: 'sleep', tags: ['one', 'two'] },
    'Slept well. '.repeat(400),
  )
  await carrel.aFile(ada, study, { name: 'picture.png', mediaType: 'image/png' }, PNG)
})
afterAll(async () => browser.close())

describe.each(LOOK_NAMES)('%s', (look) => {
  test('signing in is good to look at and to listen to', async () => {
    const person = await aPerson(browser, carrel.origin, LOOKS[look])
    await person.page.goto(`${carrel.origin}/console/`)
    await person.page.getByLabel('Study').fill(study.id)
    await expectGood(person.page, `sign-in-${look}`)
    await person.page.getByLabel('Key').fill('crl_none')
    await person.page.getByRole('button', { name: 'Sign in' }).click()
    await person.page.getByRole('alert').waitFor()
    await expectGood(person.page, `sign-in-refused-${look}`)
    await closing(person.context)
  })

  test('files, one of them, its links and shares, and uploads are too', async () => {
    const person = await signedIn(browser, { origin: carrel.origin, study, key: keyOf(ada), look })
    const { page } = person
    await page.getByRole('table', { name: 'Files' }).waitFor()
    await page.getByText('More filters').click()
    await expectGood(page, `files-${look}`)

    await find(page, 'picture', 'picture.png')
    await page.getByRole('img', { name: /picture/ }).waitFor()
    await expectGood(page, `file-picture-${look}`)

    await find(page, 'diary', 'diary.txt')
    await page.getByRole('region', { name: /Text of/ }).waitFor()
    await page.getByText('Name, category, tags and visibility').click()
    await page.getByText('Share with somebody').click()
    await expectGood(page, `file-${look}`)

    await page.getByRole('button', { name: 'Share by a link' }).click()
    await expectGood(page, `link-${look}`)
    await page.getByRole('button', { name: 'Make the link' }).click()
    await page.getByRole('img', { name: /QR code/ }).waitFor()
    await expectGood(page, `link-made-${look}`)
    await page.keyboard.press('Escape')

    await page.route(/r2\/s3/, async (route) =>
      /hold/.test(route.request().postData() ?? '') ? undefined : route.continue(),
    )
    await drop(page, [aText(`done-${look}.txt`, 'done'), aText(`held-${look}.txt`, 'hold')])
    await open(page, 'Uploads')
    await expectDone(page, `done-${look}.txt`)
    await page.getByText('Whose they are, and who may see them').click()
    await expectGood(page, `uploads-${look}`)
    await page.getByRole('button', { name: `Pause held-${look}.txt` }).click()
    await page.reload()
    await page.getByText('Interrupted', { exact: false }).first().waitFor()
    await expectGood(page, `uploads-interrupted-${look}`)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await expectGood(page, `sign-out-${look}`)
    await page.getByRole('button', { name: 'Give up and sign out' }).click()
    await page.getByLabel('Key').waitFor()
    await closing(person.context)
  })
})

test('the keyboard is enough to sign in, find a file, and make a link to it', async () => {
  const { page, context } = await aPerson(browser, carrel.origin)
  const press = async (key: string, times = 1) => {
    for (let time = 0; time < times; time += 1) await page.keyboard.press(key)
  }
  /** Goes on with Tab until it is there. */
  const reach = async (name: string) => {
    for (let step = 0; step < 60; step += 1) {
      const here = await page.evaluate<string>(
        'document.activeElement.labels?.[0]?.innerText ?? document.activeElement.innerText',
      )
      if (here.trim() === name) return
      await press('Tab')
    }
    throw new Error(`The keyboard does not get to ${name}.`)
  }
  await page.goto(`${carrel.origin}/console/#/?study=${study.id}`)
  await page.getByLabel('Key').waitFor()
  await reach('Key')
  await page.keyboard.type(keyOf(ada))
  await press('Enter')
  await heading(page, 'Files')
  await reach('Skip to the content')
  await press('Enter')
  await reach('diary.txt')
  await press('Enter')
  await heading(page, 'diary.txt')
  expect(await page.evaluate('document.activeElement.id')).toBe('content')
  await reach('Share by a link')
  await press('Enter')
  await page.getByRole('dialog').waitFor()
  await reach('Make the link')
  await press('Enter')
  await page.getByRole('img', { name: /QR code/ }).waitFor()
  await press('Escape')
  expect(await page.evaluate('document.activeElement.innerText')).toBe('Share by a link')
  await closing(context)
})
