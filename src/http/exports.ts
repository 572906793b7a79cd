import { z } from '@hono/zod-openapi'
import { exportParticipant } from '../domain/exports.ts'
import { scopeOf } from '../wire/context.ts'
import { manifestAnswer } from './manifest-format.ts'
import { exampleItem, ExportItemOut, ManifestQuery, NEXT_CURSOR, pathTo } from './manifest-shapes.ts'
import { operation } from './operation.ts'
import { ParticipantOut, presentParticipant } from './participants.ts'
import { newRouter } from './router.ts'
import { InstantOut, ParticipantRef, StudyIdText } from './schemas.ts'

const get = operation(
  {
    method: 'get',
    path: '/studies/{study}/participants/{participant}/export',
    operationId: 'exportParticipant',
    summary: 'Everything of a participant, with links to download it',
    description:
      'Their profile, files with all versions, what they share and what is shared with them, documents and reports. ' +
      "Links to versions' bytes live six hours; documents and reports are named by the path to read them at. " +
      'The table has a line for each and ends with a line `end`, or `next` with where the rest is: without one it was ' +
      'cut short, as JSON is that does not end.',
    tags: ['Participants'],
    request: {
      params: z.object({ study: StudyIdText, participant: ParticipantRef }),
      query: z.strictObject(ManifestQuery),
    },
    responses: {
      200: {
        description: 'The manifest, written as it is gathered.',
        content: {
          'application/json': {
            schema: z.object({
              study: z.string(),
              participant: ParticipantOut,
              exportedAt: InstantOut,
              items: z.array(ExportItemOut),
              nextCursor: NEXT_CURSOR,
            }),
            example: {
              study: 'SD_DEM0DEM0',
              participant: {
                id: '1f0c6a52-8f0e-4d7b-9a53-6d2f6b7f6f10',
                number: 48_151_623,
                externalId: 'PT-001',
                labels: ['pilot'],
                status: 'active',
                createdAt: '2026-11-21T08:30:00.000Z',
              },
              exportedAt: '2026-11-21T08:30:00.000Z',
              items: [exampleItem],
              nextCursor: null,
            },
          },
          'text/csv': { schema: z.string() },
        },
      },
    },
  },
  { problems: ['study_not_found', 'participant_not_found', 'cursor_invalid'] },
)

export const exports = newRouter().openapi(get, async (c): Promise<Response> => {
  const { study, participant: id } = c.req.valid('param')
  const { format, cursor } = c.req.valid('query')
  const { participant, manifest } = await exportParticipant(scopeOf(c), study, { id, cursor })
  const profile = {
    kind: 'participant',
    id: participant.id,
    createdAt: participant.createdAt.toISOString(),
    location: pathTo(study, 'participants', participant.id),
  }
  return manifestAnswer(c, format, {
    study,
    manifest,
    head: { study, participant: presentParticipant(participant), exportedAt: c.var.now.toISOString() },
    headLines: cursor === undefined ? [profile] : [],
    fileName: 'export',
  })
})
