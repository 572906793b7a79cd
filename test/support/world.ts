import { env } from 'cloudflare:workers'
import { buildersWith, type Bytes, HELLO } from './builders.ts'
import { as, operator } from './client.ts'

export { HELLO, HELLO_MD5, HELLO_SHA256, ok, type Participant, type Study, type Team } from './builders.ts'

// Builders on the real bindings, through the API itself. Tests of a file share its storage, so each makes its own study.

/** The bucket's key in a presigned URL of the local endpoint. */
export const objectKeyOf = (url: string) => decodeURIComponent(new URL(url).pathname.split('/').slice(6).join('/'))

/**
 * Puts bytes where an upload URL leads. In this pool the bucket's S3 endpoint is not served: what the URL itself
 * allows is tested over HTTP, in `test/e2e`.
 */
export const put = async (url: string, bytes: Bytes = HELLO) => env.BUCKET.put(objectKeyOf(url), bytes)

export const { aKey, aStudy, aParticipant, begin, aFile, replace } = buildersWith({
  as,
  operator,
  put: async ({ url }, bytes) => put(url, bytes),
})
