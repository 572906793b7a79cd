import { parse } from 'content-disposition'
import { expect } from 'vitest'
import type { Answer } from './callers.ts'

// What may be said of bytes on their way to somebody, whatever their file is called and was said to be. None of it is
// asked of what it looks at: what is shown and what would run is written down here again.

/** What a browser shows and runs nothing in. */
const SHOWN =
  /^(?:application\/pdf|text\/plain|image\/(?:avif|gif|jpeg|png|webp)|audio\/(?:aac|flac|mp4|mpeg|ogg|wav|webm|x-m4a|x-wav)|video\/(?:mp4|ogg|quicktime|webm))$/
/** What a browser would run, draw with what runs in it, or take apart. */
const RUNS =
  /html|[+/]xml$|^(?:multipart\/(?:related|x-mixed-replace)|message\/rfc822|(?:text|application)\/(?:x-)?(?:ecma|java|j|live|vb)script(?:1\.\d)?|text\/(?:css|xsl|cache-manifest)|application\/(?:java-archive|manifest\+json|unknown|wasm|x-mimearchive|x-shockwave-flash)|unknown\/unknown)$/

const TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
/** RFC 6266 and RFC 8187, in the one way in which Carrel writes them. */
const DISPOSITION = new RegExp(
  `^(?:inline|attachment); filename=(?:${TOKEN}|"(?:[ !#-[\\]-~]|\\\\[\\\\"])*")(?:; filename\\*=UTF-8''(?:%[0-9A-F]{2}|[!#$&+.^_\`|~0-9A-Za-z-])*)?$`,
)

/** `TEXT/HTML; charset=x` is `text/html`, however it is written. */
const essenceOf = (type: string): string => type.split(/[;,]/)[0]?.trim().toLowerCase() ?? ''

type Said = Readonly<{ disposition: string | null; type: string | null }>
/** What is promised: which name, of what was said to be which type. */
export type Promised = Readonly<{ name: string; type: string }>

/** One space is as good as many in a header, which is signed so. */
const asSigned = (type: string) => type.trim().replaceAll(/ +/g, ' ')

/** The name as it is, in a header that nothing can be put into; shown is only what may be. */
export function expectHarmlessName(disposition: string | null, { name, type }: Promised): void {
  expect(disposition).toMatch(DISPOSITION)
  const parsed = parse(disposition ?? '')
  expect(parsed.parameters['filename']).toBe(name)
  // What is told to clients that read nothing else leads nowhere.
  const plain = parse(disposition ?? '', { extended: false }).parameters['filename']
  expect(plain).toMatch(/^(?!\.)[ -~]+$/)
  expect(plain).not.toMatch(/[%"*/:<>?\\|]| {2}/)
  if (parsed.type === 'inline') expect(essenceOf(type)).toMatch(SHOWN)
}

/** Whatever it was said to be, it is not given out as what would run. */
function expectHarmless({ disposition, type }: Said, promised: Promised): void {
  expectHarmlessName(disposition, promised)
  expect([promised.type.trim(), asSigned(promised.type), 'application/octet-stream']).toContain(type)
  expect(essenceOf(type ?? '')).not.toMatch(RUNS)
}

/** No header has in it what ends one, or what clients read in different ways. */
export function expectSoundHeaders({ headers }: Pick<Answer, 'headers'>): void {
  for (const [name, value] of headers) expect(value, name).toMatch(/^[\t\x20-\x7e]*$/)
  expect(headers.has('Set-Cookie')).toBe(false)
}

/** What storage is made to say by a URL. */
export function expectHarmlessUrl(url: string, promised: Promised): URL {
  expect(url).toMatch(/^https?:\/\/[\x21-\x7e]+$/)
  const parsed = new URL(url)
  const { searchParams } = parsed
  expect(searchParams.getAll('response-content-disposition')).toHaveLength(1)
  expect(searchParams.getAll('response-content-type')).toHaveLength(1)
  const [disposition, type] = ['disposition', 'type'].map((what) => searchParams.get(`response-content-${what}`))
  expectHarmless({ disposition: disposition ?? null, type: type ?? null }, promised)
  return parsed
}

/** What leads to storage, and leaves nothing behind. */
export function expectHarmlessRedirect(answer: Answer, promised: Promised): URL {
  expect([302, 303], answer.text).toContain(answer.status)
  expectSoundHeaders(answer)
  return expectHarmlessUrl(answer.headers.get('Location') ?? '', promised)
}

/** The bytes themselves, in which nothing may run and of which nobody makes something else. */
export function expectHarmlessBytes(answer: Answer, promised: Promised): void {
  expect(answer.status, answer.text).toBe(200)
  expectSoundHeaders(answer)
  expectHarmless(
    { disposition: answer.headers.get('Content-Disposition'), type: answer.headers.get('Content-Type') },
    promised,
  )
  expectNothingRuns(answer)
}

export function expectNothingRuns({ headers }: Pick<Answer, 'headers'>): void {
  expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
  expect(headers.get('Content-Security-Policy')).toBe("sandbox; default-src 'none'")
}

/** What is behind the last of the slashes, whichever way they lean: to Open Humans a file has no other name. */
export const lastOf = (name: string): string => name.split(/[/\\]/).at(-1)?.trim() ?? ''

/** The cells of a table, by RFC 4180. */
export const cellsOf = (csv: string): string[][] =>
  [...csv.matchAll(/((?:"(?:[^"]|"")*"|[^",\r\n])*)(,|\r\n)/g)].reduce<string[][]>(
    (rows, [, cell = '', end]) => {
      rows.at(-1)?.push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell)
      if (end !== ',') rows.push([])
      return rows
    },
    [[]],
  )

/** What stands in a table for a name: what a spreadsheet would take for a formula has an apostrophe in front. */
export const inTable = (name: string): string => (/^[=+\-@＝＋－＠]/.test(name) ? `'${name}` : name)
