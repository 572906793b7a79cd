import { DomainError, fileTooLarge } from '../../../model/errors.ts'
import type { MultipartEvent } from '../../../wire/multipart.ts'

// An operation with a file, as clients send it (jaydenseric/graphql-multipart-request-spec, version 2): the part
// `operations` with null where the file belongs, the part `map` that says where that is, then the file. It is read in
// this order as it comes, so that the operation runs while the file is still on its way, and holds nothing of it.

/** What `operations` and `map` may have together: so much upstream's framework takes of text, and more. */
const MAX_TOLD_BYTES = 1024 ** 2
/** Upstream's own limit. */
const MAX_FILE_BYTES = 2 ** 29
/** Whoever announces more than this has too large a file, whatever is around it. */
export const MAX_REQUEST_BYTES = MAX_FILE_BYTES + 2 * MAX_TOLD_BYTES
/** How deep in the variables a file may be. */
const MAX_PATH_SEGMENTS = 8

type Part = Extract<MultipartEvent, { kind: 'part' }>
type Events = AsyncIterator<MultipartEvent, undefined>
/** An operation as a client sends it; whether it is one is found out where it is run. */
export type Operation = Readonly<Record<string, unknown>>

/** What to change, for a request that cannot be read. */
export const malformed = (text: string) => new DomainError('invalid_body', text)

type Named = Readonly<{ filename: string; mediaType: string | undefined }>

/** A file that a request brings: the value of a variable of type `Upload`. Its bytes can be taken once. */
export class FileUpload {
  readonly filename: string
  readonly mediaType: string | null
  readonly #bytes: AsyncIterable<Uint8Array>
  #isTaken = false

  constructor({ filename, mediaType }: Named, bytes: AsyncIterable<Uint8Array>) {
    this.filename = filename
    this.mediaType = mediaType ?? null
    this.#bytes = bytes
  }

  /** @throws DomainError `invalid_body` to whoever comes second, `file_too_large`, and whatever reading them does */
  bytes(): AsyncIterable<Uint8Array> {
    if (this.#isTaken) throw malformed('A file can be used once in a request: send it again for each further use.')
    this.#isTaken = true
    return this.#bytes
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false })

async function jsonIn(name: string, chunks: readonly Uint8Array<ArrayBuffer>[]): Promise<unknown> {
  try {
    return JSON.parse(utf8.decode(await new Blob([...chunks]).bytes()))
  } catch {
    throw malformed(`The part \`${name}\` is not valid JSON in UTF-8.`)
  }
}

/** Reads what a form tells in front of its file; each field answers with its value and the part after it. */
function fieldReader(events: Events) {
  let left = MAX_TOLD_BYTES
  return async (name: string): Promise<{ value: unknown; next: Part | undefined }> => {
    const chunks: Uint8Array<ArrayBuffer>[] = []
    for (let event = await events.next(); ; event = await events.next()) {
      if (event.done === true) return { value: await jsonIn(name, chunks), next: undefined }
      if (event.value.kind === 'part') return { value: await jsonIn(name, chunks), next: event.value }
      left -= event.value.bytes.length
      if (left < 0) throw malformed(`\`operations\` and \`map\` may have ${MAX_TOLD_BYTES} bytes together.`)
      chunks.push(event.value.bytes.slice())
    }
  }
}

function requirePart(part: Part | undefined, name: 'operations' | 'map'): void {
  if (part?.name === name) return
  throw malformed(
    `The part \`${name}\` is missing or out of place: send \`operations\`, then \`map\`, then the file, in this order.`,
  )
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function requireOperation(value: unknown): Operation {
  if (Array.isArray(value)) throw malformed('Send one operation in a request: a batch of them is not taken.')
  if (isObject(value)) return value
  throw malformed('The part `operations` must be like `{"query": "…", "variables": {"file": null}}`.')
}

type Place = Readonly<{ key: string; path: readonly string[] }>

/** What the file's part is called, and where in the operation it belongs. */
function placeIn(map: unknown): Place {
  const like = 'The part `map` must be like `{"1": ["variables.file"]}`'
  if (!isObject(map)) throw malformed(`${like}.`)
  const [entry, ...others] = Object.entries(map)
  if (entry === undefined) throw malformed(`${like}; an operation without a file is sent as application/json.`)
  if (others.length > 0) throw malformed('Send one file in a request: `map` names several.')
  const [key, paths] = entry
  if (!Array.isArray(paths)) throw malformed(`${like}.`)
  const [path, ...more]: unknown[] = paths
  if (more.length > 0) throw malformed('Use a file once in a request: `map` names several places for it.')
  if (typeof path !== 'string') throw malformed(`${like}.`)
  return { key, path: path.split('.') }
}

const nowhere = () =>
  malformed('`map` must name a place in `variables` where `operations` has null, like `variables.file`.')

/**
 * The value with the file at a place of it: what is around is made anew, so that nothing but the operation's own can be
 * reached, whatever a place is called.
 */
function placed(value: unknown, [segment, ...rest]: readonly string[], file: FileUpload): unknown {
  if (segment === undefined) {
    if (value !== null) throw nowhere()
    return file
  }
  if (Array.isArray(value)) {
    if (!/^\d{1,6}$/.test(segment) || Number(segment) >= value.length) throw nowhere()
    return value.with(Number(segment), placed(value[Number(segment)], rest, file))
  }
  if (!isObject(value) || !Object.hasOwn(value, segment)) throw nowhere()
  const around = placed(value[segment], rest, file)
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, name === segment ? around : each]))
}

