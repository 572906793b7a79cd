import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { byteRange, rangeHeaders } from '../../src/wire/byte-range.ts'

const etag = '"e1"'
const size = 100
const decide = (headers: Record<string, string>, { size: bytes = size, method = 'GET' } = {}) =>
  byteRange({ method, headers: new Headers(headers) }, { etag, size: bytes })
const part = (offset: number, length: number) => ({ kind: 'part', offset, length })

describe('Range', () => {
  test('is not needed', () => {
    expect(decide({})).toEqual({ kind: 'whole' })
  })

  test.each([
    ['bytes=0-9', 0, 10],
    ['bytes=90-', 90, 10],
    ['bytes=-10', 90, 10],
    ['bytes=99-99', 99, 1],
    ['bytes=0-', 0, 100],
    ['bytes=50-1000', 50, 50],
    ['bytes=-1000', 0, 100],
    ['BYTES=0-0', 0, 1],
    [`bytes=0-${'9'.repeat(400)}`, 0, 100],
    [`bytes=-${'9'.repeat(400)}`, 0, 100],
  ])('%.20s is a part', (range, offset, length) => {
    expect(decide({ Range: range })).toEqual(part(offset, length))
  })

  test.each(['bytes=100-', 'bytes=100-200', 'bytes=-0', `bytes=${'9'.repeat(400)}-`])('%.20s lies outside', (range) => {
    expect(decide({ Range: range })).toEqual({ kind: 'unsatisfiable' })
  })

  test.each([
    ['several ranges', 'bytes=0-1,5-6'],
    ['several ranges, all outside', 'bytes=200-201, 300-'],
    ['another unit', 'items=0-9'],
    ['no unit', '0-9'],
    ['no numbers', 'bytes=-'],
    ['nothing', 'bytes='],
    ['letters', 'bytes=a-b'],
    ['backwards', 'bytes=9-5'],
    ['signs', 'bytes=+1-2'],
    ['negative', 'bytes=--5'],
    ['fractions', 'bytes=0.5-9'],
    ['hexadecimal', 'bytes=0x1-0x9'],
    ['spaces', 'bytes=0 - 9'],
  ])('%s: is ignored', (_, range) => {
    expect(decide({ Range: range })).toEqual({ kind: 'whole' })
  })

  test('counts for GET only', () => {
    expect(decide({ Range: 'bytes=0-9' }, { method: 'HEAD' })).toEqual({ kind: 'whole' })
  })

  test.each(['bytes=0-', 'bytes=-5', 'bytes=0-0'])('%s of nothing is nothing', (range) => {
    expect(decide({ Range: range }, { size: 0 })).toEqual({ kind: 'whole' })
  })
})

describe('If-Range', () => {
  test('with this ETag lets Range count', () => {
    expect(decide({ Range: 'bytes=10-', 'If-Range': etag })).toEqual(part(10, 90))
  })

  test.each(['"e2"', 'W/"e1"', 'e1', '*', '', 'Sat, 21 Nov 2026 10:00:00 GMT'])('%j gives the whole', (ifRange) => {
    expect(decide({ Range: 'bytes=10-', 'If-Range': ifRange })).toEqual({ kind: 'whole' })
    expect(decide({ Range: 'bytes=500-', 'If-Range': ifRange })).toEqual({ kind: 'whole' })
  })

  test('alone says nothing', () => {
    expect(decide({ 'If-Range': etag })).toEqual({ kind: 'whole' })
  })
})

describe('If-None-Match', () => {
  test.each(['"e1"', 'W/"e1"', '*', '"e0", "e1"', '"e0",W/"e1"', '"a,b" , "e1"', ' * '])('%s matches', (value) => {
    expect(decide({ 'If-None-Match': value })).toEqual({ kind: 'notModified' })
    expect(decide({ 'If-None-Match': value }, { method: 'HEAD' })).toEqual({ kind: 'notModified' })
  })

  test.each(['"e2"', 'e1', '', '"E1"', '"x,e1"', '"e1', '**'])('%j does not', (value) => {
    expect(decide({ 'If-None-Match': value })).toEqual({ kind: 'whole' })
  })

  test('comes before Range, and lets Range count where it does not match', () => {
    expect(decide({ 'If-None-Match': etag, Range: 'bytes=500-' })).toEqual({ kind: 'notModified' })
    expect(decide({ 'If-None-Match': '"e2"', Range: 'bytes=0-9' })).toEqual(part(0, 10))
  })
})

describe('the headers of the answer', () => {
  test('whole', () => {
    expect(rangeHeaders({ kind: 'whole' }, 100)).toEqual({ 'Accept-Ranges': 'bytes', 'Content-Length': '100' })
  })
  test('part', () => {
    expect(rangeHeaders({ kind: 'part', offset: 90, length: 10 }, 100)).toEqual({
      'Accept-Ranges': 'bytes',
      'Content-Length': '10',
      'Content-Range': 'bytes 90-99/100',
    })
  })
  test('unsatisfiable', () => {
    expect(rangeHeaders({ kind: 'unsatisfiable' }, 100)).toEqual({
      'Accept-Ranges': 'bytes',
      'Content-Range': 'bytes */100',
    })
  })
  test('notModified', () => {
    expect(rangeHeaders({ kind: 'notModified' }, 100)).toEqual({})
  })
})

describe('whatever a client sends', () => {
  const position = fc.oneof(fc.nat(300).map(String), fc.maxSafeNat().map(String), fc.constant(''))
  const ranges = fc.oneof(
    fc.tuple(position, position).map(([first, last]) => `bytes=${first}-${last}`),
    fc
      .array(fc.constantFrom(...'bytes=0129-, '.split('')), { maxLength: 20 })
      .map((parts) => `bytes=${parts.join('')}`),
    fc.string().map((text) => text.replace(/[^\x20-\x7e]/g, '')),
  )

  test('a part lies within the content and is not empty', () => {
    fc.assert(
      fc.property(ranges, fc.oneof(fc.nat(200), fc.maxSafeNat()), (range, bytes) => {
        const decided = decide({ Range: range }, { size: bytes })
        expect(['whole', 'part', 'unsatisfiable']).toContain(decided.kind)
        if (decided.kind !== 'part') return
        expect(decided.offset).toBeGreaterThanOrEqual(0)
        expect(decided.length).toBeGreaterThan(0)
        expect(decided.offset + decided.length).toBeLessThanOrEqual(bytes)
      }),
      { numRuns: 1000 },
    )
  })

  test('a part is what was asked for', () => {
    const bytes = [...Array(200).keys()]
    fc.assert(
      fc.property(fc.nat(250), fc.nat(250), fc.integer({ min: 1, max: 200 }), (first, extent, length) => {
        const content = bytes.slice(0, length)
        const taken = (range: string) => {
          const decided = decide({ Range: range }, { size: length })
          return decided.kind === 'part' ? content.slice(decided.offset, decided.offset + decided.length) : []
        }
        expect(taken(`bytes=${first}-${first + extent}`)).toEqual(content.slice(first, first + extent + 1))
        expect(taken(`bytes=${first}-`)).toEqual(content.slice(first))
        expect(taken(`bytes=-${extent}`)).toEqual(extent === 0 ? [] : content.slice(-extent))
      }),
    )
  })
})
