import { describe, expect, test } from 'vitest'
import { lineAt, lineOf, lineRange, prettyJson, readJson } from '../../src/console/parts/json-text.ts'
import { seriesOf } from '../../src/console/views/report-ways.ts'

describe('where a JSON pointer leads in a text', () => {
  const value = { theme: 'dark', lists: [[], { a: { b: 1 } }, 'x'], 'a/b': { '~': null }, last: true }
  test.each([
    ['', '{'],
    ['/theme', '  "theme": "dark",'],
    ['/lists', '  "lists": ['],
    ['/lists/0', '    [],'],
    ['/lists/1/a/b', '        "b": 1'],
    ['/lists/2', '    "x"'],
    ['/a~1b/~0', '    "~": null'],
    ['/last', '  "last": true'],
    // What is missing is told of what lacks it.
    ['/lists/1/none', '    {'],
    ['/none', '{'],
  ])('%j is the line %j', (pointer, line) => {
    const text = prettyJson(value)
    const [from, to] = lineRange(text, lineAt(value, pointer))
    expect(text.slice(from, to)).toBe(line)
  })
})

test.each([
  ['{\n  "a" 1\n}', 2],
  ['[1,\n2,\n,3]', 3],
  ['{\n"a": 1\n', 3],
  ['', 1],
])('%j is no JSON, for what is in its line %i', (text, line) => {
  const read = readJson(text)
  expect('problem' in read ? lineOf(text, read.problem.from) : 'JSON').toBe(line)
})

test('what can be drawn of entries is every number that their values name, in time', () => {
  const entry = (at: string, data: unknown) => ({ kind: 'date', at, data, updatedAt: at }) as const
  expect(
    seriesOf([
      entry('2026-11-22', { steps: 2, mood: 'calm' }),
      entry('2026-11-21', { steps: 1, hours: 7 }),
      entry('2026-11-20', 5),
    ]),
  ).toEqual([
    { name: 'value', points: [{ at: '2026-11-20', value: 5 }] },
    {
      name: 'steps',
      points: [
        { at: '2026-11-21', value: 1 },
        { at: '2026-11-22', value: 2 },
      ],
    },
    { name: 'hours', points: [{ at: '2026-11-21', value: 7 }] },
  ])
})
