import { describe, expect, test } from 'vitest'
import { ConfirmPage } from '../../src/pages/confirm.tsx'
import { confirmPageHeaders, pageHeaders } from '../../src/pages/headers.ts'
import { LandingPage } from '../../src/pages/landing.tsx'
import { SpentPage, type SpentReason } from '../../src/pages/spent.tsx'
import { type Language, languageOf, TEXTS } from '../../src/pages/texts.ts'

const expiresAt = new Date('2026-11-22T14:05:09.123Z')
const REASONS: readonly SpentReason[] = ['used', 'expired', 'revoked', 'unknown']
const nonce = '5f0c1b9e-0000-4000-8000-000000000000'
const pagesIn = (language: Language) => ({
  confirm: () => ConfirmPage({ nonce, expiresAt, language }),
  landing: () => LandingPage({ language }),
  ...Object.fromEntries(REASONS.map((reason) => [reason, () => SpentPage({ reason, language })])),
})
const LANGUAGES = Object.keys(TEXTS) as Language[] // its keys are what the type is made of
const pages = LANGUAGES.flatMap((language) =>
  Object.entries(pagesIn(language)).map(([name, page]) => ({ language, name, page })),
)

const policy = (storageUrl: string) => confirmPageHeaders(storageUrl)['Content-Security-Policy']
const until = async (timeZone?: string) =>
  /<p>(.*?)<\/p>/.exec(String(await ConfirmPage({ nonce, expiresAt, timeZone })))?.[1]
const count = (text: string, pattern: RegExp) => text.match(pattern)?.length ?? 0

async function styleHash(page: string) {
  const style = /<style>([^]*?)<\/style>/.exec(page)?.[1] ?? ''
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style))
  return `sha256-${new Uint8Array(digest).toBase64()}`
}

describe.each(pages)('the $name page in $language', ({ language, name, page }) => {
  test('is a whole document with one heading that is its title', async () => {
    const text = String(await page())
    const lang = language === 'zh' ? 'zh-Hans' : language
    const frame = `^<!doctype html><html lang="${lang}" dir="${TEXTS[language].direction}"><head>[^]*</html>$`
    expect(text).toMatch(new RegExp(frame, 'i'))
    expect(count(text, /<h1>/g)).toBe(1)
    expect(/<h1>(.*?)<\/h1>/.exec(text)?.[1]).toBe(/<title>(.*?)<\/title>/.exec(text)?.[1])
    expect(text).toContain('<meta name="viewport" content="width=device-width, initial-scale=1"/>')
  })

  test('has one style, and its hash is the one in the headers', async () => {
    const text = String(await page())
    expect(count(text, /<style/g)).toBe(1)
    expect(pageHeaders['Content-Security-Policy']).toContain(`style-src '${await styleHash(text)}';`)
  })

  test('says nothing in another language', async () => {
    const text = String(await page())
    const others = LANGUAGES.filter((other) => other !== language)
    const said = others.flatMap((other) => Object.values(TEXTS[other])).filter((sentence) => sentence.length > 12)
    expect(said.filter((sentence) => text.includes(sentence))).toEqual([])
    expect(text).toContain(TEXTS[language][`${name}Title` as 'usedTitle']) // each page has a title of its name
  })

  test('runs and loads nothing', async () => {
    const text = String(await page())
    expect(text).not.toMatch(/<script|<link|<img|<iframe|style="| on\w+="|src=|url\(|@import/i)
  })
})

describe('the page with the button', () => {
  test('posts to its own address', async () => {
    const text = String(await ConfirmPage({ nonce, expiresAt }))
    expect(text).toContain(
      '<form method="post"><input type="hidden" name="nonce" value="5f0c1b9e-0000-4000-8000-000000000000"/>' +
        '<button type="submit">Download</button></form>',
    )
  })

  test('says until when, in UTC or in the reader’s own zone', async () => {
    const machine = '<time datetime="2026-11-22T14:05:09.123Z" dir="auto">'
    expect(await until()).toBe(`This link works once, until ${machine}22 November 2026 at 14:05 UTC</time>.`)
    expect(await until('America/New_York')).toContain(`${machine}22 November 2026 at 09:05 GMT-5</time>`)
    expect(await until('Moon/Tranquility')).toContain(`${machine}22 November 2026 at 14:05 UTC</time>`)
  })

  test('may be redirected to storage after the POST, and nowhere else', () => {
    expect(policy('https://abc.r2.cloudflarestorage.com/carrel')).toContain(
      "; form-action 'self' https://abc.r2.cloudflarestorage.com; ",
    )
    expect(policy('http://localhost:8787')).toContain("; form-action 'self' http://localhost:8787; ")
  })
})

test('each reason has its own words', async () => {
  const texts = await Promise.all(REASONS.map(async (reason) => String(await SpentPage({ reason }))))
  expect(new Set(texts).size).toBe(REASONS.length)
})

test('the landing page leads to the console, the API and the health of the service', async () => {
  const text = String(await LandingPage())
  const links = [...text.matchAll(/<a href="([^"]*)">/g)].map(([, address]) => address)
  expect(links).toEqual(['/console/', '/docs/', '/openapi.json', '/health'])
})

test.each<[string | undefined, Language]>([
  [undefined, 'en'],
  ['', 'en'],
  ['*', 'en'],
  ['de-AT, de;q=0.9, en;q=0.8', 'de'],
  ['nl, fr-CA;q=0.4, es;q=0.7', 'es'],
  ['zh-TW', 'zh'],
  ['AR-eg;q=0.001', 'ar'],
  ['fr;q=0, en;q=0.1', 'en'],
  ['de;q=x, constructor, __proto__;q=1', 'de'],
  ['pt', 'en'],
])('to who accepts %o pages are in %s', (accepted, language) => {
  expect(languageOf(accepted)).toBe(language)
})

test('a date is written as in the language of its page', async () => {
  const dates = await Promise.all(
    LANGUAGES.map(async (language) => /<time[^>]*>(.*?)<\/time>/.exec(String(await pagesIn(language).confirm()))?.[1]),
  )
  expect(dates.slice(0, 5)).toEqual([
    '22 November 2026 at 14:05 UTC',
    '22 de noviembre de 2026 a las 14:05 UTC',
    '22 novembre 2026 à 14:05 UTC',
    '22. November 2026 um 14:05 UTC',
    '2026年11月22日 UTC 14:05',
  ])
  expect(new Set(dates).size).toBe(LANGUAGES.length)
})

test('a page is never stored, indexed, framed, sniffed or told of to others', () => {
  expect(pageHeaders).toMatchObject({
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    Vary: 'Accept-Language',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Robots-Tag': 'noindex',
  })
  expect(pageHeaders['Content-Security-Policy']).toMatch(
    /^default-src 'none'; style-src 'sha256-[^ ]{44}'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'$/,
  )
})
