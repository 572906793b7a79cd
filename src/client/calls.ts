import { BookmarkShelf, type Bookmarks } from './bookmarks.ts'
import { CarrelError, jsonOr, linkError, problemOf } from './errors.ts'
import { RETRY, retried, type RetryOptions, within } from './retry.ts'

/** A key, or who has it: asked for each request, so that one that was rotated is used at once. */
export type Key = string | (() => string | undefined | Promise<string | undefined>)

/** The platform's own, as far as it is used. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>

export type CarrelOptions = Readonly<{
  /** Where the service is. */
  url: string
  /** Whose studies are many says the study with `inStudy`. */
  study?: string
  /** Without one, the caller is nobody in particular. */
  key?: Key
  fetch?: Fetch
  /** As `bookmarks.export()` gave them. */
  bookmarks?: Bookmarks
  /** How long an answer may take. */
  timeoutSeconds?: number
  /** A transfer that is slower than this over its whole length counts as stalled. */
  slowestBytesPerSecond?: number
  retry?: Partial<RetryOptions>
}>

/** How long failures that pass are waited for: a transfer waits for a link that is down, and what is repeated anyway does not. */
export type Patience = 'call' | 'transfer' | 'none'

export type Asked = Readonly<{
  method: string
  path: string
  query?: Readonly<Record<string, unknown>>
  headers?: Readonly<Record<string, string | undefined>>
  body?: string
  /** Whose bookmark goes with it. */
  study: string | undefined
  /** May be sent again when nobody knows what became of it. */
  repeatable: boolean
  /** Afterwards it is not there: found gone when it is asked again, it was done. */
  removes?: boolean
  signal?: AbortSignal | undefined
  timeoutSeconds?: number | undefined
  patience: Patience
}>

export type Answered = Readonly<{ status: number; headers: Headers; json: unknown }>

/** Text that is new each time, wherever this runs: an Idempotency-Key wants to be no other's, and not to be a secret. */
export function randomText(): string {
  // Some of the platforms have no `crypto`, or not all of it.
  const { crypto: platform } = globalThis as { crypto?: Partial<Crypto> }
  if (platform?.randomUUID !== undefined) return platform.randomUUID()
  const words =
    platform?.getRandomValues?.(new Uint32Array(4)) ?? Array.from({ length: 4 }, () => Math.random() * 2 ** 32)
  return Array.from(words, (word) => Math.floor(word).toString(36)).join('-')
}

function queryText(query: Readonly<Record<string, unknown>>): string {
  // The types of the functions let nothing else in.
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value].flat().flatMap((one) => (one === undefined ? [] : `${name}=${encodeURIComponent(one as string | number)}`)),
  )
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

const isThere = (pair: [string, string | undefined]): pair is [string, string] => pair[1] !== undefined

/** What all requests of a client have in common. */
export class Calls {
  readonly bookmarks: BookmarkShelf
  readonly retry: RetryOptions
  readonly timeoutSeconds: number
  readonly slowestBytesPerSecond: number
  readonly #base: string
  readonly #key: Key | undefined
  readonly #fetch: Fetch

  constructor(options: CarrelOptions) {
    this.bookmarks = new BookmarkShelf(options.bookmarks)
    this.retry = { ...RETRY, ...options.retry }
    this.timeoutSeconds = options.timeoutSeconds ?? 30
    this.slowestBytesPerSecond = options.slowestBytesPerSecond ?? 65_536
    this.#base = options.url.replace(/\/+$/, '')
    this.#key = options.key
    // A browser's own refuses to be called as anything else's.
    this.#fetch = options.fetch ?? (async (url, init) => fetch(url, init))
  }

  /** How long this many bytes may take on the way. */
  secondsFor(bytes: number): number {
    return this.timeoutSeconds + bytes / this.slowestBytesPerSecond
  }

  /** Whoever goes to storage, or opens a link, has all the right they need in the URL. */
  async open(url: string, init: RequestInit): Promise<Response> {
    return this.#fetch(url, init)
  }

  /** One request to the service, as the caller. */
  async request({ method, path, query = {}, headers = {}, body, study }: Asked, init: RequestInit): Promise<Response> {
    const key = typeof this.#key === 'function' ? await this.#key() : this.#key
    const all = {
      ...headers,
      Authorization: key === undefined ? undefined : `Bearer ${key}`,
      // Where it is of no use it is not looked at.
      'Carrel-Bookmark': study === undefined ? undefined : this.bookmarks.of(study),
    }
    const response = await this.#fetch(this.#base + path + queryText(query), {
      ...init,
      method,
      headers: Object.fromEntries(Object.entries(all).filter(isThere)),
      ...(body === undefined ? {} : { body }),
    })
    if (study !== undefined) this.bookmarks.note(study, response.headers.get('Carrel-Bookmark'))
    return response
  }

  /** Asks until there is an answer, as often as that is safe. */
  async ask(asked: Asked): Promise<Answered> {
    const { signal, patience } = asked
    const attempts = asked.repeatable && patience !== 'none' ? this.retry.attempts : 1
    const offlineSeconds = attempts > 1 && patience === 'transfer' ? this.retry.offlineSeconds : 0
    let unsure = false
    const attempt = async () => {
      try {
        return await this.#once(asked)
      } catch (failure) {
        if (failure instanceof CarrelError && unsure && asked.removes === true && failure.status === 404) {
          return { status: 204, headers: new Headers(), json: undefined }
        }
        unsure ||= failure instanceof CarrelError && failure.isUnanswered
        throw failure
      }
    }
    return retried({ ...this.retry, attempts, offlineSeconds, signal }, attempt)
  }

  async #once(asked: Asked): Promise<Answered> {
    const { signal, timeoutSeconds: seconds = this.timeoutSeconds } = asked
    const { response, text } = await within({ seconds, signal }, async (inTime) => {
      const got = await this.request(asked, { signal: inTime })
      return { response: got, text: await got.text() }
    })
    const { status, headers } = response
    if (!response.ok && status !== 304) throw problemOf(response, text)
    const json = text === '' ? undefined : jsonOr(text)
    // JSON that does not end was cut short on its way.
    if (text !== '' && json === undefined) throw linkError('network')
    return { status, headers, json }
  }
}
