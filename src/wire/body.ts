import type { MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { bodyTooLarge } from '../model/errors.ts'
import type { AppEnv } from './context.ts'

/** Of a request that is about things, rather than a document. Content goes to an upload URL and is never in one. */
export const MAX_BODY_BYTES = 256 * 1024

/** Refuses longer bodies, whether or not they say how long they are. */
export const limitBytes = (maxSize: number): MiddlewareHandler<AppEnv> =>
  bodyLimit({
    maxSize,
    onError: () => {
      throw bodyTooLarge(maxSize)
    },
  })

/**
 * A body's bytes as they come. Whoever stops taking them leaves the rest in the body, for others to take.
 * @throws what `brokenOff` makes, of a body that ends before its end
 */
export async function* bytesIn(
  body: ReadableStream<Uint8Array> | null,
  brokenOff: () => Error,
): AsyncGenerator<Uint8Array, undefined> {
  if (body === null) return
  const reader = body.getReader()
  try {
    while (true) {
      const { done, value } = await reader.read().catch(() => {
        throw brokenOff()
      })
      if (done) return
      yield value
    }
  } finally {
    reader.releaseLock()
  }
}
