import { z } from '@hono/zod-openapi'
import { manifestStudy } from '../domain/manifests.ts'
import { scopeOf } from '../wire/context.ts'
import { manifestAnswer } from './manifest-format.ts'
import { exampleItem, ManifestItemOut, ManifestQuery, NEXT_CURSOR } from './manifest-shapes.ts'
import { operation } from './operation.ts'
import { newRouter } from './router.ts'
import { Instant, InstantOut, StudyPath } from './schemas.ts'

const get = operation(
  {
    method: 'get',
    path: '/studies/{study}/manifest',
    operationId: 'getManifest',
    summary: 'Everything in a study that its team may read, with links to download it',
    description:
      'Files with all versions, newest first; documents, for those who may read them; reports. Times choose files by ' +
      'when they were first complete and documents by when they were last written; reports are all named, since their ' +
      "entries have times of their own. Links to versions' bytes live six hours. The table ends with a line `end`, or " +
      '`next` with where the rest is: without one it was cut short, as JSON is that does not end.',
    tags: ['Studies'],
    request: {
      params: StudyPath,
      query: z.strictObject({
        uploadedAfter: Instant.optional().openapi({ description: 'First complete at this time or later.' }),
        uploadedBefore: Instant.optional().openapi({ description: 'First complete before this time.' }),
        ...ManifestQuery,
      }),
    },
    responses: {
      200: {
        description: 'The manifest, written as it is gathered.',
        content: {
          'application/json': {
            schema: z.object({
              study: z.string(),
              gatheredAt: InstantOut,
              items: z.array(ManifestItemOut),
              nextCursor: NEXT_CURSOR,
            }),
            example: {
              study: 'SD_DEM0DEM0',
              gatheredAt: '2026-11-21T08:30:00.000Z',
              items: [exampleItem],
              nextCursor: null,
            },
          },
          'text/csv': { schema: z.string() },
        },
      },
    },
  },
  { problems: ['forbidden', 'study_not_found', 'cursor_invalid'] },
)

export const manifests = newRouter().openapi(get, async (c): Promise<Response> => {
  const { study } = c.req.valid('param')
  const { format, cursor, uploadedAfter: from, uploadedBefore: until } = c.req.valid('query')
  return manifestAnswer(c, format, {
    study,
    manifest: await manifestStudy(scopeOf(c), study, { from, until, cursor }),
    head: { study, gatheredAt: c.var.now.toISOString() },
    headLines: [],
    fileName: 'manifest',
  })
})
