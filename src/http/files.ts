import { z } from '@hono/zod-openapi'
import { listFiles } from '../domain/files.ts'
import { beginUpload, type NewFile as BeginFile, type NewOwner } from '../domain/uploads.ts'
import { mapPage } from '../model/page.ts'
import { scopeOf } from '../wire/context.ts'
import { FileListQuery, fileQueryOf, LISTING } from './file-filters.ts'
import { contentShape, detailsShape, examplePendingFile, FileOut, FilePage, presentFile } from './file-shapes.ts'
import { answer, jsonBody, operation } from './operation.ts'
import { newRouter } from './router.ts'
import {
  HandleText,
  IfMatch,
  pageRequest,
  ParticipantRef,
  revisionOf,
  StudyIdText,
  StudyPath,
  VisibilityText,
} from './schemas.ts'
import { exampleUpload, presentUpload, UploadOut } from './upload-shapes.ts'

const tags = ['Files']

const Begun = z
  .object({ file: FileOut, upload: UploadOut })
  .openapi('BegunUpload', { example: { file: examplePendingFile, upload: exampleUpload } })
const uploadKind = z.enum(['single', 'multipart']).optional().openapi({
  description: 'By size if left out: one PUT, or parts.',
})
const visibility = VisibilityText.optional()

const NewFile = z.strictObject({
  ...contentShape,
  participant: z
    .union([ParticipantRef, z.null()])
    .optional()
    .openapi({ description: "Whose it is: a participant's own by default; null for the study's." }),
  ...z.object(detailsShape).partial().shape,
  visibility,
  upload: uploadKind,
})

const BEGIN_PROBLEMS = [
  'forbidden',
  'study_not_found',
  'participant_not_found',
  'participant_withdrawn',
  'public_not_allowed',
  'file_too_large',
  'numbers_exhausted',
  'quota_exceeded',
] as const

const begin = operation(
  {
    method: 'post',
    path: '/studies/{study}/files',
    operationId: 'beginFile',
    summary: 'Reserve a file and say where its bytes go',
    tags,
    request: {
      params: StudyPath,
      body: jsonBody(NewFile, { name: 'notes.txt', mediaType: 'text/plain', size: 11, tags: ['diary'] }),
    },
    responses: { 201: answer('The file, without content yet, and its upload.', Begun) },
  },
  { problems: [...BEGIN_PROBLEMS, 'file_not_found', 'upload_not_found', 'upload_lost'], creates: true },
)

const list = operation(
  {
    method: 'get',
    path: '/studies/{study}/files',
    operationId: 'listFiles',
    summary: 'List the files that the caller may find, newest first',
    description: LISTING,
    tags,
    request: { params: StudyPath, query: FileListQuery },
    responses: { 200: answer('A page.', FilePage) },
  },
  { problems: ['forbidden', 'study_not_found', 'cursor_invalid'] },
)

const put = operation(
  {
    method: 'put',
    path: '/studies/{study}/participants/{participant}/files/{handle}',
    operationId: 'putFile',
    summary: 'Begin a file under a handle, or a new version of the one that is there',
    description:
      'The old content stays readable until the new one is complete; what is said of the file changes with it. ' +
      'Of two replacements under way, the one begun later ends up current.',
    tags,
    request: {
      params: z.object({ study: StudyIdText, participant: ParticipantRef, handle: HandleText }),
      headers: IfMatch,
      body: jsonBody(NewFile.omit({ participant: true }), {
        name: 'consent.pdf',
        mediaType: 'application/pdf',
        size: 48_213,
      }),
    },
    responses: { 201: answer('The file and the upload of its new version.', Begun) },
  },
  { problems: [...BEGIN_PROBLEMS, 'visibility_differs', 'revision_mismatch'] },
)

const ownerOf = (participant: z.infer<typeof NewFile>['participant']): NewOwner => {
  if (participant === undefined || participant === 'me') return { kind: 'caller' }
  return participant === null ? { kind: 'study' } : { kind: 'participant', id: participant }
}

/** What a begin says, whichever way it was said; the native API's files are private by default. */
const newFileOf = (
  body: Omit<z.infer<typeof NewFile>, 'participant'>,
): Omit<BeginFile, 'owner' | 'handle' | 'revision'> => {
  const { name, mediaType, size, md5, sha256, visibility: wanted, upload: kind, ...details } = body
  return {
    content: { name, mediaType, size, md5, sha256 },
    details,
    visibility: wanted,
    doorVisibility: 'private',
    kind,
  }
}

export const files = newRouter()
  .openapi(begin, async (c) => {
    const { participant, ...body } = c.req.valid('json')
    const begun = await beginUpload(scopeOf(c), c.req.valid('param').study, {
      ...newFileOf(body),
      owner: ownerOf(participant),
      handle: undefined,
      revision: undefined,
    })
    return c.json({ file: presentFile(begun.file), upload: presentUpload(begun.upload) }, 201)
  })
  .openapi(list, async (c) => {
    const { tag, limit, cursor, ...filters } = c.req.valid('query')
    const page = await listFiles(scopeOf(c), c.req.valid('param').study, {
      query: fileQueryOf({ ...filters, tags: tag }, 'query'),
      page: pageRequest({ limit, cursor }),
    })
    return c.json(mapPage(page, presentFile), 200)
  })
  .openapi(put, async (c) => {
    const { study, participant, handle } = c.req.valid('param')
    const begun = await beginUpload(scopeOf(c), study, {
      ...newFileOf(c.req.valid('json')),
      owner: ownerOf(participant),
      handle,
      // Without a file to replace this would begin one: here `*` asks for something.
      revision: c.req.valid('header')['if-match'] === '*' ? 'any' : revisionOf(c.req.valid('header')),
    })
    return c.json({ file: presentFile(begun.file), upload: presentUpload(begun.upload) }, 201)
  })
