import { reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { runtimeOf } from '../../src/runtime.ts'
import { bound } from './bound.ts'

/** Empties whatever is stored: D1 has not even tables then. */
export async function emptyStorage(): Promise<void> {
  const tables = async () =>
    env.DB.prepare(`SELECT count(*) AS tables FROM sqlite_schema WHERE name NOT GLOB '_cf_*'`).first<number>('tables')
  // What nobody has asked for a while is asleep, and of what sleeps nothing is emptied.
  await Promise.all([tables(), env.BUCKET.head('-'), env.TOKENS.get('-')])
  await reset()
  const { objects } = await env.BUCKET.list({ limit: 1 })
  const { keys } = await env.TOKENS.list({ limit: 1 })
  if (objects.length + keys.length + ((await tables()) ?? 0) > 0) throw new Error('Something is left.')
  // A study's number is its own for ever, but for this; so isolates remember whose it is.
  const { places, numbers, hosts } = runtimeOf(bound).remembered
  for (const each of [places, numbers, hosts]) each.clear()
}
