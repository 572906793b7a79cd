import { settleMoves } from './moves.ts'
import type { Scope } from './scope.ts'

/**
 * What several databases need beside the studies in them: how much room there is in each, the keys that open every study,
 * and the end of moves whose driver died. With one there is nothing to do, and nothing to tell.
 */
export async function tendDatabases(scope: Scope): Promise<{ tendedDatabases?: number }> {
  const { stores, now } = scope
  const tendedDatabases = await stores.databaseSizes.measure(now)
  if (tendedDatabases === 0) return {}
  await stores.downloadKeys.spread()
  await settleMoves(scope)
  return { tendedDatabases }
}
