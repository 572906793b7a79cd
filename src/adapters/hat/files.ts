import type { Context } from 'hono'
import { getContent, redirectToContent } from '../../domain/content.ts'
import { completeFile, renewFileUrl } from '../../domain/file-uploads.ts'
import { type FileView, viewFiles } from '../../domain/file-views.ts'
import { getFile, updateFile } from '../../domain/files.ts'
import { deleteFile } from '../../domain/removals.ts'
import { beginUpload } from '../../domain/uploads.ts'
import type { File } from '../../model/entities.ts'
import { DomainError, type ErrorCode } from '../../model/errors.ts'
import type { Handle, ParticipantId } from '../../model/ids.ts'
import { UNKNOWN_MEDIA_TYPE } from '../../model/media-types.ts'
import { type AppEnv, scopeOf } from '../../wire/context.ts'
import { recordRefusal } from '../../wire/refusals.ts'
import { HandleText } from '../../wire/shapes.ts'
import { type Call, open, operation } from './access.ts'
import { tell } from './answers.ts'
import { HatFileChanges, NewHatFile, readBody, Template } from './bodies.ts'
import { noSuchFile } from './errors.ts'
import { fileIdOf } from './file-ids.ts'
import { type HatData, presentFile } from './present.ts'
import { findFiles } from './search.ts'

/** Of every URL, to send bytes to and to have them from. */
const URL_SECONDS = 300
/** What every client sends with the bytes; R2 encrypts what it stores, whatever is said. */
const SENT = { 'x-amz-server-side-encryption': 'AES256' }
/** Nothing is no file: clients are told that it was not uploaded. */
const MIN_BYTES = 1

/** A file of this HAT's owner, by its id. */
type Named = { owner: ParticipantId; handle: Handle }

/** @throws DomainError `file_not_found` for what is no file's id */
export function fileInPath(c: Context<AppEnv>, { owner }: Call): Named {
  const fileId = c.req.param('fileId') ?? ''
  const handle = HandleText.safeParse(fileId)
  if (!handle.success) throw noSuchFile(fileId)
  return { owner, handle: handle.data }
}

/** With HAT's word for a file that is not there, or not to be seen. */
export async function onFile<Result>({ handle }: Named, work: Promise<Result>): Promise<Result> {
  try {
    return await work
  } catch (failure) {
    if (failure instanceof DomainError && NO_FILE.includes(failure.code)) throw noSuchFile(handle)
    throw failure
  }
}
const NO_FILE: readonly ErrorCode[] = ['file_not_found', 'upload_not_found']

/** A file as the caller may know it; without `seconds`, without where its bytes are. */
export async function view({ scope, study }: Call, file: File, seconds?: number): Promise<FileView> {
  const [viewed] = await viewFiles(scope, study, { files: [file], seconds })
  return viewed ?? { file, grants: undefined, contentUrl: undefined }
}

export const upload = operation(async (c, call) => {
  const { scope, study, owner } = call
  const { name, source, contentType, dateCreated, sourceURL, ...said } = await readBody(c, NewHatFile)
  const hat: HatData = {
    ...(typeof dateCreated === 'number' && { dateCreated }),
    ...(sourceURL !== undefined && { sourceURL }),
  }
  const begun = await beginUpload(scope, study, {
    owner: { kind: 'participant', id: owner },
    handle: undefined,
    freeHandle: fileIdOf({ source, name }),
    content: { name, mediaType: contentType ?? UNKNOWN_MEDIA_TYPE, size: 0, md5: null, sha256: null },
    details: {
      source: source === '' ? null : source,
      title: said.title ?? null,
      description: said.description ?? null,
      tags: said.tags,
    },
    foreign: Object.keys(hat).length === 0 ? undefined : { hat },
    visibility: undefined,
    doorVisibility: 'private',
    kind: undefined,
    loose: {
      headers: { ...SENT, ...(contentType !== undefined && { 'content-type': contentType }) },
      urlSeconds: URL_SECONDS,
    },
    revision: undefined,
  })
  const contentUrl = 'put' in begun.upload ? begun.upload.put?.url : undefined
  return tell(c, presentFile({ file: begun.file, grants: [], contentUrl }))
})

