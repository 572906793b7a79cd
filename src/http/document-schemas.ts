import { z } from '@hono/zod-openapi'
import {
  deleteDocumentSchema,
  getDocumentSchema,
  listDocumentSchemas,
  putDocumentSchema,
} from '../domain/document-schemas.ts'
import type { DocumentSchema } from '../model/entities.ts'
import { mapPage } from '../model/page.ts'
import { scopeOf } from '../wire/context.ts'
import { answer, operation } from './operation.ts'
import { newRouter } from './router.ts'
import { IdentifierText, InstantOut, PageQuery, pageRequest, pageSchema, StudyIdText, StudyPath } from './schemas.ts'

const tags = ['Documents']

const params = z.object({ study: StudyIdText, identifier: IdentifierText })
const JsonSchema = z
  .union([z.record(z.string(), z.unknown()), z.boolean()])
  .openapi({ description: 'JSON Schema, draft 2020-12.', example: { type: 'object', required: ['theme'] } })

const exampleSchema = {
  identifier: 'preferences',
  schema: { type: 'object', required: ['theme'] },
  updatedAt: '2026-11-21T08:30:00.000Z',
}
const SchemaOut = z
  .object({ identifier: z.string(), schema: JsonSchema, updatedAt: InstantOut })
  .openapi('DocumentSchema', { example: exampleSchema })

const presentSchema = ({ identifier, schema, updatedAt }: DocumentSchema): z.infer<typeof SchemaOut> => ({
  identifier,
  schema: JsonSchema.parse(JSON.parse(schema)),
  updatedAt: updatedAt.toISOString(),
})

const path = '/studies/{study}/document-schemas/{identifier}'

const list = operation(
  {
    method: 'get',
    path: '/studies/{study}/document-schemas',
    operationId: 'listDocumentSchemas',
    summary: "List the study's schemas, by identifier",
    tags,
    request: { params: StudyPath, query: z.strictObject(PageQuery) },
    responses: { 200: answer('A page.', pageSchema('DocumentSchemaPage', SchemaOut)) },
  },
  { problems: ['forbidden', 'study_not_found', 'cursor_invalid'] },
)

const get = operation(
  {
    method: 'get',
    path,
    operationId: 'getDocumentSchema',
    summary: 'Read what documents of an identifier must look like',
    tags,
    request: { params },
    responses: { 200: answer('The schema.', SchemaOut) },
  },
  { problems: ['forbidden', 'study_not_found', 'document_schema_not_found'] },
)

const put = operation(
  {
    method: 'put',
    path,
    operationId: 'putDocumentSchema',
    summary: 'Say what documents of an identifier must look like; holds for writes from now on',
    tags,
    request: {
      params,
      body: {
        required: true,
        content: {
          'application/json': {
            schema: JsonSchema,
            example: { type: 'object', required: ['theme'], properties: { theme: { enum: ['light', 'dark'] } } },
          },
        },
      },
    },
    responses: { 200: answer('The schema.', SchemaOut) },
  },
  { problems: ['forbidden', 'study_not_found'] },
)

const remove = operation(
  {
    method: 'delete',
    path,
    operationId: 'deleteDocumentSchema',
    summary: 'Let documents of an identifier look as they like again',
    tags,
    request: { params },
    responses: { 204: { description: 'It is gone.' } },
  },
  { problems: ['forbidden', 'study_not_found', 'document_schema_not_found'] },
)

export const documentSchemas = newRouter()
  .openapi(list, async (c) => {
    const page = pageRequest(c.req.valid('query'))
    return c.json(mapPage(await listDocumentSchemas(scopeOf(c), c.req.valid('param').study, page), presentSchema), 200)
  })
  .openapi(get, async (c) => {
    const { study, identifier } = c.req.valid('param')
    return c.json(presentSchema(await getDocumentSchema(scopeOf(c), study, identifier)), 200)
  })
  .openapi(put, async (c) => {
    const { study, identifier } = c.req.valid('param')
    const schema = JSON.stringify(c.req.valid('json'))
    return c.json(presentSchema(await putDocumentSchema(scopeOf(c), study, { identifier, schema })), 200)
  })
  .openapi(remove, async (c) => {
    const { study, identifier } = c.req.valid('param')
    await deleteDocumentSchema(scopeOf(c), study, identifier)
    return c.body(null, 204)
  })
