import fc from 'fast-check'
import { hostileText } from './fuzz-json.ts'

// Requests as they are made up: before the world that they are sent in is known, so that a seed makes them anew.
// `⟦open.file⟧` stands for a name of that world, `⟦@.file⟧` for one of the study that a request is about, and
// `⟦open.session~7⟧` for one of which something at its seventh sign is another.

/** One change of a body's bytes, at any place of it. */
export type Spoil = Readonly<{
  at: number
  how: 'flip' | 'cut' | 'insert'
  /** What is inserted, and how often. */
  bytes: readonly number[]
  times: number
}>
export type Body = Readonly<{
  text: string
  /** How a name is written in it. */
  as: 'json' | 'form' | 'plain'
  spoils: readonly Spoil[]
}>
export type Header = readonly [name: string, value: string]
/** What comes with a body, and the body. */
export type Sent = Readonly<{ headers: readonly Header[]; body: Body | undefined }>
export const NOTHING: Sent = { headers: [], body: undefined }
export type Plan = Readonly<{
  method: string
  /** Whose HAT it is sent to; undefined: to none. */
  hat: 'open' | 'shut' | undefined
  path: string
  query: string
  headers: readonly Header[]
  body: Body | undefined
}>

export const weighted = <Value>(...ways: readonly (readonly [weight: number, arbitrary: fc.Arbitrary<Value>])[]) =>
  fc.oneof(...ways.map(([weight, arbitrary]) => ({ weight, arbitrary })))
export const rarely = <Value>(arbitrary: fc.Arbitrary<Value>, usual: Value, times = 9) =>
  weighted([times, fc.constant(usual)], [1, arbitrary])

/** Whose keys are shown, of the study that a request is about. */
const ROLES = ['admin', 'admin', 'admin', 'staff', 'worker', 'worker', 'download', 'ada', 'ada', 'ada', 'bob', 'gone']
/** Those of `shut` who ask: they may see and change what is their own, and nothing else there. */
const OF_SHUT = ['bob', 'gone', 'download']
const KEYS = ROLES.map((role) => `⟦@.${role}Key⟧`)
const STRANGERS = [...ROLES.map((role) => `⟦open.${role}Key⟧`), ...OF_SHUT.map((role) => `⟦shut.${role}Key⟧`)]
/** What is shown in place of a key, where that is understood, and else means nothing. */
const SESSIONS = ['⟦open.session⟧', '⟦shut.session⟧', '⟦open.hatToken⟧', '⟦shut.hatToken⟧', '⟦open.jwt⟧']
/** Real ones, but for a sign. */
const SPOILED = [
  'open.adminKey',
  'shut.adminKey',
  'shut.adaKey',
  'shut.session',
  'shut.hatToken',
  'open.jwt',
  'operator',
]
const GARBAGE = ['x', 'crl_', 'crl_0_x', 'a.b.c', 'eyJhbGciOiJub25lIn0.e30.', 'null', '⟦open.link⟧', '⟦shut.token⟧']
const flip = fc.nat(200)
/** `own`: what a door's clients show besides. */
export const keyOr = (...own: readonly string[]) =>
  weighted(
    [40, fc.constantFrom(...KEYS, ...own)],
    [6, fc.constantFrom(...STRANGERS)],
    [2, fc.constant('⟦operator⟧')],
    [2, fc.tuple(fc.constantFrom(...SPOILED), flip).map(([name, at]) => `⟦${name}~${at}⟧`)],
    [1, fc.constantFrom(...SESSIONS, ...GARBAGE)],
  )
export const key = keyOr()