function operationWith(operation: Operation, { path }: Place, file: FileUpload): Operation {
  const [root, ...inside] = path
  if (root !== 'variables' || inside.length === 0 || inside.length > MAX_PATH_SEGMENTS) throw nowhere()
  return { ...operation, variables: placed(operation['variables'] ?? {}, inside, file) }
}

/** The bytes of the part that is open, which must be the last. */
async function* contentOf(events: Events, isTooLarge: boolean): AsyncGenerator<Uint8Array, undefined> {
  if (isTooLarge) throw fileTooLarge(MAX_FILE_BYTES)
  let size = 0
  for (let event = await events.next(); event.done !== true; event = await events.next()) {
    if (event.value.kind === 'part') throw malformed('The file must be the last part, and the only one after `map`.')
    size += event.value.bytes.length
    if (size > MAX_FILE_BYTES) throw fileTooLarge(MAX_FILE_BYTES)
    yield event.value.bytes
  }
}

function requireFile(part: Part | undefined, { key }: Place): Named {
  if (part === undefined) throw malformed('The file that `map` names is missing: send it as the last part.')
  if (part.name !== key) throw malformed('The part after `map` must be the file, by the name that `map` has for it.')
  const { filename } = part
  if (filename === undefined || filename === '') throw malformed("The file's part must have a `filename`.")
  return { filename, mediaType: part.mediaType }
}

/**
 * Reads as far as to where the file begins, and answers with the operation, which has the file where it belongs.
 * `isTooLarge`: the file is, by what the request says of itself; that is told to whoever takes its bytes.
 * @throws DomainError `invalid_body`, which says what to change
 */
export async function readOperation(events: Events, { isTooLarge }: { isTooLarge: boolean }): Promise<Operation> {
  const first = await events.next()
  requirePart(first.done === true || first.value.kind !== 'part' ? undefined : first.value, 'operations')
  const read = fieldReader(events)
  const operations = await read('operations')
  const operation = requireOperation(operations.value)
  requirePart(operations.next, 'map')
  const map = await read('map')
  const place = placeIn(map.value)
  const part = requireFile(map.next, place)
  return operationWith(operation, place, new FileUpload(part, contentOf(events, isTooLarge)))
}
