import type { Context } from 'hono'
import { type Named, witnessRefusal } from '../domain/audit.ts'
import { type IdPrefix, idPattern, type ParticipantId, type StudyId } from '../model/ids.ts'
import type { Principal } from '../model/principal.ts'
import { type AppEnv, scopeOf } from './context.ts'
import { asDomainError, renderProblem } from './problem.ts'

/** Ids that Carrel makes and paths name, what is more particular first. */
const NAMED: readonly IdPrefix[] = ['ver', 'dlt', 'upl', 'enr', 'era', 'key', 'mem', 'fil']
const isMade = (prefix: IdPrefix, value: string) => idPattern(prefix).test(value)

/** Nothing of a path may be kept but made ids and the participant's: handles and identifiers are the participants' words. */
function namedBy(c: Context<AppEnv>, principal: Principal): Named | undefined {
  const { study, participant, ...others } = c.req.param() as Record<string, string | undefined>
  const values = Object.values(others).flatMap((value) => value ?? [])
  const found = (prefix: IdPrefix) => values.find((value) => isMade(prefix, value))
  const [object] = NAMED.flatMap((prefix) => found(prefix) ?? [])
  const where = 'study' in principal ? principal.study : study
  if (where === undefined) return undefined
  return {
    // The path was matched and judged before anyone was identified: these casts brand what the route's schema let pass.
    study: where as StudyId,
    participant: participant as ParticipantId | 'me' | undefined,
    file: found('fil'),
    object,
  }
}

/** A problem for anything that was thrown; that a known caller was refused goes on record. */
export function renderRefusal(failure: unknown, c: Context<AppEnv>): Response {
  const { principal } = c.var
  if (principal !== undefined) {
    const { code } = asDomainError(failure)
    const named = namedBy(c, principal)
    if (named !== undefined) witnessRefusal(scopeOf(c), principal, { code, ...named })
  }
  return renderProblem(failure, c)
}
