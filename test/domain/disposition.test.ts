import { parse } from 'content-disposition'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { dispositionOf, servedMediaType } from '../../src/domain/disposition.ts'

const roundTrip = (name: string) => parse(dispositionOf(name, 'text/csv')).parameters['filename']

/** UTF-16 units, half surrogate pairs among them. */
const anyName = fc
  .array(fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(...'"\\/%;\'*=?. '.split('').map(codeOf))), {
    minLength: 1,
    maxLength: 255,
  })
  .map((units) => String.fromCharCode(...units))

function codeOf(character: string) {
  return character.charCodeAt(0)
}

describe('the name', () => {
  test('is said once where it is plain ASCII', () => {
    expect(dispositionOf('scan 1 (final).csv', 'text/csv')).toBe('attachment; filename="scan 1 (final).csv"')
    expect(dispositionOf('scan.csv', 'text/csv')).toBe('attachment; filename=scan.csv')
  })

  test.each([
    ['Zoë Ångström.pdf', 'filename="Zoe Angstrom.pdf"'],
    ['データ.csv', 'filename=_.csv'],
    ['отчёт 1.txt', 'filename="_ 1.txt"'],
    ['تقرير.pdf', 'filename=_.pdf'],
    ['📈.png', 'filename=_.png'],
    ['say "hi".txt', 'filename="say _hi_.txt"'],
    ['C:\\temp\\a.txt', 'filename=C__temp_a.txt'],
    ['../../etc/passwd', 'filename=__.._etc_passwd'],
    ['.bashrc', 'filename=_bashrc'],
    ['100%41.txt', 'filename=100_41.txt'],
    ['=?UTF-8?Q?a=2Eexe?=', 'filename="=_UTF-8_Q_a=2Eexe_="'],
    ['a\r\nSet-Cookie: b=c', 'filename="a_Set-Cookie_ b=c"'],
    ['\u0301', 'filename=_'],
    // In what is signed, one space is as good as many.
    ['report.pdf     .exe', 'filename="report.pdf .exe"'],
  ])('%j has an ASCII stand-in, and arrives exactly', (name, fallback) => {
    expect(dispositionOf(name, 'text/csv')).toContain(`attachment; ${fallback}; filename*=UTF-8''`)
    expect(roundTrip(name)).toBe(name)
  })

  test('with half a surrogate pair has a replacement character there', () => {
    expect(roundTrip('a\ud800b.txt')).toBe('a\ufffdb.txt')
  })

  test('whatever it is, gives a short printable ASCII header from which it comes back', () => {
    fc.assert(
      fc.property(anyName, fc.constantFrom('text/csv', 'image/png'), (name, mediaType) => {
        const header = dispositionOf(name, mediaType)
        expect(header).toMatch(/^[\x20-\x7e]+$/)
        expect(header.length).toBeLessThan(4096)
        expect(parse(header).parameters['filename']).toBe(name.toWellFormed())
      }),
    )
  })

  test('is within 4 KiB at its longest', () => {
    const characters = Array.from({ length: 255 }, (_, index) => (index % 2 === 0 ? '𝔞' : '漢'))
    expect(dispositionOf(characters.join(''), 'video/quicktime').length).toBeLessThan(4096)
    expect(dispositionOf('𝔞'.repeat(255), 'video/quicktime').length).toBeLessThan(4096)
  })

  test('is a header that the platform takes', () => {
    fc.assert(
      fc.property(anyName, (name) => {
        const header = dispositionOf(name, 'text/csv')
        expect(new Headers({ 'Content-Disposition': header }).get('Content-Disposition')).toBe(header)
      }),
    )
  })
})

const INERT = ['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif', 'text/plain', 'application/pdf']
const ACTIVE = [
  'text/html',
  'TEXT/HTML; charset=x',
  ' text/html',
  'application/xhtml+xml',
  'image/svg+xml',
  'Image/SVG+XML;charset=utf-8',
  'text/xml',
  'application/xml',
  'application/atom+xml',
  'text/javascript',
  'application/javascript',
  'application/x-javascript',
  'text/javascript1.5',
  'unknown/unknown',
  'application/unknown; charset=x',
  'multipart/x-mixed-replace;boundary=a',
]
const MALFORMED = [
  '',
  'png',
  'image/',
  'image/png,text/html',
  'image/png;a=b,text/html',
  'image/png;a="b,text/html"',
  'image/png; text/html',
  'image/png\r\nX: y',
  'image/png/text/html',
]

describe('what a browser may show', () => {
  test.each([...INERT, 'audio/mpeg', 'video/mp4', 'Text/Plain; charset=UTF-8', 'text/plain; charset="utf-8"'])(
    '%s is shown',
    (mediaType) => {
      expect(dispositionOf('a', mediaType)).toMatch(/^inline;/)
      expect(servedMediaType(mediaType)).toBe(mediaType)
    },
  )

  test.each([...ACTIVE, ...MALFORMED])('%j is saved, and served as bytes', (mediaType) => {
    expect(dispositionOf('a', mediaType)).toMatch(/^attachment;/)
    expect(servedMediaType(mediaType)).toBe('application/octet-stream')
  })

  test.each(['text/csv', 'application/json', 'application/fhir+json; fhirVersion=4.0', 'application/dicom'])(
    '%s is saved, and keeps its type',
    (mediaType) => {
      expect(dispositionOf('a', mediaType)).toMatch(/^attachment;/)
      expect(servedMediaType(mediaType)).toBe(mediaType)
    },
  )

  test('is never a type that the list does not have', () => {
    const shown = /^(image\/(png|jpeg|gif|webp|avif)|text\/plain|application\/pdf|(audio|video)\/[a-z0-9-]+)$/
    const part = fc.constantFrom(...'text image svg+xml html plain png xml x-png javascript video audio *'.split(' '))
    const mediaTypes = fc.oneof(
      fc.string(),
      fc.constantFrom(...INERT, ...ACTIVE, ...MALFORMED),
      fc.tuple(part, fc.constantFrom('/', ',', ';', ''), part, fc.string()).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(mediaTypes, (mediaType) => {
        const header = dispositionOf('a', mediaType)
        const served = servedMediaType(mediaType)
        expect(header.startsWith('attachment;') || shown.test(essenceOf(mediaType))).toBe(true)
        expect(served).toMatch(/^[\x20-\x7e]+$/)
        expect(served).not.toContain(',')
        expect(essenceOf(served)).not.toMatch(/html|[+/]xml$/)
      }),
      { numRuns: 1000 },
    )
  })
})

function essenceOf(mediaType: string) {
  const [essence = ''] = mediaType
    .trim()
    .toLowerCase()
    .split(/[ \t]*;/)
  return essence
}
