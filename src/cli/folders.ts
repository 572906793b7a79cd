import { lstat, readdir, stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { usage } from './failures.ts'
import { isMissing } from './private-files.ts'
import { shown } from './shown.ts'

/** A file of this machine that is to be sent, and what it is to be called. */
export type Local = Readonly<{ path: string; name: string; size: number; mtimeMs: number }>

async function statOf(path: string) {
  try {
    return await stat(path)
  } catch (failure) {
    throw isMissing(failure) ? usage(`There is no ${shown(path)} here.`) : failure
  }
}

type Left = (path: string) => void

async function* inFolder(path: string, name: string, left: Left): AsyncGenerator<Local> {
  const entries = await readdir(path, { withFileTypes: true })
  for (const entry of entries.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
    const [inside, called] = [join(path, entry.name), `${name}/${entry.name}`]
    if (entry.isDirectory()) yield* inFolder(inside, called, left)
    else if (entry.isFile()) yield { path: inside, name: called, ...(await factsOf(inside)) }
    // A link may lead anywhere, and round in circles; whoever means what is there names it.
    else left(inside)
  }
}

const factsOf = async (path: string) => {
  const { size, mtimeMs } = await lstat(path)
  return { size, mtimeMs }
}

/** The files that are named, and those in the folders that are, called by their way from there on. */
export async function localFiles(cwd: string, paths: readonly string[], left: Left): Promise<Local[]> {
  const found: Local[] = []
  for (const given of paths) {
    const path = resolve(cwd, given)
    const facts = await statOf(path)
    if (facts.isDirectory()) for await (const file of inFolder(path, basename(path), left)) found.push(file)
    else if (facts.isFile()) found.push({ path, name: basename(path), size: facts.size, mtimeMs: facts.mtimeMs })
    else throw usage(`${shown(path)} is neither a file nor a folder.`)
  }
  // Named twice, it is sent once.
  return [...new Map(found.map((file) => [file.path, file])).values()]
}
