import { CarrelError, linkError } from './errors.ts'

export type RetryOptions = Readonly<{
  /** How often something is tried before it fails. */
  attempts: number
  /** The first pause is at most this long, each further one at most twice the one before. */
  baseMilliseconds: number
  capMilliseconds: number
  /** For how long a transfer waits for a link that is down; it uses no attempts up. */
  offlineSeconds: number
}>

export const RETRY: RetryOptions = { attempts: 6, baseMilliseconds: 300, capMilliseconds: 20_000, offlineSeconds: 600 }

type Retrying = RetryOptions & Readonly<{ signal?: AbortSignal | undefined }>

/** What a browser tells of the link; elsewhere it is not known. */
type Host = {
  navigator?: { onLine?: boolean }
  addEventListener?: (type: 'online', listener: () => void) => void
  removeEventListener?: (type: 'online', listener: () => void) => void
}
// No platform's types have what all of these platforms may have.
const host = globalThis as unknown as Host

/** Ends early when a browser is online again; throws when it is called off. */
async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  const forget: (() => void)[] = []
  await new Promise<void>((resolve) => {
    const wake = () => resolve()
    const timer = setTimeout(wake, milliseconds)
    signal?.addEventListener('abort', wake)
    host.addEventListener?.('online', wake)
    forget.push(() => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', wake)
      host.removeEventListener?.('online', wake)
    })
  })
  for (const end of forget) end()
  if (signal?.aborted === true) throw linkError('aborted')
}

/** Full jitter: whoever failed together does not come back together. */
const backoff = ({ baseMilliseconds, capMilliseconds }: RetryOptions, failures: number): number =>
  Math.random() * Math.min(capMilliseconds, baseMilliseconds * 2 ** Math.min(failures, 30))

/** Counts what failed, and says whether that is enough. */
class Patience {
  #answered = 0
  #lost = 0
  #downSince: number | undefined
  readonly #options: RetryOptions

  constructor(options: RetryOptions) {
    this.#options = options
  }

  get failures(): number {
    return this.#answered + this.#lost
  }

  endsWith(failure: CarrelError): boolean {
    if (!failure.isUnanswered) {
      this.#downSince = undefined
      this.#answered += 1
      return this.#answered >= this.#options.attempts
    }
    this.#downSince ??= Date.now()
    this.#lost += 1
    return this.#lost >= this.#options.attempts && Date.now() - this.#downSince >= this.#options.offlineSeconds * 1_000
  }
}

/** Tries until it succeeds, fails for good, or has failed often enough. `again` is given what failed before. */
export async function retried<Result>(
  options: Retrying,
  attempt: (again: CarrelError | undefined) => Promise<Result>,
): Promise<Result> {
  const patience = new Patience(options)
  let again: CarrelError | undefined
  for (;;) {
    if (options.signal?.aborted === true) throw linkError('aborted')
    try {
      return await attempt(again)
    } catch (failure) {
      if (!(failure instanceof CarrelError) || !failure.isTransient || patience.endsWith(failure)) throw failure
      again = failure
    }
    await pause(waitFor(options, patience, again), options.signal)
  }
}

function waitFor(options: RetryOptions, { failures }: Patience, { retryAfterSeconds = 0 }: CarrelError): number {
  // A browser that knows it is offline is waited for; it says when it is back.
  if (host.navigator?.onLine === false) return options.capMilliseconds
  return retryAfterSeconds * 1_000 + backoff(options, failures - 1)
}

type Limits = Readonly<{ seconds: number; signal?: AbortSignal | undefined }>

/** Ends what is given its signal when nothing is heard in time, or when it is called off, and knows which it was. */
export function watch({ seconds, signal }: Limits) {
  if (signal?.aborted === true) throw linkError('aborted')
  const controller = new AbortController()
  let why: 'network' | 'aborted' | 'timeout' = 'network'
  let timer: ReturnType<typeof setTimeout> | undefined
  const endFor = (reason: typeof why) => () => {
    if (why === 'network') why = reason
    controller.abort()
  }
  const [late, calledOff] = [endFor('timeout'), endFor('aborted')]
  signal?.addEventListener('abort', calledOff)
  const rest = () => clearTimeout(timer)
  return {
    signal: controller.signal,
    /** From here on something is waited for. */
    wait: () => {
      rest()
      timer = setTimeout(late, seconds * 1_000)
    },
    rest,
    failure: (failure: unknown) => (failure instanceof CarrelError ? failure : linkError(why, failure)),
    end: () => {
      rest()
      signal?.removeEventListener('abort', calledOff)
    },
    abort: () => controller.abort(),
  }
}

/** Does something that ends in time, or when it is called off; whatever else it fails with is the link's failure. */
export async function within<Result>(limits: Limits, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const watched = watch(limits)
  watched.wait()
  try {
    return await work(watched.signal)
  } catch (failure) {
    throw watched.failure(failure)
  } finally {
    watched.end()
  }
}
