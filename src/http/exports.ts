import { z } from '@hono/zod-openapi'
import { type Belonging, type Export, exportParticipant } from '../domain/exports.ts'
import type { StudyId } from '../model/ids.ts'
import { newRouter, scopeOf } from './context.ts'
import { presentFile, presentVersion } from './file-shapes.ts'
import { operation } from './operation.ts'
import { presentParticipant } from './participants.ts'
import { ParticipantRef, StudyIdText } from './schemas.ts'

const get = operation(
  {
    method: 'get',
    path: '/studies/{study}/participants/{participant}/export',
    operationId: 'exportParticipant',
    summary: 'Everything of a participant, with links to download it',
    description:
      'JSON: `{ study, participant, exportedAt, items }`, each item `{ kind, … }`. CSV: a line for each. Links to ' +
      "versions' bytes live six hours; documents are named by the path to read them at.",
    tags: ['Participants'],
    request: {
      params: z.object({ study: StudyIdText, participant: ParticipantRef }),
      query: z.strictObject({
        format: z.enum(['json', 'csv']).default('json').openapi({ description: 'What the manifest is written in.' }),
      }),
    },
    responses: {
      200: {
        description: 'The manifest, written as it is gathered.',
        content: {
          'application/json': {
            schema: z.object({
              study: z.string(),
              participant: z.record(z.string(), z.unknown()),
              exportedAt: z.string(),
              items: z.array(z.record(z.string(), z.unknown())),
            }),
            example: {
              study: 'SD_DEM0DEM0',
              participant: { id: '1f0c6a52-8f0e-4d7b-9a53-6d2f6b7f6f10' },
              exportedAt: '2026-11-21T08:30:00.000Z',
              items: [{ kind: 'document', identifier: 'preferences', size: 16 }],
            },
          },
          'text/csv': { schema: z.string() },
        },
      },
    },
  },
  { problems: ['study_not_found', 'participant_not_found'] },
)

const pathTo = (what: 'documents' | 'reports', { study, participant }: Named, identifier: string) =>
  `/v1/studies/${encodeURIComponent(study)}/participants/${encodeURIComponent(participant)}/${what}/${encodeURIComponent(identifier)}`

type Named = { study: StudyId; participant: string }

function presentBelonging(named: Named, belonging: Belonging): object {
  switch (belonging.kind) {
    case 'file': {
      const { version: _current, ...file } = presentFile(belonging.file)
      const version = belonging.version === undefined ? null : presentVersion(belonging.version)
      return { kind: 'file', file, version, url: belonging.url }
    }
    case 'document': {
      const { identifier, size, createdAt, updatedAt } = belonging.document
      return {
        kind: 'document',
        identifier,
        size,
        createdAt: createdAt.toISOString(),
        updatedAt: updatedAt.toISOString(),
        path: pathTo('documents', named, identifier),
      }
    }
    case 'report': {
      const { identifier, entries } = belonging.report
      return { kind: 'report', identifier, entries, path: `${pathTo('reports', named, identifier)}/entries` }
    }
    default:
      return belonging satisfies never
  }
}

async function* asJson(named: Named, { participant, belongings }: Export, at: Date): AsyncGenerator<string> {
  const head = { study: named.study, participant: presentParticipant(participant), exportedAt: at.toISOString() }
  yield `${JSON.stringify(head).slice(0, -1)},"items":[`
  let separator = '\n'
  for await (const belonging of belongings) {
    yield separator + JSON.stringify(presentBelonging(named, belonging))
    separator = ',\n'
  }
  yield '\n]}\n'
}

const COLUMNS = [
  'kind',
  'id',
  'name',
  'version',
  'mediaType',
  'size',
  'md5',
  'sha256',
  'createdAt',
  'completedAt',
  'location',
] as const
type Line = Partial<Record<(typeof COLUMNS)[number], string | number | null>>

/** RFC 4180. What a spreadsheet would take for a formula gets an apostrophe in front, which it does not show. */
function cell(value: string | number | null | undefined): string {
  const text = String(value ?? '')
  const inert = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text
  return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert
}
const lineOf = (line: Line) => `${COLUMNS.map((column) => cell(line[column])).join(',')}\r\n`

function lineFor(named: Named, belonging: Belonging): Line {
  const { kind } = belonging
  switch (kind) {
    case 'file': {
      const { file, version, url } = belonging
      const { id, name } = file
      if (version === undefined) return { kind, id, name, createdAt: file.createdAt.toISOString() }
      const { id: of, ...presented } = presentVersion(version)
      const { mediaType, size, md5, sha256, createdAt, completedAt } = presented
      return {
        kind,
        id,
        name: version.name,
        version: of,
        mediaType,
        size,
        md5,
        sha256,
        createdAt,
        completedAt,
        location: url,
      }
    }
    case 'document': {
      const { identifier: id, size, createdAt } = belonging.document
      return { kind, id, size, createdAt: createdAt.toISOString(), location: pathTo('documents', named, id) }
    }
    case 'report': {
      const { identifier: id, createdAt } = belonging.report
      return { kind, id, createdAt: createdAt.toISOString(), location: `${pathTo('reports', named, id)}/entries` }
    }
    default:
      return kind satisfies never
  }
}

async function* asCsv(named: Named, { belongings }: Export): AsyncGenerator<string> {
  yield `${COLUMNS.join(',')}\r\n`
  for await (const belonging of belongings) yield lineOf(lineFor(named, belonging))
}

const streamOf = (parts: AsyncGenerator<string>): ReadableStream =>
  new ReadableStream<string>({
    async pull(controller) {
      const { done, value } = await parts.next()
      if (done === true) controller.close()
      else controller.enqueue(value)
    },
    cancel: async () => void (await parts.return(undefined)),
  }).pipeThrough(new TextEncoderStream())

export const exports = newRouter().openapi(get, async (c): Promise<Response> => {
  const { study, participant } = c.req.valid('param')
  const found = await exportParticipant(scopeOf(c), study, participant)
  const named = { study, participant: found.participant.id }
  const isCsv = c.req.valid('query').format === 'csv'
  return c.body(streamOf(isCsv ? asCsv(named, found) : asJson(named, found, c.var.now)), 200, {
    'Content-Type': isCsv ? 'text/csv; charset=utf-8' : 'application/json',
    'Content-Disposition': `attachment; filename="export.${isCsv ? 'csv' : 'json'}"`,
    'Cache-Control': 'no-store',
  })
})
