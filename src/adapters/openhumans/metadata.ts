import { parseExactly } from '../../json-text.ts'
import type { FileDetails, Metadata } from '../../model/entities.ts'
import { isMetadata, isShallow, MAX_METADATA_CHARACTERS, MAX_METADATA_DEPTH } from '../../wire/metadata.ts'
import { baseName } from '../../wire/multipart.ts'
import { prose, text } from '../../wire/shapes.ts'
import { type Fields, textOf } from './fields.ts'

// What a client says of a file. It is kept as it was said; what of it Carrel has a place for is kept there, too.

const MAX_TAGS = 50

const MD5 = /^[0-9a-f]{32}$/i

/** A date, week or day of a year, with a time of day or none; what upstream's parser takes. */
const DATE =
  /^\d{4}(?:-?(?:0[1-9]|1[0-2])(?:-?(?:0[1-9]|[12]\d|3[01]))?|-?W(?:0[1-9]|[1-4]\d|5[0-3])(?:-?[1-7])?|-?[0-3]\d\d)?$/
const TIME = /^(?:[01]\d|2[0-4])(?::?[0-5]\d(?::?[0-5]\d(?:[.,]\d+)?)?)? ?(?:Z|[+-]\d\d(?::?\d\d)?)?$/
const TIMESTAMP = /^-?\d+(?:\.\d+)?$/

function isDate(value: unknown): boolean {
  if (typeof value === 'number') return true
  if (typeof value !== 'string') return false
  const [date = '', time, ...more] = value.trim().split(/[T ](?!$)/)
  // A space may also part the zone from the time.
  const rest = [time, ...more].filter((part) => part !== undefined).join(' ')
  return (DATE.test(date) && (rest === '' || TIME.test(rest))) || TIMESTAMP.test(value)
}

function parsed(json: string): Metadata | undefined {
  try {
    const value = parseExactly(json)
    return isMetadata(value) ? value : undefined
  } catch {
    return undefined
  }
}

const isTexts = (value: unknown): boolean =>
  Array.isArray(value) && value.every((each: unknown) => typeof each === 'string')

const DATES = ['creation_date', 'start_date', 'end_date']

/** What must hold, in the order in which it is asked. */
const CHECKS: readonly (readonly [holds: (metadata: Metadata) => boolean, fault: string])[] = [
  [({ description }) => description !== undefined, '"description" is a required field of the metadata'],
  [({ description }) => typeof description === 'string', '"description" must be a string'],
  [({ tags }) => tags !== undefined, '"tags" is a required field of the metadata'],
  // Upstream does not look at the elements, of which it says the same.
  [({ tags }) => isTexts(tags), '"tags" must be an array of strings'],
  [
    (metadata) => DATES.every((name) => (metadata[name] ?? undefined) === undefined || isDate(plain(metadata[name]))),
    'Dates must be in ISO 8601 format',
  ],
  [
    ({ md5 }) => (md5 ?? undefined) === undefined || (typeof md5 === 'string' && MD5.test(md5)),
    'Invalid MD5 specified',
  ],
  [isShallow, `The metadata may be nested ${MAX_METADATA_DEPTH} levels deep at most`],
  [
    (metadata) => JSON.stringify(metadata).length <= MAX_METADATA_CHARACTERS,
    `The metadata may have ${MAX_METADATA_CHARACTERS} characters at most`,
  ],
]

/** A number is a number, however it was written. */
const plain = (value: unknown): unknown =>
  typeof value === 'object' && value !== null ? JSON.parse(JSON.stringify(value)) : value

const Tag = text(100)
const Description = prose(10_000)

/** What Carrel's own fields can hold of it; the rest is in the metadata only. */
function detailsOf(metadata: Metadata): Partial<FileDetails> {
  const { description, tags } = metadata
  const told = Description.min(1).safeParse(description)
  const words = Array.isArray(tags) ? tags.flatMap((tag) => Tag.safeParse(tag).data ?? []) : []
  return {
    metadata,
    description: told.success ? told.data : null,
    tags: [...new Set(words)].slice(0, MAX_TAGS),
  }
}

export const REQUIRED = 'This field is required.'

/** The details of a file, or what is wrong with the metadata that tells them. */
export function readMetadata(fields: Fields): { details: Partial<FileDetails> } | { fault: string } {
  const json = textOf(fields, 'metadata')
  if (json === undefined) return { fault: REQUIRED }
  const metadata = parsed(json)
  if (metadata === undefined) return { fault: 'could not parse the uploaded metadata' }
  const failed = CHECKS.find(([holds]) => !holds(metadata))
  return failed === undefined ? { details: detailsOf(metadata) } : { fault: failed[1] }
}

/** What is wrong with the types of data that a file is said to be of: a list in JSON, of which Carrel knows none. */
export function datatypesFault(fields: Fields): string | undefined {
  const json = textOf(fields, 'datatypes')
  if (json === undefined) return undefined
  const listed = listIn(json)
  if (listed === undefined) return `Could not parse the uploaded datatypes from: '${json}'`
  if (listed.length === 0) return undefined
  return `The following datatypes don't match items in our database: ${JSON.stringify(listed)}`
}

function listIn(json: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(json)
    return Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

const Name = text(255)

/** A file's name, or what is wrong with it. */
export function readName(given: string | undefined): { name: string } | { fault: string } {
  if (given === undefined) return { fault: REQUIRED }
  const { length } = Array.from(given)
  if (length > 255) return { fault: `Ensure this value has at most 255 characters (it has ${length}).` }
  const name = baseName(given)
  if (given !== '' && ['', '.', '..'].includes(name)) return { fault: 'This names a folder and no file.' }
  return Name.safeParse(name).success
    ? { name }
    : { fault: 'Control characters and halves of surrogate pairs are not allowed.' }
}

/** Whether the content has the MD5 that was said of it; null where none was said, or none is known of the content. */
export function md5Matches(said: unknown, md5: string | null): boolean | null {
  if (typeof said !== 'string' || !MD5.test(said) || md5 === null) return null
  return said.toLowerCase() === md5
}
