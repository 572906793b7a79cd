import { z } from '@hono/zod-openapi'
import { MAX_BATCH_ENTRIES, MAX_ROLLUP_FIELDS } from '../domain/report-entries.ts'
import { isTimeZone } from '../domain/calendar.ts'
import type { Report } from '../model/entities.ts'
import {
  type BucketSummary,
  ENTRY_KINDS,
  ENTRY_ORDERS,
  type EntryKey,
  type ReportEntry,
  ROLLUP_PERIODS,
  type Statistics,
} from '../model/report-entries.ts'
import { InstantOut, PageQuery, text } from './schemas.ts'

const Instant = z.iso.datetime({ offset: true })
const FINER_THAN_MILLISECONDS = /\.\d{4}/
const FOUR_DIGIT_YEAR = /^\d{4}-/

/** The same moment is the same key, whatever the zone that it was written in. */
function keyOf(value: string): EntryKey | undefined {
  if (z.iso.date().safeParse(value).success) return { kind: 'date', at: value }
  if (!Instant.safeParse(value).success || FINER_THAN_MILLISECONDS.test(value)) return undefined
  const at = new Date(value).toISOString()
  return FOUR_DIGIT_YEAR.test(at) ? { kind: 'instant', at } : undefined
}

const AT = 'A date of the calendar, or an instant with its zone and at most milliseconds, which is kept in UTC.'
export const EntryAt = z
  .string()
  .max(64)
  .transform((value, context): EntryKey => {
    const key = keyOf(value)
    if (key !== undefined) return key
    context.addIssue('Must be a date like `2026-11-21`, or an instant like `2026-11-21T09:30:00.000+01:00`.')
    return z.NEVER
  })
  .openapi({ type: 'string', description: AT, example: '2026-11-21' })
const EntryAtOut = z
  .string()
  .openapi({ description: 'A date, or an instant in UTC with milliseconds.', example: '2026-11-21' })

export const Value = z.unknown().openapi({ description: 'Any JSON value.', example: { steps: 8211, mood: 'calm' } })

const Labels = z.array(text(100)).max(50)
const labels = Labels.optional().openapi({ description: "The study's own marks." })
export const ParticipantReportChanges = z.strictObject({ labels })
export const StudyReportChanges = z.strictObject({
  public: z.boolean().optional().openapi({ description: 'Whether anyone may read it, where the study allows that.' }),
  labels,
})

const exampleReport = {
  identifier: 'steps',
  public: false,
  labels: ['activity'],
  entries: 2,
  first: '2026-11-20',
  last: '2026-11-21',
  createdAt: '2026-11-21T08:30:00.000Z',
}
export const ReportOut = z
  .object({
    identifier: z.string(),
    public: z.boolean().optional().openapi({ description: 'Of reports of the study.' }),
    labels: z.array(z.string()),
    entries: z.number().int(),
    first: EntryAtOut.nullable(),
    last: EntryAtOut.nullable(),
    createdAt: InstantOut,
  })
  .openapi('Report', { description: '`first` and `last` are null while it is empty.', example: exampleReport })

export const presentReport = (report: Report) => ({
  identifier: report.identifier,
  ...(report.owner === null ? { public: report.public } : {}),
  labels: [...report.labels],
  entries: report.entries,
  first: report.first,
  last: report.last,
  createdAt: report.createdAt.toISOString(),
})

export const EntryOut = z
  .object({ kind: z.enum(ENTRY_KINDS), at: EntryAtOut, data: Value, updatedAt: InstantOut })
  .openapi('ReportEntry', {
    example: { kind: 'date', at: '2026-11-21', data: { steps: 8211 }, updatedAt: '2026-11-21T08:30:00.000Z' },
  })

/** An entry as JSON text, with its value as it was sent. */
const entryText = ({ kind, at, data, updatedAt }: ReportEntry) =>
  `{"kind":"${kind}","at":"${at}","data":${data},"updatedAt":"${updatedAt.toISOString()}"}`

