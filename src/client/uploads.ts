import type { Api } from './bind.ts'
import type { Calls } from './calls.ts'
import { CarrelError } from './errors.ts'
import { putBytes } from './put.ts'
import { retried } from './retry.ts'
import { type Bytes, type Source, sourceOf } from './sources.ts'
import { sendParts, type SentPart } from './upload-parts.ts'

type Begin = Parameters<Api['files']['begin']>[0]
type Begun = Awaited<ReturnType<Api['files']['begin']>>
type Upload = Begun['upload']
type Multipart = Extract<Upload, { kind: 'multipart' }>
export type File = Begun['file']

/** All that is needed to go on in another process: plain JSON, without a secret in it. */
export type SavedUpload = Readonly<{
  study: string
  file: string
  upload: string
  size: number
  sha256: string | null
  /** Of an upload in parts: what storage has. */
  parts: readonly SentPart[]
}>

export type UploadProgress = Readonly<{ confirmedBytes: number; inFlightBytes: number; totalBytes: number }>

/** What is said of the file. */
type Said = Omit<Begin, 'size' | 'name' | 'mediaType'> &
  Readonly<{
    /** Those of a `File` by default. */
    name?: string
    mediaType?: string
  }>

/** How it is sent. */
type How = Readonly<{
  /** The owner's own name for it: a file that has it is replaced. */
  handle?: string
  /** Replace it only if it is still at this ETag. */
  ifMatch?: string
  onProgress?: (progress: UploadProgress) => void
  /** Called when it has begun, and with each part that has arrived: what to keep, to resume from. Waited for. */
  onUpload?: (saved: SavedUpload) => void | Promise<void>
  /** Goes on where that one was; what was said of the file then holds. */
  resume?: SavedUpload
  /** Ends the sending, and leaves what was sent to be resumed. */
  signal?: AbortSignal
  partsAtOnce?: number
  idempotencyKey?: string
}>
export type UploadOptions = Said & How

const HOW: Readonly<Record<keyof How, true>> = {
  handle: true,
  ifMatch: true,
  onProgress: true,
  onUpload: true,
  resume: true,
  signal: true,
  partsAtOnce: true,
  idempotencyKey: true,
}
const saidOf = (options: UploadOptions): Said =>
  Object.fromEntries(Object.entries(options).filter(([name]) => !Object.hasOwn(HOW, name)))

/** The service found other bytes than were declared, or not all: they are sent again. */
const SENT_AGAIN: readonly string[] = [
  'upload_incomplete',
  'upload_parts_missing',
  'upload_parts_rejected',
  'upload_size_mismatch',
  'upload_checksum_mismatch',
  'upload_lost',
]
const isSentAgain = (failure: unknown): boolean => failure instanceof CarrelError && SENT_AGAIN.includes(failure.code)
/** A resumed one completes first, as its bytes may be there. */
const MAX_ROUNDS = 3

/** The client's ways to the service, for transfers. */
export type Ways = Readonly<{ calls: Calls; study: string | undefined; api: Api; once: Api }>

/** Sends bytes, until the file has them. */
export async function uploadBytes(ways: Ways, bytes: Bytes, options: UploadOptions): Promise<File> {
  const source = sourceOf(bytes)
  return options.resume === undefined
    ? new Transfer(ways, source, options).begin()
    : new Transfer(ways, source, options).resume(options.resume)
}

class Transfer {
  readonly #ways: Ways
  readonly #source: Source
  readonly #options: UploadOptions
  readonly #call: { signal?: AbortSignal }
  #saved: SavedUpload | undefined
  #confirmedBytes = 0
  #inFlightBytes = 0

  constructor(ways: Ways, source: Source, options: UploadOptions) {
    this.#ways = ways
    this.#source = source
    this.#options = options
    this.#call = options.signal === undefined ? {} : { signal: options.signal }
  }

