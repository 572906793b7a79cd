import { deleteDueObjects, purgeDownloadTokens, sweepUploads } from '../domain/sweep.ts'
import { logFailure, logJob } from '../log.ts'
import { jobScope } from './job.ts'

/** Bounds of one run; what is left waits for the next, a minute later. */
const MAX_UPLOADS = 50
const MAX_OBJECTS = 500
const MAX_TOKENS = 1_000

/** The cron's work. Each part goes on where another failed; a failure is logged, and told to the platform at the end. */
export async function runSweep(controller: ScheduledController, env: Env, context: ExecutionContext): Promise<void> {
  const scope = jobScope(env, { now: new Date(controller.scheduledTime), context })
  const run = `cron-${controller.scheduledTime}`
  const onFailure = (failure: unknown) => logFailure(run, failure)
  const [uploads, objects, tokens] = await Promise.allSettled([
    sweepUploads(scope, { limit: MAX_UPLOADS, onFailure }),
    deleteDueObjects(scope, MAX_OBJECTS),
    purgeDownloadTokens(scope, MAX_TOKENS),
  ])
  for (const part of [uploads, objects, tokens]) if (part.status === 'rejected') onFailure(part.reason)
  logJob('sweep', {
    ...(uploads.status === 'fulfilled' ? uploads.value : {}),
    deletedObjects: objects.status === 'fulfilled' ? objects.value : 0,
    purgedTokens: tokens.status === 'fulfilled' ? tokens.value : 0,
  })
  const failed = [uploads, objects, tokens].filter((part) => part.status === 'rejected').length
  if (failed > 0) throw new Error(`${failed} parts of the sweep failed; see the log`)
}
