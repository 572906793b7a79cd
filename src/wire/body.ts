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
