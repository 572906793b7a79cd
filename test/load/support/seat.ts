import type { As, Caller } from '../../support/callers.ts'
import type { Participant } from '../../support/builders.ts'
import type { Desk } from '../../crash/support/journal.ts'
import type { Random } from '../../crash/support/random.ts'

/** What everybody who is at it at once has in common. */
export type House = Readonly<{
  origin: string
  as: As
  /** Of the study, with whom files are shared. */
  friend: Participant
  /** Whose HAT the service's address is. */
  owner: Caller
}>

/** Where one participant sits, and what they have at hand. */
export type Seat = Desk & Readonly<{ house: House; random: Random; externalId: string }>

/** One thing that is done from its first request to its last, with every answer looked at. @throws Error for a wrong one */
export type Deed = (seat: Seat) => Promise<void>

export const MAX_BYTES = 60_000

export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what)
}

let names = 0
/** What nothing else is called. */
export const aName = (): string => `walk-${(names += 1)}.csv`

/** The bytes of an address that says nothing else, as a phone fetches them. */
export async function bytesAt(url: string, headers: Record<string, string> = {}): Promise<Uint8Array> {
  const response = await fetch(url, { headers })
  const bytes = await response.bytes()
  must(
    response.status === 200,
    `bytes were answered ${response.status}: ${new TextDecoder().decode(bytes).slice(0, 300)}`,
  )
  return bytes
}

/** Sends bytes to where a foreign protocol has them sent. */
export async function sendTo(url: string, bytes: Uint8Array, headers: Record<string, string> = {}): Promise<void> {
  const response = await fetch(url, { method: 'PUT', headers, body: bytes })
  const text = await response.text()
  must(response.status === 200, `a PUT was answered ${response.status}: ${text.slice(0, 300)}`)
}

export const mustEqual = (found: Uint8Array, meant: Uint8Array, what: string): void =>
  must(Buffer.from(meant).equals(found), `${what} has other bytes`)
