import { forbidden, participantNotFound, participantWithdrawn } from '../model/errors.ts'
import type { ParticipantId, StudyId } from '../model/ids.ts'
import type { Leaving } from '../storage/departures.ts'
import { identify } from './identity.ts'
import { denial, factsOf, permits, rules } from './policy.ts'
import { callerIn, type Scope } from './scope.ts'

/**
 * Withdraws somebody, by their own wish or an admin's, and closes what the study's team had of theirs: from the answer on
 * their files are private, whatever they were shared as, and links that others issued to them are good for nothing. What
 * they have shared with other participants stays so, and they themselves read, export and erase as ever. One who has
 * left already stays so.
 * @throws DomainError `participant_not_found`, `participant_withdrawn`; `forbidden` to who may not put anybody out
 */
export async function leave(scope: Scope, study: StudyId, id: ParticipantId | 'me'): Promise<void> {
  const rule = rules.withdraw
  const found = await scope.stores.departures.begin(callerIn(scope, study), { rule, participant: id })
  const { participant } = found
  // The rule was asked as it was done: whose own wish it was may be let in nowhere by now.
  if (found.left && participant !== undefined) return getOn(scope, { study, participant: participant.id })
  const principal = await identify(scope, found.principal)
  if (participant === undefined || !permits(rules.readParticipant, principal, factsOf(participant.id))) {
    throw denial(principal, participantNotFound())
  }
  throw permits(rule, principal, factsOf(participant.id)) ? participantWithdrawn() : forbidden()
}

/** Has the queue do it at once; the sweep does where the message is lost. */
function getOn(scope: Scope, { study, participant }: Leaving): void {
  scope.defer(scope.enqueue({ kind: 'departure', study, participant }).catch(() => undefined))
}

/** Goes on with a departure for at most so many steps; with more to do it has the queue go on. */
export async function continueDeparture(scope: Scope, { study, participant }: Leaving, steps: number): Promise<void> {
  for (let left = steps; left > 0; left -= 1) {
    const { over, moved } = await scope.stores.departures.step({ study, participant }, scope.now)
    if (over || !moved) return
  }
  await scope.enqueue({ kind: 'departure', study, participant })
}

/** Goes on with departures that nobody has moved on for a while: a step for each of at most `limit`. */
export async function sweepDepartures(
  scope: Scope,
  { limit, onFailure }: { limit: number; onFailure: (failure: unknown) => void },
): Promise<number> {
  const due = await scope.stores.departures.due(scope.now, limit)
  for (const each of due) {
    try {
      await continueDeparture(scope, each, 1)
    } catch (failure) {
      onFailure(failure)
    }
  }
  return due.length
}
