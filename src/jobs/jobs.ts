import { writeWitnessed } from '../domain/audit.ts'
import { continueDeparture } from '../domain/departures.ts'
import { continueErasure } from '../domain/erasures.ts'
import type { Scope } from '../domain/scope.ts'
import { logFailure, logJob } from '../log.ts'
import { JobMessage, type Witnessed } from '../model/job-messages.ts'
import { jobScope } from './job.ts'

/** Messages that are worked on together: all are done, or all come again. */
type Lot = Readonly<{
  counted: 'witnessed' | 'erasure' | 'departure' | 'ignored'
  messages: readonly Message[]
  work: (scope: Scope) => Promise<void>
}>

/**
 * How many erasures one batch goes on with, and how many departures, and how far: 16 steps of some 50 statements and 50
 * links at most, and 16 of six, keep it within the 1,000 queries, and the 1,000 calls, that one invocation has (docs: D1
 * and Workers, "Limits"). The others are put back.
 */
const AT_ONCE = 4
const STEPS = 4

/** What is done in steps. */
type Stepped = Extract<JobMessage, { kind: 'erasure' | 'departure' }>

const goOn = async (scope: Scope, message: Stepped): Promise<void> =>
  message.kind === 'erasure' ? continueErasure(scope, message, STEPS) : continueDeparture(scope, message, STEPS)

/** What was witnessed is written down in one go; the rest is done one after the other. */
function lotsOf(messages: readonly Message[]): Lot[] {
  const seen: { message: Message; event: Witnessed }[] = []
  const lots: Lot[] = []
  for (const message of messages) {
    const { data } = JobMessage.safeParse(message.body)
    if (data?.kind === 'witnessed') seen.push({ message, event: data })
    else if (data !== undefined) {
      const isNow = lots.filter(({ counted }) => counted === data.kind).length < AT_ONCE
      const work = async (scope: Scope) => (isNow ? goOn(scope, data) : scope.enqueue(data))
      lots.push({ counted: data.kind, messages: [message], work })
    } else lots.push({ counted: 'ignored', messages: [message], work: async () => {} })
  }
  if (seen.length === 0) return lots
  const work = async (scope: Scope) =>
    writeWitnessed(
      scope,
      seen.map(({ event }) => event),
    )
  return [{ counted: 'witnessed', messages: seen.map(({ message }) => message), work }, ...lots]
}

/** Does what requests have put off. A message that fails comes again; one that nobody understands does not. */
export async function consumeJobs(batch: MessageBatch, env: Env, context: ExecutionContext): Promise<void> {
  const scope = jobScope(env, { now: new Date(), context })
  const counts = { witnessed: 0, erasure: 0, departure: 0, ignored: 0, failed: 0 }
  for (const { counted, messages, work } of lotsOf(batch.messages)) {
    try {
      await work(scope)
      counts[counted] += messages.length
      for (const each of messages) each.ack()
    } catch (failure) {
      counts.failed += messages.length
      for (const each of messages) {
        logFailure(each.id, failure)
        each.retry({ delaySeconds: Math.min(30 * each.attempts, 600) })
      }
    }
  }
  logJob('jobs', counts)
}
