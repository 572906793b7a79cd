import { writeWitnessed } from '../domain/audit.ts'
import { type DeadQueue, noteDeadLetters } from '../domain/health.ts'
import { log, logFailure } from '../log.ts'
import { JobMessage, type Witnessed } from '../model/job-messages.ts'
import { jobScope } from './job.ts'

/** With as many attempts as wrangler.toml gives, a record is tried for longer than the platform keeps a message. */
const RETRY_SECONDS = 3_600

const witnessedIn = (message: Message): Witnessed | undefined => {
  const { data } = JobMessage.safeParse(message.body)
  return data?.kind === 'witnessed' ? data : undefined
}

/**
 * What a queue gave up on. The sweep finds what else they were about: uploads, erasures, departures. A record of what
 * was read is in its message alone, so it is written down here, each by itself, and comes again until it is.
 */
export async function consumeDeadLetters(batch: MessageBatch, env: Env, context: ExecutionContext): Promise<void> {
  const queue: DeadQueue = batch.queue.startsWith('carrel-jobs') ? 'dead-jobs' : 'dead-object-events'
  const scope = jobScope(env, { now: new Date(), context })
  const counts = { recorded: 0, leftToSweep: 0, failed: 0 }
  const settled: Message[] = []
  for (const message of batch.messages) {
    const witnessed = queue === 'dead-jobs' ? witnessedIn(message) : undefined
    try {
      if (witnessed !== undefined) await writeWitnessed(scope, [witnessed])
      settled.push(message)
      counts[witnessed === undefined ? 'leftToSweep' : 'recorded'] += 1
    } catch (failure) {
      counts.failed += 1
      logFailure(message.id, failure)
      message.retry({ delaySeconds: RETRY_SECONDS })
    }
  }
  log({ level: 'warn', job: queue, ...counts })
  try {
    await noteDeadLetters(scope, queue, settled.length)
    for (const message of settled) message.ack()
  } catch (failure) {
    logFailure(batch.queue, failure)
    for (const message of settled) message.retry({ delaySeconds: RETRY_SECONDS })
  }
}
