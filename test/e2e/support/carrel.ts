import { join } from 'node:path'
import { expect } from 'vitest'
import { createTestHarness, type TestHarness } from 'wrangler'
import { buildersWith, type Bytes, HELLO, type SingleUpload } from '../../support/builders.ts'
import { callersOf } from '../../support/callers.ts'
import { JWT_ISSUERS } from '../../support/issuers.ts'
import { SECRETS } from '../../support/secrets.ts'

// The Worker as `wrangler dev` runs it, bundled and behind a real port of 127.0.0.1, with its own empty storage and the
// bucket's S3 endpoint, which checks signatures.

const PROJECT = join(import.meta.dirname, '../../..')

// Miniflare otherwise asks the network where this machine is.
process.env['CLOUDFLARE_CF_FETCH_ENABLED'] = 'false'

/** Sends bytes as a phone would: to this URL, with exactly these headers. */
export const send = async (
  { url, headers }: { url: string; headers: Record<string, string> },
  bytes: Bytes = HELLO,
): Promise<Response> => fetch(url, { method: 'PUT', headers, body: bytes })

/** Sends bytes that are to arrive; answers with the ETag that storage gave. */
export async function mustSend(upload: Pick<SingleUpload, 'url' | 'headers'>, bytes: Bytes = HELLO): Promise<string> {
  const sent = await send(upload, bytes)
  expect(sent.status, await sent.text()).toBe(200)
  return sent.headers.get('ETag') ?? ''
}

/** Starts Carrel; `vars` differ from wrangler.toml's. */
export async function startCarrel(vars: Record<string, string> = {}) {
  const harness: TestHarness = createTestHarness({
    root: PROJECT,
    workers: [{ configPath: 'wrangler.toml', vars, secrets: SECRETS }],
  })
  const { url } = await harness.listen()
  const worker = harness.getWorker<Env>()
  await worker.applyD1Migrations('DB')
  const as = callersOf(
    async (request) => fetch(request),
    () => url.origin,
  )
  const operator = as(SECRETS.OPERATOR_KEY)
  return {
    origin: url.origin,
    as,
    operator,
    anonymous: as(),
    ...buildersWith({ as, operator, put: mustSend }),
    bindings: async () => worker.getEnv(),
    /** One run of the cron. */
    sweep: async () => worker.scheduled({ cron: '* * * * *', scheduledTime: new Date() }),
    logLines: () => harness.getLogs().map(({ message }) => message),
    stop: async () => harness.close(),
  }
}

let shared: ReturnType<typeof startCarrel> | undefined

/**
 * The one that the files of tests in this process share, as each start takes seconds: with providers whose JWTs it
 * accepts. It ends with the process.
 */
export const sharedCarrel = async () => (shared ??= startCarrel({ JWT_ISSUERS }))
