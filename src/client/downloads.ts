import { CarrelError, linkError, problemOf } from './errors.ts'
import { retried, watch } from './retry.ts'
import type { Ways } from './uploads.ts'

export type DownloadProgress = Readonly<{ receivedBytes: number; totalBytes: number | undefined }>

export type DownloadOptions = Readonly<{
  /** The current one by default. */
  version?: string
  /** How many bytes are there already, and the ETag that they came with. */
  from?: number
  etag?: string
  /**
   * `stream`, by the service, works everywhere. `redirect`, from storage itself, wants a platform that shows where a
   * redirect leads, as Node does; elsewhere it is the same as `stream`.
   */
  delivery?: 'stream' | 'redirect'
  onProgress?: (progress: DownloadProgress) => void
  signal?: AbortSignal
}>

/** Where the bytes come from: from one of them on. */
type Opened = (from: number, etag: string | undefined, signal: AbortSignal) => Promise<Response>

type Watched = ReturnType<typeof watch>
type Connection = Readonly<{
  response: Response
  size: number | undefined
  read: () => Promise<Uint8Array | undefined>
  end: () => void
}>

/** Of a text that something on the way has packed, the tag is a weak one. */
const strong = (etag: string | null): string | undefined => etag?.replace(/^W\//, '')

/**
 * Asks for the rest, only of what it was. A range is asked for even of the whole: nothing on the way packs those, and
 * they say how long the whole is. Of more than one byte the last that is there comes once more, for there is always one.
 */
const rangeHeaders = (from: number, etag?: string): Record<string, string> => ({
  Range: `bytes=${Math.max(0, from - 1)}-`,
  ...(etag === undefined ? {} : { 'If-Range': etag }),
})

/** The whole's, whichever range of it was answered; undefined where nobody says it. */
function sizeOf({ headers, status }: Response): number | undefined {
  const [, total] = /^bytes \d+-\d+\/(\d+)$/.exec(headers.get('Content-Range') ?? '') ?? []
  const length = status === 206 || headers.has('Content-Encoding') ? null : headers.get('Content-Length')
  const said = total ?? length
  return said === null ? undefined : Number(said)
}

/** No first byte is there only of what is empty. */
const isEmpty = ({ status }: Response, from: number): boolean => status === 416 && from === 0

/** @throws CarrelError where these are not the bytes from there on */
async function mustContinue(response: Response, from: number, etag: string | undefined): Promise<void> {
  const { status, ok } = response
  const told = strong(response.headers.get('ETag'))
  if (ok && etag !== undefined && told !== undefined && told !== etag) {
    throw new CarrelError('The content is another than it was.', { code: 'content_changed', status })
  }
  if ((ok && (from === 0 || status === 206)) || isEmpty(response, from)) return
  throw ok
    ? new CarrelError('The whole came, and not the rest.', { code: 'unexpected_answer', status })
    : problemOf(response, await response.text())
}

type Place = Readonly<{ from: number; etag: string | undefined }>

async function connect(open: Opened, watched: Watched, { from, etag }: Place): Promise<Connection> {
  const end = () => {
    watched.end()
    watched.abort()
  }
  const inTime = async <Result>(work: () => Promise<Result>) => {
    watched.wait()
    try {
      return await work()
    } catch (failure) {
      end()
      throw watched.failure(failure)
    } finally {
      watched.rest()
    }
  }
  const response = await inTime(async () => {
    const answer = await open(from, etag, watched.signal)
    await mustContinue(answer, from, etag)
    return answer
  })
  if (!response.ok) return { response, size: 0, read: async () => undefined, end }
  const read = readerOf(response)
  let isFirst = from > 0
  const next = async () => {
    const chunk = await read()
    if (!isFirst || chunk === undefined || chunk.length === 0) return chunk
    isFirst = false
    return chunk.subarray(1)
  }
  return { response, size: sizeOf(response), read: async () => inTime(next), end }
}

/** Chunk by chunk, where the platform has streams; else all at once. */
function readerOf(response: Response): () => Promise<Uint8Array | undefined> {
  const reader = response.body?.getReader()
  if (reader !== undefined) return async () => (await reader.read()).value
  let isRead = false
  return async () => {
    if (isRead) return undefined
    isRead = true
    return new Uint8Array(await response.arrayBuffer())
  }
}

/** The name that a file is to be saved under (RFC 6266, RFC 8187). */
function nameOf(headers: Headers): string | undefined {
  const said = headers.get('Content-Disposition') ?? ''
  const [, extended] = /filename\*=UTF-8''([^;]+)/i.exec(said) ?? []
  if (extended !== undefined) return decodeURIComponent(extended)
  const [, quoted, plain] = /filename=(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))/i.exec(said) ?? []
  return quoted?.replace(/\\(.)/g, '$1') ?? plain
}

/** Bytes on their way. They are read once, by one of these ways. */
export class Download implements AsyncIterable<Uint8Array> {
  readonly name: string | undefined
  readonly mediaType: string
  /** Of the whole; undefined where nobody on the way says it. */
  readonly size: number | undefined
  /** The first byte that comes. */
  readonly from: number
  /** To go on with another day, by `from` and `etag`. */
  readonly etag: string | undefined
  readonly #chunks: () => AsyncGenerator<Uint8Array, void>

