import type { Context } from 'hono'
import type { Page, PageRequest } from '../../model/page.ts'
import type { AppEnv } from '../../wire/context.ts'
import { isBlank } from './bodies.ts'
import { badRequest } from './errors.ts'

const DEFAULT_PAGE_SIZE = 50
const MIN_PAGE_SIZE = 5
const MAX_PAGE_SIZE = 100
const MAX_INTEGER = 2 ** 31

function pageSizeOf(text: string | undefined): number {
  if (isBlank(text)) return DEFAULT_PAGE_SIZE
  const size = Number(text)
  if (!/^[+-]?\d+$/.test(text) || size >= MAX_INTEGER || size < -MAX_INTEGER) {
    throw badRequest(`${text} is not an integer`)
  }
  if (size < MIN_PAGE_SIZE || size > MAX_PAGE_SIZE) {
    throw badRequest(`pageSize must be from ${MIN_PAGE_SIZE}-${MAX_PAGE_SIZE} records`)
  }
  return size
}

/** What a list is asked for: the page, and the parameters that its answer repeats. */
export type AskedPage = Readonly<{
  page: PageRequest
  params: Readonly<{ pageSize: number; offsetKey: string | undefined }>
}>

/** @throws DomainError `invalid_request` in Bridge's words */
export function pageAsked(c: Context<AppEnv>): AskedPage {
  const offsetKey = c.req.query('offsetKey')
  const pageSize = pageSizeOf(c.req.query('pageSize'))
  const cursor = isBlank(offsetKey) ? undefined : offsetKey
  return { page: { limit: pageSize, cursor }, params: { pageSize, offsetKey: cursor } }
}

/** A list that goes on from a key; `params` are repeated, as far as there are any. */
export const presentPage = <Item>({ items, nextCursor }: Page<Item>, params: Readonly<Record<string, unknown>> = {}) =>
  ({
    items,
    nextPageOffsetKey: nextCursor,
    hasNext: nextCursor !== null,
    requestParams: { ...params, type: 'RequestParams' },
    type: 'ForwardCursorPagedResourceList',
  }) as const
