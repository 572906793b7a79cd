import { createHash } from 'node:crypto'
import { lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { isMissing, readIfThere, writePrivately } from './private-files.ts'

// What a command that was interrupted has to know to go on: a file for each file, in a folder for each command. It holds
// ids and sizes: no name, no secret.

const Saved = z.object({
  study: z.string(),
  file: z.string(),
  upload: z.string(),
  size: z.number(),
  sha256: z.string().nullable(),
  parts: z.array(z.object({ number: z.number(), etag: z.string() })),
})
const Kept = z.object({
  size: z.number(),
  mtimeMs: z.number(),
  /** What it is begun under, so that it is begun once. */
  beginning: z.string(),
  upload: Saved.optional(),
  /** It is there. */
  file: z.string().optional(),
})
export type Kept = z.infer<typeof Kept>

/** Uploads have ended by then. */
const MAX_AGE_MS = 14 * 86_400_000

const hashOf = (facts: unknown) => createHash('sha256').update(JSON.stringify(facts)).digest('hex')

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (failure) {
    if (isMissing(failure)) return []
    throw failure
  }
}

async function forgetOld(home: string): Promise<void> {
  for (const name of await namesIn(home)) {
    const folder = join(home, name)
    const { mtimeMs } = await lstat(folder)
    if (Date.now() - mtimeMs > MAX_AGE_MS) await rm(folder, { recursive: true, force: true })
  }
}

export class Memory {
  readonly #folder: string

  private constructor(folder: string) {
    this.#folder = folder
  }

  /** @param command all that makes it the same command again, by the same caller */
  static async of(home: string, command: readonly unknown[]): Promise<Memory> {
    await forgetOld(home)
    return new Memory(join(home, hashOf(command)))
  }

  #pathOf(path: string): string {
    return join(this.#folder, `${hashOf(path)}.json`)
  }

  /** Undefined where nothing is known, or what is there is not to be read: then it begins anew. */
  async read(path: string): Promise<Kept | undefined> {
    const text = await readIfThere(this.#pathOf(path))
    if (text === undefined) return undefined
    try {
      return Kept.parse(JSON.parse(text))
    } catch {
      return undefined
    }
  }

  async keep(path: string, kept: Kept): Promise<void> {
    await writePrivately(this.#pathOf(path), JSON.stringify(kept))
  }

  async forget(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}