  constructor({ response, size }: Connection, from: number, chunks: () => AsyncGenerator<Uint8Array, void>) {
    const { headers } = response
    this.name = nameOf(headers)
    this.mediaType = headers.get('Content-Type') ?? 'application/octet-stream'
    this.size = size
    this.from = from
    this.etag = strong(headers.get('ETag'))
    this.#chunks = chunks
  }

  [Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    return this.#chunks()
  }

  get body(): ReadableStream<Uint8Array> {
    const chunks = this.#chunks()
    return new ReadableStream<Uint8Array>({
      pull: async (controller) => {
        const { value, done } = await chunks.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      },
      cancel: async () => {
        await chunks.return()
      },
    })
  }

  async bytes(): Promise<Uint8Array<ArrayBuffer>> {
    const chunks: Uint8Array[] = []
    for await (const chunk of this) chunks.push(chunk)
    const whole = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0))
    let at = 0
    for (const chunk of chunks) {
      whole.set(chunk, at)
      at += chunk.length
    }
    return whole
  }

  async blob(): Promise<Blob> {
    return new Blob([await this.bytes()], { type: this.mediaType })
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes())
  }
}

type Opening = Readonly<{ open: Opened; repeatable: boolean }>

/** Opens bytes; when their connection is cut, or stalls, they come from there on by another. */
async function downloadBy({ calls }: Ways, { open, repeatable }: Opening, options: DownloadOptions): Promise<Download> {
  const { from = 0, signal, onProgress } = options
  const retry = { ...calls.retry, signal }
  let { etag } = options
  const connected = async (at: number) =>
    connect(open, watch({ seconds: calls.timeoutSeconds, signal }), { from: at, etag })
  const first = repeatable ? await retried(retry, async () => connected(from)) : await connected(from)
  const { size } = first
  etag = strong(first.response.headers.get('ETag')) ?? etag
  let connection: Connection | undefined = first

  async function* chunks(): AsyncGenerator<Uint8Array, void> {
    let at = from
    const next = async () => {
      const current: Connection = (connection ??= await connected(at))
      // Until it has given something it counts as lost.
      connection = undefined
      const chunk = await current.read()
      if (chunk === undefined && size !== undefined && at < size) {
        current.end()
        throw linkError('network')
      }
      connection = current
      return chunk
    }
    try {
      for (;;) {
        const chunk = await retried(retry, next)
        if (chunk === undefined) return
        at += chunk.length
        onProgress?.({ receivedBytes: at, totalBytes: size })
        if (chunk.length > 0) yield chunk
      }
    } finally {
      connection?.end()
    }
  }
  return new Download(first, from, chunks)
}

/** A file's content, as the caller. */
export async function download(ways: Ways, file: string, options: DownloadOptions): Promise<Download> {
  const { calls, study } = ways
  if (study === undefined) throw new CarrelError('Say the study.', { code: 'invalid_request' })
  const version = options.version === undefined ? '' : `/versions/${encodeURIComponent(options.version)}`
  const path = `/v1/studies/${encodeURIComponent(study)}/files/${encodeURIComponent(file)}${version}/content`
  let { delivery = 'stream' } = options
  const asked = { method: 'GET', path, study, repeatable: true, patience: 'none' } as const
  const open: Opened = async (from, etag, signal) => {
    if (delivery === 'redirect') {
      const answer = await calls.request({ ...asked, query: { delivery } }, { signal, redirect: 'manual' })
      if (answer.status >= 400) return answer
      const url = answer.headers.get('Location')
      if (url !== null) return fromStorage(await calls.open(url, { signal, headers: rangeHeaders(from) }))
      // This platform does not show where it leads, and would show the key to where it does.
      delivery = 'stream'
    }
    return calls.request({ ...asked, query: { delivery }, headers: rangeHeaders(from, etag) }, { signal })
  }
  return downloadBy(ways, { open, repeatable: true }, options)
}

/** A URL ends: what storage refuses is asked for by a fresh one. */
function fromStorage(response: Response): Response {
  const { status, ok } = response
  if (ok || status === 416) return response
  throw new CarrelError(`The storage answered ${status}.`, { code: 'storage', status })
}

/**
 * What a link gives, which it gives once: nothing is repeated until bytes come. Where it leads to storage, a connection
 * that is cut goes on from there, for as long as that URL lives.
 */
export async function openLink(
  ways: Ways,
  url: string,
  options: Pick<DownloadOptions, 'onProgress' | 'signal'>,
): Promise<Download> {
  const { calls } = ways
  let isClaimed = false
  let storage: string | undefined
  const open: Opened = async (from, _etag, signal) => {
    if (isClaimed && storage === undefined) {
      throw new CarrelError('The link was used, and the connection failed.', { code: 'download_token_used' })
    }
    isClaimed = true
    if (storage !== undefined) return fromStorage(await calls.open(storage, { signal, headers: rangeHeaders(from) }))
    const response = await calls.open(url, { signal, headers: { Accept: '*/*', ...rangeHeaders(0) } })
    if (response.redirected) storage = response.url
    return response
  }
  return downloadBy(ways, { open, repeatable: false }, options)
}
