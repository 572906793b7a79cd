import type { Change } from './mutants.ts'

/** Words of SQL and what each becomes. A word that would no longer parse is in no rule: it would die of nothing. */
const WORDS: readonly (readonly [name: string, pattern: RegExp, becomes: string])[] = [
  ['= to <>', /(?<![<>!=])=(?![=])/g, '<>'],
  ['<> to =', /<>/g, '='],
  ['< to <=', /<(?![>=])/g, '<='],
  ['<= to <', /<=/g, '<'],
  ['> to >=', /(?<![<>-])>(?![>=])/g, '>='],
  ['>= to >', />=/g, '>'],
  ['+ to -', /(?<= )\+(?= )/g, '-'],
  ['- to +', /(?<= )-(?= )/g, '+'],
  ['IS NULL to IS NOT NULL', /\bIS NULL\b/g, 'IS NOT NULL'],
  ['IS NOT to IS', /\bIS NOT\b/g, 'IS'],
  ['IS to IS NOT', /\bIS(?! N(?:OT|ULL)\b)\b/g, 'IS NOT'],
  ['AND to OR', /\bAND\b/g, 'OR'],
  ['OR to AND', /\bOR\b/g, 'AND'],
  ['NOT EXISTS to EXISTS', /\bNOT EXISTS\b/g, 'EXISTS'],
  ['EXISTS to NOT EXISTS', /(?<!NOT )\bEXISTS\b/g, 'NOT EXISTS'],
  ['without NOT', /(?<!IS )\bNOT (?!NULL|EXISTS|IN\b|GLOB\b)/g, ''],
  ['NOT IN to IN', /\bNOT IN\b/g, 'IN'],
  ['NOT GLOB to GLOB', /\bNOT GLOB\b/g, 'GLOB'],
  ['max to min', /\bmax(?=\()/g, 'min'],
  ['min to max', /\bmin(?=\()/g, 'max'],
  ['DESC to ASC', /\bDESC\b/g, 'ASC'],
  ['ASC to DESC', /\bASC\b/g, 'DESC'],
  ['LEFT JOIN to JOIN', /\bLEFT JOIN\b/g, 'JOIN'],
]

/** What ends a conjunct, at its own depth. */
const ENDS =
  /^(?:\)|(?:AND|OR|THEN|ELSE|WHEN|END|UNION|WHERE|ORDER BY|GROUP BY|RETURNING|LIMIT|ON CONFLICT|LEFT|CROSS|JOIN)\b)/

/** The place of the next `after`, with what is put into the template left out. */
function skipTo(after: string, source: string, from: number): number {
  let at = from
  while (at < source.length && source[at] !== after) {
    if (source[at] === '\\') at += 2
    else if (source[at] === '`') at = skipTo('`', source, at + 1) + 1
    else if (source.startsWith('${', at) || source[at] === '{')
      at = skipTo('}', source, source.indexOf('{', at) + 1) + 1
    else if (after === '}' && source[at] === "'") at = source.indexOf("'", at + 1) + 1
    else at++
  }
  return at
}

/** A template's own words, at their places: of what is put into it, and of SQL's own texts, only the length is left. */
function ownWords(template: string): string {
  let words = ''
  for (let at = 0; at < template.length;) {
    const end = template.startsWith('${', at) ? skipTo('}', template, at + 2) + 1 : at + 1
    words += end > at + 1 ? '$'.repeat(end - at) : template[at]
    at = end
  }
  return words.replaceAll(/'[^']*'/g, (text) => '$'.repeat(text.length))
}

/** Where what begins here ends: a conjunct, with all that is in its brackets. */
function endOfConjunct(words: string, from: number): number {
  let depth = 0
  for (let at = from; at < words.length; at++) {
    // A word in the middle of another is none.
    const rest = /\w\w/.test(words.slice(at - 1, at + 1)) ? '' : words.slice(at)
    if (depth === 0 && ENDS.test(rest)) return at
    if (/^(?:\(|CASE\b)/.test(rest)) depth++
    if (/^(?:\)|END\b)/.test(rest)) depth--
  }
  return words.length
}

/** `=` in what an UPDATE sets is no comparison. */
const sets = (words: string, at: number) => {
  const before = words.slice(0, at)
  const set = before.lastIndexOf('SET ')
  if (set === -1 || /\bWHERE\b|\bRETURNING\b/.test(before.slice(set))) return false
  const opened = before.slice(set)
  return opened.split('(').length === opened.split(')').length
}

/** All ways to change the SQL of one template, whose text begins at `offset`. */
export function sqlChanges(template: string, offset: number): Change[] {
  const words = ownWords(template)
  const change = (mutator: string, [start, end]: readonly [number, number], becomes: string): Change => ({
    mutator,
    start: offset + start,
    end: offset + end,
    becomes,
  })
  const found = WORDS.flatMap(([name, pattern, becomes]) =>
    [...words.matchAll(pattern)]
      .filter(({ index }) => !(name === '= to <>' && sets(words, index)))
      .filter(({ index }) => name !== 'AND to OR' || !/\bBETWEEN \S+ $/.test(words.slice(0, index)))
      .map(({ index, 0: word }) => change(name, [index, index + word.length], becomes)),
  )
  const dropped = [...words.matchAll(/\bAND\b/g)]
    .map(({ index }) => [index, endOfConjunct(words, index + 3)] as const)
    // Between others that are joined there is none.
    .filter(([start, end]) => words.slice(start + 3, end).trim() !== '')
    .map((place) => change('without a conjunct', place, ' '))
  return [...found, ...dropped]
}
