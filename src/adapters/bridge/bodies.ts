import type { Context } from 'hono'
import { z } from 'zod'
import type { AppEnv } from '../../wire/context.ts'
import { isUtf8 } from '../../wire/utf8.ts'
import { unreadable } from './errors.ts'

/** A body by its members: what they are, and the text that they are part of, for what is kept as it was sent. */
export type Body = Readonly<{ text: string; members: Readonly<Record<string, unknown>> }>

const Members = z.record(z.string(), z.unknown())

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw unreadable()
  }
}

/**
 * The JSON object of a request, whatever its Content-Type says.
 * @throws DomainError `malformed_json` for anything else
 */
export async function readBody(c: Context<AppEnv>): Promise<Body> {
  const bytes = await c.req.arrayBuffer()
  if (!isUtf8(bytes)) throw unreadable()
  const text = new TextDecoder().decode(bytes)
  const members = Members.safeParse(parse(text))
  if (!members.success) throw unreadable()
  return { text, members: members.data }
}

/** Text, or what is written as text would be; null is as good as absent. */
export const Text = z
  .union([z.string(), z.number(), z.boolean()])
  .transform(String)
  .nullish()
  .transform((value) => value ?? undefined)

/**
 * What a body says, as far as it is known; all else in it means nothing.
 * @throws DomainError `malformed_json` that names the members that are of another type
 */
export function fieldsOf<Shape extends z.ZodType>(body: Body, shape: Shape): z.infer<Shape> {
  const parsed = shape.safeParse(body.members)
  if (parsed.success) return parsed.data
  throw unreadable([...new Set(parsed.error.issues.map(({ path }) => String(path[0])))])
}

export const isBlank = (text: string | undefined): text is undefined | '' => text === undefined || text.trim() === ''
