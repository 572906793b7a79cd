import type { Hook } from '@hono/zod-openapi'
import { type FieldError, invalidBody, invalidRequest } from '../model/errors.ts'
import type { AppEnv } from './context.ts'

type Target = 'json' | 'form' | 'query' | 'param' | 'header' | 'cookie'
const PLACES: Record<Exclude<Target, 'json' | 'form'>, string> = {
  query: 'query',
  param: 'path',
  header: 'header',
  cookie: 'cookie',
}

/** A field's place as a JSON pointer (RFC 6901) in the body, or under the part of the request that it is in. */
function pointerTo(target: Target, path: readonly PropertyKey[]): string {
  const pointer = path.map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
  return target === 'json' || target === 'form' ? pointer : `${PLACES[target]}${pointer}`
}

/** An unknown field is named itself, rather than the object that it is in. */
const fieldErrors = (target: Target, issue: { path: PropertyKey[]; message: string; keys?: string[] }): FieldError[] =>
  issue.keys === undefined
    ? [{ pointer: pointerTo(target, issue.path), message: issue.message }]
    : issue.keys.map((key) => ({ pointer: pointerTo(target, [...issue.path, key]), message: 'No such field.' }))

/** What zod found becomes one problem that names every place. */
export const refuseInvalid: Hook<unknown, AppEnv, string, unknown> = (result) => {
  if (result.success) return
  const { target } = result
  const errors = result.error.issues.flatMap((issue) => fieldErrors(target, issue))
  throw target === 'json' || target === 'form' ? invalidBody(errors) : invalidRequest(errors)
}
