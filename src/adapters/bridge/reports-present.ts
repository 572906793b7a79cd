import type { Report } from '../../model/entities.ts'
import type { Page } from '../../model/page.ts'
import type { ReportEntry } from '../../model/report-entries.ts'
import type { SharedName } from '../../model/report-names.ts'
import { presentPage } from './paging.ts'
import { writeMoment, type Zoned } from './reports-times.ts'

/** A record as JSON text, with its value as it was sent; moments are told in the zone of who asks. */
function recordText({ kind, at, data }: ReportEntry, offset: number): string {
  const date = kind === 'date' ? at : writeMoment({ time: Date.parse(at), offset })
  return `{"date":"${date}","${kind === 'date' ? 'localDate' : 'dateTime'}":"${date}","data":${data},"type":"ReportData"}`
}

/** A list's items, which are JSON text, and the rest of it; what is null is left out. */
function listText(items: readonly string[], rest: Readonly<Record<string, unknown>>): string {
  const told = JSON.stringify(rest, (_, value: unknown) => (value === null ? undefined : value))
  return `{"items":[${items.join(',')}],${told.slice(1)}`
}

/** Records by date, all at once. The ends and the total are told twice, as clients of before 2018 look for them. */
export const dateRangeText = (
  entries: readonly ReportEntry[],
  range: Readonly<{ startDate: string; endDate: string }>,
): string =>
  listText(
    entries.map((entry) => recordText(entry, 0)),
    {
      requestParams: { ...range, type: 'RequestParams' },
      ...range,
      total: entries.length,
      type: 'DateRangeResourceList',
    },
  )

/** Records by time, a page of them. */
export function timeRangeText(
  page: Page<ReportEntry>,
  {
    startTime,
    endTime,
    ...params
  }: Readonly<{ startTime: Zoned; endTime: Zoned; pageSize: number; offsetKey: string | undefined }>,
): string {
  const times = { startTime: writeMoment(startTime), endTime: writeMoment(endTime) }
  const { items, ...rest } = presentPage(page, { ...params, ...times })
  return listText(
    items.map((entry) => recordText(entry, startTime.offset)),
    rest,
  )
}

/** Participants' reports have one index for all who have one of the name; it is never public. */
export const presentName = ({ identifier, labels }: SharedName) =>
  ({ identifier, studyIds: labels, public: false, type: 'ReportIndex' }) as const

export const presentStudyReport = ({ identifier, labels, public: isPublic }: Report) =>
  ({ identifier, studyIds: labels, public: isPublic, type: 'ReportIndex' }) as const

export const presentIndices = (
  items: readonly (ReturnType<typeof presentName> | ReturnType<typeof presentStudyReport>)[],
  params: Readonly<{ reportType: 'participant' | 'study'; studyId?: string }>,
) => ({ items, requestParams: { ...params, type: 'RequestParams' }, type: 'ReportTypeResourceList' }) as const
