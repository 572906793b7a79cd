// Names and values are other people's, and a terminal obeys what it is shown: nothing of theirs gets there as it is.

/** What is not seen but acts: controls, escapes, changes of direction. Joiners inside words are left alone. */
const ACTS = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu

const codeOf = (character: string) => (character.codePointAt(0) ?? 0).toString(16)

/** A text on one line, with what would act on the terminal spelled out. */
export const shown = (text: string): string => text.replaceAll(ACTS, (character) => `\\u{${codeOf(character)}}`)

const unit = (code: number) => `\\u${code.toString(16).padStart(4, '0')}`

/** JSON that a terminal can be shown, and that is the same JSON. */
export const shownJson = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent).replaceAll(ACTS, (character) =>
    // The line breaks are those of the indentation: inside of texts they are spelled out already.
    character === '\n'
      ? character
      : Array.from({ length: character.length }, (_, at) => unit(character.charCodeAt(at))).join(''),
  )

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

export function sizeText(bytes: number): string {
  const power = Math.min(UNITS.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)))
  const count = bytes / 1_000 ** power
  return `${power === 0 || count >= 100 ? Math.round(count) : count.toFixed(1)} ${UNITS[power] ?? ''}`
}

export type Cell = string | number | boolean | null | undefined
/** What each column shows of an item, by its heading. */
export type Columns<Item> = Readonly<Record<string, (item: Item) => Cell>>

const cellText = (cell: Cell): string => (cell === null || cell === undefined ? '' : shown(String(cell)))
const segmenter = new Intl.Segmenter()
/** As people count characters. */
export const charactersOf = (text: string): string[] => Array.from(segmenter.segment(text), ({ segment }) => segment)
const widthOf = (text: string) => charactersOf(text).length
const padded = (text: string, width: number) => text + ' '.repeat(Math.max(0, width - widthOf(text)))

/** Lays lines out one lot after the other: columns get wider with what comes, and never narrower. */
export function layout<Item>(columns: Columns<Item>) {
  const headings = Object.keys(columns).map((heading) => heading.toUpperCase())
  const widths = headings.map(widthOf)
  let isFirst = true
  return (items: readonly Item[]): string => {
    const lines = items.map((item) => Object.values(columns).map((cell) => cellText(cell(item))))
    for (const line of lines) {
      for (const [at, text] of line.entries()) widths[at] = Math.max(widths[at] ?? 0, widthOf(text))
    }
    const all = isFirst && lines.length > 0 ? [headings, ...lines] : lines
    if (lines.length > 0) isFirst = false
    return all
      .map(
        (line) =>
          `${line
            .map((text, at) => padded(text, widths[at] ?? 0))
            .join('  ')
            .trimEnd()}\n`,
      )
      .join('')
  }
}

/** One thing, a line for each of what is said of it. */
export function facts(of: Readonly<Record<string, Cell>>): string {
  const said = Object.entries(of)
    .map(([name, cell]) => [name, cellText(cell)] as const)
    .filter(([, text]) => text !== '')
  const width = Math.max(0, ...said.map(([name]) => widthOf(name)))
  return said.map(([name, text]) => `${padded(name, width)}  ${text}`).join('\n')
}
