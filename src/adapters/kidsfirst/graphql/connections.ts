import type { GraphQLResolveInfo } from 'graphql'
import type { Page, PageRequest } from '../../../model/page.ts'
import { askedWrongly } from './errors.ts'
import { said } from './optional.ts'

/** As many nodes as a connection tells at once. */
const MAX_PAGE = 250
/** As many as one tells to those who do not say how many: within another node, where there are many of them, fewer. */
export const defaultPage = (parentType: string): number => (parentType === 'Query' ? MAX_PAGE : 100)

/** What of a connection is asked for. */
export type Paging = Readonly<{
  first?: number | null
  after?: string | null
  last?: number | null
  before?: string | null
}>

function limitOf(name: 'first' | 'last', asked: number | null | undefined, info: GraphQLResolveInfo): number {
  const { fieldName, parentType } = info
  if (asked === null || asked === undefined) return defaultPage(parentType.name)
  if (asked < 0) throw askedWrongly(`Argument "${name}" must be a non-negative integer.`)
  if (asked > MAX_PAGE)
    throw askedWrongly(
      `Requesting ${asked} records on the \`${fieldName}\` connection exceeds the \`${name}\` limit of ${MAX_PAGE} records.`,
    )
  return asked
}

const isGiven = (value: unknown) => value !== null && value !== undefined

/** What a connection that only goes forwards is asked for. @throws Refused for what goes backwards, or is too much */
export function forwards(paging: Paging, info: GraphQLResolveInfo): PageRequest {
  if (isGiven(paging.last) || isGiven(paging.before))
    throw askedWrongly(`\`${info.fieldName}\` goes forwards only: ask for it by \`first\` and \`after\`.`)
  return { limit: limitOf('first', paging.first, info), cursor: said(paging.after) }
}

/** The same of a connection whose end can be asked for by `last` alone. */
export function eitherWay(paging: Paging, info: GraphQLResolveInfo): PageRequest & { fromEnd: boolean } {
  if (!isGiven(paging.last)) return { ...forwards(paging, info), fromEnd: false }
  if (isGiven(paging.first) || isGiven(paging.before) || isGiven(paging.after))
    throw askedWrongly(`\`last\` of \`${info.fieldName}\` stands alone: its pages are \`first\` and \`after\`.`)
  return { limit: limitOf('last', paging.last, info), cursor: undefined, fromEnd: true }
}

export type Edge<Node> = Readonly<{ node: Node; cursor: () => string }>
export type Connection<Node> = Readonly<{
  edges: readonly Edge<Node>[]
  pageInfo: Readonly<{
    hasNextPage: boolean
    hasPreviousPage: boolean
    startCursor: () => string | undefined
    endCursor: () => string | undefined
  }>
}>

/** Whether there are nodes beyond those on the page, and from where on, if that is further than after its last one. */
type Around = Readonly<{ next?: boolean; previous?: boolean; end?: string | undefined }>

export const connectionOf = <Node>(
  edges: readonly Edge<Node>[],
  { next = false, previous = false, end }: Around = {},
): Connection<Node> => ({
  edges,
  pageInfo: {
    hasNextPage: next,
    hasPreviousPage: previous,
    startCursor: () => edges[0]?.cursor(),
    // A page may be short, or empty, and the next one begin at a place that no node is at.
    endCursor: () => end ?? edges.at(-1)?.cursor(),
  },
})

/** A connection of which there is nothing here. */
export const EMPTY: Connection<never> = connectionOf([])

/** Where the page goes on after each of its items. */
export function cursorsOf({ cursorAfter }: Page<unknown>): (index: number) => string {
  return (index) => {
    if (cursorAfter === undefined) throw new Error('this listing has no cursor for an item')
    return cursorAfter(index)
  }
}

/** What was found by going forwards. */
export function connectionOfPage<Item, Node>(
  page: Page<Item>,
  { cursor }: PageRequest,
  nodeOf: (item: Item) => Node,
): Connection<Node> {
  const cursorAfter = cursorsOf(page)
  return connectionOf(
    page.items.map((item, index) => ({ node: nodeOf(item), cursor: () => cursorAfter(index) })),
    { next: page.nextCursor !== null, previous: cursor !== undefined, end: page.nextCursor ?? undefined },
  )
}
