import { env } from 'cloudflare:workers'
import { expect } from 'vitest'
import { as, type Caller, operator } from './client.ts'

// Builders on the real bindings, through the API itself. Tests of a file share its storage, so each makes its own study.

let studies = 0
const fresh = () => `study-${Date.now().toString(36)}-${(studies += 1)}`

const ok = <Body>(answer: { status: number; body: Body }): Body => {
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
  return answer.body
}

export type Team = { admin: Caller; worker: Caller; staff: Caller; download: Caller }
export type Study = Team & { id: string; number: number; path: string }

/** A key of a study, issued by its admin. */
export async function aKey(study: { path: string; admin: Caller }, key: object): Promise<Caller & { id: string }> {
  const issued = ok(await study.admin.post(`${study.path}/keys`, { label: 'test', ...key }))
  return { ...as(issued.secret), id: issued.id }
}

/** A study with a key of each of its team's roles. */
export async function aStudy(settings: object = {}): Promise<Study> {
  const id = fresh()
  const path = `/v1/studies/${id}`
  const { number } = ok(await operator.post('/v1/studies', { id, name: 'A study', settings }))
  const admin = as(ok(await operator.post(`${path}/keys`, { role: 'admin', label: 'first' })).secret)
  const [worker, staff, download] = await Promise.all(
    ['worker', 'staff', 'download'].map(async (role) => aKey({ path, admin }, { role })),
  )
  if (worker === undefined || staff === undefined || download === undefined) throw new Error('a key is missing')
  return { id, number, path, admin, worker, staff, download }
}

export type Participant = Caller & { id: string; number: number; keyId: string }

export async function aParticipant(study: Study, participant: object = {}): Promise<Participant> {
  const { id, number } = ok(await study.admin.post(`${study.path}/participants`, participant))
  const { id: keyId, ...caller } = await aKey(study, { role: 'participant', participant: id })
  return { ...caller, id, number, keyId }
}

export const HELLO = 'hello world'
export const HELLO_MD5 = '5eb63bbbe01eeed093cb22bb8f5acdc3'
export const HELLO_SHA256 = 'b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9'

/** The bucket's key in a presigned URL of the local endpoint. */
export const objectKeyOf = (url: string) => decodeURIComponent(new URL(url).pathname.split('/').slice(6).join('/'))

/**
 * Puts bytes where an upload URL leads. In this pool the bucket's S3 endpoint is not served: what the URL itself
 * allows is tested over HTTP, in `test/e2e`.
 */
export const put = async (url: string, bytes: string | Uint8Array = HELLO) => env.BUCKET.put(objectKeyOf(url), bytes)

/** Begins a file with what `HELLO` is, and whatever else is said. */
export async function begin(caller: Caller, study: { path: string }, file: object = {}) {
  return ok(
    await caller.post(`${study.path}/files`, {
      name: 'hello.txt',
      mediaType: 'text/plain',
      size: HELLO.length,
      ...file,
    }),
  )
}

/** A file with content, as the API tells it. */
export async function aFile(
  caller: Caller,
  study: { path: string },
  file: object = {},
  bytes: string | Uint8Array = HELLO,
) {
  const { upload } = await begin(caller, study, { size: bytes.length, ...file })
  await put(upload.url, bytes)
  return ok(await caller.post(`${study.path}/uploads/${upload.id}/complete`))
}

/** A new version under a handle, complete. */
export async function replace(caller: Caller, path: string, bytes: string = HELLO) {
  const { upload } = ok(await caller.put(path, { name: 'hello.txt', mediaType: 'text/plain', size: bytes.length }))
  await put(upload.url, bytes)
  return upload
}
