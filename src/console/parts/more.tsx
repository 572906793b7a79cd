/** @jsxImportSource preact */
import type { Listed } from './loading.ts'

/** Asks for the next page of a list, where there is one. */
export function More({ list }: Readonly<{ list: Pick<Listed<unknown>, 'hasMore' | 'isLoading' | 'more'> }>) {
  if (!list.hasMore) return null
  return (
    <button type="button" class="more" disabled={list.isLoading} onClick={list.more}>
      Show more
    </button>
  )
}
