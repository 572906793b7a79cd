/** Why a text is no JSON, and where in it: both for a person. */
export type NoJson = Readonly<{ message: string; from: number }>

export type ReadJson = Readonly<{ value: unknown }> | Readonly<{ problem: NoJson }>

/** The place is in the words of the engine that reads, which all say it in one of these ways. */
function placeIn(message: string, text: string): number {
  const position = /position (\d+)/.exec(message)?.[1]
  if (position !== undefined) return Number(position)
  const [, line, column] = /line (\d+) column (\d+)/.exec(message) ?? []
  if (line === undefined || column === undefined) return text.length
  const before = text.split('\n').slice(0, Number(line) - 1)
  return before.reduce((sum, { length }) => sum + length + 1, 0) + Number(column) - 1
}

export function readJson(text: string): ReadJson {
  try {
    const value: unknown = JSON.parse(text)
    return { value }
  } catch (failure) {
    const message = failure instanceof Error ? failure.message : ''
    return { problem: { message: 'This is no JSON.', from: placeIn(message, text) } }
  }
}

export const lineOf = (text: string, place: number): number => text.slice(0, place).split('\n').length

export const prettyJson = (value: unknown): string => JSON.stringify(value, null, 2)

const segmentsOf = (pointer: string): readonly string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))

const isWithin = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/**
 * Where in `prettyJson(value)` a JSON pointer leads: to the line of its last segment, or the nearest that is there.
 * Each line of that text that begins a member or an item is counted, in the order in which they are written.
 */
export function lineAt(value: unknown, pointer: string): number {
  let line = 1
  let here = value
  for (const segment of segmentsOf(pointer)) {
    if (!isWithin(here) || !Object.hasOwn(here, segment)) return line
    line += 1
    for (const [name, before] of Object.entries(here)) {
      if (name === segment) break
      line += prettyJson(before).split('\n').length
    }
    here = here[segment]
  }
  return line
}

/** The characters of a line, to be selected. */
export function lineRange(text: string, line: number): readonly [number, number] {
  const lines = text.split('\n')
  const from = lines.slice(0, line - 1).reduce((sum, { length }) => sum + length + 1, 0)
  return [from, from + (lines[line - 1]?.length ?? 0)]
}
