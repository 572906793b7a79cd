import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import {
  deleteDocument,
  getDocument,
  listDocuments,
  MAX_DOCUMENT_BYTES,
  patchDocument,
  type Precondition,
  putDocument,
} from '../domain/documents.ts'
import type { Document } from '../model/entities.ts'
import { mapPage } from '../model/page.ts'
import { type AppEnv, scopeOf } from '../wire/context.ts'
import { etagPattern, namesEtag, opaqueOf } from '../wire/etag.ts'
import { answer, operation } from './operation.ts'
import { newRouter } from './router.ts'
import {
  IdentifierText,
  InstantOut,
  PageQuery,
  pageRequest,
  pageSchema,
  ParticipantRef,
  StudyIdText,
  text,
} from './schemas.ts'

const tags = ['Documents']

const listPath = z.object({ study: StudyIdText, participant: ParticipantRef })
const params = listPath.extend({ identifier: IdentifierText })

const exampleDocument = {
  identifier: 'preferences',
  size: 16,
  etag: '"01k9z3m8qe5w7v2n4h6j8k0r2t"',
  createdAt: '2026-11-21T08:30:00.000Z',
  updatedAt: '2026-11-21T08:30:00.000Z',
}
const DocumentOut = z
  .object({
    identifier: z.string(),
    size: z.number().int().openapi({ description: 'Bytes in UTF-8.' }),
    etag: z.string().openapi({ description: 'For `If-Match` and `If-None-Match`, in its quotes.' }),
    createdAt: InstantOut,
    updatedAt: InstantOut,
  })
  .openapi('Document', { example: exampleDocument })

const quoted = (etag: string) => `"${etag}"`

const presentDocument = ({ identifier, size, etag, createdAt, updatedAt }: Document) => ({
  identifier,
  size,
  etag: quoted(etag),
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
})

const IfMatch = z
  .string()
  .regex(etagPattern('[0-9a-z]{26}'), 'Must be one ETag, as this document gave it, or `*`.')
  .optional()
  .openapi({
    description:
      'Only if the document is still at this ETag; `*`: only if there is one. A `W/` before it says nothing.',
  })
const IfAbsent = z.literal('*').optional().openapi({ description: '`*`: only if there is none yet.' })

const preconditionOf = (headers: {
  'if-match'?: string | undefined
  'if-none-match'?: '*' | undefined
}): Precondition => {
  const etag = headers['if-match']
  if (etag !== undefined) return etag === '*' ? { kind: 'present' } : { kind: 'etag', etag: opaqueOf(etag) }
  return headers['if-none-match'] === undefined ? { kind: 'none' } : { kind: 'absent' }
}

const IfNoneMatch = z.object({
  'if-none-match': z
    .string()
    .max(1024)
    .optional()
    .openapi({ description: 'ETags that the caller has.', example: '"01k9z3m8qe5w7v2n4h6j8k0r2t"' }),
})

const Value = z
  .unknown()
  .openapi({ description: `Any JSON value of ${MAX_DOCUMENT_BYTES} bytes at most.`, example: { theme: 'dark' } })
const value = (contentType: string, example: unknown) => ({
  required: true,
  content: { [contentType]: { schema: Value, example } },
})
const valueAnswer = (description: string) => ({
  ...answer(description, Value),
  headers: z.object({ ETag: z.string().openapi({ example: '"01k9z3m8qe5w7v2n4h6j8k0r2t"' }) }),
})

const READ_PROBLEMS = ['study_not_found', 'document_not_found'] as const
const WRITE_PROBLEMS = [
  'forbidden',
  'study_not_found',
  'participant_not_found',
  'participant_withdrawn',
  'document_too_large',
  'document_invalid',
  'revision_mismatch',
] as const

const list = operation(
  {
    method: 'get',
    path: '/studies/{study}/participants/{participant}/documents',
    operationId: 'listDocuments',
    summary: "List a participant's documents, by identifier",
    tags,
    request: {
      params: listPath,
      query: z.strictObject({
        prefix: text(255).optional().openapi({ description: 'Only identifiers that begin so.' }),
        ...PageQuery,
      }),
    },
    responses: { 200: answer('A page, without the values.', pageSchema('DocumentPage', DocumentOut)) },
  },
  { problems: ['study_not_found', 'participant_not_found', 'cursor_invalid'] },
)

