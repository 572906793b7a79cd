import type { Report } from '../model/entities.ts'
import { invalidBody, invalidRequest, overloaded, reportEntryNotFound } from '../model/errors.ts'
import type { StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import {
  ENTRY_KINDS,
  type EntryKey,
  type EntryKind,
  type EntryOrder,
  type EntryRange,
  type NewEntry,
  type ReportEntry,
  type RollupPeriod,
} from '../model/report-entries.ts'
import type { Indexing } from '../model/report-names.ts'
import type { ReportName } from '../storage/report-rows.ts'
import type { FoundReport } from '../storage/reports.ts'
import type { Caller } from '../storage/who.ts'
import { MAX_ROLLUP_ENTRIES, MAX_ROLLUP_FIELDS, type Rollup } from '../storage/report-rollups.ts'
import { witness } from './audit.ts'
import { bucketsOf } from './calendar.ts'
import { once } from './idempotency.ts'
import { identify } from './identity.ts'
import { rules } from './policy.ts'
import { getReport, readAs, requireReadableOwner, requireReport, whyNotWritten } from './reports.ts'
import { callerIn, type Scope } from './scope.ts'

export { MAX_ROLLUP_FIELDS }
export const MAX_BATCH_ENTRIES = 500
const MAX_BUCKETS = 400

/** What a caller may ask of a listing; a date and a moment cannot be held against each other without a zone. */
export type AskedRange = Readonly<{
  kind: EntryKind | undefined
  from: EntryKey | undefined
  until: EntryKey | undefined
}>

/** Whoever gets this far has read of the report's entries. */
async function requireRead<Found extends FoundReport>(
  scope: Scope,
  study: StudyId,
  read: (caller: Caller) => Promise<Found>,
): Promise<Found> {
  const { principal, found } = await readAs(scope, study, read)
  const { owner } = requireReport(principal, found.report)
  witness(scope, principal, { study, action: 'report.read', owner, object: null })
  return found
}

/** @throws DomainError `report_not_found`, also for one that the caller may not read; `report_entry_not_found` */
export async function getReportEntry(
  scope: Scope,
  study: StudyId,
  { name, key }: { name: ReportName; key: EntryKey },
): Promise<ReportEntry> {
  const found = await requireRead(scope, study, async (caller) =>
    scope.stores.reportEntries.find(caller, name, { key, reading: rules.readReport }),
  )
  if (found.entry === undefined) throw reportEntryNotFound()
  return found.entry
}

/**
 * Both ends of the range belong to it. Without a kind: those of its ends' kind, or, if it has none, all.
 * @throws DomainError `report_not_found`, `invalid_request`
 */
export async function listReportEntries(
  scope: Scope,
  study: StudyId,
  { name, range, ...asked }: { name: ReportName; range: AskedRange; order: EntryOrder; page: PageRequest },
): Promise<Page<ReportEntry>> {
  const found = await requireRead(scope, study, async (caller) =>
    scope.stores.reportEntries.list(caller, name, { reading: rules.readReport, range: rangeOf(range), ...asked }),
  )
  return found.page
}

function rangeOf({ kind, from, until }: AskedRange): EntryRange {
  const known = kind ?? from?.kind ?? until?.kind
  if (known === undefined) return { kinds: ENTRY_KINDS, from: undefined, until: undefined }
  requireKind(known, { from, until })
  if (from !== undefined && until !== undefined) requireOrder(from.at, until.at)
  return { kinds: [known], from: from?.at, until: until?.at }
}

function requireKind(kind: EntryKind, ends: Pick<AskedRange, 'from' | 'until'>): void {
  const message = `Must be ${kind === 'date' ? 'a date' : 'an instant'}, like what it is held against.`
  const errors = Object.entries(ends).flatMap(([name, end]) =>
    end === undefined || end.kind === kind ? [] : [{ pointer: `query/${name}`, message }],
  )
  if (errors.length > 0) throw invalidRequest(errors)
}

function requireOrder(from: string, until: string): void {
  if (from > until) throw invalidRequest([{ pointer: 'query/until', message: 'Must not be before `from`.' }])
}

/**
 * Adds entries, all or none; one whose key is there already takes its place. A report is there from its first entry on.
 * @throws DomainError `invalid_body` for two of one key, `participant_not_found`, `participant_withdrawn`,
 * `report_not_found`, `forbidden`; `invalid_body` with `/labels` where others were said of the report first
 */
export const putReportEntries = async (scope: Scope, study: StudyId, added: NewEntries): Promise<Report> =>
  once(scope, study, {
    attempt: async () => put(scope, study, added),
    again: async () => getReport(scope, study, added.name),
  })

/** `indexing`: of a protocol that keeps an index of reports. */
type NewEntries = { name: ReportName; entries: readonly NewEntry[]; indexing?: Indexing }

async function put(scope: Scope, study: StudyId, { name, entries, indexing }: NewEntries): Promise<Report> {
  requireDistinct(entries)
  const writing = rules.addReportEntry
  const found = await scope.stores.reportEntries.put(callerIn(scope, study), name, {
    reading: rules.readReport,
    writing,
    entries,
    indexing,
  })
  const principal = await identify(scope, found.principal)
  if (found.written) return requireReport(principal, found.report)
  // Those who may not add to the study's own may not know of it either, unless it is public.
  const owner =
    name.owner === null ? requireReport(principal, found.report).owner : requireReadableOwner(principal, name.owner)
  const refused = await whyNotWritten(scope, study, { principal, owner, rule: writing })
  throw refused ?? (found.differs ? labelsDiffer() : overloaded())
}

const labelsDiffer = () =>
  invalidBody([{ pointer: '/labels', message: 'Are said with the first entry. This report was made with others.' }])

/** Which of two would be kept, nobody said. */
function requireDistinct(entries: readonly NewEntry[]): void {
  const seen = new Map<string, number>()
  const errors = entries.flatMap(({ at }, index) => {
    const earlier = seen.get(at)
    seen.set(at, earlier ?? index)
    return earlier === undefined
      ? []
      : [{ pointer: `/entries/${index}/at`, message: `Is the same as that of entry ${earlier}.` }]
  })
  if (errors.length > 0) throw invalidBody(errors)
}

/**
 * The report stays, be it empty; or, in a protocol in which it is there for as long as it has entries, goes with the last.
 * @throws DomainError `report_not_found`, `report_entry_not_found`, `forbidden`, `participant_withdrawn`
 */
export async function deleteReportEntry(
  scope: Scope,
  study: StudyId,
  { name, key, leaves = 'report' }: { name: ReportName; key: EntryKey; leaves?: 'report' | 'nothing' },
): Promise<void> {
  const writing = rules.deleteReport
  const found = await scope.stores.reportEntries.remove(callerIn(scope, study), name, {
    key,
    reading: rules.readReport,
    writing,
    leaves,
  })
  const principal = await identify(scope, found.principal)
  if (found.removed) return
  const { owner } = requireReport(principal, found.report)
  throw (await whyNotWritten(scope, study, { principal, owner, rule: writing })) ?? reportEntryNotFound()
}

/**
 * What a report's numbers come to by day, week or month of a time zone.
 * @throws DomainError `report_not_found`, and `invalid_request` for a range that is reversed or too long
 */
export async function rollUpReport(
  scope: Scope,
  study: StudyId,
  { name, ...span }: { name: ReportName; period: RollupPeriod; timeZone: string; from: string; until: string },
): Promise<Omit<Rollup, 'summaries'> & { summaries: NonNullable<Rollup['summaries']> }> {
  requireOrder(span.from, span.until)
  const buckets = bucketsOf(span, MAX_BUCKETS)
  if (buckets === undefined) throw tooLong(`More than ${MAX_BUCKETS} of these periods`)
  const found = await requireRead(scope, study, async (caller) =>
    scope.stores.reportRollups.find(caller, name, { reading: rules.readReport, buckets }),
  )
  const { summaries, moreFields } = found.rollup
  if (summaries === undefined) throw tooLong(`More than ${MAX_ROLLUP_ENTRIES} entries, or very large ones,`)
  return { summaries, moreFields }
}

const tooLong = (what: string) =>
  invalidRequest([{ pointer: 'query/until', message: `${what} lie in this range. Ask for less at a time.` }])
