import { z } from '@hono/zod-openapi'
import { applyGrants, revokeGrants } from '../domain/grant-templates.ts'
import { scopeOf } from '../wire/context.ts'
import { fileQueryOf, FileTemplate } from './file-filters.ts'
import { grantShape } from './grants.ts'
import { answer, jsonBody, operation } from './operation.ts'
import { newRouter } from './router.ts'
import { PrincipalNameText, StudyPath } from './schemas.ts'

const tags = ['Sharing']

const template = FileTemplate
const principal = PrincipalNameText
const Files = z
  .object({ files: z.number().int() })
  .openapi('GrantedFiles', { description: 'How many files it was done to.', example: { files: 12 } })
const example = {
  template: { participant: 'me', tags: ['diary'] },
  principal: 'participant:7d1e9b54-3c62-4c1f-8f0a-2b9d4e6a8c10',
}
const PROBLEMS = ['forbidden', 'study_not_found', 'participant_withdrawn'] as const

const apply = operation(
  {
    method: 'post',
    path: '/studies/{study}/files/grants:apply',
    operationId: 'applyGrants',
    summary: 'Share every file that a template means and the caller may share',
    description:
      'All of them or, if it fails, none; files of those whom it is shared with are left out. The same again changes ' +
      'nothing, and counts the same. One call changes a thousand files at most, fewer where descriptions are long.',
    tags,
    request: {
      params: StudyPath,
      body: jsonBody(z.strictObject({ template, principal, ...grantShape }), { ...example, level: 'content' }),
    },
    responses: { 200: answer('They are shared. The count has those that were shared so before.', Files) },
  },
  { problems: [...PROBLEMS, 'grants_exhausted'] },
)

const revoke = operation(
  {
    method: 'post',
    path: '/studies/{study}/files/grants:revoke',
    operationId: 'revokeGrants',
    summary: 'Share no file that a template means any longer',
    description:
      'All of them or, if it fails, none. One call changes a thousand files at most, fewer where descriptions are long.',
    tags,
    request: { params: StudyPath, body: jsonBody(z.strictObject({ template, principal }), example) },
    responses: { 200: answer('They are no longer shared. The count is of those that were.', Files) },
  },
  { problems: PROBLEMS },
)

export const grantTemplates = newRouter()
  .openapi(apply, async (c) => {
    const { template: said, ...grant } = c.req.valid('json')
    const query = fileQueryOf(said, '/template')
    return c.json({ files: await applyGrants(scopeOf(c), c.req.valid('param').study, { query, ...grant }) }, 200)
  })
  .openapi(revoke, async (c) => {
    const { template: said, ...from } = c.req.valid('json')
    const query = fileQueryOf(said, '/template')
    return c.json({ files: await revokeGrants(scopeOf(c), c.req.valid('param').study, { query, ...from }) }, 200)
  })
