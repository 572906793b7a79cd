import { describe, expect, test, vi } from 'vitest'
import { anonymous } from '../support/client.ts'
import { aFile, aParticipant, aStudy, HELLO, ok } from '../support/world.ts'

// What a person meets who follows a link in a browser, and what scanners and previews on the way to them must not do.

const BROWSER = { Accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' }
const FORM = { ...BROWSER, 'Content-Type': 'application/x-www-form-urlencoded' }

async function aLink(link: object = { confirm: true }) {
  const study = await aStudy()
  const participant = await aParticipant(study)
  const { id } = await aFile(participant, study, { name: 'secret name.txt' })
  const links = `${study.path}/files/${id}/download-tokens`
  const issued: { id: string; url: string; expiresAt: string } = ok(await participant.post(links, link))
  return {
    ...issued,
    revoke: async () => participant.delete(`${links}/${issued.id}`),
    forget: async () => participant.delete(`${study.path}/files/${id}`),
  }
}
type Linked = Awaited<ReturnType<typeof aLink>>

async function at<Answer>(time: number, ask: () => Promise<Answer>): Promise<Answer> {
  vi.useFakeTimers({ toFake: ['Date'], now: time })
  try {
    return await ask()
  } finally {
    vi.useRealTimers()
  }
}

const nonceIn = (page: string) => /name="nonce" value="([^"]+)"/.exec(page)?.[1] ?? ''
const open = async (url: string) => anonymous.get(url, BROWSER)
const press = async (url: string, nonce: string) => anonymous.post(url, `nonce=${nonce}`, FORM)

describe('a link that is to be confirmed', () => {
  test('shows a browser a page with a button, as often as asked, and claims nothing', async () => {
    const { url } = await aLink()
    const pages = [await open(url), await open(url), await open(url)]
    for (const { status, text, headers } of pages) {
      expect([status, headers.get('Content-Type')]).toEqual([200, 'text/html; charset=utf-8'])
      expect(text).toContain('<form method="post">')
      expect(text).not.toContain('secret name')
      expect(Object.fromEntries(headers)).toMatchObject({
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-robots-tag': 'noindex',
        'content-security-policy': expect.stringContaining("form-action 'self' http://localhost;"),
      })
    }
    expect(new Set(pages.map(({ text }) => nonceIn(text))).size).toBe(3)
    expect((await press(url, nonceIn(pages[0]?.text ?? ''))).status).toBe(303)
  })

  test.each([
    ['has been used', async ({ url }: Linked) => anonymous.post(url), 'This link has been used'],
    ['was withdrawn', async ({ revoke }: Linked) => revoke(), 'This link was withdrawn'],
    ['leads to a file that is gone', async ({ forget }: Linked) => forget(), 'This link was withdrawn'],
  ])('has no button once it %s, whatever is remembered of it elsewhere', async (_, end, title) => {
    const link = await aLink()
    expect((await end(link)).status).toBeLessThan(400)
    const page = await open(link.url)
    expect(page.text).toContain(`<h1>${title}</h1>`)
    expect(page.text).not.toContain('<form')
  })

  test('gives the file to the button, and again for a minute if it is pressed twice', async () => {
    const { url } = await aLink({ confirm: true, seconds: 30 })
    const nonce = nonceIn((await open(url)).text)
    const pressedAt = Date.now()
    const given = await at(pressedAt, async () => press(url, nonce))
    expect([given.status, given.headers.get('Cache-Control')]).toEqual([303, 'no-store'])
    expect(new URL(given.headers.get('Location') ?? '').searchParams.get('X-Amz-Expires')).toBe('60')
    // Though the link's own time is over by then.
    expect((await at(pressedAt + 59_000, async () => press(url, nonce))).status).toBe(303)
    expect((await at(pressedAt + 60_000, async () => press(url, nonce))).status).toBe(410)
  })

  test('gives nothing to another button once it was used', async () => {
    const { url } = await aLink()
    const [mine, theirs] = [nonceIn((await open(url)).text), nonceIn((await open(url)).text)]
    expect((await press(url, mine)).status).toBe(303)
    for (const nonce of [theirs, crypto.randomUUID(), '', 'x', `${mine}x`, mine.toUpperCase()]) {
      const refused = await press(url, nonce)
      expect([refused.status, refused.text.includes('This link has been used')]).toEqual([410, true])
    }
    expect((await anonymous.post(url)).body.code).toBe('download_token_used')
    expect((await press(url, mine)).status).toBe(303)
  })

  test('gives what is streamed once, even to the same button', async () => {
    const { url } = await aLink({ confirm: true, delivery: 'stream' })
    const nonce = nonceIn((await open(url)).text)
    expect(await press(url, nonce)).toMatchObject({ status: 200, body: HELLO })
    expect((await press(url, nonce)).status).toBe(410)
  })

  test('is given to a program at once', async () => {
    for (const accept of [{}, { Accept: '*/*' }, { Accept: 'application/json' }]) {
      const { url } = await aLink()
      expect((await anonymous.get(url, accept)).status).toBe(302)
    }
  })

  test('shows no button once its time is over', async () => {
    const { url, expiresAt } = await aLink()
    const late = await at(Date.parse(expiresAt), async () => open(url))
    expect([late.status, late.text.includes('This link has expired')]).toEqual([410, true])
  })

  test('is not opened by a prefetch', async () => {
    const { url } = await aLink()
    const { status, headers } = await anonymous.get(url, { ...BROWSER, 'Sec-Purpose': 'prefetch;prerender' })
    expect([status, headers.get('Retry-After')]).toEqual([503, '5'])
  })
})

