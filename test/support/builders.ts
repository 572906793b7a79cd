import { expect } from 'vitest'
import type { As, Caller } from './callers.ts'

// Builders of a test's own world, through the API itself, wherever the Worker runs.

let studies = 0
/** In the order in which they are made. */
const fresh = () => `study-${Date.now().toString(36)}-${String((studies += 1)).padStart(5, '0')}`

export const ok = <Body>(answer: { status: number; body: Body }): Body => {
  expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
  return answer.body
}

export type Team = { admin: Caller; worker: Caller; staff: Caller; download: Caller }
export type Study = Team & { id: string; number: number; path: string }
export type Participant = Caller & { id: string; number: number; keyId: string }

export const HELLO = 'hello world'
export const HELLO_MD5 = '5eb63bbbe01eeed093cb22bb8f5acdc3'
export const HELLO_SHA256 = 'b94d27b9934d3e08a52e52d7da7dabfac484efe37a5380ee9088f7ace2efcde9'

export type Bytes = string | Uint8Array
const lengthOf = (bytes: Bytes) => (typeof bytes === 'string' ? new TextEncoder().encode(bytes).length : bytes.length)

/** Where bytes go, as `begin` answers. */
export type SingleUpload = { id: string; url: string; headers: Record<string, string> }

export function buildersWith({
  as,
  operator,
  put,
}: {
  as: As
  operator: Caller
  /** Brings bytes to where an upload leads. */
  put: (upload: SingleUpload, bytes: Bytes) => Promise<unknown>
}) {
  /** A key of a study, issued by its admin. */
  async function aKey(study: { path: string; admin: Caller }, key: object): Promise<Caller & { id: string }> {
    const issued = ok(await study.admin.post(`${study.path}/keys`, { label: 'test', ...key }))
    return { ...as(issued.secret), id: issued.id }
  }

  /** A study with a key of each of its team's roles. */
  async function aStudy(settings: object = {}): Promise<Study> {
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

  async function aParticipant(study: Study, participant: object = {}): Promise<Participant> {
    const { id, number } = ok(await study.admin.post(`${study.path}/participants`, participant))
    const { id: keyId, ...caller } = await aKey(study, { role: 'participant', participant: id })
    return { ...caller, id, number, keyId }
  }

  /** Begins a file with what `HELLO` is, and whatever else is said. */
  async function begin(caller: Caller, study: { path: string }, file: object = {}) {
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
  async function aFile(caller: Caller, study: { path: string }, file: object = {}, bytes: Bytes = HELLO) {
    const { upload } = await begin(caller, study, { size: lengthOf(bytes), ...file })
    await put(upload, bytes)
    return ok(await caller.post(`${study.path}/uploads/${upload.id}/complete`))
  }

  /** A new version under a handle: its upload, with the bytes in place and not complete yet. */
  async function replace(caller: Caller, path: string, bytes: string = HELLO) {
    const { upload } = ok(await caller.put(path, { name: 'hello.txt', mediaType: 'text/plain', size: lengthOf(bytes) }))
    await put(upload, bytes)
    return upload
  }

  return { aKey, aStudy, aParticipant, begin, aFile, replace }
}
