import type { Recording, Step } from './recording.ts'

// What a service does that asks the very same of storage as Carrel and nothing else: made of two recordings of one
// operation. What is the same in both stays; what is not is from the request, from an earlier answer, the time, or new.

/** Where a value comes from when a program is run. */
export type Source =
  /** The value of the request with this index: `valuesOf` says which they are. */
  | Readonly<{ given: number }>
  /** A column of the first row of an earlier answer. */
  | Readonly<{ step: number; statement: number; column: string }>
  /** Milliseconds from now. */
  | Readonly<{ now: number }>
  /** A new one of this form, and the same wherever else it stands. */
  | Readonly<{ fresh: number; like: string }>
type Constant = string | number | null
/** A constant, one value as it is, or text made of pieces. */
export type Value = Readonly<{ constant: Constant }> | Source | Readonly<{ pieces: readonly (string | Source)[] }>

export type Program = Readonly<{
  steps: readonly (
    | { to: 'd1'; statements: readonly { sql: string; params: readonly Value[] }[] }
    | { to: 'kv' | 'r2' | 'queue'; method: string; args: readonly Value[] }
  )[]
}>

const DAY_MS = 86_400_000
const WORD = /\d{4}-\d\d-\d\dT[\d:.]+Z|[A-Za-z0-9_-]+/g

type Taken = Readonly<{ recording: Recording; given: readonly string[] }>

/** The pieces of a text: words and what is between them. */
const wordsOf = (text: string) => [...text.matchAll(WORD)].map(({ 0: word, index }) => ({ word, index }))

class Maker {
  readonly #a: Taken
  readonly #b: Taken
  /** What was new, in the words of either recording. */
  readonly fresh: [a: string, b: string][] = []

  constructor(a: Taken, b: Taken) {
    this.#a = a
    this.#b = b
  }

  /** What stands before this step, in either, in answers. */
  #cell(before: number, a: Constant, b: Constant): Source | undefined {
    for (let step = 0; step < before; step += 1) {
      const [one, other] = [this.#a.recording.steps[step]?.rows ?? [], this.#b.recording.steps[step]?.rows ?? []]
      for (const [statement, row] of one.entries()) {
        const column = Object.keys(row).find((name) => row[name] === a && other[statement]?.[name] === b)
        if (column !== undefined) return { step, statement, column }
      }
    }
    return undefined
  }

  #time(a: number, b: number): Source | undefined {
    const from = [a - this.#a.recording.at, b - this.#b.recording.at]
    if (from.some((distance) => Math.abs(distance) > 100 * DAY_MS)) return undefined
    return { now: Math.round((from[0] ?? 0) / 1_000) * 1_000 }
  }

  #source(a: string, b: string, step: number): Source {
    const given = this.#a.given.findIndex((value, i) => value === a && this.#b.given[i] === b)
    if (given !== -1) return { given }
    const known = this.fresh.findIndex(([one, other]) => one === a && other === b)
    if (known !== -1) return { fresh: known, like: a }
    const cell = this.#cell(step, a, b)
    if (cell !== undefined) return cell
    const time = /^\d{13}$/.test(a) ? this.#time(Number(a), Number(b)) : undefined
    if (time !== undefined) return time
    return { fresh: this.fresh.push([a, b]) - 1, like: a }
  }

  #number(a: number, b: number, step: number): Source {
    const given = this.#a.given.findIndex((value, i) => value === String(a) && this.#b.given[i] === String(b))
    const source = this.#cell(step, a, b) ?? (given === -1 ? this.#time(a, b) : { given })
    if (source === undefined) throw new Error(`Nobody knows where ${a} and ${b} are from.`)
    return source
  }

  #text(a: string, b: string, step: number): Value {
    const [words, others] = [wordsOf(a), wordsOf(b)]
    if (words.length !== others.length) return this.#source(a, b, step)
    const pieces: (string | Source)[] = []
    let end = 0
    for (const [i, { word, index }] of words.entries()) {
      const other = others[i]?.word ?? ''
      if (other === word) continue
      pieces.push(a.slice(end, index), this.#source(word, other, step))
      end = index + word.length
    }
    pieces.push(a.slice(end))
    return { pieces: pieces.filter((piece) => piece !== '') }
  }

  /** @throws Error where what differs cannot be told */
  value(a: Constant, b: Constant, step: number): Value {
    if (a === b) return { constant: a }
    if (typeof a === 'number' && typeof b === 'number') return this.#number(a, b, step)
    if (typeof a === 'string' && typeof b === 'string') return this.#text(a, b, step)
    throw new Error(`One has ${a} where the other has ${b}.`)
  }
}

const shapeOf = (step: Step | undefined) =>
  step?.to === 'd1' ? step.statements.map(({ sql }) => sql).join(';\n') : `${step?.to} ${step?.method}`

/** @throws Error where one of the two did something else than the other */
export function programOf(a: Taken, b: Taken): { program: Program; fresh: [string[], string[]] } {
  const maker = new Maker(a, b)
  const steps = a.recording.steps.map((step, i) => {
    const other = b.recording.steps[i]
    if (other === undefined || shapeOf(step) !== shapeOf(other)) throw new Error(`Other steps: ${shapeOf(other)}`)
    const made = (ones: readonly Constant[], others: readonly Constant[] = []) =>
      ones.map((one, j) => maker.value(one, others[j] ?? null, i))
    if (step.to === 'd1') {
      const asked = other.to === 'd1' ? other.statements : []
      const statements = step.statements.map(({ sql, params }, j) => ({ sql, params: made(params, asked[j]?.params) }))
      return { to: step.to, statements }
    }
    return { to: step.to, method: step.method, args: made(step.args, other.to === 'd1' ? [] : other.args) }
  })
  return { program: { steps }, fresh: [maker.fresh.map(([one]) => one), maker.fresh.map(([, other]) => other)] }
}

const leavesOf = (value: unknown): string[] => {
  if (value === null || typeof value !== 'object') return [String(value)]
  return Object.values(value).flatMap(leavesOf)
}

/** What a request says: the words of its path and query, and what stands in its body. */
export function valuesOf({ path, body }: { path: string; body?: unknown }): string[] {
  const { pathname, searchParams } = new URL(path, 'http://localhost')
  const content = typeof body === 'string' ? (JSON.parse(body) as unknown) : body
  return [...pathname.slice(1).split('/').map(decodeURIComponent), ...searchParams.values(), ...leavesOf(content ?? {})]
}
