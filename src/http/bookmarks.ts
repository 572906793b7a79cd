import { z } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { BOOKMARK, bookmarkOf } from '../model/bookmark.ts'
import type { AppEnv } from '../wire/context.ts'

// A read is answered by the primary database, wherever that is, so that nobody misses what was written before it. A
// caller that sends the bookmark of their last write is answered by the nearest replica that has come as far.

const example = '00000085-0000024c-00004c6d-8e61117bf38d7adb71b934ebbf891683'

/** What every read takes, and a write that looks first. */
export const BookmarkSent = z.object({
  'carrel-bookmark': z.string().regex(BOOKMARK, 'Must be a bookmark, as an answer gave it.').optional().openapi({
    description: "Of the caller's last write: the nearest copy of the database that knows of it may answer.",
    example,
  }),
})

/** What every write answers with. */
export const BookmarkTold = z.object({
  'Carrel-Bookmark': z.string().optional().openapi({
    description: 'For the reads that follow: whichever copy of the database answers them knows of this write.',
    example,
  }),
})

/**
 * For a write that looks before it writes, and whose writing asks all of it anew: what it looks at may come from nearby.
 */
export const lookNearby: MiddlewareHandler<AppEnv> = async (c, next) => {
  c.set('looksNearby', true)
  await next()
}

/** Says of a write where in the history of the database it is: of the one that was asked last, if it has moved. */
export const tellBookmark: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next()
  const [number, session] = [...(c.var.sessions ?? [])].at(-1) ?? [0, undefined]
  const bookmark = session?.getBookmark()
  if (c.res.ok && bookmark) c.res.headers.set('Carrel-Bookmark', bookmarkOf(number, bookmark))
}
