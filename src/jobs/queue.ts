import { consumeJobs } from './jobs.ts'
import { consumeObjectEvents } from './object-events.ts'

/** Batches of both queues, told apart by their name in wrangler.toml. */
export async function consume(batch: MessageBatch, env: Env, context: ExecutionContext): Promise<void> {
  await (batch.queue.startsWith('carrel-jobs') ? consumeJobs : consumeObjectEvents)(batch, env, context)
}
