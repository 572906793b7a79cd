import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { type FileChanges, type FileName, getFile, updateFile } from '../domain/files.ts'
import { deleteFile } from '../domain/removals.ts'
import type { File } from '../model/entities.ts'
import type { StudyId } from '../model/ids.ts'
import { type AppEnv, scopeOf } from '../wire/context.ts'
import { namesEtag } from '../wire/etag.ts'
import { detailsShape, FileName as FileNameText, FileOut, presentFile } from './file-shapes.ts'
import { answer, jsonBody, operation } from './operation.ts'
import { newRouter } from './router.ts'
import {
  etagOf,
  FileIdText,
  HandleText,
  IfMatch,
  ParticipantRef,
  revisionOf,
  StudyIdText,
  VisibilityText,
} from './schemas.ts'

const tags = ['Files']

// One file, by its id or by its owner's handle: the same three operations under both names.
const byId = {
  path: '/studies/{study}/files/{file}',
  params: z.object({ study: StudyIdText, file: FileIdText }),
} as const
const byHandle = {
  path: '/studies/{study}/participants/{participant}/files/{handle}',
  params: z.object({ study: StudyIdText, participant: ParticipantRef, handle: HandleText }),
} as const

const fileAnswer = (description: string) => ({
  ...answer(description, FileOut),
  headers: z.object({
    ETag: z.string().openapi({ description: 'For `If-Match` and `If-None-Match`.', example: '"r7"' }),
  }),
})
const Edit = z.strictObject({ name: FileNameText, visibility: VisibilityText, ...detailsShape }).partial()
const IfNoneMatch = z.object({
  'if-none-match': z
    .string()
    .max(1024)
    .optional()
    .openapi({ description: 'ETags that the caller has.', example: '"r7"' }),
})

const readOf = <Path extends string, Params extends z.ZodObject>(
  name: { path: Path; params: Params },
  operationId: string,
) =>
  operation(
    {
      method: 'get',
      path: name.path,
      operationId,
      summary: 'Read what is known of a file',
      tags,
      request: { params: name.params, headers: IfNoneMatch },
      responses: { 200: fileAnswer('The file.'), 304: { description: 'The caller has it as it is.' } },
    },
    { problems: ['study_not_found', 'file_not_found'], door: 'anyone' },
  )

const editOf = <Path extends string, Params extends z.ZodObject>(
  name: { path: Path; params: Params },
  operationId: string,
) =>
  operation(
    {
      method: 'patch',
      path: name.path,
      operationId,
      summary: 'Change what is said of a file; what is left out stays',
      tags,
      request: {
        params: name.params,
        headers: IfMatch,
        body: jsonBody(Edit, { title: 'Week one', tags: ['diary'], visibility: 'study' }),
      },
      responses: { 200: fileAnswer('The file as it is now.') },
    },
    {
      problems: [
        'forbidden',
        'study_not_found',
        'file_not_found',
        'participant_withdrawn',
        'public_not_allowed',
        'revision_mismatch',
      ],
    },
  )

const removalOf = <Path extends string, Params extends z.ZodObject>(
  name: { path: Path; params: Params },
  operationId: string,
) =>
  operation(
    {
      method: 'delete',
      path: name.path,
      operationId,
      summary: 'Delete a file with all its versions, uploads and links',
      tags,
      request: { params: name.params, headers: IfMatch },
      responses: { 204: { description: 'It is gone; its bytes follow.' } },
    },
    { problems: ['forbidden', 'study_not_found', 'file_not_found', 'participant_withdrawn', 'revision_mismatch'] },
  )

const etagHeader = (file: File) => ({ ETag: etagOf(file.revision), 'Cache-Control': 'private, no-cache' })

type Ctx = Context<AppEnv>
type Named = { study: StudyId; name: FileName }

async function read(c: Ctx, { study, name }: Named, headers: z.infer<typeof IfNoneMatch>) {
  const found = await getFile(scopeOf(c), study, name)
  return namesEtag(headers['if-none-match'], etagOf(found.revision))
    ? c.body(null, 304, etagHeader(found))
    : c.json(presentFile(found), 200, etagHeader(found))
}

async function edit(c: Ctx, { study, name }: Named, asked: { changes: FileChanges; headers: z.infer<typeof IfMatch> }) {
  const edited = await updateFile(scopeOf(c), study, {
    name,
    changes: asked.changes,
    revision: revisionOf(asked.headers),
  })
  return c.json(presentFile(edited), 200, etagHeader(edited))
}

async function remove(c: Ctx, { study, name }: Named, headers: z.infer<typeof IfMatch>) {
  await deleteFile(scopeOf(c), study, { name, revision: revisionOf(headers) })
  return c.body(null, 204)
}

const namedById = ({ study, file: id }: z.infer<typeof byId.params>): Named => ({ study, name: { id } })
const namedByHandle = ({ study, participant: owner, handle }: z.infer<typeof byHandle.params>): Named => ({
  study,
  name: { owner, handle },
})

export const file = newRouter()
  .openapi(readOf(byId, 'getFile'), async (c) => read(c, namedById(c.req.valid('param')), c.req.valid('header')))
  .openapi(editOf(byId, 'updateFile'), async (c) =>
    edit(c, namedById(c.req.valid('param')), { changes: c.req.valid('json'), headers: c.req.valid('header') }),
  )
  .openapi(removalOf(byId, 'deleteFile'), async (c) =>
    remove(c, namedById(c.req.valid('param')), c.req.valid('header')),
  )
  .openapi(readOf(byHandle, 'getFileByHandle'), async (c) =>
    read(c, namedByHandle(c.req.valid('param')), c.req.valid('header')),
  )
  .openapi(editOf(byHandle, 'updateFileByHandle'), async (c) =>
    edit(c, namedByHandle(c.req.valid('param')), { changes: c.req.valid('json'), headers: c.req.valid('header') }),
  )
  .openapi(removalOf(byHandle, 'deleteFileByHandle'), async (c) =>
    remove(c, namedByHandle(c.req.valid('param')), c.req.valid('header')),
  )
