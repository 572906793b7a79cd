import { purgeAuditEvents } from '../domain/audit.ts'
import { tendDatabases } from '../domain/databases.ts'
import { sweepDepartures } from '../domain/departures.ts'
import { purgeEnrolmentCodes } from '../domain/enrolment-codes.ts'
import { purgeGrants } from '../domain/grants.ts'
import { purgeIdempotencyKeys } from '../domain/idempotency.ts'
import { sweepErasures } from '../domain/erasures.ts'
import { endSweep } from '../domain/health.ts'
import type { Scope } from '../domain/scope.ts'
import { purgeSessions } from '../domain/sessions.ts'
import { deleteDueObjects, purgeDownloadTokens, sweepUploads } from '../domain/sweep.ts'
import { log, logFailure, logJob } from '../log.ts'
import { jobScope } from './job.ts'

type Counts = Readonly<Record<string, number>>
type Part = (scope: Scope, onFailure: (failure: unknown) => void) => Promise<Counts>

/** What each run does, within bounds; what is left waits for the next, a minute later. */
const PARTS: readonly Part[] = [
  async (scope, onFailure) => sweepUploads(scope, { limit: 50, onFailure }),
  async (scope, onFailure) => ({ deletedObjects: await deleteDueObjects(scope, { limit: 500, onFailure }) }),
  async (scope, onFailure) => ({ steppedErasures: await sweepErasures(scope, { limit: 4, onFailure }) }),
  async (scope, onFailure) => ({ steppedDepartures: await sweepDepartures(scope, { limit: 4, onFailure }) }),
  async (scope) => ({ purgedDownloadTokens: await purgeDownloadTokens(scope, 1_000) }),
  async (scope) => ({ purgedEnrolmentCodes: await purgeEnrolmentCodes(scope, 1_000) }),
  async (scope) => ({ purgedAuditEvents: await purgeAuditEvents(scope, 1_000) }),
  async (scope) => ({ purgedGrants: await purgeGrants(scope, 1_000) }),
  async (scope) => ({ purgedSessions: await purgeSessions(scope, 1_000) }),
  async (scope) => ({ purgedIdempotencyKeys: await purgeIdempotencyKeys(scope, 1_000) }),
  async (scope) => tendDatabases(scope),
]

/** What a run ends with: a line that names what has been undone for longer than it may be, if anything has. */
async function tellLateness(scope: Scope, swept: boolean): Promise<void> {
  const { late } = await endSweep(scope, swept)
  if (late.length > 0) log({ level: 'warn', job: 'sweep', late: late.join(' ') })
}

/** The cron's work. Each part goes on where another failed; a failure is logged, and told to the platform at the end. */
export async function runSweep(controller: ScheduledController, env: Env, context: ExecutionContext): Promise<void> {
  const scope = jobScope(env, { now: new Date(controller.scheduledTime), context })
  const run = `cron-${controller.scheduledTime}`
  const onFailure = (failure: unknown) => logFailure(run, failure)
  const results = await Promise.allSettled(PARTS.map(async (part) => part(scope, onFailure)))
  const counts = results.map((result) => (result.status === 'fulfilled' ? result.value : {}))
  const isWhole = results.every(({ status }) => status === 'fulfilled')
  const last = await Promise.allSettled([tellLateness(scope, isWhole)])
  const failed = [...results, ...last].filter((result) => result.status === 'rejected')
  for (const { reason } of failed) onFailure(reason)
  logJob('sweep', Object.assign({ failedParts: failed.length }, ...counts))
  if (failed.length > 0) throw new Error(`${failed.length} parts of the sweep failed; see the log`)
}
