import { expect } from 'vitest'
import { ADAPTERS } from '../../src/app.ts'
import { claimsOf, pathAmong } from '../../src/adapters/adapter.ts'
import type { Door } from '../../src/model/principal.ts'
import { type Answer, told } from './client.ts'
import { expectProblem } from './problems.ts'

// What every answer must be, whoever asked for whatever: by the door at which it was asked.

/** Nobody asks for anything at a job's. */
type AskedAt = Exclude<Door, 'job'>
type Asked = Readonly<{ request: Request; answer: Answer }>

const CLAIMS = ADAPTERS.map((adapter) => ({ door: adapter.door, claims: claimsOf(adapter) }))
const routed = pathAmong(ADAPTERS)

/** Whose words are answered with: where a path leads is for the paths to say. */
export function doorOf(request: Request): AskedAt {
  const path = routed(request)
  const { method } = request
  const door = CLAIMS.find(({ claims }) => claims(method, path))?.door
  return door === undefined || door === 'job' ? (path.startsWith('/d/') ? 'link' : 'native') : door
}

const isText = expect.stringMatching(/\S/)
const type = ({ headers }: Answer) => headers.get('Content-Type')

/** Bridge's envelope, with whatever belongs to one kind of failure. */
function asBridge({ answer }: Asked): void {
  const { status, body } = answer
  expect(type(answer)).toBe('application/json;charset=UTF-8')
  // Without a consent, a session is answered.
  if (status === 412) return expect(body).toMatchObject({ type: 'UserSessionInfo', authenticated: expect.any(Boolean) })
  expect(body).toMatchObject({
    statusCode: status,
    message: expect.any(String),
    type: expect.stringMatching(/Exception$/),
  })
  if (status === 401) expect(Object.keys(body)).toEqual(['statusCode', 'message', 'type'])
  return undefined
}

const OAUTH = { error: expect.stringMatching(/^[a-z_]+$/), error_description: isText }

function asMyDataHelps({ answer, request }: Asked): void {
  const { status, body, headers } = answer
  expect(type(answer)).toMatch(/^application\/json\b/)
  expect(headers.get('Cache-Control')).toBe('no-store')
  if ('error' in body) {
    expect(body).toEqual(OAUTH)
    expect(routed(request)).toBe('/identityserver/connect/token')
  } else {
    const { errors, ...others } = body
    expect(others).toEqual({ message: isText, code: isText, requestId: headers.get('X-Request-Id') })
    if (errors !== undefined) expect(errors.length).toBeGreaterThan(0)
  }
  if (status === 401) expect(headers.get('WWW-Authenticate')).toMatch(/^(Bearer|Basic) /)
}

/** One thing that is wrong, or all that is wrong with fields. */
function asOpenHumans({ answer }: Asked): void {
  const { status, body, headers } = answer
  expect(headers.get('Cache-Control')).toContain('no-store')
  if (type(answer)?.startsWith('text/html')) return expect(body).toMatch(/^<h1>[^<]+<\/h1>$/)
  expect(type(answer)).toBe('application/json')
  if ('error' in body) expect(body).toEqual(OAUTH)
  else {
    const faults = Object.values(body.errors ?? body)
    expect(faults.length).toBeGreaterThan(0)
    for (const each of faults.flat()) expect(each).toEqual(isText)
  }
  if (status === 401) expect(headers.get('WWW-Authenticate')).toMatch(/^(Bearer|Basic) realm="api"$/)
  return undefined
}

/** Words, or GraphQL's list of errors. */
function asKidsFirst({ answer, request }: Asked): void {
  const { body, headers } = answer
  expect(headers.get('Cache-Control')).toBe('no-store')
  if (type(answer)?.startsWith('text/html')) return expect(body).toMatch(/^[^<>]+$/)
  expect(['/', '/graphql']).toContain(routed(request))
  expect(type(answer)).toMatch(/^application\/(?:graphql-response\+)?json; charset=utf-8$/)
  expect(body.errors.length).toBeGreaterThan(0)
  return undefined
}

/** What is told in an answer of GraphQL that is none of HTTP's refusals. */
function asGraphql({ answer: { body } }: Asked): void {
  expect(Object.keys(body).toSorted()).toEqual(body.errors === undefined ? ['data'] : ['data', 'errors'])
  for (const { message } of body.errors ?? []) expect(message).toEqual(isText)
}

/** What its framework says, or one of its operations. */
function asHat({ answer, request }: Asked): void {
  const { status, body, text } = answer
  // Of content that is not there, or not for the caller, nothing is said.
  if (status === 404 && text === '') return expect(routed(request)).toContain('/files/content/')
  expect(type(answer)).toBe('application/json')
  if ('error' in body) return expect(body).toEqual({ error: isText, message: expect.anything() })
  expect(body).toMatchObject({ message: isText, cause: expect.any(String) })
  expect(Object.keys(body).filter((name) => !['message', 'cause', 'details'].includes(name))).toEqual([])
  return undefined
}

function asNative({ answer, request }: Asked): void {
  const isPage = type(answer)?.startsWith('text/html') === true && doorOf(request) === 'link'
  if (!isPage) expectProblem(answer)
}

const REFUSALS: Readonly<Record<AskedAt, (asked: Asked) => void>> = {
  native: asNative,
  link: asNative,
  bridge: asBridge,
  mydatahelps: asMyDataHelps,
  openhumans: asOpenHumans,
  kidsfirst: asKidsFirst,
  hat: asHat,
}

/**
 * What is answered with a 503, and is documented so: to what a browser loads before anybody asked for it, of what is used
 * up by being loaded. Nothing is answered with any other 5xx: whatever is wrong is wrong with the request.
 */
const isTurnedAway = ({ answer: { status }, request: { headers } }: Asked) =>
  status === 503 && /prefetch/.test(headers.get('Sec-Purpose') ?? '')

/** @throws Error for an answer that is not as it must be */
export async function judge(asked: Asked): Promise<void> {
  const { request, answer } = asked
  const { status, text } = answer
  const door = doorOf(request)
  if (!isTurnedAway(asked)) expect(status).toBeLessThan(500)
  await told(request, answer)
  if (request.method === 'HEAD' || status === 304) return expect(text).toBe('')
  if (status >= 400) REFUSALS[door](asked)
  else if (['/', '/graphql'].includes(routed(request)) && type(answer)?.includes('json') === true) asGraphql(asked)
  return undefined
}
