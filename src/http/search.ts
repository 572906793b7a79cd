import { listFiles } from '../domain/files.ts'
import { mapPage } from '../model/page.ts'
import { scopeOf } from '../wire/context.ts'
import { FileSearch, fileQueryOf, LISTING } from './file-filters.ts'
import { FilePage, presentFile } from './file-shapes.ts'
import { answer, jsonBody, operation } from './operation.ts'
import { newRouter } from './router.ts'
import { pageRequest, StudyPath } from './schemas.ts'

const searchFiles = operation(
  {
    method: 'post',
    path: '/studies/{study}/files/search',
    operationId: 'searchFiles',
    summary: 'List files by what is said in the body, as their list does by its query',
    description: LISTING,
    tags: ['Files'],
    request: {
      params: StudyPath,
      body: jsonBody(FileSearch, { q: 'sleep', tags: ['diary'], uploadedAfter: '2026-11-21T08:30:00.000Z' }),
    },
    responses: { 200: answer('A page.', FilePage) },
  },
  { problems: ['forbidden', 'study_not_found', 'cursor_invalid'] },
)

export const search = newRouter().openapi(searchFiles, async (c) => {
  const { limit, cursor, ...filters } = c.req.valid('json')
  const page = await listFiles(scopeOf(c), c.req.valid('param').study, {
    query: fileQueryOf(filters, ''),
    page: pageRequest({ limit, cursor }),
  })
  return c.json(mapPage(page, presentFile), 200)
})
