import type { Scope } from './scope.ts'

/**
 * What several databases need beside the studies in them: how much room there is in each, and the keys that open every
 * study. With one there is nothing to do, and nothing to tell.
 */
export async function tendDatabases({ stores, now }: Scope): Promise<{ tendedDatabases?: number }> {
  const tendedDatabases = await stores.databaseSizes.measure(now)
  if (tendedDatabases === 0) return {}
  await stores.downloadKeys.spread()
  return { tendedDatabases }
}
