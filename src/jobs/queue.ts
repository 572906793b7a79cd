import { consumeDeadLetters } from './dead-letters.ts'
import { consumeJobs } from './jobs.ts'
import { consumeObjectEvents } from './object-events.ts'

/** Batches of all queues, told apart by their names in wrangler.toml. */
export async function consume(batch: MessageBatch, env: Env, context: ExecutionContext): Promise<void> {
  if (batch.queue.endsWith('-dead')) await consumeDeadLetters(batch, env, context)
  else await (batch.queue.startsWith('carrel-jobs') ? consumeJobs : consumeObjectEvents)(batch, env, context)
}
