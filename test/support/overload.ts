import { env } from 'cloudflare:workers'
import { overriding } from './faults.ts'

// What is bound to the Worker, out of reach: every call fails, as it does on the platform, before it takes effect.

/** As D1 says it (docs: D1, "Debug D1"). */
export const SHED = 'D1_ERROR: D1 DB is overloaded. Requests queued for too long.'

/** D1 that says the same of every batch; `seen` counts them, so that a test knows whether it was asked at all. */
export function failingDb(message = SHED) {
  const seen = { times: 0 }
  const batch = async () => {
    seen.times += 1
    return Promise.reject(new Error(message))
  }
  return { DB: overriding(env.DB, { batch }), seen }
}

/** R2 that says the same of everything; `seen` has the calls. As its binding does, it names the call and puts its number last. */
export function failingBucket(reason: string) {
  const seen: string[] = []
  const fail = (call: string) => async () => {
    seen.push(call)
    return Promise.reject(new Error(`${call}: ${reason}`))
  }
  const upload = (key: string, uploadId: string): R2MultipartUpload => ({
    key,
    uploadId,
    uploadPart: fail('uploadPart'),
    complete: fail('completeMultipartUpload'),
    abort: fail('abortMultipartUpload'),
  })
  const BUCKET = overriding<R2Bucket>(env.BUCKET, {
    head: fail('head'),
    get: fail('get'),
    // Its two signatures are one in effect: nothing comes back from it.
    put: fail('put') as R2Bucket['put'],
    delete: fail('delete'),
    list: fail('list'),
    createMultipartUpload: fail('createMultipartUpload'),
    resumeMultipartUpload: upload,
  })
  return { BUCKET, seen }
}

const out = async () => Promise.reject(new Error('KV failed: 500 Internal Server Error'))
/** KV of which nothing can be read or written. */
export const failingTokens = () =>
  overriding<KVNamespace>(env.TOKENS, { get: out as KVNamespace['get'], put: out, delete: out })

/** A queue that takes nothing. */
export const failingJobs = () =>
  overriding(env.JOBS, { send: async () => Promise.reject(new Error('Queue send failed: Too Many Requests')) })
