export const DEFAULT_LIMIT = 50
export const MAX_LIMIT = 100

/**
 * One page of a listing; `nextCursor` is null on the last one. `cursorAfter` an item of it a page begins too, for tongues
 * that tell so with each.
 */
export type Page<T> = Readonly<{
  items: readonly T[]
  nextCursor: string | null
  cursorAfter?: (index: number) => string
}>

/** What a caller asks of a page: how many, and after which cursor. */
export type PageRequest = Readonly<{ limit: number; cursor: string | undefined }>

export const mapPage = <T, U>(page: Page<T>, present: (item: T) => U) => ({
  items: page.items.map(present),
  nextCursor: page.nextCursor,
})
