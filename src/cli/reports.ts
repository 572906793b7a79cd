import { Option } from '@commander-js/extra-typings'
import { z } from 'zod'
import { anInteger, given } from './choices.ts'
import type { Desk, Program, Signed } from './desk.ts'
import { jsonFrom, mustBeJson } from './documents.ts'
import { exactPages, exchange, numberOf, parseExactly } from './exact.ts'
import { type Columns, shown, shownJson } from './shown.ts'
import { sparkline } from './sparkline.ts'

type Whose = Readonly<{ participant: string; ofStudy?: true | undefined }>
const OWNER = ['--participant <id>', 'whose (default: me)', 'me'] as const
const OF_STUDY = ['--of-study', "the study's own"] as const

const pathOf = ({ participant, ofStudy }: Whose, ...rest: readonly string[]) => [
  ...(ofStudy === true ? [] : ['participants', participant]),
  'reports',
  ...rest,
]

const Entry = z.object({ kind: z.string(), at: z.string(), data: z.unknown(), updatedAt: z.string() })
type Entry = z.infer<typeof Entry>
const Page = z.object({ items: z.array(Entry) })

/** The entries under a path, with their values as they were written. */
export async function* entriesAt(
  signed: Signed,
  asked: { path: readonly string[]; query?: Readonly<Record<string, string>> },
  desk: Desk,
): AsyncGenerator<Entry> {
  for await (const page of exactPages(signed, asked, desk)) yield* Page.parse(page).items
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && numberOf(value) === undefined

/** Of a value that has several numbers: that of a field, or the first. */
function chosen(data: unknown, field: string | undefined): number | undefined {
  if (!isObject(data)) return field === undefined ? numberOf(data) : undefined
  if (field !== undefined) return Object.hasOwn(data, field) ? numberOf(data[field]) : undefined
  return Object.values(data)
    .map(numberOf)
    .find((number) => number !== undefined)
}

const ENTRY_COLUMNS: Columns<Entry> = { at: ({ at }) => at, value: ({ data }) => shownJson(data) }

const today = () => {
  const now = new Date()
  return [now.getFullYear(), now.getMonth() + 1, now.getDate()].map((part) => String(part).padStart(2, '0')).join('-')
}

/** A line in the sparkline's heading of what it goes from and to. */
function drawn(values: readonly (number | undefined)[], width: number): string {
  const numbers = values.filter((value) => value !== undefined)
  const [low, high] = numbers.reduce(
    ([least, most], one) => [Math.min(least, one), Math.max(most, one)],
    [Infinity, -Infinity],
  )
  return `${sparkline(values, width)}  ${low} to ${high}\n`
}

const MARGIN = 30

function addGet(program: Program, desk: Desk): void {
  program
    .command('get')
    .description('Print the entries of one, and on top their numbers as a sparkline')
    .argument('<identifier>')
    .option(...OWNER)
    .option(...OF_STUDY)
    .option('--from <at>', 'the first date or instant')
    .option('--until <at>', 'the last')
    .addOption(new Option('--kind <kind>', 'only such').choices(['date', 'instant']))
    .option('--field <name>', 'whose numbers (default: the first)')
    .option('--limit <count>', 'so many at most', anInteger)
    .action(async (identifier, { participant, ofStudy, field, limit = Infinity, ...range }) => {
      const signed = await desk.signed()
      const path = pathOf({ participant, ofStudy }, identifier, 'entries')
      const entries: Entry[] = []
      for await (const entry of entriesAt(signed, { path, query: { ...given(range), limit: '100' } }, desk)) {
        if (entries.length >= limit) break
        entries.push(entry)
      }
      const values = entries.map(({ data }) => chosen(data, field))
      const width = (desk.terminal.stdout.columns ?? 80) - MARGIN
      if (!desk.json && values.some((value) => value !== undefined)) await desk.write(drawn(values, width))
      await desk.list(entries, ENTRY_COLUMNS)
    })
}

export function addReports(program: Program, desk: Desk): void {
  const report = program.command('report').description('Series of values by date or instant')

  report
    .command('ls')
    .description('List them, by identifier')
    .option(...OWNER)
    .option(...OF_STUDY)
    .option('--limit <count>', 'so many at most', anInteger)
    .action(async ({ participant, ofStudy, limit }) => {
      const { carrel } = await desk.signed()
      const all =
        ofStudy === true
          ? carrel.studyReports.list({ limit: 100 }, desk.call)
          : carrel.reports.list(participant, { limit: 100 }, desk.call)
      await desk.list(
        all,
        {
          identifier: ({ identifier }) => identifier,
          entries: ({ entries }) => entries,
          first: ({ first }) => first,
          last: ({ last }) => last,
          labels: ({ labels }) => labels.join(', '),
        },
        limit,
      )
    })

  report
    .command('add')
    .description('Add an entry, or replace it')
    .argument('<identifier>')
    .argument('[value]', 'JSON; what others on this machine must not see is piped in, which is the default', '-')
    .option(...OWNER)
    .option(...OF_STUDY)
    .option('--at <at>', 'its date, or its instant with a zone (default: today)')
    .action(async (identifier, value, { participant, ofStudy, at = today() }) => {
      const signed = await desk.signed()
      const body = value === '-' ? await jsonFrom(desk, '-') : mustBeJson(value)
      const path = pathOf({ participant, ofStudy }, identifier, 'entries', at)
      const { text } = await exchange(signed, { method: 'PUT', path, body }, desk)
      await desk.tell(parseExactly(text), shown(`Added: ${identifier} ${at}`))
    })

  addGet(report, desk)
}
