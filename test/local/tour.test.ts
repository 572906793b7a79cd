import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import type { Demo } from '../../src/local/demo-record.ts'
import { quote, renderConsole, renderTour, tourLines } from '../../src/local/tour.ts'

const participant = { number: 10_000_001, email: 'ada@example.org', firstName: 'Ada', externalId: 'PT-001' }
const demo: Demo = {
  url: 'http://127.0.0.1:9999',
  operatorKey: 'op_operator',
  study: 'SD_DEM0DEM0',
  adminKey: 'crl_admin',
  workerKey: 'crl_worker',
  staffKey: 'crl_staff',
  downloadKey: 'crl_download',
  participants: [
    { ...participant, id: '11111111-1111-4111-8111-111111111111', key: 'crl_first' },
    { ...participant, id: '22222222-2222-4222-8222-222222222222', key: 'crl_second' },
  ],
}

test('the lines are for the two participants, at the real address, and show no other key', () => {
  const [variables = '', friend = '', ...others] = tourLines(demo)
  expect(variables).toBe("study='http://127.0.0.1:9999/v1/studies/SD_DEM0DEM0' auth='Authorization: Bearer crl_first'")
  expect(friend).toBe(
    "friend='participant%3A22222222-2222-4222-8222-222222222222' friends='Authorization: Bearer crl_second'",
  )
  expect(others.join('\n')).not.toMatch(/crl_|op_|http:/)
})

test('each line is one whole command, and there are few enough to be pasted', () => {
  const lines = tourLines(demo)
  expect(lines.length).toBeLessThanOrEqual(25)
  for (const line of lines) {
    expect(line).not.toContain('\n')
    // An interactive shell replaces `!` by what was typed before.
    expect(line).not.toContain('!')
    expect(() => execFileSync('bash', ['-n', '-c', line])).not.toThrow()
  }
})

test('on the page every other line is a comment, so that it can be pasted as a whole too', () => {
  const commands = renderTour(demo)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('# '))
  expect(commands).toEqual(tourLines(demo))
})

test('the console is said by its address, which has no key in it, and by a key beside it', () => {
  const lines = renderConsole(demo).split('\n')
  expect(lines.every((line) => line.startsWith('# '))).toBe(true)
  expect(lines).toContain('#   http://127.0.0.1:9999/console/#/?study=SD_DEM0DEM0')
  expect(lines).toContain('#   crl_first')
  expect(lines.join('\n').match(/crl_|op_/g)).toHaveLength(1)
})

test.each([`plain`, `it's`, `"double" $HOME \`id\` \\`, `'`, ``, `two\nlines`])(
  'the shell reads %j as it was',
  (text) => {
    expect(execFileSync('bash', ['-c', `printf %s ${quote(text)}`], { encoding: 'utf8' })).toBe(text)
  },
)
