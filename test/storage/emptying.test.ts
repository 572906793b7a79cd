import { applyD1Migrations } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { test } from 'vitest'
import { bridgeCallers } from '../support/bridge.ts'
import { callersOf } from '../support/callers.ts'
import { ORIGIN } from '../support/client.ts'
import { emptyStorage } from '../support/emptying.ts'
import { sendingTo } from '../support/faults.ts'
import { aParticipant, aStudy, ok } from '../support/world.ts'

// Files of tests share a Worker, and what a support module keeps outlives the file that used it first.

/** Of a tongue whose clients do not name the study: it is found by the number in their key. */
const asWhole = bridgeCallers(callersOf(sendingTo({}), () => ORIGIN))

test('storage that is emptied gives studies their numbers anew, and no isolate remembers whose they were', async () => {
  for (let times = 0; times < 2; times += 1) {
    const study = await aStudy()
    const ada = await aParticipant(study)
    ok(await asWhole(ada.key).post('/v3/participants/self/files/scan', { mimeType: 'text/plain' }))
    await emptyStorage()
    await applyD1Migrations(env.DB, env.TEST_MIGRATIONS)
  }
})
