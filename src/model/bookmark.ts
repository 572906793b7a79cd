/**
 * A place in the history of a database, as D1 tells it. Not secret: whoever makes one up reads their own things late. One
 * of another database than the first begins with its number.
 */
export type Bookmark = string & { readonly bookmark: true }

const OF_DATABASE = '[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}'
/** D1's own shape. Its words for other kinds of session (`first-unconstrained`) are not for callers to say. */
export const BOOKMARK = new RegExp(`^(?:[1-9][0-9]{0,3}\\.)?${OF_DATABASE}$`)

export const bookmarkOf = (database: number, bookmark: string): Bookmark =>
  (database === 0 ? bookmark : `${database}.${bookmark}`) as Bookmark // D1's own, and whose it is

/** What D1 is told of a caller's bookmark; undefined: it is none, or one of another database. */
export function bookmarkFor(database: number, text: string): string | undefined {
  if (!BOOKMARK.test(text)) return undefined
  const [own, of] = text.split('.').toReversed()
  return Number(of ?? 0) === database ? own : undefined
}