test('a link that is not to be confirmed is given to a browser at once', async () => {
  const { url } = await aLink({})
  expect((await open(url)).status).toBe(302)
})

describe('a browser is told on a page, and a program by a problem, that a link', () => {
  const expectBoth = async (url: string, told: { status: number; title: string; code: string }) => {
    const page = await open(url)
    expect([page.status, page.headers.get('Content-Type')]).toEqual([told.status, 'text/html; charset=utf-8'])
    expect(page.text).toContain(`<h1>${told.title}</h1>`)
    expect(page.headers.get('Cache-Control')).toBe('no-store')
    const problem = await anonymous.get(url)
    expect([problem.status, problem.body.code]).toEqual([told.status, told.code])
    expect(problem.headers.get('Content-Type')).toBe('application/problem+json')
  }

  test('was used', async () => {
    const { url } = await aLink({})
    await anonymous.get(url)
    await expectBoth(url, { status: 410, title: 'This link has been used', code: 'download_token_used' })
  })

  test('has expired', async () => {
    const { url, expiresAt } = await aLink({})
    await at(Date.parse(expiresAt), async () =>
      expectBoth(url, { status: 410, title: 'This link has expired', code: 'download_token_expired' }),
    )
  })

  test('was withdrawn', async () => {
    const { url, revoke } = await aLink({})
    ok(await revoke())
    await expectBoth(url, { status: 410, title: 'This link was withdrawn', code: 'download_token_revoked' })
  })

  test.each([
    ['short', '/d/x'],
    ['well shaped', `/d/${'A'.repeat(58)}`],
    ['very long', `/d/${'A'.repeat(5_000)}`],
  ])('is none, of a %s token', async (_, url) => {
    await expectBoth(url, { status: 404, title: 'We don’t know this link', code: 'download_token_not_found' })
  })
})

test('all pages are in the language that the browser asks for', async () => {
  const { url } = await aLink()
  const inArabic = { ...BROWSER, 'Accept-Language': 'ar-EG,ar;q=0.9,en;q=0.5' }
  const confirm = await anonymous.get(url, inArabic)
  const pressed = await press(url, nonceIn(confirm.text))
  const used = await anonymous.post(url, `nonce=${crypto.randomUUID()}`, { ...FORM, ...inArabic })
  const landing = await anonymous.get('/', inArabic)
  expect(pressed.status).toBe(303)
  for (const [page, title] of [
    [confirm, 'ملفك جاهز'],
    [used, 'استُخدم هذا الرابط من قبل'],
    [landing, 'Carrel'],
  ] as const) {
    expect(page.text).toContain(`<html lang="ar" dir="rtl">`)
    expect(page.text).toContain(`<h1>${title}</h1>`)
    expect(page.headers.get('Vary')).toContain('Accept-Language')
  }
})
