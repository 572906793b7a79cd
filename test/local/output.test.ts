import { expect, test } from 'vitest'
import { errorLines, isWorthKeeping } from '../../src/local/output.ts'

test('of what Wrangler prints, errors are shown with the lines that explain them', () => {
  const printed = [
    '▲ [WARNING] Processing wrangler.toml configuration:',
    '    - "local_dev.experimental_s3_credentials" fields are experimental',
    '✘ [ERROR] Build failed with 1 error:',
    '',
    '  ✘ [ERROR] Expected ";" but found "x"',
    '      src/index.ts:1:2:',
    '[wrangler:info] Ready on http://127.0.0.1:8787',
    '[wrangler:error] Error: boom',
    '    at Object.fetch (src/index.ts:5:96)',
    '{"event":"request","status":200}',
  ]
  expect(printed.filter(errorLines())).toEqual([...printed.slice(2, 6), ...printed.slice(7, 9)])
})

test('the log keeps the lines of the Worker, and not those of Wrangler that have paths of requests in them', () => {
  expect(isWorthKeeping('{"event":"request","route":"/d/:token","status":302}')).toBe(true)
  expect(isWorthKeeping('[wrangler:info] Ready on http://127.0.0.1:8787')).toBe(true)
  expect(isWorthKeeping('[wrangler:info] GET /d/secret-token 302 Found (5ms)')).toBe(false)
  expect(isWorthKeeping('  ')).toBe(false)
})
