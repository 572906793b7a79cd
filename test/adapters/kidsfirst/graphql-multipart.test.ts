import { describe, expect, test } from 'vitest'
import { FileUpload, readOperation } from '../../../src/adapters/kidsfirst/graphql/multipart.ts'
import { type MultipartEvent, readMultipart } from '../../../src/wire/multipart.ts'
import { FORM_BOUNDARY, formOf, type FormPart, inFrontOf } from '../../support/kidsfirst-mutations.ts'

// What a form is read as; what comes of it is in `graphql-upload.test.ts`.

const QUERY = 'mutation ($file: Upload!) { createVersion(file: $file) { success } }'
const OPERATIONS = { query: QUERY, variables: { file: null } }
const CONTENT = 'a,b\r\n1,2\r\n'
const FILE: FormPart = { name: '1', filename: 'a.csv', content: CONTENT }
const MIB = 1024 ** 2

async function read(parts: readonly FormPart[], { isTooLarge = false, cutAt = Infinity } = {}) {
  async function* arriving() {
    const bytes = new TextEncoder().encode(formOf(parts)).subarray(0, cutAt)
    for (let at = 0; at < bytes.length; at += 777) yield bytes.subarray(at, at + 777)
  }
  return readOperation(readMultipart(arriving(), FORM_BOUNDARY), { isTooLarge })
}

function fileIn(value: unknown): FileUpload {
  if (value instanceof FileUpload) return value
  throw new Error('There is no file.')
}

const takeFrom = async (file: FileUpload) =>
  new TextDecoder().decode(await new Blob(await Array.fromAsync(file.bytes(), (bytes) => bytes.slice())).bytes())

/** What is at a path of own properties. */
const at = (value: unknown, path: readonly string[]): unknown =>
  path.reduce<unknown>((around, name) => Object.getOwnPropertyDescriptor(around, name)?.value, value)

