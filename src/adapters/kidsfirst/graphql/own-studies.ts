import { z } from 'zod'
import { listOwnStudies } from '../../../domain/studies.ts'
import { cursorInvalid, type DomainError, failedWith } from '../../../model/errors.ts'
import type { StudyId } from '../../../model/ids.ts'
import type { Page, PageRequest } from '../../../model/page.ts'
import { type Connection, connectionOf, cursorsOf, type Edge } from './connections.ts'
import type { GraphqlContext } from './context.ts'

// Lists that upstream has of everything are here of the caller's studies, one after the other.

/** How many studies are looked at for one page: past that it is short, and has a next one. */
const STUDIES_PER_PAGE = 5

/**
 * Where a page begins: after a place of the list of studies, and there, in the first study if it is still the one of this
 * number, after a place of its own list.
 */
const Place = z.tuple([z.number(), z.string().nullable(), z.string().nullable()])
type Place = Readonly<{ study: number; after: string | undefined; within: string | undefined }>

const encode = ({ study, after, within }: Place): string => btoa(JSON.stringify([study, after ?? null, within ?? null]))

function decode(cursor: string | undefined): Place {
  if (cursor === undefined) return { study: 0, after: undefined, within: undefined }
  try {
    const [study, after, within] = Place.parse(JSON.parse(atob(cursor)))
    return { study, after: after ?? undefined, within: within ?? undefined }
  } catch {
    // Whatever is wrong with it, the caller is told the same.
  }
  throw cursorInvalid()
}

/** What one study has on such a list. */
type Listing<Item> = (study: StudyId, page: PageRequest) => Promise<Page<Item>>
const NOTHING: Page<never> = { items: [], nextCursor: null }

/** Asks one study after the other. A refusal is one only where every study that was asked has refused. */
function asker<Item>({ trip }: GraphqlContext, list: Listing<Item>) {
  let answered = false
  let refusal: DomainError | undefined
  return {
    ask: async (study: StudyId, page: PageRequest): Promise<Page<Item>> => {
      trip()
      try {
        const found = await list(study, page)
        answered = true
        return found
      } catch (failure) {
        // Some may list what is in one of their studies and not in another, or have left it by now.
        if (!failedWith(failure, 'forbidden', 'study_not_found')) throw failure
        refusal = failure
        return NOTHING
      }
    },
    requireAnswered: () => {
      if (!answered && refusal !== undefined) throw refusal
    },
  }
}

/**
 * A page of what the caller's studies have, by the studies' numbers.
 * @throws DomainError `forbidden` where none of them lets the caller list it; `cursor_invalid`
 */
export async function acrossStudies<Item>(
  context: GraphqlContext,
  { limit, cursor }: PageRequest,
  list: Listing<Item>,
): Promise<Connection<Item>> {
  const from = decode(cursor)
  context.trip()
  const studies = await listOwnStudies(context.scope, { limit: STUDIES_PER_PAGE, cursor: from.after })
  const cursorAfter = cursorsOf(studies)
  const { ask, requireAnswered } = asker(context, list)
  const edges: Edge<Item>[] = []
  const upTo = (end: Place | undefined) =>
    connectionOf(edges, { next: end !== undefined, previous: cursor !== undefined, end: end && encode(end) })
  for (const [index, { id, number }] of studies.items.entries()) {
    const here = { study: number, after: index === 0 ? from.after : cursorAfter(index - 1) }
    if (edges.length >= limit) return upTo({ ...here, within: undefined })
    const within = number === from.study ? from.within : undefined
    const page = await ask(id, { limit: limit - edges.length, cursor: within })
    const cursorWithin = cursorsOf(page)
    edges.push(
      ...page.items.map((node, item) => ({ node, cursor: () => encode({ ...here, within: cursorWithin(item) }) })),
    )
    if (page.nextCursor !== null) return upTo({ ...here, within: page.nextCursor })
  }
  requireAnswered()
  const next = studies.nextCursor
  return upTo(next === null ? undefined : { study: 0, after: next, within: undefined })
}
