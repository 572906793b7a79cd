import { type Context, Hono } from 'hono'
import { z } from 'zod'
import { listOwnFiles, type OwnFile, redirectToOwnFile } from '../../domain/handles.ts'
import { deleteFile } from '../../domain/removals.ts'
import { secondsFrom } from '../../domain/scope.ts'
import { beginUpload } from '../../domain/uploads.ts'
import type { Handle } from '../../model/ids.ts'
import { mapPage } from '../../model/page.ts'
import { isMediaType } from '../../model/media-types.ts'
import type { AppEnv } from '../../wire/context.ts'
import { HandleText } from '../../wire/shapes.ts'
import { type Caller, CONSENTED, operation } from './access.ts'
import { tell, tellMessage } from './answers.ts'
import { fieldsOf, isBlank, readBody, Text } from './bodies.ts'
import { badRequest, InvalidEntity } from './errors.ts'
import { pageAsked, presentPage } from './paging.ts'

// Participant files: what a participant keeps for themselves under names of their own.

/** Phones were too slow for less. */
const URL_SECONDS = 86_400

function fileIdInPath(c: Context<AppEnv>): Handle {
  const fileId = HandleText.safeParse(c.req.param('fileId'))
  if (!fileId.success || isBlank(fileId.data)) {
    throw badRequest('fileId may have 255 characters at most, not all of them spaces, and no control characters.')
  }
  return fileId.data
}

const presentFile = ({ file: { handle, owner, study }, mediaType, begunAt }: OwnFile) => ({
  fileId: handle,
  userId: owner,
  appId: study,
  mimeType: mediaType,
  createdOn: begunAt.toISOString(),
  type: 'ParticipantFile',
})

/** @throws InvalidEntity for what cannot be bound into a signature, too */
function mimeTypeIn(mimeType: string | undefined): string {
  const entity = JSON.stringify({ mimeType, type: 'ParticipantFile' })
  if (isBlank(mimeType)) throw new InvalidEntity('ParticipantFile', { mimeType: ['is required'] }, entity)
  if (!isMediaType(mimeType)) {
    throw new InvalidEntity('ParticipantFile', { mimeType: ['must be a media type, like text/plain'] }, entity)
  }
  return mimeType
}

async function list(c: Context<AppEnv>, { scope, study }: Caller): Promise<Response> {
  const { page, params } = pageAsked(c)
  return tell(c, presentPage(mapPage(await listOwnFiles(scope, study, page), presentFile), params))
}

async function create(c: Context<AppEnv>, { scope, study }: Caller): Promise<Response> {
  const handle = fileIdInPath(c)
  const mimeType = mimeTypeIn(fieldsOf(await readBody(c), z.object({ mimeType: Text })).mimeType)
  const { file, upload } = await beginUpload(scope, study, {
    owner: { kind: 'caller' },
    handle,
    content: { name: handle, mediaType: mimeType, size: 0, md5: null, sha256: null },
    details: {},
    visibility: undefined,
    doorVisibility: 'private',
    kind: 'single',
    // The clients send a type, and nothing that says what they send.
    loose: { headers: { 'content-type': mimeType }, urlSeconds: URL_SECONDS },
    revision: undefined,
  })
  if ('settled' in upload || upload.put === undefined) throw new Error('An upload that was begun has no URL.')
  const { createdAt, urlExpiresAt } = upload.upload
  return tell(
    c,
    {
      ...presentFile({ file, mediaType: mimeType, begunAt: createdAt }),
      uploadUrl: upload.put.url,
      expiresOn: urlExpiresAt.toISOString(),
    },
    { status: 201 },
  )
}

async function get(c: Context<AppEnv>, { scope, study }: Caller): Promise<Response> {
  const { url, ...own } = await redirectToOwnFile(scope, study, {
    handle: fileIdInPath(c),
    // A URL that is signed for the one does not do for the other.
    method: c.req.method === 'HEAD' ? 'HEAD' : 'GET',
    seconds: URL_SECONDS,
  })
  const expiresOn = secondsFrom(scope.now, URL_SECONDS).toISOString()
  return tell(c, { ...presentFile(own), downloadUrl: url, expiresOn }, { status: 302, headers: { Location: url } })
}

async function remove(c: Context<AppEnv>, { scope, study }: Caller): Promise<Response> {
  await deleteFile(scope, study, { name: { owner: 'me', handle: fileIdInPath(c) }, revision: undefined })
  return tellMessage(c, 'Participant file deleted.')
}

const FILES = '/v3/participants/self/files'

export const files = new Hono<AppEnv>()
  .get(FILES, operation(CONSENTED, list))
  .get(`${FILES}/:fileId`, operation(CONSENTED, get))
  .post(`${FILES}/:fileId`, operation(CONSENTED, create))
  .delete(`${FILES}/:fileId`, operation(CONSENTED, remove))
