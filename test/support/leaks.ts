// A net under all tests of a file: of what is sent and told, no word that is odd enough to be found again is ever logged,
// and no refusal tells one that was not just asked for. That is every key, token, signature, id and handle.

const LONG = 16
/** More than this is content, of which the beginning is as good. */
const LOOKED_AT = 20_000

const words = (text: string): string[] =>
  text
    .slice(0, LOOKED_AT)
    .match(/[\w.~-]+/g)
    ?.filter((word) => word.length >= LONG && /\d/.test(word) && /[a-z]/i.test(word)) ?? []

function plain(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** Bridge's word for a consent that is missing: the answer is the session of who asks, with all that is in one. */
const TELLS_SESSION = 412

let isWatching = false
const told = new Set<string>()
const logged = new Set<string>()
const refusals = new Set<string>()

/** From now on; over HTTP nobody does, for the log is elsewhere. */
export function watchLeaks(): void {
  isWatching = true
}

type Said = Readonly<{ url: string; headers: Headers; body: unknown }>
type Answered = Readonly<{ status: number; headers: Headers; text: string }>

/** Takes note of a request and what it was answered, but for the one word that is in the log on purpose. */
export function noteTold({ url, headers, body }: Said, { status, headers: about, text }: Answered): void {
  if (!isWatching) return
  const sent = [...headers].filter(([name]) => name !== 'x-request-id').map(([, value]) => value)
  const asked = [url, ...sent, typeof body === 'string' ? body : JSON.stringify(body ?? '')].join(' ')
  for (const each of [asked, ...about.values(), text]) for (const word of words(each)) told.add(word)
  const requestId = about.get('X-Request-Id') ?? ''
  told.delete(requestId)
  if (status < 400 || status === TELLS_SESSION) return
  const own = `${plain(asked)} ${requestId}`
  for (const word of words(text)) if (!own.includes(word)) refusals.add(word)
}

export function noteLogged(line: string): void {
  for (const word of words(line)) logged.add(word)
}

/** What of all that was logged since the last time this was asked. */
export function takeLeaks(): string[] {
  const leaks = [...[...logged].filter((word) => told.has(word)), ...refusals]
  for (const noted of [told, logged, refusals]) noted.clear()
  return leaks
}
