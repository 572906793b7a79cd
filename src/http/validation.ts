import type { Hook, z } from '@hono/zod-openapi'
import { bodyMissing, type FieldError, invalidBody, invalidRequest } from '../model/errors.ts'
import type { AppEnv } from '../wire/context.ts'

/** A hostile body can be wrong in more places than an answer should have. */
const MAX_ERRORS = 100

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

type Issue = z.core.$ZodIssue

/** Another type, or none of the words: what a union's branch says of what was not meant for it. */
const isElsewhere = (issue: Issue): boolean =>
  issue.path.length === 0 &&
  (issue.code === 'invalid_type' ||
    issue.code === 'invalid_value' ||
    (issue.code === 'invalid_union' && issue.errors.every((branch) => branch.some(isElsewhere))))

/** What a union takes, where what came is meant for none of its branches. */
function expectedBy(issue: Issue): string[] {
  if (issue.path.length > 0) return []
  if (issue.code === 'invalid_type') return [issue.expected]
  if (issue.code === 'invalid_value') return issue.values.map((value) => JSON.stringify(String(value)))
  return issue.code === 'invalid_union' ? issue.errors.flat().flatMap(expectedBy) : []
}

/** An unknown field is named itself, rather than the object that it is in; of a union, the branch that was most likely meant. */
function fieldErrors(target: Target, issue: Issue): FieldError[] {
  const { path, message } = issue
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({ pointer: pointerTo(target, [...path, key]), message: 'No such field.' }))
  }
  if (issue.code === 'invalid_union') {
    const branches = issue.errors.filter((branch) => !branch.some(isElsewhere))
    const [meant] = branches.toSorted((a, b) => a.length - b.length)
    if (meant !== undefined) {
      return meant.flatMap((each) => fieldErrors(target, { ...each, path: [...path, ...each.path] }))
    }
    const expected = new Set(issue.errors.flat().flatMap(expectedBy))
    return [{ pointer: pointerTo(target, path), message: `Invalid input: expected ${[...expected].join(' or ')}` }]
  }
  return [{ pointer: pointerTo(target, path), message }]
}

/** Without what zod goes on to say of what is of a wrong type: a list where a text belongs is not too long as well. */
function withoutAsides(issues: readonly Issue[]): Issue[] {
  const placeOf = ({ path }: Issue) => JSON.stringify(path.map(String))
  const mistyped = new Set(issues.filter(({ code }) => code === 'invalid_type').map(placeOf))
  return issues.filter((issue) => issue.code === 'invalid_type' || !mistyped.has(placeOf(issue)))
}

/** What zod found becomes one problem that names every place. */
export const refuseInvalid: Hook<unknown, AppEnv, string, unknown> = (result, c) => {
  // Without a content type there is no body, which would pass for an empty object.
  if (result.target === 'json' && c.req.header('Content-Type') === undefined) throw bodyMissing()
  if (result.success) return
  const { target } = result
  const errors = withoutAsides(result.error.issues.slice(0, MAX_ERRORS))
    .flatMap((issue) => fieldErrors(target, issue))
    .slice(0, MAX_ERRORS)
  throw target === 'json' || target === 'form' ? invalidBody(errors) : invalidRequest(errors)
}
