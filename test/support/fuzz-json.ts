import fc from 'fast-check'

// Values by a JSON Schema: as it has them, nearly so, and not at all. `⟦name⟧` stands for what the world calls so.

export type Schema = Readonly<{
  $ref?: string
  type?: string | readonly string[]
  enum?: readonly unknown[]
  anyOf?: readonly Schema[]
  properties?: Readonly<Record<string, Schema>>
  required?: readonly string[]
  additionalProperties?: unknown
  items?: Schema
  minItems?: number
  maxItems?: number
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  pattern?: string
  format?: string
  example?: unknown
}>
export type Schemas = Readonly<Record<string, Schema>>

/** JSON text that no value here could be written as. */
class Raw {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

const deep = (levels: number) => new Raw(`${'['.repeat(levels)}${']'.repeat(levels)}`)
const deepObject = (levels: number) => new Raw(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`)

/** What stands in a place that is for something else. */
const HOSTILE: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  '',
  ' ',
  '0',
  'null',
  '..',
  '\u0000',
  'a\u0000b',
  '\n',
  '\u202E\uFEFF',
  '\uFFFF',
  '"*^:(){}',
  '＂)a',
  'NEAR(a b) OR',
  "' OR 1=1 --",
  '%',
  '_%',
  '$.a[0]',
  '__proto__',
  'constructor',
  '🎈'.repeat(130),
  'x'.repeat(256),
  'x'.repeat(5_000),
  [],
  {},
  [null],
  [[]],
  Array.from({ length: 101 }, () => 'x'),
  new Raw('1e308'),
  new Raw('1e400'),
  new Raw('-0'),
  new Raw('9007199254740993'),
  new Raw('0.1e-7000'),
  new Raw('"\\ud800"'),
  new Raw('"\\udc00\\ud800"'),
  new Raw('{"__proto__":{"role":"admin"},"constructor":1}'),
  new Raw('{"\\ud800":"\\udfff"}'),
  new Raw('{"a":1,"a":2}'),
  deep(500),
  deep(20_000),
  deepObject(5_000),
]
export const hostileValue = fc.oneof(
  { arbitrary: fc.constantFrom(...HOSTILE), weight: 4 },
  { arbitrary: fc.string({ unit: 'binary', maxLength: 20 }), weight: 1 },
  { arbitrary: fc.jsonValue({ maxDepth: 3 }), weight: 1 },
  { arbitrary: fc.double(), weight: 1 },
)
/** The same where there is text alone: in paths, queries and forms. */
export const hostileText = fc.oneof(
  { arbitrary: fc.constantFrom(...HOSTILE.filter((value) => typeof value === 'string')), weight: 3 },
  { arbitrary: fc.string({ unit: 'binary', maxLength: 12 }), weight: 1 },
  { arbitrary: fc.integer().map(String), weight: 1 },
)

/** JSON text. What JSON has not, such as NaN, is null in it. */
export function textOf(value: unknown): string {
  if (value instanceof Raw) return value.text
  if (Array.isArray(value)) return `[${value.map(textOf).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const members = Object.entries(value).filter(([, each]) => each !== undefined)
  return `{${members.map(([name, each]) => `${JSON.stringify(name)}:${textOf(each)}`).join(',')}}`
}

const isContainer = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !(value instanceof Raw)

/** Every place in a value: itself, then all that is in it. */
const placesIn = (value: unknown): string[][] =>
  isContainer(value)
    ? [[], ...Object.entries(value).flatMap(([key, each]) => placesIn(each).map((path) => [key, ...path]))]
    : [[]]

function replaced(value: unknown, [key, ...path]: readonly string[], by: (old: unknown) => unknown): unknown {
  if (key === undefined) return by(value)
  if (!isContainer(value)) return value
  const inside = replaced(Reflect.get(value, key), path, by)
  if (Array.isArray(value)) return value.map((each: unknown, index) => (String(index) === key ? inside : each))
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, name === key ? inside : each]))
}

/** Every member of an object twice, which differ. */
const doubled = (value: unknown) =>
  isContainer(value) && !Array.isArray(value) && Object.keys(value).length > 0
    ? new Raw(`${textOf(value).slice(0, -1)},${textOf({ ...value, [Object.keys(value)[0] ?? '']: 'twice' }).slice(1)}`)
    : [value, value]

type Change = Readonly<{ at: number; how: (old: unknown) => unknown }>
const change: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(30),
  how: fc.oneof(
    { arbitrary: hostileValue.map((value) => () => value), weight: 6 },
    { arbitrary: fc.constant(() => undefined), weight: 2 },
    { arbitrary: fc.constant(doubled), weight: 1 },
    {
      arbitrary: hostileValue.map((value) => (old: unknown) => (isContainer(old) ? { ...old, unknown: value } : old)),
      weight: 2,
    },
  ),
})