describe('an operation with a file', () => {
  test.each([
    ['variables.file', '{"file": null, "more": [1]}'],
    ['variables.input.files.1', '{"input": {"files": ["x", null]}}'],
    // Names that mean something in JavaScript mean nothing here.
    ['variables.__proto__', '{"__proto__": null}'],
    ['variables.__proto__.constructor', '{"__proto__": {"constructor": null}}'],
  ])('has it at %s, and is else as it was sent', async (path, variables) => {
    const operations = `{"query": ${JSON.stringify(QUERY)}, "variables": ${variables}, "operationName": null}`
    const operation = await read([
      { name: 'operations', content: operations },
      { name: 'map', content: { '1': [path] } },
      FILE,
    ])
    const file = fileIn(at(operation, path.split('.')))
    expect(JSON.stringify(operation, (_, value) => (value === file ? null : value))).toBe(
      JSON.stringify(JSON.parse(operations)),
    )
    expect(file).toMatchObject({ filename: 'a.csv', mediaType: 'text/csv' })
    expect(await takeFrom(file)).toBe(CONTENT)
    expect(() => file.bytes()).toThrow('once in a request')
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  test('is there before the file has come; of one that does not come, the bytes fail', async () => {
    const { variables } = await read([...inFrontOf(OPERATIONS), FILE], {
      cutAt: formOf(inFrontOf(OPERATIONS)).length + 120,
    })
    await expect(takeFrom(fileIn(at(variables, ['file'])))).rejects.toThrow('ends before its last delimiter')
  })

  test.each<[string, FormPart[], string]>([
    ['another part', [{ name: '2', filename: 'b.csv', content: '' }], 'the last part'],
    ['its fields', inFrontOf(OPERATIONS), 'the last part'],
  ])('has no file where that is followed by %s', async (_, more, why) => {
    const { variables } = await read([...inFrontOf(OPERATIONS), FILE, ...more])
    await expect(takeFrom(fileIn(at(variables, ['file'])))).rejects.toThrow(why)
  })

  test('has no file that turns out to be too large, by as little as a byte', async () => {
    const text = (name: string, content: object): MultipartEvent[] => [
      { kind: 'part', name, filename: undefined, mediaType: undefined },
      { kind: 'bytes', bytes: new TextEncoder().encode(JSON.stringify(content)) },
    ]
    const chunk: MultipartEvent = { kind: 'bytes', bytes: new Uint8Array(64 * MIB) }
    async function* arriving(more: number): AsyncGenerator<MultipartEvent, undefined> {
      yield* [...text('operations', OPERATIONS), ...text('map', { 1: ['variables.file'] })]
      yield { kind: 'part', name: '1', filename: 'a.csv', mediaType: undefined }
      yield* Array.from({ length: 8 }, () => chunk)
      yield { kind: 'bytes', bytes: new Uint8Array(more) }
    }
    const sizeOf = async (more: number) => {
      const { variables } = await readOperation(arriving(more), { isTooLarge: false })
      let size = 0
      for await (const bytes of fileIn(at(variables, ['file'])).bytes()) size += bytes.length
      return size
    }
    expect(await sizeOf(0)).toBe(2 ** 29)
    await expect(sizeOf(1)).rejects.toMatchObject({ code: 'file_too_large' })
  })

  test('has no file that is too large by what the request says', async () => {
    const { variables } = await read([...inFrontOf(OPERATIONS), FILE], { isTooLarge: true })
    await expect(takeFrom(fileIn(at(variables, ['file'])))).rejects.toMatchObject({ code: 'file_too_large' })
  })
})

/** The parts with something else in place of what is usual. */
const parts = (other: { operations?: unknown; map?: unknown; file?: FormPart }): FormPart[] => [
  { name: 'operations', content: other.operations ?? OPERATIONS },
  { name: 'map', content: other.map ?? { '1': ['variables.file'] } },
  other.file ?? FILE,
]
const [OPERATIONS_PART, MAP_PART] = inFrontOf(OPERATIONS) as [FormPart, FormPart] // it has two
const AT_NULL = 'where `operations` has null'
const ORDER = 'in this order'
const LIKE = 'must be like'

describe('a form is refused in words that say what to change', () => {
  test.each<[string, FormPart[], string]>([
    ['without a part', [], ORDER],
    ['that begins with the file', [FILE, OPERATIONS_PART, MAP_PART], ORDER],
    ['whose map comes first', [MAP_PART, OPERATIONS_PART, FILE], ORDER],
    ['without a map', [OPERATIONS_PART, FILE], ORDER],
    ['with its operations twice', [OPERATIONS_PART, OPERATIONS_PART, MAP_PART, FILE], ORDER],
    ['without a file', [OPERATIONS_PART, MAP_PART], 'is missing'],
    ['whose file the map does not name', parts({ file: { ...FILE, name: 'file' } }), 'by the name that `map` has'],
    ['whose file has no filename', parts({ file: { name: '1', content: 'x' } }), '`filename`'],
    ['whose file has an empty filename', parts({ file: { ...FILE, filename: '' } }), '`filename`'],
    ['with a batch', parts({ operations: [OPERATIONS] }), 'a batch of them'],
    ['with operations that are no JSON', parts({ operations: '{' }), '`operations` is not valid JSON'],
    ['with operations that are no object', parts({ operations: '"x"' }), LIKE],
    ['with operations that are null', parts({ operations: 'null' }), LIKE],
    ['with a map that is no JSON', parts({ map: 'x' }), '`map` is not valid JSON'],
    ['with a map that is a list', parts({ map: '["variables.file"]' }), LIKE],
    ['with a map of a number', parts({ map: '{"1": 7}' }), LIKE],
    ['with a map of text', parts({ map: '{"1": "variables.file"}' }), LIKE],
    ['with a map of numbers', parts({ map: '{"1": [7]}' }), LIKE],
    ['with a map of nothing', parts({ map: '{"1": []}' }), LIKE],
    ['with an empty map', parts({ map: '{}' }), 'without a file'],
    ['with several files', parts({ map: { 1: ['variables.file'], 2: ['variables.b'] } }), 'one file in a request'],
    ['that uses its file twice', parts({ map: { 1: ['variables.file', 'variables.b'] } }), 'once in a request'],
    ['whose map names no variable', parts({ map: { 1: ['variables.other'] } }), AT_NULL],
    ['whose map names the query', parts({ map: { 1: ['query'] } }), AT_NULL],
    ['whose map names all variables', parts({ map: { 1: ['variables'] } }), AT_NULL],
    ['whose map names what is there already', parts({ operations: { variables: { file: 'x' } } }), AT_NULL],
    ['whose map names a prototype', parts({ map: { 1: ['variables.__proto__.file'] } }), AT_NULL],
    ['whose map names a constructor', parts({ map: { 1: ['variables.constructor.prototype.x'] } }), AT_NULL],
    [
      'whose map goes by a prototype',
      parts({ map: '{"__proto__": ["variables.file"]}' }),
      'by the name that `map` has',
    ],
    [
      'whose map names a length',
      parts({ operations: { variables: { a: [] } }, map: { 1: ['variables.a.length'] } }),
      AT_NULL,
    ],
    [
      'whose map names a place behind a list',
      parts({ operations: { variables: { a: [] } }, map: { 1: ['variables.a.0'] } }),
      AT_NULL,
    ],
    ['whose map leads deep', parts({ map: { 1: [`variables${'.a'.repeat(100_000)}`] } }), AT_NULL],
    ['that tells too much', parts({ operations: { ...OPERATIONS, more: 'x'.repeat(MIB) } }), '1048576 bytes'],
    ['with headers that never end', parts({ file: { ...FILE, filename: 'x'.repeat(MIB) } }), 'headers of a part'],
    ['that is cut short', parts({ file: { ...FILE, disposition: 'form-data; name="1' } }), 'by the name'],
  ])('%s', async (_, sent, why) => {
    await expect(read(sent)).rejects.toThrow(why)
  })

  test('wherever it ends before its file begins', async () => {
    const before = formOf(inFrontOf(OPERATIONS)).length - FORM_BOUNDARY.length - 6
    for (let cutAt = 0; cutAt < before; cutAt += 7) {
      await expect(read(parts({}), { cutAt })).rejects.toThrow(Error)
    }
  })
})
