import type { GraphQLResolveInfo } from 'graphql'
import { listDownloadKeys } from '../../../domain/download-keys.ts'
import type { ApiKey } from '../../../model/entities.ts'
import { cursorInvalid } from '../../../model/errors.ts'
import { type Connection, connectionOf, forwards, type Paging } from './connections.ts'
import type { GraphqlContext } from './context.ts'
import { globalIdOf } from './global-ids.ts'
import { requireTokens } from './tokens.ts'
import { userOf } from './users.ts'

/** A developer token; its secret is known when it is made, and never again. */
export type DevToken = Readonly<{ key: ApiKey; secret?: string }>

/** As long as upstream's, whose first four characters are told. All of ours begin alike, so nothing of them is. */
const MASKED = `crl_${'*'.repeat(23)}`

export const devTokenFields = {
  id: ({ key }: DevToken) => globalIdOf('DevDownloadTokenNode', key.id),
  name: ({ key }: DevToken) => key.label,
  token: ({ secret }: DevToken) => secret ?? MASKED,
  createdAt: ({ key }: DevToken) => key.createdAt,
  lastUsedAt: ({ key }: DevToken) => key.lastUsedAt,
  creator: ({ key }: DevToken) => (key.issuedBy === null ? null : userOf(key.issuedBy)),
}

/** They are few, and found together: a page begins after one of them. */
export async function allDevTokens(
  paging: Paging,
  context: GraphqlContext,
  info: GraphQLResolveInfo,
): Promise<Connection<DevToken>> {
  const { limit, cursor } = forwards(paging, info)
  const { scope, study } = await requireTokens(context)
  context.trip()
  const keys = await listDownloadKeys(scope, study)
  const begin = cursor === undefined ? 0 : keys.findIndex(({ id }) => id === cursor) + 1
  if (cursor !== undefined && begin === 0) throw cursorInvalid()
  const shown = keys.slice(begin, begin + limit)
  return connectionOf(
    shown.map((key) => ({ node: { key }, cursor: () => key.id })),
    { next: begin + limit < keys.length, previous: begin > 0 },
  )
}
