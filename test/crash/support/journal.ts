import type { Answer, Caller } from '../../support/callers.ts'
import { bytesOf } from '../../support/bytes.ts'
import type { Participant, Study } from '../../support/builders.ts'

/** What must not be: acknowledged and not there, taken away and there, done or given more often than once. */
export type Wrong = Readonly<{ kind: 'lost' | 'back' | 'twice'; what: string }>

/** One thing that a client does in several steps, and what it was told of each. */
export type Entry = Readonly<{
  /** From what was acknowledged to the end, sending again what was not; at once where it has come to its end. */
  goOn: () => Promise<void>
  /** Compares what was acknowledged with what is there, whichever step it has come to. */
  wrongs: () => Promise<Wrong[]>
}>

/** Bytes by what they are made of, as keeping all of them would be much. */
export type Content = Readonly<{ seed: number; size: number }>

export type Desk = Readonly<{
  study: Study
  participant: Participant
  /** Takes note of a write that was answered. */
  note: () => void
}>

const cut = (text: string) => text.slice(0, 300)

/** The answer, which is one of those; whatever else it is, something is wrong with the service, or it was killed. */
export async function answered(asked: Promise<Answer>, ...statuses: readonly number[]): Promise<Answer> {
  const answer = await asked
  if (!statuses.includes(answer.status)) throw new Error(`answered ${answer.status}: ${cut(answer.text)}`)
  return answer
}

/** The same of a write, which from then on is to be there. */
export async function written({ note }: Desk, asked: Promise<Answer>, ...statuses: readonly number[]): Promise<Answer> {
  const answer = await answered(asked, ...statuses)
  note()
  return answer
}

/** Bytes on their way to the bucket: the ETag that it gave, or of an object that it had before, nothing. */
export async function sent(
  { note }: Desk,
  { url, headers }: { url: string; headers: Record<string, string> },
  bytes: Uint8Array,
): Promise<string> {
  const response = await fetch(url, { method: 'PUT', headers, body: bytes })
  const text = await response.text()
  if (response.status !== 200 && response.status !== 412) throw new Error(`${response.status}: ${cut(text)}`)
  note()
  return response.headers.get('ETag') ?? ''
}

/** What a path leads to, by a presigned URL; nothing where there is none. */
export async function download(caller: Caller, path: string): Promise<Uint8Array | undefined> {
  const { status, headers } = await answered(caller.get(path), 302, 404, 409)
  if (status !== 302) return undefined
  const response = await fetch(headers.get('Location') ?? '')
  return response.status === 200 ? response.bytes() : undefined
}

export const isOf = ({ seed, size }: Content, bytes: Uint8Array | undefined): boolean =>
  bytes !== undefined && Buffer.from(bytesOf(seed, size)).equals(bytes)

/** All items of a list, over its pages. */
export async function listed<Item>(caller: Caller, path: string, cursor = ''): Promise<Item[]> {
  const { body } = await answered(caller.get(`${path}?limit=100${cursor}`), 200)
  if (body.nextCursor === null) return body.items
  return [...body.items, ...(await listed<Item>(caller, path, `&cursor=${encodeURIComponent(body.nextCursor)}`))]
}
