export const ENTRY_KINDS = ['date', 'instant'] as const
/** A calendar date, which no zone moves, or a moment: different keys, even where they tell the same midnight. */
export type EntryKind = (typeof ENTRY_KINDS)[number]

/** `2026-11-21`, or `2026-11-21T08:30:00.000Z`: in the order of text, which is that of time, a date before its moments. */
export type EntryKey = Readonly<{ kind: EntryKind; at: string }>

/** `data` is JSON text, kept as it was sent. */
export type NewEntry = EntryKey & Readonly<{ data: string }>
export type ReportEntry = NewEntry & Readonly<{ updatedAt: Date }>

export const ENTRY_ORDERS = ['asc', 'desc'] as const
export type EntryOrder = (typeof ENTRY_ORDERS)[number]

/** Both ends belong to it; undefined: there is no end. */
export type EntryRange = Readonly<{ kinds: readonly EntryKind[]; from: string | undefined; until: string | undefined }>

export const ROLLUP_PERIODS = ['day', 'week', 'month'] as const
export type RollupPeriod = (typeof ROLLUP_PERIODS)[number]

/** What the numbers come to that one field has in a bucket. */
export type Statistics = Readonly<{ count: number; min: number; max: number; mean: number }>

/** A stretch of local calendar days, as far as it lies within what was asked for. */
export type Bucket = Readonly<{
  /** The day, the Monday or the first of the month that it is called by. */
  date: string
  /** Its first and last day. */
  first: string
  last: string
  /** The same days as moments; `endsAt` is the next one's. */
  startsAt: Date
  endsAt: Date
}>

export type BucketSummary = Bucket &
  Readonly<{
    /** All of its entries, whether they hold numbers or not. */
    entries: number
    /** Of entries that are a number themselves. */
    value: Statistics | null
    /** Of numbers in entries that are objects, and (`name.inner`) in objects in those. */
    fields: ReadonlyMap<string, Statistics>
  }>
