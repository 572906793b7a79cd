import { describe, expect, test } from 'vitest'
import { ConfirmPage } from '../../src/pages/confirm.tsx'
import { confirmPageHeaders, pageHeaders } from '../../src/pages/headers.ts'
import { LandingPage } from '../../src/pages/landing.tsx'
import { SpentPage, type SpentReason } from '../../src/pages/spent.tsx'

const expiresAt = new Date('2026-11-22T14:05:09.123Z')
const REASONS: readonly SpentReason[] = ['used', 'expired', 'revoked', 'unknown']
const pages = {
  confirm: () => ConfirmPage({ nonce: '5f0c1b9e-0000-4000-8000-000000000000', expiresAt }),
  landing: () => LandingPage(),
  ...Object.fromEntries(REASONS.map((reason) => [reason, () => SpentPage({ reason })])),
}

const policy = (storageUrl: string) => confirmPageHeaders(storageUrl)['Content-Security-Policy']
const until = async (timeZone?: string) =>
  /<p>(.*?)<\/p>/.exec(
    String(await ConfirmPage({ nonce: '5f0c1b9e-0000-4000-8000-000000000000', expiresAt, timeZone })),
  )?.[1]
const count = (text: string, pattern: RegExp) => text.match(pattern)?.length ?? 0

async function styleHash(page: string) {
  const style = /<style>([^]*?)<\/style>/.exec(page)?.[1] ?? ''
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(style))
  return `sha256-${new Uint8Array(digest).toBase64()}`
}

describe.each(Object.entries(pages))('the %s page', (_, page) => {
  test('is a whole document with one heading that is its title', async () => {
    const text = String(await page())
    expect(text).toMatch(/^<!doctype html><html lang="en"><head>[^]*<\/html>$/i)
    expect(count(text, /<h1>/g)).toBe(1)
    expect(/<h1>(.*?)<\/h1>/.exec(text)?.[1]).toBe(/<title>(.*?)<\/title>/.exec(text)?.[1])
    expect(text).toContain('<meta name="viewport" content="width=device-width, initial-scale=1"/>')
  })

  test('has one style, and its hash is the one in the headers', async () => {
    const text = String(await page())
    expect(count(text, /<style/g)).toBe(1)
    expect(pageHeaders['Content-Security-Policy']).toContain(`style-src '${await styleHash(text)}';`)
  })

  test('runs and loads nothing', async () => {
    const text = String(await page())
    expect(text).not.toMatch(/<script|<link|<img|<iframe|style="| on\w+="|src=|url\(|@import/i)
  })
})

describe('the page with the button', () => {
  test('posts to its own address', async () => {
    const text = String(await ConfirmPage({ nonce: '5f0c1b9e-0000-4000-8000-000000000000', expiresAt }))
    expect(text).toContain(
      '<form method="post"><input type="hidden" name="nonce" value="5f0c1b9e-0000-4000-8000-000000000000"/>' +
        '<button type="submit">Download</button></form>',
    )
  })

  test('says until when, in UTC or in the reader’s own zone', async () => {
    const machine = '<time datetime="2026-11-22T14:05:09.123Z">'
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

test('the landing page leads to the API description and the health of the service', async () => {
  const text = String(await LandingPage())
  expect(text).toContain('<a href="/openapi.json">')
  expect(text).toContain('<a href="/health">')
})

test('a page is never stored, indexed, framed, sniffed or told of to others', () => {
  expect(pageHeaders).toMatchObject({
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'X-Robots-Tag': 'noindex',
  })
  expect(pageHeaders['Content-Security-Policy']).toMatch(
    /^default-src 'none'; style-src 'sha256-[^ ]{44}'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'$/,
  )
})
