import { stripTypeScriptTypes } from 'node:module'
import { Instrumenter, type InstrumentResult } from '@stryker-mutator/instrumenter'
import { sqlChanges } from './sql.ts'
import { tableChanges } from './table.ts'

/** A piece of a file and what it becomes. */
export type Change = Readonly<{ mutator: string; start: number; end: number; becomes: string }>

export type Mutant = Change &
  Readonly<{
    file: string
    /** `text`: a whole string was emptied, of which nearly every test dies: counted apart. */
    kind: 'code' | 'sql' | 'table' | 'text'
    /** What is changed. */
    was: string
    /** The line it begins on, as it is written, its number, and where on it. */
    line: string
    lineNumber: number
    column: number
    /** Of those that are the same in all this, which: some lines are written more than once. */
    nth: number
    /** Whose reach it has: the marks of the smallest pieces of instrumented code around it. */
    mark: string
  }>

/** A source file, and the same with a mark at each piece of code that may be mutated. */
export type Instrumented = Readonly<{ file: string; source: string; marked: string; mutants: readonly Mutant[] }>

type Found = InstrumentResult['mutants'][number]

/** Of these the text that replaces them is an expression, which binds as closely as what it replaces. */
const EXPRESSIONS = new Set([
  'LogicalOperator',
  'EqualityOperator',
  'ArithmeticOperator',
  'BooleanLiteral',
  'UnaryOperator',
])
const quiet = () => {}
const SILENT = {
  isTraceEnabled: () => false,
  isDebugEnabled: () => false,
  isInfoEnabled: () => false,
  isWarnEnabled: () => false,
  isErrorEnabled: () => false,
  isFatalEnabled: () => false,
  trace: quiet,
  debug: quiet,
  info: quiet,
  warn: quiet,
  error: quiet,
  fatal: quiet,
}

function offsets(source: string) {
  const starts = [0, ...[...source.matchAll(/\n/g)].map(({ index }) => index + 1)]
  return {
    of: ({ line, column }: { line: number; column: number }) => (starts[line] ?? 0) + column,
    lineAt: (offset: number) => starts.findLastIndex((start) => start <= offset),
    startOf: (line: number) => starts[line] ?? 0,
  }
}

export const mutated = (source: string, { start, end, becomes }: Change): string =>
  source.slice(0, start) + becomes + source.slice(end)

/** Whether a change leaves something that can be loaded: what cannot be tells nothing of the tests. */
function parses(source: string, change: Change): boolean {
  try {
    stripTypeScriptTypes(mutated(source, change))
    return true
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

function kindOf({ mutatorName }: Found): Mutant['kind'] {
  return mutatorName === 'StringLiteral' ? 'text' : 'code'
}

/** All mutants of these files: those of Stryker's instrumenter, of the SQL in templates, and of the table of rules. */
export async function mutantsOf(sources: ReadonlyMap<string, string>): Promise<Instrumented[]> {
  // All at once, so that no two marks are the same.
  const { files, mutants } = await new Instrumenter(SILENT).instrument(
    [...sources].map(([name, content]) => ({ name, mutate: true, content })),
    { plugins: null, excludedMutations: [], ignorers: [] },
  )
  return files.map(({ name, content }) => {
    const source = sources.get(name) ?? ''
    const found = mutants.filter(({ fileName }) => fileName === name)
    return { file: name, source, marked: content, mutants: mutantsIn(name, source, found) }
  })
}

function mutantsIn(file: string, source: string, mutants: readonly Found[]): Mutant[] {
  const places = offsets(source)
  const found = mutants.map((mutant) => ({
    mutant,
    start: places.of(mutant.location.start),
    end: places.of(mutant.location.end),
  }))
  const around = ({ start, end }: { start: number; end: number }) =>
    found
      .filter((outer) => outer.start <= start && outer.end >= end)
      .toSorted((a, b) => a.end - a.start - (b.end - b.start))[0]?.mutant.id ?? ''

  const code = found.map(({ mutant, start, end }) => ({
    kind: kindOf(mutant),
    mark: mutant.id,
    change: {
      mutator: mutant.mutatorName,
      start,
      end,
      becomes: EXPRESSIONS.has(mutant.mutatorName) ? `(${mutant.replacement})` : mutant.replacement,
    },
  }))
  const isSql = ({ start }: Change) => source.startsWith('sql`', start - 3)
  const templates = code.filter(({ kind, change }) => kind === 'text' && isSql(change)).map(({ change }) => change)
  const sql = templates.flatMap(({ start, end }) => sqlChanges(source.slice(start + 1, end - 1), start + 1))
  const own = [
    ...sql.map((change) => ({ kind: 'sql' as const, mark: around(change), change })),
    ...(file === 'src/domain/policy.ts' ? tableChanges(source) : []).map((change) => ({
      kind: 'table' as const,
      mark: around(change),
      change,
    })),
  ]
  const same = new Map<string, number>()
  return (
    [...code, ...own]
      // What the types say is never reached, no test reaches.
      .filter(
        ({ change }) => !/^(?:default:\s+)?return \w+ satisfies never$/.test(source.slice(change.start, change.end)),
      )
      .filter(({ change }) => parses(source, change))
      .toSorted((a, b) => a.change.start - b.change.start)
      .map(({ kind, mark, change }) => {
        const number = places.lineAt(change.start)
        const text = source.slice(places.startOf(number), places.startOf(number + 1) || undefined)
        const column = change.start - places.startOf(number) - (text.length - text.trimStart().length)
        const [line, was] = [text.trim(), source.slice(change.start, change.end)]
        const key = JSON.stringify([line, column, was, change.becomes])
        const nth = same.get(key) ?? 0
        same.set(key, nth + 1)
        return { ...change, file, kind, mark, was, line, lineNumber: number + 1, column, nth }
      })
  )
}
