import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { getMimeType } from 'hono/utils/mime'
import { CarrelError, type File, type SavedUpload, type UploadOptions } from '../client/index.ts'
import { fromPath } from '../client/node.ts'
import type { Desk, Signed } from './desk.ts'
import type { Local } from './folders.ts'
import type { Kept, Memory } from './memory.ts'
import type { Bar, Progress } from './progress.ts'

export type Details = Omit<UploadOptions, 'onProgress' | 'onUpload' | 'resume' | 'signal' | 'sha256' | 'name'>

export type Sending = Readonly<{
  desk: Desk
  signed: Signed
  memory: Memory
  progress: Progress
  /** What is said of each. */
  details: Details
  /** Its path is its handle. */
  byPath: boolean
  partsAtOnce: number
}>

/** From here on in parts, so that what is interrupted loses little; the service's own threshold is for better links. */
const IN_PARTS_FROM_BYTES = 16 * 1024 ** 2

async function sha256Of(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash, { signal })
  return hash.digest('hex')
}

/** The upload has ended, or its file, or it was begun for other bytes: there is nothing to go on with. */
const OVER: readonly string[] = [
  'upload_not_found',
  'file_not_found',
  'upload_lost',
  'source_changed',
  'idempotency_key_reused',
]
const isOver = (failure: unknown) => failure instanceof CarrelError && OVER.includes(failure.code)

/** A file that an earlier run of this command has brought there; undefined if it is not there any more. */
async function already({ signed, desk }: Sending, id: string): Promise<File | undefined> {
  try {
    const { etag: _etag, ...file } = await signed.carrel.files.get(id, desk.call)
    return file
  } catch (failure) {
    if (isOver(failure)) return undefined
    throw failure
  }
}

/** What was kept of a file, unless it is another by now. */
async function keptOf({ memory }: Sending, { path, size, mtimeMs }: Local): Promise<Kept> {
  const kept = await memory.read(path)
  if (kept !== undefined && kept.size === size && kept.mtimeMs === mtimeMs) return kept
  const fresh = { size, mtimeMs, beginning: randomUUID() }
  await memory.keep(path, fresh)
  return fresh
}

const resumeOf = (kept: Kept): { resume?: SavedUpload } => (kept.upload === undefined ? {} : { resume: kept.upload })

async function upload(sending: Sending, local: Local, { kept, bar }: { kept: Kept; bar: Bar }): Promise<File> {
  const { desk, signed, memory, details, byPath, partsAtOnce } = sending
  const { path, name, size } = local
  const mediaType = details.mediaType ?? getMimeType(name)
  return signed.carrel.files.upload(await fromPath(path), {
    ...details,
    name,
    ...(mediaType === undefined ? {} : { mediaType }),
    ...(byPath ? { handle: name } : {}),
    ...(size >= IN_PARTS_FROM_BYTES ? { upload: 'multipart' } : {}),
    sha256: await sha256Of(path, desk.signal),
    ...resumeOf(kept),
    idempotencyKey: kept.beginning,
    partsAtOnce,
    signal: desk.signal,
    onProgress: ({ confirmedBytes }) => bar.move(confirmedBytes),
    onUpload: async (saved) => memory.keep(path, { ...kept, upload: { ...saved, parts: [...saved.parts] } }),
  })
}

/** Sends one file, from where an earlier run of the same command left it. */
export async function send(sending: Sending, local: Local): Promise<File> {
  const { memory, progress } = sending
  const kept = await keptOf(sending, local)
  const there = kept.file === undefined ? undefined : await already(sending, kept.file)
  if (there !== undefined) return there
  const bar = progress.begin(local.name, local.size)
  try {
    const file = await upload(sending, local, { kept, bar }).catch(async (failure: unknown) => {
      if (!isOver(failure)) throw failure
      const { size, mtimeMs } = kept
      return upload(sending, local, { kept: { size, mtimeMs, beginning: randomUUID() }, bar })
    })
    bar.move(local.size)
    await memory.keep(local.path, { ...kept, file: file.id })
    return file
  } finally {
    bar.end()
  }
}
