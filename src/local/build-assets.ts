// What browsers are given as files: the console and the API reference, as `dist/assets` has it for `[assets]` of wrangler.toml.

import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { consoleAssets } from './build-console.ts'
import { docsAssets } from './build-docs.ts'

/** A part of what is served: files by their paths, and its rules for `_headers`. */
export type Assets = Readonly<{
  files: readonly Readonly<{ path: string; contents: string | Uint8Array }>[]
  headers: string
}>

const sameBytes = (a: Uint8Array | undefined, b: Uint8Array): boolean => a !== undefined && Buffer.compare(a, b) === 0

async function readOrNothing(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Wrangler reads while this writes, and reads again when something changes: a file comes whole, and only where it is new. */
async function put(path: string, contents: Uint8Array, drafts: string): Promise<void> {
  if (sameBytes(await readOrNothing(path), contents)) return
  const draft = join(drafts, path.replaceAll(/[^\w.-]/g, '-'))
  await writeFile(draft, contents)
  await mkdir(dirname(path), { recursive: true })
  await rename(draft, path)
}

/** A page goes after what it names, and what is named no more goes last. */
const PAGES = /\.html$|_headers$/

export async function writeAssets(folder: string, project: string): Promise<void> {
  const parts: Assets[] = await Promise.all([consoleAssets(project), docsAssets(project)])
  const files = [
    ...parts.flatMap((part) => part.files),
    { path: '_headers', contents: parts.map(({ headers }) => headers).join('\n') },
  ]
  await mkdir(folder, { recursive: true })
  const drafts = await mkdtemp(join(dirname(folder), 'assets-'))
  try {
    const late = files.filter(({ path }) => PAGES.test(path))
    const early = files.filter(({ path }) => !PAGES.test(path))
    for (const group of [early, late]) {
      await Promise.all(group.map(async ({ path, contents }) => put(join(folder, path), Buffer.from(contents), drafts)))
    }
  } finally {
    await rm(drafts, { recursive: true })
  }
  const made = new Set(files.map(({ path }) => path))
  const found = await readdir(folder, { recursive: true, withFileTypes: true })
  const old = found
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !made.has(relative(folder, path)))
  await Promise.all(old.map(async (path) => rm(path, { force: true })))
}
