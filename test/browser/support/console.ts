import type { Browser, Page } from 'playwright-core'
import { expect } from 'vitest'
import type { Study } from '../../support/builders.ts'
import { aPerson, type Person } from './chromium.ts'
import { LOOKS } from './axe.ts'

/** What a person chooses on their disk. */
export type Chosen = Readonly<{ name: string; mimeType: string; buffer: Buffer }>

export const aText = (name: string, text: string): Chosen => ({
  name,
  mimeType: 'text/plain',
  buffer: Buffer.from(text),
})

type SignedIn = Readonly<{ origin: string; study: Study; key: string; look?: keyof typeof LOOKS }>

/** Somebody who has signed in to the console, as a person does. */
export async function signedIn(browser: Browser, { origin, study, key, look = 'light' }: SignedIn): Promise<Person> {
  const person = await aPerson(browser, origin, LOOKS[look])
  await person.page.goto(`${origin}/console/#/?study=${encodeURIComponent(study.id)}`)
  await signIn(person.page, key)
  return person
}

export async function signIn(page: Page, key: string): Promise<void> {
  await page.getByLabel('Key').fill(key)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await heading(page, 'Files')
}

export const heading = async (page: Page, name: string | RegExp): Promise<void> =>
  page.getByRole('heading', { level: 1, name }).waitFor()

export async function choose(page: Page, files: readonly Chosen[]): Promise<void> {
  const choosing = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: 'Upload files' }).click()
  await (await choosing).setFiles([...files])
}

/** Drops files on the window, as a person who drags them there. */
export async function drop(page: Page, files: readonly Chosen[]): Promise<void> {
  const given = files.map(({ name, mimeType, buffer }) => ({ name, mimeType, text: buffer.toString('base64') }))
  await page.evaluate(`{
    const dataTransfer = new DataTransfer()
    for (const { name, mimeType, text } of ${JSON.stringify(given)}) {
      const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0))
      dataTransfer.items.add(new File([bytes], name, { type: mimeType, lastModified: 1_700_000_000_000 }))
    }
    const events = ['dragenter', 'dragover', 'drop']
    for (const type of events) document.querySelector('main').dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer }))
  }`)
}

/** Opens a view by the navigation. */
export async function open(page: Page, name: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name, exact: true }).click()
  await heading(page, name)
}

export const keyOf = ({ key }: { key: string | undefined }): string => key ?? ''

export const uploadOf = (page: Page, name: string) => page.getByRole('listitem', { name })

export async function expectDone(page: Page, ...names: readonly string[]): Promise<void> {
  for (const name of names) await uploadOf(page, name).getByText(/^Done/).waitFor()
}

/** Searches, and opens what is found. */
export async function find(page: Page, words: string, name: string): Promise<void> {
  await open(page, 'Files')
  await page.getByLabel('Search', { exact: true }).fill(words)
  await page.getByRole('button', { name: 'Search' }).click()
  await page.getByRole('link', { name }).click()
  await heading(page, name)
}

/** What the browser keeps of the page: nowhere there is to be a key. */
export async function expectNoKey(page: Page, key: string): Promise<void> {
  expect(page.url()).not.toContain(key)
  expect(
    await page.evaluate('JSON.stringify([{ ...sessionStorage }, { ...localStorage }, document.cookie])'),
  ).not.toContain(key)
}
