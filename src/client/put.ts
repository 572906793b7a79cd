import type { Calls } from './calls.ts'
import { CarrelError } from './errors.ts'
import { within } from './retry.ts'
import type { Source } from './sources.ts'

/** Where some of the bytes go, and which of them. */
export type Place = Readonly<{ url: string; headers: Readonly<Record<string, string>>; from: number; to: number }>

/** Platforms set the length by themselves, and some refuse to be told it. */
const isOwn = ([name]: [string, string]) => name.toLowerCase() !== 'content-length'

async function sliceOf(
  source: Source,
  from: number,
  to: number,
): Promise<Blob | ArrayBuffer | Uint8Array<ArrayBuffer>> {
  const slice = await source.slice(from, to)
  const size = 'size' in slice ? slice.size : slice.byteLength
  if (size !== to - from) throw new CarrelError('The source has other bytes than it had.', { code: 'source_changed' })
  // None of it is in shared memory, which no platform sends.
  return slice as Blob | ArrayBuffer | Uint8Array<ArrayBuffer>
}

/**
 * Sends bytes to storage, once.
 * @returns its ETag; null where it is not told, or where an earlier attempt has landed whose answer was lost
 */
export async function putBytes(
  calls: Calls,
  source: Source,
  { url, headers, from, to, signal }: Place & { signal: AbortSignal },
): Promise<string | null> {
  const body = await sliceOf(source, from, to)
  const sent = { method: 'PUT', headers: Object.fromEntries(Object.entries(headers).filter(isOwn)), body }
  const response = await within({ seconds: calls.secondsFor(to - from), signal }, async (inTime) => {
    const answer = await calls.open(url, { ...sent, signal: inTime })
    // What was taken in is told by the headers; of a refusal, the end is waited for.
    await (answer.ok ? answer.body?.cancel() : answer.text())
    return answer
  })
  if (response.status === 412) return null
  if (response.ok) return response.headers.get('ETag')
  throw new CarrelError(`The storage answered ${response.status}.`, { code: 'storage', status: response.status })
}
