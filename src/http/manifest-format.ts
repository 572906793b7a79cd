import type { Context } from 'hono'
import type { Manifest } from '../domain/manifest-walk.ts'
import type { StudyId } from '../model/ids.ts'
import type { AppEnv } from '../wire/context.ts'
import { csvLine } from '../wire/csv.ts'
import { streamOf } from '../wire/text-stream.ts'
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

const row = (line: Line) => csvLine(COLUMNS.map((column) => line[column]))

async function* asCsv({ study, manifest, headLines }: Written, here: string): AsyncGenerator<string> {
  yield csvLine(COLUMNS)
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

/** Answers with a manifest in the format that was asked for. */
export function manifestAnswer(c: Context<AppEnv>, format: 'json' | 'csv', written: Written): Response {
  const parts = format === 'csv' ? asCsv(written, c.req.url) : asJson(written)
  return c.body(streamOf(parts, c.var.requestId), 200, {
    'Content-Type': format === 'csv' ? 'text/csv; charset=utf-8' : 'application/json',
    'Content-Disposition': `attachment; filename="${written.fileName}.${format}"`,
    'Cache-Control': 'no-store',
  })
}
