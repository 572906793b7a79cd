import { z } from 'zod'
import { settleObject } from '../domain/sweep.ts'
import { logFailure, logJob } from '../log.ts'
import { jobScope } from './job.ts'

/**
 * What R2 says of an object (docs: R2, "Event notifications"). Only arrivals are of interest, and only the key is
 * believed: everything else is asked of storage itself.
 */
const ObjectEvent = z.object({ action: z.string(), object: z.object({ key: z.string() }) })
const ARRIVALS: readonly string[] = ['PutObject', 'CopyObject', 'CompleteMultipartUpload']

/**
 * Completes uploads whose client did not come back to say that the bytes are there. An event may come twice, late or
 * never. One that fails is given again by the queue, and ends in the dead-letter queue, where the sweep has it too.
 */
export async function consumeObjectEvents(batch: MessageBatch, env: Env, context: ExecutionContext): Promise<void> {
  const scope = jobScope(env, { now: new Date(), context })
  const counts = { completed: 0, waiting: 0, gone: 0, ignored: 0, failed: 0 }
  for (const message of batch.messages) {
    const event = ObjectEvent.safeParse(message.body)
    try {
      const arrived = event.success && ARRIVALS.includes(event.data.action)
      counts[arrived ? await settleObject(scope, event.data.object.key) : 'ignored'] += 1
      message.ack()
    } catch (failure) {
      counts.failed += 1
      logFailure(message.id, failure)
      message.retry({ delaySeconds: Math.min(30 * message.attempts, 600) })
    }
  }
  logJob('object-events', counts)
}
