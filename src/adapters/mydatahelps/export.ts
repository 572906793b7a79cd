import type { Context } from 'hono'
import { beginExport } from '../../domain/manifests.ts'
import type { File } from '../../model/entities.ts'
import { overloaded } from '../../model/errors.ts'
import type { AppEnv } from '../../wire/context.ts'
import { csvLine } from '../../wire/csv.ts'
import { streamOf } from '../../wire/text-stream.ts'
import type { Place } from './callers.ts'
import { exportPathOf, keyOf } from './keys.ts'
import { firstOfAll } from './listing.ts'
import type { Identifiers } from './present.ts'
import type { FilesAsked } from './queries.ts'

// The table that the platform's exports have of uploaded files, newest first.

const COLUMNS = [
  'FileName',
  'FileKey',
  'ParticipantIdentifier',
  'ParticipantID',
  'Category',
  'ExportFilePath',
  'ModifiedDate',
  'UploadedDate',
] as const

/** An invocation may ask D1 a thousand times: what holds more is asked for in shorter stretches of time. */
const MAX_PAGES = 150

function lineOf(file: File, identifiers: Identifiers): string {
  const { owner, content } = file
  if (owner === null || content.status === 'pending') return ''
  const identifier = identifiers.get(owner) ?? ''
  return csvLine([
    file.name,
    keyOf(file, owner),
    identifier,
    owner,
    file.category,
    exportPathOf(file, identifier === '' ? owner : identifier),
    content.version.completedAt.toISOString(),
    (content.listedAt ?? content.version.completedAt).toISOString(),
  ])
}

type Pages = Awaited<ReturnType<typeof firstOfAll>>

async function* linesOf(first: Awaited<ReturnType<Pages>>, pages: Pages): AsyncGenerator<string> {
  yield csvLine(COLUMNS)
  let page = first
  for (let count = 1; ; count += 1) {
    yield page.items.map((file) => lineOf(file, page.identifiers)).join('')
    if (page.nextCursor === null) return
    // It has no last line that says so: only an answer that breaks off is not taken for whole.
    if (count === MAX_PAGES) throw overloaded(new Error(`An export has ${MAX_PAGES} pages at most.`))
    page = await pages(page.nextCursor)
  }
}

const dayOf = (time: Date) => time.toISOString().slice(0, 10)

/** Written as it is gathered. What is wrong from the start is told before it begins. */
export async function exportAnswer(c: Context<AppEnv>, place: Place, asked: FilesAsked): Promise<Response> {
  const { uploadedAfter = new Date(0), uploadedBefore = c.var.now } = asked
  const pages = await firstOfAll(place, asked)
  const lines = linesOf(await pages(), pages)
  await beginExport(place.scope, place.study)
  return c.body(streamOf(lines, c.var.requestId), 200, {
    'Content-Type': 'text/csv; charset=utf-8',
    'Content-Disposition': `attachment; filename="UploadedFiles_${dayOf(uploadedAfter)}-${dayOf(uploadedBefore)}.csv"`,
  })
}
