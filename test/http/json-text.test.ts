import fc from 'fast-check'
import { expect, test } from 'vitest'
import { elementsOf, memberOf } from '../../src/json-text.ts'

/** JSON as people write it: with space wherever it may stand. */
const spaced = fc
  .tuple(fc.json({ maxDepth: 4 }), fc.constantFrom('', ' ', '\n\t', '\r\n  '))
  .map(([json, space]) => json.replaceAll(/"(?:[^"\\]|\\.)*"|[[\]{},:]/g, (token) => `${space}${token}${space}`))

test('every element of an array is told as it is written', () => {
  fc.assert(
    fc.property(fc.array(spaced), fc.constantFrom('', ' ', '\n'), (elements, space) => {
      const sources = elements.map((element) => element.trim())
      const json = `${space}[${sources.map((source) => `${space}${source}${space}`).join(',')}]`
      JSON.parse(json)
      expect(elementsOf(json)).toEqual(sources)
    }),
  )
})

test('a member of an object is told as it is written, whatever stands beside it', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), spaced), fc.constantFrom('', ' ', '\n'), (members, space) => {
      const entries = Object.entries(members)
      const json = `{${entries.map(([name, value]) => `${space}${JSON.stringify(name)}${space}:${value}`).join(',')}}`
      JSON.parse(json)
      for (const [name, value] of entries) expect(memberOf(json, name)).toBe(value.trim())
      expect(memberOf(json, 'a name that no one has')).toBeUndefined()
    }),
  )
})

test('of two members with one name, however it is escaped, the last counts, as it does to JSON.parse', () => {
  expect(memberOf('{"data":1,"d\\u0061ta" : [2, {"data":3}], "x":"data"}', 'data')).toBe('[2, {"data":3}]')
  expect(memberOf('{}', 'data')).toBeUndefined()
  expect(memberOf('"data"', 'data')).toBeUndefined()
  expect(elementsOf(' [ ] ')).toEqual([])
})

test('256 KiB of brackets, or of one string, are no trouble', () => {
  const deep = '['.repeat(131_072) + ']'.repeat(131_072)
  expect(elementsOf(`[${deep}]`)).toEqual([deep])
  const long = JSON.stringify('\\"'.repeat(65_536))
  expect(memberOf(`{"data":${long}}`, 'data')).toBe(long)
})
