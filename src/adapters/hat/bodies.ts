import type { Context } from 'hono'
import { z } from 'zod'
import { malformedJson } from '../../model/errors.ts'
import { isMediaType } from '../../model/media-types.ts'
import type { AppEnv } from '../../wire/context.ts'
import { prose, text } from '../../wire/shapes.ts'
import { isUtf8 } from '../../wire/utf8.ts'
import { InvalidBody } from './errors.ts'

/** Text of a shape, or none of it: what else it is, or what else is wrong with it. */
const orEmpty = <Value extends string>(shape: z.ZodType<Value, string>) =>
  z.union([z.literal(''), shape], {
    error: ({ input }) => (typeof input === 'string' ? 'error.invalid' : 'error.expected.jsstring'),
  })

/** Null is as good as absent, and so is nothing between the quotes. */
const orNothing = <Value extends string>(shape: z.ZodType<Value, string>) =>
  orEmpty(shape)
    .nullish()
    .transform((value) => (value === '' || value === null ? undefined : value))

const [EARLIEST, LATEST] = [Date.parse('0000-01-01T00:00:00.000Z'), Date.parse('9999-12-31T23:59:59.999Z')]

/** Times are milliseconds since 1970, or ISO 8601, of the years that have four digits. */
const Time = z
  .union([z.number(), z.string().transform((value) => Date.parse(value))], 'error.expected.date')
  .refine((time) => time >= EARLIEST && time <= LATEST, 'error.expected.date')
  .transform(Math.trunc)

const STATUSES = ['New', 'Initialized', 'Completed', 'Deleted'] as const

/** A file as clients send it: to begin one, to edit one, and as a template of many. What else they send means nothing. */
const shape = {
  name: text(255),
  source: orEmpty(text(255)),
  tags: z
    .array(text(100))
    .max(50)
    .nullish()
    .transform((tags) => [...new Set(tags)]),
  title: orNothing(text(1_000)),
  description: orNothing(prose(10_000)),
}

export const NewHatFile = z.object({
  ...shape,
  dateCreated: Time.nullish(),
  sourceURL: orNothing(text(2_048)),
  contentType: orNothing(z.string().refine(isMediaType, 'error.expected.mediatype')),
})

export const HatFileChanges = z.object(shape)

export const Template = z.object({
  ...shape,
  name: orEmpty(text(255)),
  fileId: orNothing(text(255)),
  // A size is not looked at: there are clients that send 0 with it, and there are clients that send none.
  status: z
    .object({ status: z.enum(STATUSES) })
    .nullish()
    .transform((status) => status?.status),
})
export type Template = z.infer<typeof Template>

/**
 * The JSON of a request, whatever its Content-Type says, as far as it is known.
 * @throws DomainError `malformed_json`, `invalid_body`
 */
export async function readBody<Shape extends z.ZodType>(c: Context<AppEnv>, wanted: Shape): Promise<z.infer<Shape>> {
  const bytes = await c.req.arrayBuffer()
  if (!isUtf8(bytes)) throw malformedJson()
  const body = parse(new TextDecoder().decode(bytes))
  const parsed = wanted.safeParse(body)
  if (parsed.success) return parsed.data
  const faults: Record<string, string[]> = {}
  for (const issue of parsed.error.issues) {
    const place = placeOf(issue.path)
    faults[place] = [...(faults[place] ?? []), faultOf(issue, valueAt(body, issue.path))]
  }
  throw new InvalidBody(faults)
}

function parse(json: string): unknown {
  for (const meant of [json, withoutLastComma(json)]) {
    try {
      return JSON.parse(meant)
    } catch {
      // The next may be; where none is, that is said below.
    }
  }
  throw malformedJson()
}

/** The platform's own page ends its first example with a comma, and whoever pastes it means what it says. */
function withoutLastComma(json: string): string {
  const members = json.trimEnd().slice(0, -1).trimEnd()
  return json.trimEnd().endsWith('}') && members.endsWith(',') ? `${members.slice(0, -1)}}` : json
}

const placeOf = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((so, part) => so + (typeof part === 'number' ? `[${part}]` : `.${String(part)}`), 'obj')

const valueAt = (body: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (value, part) => (typeof value === 'object' && value !== null ? Reflect.get(value, part) : undefined),
    body,
  )

/** In the words of HAT's framework, where it has some. */
function faultOf(issue: z.core.$ZodIssue, value: unknown): string {
  if (value === undefined && issue.path.length > 0) return 'error.path.missing'
  return issue.code === 'invalid_type' ? `error.expected.js${issue.expected}` : issue.message
}
