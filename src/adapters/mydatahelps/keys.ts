import type { File } from '../../model/entities.ts'
import type { Handle, ParticipantId } from '../../model/ids.ts'
import { HandleText, ParticipantIdText } from '../../wire/shapes.ts'
import { decoded } from './queries.ts'

// A key is `<participantID>/<handle>`, and what is begun here has the handle that these clients know:
// `<category>/<time>_<name>`. Clients put keys into queries as they are, so nothing that has a meaning there is in one:
// in what is begun here it is replaced, in what came through other doors it is escaped.

const MAX_HANDLE_CHARACTERS = 255
const MAX_FOLDER_CHARACTERS = 100
/** What follows the last dot, if it is short enough to be a type. */
const EXTENSION = /\.[^.]{1,15}$/
/** The folder of what has no category. */
const NO_CATEGORY = 'files'

/** Never inside of a pair. */
const cut = (text: string, maxLength: number) => text.slice(0, maxLength).replace(/[\uD800-\uDBFF]$/, '')

/** A space at the end of a URL is not sent, and dots alone lead elsewhere where a key is made a path. */
const safe = (text: string) =>
  text
    .replaceAll(/[\p{Cc}\p{Cs}&#+%?/\\]/gu, '_')
    .replace(/ $/, '_')
    .replace(/^\.+$/, '_')

function cutName(name: string, maxLength: number): string {
  if (name.length <= maxLength) return name
  const [extension = ''] = EXTENSION.exec(name) ?? []
  return cut(name, maxLength - extension.length) + extension
}

/** What a file is called that is begun at this time. Whether another is called so already is for storage to say. */
export function handleFor({ category, name }: { category: string | null; name: string }, time: Date): Handle {
  const folder = safe(cut(category ?? NO_CATEGORY, MAX_FOLDER_CHARACTERS))
  const before = `${folder}/${time.toISOString()}_`
  return HandleText.parse(before + safe(cutName(name, MAX_HANDLE_CHARACTERS - before.length)))
}

const escaped = (text: string) => text.replaceAll(/[%&#+?]| $/g, encodeURIComponent)

/** Only what belongs to a participant has a key. */
export const keyOf = ({ handle }: Pick<File, 'handle'>, owner: ParticipantId): string =>
  `${escaped(owner).replaceAll('/', '%2F')}/${escaped(handle)}`

export type NamedByKey = Readonly<{ owner: ParticipantId; handle: Handle }>

/** The participant goes up to the first slash, and the handle from there on. */
function parts(key: string, of: (text: string) => string): NamedByKey[] {
  const slash = key.indexOf('/')
  if (slash === -1) return []
  const owner = ParticipantIdText.safeParse(of(key.slice(0, slash)))
  const handle = HandleText.safeParse(of(key.slice(slash + 1)))
  return owner.success && handle.success ? [{ owner: owner.data, handle: handle.data }] : []
}

/**
 * What a key may name, the likeliest first: it was sent as it is, or encoded, or never was one of ours and has signs in it
 * that only look like escapes; and something else may follow it in the query.
 */
export function namesOf(raw: string): readonly NamedByKey[] {
  const texts = raw.includes('&') ? [raw, raw.slice(0, raw.indexOf('&'))] : [raw]
  const names = texts.flatMap((text) => [
    ...parts(text, decoded),
    ...parts(decoded(text), decoded),
    ...parts(text, (part) => part),
  ])
  return [...new Map(names.map((name) => [JSON.stringify(name), name])).values()]
}

/** Handles of other doors may look like it and lead up: what is no folder and name is none of ours. */
const BEGUN_HERE = /^(?!\.+\/)[^/\\]+\/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z_[^/\\]+$/

/** Where the platform's exports have a file: below the participant's name, its category, then its time and name. */
export function exportPathOf(file: File, participant: string): string {
  const place = BEGUN_HERE.test(file.handle) ? file.handle : handleFor(file, file.createdAt)
  return `/UploadedFiles/${safe(participant)}/${place}`
}
