import type { Document, File, Grant, Report, Version } from '../model/entities.ts'
import { cursorInvalid } from '../model/errors.ts'
import type { StudyId } from '../model/ids.ts'
import type { Page, PageRequest } from '../model/page.ts'
import type { Principal } from '../model/principal.ts'
import type { VersionPlace } from '../storage/belongings.ts'
import { decodeCursor, encodeCursor } from '../storage/cursor.ts'
import { dispositionOf, servedMediaType } from './disposition.ts'
import { accessTo, rules } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

/** Links of a manifest are to be followed one after the other, for as long as that takes. */
const LINK_SECONDS = 6 * 3_600
const ITEMS_AT_ONCE = 100
/** An invocation may ask D1 a thousand times, and sign for as long as it has CPU: past this a manifest goes on in another. */
const MAX_ITEMS = 5_000
const MAX_STRETCHES = 80

/** One thing that a manifest names. `url` is null where the caller may not have the bytes, or there are none. */
export type Item =
  | { kind: 'file'; file: File; version: Version | undefined; url: string | null }
  | { kind: 'document'; document: Document }
  | { kind: 'report'; report: Report }
  /** A file that the participant shares with somebody. */
  | { kind: 'grant'; grant: Grant }
  /** A file that somebody shares with the participant. */
  | { kind: 'shared'; grant: Grant }

/** What a manifest ends with, and only if nothing is missing from it: where the next one goes on, null for nowhere. */
export type End = { kind: 'end'; nextCursor: string | null }
export type Manifest = AsyncGenerator<Item | End>

/** Something that is listed in stretches, by cursors of its own. */
export type Listing = Readonly<{
  name: string
  stretch: (
    cursor: string | undefined,
  ) => Promise<{ items: Iterable<Item> | AsyncIterable<Item>; nextCursor: string | null }>
}>

export type Walk = Readonly<{
  listings: readonly Listing[]
  cursor: string | undefined
  /** Throws once the caller may not have the manifest any more: then a stretch may have come back empty for that. */
  stillMay: () => Promise<unknown>
}>

const MANIFEST = 'manifest'

/**
 * One listing after the other, fetched as it is walked through: nothing but a stretch is held. The first stretch is
 * fetched before this answers, so that what is wrong from the start is not found out half-way.
 * @throws DomainError `cursor_invalid`
 */
export async function manifestOf(walked: Walk): Promise<Manifest> {
  const items = walk(walked)
  const first = await items.next()
  return (async function* begun() {
    if (first.done !== true) yield first.value
    yield* items
  })()
}

async function* walk({ listings, cursor, stillMay }: Walk): Manifest {
  const [from, inner] = decodeCursor(MANIFEST, cursor) ?? [listings[0]?.name, undefined]
  const begin = listings.findIndex(({ name }) => name === from)
  if (begin === -1) throw cursorInvalid()
  let [named, stretches] = [0, 0]
  for (const listing of listings.slice(begin)) {
    let place = listing.name === from ? inner : undefined
    do {
      const { items, nextCursor } = await listing.stretch(place)
      for await (const item of items) {
        yield item
        named += 1
      }
      place = nextCursor ?? undefined
      stretches += 1
      if (place !== undefined && (named >= MAX_ITEMS || stretches >= MAX_STRETCHES)) {
        await stillMay()
        yield { kind: 'end', nextCursor: encodeCursor(MANIFEST, [listing.name, place]) }
        return
      }
    } while (place !== undefined)
  }
  await stillMay()
  yield { kind: 'end', nextCursor: null }
}

/** A listing whose pages are stretches. */
export const listingOf = <Found>(
  name: string,
  page: (page: PageRequest) => Promise<Page<Found>>,
  item: (found: Found) => Item,
): Listing => ({
  name,
  async stretch(cursor) {
    const { items, nextCursor } = await page({ limit: ITEMS_AT_ONCE, cursor })
    return { items: items.map(item), nextCursor }
  },
})

/** Files, each with all its versions, the latest first, and links to those whose content the caller may have. */
export const filesOf = (
  { scope, study, principal }: { scope: Scope; study: StudyId; principal: Principal },
  page: (page: PageRequest) => Promise<Page<File>>,
): Listing => ({
  name: 'files',
  async stretch(cursor) {
    const { items: files, nextCursor } = await page({ limit: ITEMS_AT_ONCE, cursor })
    return { items: withVersions(scope, study, { files, principal }), nextCursor }
  },
})

async function* withVersions(
  scope: Scope,
  study: StudyId,
  { files, principal }: { files: readonly File[]; principal: Principal },
): AsyncGenerator<Item> {
  const complete = new Map(files.filter(({ content }) => content.status === 'complete').map((file) => [file.id, file]))
  for (const file of files) {
    if (!complete.has(file.id)) yield { kind: 'file', file, version: undefined, url: null }
  }
  let after: VersionPlace | undefined
  do {
    const { versions, next } = await scope.stores.belongings.versions(callerIn(scope, study), [...complete.keys()], {
      rule: rules.fileMetadata,
      after,
    })
    for (const version of versions) {
      const file = complete.get(version.file)
      if (file === undefined) continue
      const mayRead = accessTo(file, principal) === 'content'
      yield { kind: 'file', file, version, url: mayRead ? await linkTo(scope, version) : null }
    }
    after = next
  } while (after !== undefined)
}

const linkTo = async (scope: Scope, { objectKey, name, mediaType }: Version): Promise<string> =>
  scope.stores.presigner.download({
    objectKey,
    method: 'GET',
    now: scope.now,
    expiresSeconds: LINK_SECONDS,
    disposition: dispositionOf(name, mediaType),
    mediaType: servedMediaType(mediaType),
  })
