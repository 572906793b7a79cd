import { env } from 'cloudflare:workers'
import { expect, type MockInstance, vi } from 'vitest'
import { aQueue, eventsOf } from './audit.ts'
import { overriding } from './faults.ts'
import { SECRETS } from './secrets.ts'

// Canaries: texts and secrets that are somebody's, and all the places where none of them may be found.

/** What of an answer, or of what an answer holds, opens something. */
const OPENS = [
  /"(?:secret|sessionToken|reauthToken|access_token|refresh_token|accessToken|token)":"([^"]{8,})"/g,
  /X-Amz-Signature=([0-9a-f]{64})/g,
  /\/d\/([\w-]{20,})/g,
  /[?&](?:key|token)=([\w-]{20,})/g,
]
export const secretsIn = (text: string): string[] =>
  OPENS.flatMap((pattern) => [...text.matchAll(pattern)].flatMap(([, secret = '']) => secret))

/** The log, the queue and KV, listened to from now on, with what is bound to the Worker for that. */
export function listening() {
  const printed: MockInstance<typeof console.log> = vi.spyOn(console, 'log')
  const queue = aQueue()
  const kept: string[] = []
  const TOKENS = overriding(env.TOKENS, {
    put: async (...record: Parameters<KVNamespace['put']>) => {
      kept.push(JSON.stringify(record))
      return env.TOKENS.put(...record)
    },
  })
  return {
    bindings: { JOBS: queue.JOBS, TOKENS },
    /** All that is on record of a study when what was put off is done, by where it is; the last of this. */
    heard: async (study: { id: string }): Promise<Record<string, string>> => {
      const messages = JSON.stringify(queue.messages)
      await queue.bring()
      const { results } = await env.DB.prepare('SELECT * FROM idempotency_keys WHERE study_id = ?').bind(study.id).all()
      const lines = printed.mock.calls.map((call) => call.map(String).join(' ')).join('\n')
      printed.mockRestore()
      return {
        messages,
        lines,
        events: JSON.stringify(await eventsOf(study)),
        kv: kept.join('\n'),
        // A key is kept as it was sent, so that it is known again; of its request there is a fingerprint.
        idempotency: JSON.stringify(results.map((row) => ({ ...row, key: '' }))),
      }
    },
  }
}

/** Nothing of `texts`, in any of these spellings, and no secret is in any of the places. */
export function expectNone(places: Readonly<Record<string, string>>, texts: RegExp, secrets: readonly string[]): void {
  const all = [
    ...new Set([
      ...secrets,
      ...Object.entries(SECRETS).flatMap(([name, secret]) => (name === 'S3_ACCESS_KEY_ID' ? [] : secret)),
    ]),
  ]
  for (const [place, kept] of Object.entries(places)) {
    expect([place, texts.exec(kept)?.[0]]).toEqual([place, undefined])
    for (const secret of all) {
      expect(secret).toMatch(/.{8}/)
      expect([place, kept.includes(secret)]).toEqual([place, false])
    }
  }
}