/** The header by which a door's clients show who they are, now and then another one, or none. */
export function credentials(
  usual: readonly ((shown: string) => Header)[],
  shows: fc.Arbitrary<string> = key,
): fc.Arbitrary<Header[]> {
  const odd: readonly ((shown: string) => Header)[] = [
    (shown) => ['Authorization', `bearer  ${shown} `],
    (shown) => ['Authorization', `Bearer ${shown} ${shown}`],
    (shown) => ['Authorization', shown],
    (shown) => ['Authorization', `Token ${shown}`],
    (shown) => ['Authorization', `Basic ${btoa('app:')}${shown}`],
    (shown) => ['Authorization', `Bearer ${shown}, Bearer x`],
    () => ['Authorization', 'Bearer '],
    () => ['Authorization', `Bearer ${'x'.repeat(9_000)}`],
    (shown) => ['Bridge-Session', shown],
    (shown) => ['X-Auth-Token', shown],
    (shown) => ['Cookie', `session=${shown}`],
  ]
  const ways = weighted([20, fc.constantFrom(...usual)], [1, fc.constantFrom(...odd)])
  const shown = fc.tuple(shows, ways).map(([what, by]) => [by(what)])
  return weighted([24, shown], [1, fc.constant<Header[]>([])])
}

const ODD_HEADERS: readonly Header[] = [
  ['Accept', 'text/html'],
  ['Accept', 'application/graphql-response+json'],
  ['Accept', '*/*;q=x'],
  ['Range', 'bytes=0-3'],
  ['Range', 'bytes=-5,0-1'],
  ['Range', 'bytes=99999999999999999999-'],
  ['Range', 'x'],
  ['If-Range', '"x"'],
  ['If-Match', '*'],
  ['If-Match', '"r1"'],
  ['If-Match', 'W/"r1", x'],
  ['If-None-Match', '*'],
  ['If-None-Match', '"r1"'],
  ['If-None-Match', '"'],
  ['Idempotency-Key', 'once'],
  ['Idempotency-Key', 'twice'],
  ['Idempotency-Key', 'x'.repeat(256)],
  ['Idempotency-Key', ' '],
  ['Carrel-Bookmark', '00000085-0000024c-00004c6d-8e61117bf38d7adb71b934ebbf891683'],
  ['Carrel-Bookmark', 'first-unconstrained'],
  ['Sec-Purpose', 'prefetch'],
  ['Origin', 'http://localhost:5173'],
  ['Origin', 'null'],
  ['Sec-Fetch-Site', 'cross-site'],
  ['X-Request-Id', 'x'.repeat(300)],
  ['X-HTTP-Method-Override', 'DELETE'],
  ['Content-Encoding', 'gzip'],
  ['Content-Length', '99999999'],
  ['Expect', '100-continue'],
  ['Access-Control-Request-Method', 'DELETE'],
  ['X-Forwarded-Host', 'example.org'],
]
/** Names and values that headers can have. */
const garbage = fc.tuple(
  fc.constantFrom(
    'Accept',
    'Range',
    'If-Match',
    'If-None-Match',
    'Idempotency-Key',
    'Carrel-Bookmark',
    'Authorization',
  ),
  fc.stringMatching(/^[\x20-\x7e]*$/, { maxLength: 30 }),
)
export const oddHeaders: fc.Arbitrary<Header[]> = rarely(
  fc.array(weighted<Header>([4, fc.constantFrom(...ODD_HEADERS)], [1, garbage]), { minLength: 1, maxLength: 3 }),
  [],
  3,
)

const ODD_TYPES = [
  '',
  'application/json',
  'application/json; charset=utf-16',
  'application/problem+json',
  'application/merge-patch+json',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'multipart/form-data; boundary=""',
  'multipart/form-data; boundary=x',
  'text/plain',
  'text/html;;',
  '/',
  'a/b, c/d',
  `application/json;${'x'.repeat(2_000)}`,
]
export const contentType = (usual: string): fc.Arbitrary<Header> =>
  rarely(fc.constantFrom(...ODD_TYPES), usual, 14).map((type) => ['Content-Type', type])

const spoil: fc.Arbitrary<Spoil> = fc.record({
  at: fc.nat(2_000),
  how: fc.constantFrom('flip', 'cut', 'insert'),
  bytes: weighted<readonly number[]>(
    [2, fc.array(fc.nat(255), { minLength: 1, maxLength: 4 })],
    [3, fc.constantFrom([0], [0xff], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xef, 0xbb, 0xbf], [91], [34], [13, 10])],
  ),
  times: rarely(fc.constantFrom(2_000, 300_000), 1, 40),
})
export const spoils: fc.Arbitrary<Spoil[]> = rarely(fc.array(spoil, { minLength: 1, maxLength: 3 }), [], 10)

