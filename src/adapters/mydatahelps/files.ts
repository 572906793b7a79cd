import { type Context, Hono } from 'hono'
import { settleArrived } from '../../domain/arrivals.ts'
import { type FoundContent, getContent, redirectToContent } from '../../domain/content.ts'
import { getFile } from '../../domain/files.ts'
import { deleteFile } from '../../domain/removals.ts'
import { type Begun, beginUpload } from '../../domain/uploads.ts'
import type { File } from '../../model/entities.ts'
import { DomainError, fileNotFound, overloaded } from '../../model/errors.ts'
import { UNKNOWN_MEDIA_TYPE } from '../../model/media-types.ts'
import type { AppEnv } from '../../wire/context.ts'
import { administration, delegated, type Place } from './callers.ts'
import { exportAnswer } from './export.ts'
import { handleFor, keyOf, type NamedByKey, namesOf } from './keys.ts'
import { listed } from './listing.ts'
import { filesAsked, keyAsked, searchOf, uploadAsked } from './queries.ts'

const UPLOAD_URL_SECONDS = 86_400
const DOWNLOAD_URL_SECONDS = 3_600
/** The one header that every client sends along with the bytes and that storage wants signed. */
const SENT_ALONG = { 'x-amz-server-side-encryption': 'AES256' }

const MAX_ATTEMPTS = 8

/**
 * Begins a file, always a new one: where another has this name since the same millisecond, it is as if it had come a
 * moment later.
 */
async function beginNew({ scope, study }: Place, asked: { category: string | null; name: string }): Promise<Begun> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    const later = attempt === 0 ? 0 : 1 + Math.floor(Math.random() * 999)
    try {
      return await beginUpload(scope, study, {
        owner: { kind: 'caller' },
        handle: handleFor(asked, new Date(scope.now.getTime() + later)),
        content: { name: asked.name, mediaType: UNKNOWN_MEDIA_TYPE, size: 0, md5: null, sha256: null },
        details: { category: asked.category },
        visibility: undefined,
        doorVisibility: 'study',
        kind: 'single',
        loose: { headers: SENT_ALONG, urlSeconds: UPLOAD_URL_SECONDS },
        revision: 'none',
      })
    } catch (failure) {
      if (!isCalled(failure, 'revision_mismatch')) throw failure
    }
  }
  throw overloaded()
}

const isCalled = (failure: unknown, code: string) => failure instanceof DomainError && failure.code === code

/** Looks for what a key may name, until there is something; of others' things a participant's key opens none. */
async function found<Found>(
  c: Context<AppEnv>,
  { isOwn }: Place,
  look: (name: { owner: NamedByKey['owner'] | 'me'; handle: NamedByKey['handle'] }) => Promise<[Found, File]>,
): Promise<Found> {
  for (const { owner, handle } of namesOf(keyAsked(searchOf(c)))) {
    try {
      const [thing, file] = await look({ owner: isOwn ? 'me' : owner, handle })
      if (file.owner === owner) return thing
    } catch (failure) {
      if (!isCalled(failure, 'file_not_found')) throw failure
    }
  }
  throw fileNotFound()
}

/** What was sent a moment ago may not have been noticed yet. */
async function contentOf(
  { scope, study }: Place,
  name: Exclude<Parameters<typeof getFile>[2], { id: unknown } | { number: unknown }>,
) {
  const read = async () => getContent(scope, study, { file: name, version: undefined })
  try {
    return await read()
  } catch (failure) {
    if (!isCalled(failure, 'content_missing')) throw failure
    await settleArrived(scope, study, name)
    return read()
  }
}

async function download(c: Context<AppEnv>, place: Place) {
  const content = await found<FoundContent>(c, place, async (name) => {
    const each = await contentOf(place, name)
    return [each, each.file]
  })
  const expires = Math.floor(c.var.now.getTime() / 1000) + DOWNLOAD_URL_SECONDS
  const preSignedUrl = await redirectToContent(place.scope, content, {
    method: 'GET',
    seconds: DOWNLOAD_URL_SECONDS,
    // Clients read there until when the URL is good; storage goes by its own.
    query: { Expires: String(expires) },
  })
  return c.json({ preSignedUrl })
}

async function remove(c: Context<AppEnv>, place: Place) {
  const { id } = await found<File>(c, place, async (name) => {
    const file = await getFile(place.scope, place.study, name)
    return [file, file]
  })
  await deleteFile(place.scope, place.study, { name: { id }, revision: undefined })
  return c.body(null, 204)
}

const OWN = '/api/v1/delegated/files'
const PROJECT = '/api/v1/administration/projects/:projectID/files'

export const files = new Hono<AppEnv>()
  .get(OWN, async (c) => c.json(await listed(await delegated(c), filesAsked(c))))
  .post(OWN, async (c) => {
    const place = await delegated(c)
    const { file, upload } = await beginNew(place, uploadAsked(searchOf(c)))
    if (!('upload' in upload) || upload.put === undefined || file.owner === null) throw overloaded()
    return c.json({ preSignedUrl: upload.put.url, key: keyOf(file, file.owner) })
  })
  .delete(OWN, async (c) => remove(c, await delegated(c)))
  .get(`${OWN}/download`, async (c) => download(c, await delegated(c)))
  .get(PROJECT, async (c) => c.json(await listed(administration(c), filesAsked(c))))
  .delete(PROJECT, async (c) => remove(c, administration(c)))
  .get(`${PROJECT}/download`, async (c) => download(c, administration(c)))
  .get(`${PROJECT}/UploadedFiles.csv`, async (c) => exportAnswer(c, administration(c), filesAsked(c)))
