/** A place in the history of the database, as D1 tells it. Not secret: whoever makes one up reads their own things late. */
export type Bookmark = string & { readonly bookmark: true }

/** D1's own shape. Its words for other kinds of session (`first-unconstrained`) are not for callers to say. */
export const BOOKMARK = /^[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{32}$/

export const isBookmark = (text: string): text is Bookmark => BOOKMARK.test(text)