export const body = (text: fc.Arbitrary<string>, as: Body['as']): fc.Arbitrary<Body> =>
  fc.record({ text, as: fc.constant(as), spoils })

/** Parts of a path that are none. They stand there as they are. */
const ODD_SEGMENTS = [
  '',
  '.',
  '..',
  '%2e%2e',
  '%2F',
  '%00',
  '%FF',
  '%',
  '%zz',
  '%ED%A0%80',
  '\\',
  ';x',
  '*',
  ':study',
  '%25',
]
const long = fc.constantFrom('x'.repeat(1_025), '%41'.repeat(3_000))

/** One part of a path: what the study has under the name, now and then what another has, or what nothing is called. */
export const segment = (names: readonly string[]): fc.Arbitrary<string> =>
  weighted(
    [120, fc.constantFrom(...names)],
    [
      8,
      fc.constantFrom(
        '⟦open.file⟧',
        '⟦shut.file⟧',
        '⟦shut.study⟧',
        '⟦shut.upload⟧',
        '⟦shut.version⟧',
        'me',
        'self',
        'ada',
      ),
    ],
    [4, fc.tuple(fc.constantFrom(...names), flip).map(([name, at]) => name.replace('⟧', `~${at}⟧`))],
    [4, fc.constantFrom(...ODD_SEGMENTS)],
    [1, hostileText.map((text) => encodeURIComponent(text.toWellFormed()))],
    [1, long],
  )

/** A whole path, by its parts; sometimes with slashes, or something else, that do not belong there. */
export const pathOf = (parts: readonly (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.tuple(...parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part))),
      rarely(fc.constantFrom('/', '//', '/.', '/x', '%20', '%00', '?'), '', 40),
    )
    .map(([segments, end]) => `/${segments.join('/')}${end}`)

/** Some of these fields, with a value each, as forms and queries have them; values are in the form's own escapes. */
export const fieldsOf = (fields: Readonly<Record<string, fc.Arbitrary<string>>>, most = 2): fc.Arbitrary<string> => {
  const one = weighted(
    [1, hostileText.map((text) => `x=${encodeURIComponent(text.toWellFormed())}`)],
    ...Object.entries(fields).map(([name, value]) => [2, value.map((each) => `${name}=${each}`)] as const),
  )
  return fc.array(one, { maxLength: most, size: 'max' }).map((said) => said.join('&'))
}
/** A field's values: those that mean something, and what is none. */
export const field = (...values: readonly string[]): fc.Arbitrary<string> =>
  weighted([5, fc.constantFrom(...values, '')], [1, hostileText.map((text) => encodeURIComponent(text.toWellFormed()))])

/** What a request of some study is about. */
export const place = weighted<'open' | 'shut'>([3, fc.constant('open')], [1, fc.constant('shut')])
export const methodOr = (usual: string) =>
  rarely(fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'), usual, 30)

/** All of several lists of headers. */
export const together = (...lists: readonly fc.Arbitrary<readonly Header[]>[]): fc.Arbitrary<readonly Header[]> =>
  fc.tuple(...lists).map((each) => each.flat())

type Made = Readonly<Pick<Plan, 'method' | 'path' | 'query' | 'headers'> & { sent: Sent; where: 'open' | 'shut' }>

/** A request in which every name that could be of either study is of one of them. */
export function planOf({ method, path, query, headers, sent, where }: Made, atHost: boolean): Plan {
  const told = (text: string) =>
    text
      .replaceAll(/⟦@\.(\w+)Key⟧/g, (_, role: string) =>
        where === 'open' || OF_SHUT.includes(role) ? `⟦${where}.${role}Key⟧` : '⟦shut.bobKey⟧',
      )
      .replaceAll('⟦@.', `⟦${where}.`)
  return {
    method,
    hat: atHost ? where : undefined,
    path: told(path),
    query: told(query),
    headers: [...sent.headers, ...headers].map(([name, value]) => [name, told(value)]),
    body: sent.body && { ...sent.body, text: told(sent.body.text) },
  }
}
