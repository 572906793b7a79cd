import { type CarrelOptions, createCarrel, type Fetch } from '../../../src/client/index.ts'
import type { Study } from '../../support/builders.ts'

/** Pauses that tests can wait for. */
const QUICKLY = { baseMilliseconds: 2, capMilliseconds: 40 }

/** A client as its users make it, but in more of a hurry. */
export const aClient = (
  study: Study,
  caller: { key?: string | undefined },
  options: Partial<CarrelOptions> & { url: string },
) =>
  createCarrel({
    study: study.id,
    ...(caller.key === undefined ? {} : { key: caller.key }),
    ...options,
    retry: { ...QUICKLY, ...options.retry },
  })

export type Sent = { method: string; url: URL; headers: Headers; status: number | undefined }

/** The platform's fetch, and what was asked of it in order; the status of what was answered. */
export function noted(): { fetch: Fetch; sent: Sent[] } {
  const sent: Sent[] = []
  return {
    sent,
    fetch: async (url, init = {}) => {
      const one: Sent = {
        method: init.method ?? 'GET',
        url: new URL(url),
        headers: new Headers(init.headers),
        status: undefined,
      }
      sent.push(one)
      const answer = await fetch(url, init)
      one.status = answer.status
      return answer
    },
  }
}
