/** Some of a list, and where it goes on; null on the last page. */
export type Page<Item> = Readonly<{ items: readonly Item[]; nextCursor: string | null }>

/** A list: item by item in `for await`, asking for a page when the one before has been used up. */
export type List<Item, Whole extends Page<Item> = Page<Item>> = AsyncIterable<Item> & {
  /** Page by page, with whatever else a page says. A cursor is kept to go on from there another day. */
  readonly pages: () => AsyncIterable<Whole>
  /** All of it. */
  readonly all: () => Promise<Item[]>
}

export function listOf<Item, Whole extends Page<Item>>(
  ask: (cursor: string | undefined) => Promise<Whole>,
  from: string | undefined,
): List<Item, Whole> {
  async function* pages() {
    let cursor = from
    do {
      // Where the next page begins is only said by this one.
      const page = await ask(cursor)
      yield page
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
  }
  async function* items() {
    for await (const page of pages()) yield* page.items
  }
  return {
    pages,
    [Symbol.asyncIterator]: items,
    all: async () => {
      const found: Item[] = []
      for await (const item of items()) found.push(item)
      return found
    },
  }
}
