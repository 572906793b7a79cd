import type { Context } from 'hono'
import { z } from 'zod'
import { type FieldError, fileNotFound, invalidRequest } from '../../model/errors.ts'
import type { ParticipantId } from '../../model/ids.ts'
import type { AppEnv } from '../../wire/context.ts'
import { ParticipantIdText, text } from '../../wire/shapes.ts'

// What these clients write into a URL. The SDK encodes the name of a file and neither its category nor its key, and what
// it leaves out of a query it writes as the word for nothing.

/** Whether a participant's own things are asked for, rather than a project's. */
export const isDelegated = (c: Context<AppEnv>): boolean => c.req.path.startsWith('/api/v1/delegated/')

/** The question mark is not part of it. */
export const searchOf = (c: Context<AppEnv>): string => new URL(c.req.url).search.slice(1)

/** Percent-decoded as far as it is encoded: a sign that begins no escape, or one that is no UTF-8, stays as it is. */
export const decoded = (raw: string): string =>
  raw.replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run)
    } catch {
      return run
    }
  })

/** What URLSearchParams makes of undefined and of null. */
const NOTHING = ['', 'undefined', 'null']

/** What stands after a name in a query, up to the next `&`; a `+` is one. */
const rawValueOf = (search: string, name: string): string | undefined =>
  search
    .split('&')
    .find((part) => part.startsWith(`${name}=`))
    ?.slice(name.length + 1)

const refused = (pointer: string, message: string): FieldError => ({ pointer: `query/${pointer}`, message })

function parsed<Shape extends z.ZodType>(shape: Shape, value: unknown, name: string): z.output<Shape> {
  const result = shape.safeParse(value)
  if (result.success) return result.data
  throw invalidRequest(result.error.issues.map(({ message }) => refused(name, message)))
}

const UPLOAD = ['category=', '&fileName='] as const

/**
 * The category and the name of a file that is to be sent. The category comes first and as it is, so it goes on up to the
 * last thing that begins the name, which is encoded.
 * @throws DomainError `invalid_request`
 */
export function uploadAsked(search: string): { category: string | null; name: string } {
  const [before, between] = UPLOAD
  const at = search.lastIndexOf(between)
  const inOrder = search.startsWith(before) && at !== -1
  const category = inOrder ? search.slice(before.length, at) : (rawValueOf(search, 'category') ?? '')
  const name = rawValueOf(inOrder ? search.slice(at + 1) : search, 'fileName')
  if (name === undefined || name === '') {
    throw invalidRequest([refused('fileName', 'Must be there. A `#` before it, in the category, is sent as `%23`.')])
  }
  return {
    category: NOTHING.includes(category) ? null : parsed(text(255), decoded(category), 'category'),
    name: parsed(text(255), decoded(name), 'fileName'),
  }
}

/** What stands for a key: all that follows, for a key is sent as it is. */
export const rawKeyOf = (search: string): string | undefined => /(?:^|&)key=(.*)$/s.exec(search)?.[1]

/** @throws DomainError `invalid_request`; `file_not_found` for the words for nothing */
export function keyAsked(search: string): string {
  const key = rawKeyOf(search)
  if (key === undefined) throw invalidRequest([refused('key', 'Must be the `key` of a file.')])
  if (NOTHING.includes(key)) throw fileNotFound()
  return key
}

const absent = (value: unknown) => (typeof value === 'string' && NOTHING.includes(value) ? undefined : value)
const optional = <Shape extends z.ZodType>(shape: Shape) => z.preprocess(absent, shape.optional())

const NOT_A_DATE = 'Must be a date, or an instant like `2026-11-21T08:30:00Z`; without a zone it is UTC.'

/** As clients write them, also with a space for the `T` or, unencoded, for the `+` of a zone. */
const Time = z
  .string()
  .transform((value) => value.replace(/^(\S{10}) (?=\d\d:\d\d:)/, '$1T').replace(/ (?=\d\d:?\d\d$)/, '+'))
  .pipe(z.union([z.iso.date(), z.iso.datetime({ offset: true, local: true })], NOT_A_DATE))
  .transform((value) => new Date(/T.*(?:Z|[+-]\d\d:?\d\d)$/.test(value) ? value : `${value}${zoneOf(value)}`))
  .refine((date) => date.getUTCFullYear() >= 0 && date.getUTCFullYear() <= 9_999, NOT_A_DATE)

const zoneOf = (value: string) => (value.includes('T') ? 'Z' : 'T00:00:00Z')

const Whole = z.coerce.number('Must be a number.').int('Must be a whole number.')
const MAX_FILES = 100

const FilesQuery = z.object({
  participantID: optional(ParticipantIdText),
  participantIdentifier: optional(z.string()),
  category: optional(z.string()),
  uploadedAfter: optional(Time),
  uploadedBefore: optional(Time),
  // More than the most is the most: the page says where the next one begins.
  limit: optional(Whole.min(1, 'Must be 1 at least.').transform((limit) => Math.min(limit, MAX_FILES))).default(
    MAX_FILES,
  ),
  pageID: optional(z.string()),
})
export type FilesAsked = z.output<typeof FilesQuery>

/** @throws DomainError `invalid_request` */
function parsedQuery<Shape extends z.ZodType>(c: Context<AppEnv>, shape: Shape): z.output<Shape> {
  const result = shape.safeParse(c.req.query())
  if (result.success) return result.data
  throw invalidRequest(result.error.issues.map(({ path, message }) => refused(String(path[0]), message)))
}

export const filesAsked = (c: Context<AppEnv>): FilesAsked => parsedQuery(c, FilesQuery)

const MAX_PARTICIPANTS = 1_000

// Pages are counted: fewer on each than were asked for would leave out the last ones, so more than the most is refused.
const PageQuery = z.object({
  pageSize: optional(
    Whole.min(1, 'Must be 1 at least.').max(MAX_PARTICIPANTS, `Must be ${MAX_PARTICIPANTS} at most.`),
  ).default(100),
  pageNumber: optional(Whole.min(0, 'Must be 0 at least.').max(1_000_000, 'There is no such page.')).default(0),
  participantIdentifier: optional(z.string()),
})

export const participantsAsked = (c: Context<AppEnv>) => parsedQuery(c, PageQuery)

/** Undefined for what is nobody's id. */
export const participantOf = (value: string): ParticipantId | undefined => ParticipantIdText.safeParse(value).data
