async function* inTurn<Item>(items: AsyncIterable<Item> | Iterable<Item>): AsyncGenerator<Item> {
  yield* items
}

/** Does something with each, some at a time, in the order that they come; ends when all have, with what failed first. */
export async function sideBySide<Item>(
  items: AsyncIterable<Item> | Iterable<Item>,
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const source = inTurn(items)
  const worker = async () => {
    for (let next = await source.next(); next.done !== true; next = await source.next()) await work(next.value)
  }
  const ends = await Promise.allSettled(Array.from({ length: Math.max(1, atOnce) }, worker))
  const failed = ends.find((end) => end.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}
