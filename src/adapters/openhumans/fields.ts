import type { Context } from 'hono'
import { parseExactly } from '../../json-text.ts'
import { bytesIn } from '../../wire/body.ts'
import type { AppEnv } from '../../wire/context.ts'
import { boundaryOf, MAX_FIELDS, type MultipartEvent, MultipartError, readMultipart } from '../../wire/multipart.ts'
import { malformed, tooLarge, unsupportedMediaType } from './errors.ts'

/** What a client has said under each name: text, or any JSON value. Of several under one name, all; else the only one. */
export type Fields = ReadonlyMap<string, unknown>

/** Metadata of the longest kind, and what is said around it. */
const MAX_FIELD_BYTES = 512 * 1024

/** Fields as text. What is blank is as good as absent, and space around it means nothing. */
export function textOf(fields: Fields, name: string): string | undefined {
  const value = fields.get(name)
  const one: unknown = Array.isArray(value) ? value.at(-1) : value
  if (one === undefined || one === null) return undefined
  const text = (typeof one === 'string' ? one : JSON.stringify(one)).trim()
  return text === '' ? undefined : text
}

/** The bytes of a body, `maxBytes` of them at most. @throws Refused for more, and for a body that breaks off */
export async function* bytesOf(c: Context<AppEnv>, maxBytes: number): AsyncGenerator<Uint8Array, undefined> {
  if (Number(c.req.header('Content-Length') ?? 0) > maxBytes) throw tooLarge(maxBytes)
  let taken = 0
  for await (const chunk of bytesIn(c.req.raw.body, () => malformed('The body broke off.'))) {
    taken += chunk.length
    if (taken > maxBytes) throw tooLarge(maxBytes)
    yield chunk
  }
}

async function whole(bytes: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return new Blob(await Array.fromAsync(bytes)).bytes()
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** @throws Refused for bytes that are no UTF-8, which would be read as something that nobody has sent */
function textIn(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw malformed('The body is not UTF-8.')
  }
}

/** Collects what comes under names. */
function gather() {
  const fields = new Map<string, unknown>()
  const add = (name: string, value: unknown) => {
    const known = fields.get(name)
    fields.set(name, known === undefined ? value : Array.isArray(known) ? [...known, value] : [known, value])
  }
  return { fields, add }
}

/** As forms have it, and as it is put together by hand: what is not escaped stands for itself. */
function urlencoded(text: string): Fields {
  const { fields, add } = gather()
  const said = new URLSearchParams(text)
  if (said.size > MAX_FIELDS) throw malformed(`A form has ${MAX_FIELDS} fields at most.`)
  // Escapes that are no UTF-8 are replaced by this.
  const mayBeSaid = /%EF%BF%BD|\uFFFD/i.test(text)
  for (const [name, value] of said) {
    if (!mayBeSaid && `${name}${value}`.includes('\uFFFD')) throw malformed('The body is not UTF-8.')
    add(name, value)
  }
  return fields
}

function json(text: string): Fields {
  const value = parse(text)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw malformed('JSON parse error - the body is no object.')
  }
  return new Map(Object.entries(value))
}

function parse(text: string): unknown {
  for (const meant of [text, withTrue(text)]) {
    try {
      return parseExactly(meant)
    } catch {
      // The next may be; where none is, that is said below.
    }
  }
  throw malformed('JSON parse error - the body is no JSON.')
}

/** The platform's own page deletes all files with Python's word for true. Within a string, no name ends in a bare quote. */
const withTrue = (text: string): string => text.replaceAll(/("all_files"\s*:\s*)True(?=\s*[,}])/g, '$1true')

/** The events of a multipart body. @throws Refused for a body that is none, or breaks off */
export async function* multipartIn(
  bytes: AsyncIterable<Uint8Array>,
  contentType: string,
): AsyncGenerator<MultipartEvent, undefined> {
  const boundary = boundaryOf(contentType)
  if (boundary === undefined) throw malformed('Multipart form parse error - Invalid boundary in multipart: None')
  try {
    yield* readMultipart(bytes, boundary)
  } catch (failure) {
    throw failure instanceof MultipartError ? malformed(`Multipart form parse error - ${failure.message}`) : failure
  }
}

/** Collects the fields among parts; files are passed over. */
export function partFields() {
  const { fields, add } = gather()
  let open: { name: string; chunks: Uint8Array[] } | undefined
  let held = 0
  const close = async () => {
    if (open !== undefined) add(open.name, textIn(await new Blob(open.chunks).bytes()))
    open = undefined
  }
  const take = async (event: MultipartEvent) => {
    if (event.kind === 'part') {
      await close()
      held += event.name.length
      open = event.filename === undefined ? { name: event.name, chunks: [] } : undefined
    } else if (open !== undefined) {
      held += event.bytes.length
      open.chunks.push(event.bytes.slice())
    }
    if (held > MAX_FIELD_BYTES) throw tooLarge(MAX_FIELD_BYTES)
  }
  return { fields, take, close }
}

async function multipart(bytes: AsyncIterable<Uint8Array>, contentType: string): Promise<Fields> {
  const parts = partFields()
  for await (const event of multipartIn(bytes, contentType)) await parts.take(event)
  await parts.close()
  return parts.fields
}

export const contentTypeOf = (c: Context<AppEnv>): string => c.req.header('Content-Type') ?? ''
export const isMultipart = (contentType: string) => /^multipart\/form-data\b/i.test(contentType)

/**
 * What a POST says, in whichever of the three ways that clients have of saying it.
 * @throws Refused for a body that cannot be read
 */
export async function readFields(c: Context<AppEnv>): Promise<Fields> {
  const contentType = contentTypeOf(c)
  const bytes = bytesOf(c, MAX_FIELD_BYTES)
  if (isMultipart(contentType)) return multipart(bytes, contentType)
  const body = await whole(bytes)
  const [essence = ''] = contentType.split(';')
  switch (essence.trim().toLowerCase()) {
    case 'application/x-www-form-urlencoded':
      return urlencoded(textIn(body))
    case 'application/json':
      return json(textIn(body))
    default:
      if (body.length === 0) return new Map()
      throw unsupportedMediaType(essence.trim())
  }
}