  async begin(): Promise<File> {
    const { file, upload: begun } = await this.#begun()
    await this.#save({
      study: file.study,
      file: file.id,
      upload: begun.id,
      size: this.#source.size,
      sha256: this.#options.sha256 ?? null,
      parts: [],
    })
    return this.#send(begun)
  }

  async resume(saved: SavedUpload): Promise<File> {
    const { sha256 } = this.#options
    const isOther = sha256 !== undefined && sha256 !== null && saved.sha256 !== null && sha256 !== saved.sha256
    if (saved.size !== this.#source.size || isOther) {
      throw new CarrelError('These are not the bytes that the upload was begun for.', { code: 'source_changed' })
    }
    this.#saved = saved
    const known = await this.#known(saved.upload)
    return known === undefined ? this.#complete(saved.upload) : this.#send(known)
  }

  async #begun(): Promise<Begun> {
    const { api } = this.#ways
    const source = this.#source
    const { handle, ifMatch, idempotencyKey } = this.#options
    const said = saidOf(this.#options)
    const name = said.name ?? source.name
    if (name === undefined) throw new CarrelError('Say the name of the file.', { code: 'invalid_request' })
    const mediaType = said.mediaType ?? source.mediaType ?? 'application/octet-stream'
    const file = { ...said, name, mediaType, size: source.size }
    if (handle === undefined) {
      return api.files.begin(file, { ...this.#call, ...(idempotencyKey === undefined ? {} : { idempotencyKey }) })
    }
    const { participant, ...content } = file
    const options = { ...this.#call, ...(ifMatch === undefined ? {} : { ifMatch }) }
    return api.handles.begin({ participant: participant ?? 'me', handle }, content, options)
  }

  /** What the service has of it; undefined where it has come to its end. Parts that were not told of are told of. */
  async #known(id: string): Promise<Upload | undefined> {
    const { api } = this.#ways
    const known = await api.uploads.get(id, this.#call).catch((failure: unknown) => {
      if (failure instanceof CarrelError && failure.code === 'upload_not_found') return undefined
      throw failure
    })
    if (known?.kind !== 'multipart') return known
    const told = new Set(known.parts.map(({ number }) => number))
    const untold = (this.#saved?.parts ?? []).filter(({ number }) => !told.has(number))
    return untold.length === 0 ? known : api.uploads.reportParts(id, { parts: untold }, this.#call)
  }

  async #send(begun: Upload): Promise<File> {
    let upload = begun
    for (let round = 1; ; round += 1) {
      try {
        // A round sends what the service does not have.
        if (upload.kind === 'multipart') await this.#sendParts(upload)
        if (upload.kind === 'single' && (upload.url !== undefined || round > 1)) await this.#sendWhole(upload)
        return await this.#complete(upload.id)
      } catch (failure) {
        if (round >= MAX_ROUNDS || !isSentAgain(failure)) throw failure
      }
      if (this.#saved !== undefined) await this.#save({ ...this.#saved, parts: [] })
      const again = await this.#known(upload.id)
      if (again === undefined) return this.#complete(upload.id)
      upload = again
    }
  }

  async #complete(id: string): Promise<File> {
    const file = await this.#ways.api.uploads.complete(id, this.#call)
    this.#confirmedBytes = this.#source.size
    this.#tell()
    return file
  }

  async #sendWhole(begun: Extract<Upload, { kind: 'single' }>): Promise<void> {
    const { calls, once } = this.#ways
    const { size } = this.#source
    await retried({ ...calls.retry, ...this.#call }, async (again) => {
      const told =
        again === undefined && begun.url !== undefined ? begun : await once.uploads.renewUrl(begun.id, this.#call)
      const { url = '', headers = {} } = told.kind === 'single' ? told : {}
      this.#fly(size)
      try {
        const signal = this.#options.signal ?? new AbortController().signal
        await putBytes(calls, this.#source, { url, headers, from: 0, to: size, signal })
      } finally {
        this.#fly(-size)
      }
    })
  }

  async #sendParts({ id, partBytes, partCount, parts }: Multipart): Promise<void> {
    const has = new Set(parts.map(({ number }) => number))
    this.#confirmedBytes = parts.reduce((sum, part) => sum + part.bytes, 0)
    this.#tell()
    const missing = Array.from({ length: partCount }, (_, index) => index + 1).filter((number) => !has.has(number))
    const { partsAtOnce = 4, signal } = this.#options
    await sendParts(
      {
        ...this.#ways,
        source: this.#source,
        partsAtOnce,
        signal,
        onFlight: (bytes) => this.#fly(bytes),
        onPart: async ({ number, etag, bytes }) => {
          this.#confirmedBytes += bytes
          this.#tell()
          const saved = this.#saved
          if (saved !== undefined) await this.#save({ ...saved, parts: [...saved.parts, { number, etag }] })
        },
      },
      { id, partBytes, missing },
    )
  }

  async #save(saved: SavedUpload): Promise<void> {
    this.#saved = saved
    await this.#options.onUpload?.(saved)
  }

  #fly(bytes: number): void {
    this.#inFlightBytes += bytes
    this.#tell()
  }

  #tell(): void {
    this.#options.onProgress?.({
      confirmedBytes: this.#confirmedBytes,
      inFlightBytes: this.#inFlightBytes,
      totalBytes: this.#source.size,
    })
  }
}