export const complete = operation(async (c, call) => {
  const { scope, study } = call
  const name = fileInPath(c, call)
  const file = await onFile(name, completeFile(scope, study, { name, minBytes: MIN_BYTES }))
  return tell(c, presentFile(await view(call, file)))
})

/**
 * Of a file that has no bytes yet `contentUrl` is where they go: a client whose URL has expired, or that was closed
 * before it sent anything, has it again here. Upstream it leads to nothing then.
 */
export const get = operation(async (c, call) => {
  const { scope, study } = call
  const name = fileInPath(c, call)
  const file = await onFile(name, getFile(scope, study, name))
  const viewed = await view(call, file, URL_SECONDS)
  if (file.content.status === 'complete') return tell(c, presentFile(viewed))
  const put = await onFile(name, renewFileUrl(scope, study, { name, headers: SENT, seconds: URL_SECONDS }))
  return tell(c, presentFile({ ...viewed, contentUrl: put?.url }))
})

/** Its id is the path's: what a body says of that, and of who may see the file, means nothing. */
export const update = operation(async (c, call) => {
  const { scope, study } = call
  const name = fileInPath(c, call)
  const { name: called, tags, title = null, description = null } = await readBody(c, HatFileChanges)
  const changes = { name: called, tags, title, description }
  const file = await onFile(name, updateFile(scope, study, { name, changes, revision: undefined }))
  return tell(c, presentFile(await view(call, file)))
})

/** Upstream keeps the row for ever; here the answer is the last that is seen of it. */
export const remove = operation(async (c, call) => {
  const { scope, study } = call
  const name = fileInPath(c, call)
  const file = await onFile(name, getFile(scope, study, name))
  const viewed = await view(call, file)
  await onFile(name, deleteFile(scope, study, { name: { id: file.id }, revision: undefined }))
  return tell(c, presentFile(viewed, { status: 'Deleted' }))
})

export const search = operation(async (c, call) => {
  const { files } = await findFiles(call, await readBody(c, Template))
  const views = await viewFiles(call.scope, call.study, { files, seconds: URL_SECONDS })
  return tell(
    c,
    views.map((each) => presentFile(each)),
  )
})

/** Why content is not given, none of which is told apart; anything else is a failure of ours. */
const isHidden = (code: ErrorCode) =>
  code.endsWith('_not_found') || ['unauthenticated', 'forbidden', 'content_missing'].includes(code)

/** A URL that can be kept for ever, as clients do with public pictures: where it leads to expires. */
export const content = open(async (c, call) => {
  try {
    const url = await urlOf(c, call)
    return c.body(null, 303, { Location: url, 'Cache-Control': 'no-store' })
  } catch (failure) {
    if (failure instanceof DomainError && isHidden(failure.code)) {
      recordRefusal(c, failure)
      return c.body(null, 404, { 'Cache-Control': 'no-store' })
    }
    throw failure
  }
})

async function urlOf(c: Context<AppEnv>, call: Call): Promise<string> {
  const { study } = call
  const asked = { file: fileInPath(c, call), version: undefined }
  const redirect = { method: c.req.method === 'HEAD' ? 'HEAD' : 'GET', seconds: URL_SECONDS } as const
  const give = async (scope: Call['scope']) => redirectToContent(scope, await getContent(scope, study, asked), redirect)
  try {
    return await give(call.scope)
  } catch (failure) {
    // A session that has ended opens nothing, and closes nothing that is open to all.
    if (!(failure instanceof DomainError && failure.code === 'unauthenticated')) throw failure
    c.set('credential', { kind: 'anonymous' })
    return give(scopeOf(c))
  }
}
