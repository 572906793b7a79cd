import type { Context } from 'hono'
import type { Manifest } from '../domain/manifest-walk.ts'
import type { StudyId } from '../model/ids.ts'
import { logFailure } from '../log.ts'
import type { AppEnv } from './context.ts'
import { COLUMNS, type Line, lineOf, presentItem } from './manifest-shapes.ts'

// A manifest on its way: JSON or a table, written as it is gathered. Both end with a word that says so: what was cut
// short is no JSON, and a table without its last line.

export type Written = Readonly<{
  study: StudyId
  manifest: Manifest
  /** What JSON says before its items, and the table in its first lines. */
  head: Readonly<Record<string, unknown>>
  headLines: readonly Line[]
  /** What to save it as, without the extension. */
  fileName: string
}>

async function* asJson({ study, manifest, head }: Written): AsyncGenerator<string> {
  yield `${JSON.stringify(head).slice(0, -1)},"items":[`
  let separator = '\n'
  for await (const item of manifest) {
    if (item.kind === 'end') {
      yield `\n],"nextCursor":${JSON.stringify(item.nextCursor)}}\n`
      return
    }
    yield separator + JSON.stringify(presentItem(study, item))
    separator = ',\n'
  }
}

/** What a spreadsheet would take for a formula gets an apostrophe in front, which it does not show. Wide signs count too. */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/

/** RFC 4180. */
function cell(value: string | number | null | undefined): string {
  const text = String(value ?? '')
  const inert = typeof value === 'string' && FORMULA.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert
}
const row = (line: Line) => `${COLUMNS.map((column) => cell(line[column])).join(',')}\r\n`

async function* asCsv({ study, manifest, headLines }: Written, here: string): AsyncGenerator<string> {
  yield `${COLUMNS.join(',')}\r\n`
  for (const line of headLines) yield row(line)
  for await (const item of manifest) {
    if (item.kind !== 'end') {
      yield row(lineOf(study, item))
      continue
    }
    const { nextCursor } = item
    yield row(nextCursor === null ? { kind: 'end' } : { kind: 'next', location: goingOn(here, nextCursor) })
    return
  }
}

/** The same question, from there on. */
function goingOn(here: string, cursor: string): string {
  const url = new URL(here)
  url.searchParams.set('cursor', cursor)
  return url.pathname + url.search
}

/** What fails on the way breaks the answer off, so that nobody takes it for whole. */
const streamOf = (parts: AsyncGenerator<string>, requestId: string): ReadableStream =>
  new ReadableStream<string>({
    async pull(controller) {
      try {
        const { done, value } = await parts.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      } catch (failure) {
        logFailure(requestId, failure)
        controller.error(failure)
      }
    },
    cancel: async () => void (await parts.return(undefined)),
  }).pipeThrough(new TextEncoderStream())

/** Answers with a manifest in the format that was asked for. */
export function manifestAnswer(c: Context<AppEnv>, format: 'json' | 'csv', written: Written): Response {
  const parts = format === 'csv' ? asCsv(written, c.req.url) : asJson(written)
  return c.body(streamOf(parts, c.var.requestId), 200, {
    'Content-Type': format === 'csv' ? 'text/csv; charset=utf-8' : 'application/json',
    'Content-Disposition': `attachment; filename="${written.fileName}.${format}"`,
    'Cache-Control': 'no-store',
  })
}
