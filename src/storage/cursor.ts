import { z } from 'zod'
import { cursorInvalid } from '../model/errors.ts'
import type { Page } from '../model/page.ts'

/**
 * The place after which a page begins, as text that callers hand back unchanged. It names a place in the order, not a
 * row, so it survives inserts and deletes; the listing's name keeps one listing's cursor out of another.
 */
const POSITION = {
  number: z.tuple([z.string(), z.number().int(), z.string()]),
  text: z.tuple([z.string(), z.string(), z.string()]),
}
export type Place = readonly [sortKey: string | number, id: string]

const toBase64Url = (text: string) =>
  btoa(String.fromCharCode(...new TextEncoder().encode(text)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')

export const encodeCursor = (listing: string, [sortKey, id]: Place): string =>
  toBase64Url(JSON.stringify([listing, sortKey, id]))

/**
 * `sortKey`: what the listing is ordered by. To SQLite every text is more than any number, so one in place of the other
 * would begin the listing anew.
 * @throws DomainError `cursor_invalid` for what this listing did not make
 */
export function decodeCursor(
  listing: string,
  cursor: string | undefined,
  sortKey: keyof typeof POSITION = 'text',
): Place | undefined {
  if (cursor === undefined) return undefined
  try {
    const bytes = Uint8Array.from(atob(cursor.replaceAll('-', '+').replaceAll('_', '/')), (char) => char.charCodeAt(0))
    const decoded: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
    const [of, key, id] = POSITION[sortKey].parse(decoded)
    if (of === listing) return [key, id]
  } catch {
    // Whatever is wrong with it, the caller is told the same.
  }
  throw cursorInvalid()
}

/**
 * A page of `limit` from rows of which one more was asked for. `end`: the place up to which was looked, if that was not
 * as far as there is something to find; a page that is not full by then is short, and the next begins there.
 */
export function pageOf<Row, Item>(
  rows: readonly Row[],
  limit: number,
  of: { listing: string; place: (row: Row) => Place; item: (row: Row) => Item; end?: Place | undefined },
): Page<Item> {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const next = rows.length > limit && last !== undefined ? of.place(last) : of.end
  return {
    items: shown.map(of.item),
    nextCursor: next === undefined ? null : encodeCursor(of.listing, next),
    cursorAfter: (index) => {
      const row = shown[index]
      if (row === undefined) throw new RangeError('a page has no such item')
      return encodeCursor(of.listing, of.place(row))
    },
  }
}
