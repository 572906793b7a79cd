import { useLayoutEffect, useState } from 'preact/hooks'
import { CarrelError } from '../../client/index.ts'
import type { Session } from '../session.ts'
import { type KeptUpload, keptOf, type UploadSaying } from './kept.ts'
import { Upload } from './upload.ts'

// The uploads of who is signed in, whatever view is open. Those of an earlier page are there too: they go on once their
// file has been chosen again.

/** More of them at once are no faster, and each has parts on their way. */
const SENDING_AT_ONCE = 3

let session: Session | undefined
let uploads: readonly Upload[] = []
const listeners = new Set<() => void>()

function changed(): void {
  const waiting = uploads.filter(({ state }) => state === 'waiting')
  const free = SENDING_AT_ONCE - uploads.filter(({ state }) => state === 'sending').length
  for (const upload of waiting.slice(0, Math.max(0, free))) upload.send()
  for (const listener of listeners) listener()
}

export async function openUploads(of: Session): Promise<void> {
  closeUploads()
  session = of
  const kept = await keptOf(of.owner)
  uploads = kept.map((one) => new Upload(of.carrel, one, changed))
  changed()
}

/** Whoever signs in next sees nothing of them. */
export function closeUploads(): void {
  const before = uploads
  uploads = []
  session = undefined
  for (const upload of before) upload.pause()
  changed()
}

/** As far as a browser says it, whether this is the file that the upload was begun for. */
const isOf = (file: File, { kept }: Upload): boolean =>
  file.name === kept.name && file.size === kept.size && file.lastModified === kept.lastModified

/** @throws CarrelError `source_changed` for another file than the upload's */
export function giveFile(upload: Upload, file: File): void {
  if (!isOf(file, upload)) {
    throw new CarrelError(
      `This is not the file that was begun: its name, size or date differ. Choose ${upload.kept.name} as it was.`,
      { code: 'source_changed' },
    )
  }
  upload.give(file)
}

function keptFor(owner: string, file: File, saying: UploadSaying): KeptUpload {
  const { name, size, type, lastModified } = file
  const mediaType = type === '' ? 'application/octet-stream' : type
  const id = crypto.randomUUID()
  return { owner, id, name, size, mediaType, lastModified, addedAt: Date.now(), saying, saved: undefined, arrived: 0 }
}

/** Begins to send files, or goes on with those that wait for one of them. */
export function addFiles(files: readonly File[], saying: UploadSaying): void {
  if (session === undefined) return
  const { carrel, owner } = session
  const added = files.flatMap((file) => {
    const waiting = uploads.find((upload) => upload.state === 'fileless' && isOf(file, upload))
    if (waiting !== undefined) {
      waiting.give(file)
      return []
    }
    const upload = new Upload(carrel, keptFor(owner, file, saying), changed)
    upload.give(file)
    return [upload]
  })
  uploads = [...uploads, ...added]
  changed()
}

/** Takes one off the list; what is not finished is given up. */
export async function remove(upload: Upload): Promise<void> {
  await upload.giveUp()
  uploads = uploads.filter((one) => one !== upload)
  changed()
}

export function removeDone(): void {
  uploads = uploads.filter(({ state }) => state !== 'done')
  changed()
}

export async function giveUpAll(): Promise<void> {
  // Those that wait come first, or one would begin in place of another.
  for (const upload of uploads.toReversed()) upload.pause()
  await Promise.allSettled(uploads.map(remove))
}

export const unfinished = (all: readonly Upload[]): readonly Upload[] => all.filter(({ state }) => state !== 'done')

/** The uploads, as they are now and whenever they change. */
export function useUploads(): readonly Upload[] {
  const [, setRound] = useState(0)
  // As soon as it is shown: what changes between that and a later effect would never be told.
  useLayoutEffect(() => {
    const tell = () => setRound((round) => round + 1)
    listeners.add(tell)
    return () => {
      listeners.delete(tell)
    }
  }, [])
  return uploads
}

/** Counts those that were finished, for lists that have more in them now. */
export const useDone = (): number => useUploads().filter(({ state }) => state === 'done').length
