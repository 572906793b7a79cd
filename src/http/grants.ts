import { z } from '@hono/zod-openapi'
import { grantAccess, listGrants, revokeAccess } from '../domain/grants.ts'
import { type Grant, GRANT_LEVELS } from '../model/entities.ts'
import { mapPage } from '../model/page.ts'
import { scopeOf } from '../wire/context.ts'
import { answer, jsonBody, operation } from './operation.ts'
import { newRouter } from './router.ts'
import {
  FileIdText,
  Instant,
  instantOrNull,
  InstantOut,
  PageQuery,
  pageRequest,
  pageSchema,
  PrincipalNameText,
  StudyIdText,
} from './schemas.ts'

const tags = ['Sharing']

/** What is granted, as every route that grants takes it. */
export const grantShape = {
  level: z.enum(GRANT_LEVELS).openapi({ description: '`metadata`: what is said of a file; `content`: its bytes too.' }),
  expiresAt: Instant.nullable()
    .default(null)
    .openapi({ description: 'When it ends by itself, in the future. Null: when it is revoked.' }),
}

const GrantOut = z
  .object({
    principal: z.string().openapi({ description: 'With whom: `participant:` or `member:` and an id.' }),
    level: z.enum(GRANT_LEVELS),
    createdAt: InstantOut,
    expiresAt: InstantOut.nullable(),
  })
  .openapi('Grant', {
    example: {
      principal: 'participant:7d1e9b54-3c62-4c1f-8f0a-2b9d4e6a8c10',
      level: 'content',
      createdAt: '2026-11-21T08:30:00.000Z',
      expiresAt: '2026-12-21T08:30:00.000Z',
    },
  })

const presentGrant = ({ principal, level, createdAt, expiresAt }: Grant) => ({
  principal,
  level,
  createdAt: createdAt.toISOString(),
  expiresAt: instantOrNull(expiresAt),
})

const params = z.object({ study: StudyIdText, file: FileIdText })
const named = params.extend({ principal: PrincipalNameText })
const PROBLEMS = ['forbidden', 'study_not_found', 'file_not_found'] as const

const list = operation(
  {
    method: 'get',
    path: '/studies/{study}/files/{file}/grants',
    operationId: 'listGrants',
    summary: 'List with whom a file is shared',
    description: 'By their names. A grant that has expired is gone.',
    tags,
    request: { params, query: z.strictObject(PageQuery) },
    responses: { 200: answer('A page.', pageSchema('GrantPage', GrantOut)) },
  },
  { problems: [...PROBLEMS, 'cursor_invalid'] },
)

const put = operation(
  {
    method: 'put',
    path: '/studies/{study}/files/{file}/grants/{principal}',
    operationId: 'grantAccess',
    summary: 'Share a file, or change how it is shared',
    description:
      'They find it in their own lists and searches at once, marked as `shared`. The same again changes nothing. ' +
      'Whether a participant is there is told only to those who may list participants: a participant may name any, and ' +
      'a grant to one who is not enrolled shows nobody anything.',
    tags,
    request: {
      params: named,
      body: jsonBody(z.strictObject(grantShape), { level: 'content', expiresAt: '2036-12-21T08:30:00.000Z' }),
    },
    responses: {
      200: answer('The grant, which was there.', GrantOut),
      201: answer('The grant, which is new.', GrantOut),
    },
  },
  { problems: [...PROBLEMS, 'participant_withdrawn', 'grants_exhausted'] },
)

const revoke = operation(
  {
    method: 'delete',
    path: '/studies/{study}/files/{file}/grants/{principal}',
    operationId: 'revokeAccess',
    summary: 'Share a file no longer',
    tags,
    request: { params: named },
    responses: { 204: { description: 'They no longer see it.' } },
  },
  { problems: [...PROBLEMS, 'participant_withdrawn', 'grant_not_found'] },
)

export const grants = newRouter()
  .openapi(list, async (c) => {
    const { study, file } = c.req.valid('param')
    const page = await listGrants(scopeOf(c), study, { file, page: pageRequest(c.req.valid('query')) })
    return c.json(mapPage(page, presentGrant), 200)
  })
  .openapi(put, async (c) => {
    const { study, ...wanted } = c.req.valid('param')
    const { grant, isNew } = await grantAccess(scopeOf(c), study, { ...wanted, ...c.req.valid('json') })
    return c.json(presentGrant(grant), isNew ? 201 : 200)
  })
  .openapi(revoke, async (c) => {
    const { study, ...wanted } = c.req.valid('param')
    await revokeAccess(scopeOf(c), study, wanted)
    return c.body(null, 204)
  })
