import { CommanderError } from '@commander-js/extra-typings'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { numberOf, parseExactly } from '../../src/cli/exact.ts'
import { exitOfAll, toldOf, usage } from '../../src/cli/failures.ts'
import { localName, uniqueName } from '../../src/cli/names.ts'
import { refuseSecrets } from '../../src/cli/secrets.ts'
import { facts, layout, shown, shownJson, sizeText } from '../../src/cli/shown.ts'
import { sparkline } from '../../src/cli/sparkline.ts'
import { CarrelError } from '../../src/client/index.ts'
import { HOSTILE_NAMES } from '../support/hostile-names.ts'

const ACTS = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u
const hostile = [...Object.values(HOSTILE_NAMES).flat(), '', '.', '..', '\ud800', 'ü'.repeat(255), '\u202e']
const anyText = fc.string({ unit: 'binary', maxLength: 300 })

describe('what is shown', () => {
  test('has nothing in it that acts on a terminal, whatever it was', () => {
    expect(shown('\u001b[2J a\nb')).toBe(String.raw`\u{1b}[2J a\u{a}b`)
    fc.assert(fc.property(anyText, (text) => !ACTS.test(shown(text))))
    for (const name of hostile) expect(shown(name)).not.toMatch(ACTS)
  })

  test('as JSON is the same JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), anyText, (value, text) => {
        const json = shownJson({ value, text })
        expect(json).not.toMatch(ACTS)
        expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify({ value, text })))
      }),
    )
  })

  test('in a table stands below its heading, lot by lot', () => {
    const table = layout<{ id: string; size: number | null }>({ id: ({ id }) => id, size: ({ size }) => size })
    expect(table([])).toBe('')
    expect(table([{ id: 'abc', size: 1 }])).toBe('ID   SIZE\nabc  1\n')
    expect(table([{ id: 'a\n', size: null }])).toBe('a\\u{a}\n')
  })

  test('of one thing is what is said of it', () => {
    expect(facts({ a: 1, long: 'x', none: null })).toBe('a     1\nlong  x')
    expect([0, 999, 1_000, 1_234_567, 250_000_000_000].map(sizeText)).toEqual([
      '0 B',
      '999 B',
      '1.0 kB',
      '1.2 MB',
      '250 GB',
    ])
  })
})

describe('names of others', () => {
  test('are one segment of a path here, and lead nowhere', () => {
    const isPlain = (name: string) => {
      expect(name).not.toMatch(/[/\\]|^[.~-]|^$/)
      expect(name).not.toMatch(ACTS)
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(180)
    }
    for (const name of hostile) isPlain(localName(name))
    fc.assert(fc.property(anyText, (name) => isPlain(localName(name))))
    expect(localName('photos/Überblick 1.jpg')).toBe('Überblick 1.jpg')
    expect(localName(`${'x'.repeat(255)}.jpg`)).toMatch(/^x{176}\.jpg$/)
  })

  test('that differ stay different, without case too', () => {
    const different = fc
      .tuple(anyText, anyText)
      .filter(([one, other]) => one.isWellFormed() && other.isWellFormed() && one !== other)
    fc.assert(
      fc.property(different, ([one, other]) => uniqueName(one).toLowerCase() !== uniqueName(other).toLowerCase()),
    )
    fc.assert(fc.property(anyText, (name) => /^[a-z0-9_%~-]{1,180}$/.test(uniqueName(name))))
  })
})

test('numbers are what was written', () => {
  const text = '[12345678901234567890,1.50,1e3,-0,7,{"a":0.1}]'
  const parsed = parseExactly(text)
  expect(JSON.stringify(parsed)).toBe(text)
  expect(Array.isArray(parsed) && parsed.map(numberOf)).toEqual([12345678901234567000, 1.5, 1_000, -0, 7, undefined])
})

test('a sparkline goes from the lowest to the highest, has gaps, and fits', () => {
  expect(sparkline([1, 2, 3, 4, 5, 6, 7, 8], 80)).toBe('▁▂▃▄▅▆▇█')
  expect(sparkline([5, undefined, 5], 80)).toBe('▄ ▄')
  expect(sparkline([], 80)).toBe('')
  expect(sparkline([0, 0, undefined, undefined, 8, 8], 3)).toBe('▁ █')
  const many = Array.from({ length: 1_000 }, (_, index) => index)
  expect(sparkline(many, 40)).toHaveLength(40)
})

test('failures are told apart by their exit codes, and what is our own fault is not hidden', () => {
  const refusal = (status: number) => toldOf(new CarrelError('No.', { code: 'forbidden', status }))?.exit
  expect([401, 403, 404, 410, 409, 412, 422, 400, 503, 500].map(refusal)).toEqual([3, 3, 4, 4, 5, 5, 7, 7, 6, 1])
  const link = (['network', 'timeout', 'storage', 'content_changed', 'source_changed'] as const).map(
    (code) => toldOf(new CarrelError('No.', { code }))?.exit,
  )
  expect(link).toEqual([6, 6, 6, 5, 5])
  expect(toldOf(new CommanderError(1, 'commander.x', 'error: unknown'))).toEqual({
    code: 'usage',
    detail: 'unknown',
    exit: 2,
  })
  expect(toldOf(new TypeError('x'))).toBeUndefined()
  const told = [usage('a'), new CarrelError('No.', { code: 'network' })].map(
    (failure) => toldOf(failure) ?? { code: '', detail: '', exit: 0 },
  )
  expect([exitOfAll([]), exitOfAll(told.slice(0, 1)), exitOfAll(told)]).toEqual([0, 2, 1])
})

test('what looks like a key is refused wherever it stands', () => {
  const key = `crl_1_${'Zm9yLWRvY3VtZW50'.repeat(2)}`
  for (const args of [[key], ['login', `--key=${key}`], ['x', 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl']]) {
    expect(() => refuseSecrets(args)).toThrow(/history/)
  }
  expect(() => refuseSecrets(['put', 'crl_notes.txt', 'key_01k9z3m8qe5w7v2n4h6j8k0r2t'])).not.toThrow()
})
