import type { Context } from 'hono'
import type { AppEnv } from '../../wire/context.ts'
import { baseName, type MultipartEvent } from '../../wire/multipart.ts'
import { malformed, Refused } from './errors.ts'
import { bytesOf, contentTypeOf, type Fields, isMultipart, multipartIn, partFields, readFields } from './fields.ts'

/**
 * What a request may have in all: so much the platform takes for every account (docs: Cloudflare Workers, "Request
 * limits").
 */
const MAX_UPLOAD_BYTES = 100_000_000
/** A file that is no larger may come before the fields that say what it is. */
const MAX_HELD_BYTES = 8 * 1024 ** 2

/** A file in a request: the bytes of one that is not whole are still to come. */
export type ReceivedPart = Readonly<{
  filename: string
  mediaType: string | undefined
  isWhole: boolean
  isEmpty: boolean
  bytes: AsyncIterable<Uint8Array>
}>

const FILE = 'data_file'
/** What means something in this call; all else is passed over. */
const MEANT = ['project_member_id', 'metadata', 'datatypes', 'access_token', FILE]

const isFile = (event: MultipartEvent): boolean =>
  event.kind === 'part' && event.name === FILE && event.filename !== undefined && baseName(event.filename) !== ''

/** The bytes of the part that is open, and whatever else comes: nothing that has a meaning may. */
async function* remaining(events: AsyncIterator<MultipartEvent>): AsyncGenerator<Uint8Array, undefined> {
  let isOpen = true
  for (let next = await events.next(); next.done !== true; next = await events.next()) {
    const event = next.value
    if (event.kind === 'part') {
      isOpen = false
      if (MEANT.includes(event.name)) {
        const fault = 'Put data_file after the other fields, or send it by project/files/upload/direct/.'
        throw new Refused('invalid_body', 400, { data_file: [fault] })
      }
    } else if (isOpen) {
      yield event.bytes
    }
  }
}

async function* following(held: readonly Uint8Array[], rest: AsyncIterable<Uint8Array>) {
  yield* held
  yield* rest
}

async function* only(held: readonly Uint8Array[]) {
  yield* held
}

type Named = Pick<ReceivedPart, 'filename' | 'mediaType'>

/** Holds the fields of an upload, and its file. */
function collector() {
  const parts = partFields()
  const held: Uint8Array[] = []
  let file: Named | undefined
  let isOpen = false
  let heldBytes = 0
  const open = (event: Extract<MultipartEvent, { kind: 'part' }>) => {
    isOpen = isFile(event)
    if (!isOpen) return
    if (file !== undefined) throw malformed('One data_file is sent at a time.')
    file = { filename: baseName(event.filename ?? ''), mediaType: event.mediaType }
  }
  const take = async (event: MultipartEvent) => {
    if (event.kind === 'part') open(event)
    if (!isOpen || event.kind === 'part') return parts.take(event)
    held.push(event.bytes)
    heldBytes += event.bytes.length
  }
  const told = async () => {
    await parts.close()
    return { fields: parts.fields, held, heldBytes, file }
  }
  return { take, told, isFull: () => heldBytes > MAX_HELD_BYTES }
}

/**
 * Reads the fields of an upload, and its file as far as that is held. What is larger goes on when its bytes are taken.
 * @throws Refused for a body that cannot be read, or is larger than it may be
 */
export async function readUpload(c: Context<AppEnv>): Promise<{ fields: Fields; file: ReceivedPart | undefined }> {
  const contentType = contentTypeOf(c)
  if (!isMultipart(contentType)) return { fields: await readFields(c), file: undefined }
  const events = multipartIn(bytesOf(c, MAX_UPLOAD_BYTES), contentType)
  const collected = collector()
  let next = await events.next()
  while (next.done !== true && !collected.isFull()) {
    await collected.take(next.value)
    if (!collected.isFull()) next = await events.next()
  }
  const { fields, file, held, heldBytes } = await collected.told()
  if (file === undefined) return { fields, file }
  const isWhole = next.done === true
  const bytes = following(held, isWhole ? only([]) : remaining(events))
  return { fields, file: { ...file, isWhole, isEmpty: heldBytes === 0, bytes } }
}
