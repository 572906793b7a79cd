import { createApp } from './app.ts'
import { consume } from './jobs/queue.ts'
import { runSweep } from './jobs/sweep.ts'

const app = createApp()

export default {
  fetch: app.fetch,
  queue: consume,
  scheduled: runSweep,
} satisfies ExportedHandler<Env>
