/**
 * One ETag that holds what `opaque` matches, or `*`. Also a weak one, which by RFC 9110 (section 13.1.1) would never match:
 * what packs an answer on its way makes its ETag weak, as Cloudflare does with JSON for all who take it packed, and clients
 * give back what they were given. What is named is a revision, however its bytes were packed.
 */
export const etagPattern = (opaque: string): RegExp => new RegExp(String.raw`^(?:\*|(?:W/)?"${opaque}")$`)

/** What stands between the quotes of an ETag, weak or not. */
export const opaqueOf = (etag: string): string => etag.replace(/^W\//, '').slice(1, -1)

/** Whether an If-None-Match header names this ETag (RFC 9110 section 13.1.2: any of a list, weakly compared). */
export const namesEtag = (ifNoneMatch: string | undefined, etag: string): boolean =>
  ifNoneMatch !== undefined &&
  (ifNoneMatch.trim() === '*' || ifNoneMatch.split(',').some((each) => each.trim().replace(/^W\//, '') === etag))
