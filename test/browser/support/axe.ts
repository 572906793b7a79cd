import axe, { type AxeResults } from 'axe-core'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { expect } from 'vitest'

/** `CARREL_SCREENS=<folder>` puts a picture of each page there. */
const SCREENS = process.env['CARREL_SCREENS']

/** How people look at a page. */
export const LOOKS = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 900 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 900 } },
  phone: { colorScheme: 'light', viewport: { width: 360, height: 740 }, hasTouch: true },
} as const
// Its keys are what the type is made of.
export const LOOK_NAMES = Object.keys(LOOKS) as (keyof typeof LOOKS)[]

/** What axe finds wrong with a page as it is now: each rule, and the first piece of the page that breaks it. */
async function foundByAxe(page: Page): Promise<string[]> {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate<AxeResults>('axe.run()')
  return violations.map(({ id, impact, nodes }) => `${id} (${impact}) ${nodes.length}: ${nodes[0]?.html.slice(0, 200)}`)
}

/** Whether a page is wider than what it is shown on. */
const isTooWide = async (page: Page): Promise<boolean> =>
  page.evaluate('document.documentElement.scrollWidth > document.documentElement.clientWidth')

/** That a page, as it is now, is good to look at and to listen to; `name` is that of its picture. */
export async function expectGood(page: Page, name: string): Promise<void> {
  if (SCREENS !== undefined) await page.screenshot({ path: join(SCREENS, `${name}.png`), fullPage: true })
  expect(await foundByAxe(page), name).toEqual([])
  expect(await isTooWide(page), name).toBe(false)
}