const path = '/studies/{study}/participants/{participant}/documents/{identifier}'

const get = operation(
  {
    method: 'get',
    path,
    operationId: 'getDocument',
    summary: "Read a document's value, byte for byte as it was put",
    tags,
    request: { params, headers: IfNoneMatch },
    responses: { 200: valueAnswer('The value.'), 304: { description: 'The caller has it as it is.' } },
  },
  { problems: READ_PROBLEMS },
)

const put = operation(
  {
    method: 'put',
    path,
    operationId: 'putDocument',
    summary: 'Create or replace a document',
    tags,
    request: {
      params,
      headers: z.object({ 'if-match': IfMatch, 'if-none-match': IfAbsent }),
      body: value('application/json', { theme: 'dark' }),
    },
    responses: { 200: answer('What is known of it now.', DocumentOut) },
  },
  { problems: [...WRITE_PROBLEMS, 'quota_exceeded'] },
)

const patch = operation(
  {
    method: 'patch',
    path,
    operationId: 'patchDocument',
    summary: 'Change parts of a document by a JSON merge patch (RFC 7396)',
    tags,
    request: {
      params,
      headers: z.object({ 'if-match': IfMatch }),
      body: value('application/merge-patch+json', { theme: null, language: 'pt' }),
    },
    responses: { 200: answer('What is known of it now.', DocumentOut) },
  },
  { problems: [...WRITE_PROBLEMS, 'document_not_found'] },
)

const remove = operation(
  {
    method: 'delete',
    path,
    operationId: 'deleteDocument',
    summary: 'Delete a document',
    tags,
    request: { params, headers: z.object({ 'if-match': IfMatch }) },
    responses: { 204: { description: 'It is gone.' } },
  },
  { problems: ['forbidden', 'participant_withdrawn', 'revision_mismatch', ...READ_PROBLEMS] },
)

/** The text as it is stored: parsing it and writing it again would not give the same bytes. */
const tellValue = (c: Context<AppEnv>, { document, data }: { document: Document; data: string }): Response =>
  c.body(data, 200, { ...headersOf(document), 'Content-Type': 'application/json' })

const headersOf = ({ etag }: Document) => ({ ETag: quoted(etag), 'Cache-Control': 'private, no-cache' })

export const documents = newRouter()
  .openapi(list, async (c) => {
    const { study, participant } = c.req.valid('param')
    const { prefix = '', ...page } = c.req.valid('query')
    const found = await listDocuments(scopeOf(c), study, { participant, prefix, page: pageRequest(page) })
    return c.json(mapPage(found, presentDocument), 200)
  })
  .openapi(get, async (c) => {
    const { study, ...name } = c.req.valid('param')
    const found = await getDocument(scopeOf(c), study, name)
    return namesEtag(c.req.valid('header')['if-none-match'], quoted(found.document.etag))
      ? c.body(null, 304, headersOf(found.document))
      : tellValue(c, found)
  })
  .openapi(put, async (c) => {
    const { study, ...name } = c.req.valid('param')
    const precondition = preconditionOf(c.req.valid('header'))
    const document = await putDocument(scopeOf(c), study, { name, data: await c.req.text(), precondition })
    return c.json(presentDocument(document), 200, headersOf(document))
  })
  .openapi(patch, async (c) => {
    const { study, ...name } = c.req.valid('param')
    const precondition = preconditionOf(c.req.valid('header'))
    const document = await patchDocument(scopeOf(c), study, { name, patch: await c.req.text(), precondition })
    return c.json(presentDocument(document), 200, headersOf(document))
  })
  .openapi(remove, async (c) => {
    const { study, ...name } = c.req.valid('param')
    await deleteDocument(scopeOf(c), study, { name, precondition: preconditionOf(c.req.valid('header')) })
    return c.body(null, 204)
  })
