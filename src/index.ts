import { createApp } from './app.ts'
import { consumeObjectEvents } from './jobs/object-events.ts'
import { runSweep } from './jobs/sweep.ts'

const app = createApp()

export default {
  fetch: app.fetch,
  queue: consumeObjectEvents,
  scheduled: runSweep,
} satisfies ExportedHandler<Env>
