import { createHash } from 'node:crypto'
import { constants, createReadStream } from 'node:fs'
import { link, lstat, open, rename, rm } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { Api } from '../client/bind.ts'
import type { Desk, Signed } from './desk.ts'
import { damaged, isThere } from './failures.ts'
import { uniqueName } from './names.ts'
import { isMissing } from './private-files.ts'
import type { Progress } from './progress.ts'
import { shown } from './shown.ts'

export type Version = Awaited<ReturnType<Api['files']['version']>>
/** A version's bytes, and where they go. */
export type Wanted = Readonly<{
  file: string
  version: Pick<Version, 'id' | 'size' | 'md5' | 'sha256' | 'verified'>
  target: string
}>

const codeOf = (failure: unknown) => (failure instanceof Error && 'code' in failure ? failure.code : undefined)

/** How much is there; undefined where nothing is. */
export async function sizeAt(path: string): Promise<number | undefined> {
  try {
    return (await lstat(path)).size
  } catch (failure) {
    if (isMissing(failure)) return undefined
    throw failure
  }
}

/** Half of it, until all is there. A version never changes: what is there of it is its beginning. */
const partOf = ({ target, version }: Wanted) => `${target}.${uniqueName(version.id)}.part`

const APPEND = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | (constants.O_NOFOLLOW ?? 0)

type Saving = Readonly<{ desk: Desk; signed: Signed; progress: Progress; name: string }>

async function fetchRest({ desk, signed, progress, name }: Saving, wanted: Wanted): Promise<void> {
  const { version, file } = wanted
  const part = partOf(wanted)
  if (((await sizeAt(part)) ?? 0) > version.size) await rm(part)
  const from = (await sizeAt(part)) ?? 0
  const bar = progress.begin(name, version.size)
  const into = await open(part, APPEND, 0o600)
  try {
    bar.move(from)
    const coming = await signed.carrel.files.download(file, { version: version.id, from, signal: desk.signal })
    let size = from
    for await (const chunk of coming) {
      await into.writeFile(chunk)
      size += chunk.length
      bar.move(size)
    }
    await into.sync()
  } finally {
    await into.close()
    bar.end()
  }
}

async function isWhole(path: string, version: Wanted['version']): Promise<boolean> {
  if ((await sizeAt(path)) !== version.size) return false
  const { sha256, md5, verified } = version
  // What was only declared was never compared with the bytes.
  if (verified === 'no' || (sha256 ?? md5) === null) return true
  const hash = createHash(sha256 === null ? 'md5' : 'sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex') === (sha256 ?? md5)
}

/** Gives it its name, which is nobody else's. */
async function giveName(part: string, target: string): Promise<void> {
  try {
    await link(part, target)
    await rm(part)
  } catch (failure) {
    if (codeOf(failure) === 'EEXIST') throw mustNotBe(target)
    // This file system has one name for each file.
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'].includes(String(codeOf(failure)))) throw failure
    if ((await sizeAt(target)) !== undefined) throw mustNotBe(target)
    await rename(part, target)
  }
}

const mustNotBe = (target: string) => isThere(`${shown(target)} is there already: --force replaces it.`)

/** Brings a version's bytes to where they are wanted: under that name there is all of it, or what was there before. */
export async function save(saving: Saving, wanted: Wanted, { force = false }: { force?: boolean } = {}): Promise<void> {
  const { target, version } = wanted
  if (!force && (await sizeAt(target)) !== undefined) throw mustNotBe(target)
  await fetchRest(saving, wanted)
  const part = partOf(wanted)
  if (!(await isWhole(part, version))) {
    await rm(part)
    throw damaged('What came is not what was uploaded, and was thrown away. Get it again.')
  }
  await (force ? rename(part, target) : giveName(part, target))
}
