import { env } from 'cloudflare:workers'
import { settleArrived } from '../../src/domain/arrivals.ts'
import { beginUpload } from '../../src/domain/uploads.ts'
import type { Handle } from '../../src/model/ids.ts'
import { type Asking, idOf, scopeOf } from './scopes.ts'
import { aDesk } from './desk.ts'
import { type Bytes, HELLO } from './builders.ts'
import { objectKeyOf, type Participant, type Study } from './world.ts'

// Files as protocols have them whose clients declare nothing of the bytes, and never say that these are there.

export type Loose = {
  id: string
  file: string
  version: string
  key: string
  stagingKey: string
  expiresAt: Date
  urlExpiresAt: Date
}
export type LooseDesk = { study: Study; owner: Participant }

/** Begins a file, or a new version under a handle. */
export async function beginLoose({ study, owner }: LooseDesk, handle?: string, asking: Asking = {}): Promise<Loose> {
  const begun = await beginUpload(await scopeOf({ secret: owner.key, ...asking }), idOf(study), {
    owner: { kind: 'caller' },
    handle: handle as Handle | undefined, // one that a path could have
    content: { name: 'walk.txt', mediaType: 'application/octet-stream', size: 0, md5: null, sha256: null },
    details: {},
    visibility: undefined,
    doorVisibility: 'study',
    kind: undefined,
    loose: { headers: {}, urlSeconds: 3_600 },
    revision: undefined,
  })
  if (!('put' in begun.upload) || begun.upload.put === undefined) throw new Error('Nothing tells where the bytes go.')
  const { upload, put } = begun.upload
  return {
    id: upload.id,
    file: begun.file.id,
    version: upload.version,
    key: upload.objectKey,
    stagingKey: objectKeyOf(put.url),
    expiresAt: upload.expiresAt,
    urlExpiresAt: upload.urlExpiresAt,
  }
}

/** What a client's PUT to the upload's URL does. */
export const arrive = async ({ stagingKey }: Loose, bytes: Bytes = HELLO, contentType = 'text/plain') =>
  env.BUCKET.put(stagingKey, bytes, { httpMetadata: { contentType } })

/** A desk with an upload of which nothing was declared, and perhaps its bytes. */
export async function aLoose({ settings = {}, bytes }: { settings?: object; bytes?: Bytes } = {}) {
  const desk = await aDesk(settings)
  const loose = await beginLoose(desk)
  if (bytes !== undefined) await arrive(loose, bytes)
  return { ...desk, loose, path: `${desk.study.path}/files/${loose.file}` }
}

/** Looks for what has arrived of the owner's, as an adapter does before it lists. */
export const look = async ({ study, owner }: LooseDesk, asking: Asking = {}) =>
  settleArrived(await scopeOf({ secret: owner.key, ...asking }), idOf(study), { owner: 'me' })

/** The owner's complete files, as the API tells them. */
export const listed = async ({ study, owner }: LooseDesk) => (await owner.get(`${study.path}/files`)).body.items

/** As R2 tells of an object (docs: R2, "Event notifications"). */
export const toldOf = (key: string) => ({ action: 'PutObject', bucket: 'carrel', object: { key, size: 1, eTag: 'e' } })
