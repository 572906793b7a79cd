import type { Context } from 'hono'
import { findParticipant, getParticipant, type SeenParticipant } from '../../domain/participants.ts'
import { deleteReportEntry, listReportEntries, putReportEntries } from '../../domain/report-entries.ts'
import { listReportNames } from '../../domain/report-names.ts'
import { deleteReport, type ReportName } from '../../domain/reports.ts'
import { accountNotFound, DomainError, type ErrorCode, overloaded } from '../../model/errors.ts'
import type { Page } from '../../model/page.ts'
import type { EntryKey } from '../../model/report-entries.ts'
import type { SharedName } from '../../model/report-names.ts'
import type { AppEnv } from '../../wire/context.ts'
import { ParticipantIdText } from '../../wire/shapes.ts'
import type { Caller } from './access.ts'
import { tell, tellMessage, tellText } from './answers.ts'
import { pageAsked } from './paging.ts'
import { identifierInPath, invalidRecord, type SentRecord } from './reports-body.ts'
import { dateRangeText, presentIndices, presentName, timeRangeText } from './reports-present.ts'
import { datesAsked, keyInPath, timesAsked, type Zoned } from './reports-times.ts'

// What is done alike with reports of one's own, of a participant and of the app.

const ROWS_AT_ONCE = 1_000
const ENTRIES_AT_ONCE = 100

/** An invocation may ask D1 a thousand times. */
const MAX_PAGES = 100

/**
 * All of a listing, where Bridge knows no pages.
 * @throws DomainError `overloaded` where there is more than one request can tell
 */
export async function everyPage<Item>(
  limit: number,
  list: (page: { limit: number; cursor: string | undefined }) => Promise<Page<Item>>,
): Promise<Item[]> {
  const items: Item[] = []
  let cursor: string | undefined
  for (let count = 0; count < MAX_PAGES; count += 1) {
    const page = await list({ limit, cursor })
    items.push(...page.items)
    if (page.nextCursor === null) return items
    cursor = page.nextCursor
  }
  throw overloaded(new Error(`A list without pages has ${MAX_PAGES} of them at most.`))
}

/** An index of participants' reports: of all, or to a participant of their own. */
export const tellNames = async (c: Context<AppEnv>, caller: Caller): Promise<Response> =>
  tell(c, presentIndices((await everyName(caller)).map(presentName), { reportType: 'participant' }))

export const everyName = async ({ scope, study }: Caller): Promise<SharedName[]> =>
  everyPage(ROWS_AT_ONCE, async (page) => listReportNames(scope, study, page))

/** What there is not, to Bridge, is empty. */
async function unlessMissing<Answer>(asked: Promise<Answer>, otherwise: Answer): Promise<Answer> {
  const missing: readonly ErrorCode[] = ['report_not_found', 'report_entry_not_found']
  try {
    return await asked
  } catch (failure) {
    if (failure instanceof DomainError && missing.includes(failure.code)) return otherwise
    throw failure
  }
}

export async function tellByDate(c: Context<AppEnv>, { scope, study }: Caller, name: ReportName): Promise<Response> {
  const { startDate, endDate } = datesAsked(c)
  const range = { kind: 'date', from: dateKey(startDate), until: dateKey(endDate) } as const
  const entries = everyPage(ENTRIES_AT_ONCE, async (page) =>
    listReportEntries(scope, study, { name, range, order: 'asc', page }),
  )
  return tellText(c, dateRangeText(await unlessMissing(entries, []), { startDate, endDate }))
}

const dateKey = (at: string): EntryKey => ({ kind: 'date', at })
const instantKey = ({ time }: Zoned): EntryKey => ({ kind: 'instant', at: new Date(time).toISOString() })

/** Where a page ends is told in UTC, whatever zone the times are in: none is told twice, and none left out. */
export async function tellByTime(c: Context<AppEnv>, { scope, study }: Caller, name: ReportName): Promise<Response> {
  const { page, params } = pageAsked(c)
  const times = timesAsked(c)
  const range = { kind: 'instant', from: instantKey(times.startTime), until: instantKey(times.endTime) } as const
  const entries = listReportEntries(scope, study, { name, range, order: 'asc', page })
  const found = await unlessMissing(entries, { items: [], nextCursor: null })
  return tellText(c, timeRangeText(found, { ...params, ...times }))
}

/** `part`: the study of the app by which it is sent. */
type NewRecord = Readonly<{ owner: ReportName['owner']; record: SentRecord; part?: string | undefined }>

export async function saveRecord({ scope, study }: Caller, { owner, record, part }: NewRecord): Promise<void> {
  const { identifier, entry, studyIds, entity } = record
  const name = { owner, identifier }
  try {
    await putReportEntries(scope, study, { name, entries: [entry], indexing: { labels: studyIds, part } })
  } catch (failure) {
    if (!(failure instanceof DomainError) || failure.code !== 'invalid_body') throw failure
    throw invalidRecord({ studyIds: ['cannot be changed once created for a report'] }, entity)
  }
}

export async function removeReport(
  c: Context<AppEnv>,
  { scope, study }: Caller,
  owner: ReportName['owner'],
): Promise<Response> {
  const name = { owner, identifier: identifierInPath(c) }
  await unlessMissing(deleteReport(scope, study, name), undefined)
  return tellMessage(c, 'Report deleted.')
}

export async function removeRecord(
  c: Context<AppEnv>,
  { scope, study }: Caller,
  owner: ReportName['owner'],
): Promise<Response> {
  const name = { owner, identifier: identifierInPath(c) }
  // A report of the app is there for as long as it has records.
  const leaves = owner === null ? 'nothing' : 'report'
  await unlessMissing(deleteReportEntry(scope, study, { name, key: keyInPath(c), leaves }), undefined)
  return tellMessage(c, 'Report record deleted.')
}

const TOKEN = /^(externalid|email|healthcode|synapseuserid|syn):(.*)$/is

/**
 * The account that a path names, by its id or something else that it goes by. A health code is the id.
 * @throws DomainError `account_not_found`, `participant_not_found`: nobody whom the caller may know of
 */
export async function accountCalled(c: Context<AppEnv>, caller: Caller): Promise<SeenParticipant> {
  const token = c.req.param('userIdToken') ?? ''
  const [, prefix = 'healthcode', called = token] = TOKEN.exec(token) ?? []
  switch (prefix.toLowerCase()) {
    case 'healthcode':
      return accountById(caller, called)
    case 'externalid':
      return requireFound(await findParticipant(caller.scope, caller.study, { kind: 'externalId', externalId: called }))
    case 'email':
      return requireFound(await findParticipant(caller.scope, caller.study, { kind: 'email', email: called }))
    default:
      throw accountNotFound()
  }
}

/** @throws DomainError `account_not_found`, `participant_not_found` */
export async function accountById({ scope, study }: Caller, text: string): Promise<SeenParticipant> {
  const id = ParticipantIdText.safeParse(text)
  if (!id.success) throw accountNotFound()
  return getParticipant(scope, study, id.data)
}

function requireFound(participant: SeenParticipant | undefined): SeenParticipant {
  if (participant === undefined) throw accountNotFound()
  return participant
}
