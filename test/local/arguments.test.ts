import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { parseArguments, USAGE } from '../../src/local/arguments.ts'
import { StartFailure } from '../../src/local/failure.ts'

const parse = (...args: string[]) => parseArguments(args, '/project')

function failureOf(...args: string[]) {
  try {
    parse(...args)
  } catch (error) {
    if (error instanceof StartFailure) return error
  }
  throw new Error(`${args.join(' ')} was accepted`)
}

test('without options it is port 8787, and everything stays in the project', () => {
  expect(parse()).toEqual({ port: 8787, persistTo: '/project/.wrangler/state', home: '/project', help: false })
})

test('every option can be set, with directories relative to where the command runs', () => {
  expect(parse('--port', '9000', '--persist-to', 'state', '--home=/home', '--help')).toEqual({
    port: 9000,
    persistTo: resolve('state'),
    home: '/home',
    help: true,
  })
})

describe('a mistake ends with code 2, says what is wrong, and shows the usage:', () => {
  test.each([
    ['an unknown option', ['--prot', '1'], "Unknown option '--prot'."],
    ['a stray argument', ['9000'], "Unexpected argument '9000'."],
    ['an option without its value', ['--port'], "Option '--port <value>' argument missing."],
    ['a port that is no number', ['--port', 'http'], "--port is a number from 1 to 65535, not 'http'."],
    ['a port that does not exist', ['--port', '65536'], "--port is a number from 1 to 65535, not '65536'."],
    ['a port that nobody could find', ['--port', '0'], "--port is a number from 1 to 65535, not '0'."],
    ['an empty directory', ['--persist-to', ''], '--persist-to needs a directory.'],
  ])('%s', (_, args, message) => {
    const failure = failureOf(...args)
    expect(failure.message).toBe(`${message}\n\n${USAGE}`)
    expect(failure.exitCode).toBe(2)
  })
})

test('the usage names every option', () => {
  for (const option of ['--port', '--persist-to', '--home', '--help']) expect(USAGE).toContain(`  ${option}`)
})
