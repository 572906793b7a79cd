import { z } from '@hono/zod-openapi'
import { getVersion, listVersions } from '../domain/files.ts'
import { mapPage } from '../model/page.ts'
import { scopeOf } from '../wire/context.ts'
import { presentVersion, VersionOut } from './file-shapes.ts'
import { answer, operation } from './operation.ts'
import { newRouter } from './router.ts'
import { FileIdText, PageQuery, pageRequest, pageSchema, StudyIdText, VersionIdText } from './schemas.ts'

const tags = ['Versions']

const list = operation(
  {
    method: 'get',
    path: '/studies/{study}/files/{file}/versions',
    operationId: 'listVersions',
    summary: "List a file's complete versions, latest begun first",
    tags,
    request: { params: z.object({ study: StudyIdText, file: FileIdText }), query: z.strictObject(PageQuery) },
    responses: { 200: answer('A page.', pageSchema('VersionPage', VersionOut)) },
  },
  { problems: ['study_not_found', 'file_not_found', 'cursor_invalid'], door: 'anyone' },
)

const get = operation(
  {
    method: 'get',
    path: '/studies/{study}/files/{file}/versions/{version}',
    operationId: 'getVersion',
    summary: 'Read what is known of a version',
    tags,
    request: { params: z.object({ study: StudyIdText, file: FileIdText, version: VersionIdText }) },
    responses: { 200: answer('The version.', VersionOut) },
  },
  { problems: ['study_not_found', 'file_not_found', 'version_not_found'], door: 'anyone' },
)

export const versions = newRouter()
  .openapi(list, async (c) => {
    const { study, file } = c.req.valid('param')
    const page = await listVersions(scopeOf(c), study, { file, page: pageRequest(c.req.valid('query')) })
    return c.json(mapPage(page, presentVersion), 200)
  })
  .openapi(get, async (c) => {
    const { study, ...named } = c.req.valid('param')
    return c.json(presentVersion(await getVersion(scopeOf(c), study, named)), 200)
  })
