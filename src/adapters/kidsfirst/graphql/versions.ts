import { ulidToUUID } from 'ulid'
import {
  cursorAfterVersion,
  getReviewedVersion,
  listStudyVersions,
  type VersionOfFile,
} from '../../../domain/versions.ts'
import type { File } from '../../../model/entities.ts'
import { numbered } from '../access.ts'
import { downloadPath, fileIdOf, versionIdOf } from '../ids.ts'
import { type Connection, connectionOf, connectionOfPage, eitherWay, EMPTY, type Paging } from './connections.ts'
import { type Asking, type GraphqlContext, requireCaller } from './context.ts'
import { askedWrongly, saying } from './errors.ts'
import { globalIdOf } from './global-ids.ts'
import { said } from './optional.ts'
import { userOf } from './users.ts'
import type { Order } from './version-loader.ts'

export type VersionsAsked = Paging & Readonly<{ fileKfId?: string | null; orderBy?: string | null }>

const ORDERS: ReadonlyMap<string, Order> = new Map([
  ['created_at', 'oldest'],
  ['createdAt', 'oldest'],
  ['-created_at', 'newest'],
  ['-createdAt', 'newest'],
  ['', 'newest'],
])

/** The order in which versions were begun, which is that of their numbers. */
export function orderOf({ orderBy }: VersionsAsked): Order {
  const order = ORDERS.get(orderBy ?? '')
  if (order === undefined) throw askedWrongly('`orderBy` must be `created_at` or `-created_at`.')
  return order
}

/** The id that Carrel made, which is a time and eighty random bits, in the form of a UUID. */
export const uuidOf = (id: string): string => ulidToUUID(id.slice(id.indexOf('_') + 1).toUpperCase()).toLowerCase()

const kfIdOf = ({ version }: VersionOfFile) => versionIdOf(version.number)

export const versionFields = {
  id: (found: VersionOfFile) => globalIdOf('VersionNode', kfIdOf(found)),
  kfId: kfIdOf,
  uuid: ({ version }: VersionOfFile) => uuidOf(version.id),
  fileName: ({ version }: VersionOfFile) => version.name,
  size: ({ version }: VersionOfFile) => version.size,
  state: ({ version }: VersionOfFile) => version.review,
  description: ({ version }: VersionOfFile) => version.description,
  createdAt: ({ version }: VersionOfFile) => version.createdAt,
  downloadUrl: ({ file, version }: VersionOfFile, _: unknown, { context }: Asking) =>
    file.draft ? null : context.origin + downloadPath(file.study, { file: file.number, version: version.number }),
  validTypes: () => [],
  matchesTemplate: () => false,
  creator: ({ version }: VersionOfFile) => userOf(version.createdBy),
  rootFile: ({ file }: VersionOfFile) => (file.draft ? null : file),
  study: ({ file }: VersionOfFile) => ({ id: file.study }),
  analysis: () => null,
}

/** @throws DomainError `version_not_found`, also for one that the caller may not see */
export async function versionNamed(context: GraphqlContext, kfId: string | undefined): Promise<VersionOfFile> {
  requireCaller(context)
  const { study, number } = await numbered(context.c, kfId, 'FV')
  context.trip()
  return saying({ study_not_found: 'Version was not found' }, getReviewedVersion(context.scope, study, number))
}

/** The versions of a file: the first of them with those of all other files that are asked for at the same time. */
export async function versionsOfFile(
  file: File,
  asked: VersionsAsked,
  { context, info }: Asking,
): Promise<Connection<VersionOfFile>> {
  const order = orderOf(asked)
  const { limit, cursor, fromEnd } = eitherWay(asked, info)
  if ((said(asked.fileKfId) ?? fileIdOf(file.number)) !== fileIdOf(file.number)) return EMPTY
  if (cursor !== undefined) {
    context.trip()
    const page = { limit, cursor }
    const found = await listStudyVersions(context.scope, file.study, { file: file.id, order, page })
    return connectionOfPage(found, page, (each) => each)
  }
  const { items, more } = await context.versions.load({ file, order: fromEnd ? opposite(order) : order, limit })
  const inOrder = fromEnd ? items.toReversed() : items
  return connectionOf(
    inOrder.map((version) => ({ node: { file, version }, cursor: () => cursorAfterVersion(version, order) })),
    { next: more && !fromEnd, previous: more && fromEnd },
  )
}

const opposite = (order: Order): Order => (order === 'oldest' ? 'newest' : 'oldest')
