import { env } from 'cloudflare:workers'
import type { Answer } from './callers.ts'
import { ORIGIN, sendingWith } from './client.ts'
import { heldJobs } from './erasures.ts'
import type { Names } from './fuzz-world.ts'
import type { Body, Plan, Spoil } from './fuzz-plans.ts'

// Requests that were made up, sent in a world in which their names mean something, and told to people.

const NAME = /⟦([\w.]+)(?:~(\d+))?⟧/g

/** Of what a secret is written with, another sign. */
function flipped(text: string, at: number): string {
  const index = at % Math.max(text.length, 1)
  const other = text.charAt(index) === 'A' ? 'B' : 'A'
  return text.slice(0, index) + other + text.slice(index + 1)
}

type Called = (name: string, at: number | undefined) => string
const calledBy =
  (names: Names): Called =>
  (name, at) => {
    const value = names[name] ?? name
    return at === undefined ? value : flipped(value, at)
  }

const resolved = (text: string, called: Called, written: (value: string) => string = String): string =>
  text.replaceAll(NAME, (_, name: string, at?: string) =>
    written(called(name, at === undefined ? undefined : Number(at))),
  )

const WRITTEN: Readonly<Record<Body['as'], (value: string) => string>> = {
  json: (value) => JSON.stringify(value).slice(1, -1),
  form: encodeURIComponent,
  plain: String,
}

function spoiled(bytes: Uint8Array, { at, how, bytes: more, times }: Spoil): Uint8Array {
  const index = at % (bytes.length + 1)
  switch (how) {
    case 'cut':
      return bytes.slice(0, index)
    case 'flip':
      return bytes.map((byte, each) => (each === index ? byte ^ (1 << (at % 8)) : byte))
    case 'insert': {
      const inserted = Array.from({ length: times }, () => more).flat()
      return Uint8Array.from([...bytes.subarray(0, index), ...inserted, ...bytes.subarray(index)])
    }
    default:
      return how satisfies never
  }
}

const bytesOf = ({ text, as, spoils }: Body, called: Called): Uint8Array =>
  spoils.reduce<Uint8Array>(spoiled, new TextEncoder().encode(resolved(text, called, WRITTEN[as])))

/** The operator may do and see anything there is, and so asks about one study only. */
function asAllowed(plan: Plan): Plan {
  const isOperators = JSON.stringify(plan).includes('⟦operator⟧')
  if (!isOperators) return plan
  // The same request, with other names in it.
  return JSON.parse(JSON.stringify(plan).replaceAll('⟦shut.', '⟦open.').replace('"hat":"shut"', '"hat":"open"')) as Plan
}

/** Those that nobody can send a body with. */
const METHODS_WITHOUT = ['GET', 'HEAD']

/** The request, with the names of a world in it. */
export function requestOf(made: Plan, names: Names): Request {
  const plan = asAllowed(made)
  const called = calledBy(names)
  const origin = plan.hat === undefined ? ORIGIN : `http://${names[`${plan.hat}.host`]}`
  const query = resolved(plan.query, called, encodeURIComponent)
  const headers = new Headers({ 'CF-Connecting-IP': anyAddress() })
  for (const [name, value] of plan.headers) headers.append(name, resolved(value, called))
  const isSent = plan.body !== undefined && !METHODS_WITHOUT.includes(plan.method)
  return new Request(`${origin}${resolved(plan.path, called, encodeURIComponent)}${query === '' ? '' : `?${query}`}`, {
    method: plan.method,
    headers,
    redirect: 'manual',
    ...(isSent ? { body: bytesOf(plan.body, called) } : {}),
  })
}

let addresses = 0
/** Guesses are counted by where they come from. */
const anyAddress = () => `2001:db8::${((addresses += 1) >> 16).toString(16)}:${(addresses & 0xffff).toString(16)}`

const jobs = heldJobs()
const ask = sendingWith({ ...env, JOBS: jobs.JOBS })
const MAX_MILLISECONDS = 5_000

/** What is answered. @throws Error where that takes too long */
export async function send(request: Request): Promise<Answer> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer in ${MAX_MILLISECONDS} ms`)), MAX_MILLISECONDS)
  })
  try {
    return await Promise.race([answerTo(request), late])
  } finally {
    clearTimeout(timer)
    jobs.sent.length = 0
  }
}

async function answerTo(request: Request): Promise<Answer> {
  const { status, headers, ...response } = await whole(request)
  const isJson = /json/.test(headers.get('Content-Type') ?? '') && response.text !== ''
  return { status, headers, text: response.text, body: isJson ? JSON.parse(response.text) : response.text }
}

async function whole(request: Request) {
  const response = await ask(request)
  const text = new TextDecoder().decode(await response.arrayBuffer())
  return { status: response.status, headers: response.headers, text }
}

/** What a request says, in any of its places: what is answered with is no news then. */
export function saidIn(made: Plan, names: Names): string {
  const { path, query, headers, body } = asAllowed(made)
  const said = [path, query, ...headers.map(([, value]) => value), body?.text ?? '']
  return resolved(said.join('\n'), calledBy(names))
}

const MAX_LINE = 4_000
const variable: Called = (name, at) => `__NAMED_${name.replace('.', '_')}${at === undefined ? '' : `_${at}`}__`
/** In the quotes of a shell, with escapes for what is no plain sign, and with variables. */
function quoted(bytes: Uint8Array): string {
  const written = Array.from(bytes, (byte) =>
    byte >= 32 && byte < 127 && !["'", '\\'].includes(String.fromCharCode(byte))
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, '0')}`,
  ).join('')
  return `$'${written.replaceAll(/__NAMED_(\w+?)__/g, `'"$$$1"$$'`)}'`
}
const quotedText = (text: string) => quoted(new TextEncoder().encode(resolved(text, variable)))

/**
 * The request as somebody would send it by hand. Names of the world are variables; one that ends in a number is of a text
 * in which that sign is another.
 */
export function curl(made: Plan): string {
  const { method, hat, path, query, headers, body } = asAllowed(made)
  const url = `http://${hat === undefined ? 'localhost:8787' : `⟦${hat}.host⟧`}${path}${query === '' ? '' : `?${query}`}`
  const shown = headers.map(([name, value]) => ` -H ${quotedText(`${name}: ${value}`)}`).join('')
  const sent = body === undefined ? '' : ` --data-binary ${quoted(bytesOf(body, variable))}`
  const line = `curl --path-as-is -X ${method} ${quotedText(url)}${shown}${sent}`
  return line.length > MAX_LINE ? `${line.slice(0, MAX_LINE)}… (${line.length} characters)` : line
}
