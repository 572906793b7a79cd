import { type Carrel, CarrelError, type SavedUpload, type UploadProgress } from '../../client/index.ts'
import { forget, hold, keep, type KeptUpload } from './kept.ts'

/** `fileless`: it was begun by an earlier page, which had the file. */
export type UploadState = 'fileless' | 'waiting' | 'sending' | 'paused' | 'failed' | 'done'

/** Sent in parts from here on: what has arrived of it stays where it was when the rest is paused, or lost. */
const PARTS_FROM_BYTES = 8 * 1024 * 1024
const PARTS_AT_ONCE = 3

const hexOf = (bytes: ArrayBuffer): string =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')

/** Of what is sent whole: storage then checks that it is what was read here. */
async function checksumOf(file: File): Promise<{ sha256?: string }> {
  if (file.size >= PARTS_FROM_BYTES) return {}
  return { sha256: hexOf(await crypto.subtle.digest('SHA-256', await file.arrayBuffer())) }
}

const unlessSettled = (failure: unknown): void => {
  if (!(failure instanceof CarrelError) || failure.code !== 'upload_not_found') throw failure
}

/** One file on its way. Whatever happens to the page, what is kept of it is enough to go on. */
export class Upload {
  kept: KeptUpload
  state: UploadState = 'fileless'
  progress: UploadProgress
  failure: unknown
  /** The id of the file that it has become, or will. */
  result: string | undefined
  #file: File | undefined
  #sending: { calling: AbortController; ended: Promise<void> } | undefined
  readonly #carrel: Carrel
  readonly #changed: () => void

  constructor(carrel: Carrel, kept: KeptUpload, changed: () => void) {
    this.#carrel = carrel
    this.#changed = changed
    this.kept = kept
    this.result = kept.saved?.file
    this.progress = { confirmedBytes: kept.arrived, inFlightBytes: 0, totalBytes: kept.size }
  }

  give(file: File): void {
    hold(this.kept)
    this.#file = file
    this.#become('waiting')
  }

  pause(): void {
    if (this.state !== 'sending' && this.state !== 'waiting') return
    this.#sending?.calling.abort()
    this.#become('paused')
  }

  resume(): void {
    this.#become(this.#file === undefined ? 'fileless' : 'waiting')
  }

  send(): void {
    const before = this.#sending?.ended
    const calling = new AbortController()
    this.#sending = { calling, ended: this.#run(calling.signal, before) }
    this.state = 'sending'
  }

  /** What had arrived goes, and a new file goes with it. One that was complete a moment before stays. */
  async giveUp(): Promise<void> {
    this.pause()
    await this.#sending?.ended
    const { saved } = this.kept
    if (this.state !== 'done' && saved !== undefined) {
      await this.#carrel.uploads.abandon(saved.upload).catch(unlessSettled)
    }
    await forget(this.kept)
  }

  #become(state: UploadState): void {
    this.state = state
    this.#changed()
  }

  async #run(signal: AbortSignal, before: Promise<void> | undefined): Promise<void> {
    // One that was paused a moment ago may still be putting down what has arrived.
    await before
    try {
      await this.#transfer(signal)
      await forget(this.kept)
      this.#become('done')
    } catch (failure) {
      if (signal.aborted) return
      this.failure = failure
      this.#become('failed')
    }
  }

  async #transfer(signal: AbortSignal): Promise<void> {
    const file = this.#file
    if (file === undefined) throw new CarrelError('Choose the file again.', { code: 'source_changed' })
    this.failure = undefined
    await keep(this.kept)
    const { id, name, size, mediaType, saying, saved } = this.kept
    const sent = await this.#carrel.files.upload(file, {
      ...saying,
      ...(await checksumOf(file)),
      name,
      mediaType,
      ...(size < PARTS_FROM_BYTES ? {} : { upload: 'multipart' }),
      signal,
      partsAtOnce: PARTS_AT_ONCE,
      // Whatever page asks: it begins once.
      idempotencyKey: `console-${id}`,
      ...(saved === undefined ? {} : { resume: saved }),
      onUpload: async (now) => this.#keep(now),
      onProgress: (progress) => {
        this.progress = progress
        this.#changed()
      },
    })
    this.result = sent.id
  }

  async #keep(saved: SavedUpload): Promise<void> {
    this.kept = { ...this.kept, saved, arrived: this.progress.confirmedBytes }
    this.result = saved.file
    await keep(this.kept)
  }
}
