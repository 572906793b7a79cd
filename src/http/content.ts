import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { type FoundContent, getContent, readContent, redirectToContent } from '../domain/content.ts'
import { DELIVERIES } from '../model/entities.ts'
import { rangeNotSatisfiable } from '../model/errors.ts'
import type { FileId, StudyId, VersionId } from '../model/ids.ts'
import { byteRange, rangeHeaders } from '../wire/byte-range.ts'
import { contentHeaders } from '../wire/content-headers.ts'
import { type AppEnv, scopeOf } from '../wire/context.ts'
import { bytes, operation, redirect } from './operation.ts'
import { renderProblem } from './problem.ts'
import { newRouter } from './router.ts'
import { FileIdText, StudyIdText, VersionIdText } from './schemas.ts'

const tags = ['Content']

const query = z.strictObject({
  delivery: z.enum(DELIVERIES).default('redirect').openapi({
    description: '`redirect`: to a URL at the object storage; `stream`: the bytes themselves.',
  }),
})
const responses = {
  200: bytes('The bytes.'),
  206: bytes('A range of the bytes.'),
  302: redirect('To a URL that is good for a few minutes; `Range` works there.'),
  304: { description: 'The caller has it as it is.' },
}

const ofFile = operation(
  {
    method: 'get',
    path: '/studies/{study}/files/{file}/content',
    operationId: 'getContent',
    summary: "Download a file's current content",
    tags,
    request: { params: z.object({ study: StudyIdText, file: FileIdText }), query },
    responses,
  },
  {
    problems: ['forbidden', 'study_not_found', 'file_not_found', 'content_missing', 'range_not_satisfiable'],
    door: 'anyone',
  },
)

const ofVersion = operation(
  {
    method: 'get',
    path: '/studies/{study}/files/{file}/versions/{version}/content',
    operationId: 'getVersionContent',
    summary: "Download a version's content",
    tags,
    request: { params: z.object({ study: StudyIdText, file: FileIdText, version: VersionIdText }), query },
    responses,
  },
  {
    problems: [
      'forbidden',
      'study_not_found',
      'file_not_found',
      'version_not_found',
      'content_missing',
      'range_not_satisfiable',
    ],
    door: 'anyone',
  },
)

async function stream(c: Context<AppEnv>, content: FoundContent): Promise<Response> {
  const range = byteRange(c.req.raw, { etag: `"${content.etag}"`, size: content.size })
  const headers = {
    ...contentHeaders(content, 'private, no-cache'),
    ...rangeHeaders(range, content.size),
  }
  if (range.kind === 'notModified') return c.body(null, 304, headers)
  if (range.kind === 'unsatisfiable') {
    const problem = renderProblem(rangeNotSatisfiable(), c)
    problem.headers.set('Content-Range', `bytes */${content.size}`)
    return problem
  }
  const status = range.kind === 'part' ? 206 : 200
  if (c.req.raw.method === 'HEAD') return c.body(null, status, headers)
  const body = await readContent(scopeOf(c), content, range.kind === 'part' ? range : undefined)
  return c.body(body, status, headers)
}

async function deliver(
  c: Context<AppEnv>,
  asked: { study: StudyId; file: FileId; version: VersionId | undefined; delivery: (typeof DELIVERIES)[number] },
): Promise<Response> {
  const scope = scopeOf(c)
  const { study, delivery, file, version } = asked
  const content = await getContent(scope, study, { file: { id: file }, version })
  if (delivery === 'stream') return stream(c, content)
  // A URL is signed for one method.
  const method = c.req.raw.method === 'HEAD' ? 'HEAD' : 'GET'
  const url = await redirectToContent(scope, content, { method })
  return c.body(null, 302, { Location: url, 'Cache-Control': 'no-store' })
}

export const content = newRouter()
  .openapi(ofFile, async (c) => {
    const { study, file } = c.req.valid('param')
    return deliver(c, { study, file, version: undefined, ...c.req.valid('query') })
  })
  .openapi(ofVersion, async (c) => {
    const { study, file, version } = c.req.valid('param')
    return deliver(c, { study, file, version, ...c.req.valid('query') })
  })
