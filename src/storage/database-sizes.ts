import type { Databases } from './databases.ts'

export const databaseSizeStore = (db: Databases) => ({
  /** Looks how large the databases have grown, by which new studies are placed; answers how many there are. */
  async measure(now: Date): Promise<number> {
    const { places, all } = db
    if (places === undefined) return 0
    const sizes = await Promise.all(all.map(async (each, database) => ({ database, bytes: await each.bytes() })))
    await places.measured(now, sizes)
    return sizes.length
  },
})
