import type { Api } from './bind.ts'
import type { Calls } from './calls.ts'
import { CarrelError, linkError } from './errors.ts'
import { type Place, putBytes } from './put.ts'
import { retried } from './retry.ts'
import type { Source } from './sources.ts'

export type SentPart = Readonly<{ number: number; etag: string }>
type PartUrl = Awaited<ReturnType<Api['uploads']['presignParts']>>['parts'][number]

/** What parts of an upload are sent by. */
export type Sending = Readonly<{
  calls: Calls
  source: Source
  /** Waits for a link that is down. */
  api: Api
  /** Asks once: what is around it does the waiting. */
  once: Api
  partsAtOnce: number
  signal: AbortSignal | undefined
  /** Bytes are on their way, or no longer: with less than nothing. */
  onFlight: (bytes: number) => void
  onPart: (part: SentPart & { bytes: number }) => void | Promise<void>
}>
export type PartPlan = Readonly<{ id: string; partBytes: number; missing: readonly number[] }>

type Ask = (numbers: readonly number[]) => Promise<readonly PartUrl[]>

/** URLs are asked for some at a time, and each is used once: what failed is sent to a fresh one. */
class PartUrls {
  readonly #ready = new Map<number, PartUrl>()
  readonly #ask: Ask
  /** Parts that nobody has begun to send. */
  readonly #next: readonly number[]
  readonly #ahead: number
  #asking: Promise<void> | undefined

  constructor(ask: Ask, next: readonly number[], ahead: number) {
    this.#ask = ask
    this.#next = next
    this.#ahead = ahead
  }

  async take(number: number): Promise<PartUrl> {
    for (;;) {
      const url = this.#ready.get(number)
      this.#ready.delete(number)
      if (url !== undefined) return url
      this.#asking ??= this.#askFrom(number)
      // Whoever else waits takes theirs from the same answer, and asks again if it is not among it.
      await this.#asking
    }
  }

  async #askFrom(number: number): Promise<void> {
    const wanted = [number, ...this.#next.filter((other) => other !== number && !this.#ready.has(other))]
    try {
      for (const url of await this.#ask(wanted.slice(0, this.#ahead))) this.#ready.set(url.number, url)
    } finally {
      this.#asking = undefined
    }
  }
}

const MAX_TOLD = 1_000

/** Tells the service which parts were sent: one report at a time, of all that were sent since the last. */
class Reports {
  readonly #tell: (parts: SentPart[]) => Promise<unknown>
  readonly #waiting: SentPart[] = []
  #telling: Promise<void> | undefined

  constructor(tell: (parts: SentPart[]) => Promise<unknown>) {
    this.#tell = tell
  }

  async note(part: SentPart): Promise<void> {
    this.#waiting.push(part)
    this.#telling ??= this.#tellAll()
    return this.#telling
  }

  async #tellAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      await this.#tell(this.#waiting.splice(0, MAX_TOLD))
    }
    this.#telling = undefined
  }
}

const asError = (failure: unknown): Error => (failure instanceof Error ? failure : new Error(String(failure)))

/** What is done side by side: the first that fails ends the others, and is what is told. */
class Together {
  readonly #controller = new AbortController()
  readonly #under: Promise<void>[] = []
  readonly signal = this.#controller.signal
  #failure: Error | undefined

  readonly stop = (): void => this.#controller.abort()

  add(work: Promise<void>): void {
    this.#under.push(
      work.catch((failure: unknown) => {
        this.#failure ??= asError(failure)
        this.stop()
      }),
    )
  }

  /** What is under way may add more. */
  async end(): Promise<void> {
    while (this.#under.length > 0) {
      await this.#under.pop()
    }
    if (this.#failure !== undefined) throw this.#failure
  }
}

/** Sends the parts that are missing, some side by side. */
export async function sendParts(sending: Sending, { id, partBytes, missing }: PartPlan): Promise<void> {
  const { api, once, source, signal: wanted, partsAtOnce } = sending
  if (wanted?.aborted === true) throw linkError('aborted')
  const together = new Together()
  const { signal } = together
  const next = [...missing]
  const ask: Ask = async (numbers) =>
    (await once.uploads.presignParts(id, { parts: numbers.map((number) => ({ number })) }, { signal })).parts
  const urls = new PartUrls(ask, next, 4 * partsAtOnce)
  const reports = new Reports(async (parts) => api.uploads.reportParts(id, { parts }, { signal }))

  const work = async () => {
    for (let number = next.shift(); number !== undefined; number = next.shift()) {
      const from = (number - 1) * partBytes
      const to = Math.min(from + partBytes, source.size)
      const etag = await sendPart(sending, { number, from, to, signal }, urls)
      together.add(reports.note({ number, etag }))
      await sending.onPart({ number, etag, bytes: to - from })
    }
  }
  wanted?.addEventListener('abort', together.stop)
  try {
    for (let worker = 0; worker < Math.min(partsAtOnce, missing.length); worker += 1) together.add(work())
    await together.end()
  } finally {
    wanted?.removeEventListener('abort', together.stop)
  }
}

type Wanted = Readonly<{ number: number; from: number; to: number; signal: AbortSignal }>

async function sendPart({ calls, source, onFlight }: Sending, wanted: Wanted, urls: PartUrls): Promise<string> {
  const { number, from, to, signal } = wanted
  return retried({ ...calls.retry, signal }, async () => {
    const { url, headers } = await urls.take(number)
    const place: Place = { url, headers, from, to }
    onFlight(to - from)
    try {
      const etag = await putBytes(calls, source, { ...place, signal })
      if (etag !== null) return etag
      throw new CarrelError('The storage tells no ETag: its CORS rules have to expose it.', {
        code: 'unexpected_answer',
      })
    } finally {
      onFlight(from - to)
    }
  })
}
