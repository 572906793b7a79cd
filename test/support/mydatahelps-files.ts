import { env } from 'cloudflare:workers'
import type { Caller } from './callers.ts'
import { HELLO, objectKeyOf, ok } from './world.ts'

// What the SDK does with files, but for its PUT: in this pool bytes are put where it would bring them.

export const OWN = '/api/v1/delegated/files'
export const projectOf = ({ id }: { id: string }) => `/api/v1/administration/projects/${id}`
export const filesOf = (study: { id: string }) => `${projectOf(study)}/files`

/** Asks to upload, with the category as it is. */
export const begin = async (
  caller: Caller,
  category: string,
  name: string,
): Promise<{ preSignedUrl: string; key: string }> =>
  ok(await caller.post(`${OWN}?category=${category}&fileName=${encodeURIComponent(name)}`))

/** The bytes arrive. */
export const arrive = async (preSignedUrl: string, contentType?: string) =>
  env.BUCKET.put(objectKeyOf(preSignedUrl), HELLO, contentType === undefined ? {} : { httpMetadata: { contentType } })

/** A whole upload; answers with its key. */
export async function upload(caller: Caller, category: string, name: string): Promise<string> {
  const { preSignedUrl, key } = await begin(caller, category, name)
  await arrive(preSignedUrl, 'image/jpeg')
  return key
}

export type Listed = {
  key: string
  fileName: string
  category: string | null
  lastModified: string
  participantID: string
  participantIdentifier: string | null
}
export const list = async (caller: Caller, query = '', path = OWN): Promise<Listed[]> =>
  ok(await caller.get(`${path}${query}`)).files
export const namesIn = async (...asked: Parameters<typeof list>) =>
  (await list(...asked)).map(({ fileName }) => fileName)

/** Asks for a link, with the key as it is. */
export const linkTo = async (caller: Caller, key: string, path = OWN) => caller.get(`${path}/download?key=${key}`)
