import { describe, expect, test } from 'vitest'
import { countText, sizeText } from '../../src/console/parts/format.ts'
import { essenceOf, previewOf, typeText } from '../../src/console/views/media.ts'

const MIB = 1024 * 1024

test.each([
  ['image/png', 1, 'image'],
  ['IMAGE/JPEG; q=1', 1, 'image'],
  ['image/png', 31 * MIB, 'none'],
  ['image/svg+xml', 1, 'text'],
  ['application/pdf', 1, 'pdf'],
  ['application/pdf', 51 * MIB, 'none'],
  ['text/html', 1, 'text'],
  ['text/csv', 900 * MIB, 'text'],
  ['application/json; charset=utf-8', 1, 'text'],
  ['application/fhir+json', 1, 'text'],
  ['application/octet-stream', 1, 'none'],
  ['video/mp4', 1, 'none'],
  ['application/jsonwebtoken', 1, 'none'],
  ['', 1, 'none'],
  ['image/png', 0, 'none'],
])('%s of %d bytes is shown as %s', (mediaType, size, kind) => {
  expect(previewOf({ mediaType, size })).toBe(kind)
})

test('what is compared of a type is what it is, and not how it is written', () => {
  expect(essenceOf(' Text/HTML ; charset="utf-8;"')).toBe('text/html')
  expect(typeText('application/pdf; version=2')).toBe('PDF')
  expect(typeText(undefined)).toBe('–')
})

describe('a size', () => {
  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [1_000, '1 kB'],
    [12_582_912, '12.6 MB'],
    [200_000_000, '200 MB'],
    [5e15, '5,000 TB'],
  ])('of %d bytes is %s', (bytes, text) => {
    expect(sizeText(bytes)).toBe(text)
  })
})

test('one is one, and more are many', () => {
  expect([countText(1, 'file'), countText(0, 'file'), countText(2_000, 'file')]).toEqual([
    '1 file',
    '0 files',
    '2,000 files',
  ])
})
