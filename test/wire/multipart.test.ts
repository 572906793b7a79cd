import { describe, expect, test } from 'vitest'
import { boundaryOf, MultipartError, readMultipart } from '../../src/wire/multipart.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

/** What a body is read as when it comes in these pieces. */
async function read(pieces: readonly Uint8Array[], boundary = 'B0undary'): Promise<string[]> {
  async function* arriving() {
    yield* pieces
  }
  const told: string[] = []
  for await (const event of readMultipart(arriving(), boundary)) {
    if (event.kind === 'part') told.push(`${event.name}|${event.filename}|${event.mediaType}|`)
    else told.push(`${told.pop()}${new TextDecoder().decode(event.bytes)}`)
  }
  return told
}

const part = (headers: string, content: string) => `--B0undary\r\n${headers}\r\n\r\n${content}\r\n`
const BODY = `${part('Content-Disposition: form-data; name="a"', 'one')}${part(
  'content-type: text/csv\r\nContent-Disposition: form-data; name="data_file"; filename="x.csv"',
  '\r\n--B0undar\r\n--B0undaryX\r\r\n-',
)}${part('Content-Disposition: form-data; name="empty"', '')}--B0undary--\r\nand more`
const PARTS = [
  'a|undefined|undefined|one',
  'data_file|x.csv|text/csv|\r\n--B0undar\r\n--B0undaryX\r\r\n-',
  'empty|undefined|undefined|',
]

describe('a multipart body', () => {
  test('is read the same wherever it is cut, and byte by byte', async () => {
    const whole = bytes(BODY)
    for (let cut = 0; cut <= whole.length; cut += 1) {
      expect(await read([whole.subarray(0, cut), whole.subarray(cut)])).toEqual(PARTS)
    }
    expect(await read(Array.from(whole, (byte) => Uint8Array.of(byte)))).toEqual(PARTS)
  })

  test('that ends before its last delimiter is none, wherever it ends', async () => {
    const last = BODY.indexOf('--B0undary--') + '--B0undary--'.length
    for (let cut = 0; cut < last; cut += 1) {
      await expect(read([bytes(BODY.slice(0, cut))])).rejects.toThrow(MultipartError)
    }
    expect(await read([bytes(BODY.slice(0, last))])).toEqual(PARTS)
  })

  test.each([
    [String.raw`form-data; name="f"; filename="a\"b.txt"`, 'f|a"b.txt'],
    [String.raw`form-data; name="f"; filename="C:\dir\b.txt"`, String.raw`f|C:\dir\b.txt`],
    ['form-data; name=f; filename=b.txt', 'f|b.txt'],
    ['form-data; name="f"; filename="größe ✓.txt"', 'f|größe ✓.txt'],
    [`form-data; name="f"; filename="x"; filename*=UTF-8''gr%C3%B6%C3%9Fe.txt`, 'f|größe.txt'],
    ['form-data; filename="semi;colon.txt"; name="f"', 'f|semi;colon.txt'],
    ['attachment', '|undefined'],
  ])('has a part called as %s says', async (disposition, name) => {
    const [told] = await read([bytes(`${part(`Content-Disposition: ${disposition}`, '')}--B0undary--`)])
    expect(told).toBe(`${name}|undefined|`)
  })

  test.each([
    ['headers that never end', `--B0undary\r\n${'x'.repeat(20_000)}`],
    ['headers that end too late', `${part(`X: ${'x'.repeat(1024 ** 2)}`, '')}--B0undary--`],
    ['a name that is no UTF-8', `${part(`Content-Disposition: form-data; filename*=utf-8''%ff`, '')}--B0undary--`],
    ['nothing in it', ''],
    ['more parts than a form has', `${'\r\n--B0undary\r\n\r\n'.repeat(1_001)}\r\n--B0undary--`],
  ])('with %s is none', async (_, body) => {
    await expect(read([bytes(body)])).rejects.toThrow(MultipartError)
  })

  test('may have headers for none of its parts, spaces behind a delimiter, and something in front', async () => {
    expect(await read([bytes('hello\r\n--B0undary \t\r\n\r\nx\r\n--B0undary--')])).toEqual(['|undefined|undefined|x'])
  })
})

test.each([
  ['multipart/form-data; boundary=abc', 'abc'],
  ['Multipart/Form-Data; charset=utf-8; boundary="a b=c"', 'a b=c'],
  ['multipart/form-data', undefined],
  ['multipart/mixed; boundary=abc', undefined],
  [`multipart/form-data; boundary=${'x'.repeat(71)}`, undefined],
])('the boundary of %s is %s', (contentType, boundary) => {
  expect(boundaryOf(contentType)).toBe(boundary)
})
