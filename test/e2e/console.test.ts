// The console as a browser gets it: files beside the Worker, which hide nothing of what the Worker answers.

import { expect, test } from 'vitest'
import { sharedCarrel } from './support/carrel.ts'

const { origin } = await sharedCarrel()
const get = async (path: string, init: RequestInit = {}) => fetch(origin + path, { redirect: 'manual', ...init })

const page = await (await get('/console/')).text()
const named = [...page.matchAll(/(?:src|href)="([^"]+\.(?:js|css))"/g)].map(([, name = '']) => name)

test('the page is asked for anew each time, and what it names is kept for ever', async () => {
  const answer = await get('/console/')
  expect(answer.status).toBe(200)
  expect(answer.headers.get('Cache-Control')).toBe('no-cache')
  expect(answer.headers.get('Content-Type')).toBe('text/html; charset=utf-8')
  expect(named).toHaveLength(2)
  for (const name of named) {
    const asset = await get(`/console/${name}`)
    expect(asset.status).toBe(200)
    expect(asset.headers.get('Cache-Control')).toBe('public, max-age=31536000, immutable')
    expect(asset.headers.get('X-Content-Type-Options')).toBe('nosniff')
  }
})

test('the page may run its own script and no other, is framed by nobody and says nothing of itself elsewhere', async () => {
  const { headers } = await get('/console/')
  const policy = headers.get('Content-Security-Policy') ?? ''
  expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';/)
  expect(policy).toContain("frame-ancestors 'none'")
  expect(policy).toContain("require-trusted-types-for 'script'")
  expect(policy).not.toContain('unsafe')
  expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
  expect(headers.get('Referrer-Policy')).toBe('no-referrer')
  expect(headers.get('Cross-Origin-Opener-Policy')).toBe('same-origin')
})

test('without its slash one is sent to it', async () => {
  const answer = await get('/console')
  expect(answer.status).toBe(307)
  expect(answer.headers.get('Location')).toBe('/console/')
})

test.each(['/console/nothing', '/console/files/fil_1', '/console/../v1/none', '/consoles', '/_headers', '/index.html'])(
  '%s is no page of the console: the Worker answers it',
  async (path) => {
    const answer = await get(path)
    expect(answer.status).toBe(404)
    expect(answer.headers.get('Content-Type')).toContain('application/problem+json')
  },
)

test.each([
  ['/health', 200],
  ['/openapi.json', 200],
  ['/v1/studies', 401],
  ['/v3/participants/self/files', 401],
  ['/api/direct-sharing/project/members/', 401],
  ['/d/none', 404],
])('%s is answered by the Worker, with %d', async (path, status) => {
  expect((await get(path, { headers: { Accept: 'application/json' } })).status).toBe(status)
})

test('what is sent to the page is answered by nobody', async () => {
  expect((await get('/console/', { method: 'POST', body: 'x' })).status).toBeGreaterThanOrEqual(400)
})
