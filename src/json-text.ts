/** A string; a bracket, comma or colon; a number or a word. */
const TOKEN = /"[^"\\]*(?:\\.[^"\\]*)*"|[[\]{},:]|[^\s"[\]{},:]+/gs

const OPENING = new Set(['[', '{'])
const CLOSING = new Set([']', '}'])
/** What ends a part of the outermost array or object, and the depth at which it does. */
const ENDS = new Map([
  [',', 1],
  [':', 1],
  [']', 0],
  ['}', 0],
])

/**
 * The elements of an array, or the names and values of an object, each as it is written there: parsing a value and
 * writing it again would change the digits of numbers, the escapes in strings, the space between. `json` must have been
 * found to be JSON.
 */
function* partsOf(json: string): Generator<{ source: string; before: string }> {
  let depth = 0
  let begin: number | undefined
  let end = 0
  for (const { 0: token, index } of json.matchAll(TOKEN)) {
    if (CLOSING.has(token)) depth -= 1
    if (ENDS.get(token) === depth) {
      if (begin !== undefined) yield { source: json.slice(begin, end), before: token }
      begin = undefined
    } else if (depth > 0) {
      begin ??= index
      end = index + token.length
    }
    if (OPENING.has(token)) depth += 1
  }
}

/** The text of each element of an array. */
export const elementsOf = (json: string): string[] => Array.from(partsOf(json), ({ source }) => source)

/** The text of an object's member: of two of one name the last, as JSON.parse has it. */
export function memberOf(json: string, member: string): string | undefined {
  let name: unknown
  let found: string | undefined
  for (const { source, before } of partsOf(json)) {
    if (before === ':') name = JSON.parse(source)
    else if (name === member) found = source
  }
  return found
}

// TypeScript's library does not know these two yet (https://github.com/tc39/proposal-json-parse-with-source).
type Revive = (key: string, value: unknown, context: { source?: string }) => unknown
const { parse, rawJSON } = JSON as unknown as {
  parse: (text: string, revive: Revive) => unknown
  rawJSON: (source: string) => unknown
}

/**
 * The value of a JSON text; a number whose digits would change stands in it as it was written, and is written so again by
 * JSON.stringify.
 * @throws SyntaxError for what is no JSON
 */
export const parseExactly = (text: string): unknown =>
  parse(text, (_, value, { source }) =>
    typeof value === 'number' && source !== undefined && source !== String(value) ? rawJSON(source) : value,
  )
