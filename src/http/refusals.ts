import type { Context } from 'hono'
import type { ParticipantId, StudyId } from '../model/ids.ts'
import type { AppEnv } from '../wire/context.ts'
import { recordRefusal } from '../wire/refusals.ts'
import { renderProblem } from './problem.ts'

/** A problem for anything that was thrown; that a known caller was refused goes on record. */
export function renderRefusal(failure: unknown, c: Context<AppEnv>): Response {
  const { study, participant, ...others } = c.req.param() as Record<string, string | undefined>
  recordRefusal(c, failure, {
    // The path was matched and judged before anyone was identified: these casts brand what the route's schema let pass.
    study: study as StudyId | undefined,
    participant: participant as ParticipantId | 'me' | undefined,
    values: Object.values(others).flatMap((value) => value ?? []),
  })
  return renderProblem(failure, c)
}
