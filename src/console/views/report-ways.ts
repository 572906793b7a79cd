import type { Carrel } from '../../client/index.ts'

export type Report = Awaited<ReturnType<Carrel['reports']['get']>>
export type Entry = Awaited<ReturnType<ReturnType<Carrel['reports']['entries']>['all']>>[number]
type Paged = Readonly<{ cursor?: string }>

/** A participant's reports, or the study's: the same operations at other paths. */
export function waysTo(carrel: Carrel, participant: string | null) {
  if (participant === null) {
    return {
      list: (query: Paged) => carrel.studyReports.list(query),
      get: async (identifier: string) => carrel.studyReports.get(identifier),
      entries: (identifier: string, query: Paged) =>
        carrel.studyReports.entries(identifier, { ...query, order: 'desc' }),
      put: async (identifier: string, { at, data }: Pick<Entry, 'at' | 'data'>) =>
        carrel.studyReports.put({ identifier, at }, data),
    }
  }
  return {
    list: (query: Paged) => carrel.reports.list(participant, query),
    get: async (identifier: string) => carrel.reports.get({ participant, identifier }),
    entries: (identifier: string, query: Paged) =>
      carrel.reports.entries({ participant, identifier }, { ...query, order: 'desc' }),
    put: async (identifier: string, { at, data }: Pick<Entry, 'at' | 'data'>) =>
      carrel.reports.put({ participant, identifier, at }, data),
  }
}

const isWithin = (data: unknown): data is Readonly<Record<string, unknown>> => typeof data === 'object' && data !== null

/** The numbers of entries that can be drawn, by their names in the values, in time; of a value that is a number, `value`. */
export function seriesOf(entries: readonly Entry[]) {
  const series = new Map<string, { at: string; value: number }[]>()
  for (const { at, data } of entries.toSorted((one, other) => Date.parse(one.at) - Date.parse(other.at))) {
    const numbers = Object.entries(isWithin(data) ? data : { value: data })
    for (const [name, value] of numbers) {
      if (typeof value === 'number') series.set(name, [...(series.get(name) ?? []), { at, value }])
    }
  }
  return [...series].map(([name, points]) => ({ name, points }))
}
