import { env } from 'cloudflare:workers'
import { heldJobs } from './erasures.ts'
import { overriding } from './faults.ts'

/**
 * What goes wrong at one call to a binding:
 * - `unmade`: it fails before it takes effect
 * - `unheard`: it takes effect, and its answer is lost
 * - `late`: it takes effect only after the client has given up and come again
 * - `dead before`, `dead after`: with it the process ends, before or after it took effect
 */
export const WAYS = ['unmade', 'unheard', 'late', 'dead before', 'dead after'] as const
export type Way = (typeof WAYS)[number]
/** `at`: at which of the calls, from 1 on; Infinity: at none. */
export type Fault = Readonly<{ at: number; way: Way }>

/** Every call that something comes back from, by binding. What makes no call of its own is looked into. */
const CALLS: Readonly<Record<string, readonly string[]>> = {
  DB: ['batch'],
  BUCKET: ['put', 'delete', 'head', 'get', 'list', 'createMultipartUpload', 'uploadPart', 'complete', 'abort'],
  TOKENS: ['put', 'delete', 'get'],
  JOBS: ['send'],
}
const LEADS_ON = ['withSession', 'createMultipartUpload', 'resumeMultipartUpload']

/** What a study has opened in storage in parts. */
const openedBy = async (study: string) =>
  (
    await env.DB.prepare(
      `SELECT multipart_id AS id FROM uploads WHERE study_id = ?1 AND multipart_id IS NOT NULL
        UNION SELECT multipart_id FROM object_deletions WHERE study_id = ?1 AND multipart_id IS NOT NULL`,
    )
      .bind(study)
      .all<{ id: string }>()
  ).results.map(({ id }) => id)

/**
 * The bucket, and what was opened in it in parts, by the study before or by anybody since, and is neither whole nor freed:
 * no list of storage has it. Of what a fault hides, too, it is known what came of it.
 */
export async function watchedBucket(study: string) {
  const open = new Set(await openedBy(study))
  const watched = (upload: R2MultipartUpload): R2MultipartUpload =>
    overriding(upload, {
      complete: async (parts) => {
        const object = await upload.complete(parts)
        open.delete(upload.uploadId)
        return object
      },
      // Of what is whole or freed already, storage says that there is no such thing.
      abort: async () => upload.abort().finally(() => open.delete(upload.uploadId)),
    })
  const BUCKET = overriding(env.BUCKET, {
    createMultipartUpload: async (key, options) => {
      const upload = await env.BUCKET.createMultipartUpload(key, options)
      open.add(upload.uploadId)
      return watched(upload)
    },
    resumeMultipartUpload: (key, id) => watched(env.BUCKET.resumeMultipartUpload(key, id)),
  })
  return { BUCKET, open }
}

/**
 * The Worker's bindings with one fault in them. `calls` names each call that was made, so that a test knows whether the
 * fault was come to; a `late` call is `reached`, and goes on when it is let.
 */
export function faulty({ at, way }: Fault, bucket: R2Bucket = env.BUCKET) {
  const calls: string[] = []
  const reached = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  const jobs = heldJobs()
  let isDead = false
  const lost = () => new Error('D1_ERROR: Network connection lost.')

  async function call<Result>(name: string, make: () => Promise<Result>): Promise<Result> {
    if (isDead) throw lost()
    calls.push(name)
    if (calls.length !== at) return make()
    reached.resolve()
    if (way === 'late') await released.promise
    isDead = way.startsWith('dead')
    if (way === 'unmade' || way === 'dead before') throw lost()
    const result = await make()
    if (way !== 'late') throw lost()
    return result
  }

  function around(binding: string, target: object): object {
    return new Proxy(target, {
      get(_, name) {
        const method: unknown = Reflect.get(target, name)
        if (typeof method !== 'function') return method
        const make = (...given: unknown[]): unknown => Reflect.apply(method, target, given)
        const leadsOn = LEADS_ON.includes(String(name))
        const lead = (made: unknown) =>
          leadsOn && typeof made === 'object' && made !== null ? around(binding, made) : made
        if (!CALLS[binding]?.includes(String(name))) return (...given: unknown[]) => lead(make(...given))
        return async (...given: unknown[]) =>
          lead(await call(`${binding}.${String(name)}`, async () => make(...given) as Promise<unknown>))
      },
    })
  }

  return {
    calls,
    reached: reached.promise,
    release: () => released.resolve(),
    sent: jobs.sent,
    // A proxy is what it stands for.
    bindings: {
      DB: around('DB', env.DB) as D1Database,
      BUCKET: around('BUCKET', bucket) as R2Bucket,
      TOKENS: around('TOKENS', env.TOKENS) as KVNamespace,
      JOBS: around('JOBS', jobs.JOBS) as Queue,
    },
  }
}
