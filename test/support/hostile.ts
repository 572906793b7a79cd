import fc from 'fast-check'
import { HOSTILE_NAMES } from './hostile-names.ts'
import { HOSTILE_TYPES } from './hostile-types.ts'

// What somebody could call a file, and say that it is, to do harm: what is written down, and what is made of it.

export type NameKind = keyof typeof HOSTILE_NAMES
export type TypeKind = keyof typeof HOSTILE_TYPES
// Keys of an object that is written down here.
export const NAME_KINDS = Object.keys(HOSTILE_NAMES) as NameKind[]
export const TYPE_KINDS = Object.keys(HOSTILE_TYPES) as TypeKind[]

/** A name and a media type that are declared of one file, each with what it tries. */
export type Hostile = Readonly<{ name: string; of: NameKind; type: string; typeOf: TypeKind }>

const ALL_NAMES: readonly string[] = Object.values(HOSTILE_NAMES).flat()
const ALL_TYPES: readonly string[] = Object.values(HOSTILE_TYPES).flat()

const place = fc.double({ min: 0, max: 1, noNaN: true })
const at = (text: string, where: number) => Math.floor(text.length * where)
const put = (text: string, what: string, where: number) =>
  text.slice(0, at(text, where)) + what + text.slice(at(text, where))

const sign = fc.oneof(
  fc.constantFrom(...'"\\/%;\'*=?.,:<>&#+|`$ \r\n\0\t'.split('')),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }),
  fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
)

/** One of these, and what can be made of it: joined with others, cut, filled, doubled, encoded, turned. */
const madeOf = (some: readonly string[], others: readonly string[], asItIs: number): fc.Arbitrary<string> => {
  const one = fc.constantFrom(...some)
  const other = fc.constantFrom(...others)
  return fc.oneof(
    { weight: asItIs, arbitrary: one },
    { weight: 2, arbitrary: fc.tuple(one, other).map((texts) => texts.join('')) },
    { weight: 1, arbitrary: fc.tuple(other, one, other).map((texts) => texts.join(' ')) },
    { weight: 2, arbitrary: fc.tuple(one, other, place).map((given) => put(...given)) },
    { weight: 3, arbitrary: fc.tuple(one, sign, place).map((given) => put(...given)) },
    { weight: 1, arbitrary: fc.tuple(one, place).map(([text, where]) => text.slice(0, at(text, where))) },
    { weight: 1, arbitrary: fc.tuple(one, place).map(([text, where]) => text.slice(at(text, where))) },
    { weight: 1, arbitrary: fc.tuple(one, fc.integer({ min: 2, max: 40 })).map(([text, times]) => text.repeat(times)) },
    { weight: 1, arbitrary: one.map((text) => encodeURIComponent(text.toWellFormed())) },
    { weight: 1, arbitrary: one.map((text) => text.toUpperCase()) },
    { weight: 1, arbitrary: one.map((text) => text.split('').toReversed().join('')) },
    { weight: 1, arbitrary: one.map((text) => text.normalize('NFKC')) },
  )
}

/** Each kind as often as any other; `asItIs`: how often nothing is made of one, to sixteen times that something is. */
const ofKinds = <Kind extends string>(
  corpus: Readonly<Record<Kind, readonly string[]>>,
  kinds: readonly Kind[],
  { all, asItIs }: { all: readonly string[]; asItIs: number },
): fc.Arbitrary<readonly [Kind, string]> =>
  fc.oneof(...kinds.map((kind) => madeOf(corpus[kind], all, asItIs).map((text) => [kind, text] as const)))

const anyName = ofKinds<NameKind>(HOSTILE_NAMES, NAME_KINDS, { all: ALL_NAMES, asItIs: 2 })
// Of most that is made of a type nothing is taken.
const anyType = ofKinds<TypeKind>(HOSTILE_TYPES, TYPE_KINDS, { all: ALL_TYPES, asItIs: 40 })

const listed = <Kind extends string>(corpus: Readonly<Record<Kind, readonly string[]>>, kinds: readonly Kind[]) =>
  kinds.flatMap((kind) => corpus[kind].map((text) => [kind, text] as const))

/** So many of them, each name once, the same for the same seed: what is written down as it is, then what is made of it. */
export function hostile(seed: number, count: number): Hostile[] {
  const drawn = { seed, numRuns: count * 2 }
  const names = [...listed<NameKind>(HOSTILE_NAMES, NAME_KINDS), ...fc.sample(anyName, drawn)]
  const types = [...listed<TypeKind>(HOSTILE_TYPES, TYPE_KINDS), ...fc.sample(anyType, drawn)]
  const once = [...new Map(names.map(([of, name]) => [name, of])).entries()].slice(0, count)
  return once.flatMap(([name, of], index) => {
    const [typeOf, type] = types[index] ?? []
    return typeOf === undefined || type === undefined ? [] : [{ name, of, type, typeOf }]
  })
}
