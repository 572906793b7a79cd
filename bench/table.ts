import { type Figures, KNOWN_TO, type Measured } from './measure.ts'
import { TARGETS } from './operations.ts'

const COLUMNS = [
  ['operation', 40],
  ['files', 9],
  ['req/s', 12],
  ['p50 ms', 12],
  ['p99 ms', 12],
  ['CPU ms', 20],
  ['ratio', 6],
  ['alone', 6],
  ['bare', 6],
  ['±', 6],
] as const

/** What the columns are of. */
const HEAD = `Carrel / a bare Worker that asks the same of storage (/ one that asks no more than it has to). \`ratio\` is of the
first two, of all processes' CPU time; \`alone\` is without what asks; \`bare\` is to the third.
`

const line = (cells: readonly string[]) =>
  COLUMNS.map(([, width], i) => (i === 0 ? (cells[i] ?? '').padEnd(width) : (cells[i] ?? '').padStart(width)))
    .join(' ')
    .trimEnd()

/** More of the machine's work than this was not the bench's, or rounds were further apart: the figures tell little. */
const NOISY_OTHERS = 0.1
const isNoisy = ({ others, spread }: Measured) => others > NOISY_OTHERS || spread > KNOWN_TO

/** Carrel's figure beside that of the bare Worker that asks the same. */
const both = ({ carrel, same }: Measured, of: keyof Figures, digits: number) =>
  `${carrel[of].toFixed(digits)} / ${same[of].toFixed(digits)}`

export const tableOf = (measured: readonly Measured[], { isHeaded }: { isHeaded: boolean }): string =>
  [
    ...(isHeaded ? [HEAD, line(COLUMNS.map(([name]) => name))] : []),
    ...measured.map((each) =>
      line([
        each.operation,
        each.files.toLocaleString('en'),
        both(each, 'perSecond', 0),
        both(each, 'p50', 1),
        both(each, 'p99', 1),
        `${both(each, 'cpuMilliseconds', 2)} / ${each.bare.cpuMilliseconds.toFixed(2)}`,
        each.ratio.toFixed(2),
        each.serviceRatio.toFixed(2),
        each.bareRatio.toFixed(2),
        `${Math.round(each.spread * 100)}%${isNoisy(each) ? ' !' : ''}`,
      ]),
    ),
  ].join('\n')

/**
 * What a list costs with the most files, to what it costs with the fewest. Minutes are between the two, in which a machine
 * may have become slower: each is taken by the bare Worker's list of its time, which reads a hundred rows of an index.
 */
const MAX_GROWTH = 1.2
function growthOf(measured: readonly Measured[]): number | undefined {
  const lists = measured.filter(({ operation }) => operation === 'list 100')
  const [first, last] = [lists.at(0), lists.at(-1)]
  return first === undefined || first === last ? undefined : (last?.bareRatio ?? 0) / first.bareRatio
}

export function verdictOf(measured: readonly Measured[]): { isMet: boolean; text: string } {
  const over = measured.filter(({ kind, ratio }) => ratio > TARGETS[kind])
  const growth = growthOf(measured)
  const noisy = measured.filter(isNoisy)
  const lines = [
    `Ratios of CPU time: at most ${TARGETS.read} for reads, ${TARGETS.write} for writes.`,
    ...over.map(
      ({ operation, files, ratio, kind }) => `  over: ${operation} (${files} files) ${ratio.toFixed(2)}, a ${kind}`,
    ),
    ...(growth === undefined
      ? []
      : [`List of the most files to that of the fewest: ${growth.toFixed(2)}, at most ${MAX_GROWTH}.`]),
    ...(noisy.length > 0
      ? [
          `The machine was too noisy to trust ${noisy.length} of ${measured.length} (!): something else ran, or rounds differed.`,
        ]
      : []),
  ]
  return { isMet: over.length === 0 && (growth ?? 0) <= MAX_GROWTH, text: lines.join('\n') }
}