/** A value in which a few places, or none, are something else. */
export const nearly = (valid: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc
    .tuple(
      valid,
      fc.oneof(
        { arbitrary: fc.constant<Change[]>([]), weight: 2 },
        { arbitrary: fc.array(change, { minLength: 1, maxLength: 3 }), weight: 1 },
      ),
    )
    .map(([value, changes]) =>
      changes.reduce((so, { at, how }) => {
        const places = placesIn(so)
        return replaced(so, places[at % places.length] ?? [], how)
      }, value),
    )

/** What the world has under the name of a field; undefined: nothing. */
export type Named = (field: string) => readonly string[] | undefined

/** The years that have four digits, and a few more. */
const YEARS = { min: new Date('-000100-01-01T00:00:00Z'), max: new Date('+010100-01-01T00:00:00Z') }

const some = <Value>(values: readonly Value[]): fc.Arbitrary<Value> => fc.constantFrom(...values)

export function valuesBy(schemas: Schemas, named: Named) {
  function textBy({ pattern, format, minLength = 0, maxLength = 20 }: Schema): fc.Arbitrary<unknown> {
    if (format === 'date-time') return fc.date({ noInvalidDate: true, ...YEARS }).map((date) => date.toISOString())
    if (format === 'email') return fc.emailAddress()
    if (format === 'date') return fc.constantFrom('2026-11-21', '2026-02-30', '0000-01-01', '9999-12-31')
    if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern), { maxLength: 64 })
    return fc.oneof(
      fc.string({ minLength, maxLength: Math.min(maxLength, 20) }),
      fc.string({ unit: 'binary', minLength, maxLength: Math.min(maxLength, 20) }),
    )
  }

  function objectBy({ properties = {}, required = [], additionalProperties }: Schema): fc.Arbitrary<unknown> {
    const members = Object.entries(properties).map(([name, schema]) => [name, valueBy(schema, name)] as const)
    const known = fc.record(Object.fromEntries(members), { requiredKeys: [...required] })
    if (additionalProperties === undefined || additionalProperties === false) return known
    const more = fc.dictionary(fc.string({ maxLength: 8 }), fc.jsonValue({ maxDepth: 2 }), { maxKeys: 3 })
    return fc.tuple(known, more).map(([one, other]) => ({ ...other, ...one }))
  }

  const plainBy = (type: string, schema: Schema, field: string): fc.Arbitrary<unknown> => {
    const { items = {}, minItems = 0, maxItems = 3, minimum: min = -10, maximum: max = 2 ** 40 } = schema
    switch (type) {
      case 'null':
        return fc.constant(null)
      case 'boolean':
        return fc.boolean()
      case 'integer':
      case 'number':
        return fc.oneof(
          { arbitrary: fc.integer({ min, max: Math.min(max, min + 200) }), weight: 5 },
          { arbitrary: fc.maxSafeInteger(), weight: 1 },
        )
      case 'array':
        return fc.array(valueBy(items, field), { minLength: minItems, maxLength: Math.min(maxItems, minItems + 3) })
      case 'object':
        return objectBy(schema)
      default:
        return textBy(schema)
    }
  }

  /** The document's own example more often than not: much of what is made up leads no further than to a first look. */
  function valueBy(schema: Schema, field = ''): fc.Arbitrary<unknown> {
    const { $ref, anyOf, type, example } = schema
    if ($ref !== undefined) return valueBy(schemas[$ref.replace('#/components/schemas/', '')] ?? {}, field)
    const names = named(field)
    const ways: fc.WeightedArbitrary<unknown>[] = [{ arbitrary: generatedBy(schema, field), weight: 2 }]
    if (example !== undefined) ways.push({ arbitrary: fc.constant(example), weight: 3 })
    if (names !== undefined && (anyOf ?? type) !== undefined) ways.push({ arbitrary: some(names), weight: 4 })
    return fc.oneof(...ways)
  }

  function generatedBy(schema: Schema, field: string): fc.Arbitrary<unknown> {
    const { anyOf, type } = schema
    if (schema.enum !== undefined) return some(schema.enum)
    if (anyOf !== undefined) return fc.oneof(...anyOf.map((each) => valueBy(each, field)))
    if (type === undefined) return fc.oneof(fc.jsonValue({ maxDepth: 4 }), hostileValue)
    const types = typeof type === 'string' ? [type] : type
    return fc.oneof(...types.map((each) => plainBy(each, schema, field)))
  }

  return valueBy
}