export const entryPageText = ({ items, nextCursor }: { items: readonly ReportEntry[]; nextCursor: string | null }) =>
  `{"items":[${items.map(entryText).join(',')}],"nextCursor":${JSON.stringify(nextCursor)}}`

export const EntriesIn = z.strictObject({
  entries: z
    .array(
      z.strictObject({
        at: EntryAt,
        data: Value.refine((data) => data !== undefined, 'Must be there; it may be null.'),
      }),
    )
    .min(1)
    .max(MAX_BATCH_ENTRIES),
})

export const EntriesQuery = z.strictObject({
  kind: z
    .enum(ENTRY_KINDS)
    .optional()
    .openapi({ description: 'Only such. Left out: those of the kind of `from` and `until`, or all.', example: 'date' }),
  from: EntryAt.optional().openapi({ description: 'The first key that is wanted.', example: '2026-11-01' }),
  until: EntryAt.optional().openapi({ description: 'The last key that is wanted.', example: '2026-11-30' }),
  order: z
    .enum(ENTRY_ORDERS)
    .default('asc')
    .openapi({ description: 'By key. A date comes before the instants of its day in UTC.', example: 'desc' }),
  ...PageQuery,
})

const RollupDate = z.iso.date().refine((date) => date >= '1900' && date < '3000', 'Must be from 1900 to 2999.')
export const RollupQuery = z.strictObject({
  period: z.enum(ROLLUP_PERIODS).openapi({ description: 'Weeks begin on Monday.', example: 'day' }),
  timeZone: z
    .string()
    .max(64)
    .refine(isTimeZone, 'Must be a time zone like `Europe/Berlin`.')
    .default('UTC')
    .openapi({ description: 'IANA name of the zone whose midnights part the instants.', example: 'Europe/Berlin' }),
  from: RollupDate.openapi({ description: 'The first day.', example: '2026-11-01' }),
  until: RollupDate.openapi({ description: 'The last day.', example: '2026-11-30' }),
})

const StatisticsOut = z.object({
  count: z.number().int(),
  min: z.number(),
  max: z.number(),
  mean: z.number(),
})
const exampleStatistics = { count: 2, min: 7011, max: 8211, mean: 7611 }

export const RollupOut = z
  .object({
    buckets: z.array(
      z.object({
        date: z.iso.date().openapi({ description: 'The day, the Monday, or the first of the month.' }),
        startsAt: InstantOut,
        endsAt: InstantOut.openapi({ description: 'When the next one starts.' }),
        entries: z.number().int().openapi({ description: 'All of them, with and without numbers.' }),
        value: StatisticsOut.nullable().openapi({ description: 'Of entries that are a number.' }),
        fields: z.record(z.string(), StatisticsOut).openapi({
          description:
            'Of numbers in entries that are objects, by name, and in objects in those, by `name.inner`. Names that have a dot are left out.',
        }),
      }),
    ),
    moreFields: z
      .boolean()
      .openapi({ description: `Whether fields after the first ${MAX_ROLLUP_FIELDS}, by name, were left out.` }),
  })
  .openapi('ReportRollup', {
    example: {
      buckets: [
        {
          date: '2026-11-21',
          startsAt: '2026-11-20T23:00:00.000Z',
          endsAt: '2026-11-21T23:00:00.000Z',
          entries: 2,
          value: null,
          fields: { steps: exampleStatistics },
        },
      ],
      moreFields: false,
    },
  })

const presentStatistics = ({ count, min, max, mean }: Statistics) => ({ count, min, max, mean })

export const presentBucket = ({ date, startsAt, endsAt, entries, value, fields }: BucketSummary) => ({
  date,
  startsAt: startsAt.toISOString(),
  endsAt: endsAt.toISOString(),
  entries,
  value: value && presentStatistics(value),
  fields: Object.fromEntries(Array.from(fields, ([name, statistics]) => [name, presentStatistics(statistics)])),
})
