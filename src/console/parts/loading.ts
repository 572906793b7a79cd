import { useCallback, useEffect, useState } from 'preact/hooks'
import { firstOf } from '../session.ts'
import { useTask } from './task.ts'

export type Loaded<Value> = Readonly<{
  /** What was there before stays until there is something new. */
  value: Value | undefined
  failure: unknown
  isLoading: boolean
  reload: () => void
}>

/** What is asked of the service, and asked again when `parts` are others than they were. */
export function useLoaded<Value>(load: () => Promise<Value>, parts: readonly unknown[]): Loaded<Value> {
  const [state, setState] = useState<Omit<Loaded<Value>, 'reload'>>({
    value: undefined,
    failure: undefined,
    isLoading: true,
  })
  const [round, setRound] = useState(0)
  const reload = useCallback(() => setRound((count) => count + 1), [])
  useEffect(() => {
    let isWanted = true
    setState((before) => ({ ...before, isLoading: true }))
    load().then(
      (value) => isWanted && setState({ value, failure: undefined, isLoading: false }),
      (failure: unknown) => isWanted && setState({ value: undefined, failure, isLoading: false }),
    )
    return () => {
      isWanted = false
    }
  }, [...parts, round])
  return { ...state, reload }
}

type Page<Item> = Readonly<{ items: readonly Item[]; nextCursor: string | null }>
type Asked<Item> = Readonly<{ pages: () => AsyncIterable<Page<Item>> }>

export type Listed<Item> = Readonly<{
  items: readonly Item[] | undefined
  failure: unknown
  isLoading: boolean
  hasMore: boolean
  more: () => void
  reload: () => void
}>

/** How many pages in a row may have nothing on them before a person is asked whether to go on. */
const EMPTY_PAGES = 10

async function nextPage<Item>(list: (cursor: string | undefined) => Asked<Item>, from: string | undefined) {
  let cursor = from
  for (let round = 0; ; round += 1) {
    const page = (await firstOf(list(cursor).pages())) ?? { items: [], nextCursor: null }
    if (page.items.length > 0 || page.nextCursor === null || round === EMPTY_PAGES) return page
    cursor = page.nextCursor
  }
}

/** A list of the service, a page at a time: `useList((cursor) => carrel.files.list({ cursor }), [study])`. */
export function useList<Item>(
  list: (cursor: string | undefined) => Asked<Item>,
  parts: readonly unknown[],
): Listed<Item> {
  const first = useLoaded(async () => nextPage(list, undefined), parts)
  const [rest, setRest] = useState<Page<Item> & { after: unknown }>()
  const { failure, isBusy, run } = useTask()
  // What followed another first page does not follow this one.
  const known = rest?.after === first.value ? rest : first.value && { items: [], nextCursor: first.value.nextCursor }
  const more = () => {
    if (known === undefined || known.nextCursor === null || isBusy) return
    const from = known.nextCursor
    run(async () => {
      const { items, nextCursor } = await nextPage(list, from)
      setRest({ items: [...known.items, ...items], nextCursor, after: first.value })
    })
  }
  return {
    items: known === undefined ? undefined : [...(first.value?.items ?? []), ...known.items],
    failure: first.failure ?? failure,
    isLoading: first.isLoading || isBusy,
    hasMore: known !== undefined && known.nextCursor !== null,
    more,
    reload: first.reload,
  }
}
